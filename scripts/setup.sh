#!/bin/sh
# Installs what the project needs and this machine lacks, through the system's package manager.
#
#   scripts/setup.sh [build|bench|check|lint]   install what is absent for that purpose (default: bench)
#   scripts/setup.sh --have                     print the parts that work here, one word each
#   scripts/setup.sh --explain PART ...         say what the parts are for and how to get them
#
# Decides by what works (commands, headers, libraries), never by package names. When nothing is absent it
# does and says nothing. As root, or with a sudo that asks for no password, it installs; otherwise it
# prints the one command to run. It always goes on with what is there: exit status 0, but 2 for usage.
#
# Environment: CC, CPPFLAGS, CFLAGS, LDFLAGS, CLANG, MPICC, MPIRUN and PKG_CONFIG, as for make.
#
# The functions of the table are called through it, and lists of words are split on purpose:
# shellcheck disable=SC2317,SC2086
set -u

# One row a part: name | first purpose that needs it | how it is looked for | packages of apt | of dnf
#                      | of pacman | of brew | what it is
# Purposes add up, from left to right: build, bench, check, lint. Purpose "-": only looked for.
parts='
cc          |build|has_cc                              |gcc libc6-dev             |gcc               |gcc       |gcc         |a C11 compiler
make        |build|has_command make                    |make                      |make              |make      |make        |GNU make
pkg-config  |bench|has_command pkg-config              |pkg-config                |pkgconf-pkg-config|pkgconf   |pkgconf     |finds libraries
hwloc       |build|has_library hwloc hwloc.h           |libhwloc-dev              |hwloc-devel       |hwloc     |hwloc       |topology and binding
gsl         |build|has_library gsl gsl/gsl_statistics.h|libgsl-dev                |gsl-devel         |gsl       |gsl         |statistics
jansson     |build|has_library jansson jansson.h       |libjansson-dev            |jansson-devel     |jansson   |jansson     |JSON
inih        |build|has_library inih ini.h              |libinih-dev               |inih-devel        |libinih   |inih        |configuration files
openmp      |-    |has_openmp                          |gcc libgomp1              |gcc libgomp       |gcc       |gcc         |OpenMP, for the backend openmp: gcc has it
libomp      |bench|has_libomp                          |clang libomp-dev          |clang libomp-devel|clang openmp|llvm libomp|clang with the OpenMP of LLVM, for the backend openmp:llvm
mpi         |bench|has_mpi                             |openmpi-bin libopenmpi-dev|openmpi-devel     |openmpi   |open-mpi    |Open MPI, for the backends mpi and hybrid
mpi-openmp  |-    |has_mpi_openmp                      |gcc libgomp1              |gcc libgomp       |gcc       |gcc         |OpenMP in the compiler behind mpicc, for the backend hybrid: gcc has it
gnuplot     |bench|has_command gnuplot                 |gnuplot-nox               |gnuplot-minimal   |gnuplot   |gnuplot     |plots
font        |bench|has_font                            |fonts-dejavu-core         |dejavu-sans-fonts |ttf-dejavu|font-dejavu |letters for the plots
check       |check|has_library check check.h           |check                     |check-devel       |check     |check       |unit tests
bats        |check|has_command bats                    |bats                      |bats              |bats      |bats-core   |command-line tests
spin        |check|has_command spin                    |spin                      |spin              |spin      |spin        |checks the models of the protocols
valgrind    |check|has_command valgrind                |valgrind                  |valgrind          |valgrind  |valgrind    |memory errors and leaks
clang-format|lint |has_command clang-format            |clang-format              |clang-tools-extra |clang     |clang-format|layout of the code
cppcheck    |lint |has_command cppcheck                |cppcheck                  |cppcheck          |cppcheck  |cppcheck    |static analysis
shellcheck  |lint |has_command shellcheck              |shellcheck                |ShellCheck        |shellcheck|shellcheck  |static analysis of scripts
'

: "${CC:=cc}" "${CPPFLAGS:=}" "${CFLAGS:=}" "${LDFLAGS:=}"
: "${CLANG:=clang}" "${MPICC:=mpicc}" "${MPIRUN:=mpirun}" "${PKG_CONFIG:=pkg-config}"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '%s\n' "$*" >&2
}

# --- what works here ------------------------------------------------------------------------------

has_command() {
    command -v "$1" >/dev/null 2>&1
}

has_cc() {
    has_command ${CC%% *}
}

# Compiles and links the program on standard input: compiles COMPILER ARGUMENT...
compiles() {
    compiler=$1
    shift
    $compiler $CPPFLAGS $CFLAGS -x c - -o "$work/probe" $LDFLAGS "$@" >/dev/null 2>&1
}

has_library() {
    $PKG_CONFIG --exists "$1" 2>/dev/null && return
    has_cc && printf '#include <stdio.h>\n#include <%s>\nint main(void) { return 0; }\n' "$2" |
        compiles "$CC" "-l$1"
}

has_openmp() {
    has_cc && printf '#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n' |
        compiles "$CC" -fopenmp
}

has_libomp() {
    has_command ${CLANG%% *} && printf '#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n' |
        compiles "$CLANG" -fopenmp=libomp
}

# Debian's mpicc is in one package and its headers are in another.
has_mpi() {
    has_command ${MPICC%% *} && has_command ${MPIRUN%% *} && printf '#include <mpi.h>\n' |
        $MPICC $CPPFLAGS $CFLAGS -x c -E - >/dev/null 2>&1
}

has_mpi_openmp() {
    has_mpi && printf '#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n' |
        compiles "$MPICC" -fopenmp
}

has_font() {
    for folder in /usr/share/fonts /usr/local/share/fonts /Library/Fonts /System/Library/Fonts "${HOME:-}/.fonts" \
        "${HOME:-}/.local/share/fonts"; do
        [ -d "$folder" ] || continue
        [ -z "$(find "$folder" \( -name '*.[to]tf' -o -name '*.ttc' \) -print 2>/dev/null | head -n 1)" ] || return 0
    done
    return 1
}

# --- the table ------------------------------------------------------------------------------------

# Calls "$1 name purpose test apt dnf pacman brew meaning" for each row.
each_part() {
    while IFS='|' read -r name purpose test apt dnf pacman brew meaning; do
        [ -n "$name" ] || continue
        # Unquoted echo: takes the padding away.
        # shellcheck disable=SC2116
        "$1" $name $purpose "$test" "$(echo $apt)" "$(echo $dnf)" "$(echo $pacman)" "$(echo $brew)" "$meaning"
    done <<TABLE
$parts
TABLE
}

print_if_there() {
    ! $3 || echo "$1"
}

# Adds to `absent` and `packages` what $purposes need and is not there.
note_if_absent() {
    case " $purposes " in
    *" $2 "*) ;;
    *) return ;;
    esac
    $3 && return
    absent="$absent $1"
    note_packages "$@"
}

note_packages() {
    case $manager in
    dnf) packages="$packages $5" ;;
    pacman) packages="$packages $6" ;;
    brew) packages="$packages $7" ;;
    *) packages="$packages $4" ;;
    esac
}

explain_if_named() {
    case " $named " in
    *" $1 "*) ;;
    *) return ;;
    esac
    printf '  %-11s %s\n' "$1" "$8" >&2
    note_packages "$@"
}

# --- package managers -----------------------------------------------------------------------------

find_manager() {
    manager=
    for candidate in apt-get dnf pacman brew; do
        if has_command $candidate; then
            manager=$candidate
            return
        fi
    done
}

# Each package once.
unique() {
    printf '%s\n' $1 | awk '!seen[$0]++' | tr '\n' ' ' | sed 's/ $//'
}

# The command that a person would type.
command_for() {
    sudo='sudo '
    [ "$(id -u)" -ne 0 ] || sudo=''
    case $manager in
    apt-get) echo "${sudo}apt-get install -y --no-install-recommends $1" ;;
    dnf) echo "${sudo}dnf install -y $1" ;;
    pacman) echo "${sudo}pacman -S --needed $1" ;;
    brew) echo "brew install $1" ;;
    *) echo "install with your package manager (names as in Debian): $1" ;;
    esac
}

# Waits at most so many seconds where `timeout` is there.
limited() {
    if has_command timeout; then
        timeout --foreground -k 10 "$@"
    else
        shift
        "$@"
    fi
}

# Runs apt-get for at most so many seconds: apt SECONDS ARGUMENT... Its options keep it from waiting for ever
# for a network that is not there or a lock that is held.
apt() {
    seconds=$1
    shift
    limited "$seconds" $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=2 \
        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Use-Pty=0 "$@"
}

# Installs the packages in $packages; output goes to the log alone.
install_packages() {
    case $manager in
    apt-get)
        apt 240 update || true # a source that does not answer may not be the one that is needed
        known=
        for package in $packages; do
            if apt-cache show "$package" >/dev/null 2>&1; then
                known="$known $package"
            else
                say "poolmark: no package source here knows $package"
            fi
        done
        [ -n "$known" ] && apt 1200 install -y --no-install-recommends $known
        ;;
    dnf) $as_root dnf install -y --setopt=timeout=20 --setopt=retries=2 --setopt=install_weak_deps=False $packages ;;
    pacman) $as_root pacman -Sy --needed --noconfirm $packages ;;
    brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install $packages ;;
    esac
}

# Sets as_root to what must stand before a command that installs; fails when there is no such thing.
may_install() {
    as_root=
    [ -n "$manager" ] || return 1
    [ "$manager" != brew ] || return 0
    [ "$(id -u)" -ne 0 ] || return 0
    as_root='sudo -n'
    sudo -n true >/dev/null 2>&1
}

look() {
    absent=''
    packages=''
    each_part note_if_absent
    packages=$(unique "$packages")
}

install_what_is_absent() {
    find_manager
    look
    [ -n "$absent" ] || return 0
    if ! may_install; then
        say "poolmark: not here:$absent. To install it, run"
        say "    $(command_for "$packages")"
        return 0
    fi
    say "poolmark: installing $packages"
    status=0
    install_packages >"$work/log" 2>&1 || status=$?
    look
    [ -n "$absent" ] || return 0
    tail -n 15 "$work/log" >&2
    say "poolmark: still not here:$absent ($manager ended with status $status). To try again, run"
    say "    $(command_for "$packages")"
}

explain() {
    find_manager
    named=$*
    packages=
    each_part explain_if_named
    say "to install: make setup"
    say "or by hand: $(command_for "$(unique "$packages")")"
}

case ${1:-bench} in
--have) each_part print_if_there ;;
--explain)
    shift
    explain "$@"
    ;;
build | bench | check | lint)
    purposes=build
    for purpose in bench check lint; do
        case $purposes in
        *"${1:-bench}") break ;;
        esac
        purposes="$purposes $purpose"
    done
    install_what_is_absent
    ;;
*)
    say "usage: scripts/setup.sh [build|bench|check|lint] | --have | --explain PART ..."
    exit 2
    ;;
esac
exit 0
