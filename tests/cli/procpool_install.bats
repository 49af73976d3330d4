#!/usr/bin/env bats
# The process pool as a library of its own: what `make install` puts where, whether the examples compile
# and run from there and nowhere else, what the libraries show, and whether `make uninstall` takes all away.

load helpers

# Installs once for the whole file. Variables that were given to `make check` hold here too, by way of
# MAKEFLAGS, so that nothing is built again.
setup_file() {
    export installed=$BATS_FILE_TMPDIR/prefix
    make -C "$root" install prefix="$installed" DESTDIR= >"$BATS_FILE_TMPDIR/log" 2>&1 || {
        cat "$BATS_FILE_TMPDIR/log" >&2
        return 1
    }
    export PKG_CONFIG_PATH=$installed/lib/pkgconfig
    unset LD_LIBRARY_PATH PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
}

compiler=${CC:-cc}

# compile NAME FLAG...: the installed example NAME, as ./NAME.
compile() {
    # The compiler may be several words.
    # shellcheck disable=SC2086
    run_split 0 $compiler -Wall -Wextra -Werror "$installed/share/doc/procpool/examples/$1.c" "${@:2}" -o "$1" ||
        return
    [ -z "$stderr" ] || complain "the compiler complains of $1.c"
}

# Words of pkg-config for procpool, in the array `flags`.
ask_pkg_config() {
    need pkg-config
    run_split 0 pkg-config "$@" procpool || return
    read -ra flags <<<"$output"
}

# The three examples, compiled already, say what they should.
assert_examples() {
    run_split 0 env POOLMARK_TEST_MARK="$mark" ./squares || return
    [ "$output" = '1000 squares, sum 332833500' ] || complain squares || return
    run_split 0 env POOLMARK_TEST_MARK="$mark" ./squares 100000 || return
    [ "$output" = '100000 squares, sum 333328333350000' ] || complain squares || return

    run_split 0 env POOLMARK_TEST_MARK="$mark" ./progress || return
    [ "$output" = '60 files, 1830 lines, 0 failed' ] || complain progress || return
    [[ $stderr == *$'\r60 of 60, 0 failed'* ]] || complain 'no progress line at the end' || return

    run_split 0 env POOLMARK_TEST_MARK="$mark" ./survivor || return
    diff - <(printf '%s\n' "$output") <<TEXT || complain survivor || return
item  0: done, result 0
item  1: done, result 10
item  2: lost, Segmentation fault
item  3: done, result 30
item  4: lost, exit status 3
item  5: done, result 50
item  6: done, result 60
item  7: lost, Segmentation fault
item  8: done, result 80
item  9: failed, code 5: no such row: 9
item 10: done, result 100
item 11: done, result 110
4 of 12 failed
TEXT
    assert_none_left
}

# Public functions as the header declares them, a name a line; not the types of functions.
declared() {
    tr '\n' ' ' <"$root/src/procpool/procpool.h" | sed 's|/\*|\n&|g; s|\*/|&\n|g' | grep -v '^/\*' | tr '\n' ' ' |
        tr ';' '\n' | grep -v typedef | grep -oE '[ *]procpool_[a-z_]+\(' | tr -d ' *(' | grep -vxE 'procpool_leave_.*' |
        sort -u
    printf '%s\n' procpool_leave_draining procpool_leave_terminating
}

@test "the files of the library, and no other, are where they belong" {
    cd "$installed"
    run_split 0 find . ! -type d -path '*procpool*'
    diff <(sort <<<"$output") - <<'TEXT'
./include/procpool.h
./lib/libprocpool.a
./lib/libprocpool.so
./lib/libprocpool.so.0
./lib/pkgconfig/procpool.pc
./share/doc/poolmark/procpool.md
./share/doc/procpool/LICENSE
./share/doc/procpool/examples/progress.c
./share/doc/procpool/examples/squares.c
./share/doc/procpool/examples/survivor.c
./share/doc/procpool/procpool.md
./share/man/man3/procpool.3
TEXT
    [ "$(readlink lib/libprocpool.so)" = libprocpool.so.0 ]
    cmp include/procpool.h "$root/src/procpool/procpool.h"
    [ -f include/poolmark/workload.h ]
    [ -f share/man/man1/poolmark.1 ]
}

@test "pkg-config knows version, folders and threads" {
    need pkg-config
    version=$(sed -n 's/^#define POOLMARK_VERSION "\(.*\)"/\1/p' "$root/src/base/version.h")
    [ "$(pkg-config --modversion procpool)" = "$version" ]
    [ "$(pkg-config --variable=prefix procpool)" = "$installed" ]
    ask_pkg_config --cflags --libs
    [ "${flags[*]}" = "-I$installed/include -L$installed/lib -lprocpool" ]
    ask_pkg_config --static --libs
    [ "${flags[*]}" = "-L$installed/lib -lprocpool -pthread" ]
}

@test "the examples, with the shared library" {
    ask_pkg_config --cflags --libs
    for name in squares progress survivor; do
        compile $name "${flags[@]}"
        readelf -d $name | grep -q 'NEEDED.*\[libprocpool\.so\.0\]'
    done
    export LD_LIBRARY_PATH=$installed/lib
    assert_examples
}

@test "the examples, with the static library" {
    ask_pkg_config --cflags
    for name in squares progress survivor; do
        compile $name "${flags[@]}" "$installed/lib/libprocpool.a" -pthread
        run ! grep -q libprocpool.so <(readelf -d $name)
    done
    assert_examples
}

@test "the examples, all static" {
    # Without libc.a there are no static programs here.
    # shellcheck disable=SC2086
    [ "$($compiler -print-file-name=libc.a)" != libc.a ] || skip 'libc.a is absent'
    ask_pkg_config --static --cflags --libs
    for name in squares progress survivor; do
        compile $name -static "${flags[@]}"
    done
    assert_examples
}

@test "the first programs of docs/procpool.md and of the man page" {
    ask_pkg_config --cflags
    sed -n '/^```c$/,/^```$/p' "$installed/share/doc/procpool/procpool.md" | grep -v '^```' >page.c
    sed -n '/^#include <procpool.h>$/,/^\.Ed$/p' "$installed/share/man/man3/procpool.3" | grep -v '^\.Ed$' |
        sed 's/\\e/\\/g' >man.c
    for name in page man; do
        # shellcheck disable=SC2086
        run_split 0 $compiler -Wall -Wextra -Werror $name.c "${flags[@]}" "$installed/lib/libprocpool.a" -pthread \
            -o $name
        run_split 0 ./$name
        [ "$output" = 9801 ]
    done
}

@test "the shared library shows the functions of the header and nothing else, and needs libc alone" {
    need nm
    need readelf
    nm -D --defined-only "$installed/lib/libprocpool.so.0" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        sort >shown
    declared | sort >expected
    [ "$(wc -l <expected)" -gt 40 ]
    diff expected shown
    readelf -d "$installed/lib/libprocpool.so.0" >dynamic
    grep -q 'SONAME.*\[libprocpool\.so\.0\]' dynamic
    sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' dynamic >needed
    run ! grep -vE '^(libc|libpthread|librt|ld-linux.*)\.so\.[0-9]+$' needed
    run ! grep -q TEXTREL dynamic
}

@test "the static library defines no other name that a program could clash with" {
    need nm
    nm -g --defined-only "$installed/lib/libprocpool.a" | awk 'NF == 3 { print $3 }' | sort >shown
    declared | sort | diff - shown
}

@test "the header stands alone, in C11 and in C++" {
    # Twice: it guards itself.
    printf '#include <procpool.h>\n#include <procpool.h>\nint nothing;\n' >alone.c
    # shellcheck disable=SC2086
    run_split 0 $compiler -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror \
        -I"$installed/include" -c alone.c
    [ -z "$stderr" ]

    need g++
    cat >alone.cc <<'TEXT'
#include <procpool.h>

#include <cstdint>

static int square(procpool_task *task)
{
    *static_cast<uint64_t *>(task->result) = task->index * task->index;
    return 0;
}

int main()
{
    procpool_options options = {};
    options.processes = 2;
    PROCPOOL_TERMINATING procpool *pool = procpool_new(&options, nullptr);
    uint64_t squares[10] = {};
    procpool_call call = {};
    call.function = square;
    call.n = 10;
    call.results = squares;
    call.result_bytes = sizeof squares[0];
    return procpool_map(pool, &call, nullptr) == 0 && squares[9] == 81 ? 0 : 1;
}
TEXT
    run_split 0 g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$installed/include" alone.cc \
        "$installed/lib/libprocpool.a" -pthread -o alone
    run_split 0 ./alone
}

@test "below DESTDIR: prefix stays what it is, and uninstall leaves no file" {
    for goal in install-library install; do
        run_split 0 make -C "$root" $goal prefix=/opt/pool DESTDIR="$PWD/stage"
        [ "$(ls stage)" = opt ]
        [ "$(ls stage/opt)" = pool ]
        head -n 1 stage/opt/pool/lib/pkgconfig/procpool.pc | grep -qx 'prefix=/opt/pool'
        run ! grep -r stage stage/opt/pool/lib/pkgconfig
        run_split 0 make -C "$root" uninstall prefix=/opt/pool DESTDIR="$PWD/stage"
        run_split 0 find stage ! -type d
        [ -z "$output" ]
    done
}
