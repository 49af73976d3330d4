# What the command-line tests share. Each test runs in a folder of its own, so that whatever a command
# writes, in the wrong place too, is seen there.
#
# shellcheck disable=SC2154 # status, output, stderr and their _lines are set by `run`

bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
poolmark=$root/poolmark

setup() {
    # Not in $BATS_TEST_TMPDIR itself, where bats keeps files of its own.
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work" || return
    # A command of --cell is split at blanks: relative paths keep those of the project's own path out.
    ln -s "$root/build/mock/mock_cell" mock_cell
    ln -s "$root/build/fixtures" fixtures
    export COLUMNS=80 LC_ALL=C.UTF-8
    # A machine that grants MPI slots by Slurm, or ranks as it likes, would change what is refused.
    unset SLURM_NTASKS OMP_NUM_THREADS
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # Drawing takes a second a run; where figures are looked at, PATH is $real_path.
    mkdir "$BATS_TEST_TMPDIR/path"
    printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/path/gnuplot"
    chmod +x "$BATS_TEST_TMPDIR/path/gnuplot"
    # shellcheck disable=SC2034 # used by the tests that load this file
    real_path=$PATH
    PATH=$BATS_TEST_TMPDIR/path:$PATH
    mark=poolmark-test-$$-$BATS_TEST_NUMBER
    started=() prefix=()
}

# Ends what a test has left: by pid, and only what it started.
teardown() {
    local pid
    for pid in "${started[@]}" $(left_over); do
        kill -KILL "$pid" 2>/dev/null || true
    done
}

# --- running -------------------------------------------------------------------------------------

# The mock cell as the backend `mock`, in the smallest run there is. More options come behind; `prefix` may
# hold what is to stand before, such as env PATH=/nowhere. The base is a real cell: what disturbs it is nothing
# that tests count.
mock_run() {
    "${prefix[@]}" "$poolmark" run --out out --quiet --workload null --tasks 12 --workers 2 --backends mock --reps 2 \
        --launches 1 --retakes 0 "$@"
}

# run_split STATUS COMMAND...: $output and $stderr apart; fails when the exit status is another.
run_split() {
    local expected=$1
    shift
    run --separate-stderr "$@" </dev/null
    [ "$status" -eq "$expected" ] || complain "exit status $status instead of $expected: $*"
}

# Starts a command in the background, with a mark in its environment by which its processes are known;
# $pid is its own.
start() {
    env POOLMARK_TEST_MARK="$mark" "$@" >stdout 2>stderr </dev/null 3>&- &
    pid=$!
    started+=("$pid")
}

# Pids of all living processes that carry the mark.
left_over() {
    grep -lsF "POOLMARK_TEST_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | sed 's|[^0-9]||g'
}

# Waits until none is left; fails after some seconds, with the names of those that are.
assert_none_left() {
    local pids tenths=100
    while pids=$(left_over) && [ -n "$pids" ]; do
        [ $((tenths--)) -gt 0 ] || break
        sleep 0.1
    done
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086
    complain "left behind: $(ps -o pid=,stat=,args= -p ${pids//$'\n'/,})"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local tenths=$(($1 * 10))
    shift
    while ! "$@"; do
        [ $((tenths--)) -gt 0 ] || complain "waited in vain for: $*" || return
        sleep 0.1
    done
}

# Whether a file has at least so many lines.
has_lines() {
    [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

need() {
    command -v "$1" >/dev/null || skip "$1 is absent"
}

need_schedule() {
    "$poolmark" list schedules | grep -q "^$1 " || skip "the schedule $1 is absent"
}

need_mpi() {
    [ -x "$root/poolmark-cell-mpi" ] || skip 'poolmark-cell-mpi was not built'
    need mpirun
}

# A folder bin/ with a driver of its own, and the cells that are named.
make_tree() {
    local name
    mkdir bin
    cp "$poolmark" bin/
    for name in "$@"; do
        cp "$root/$name" bin/
    done
}

# --- judging -------------------------------------------------------------------------------------

complain() {
    printf '%s\n' "$@" "--- standard output" "${output:-}" "--- standard error" "${stderr:-}" >&2
    return 1
}

# assert_words TEXT WORD...: all of them are in it.
assert_words() {
    local text=$1 word
    shift
    for word in "$@"; do
        [[ $text == *"$word"* ]] || complain "'$word' is not in: $text" || return
    done
}

# refused WORD... -- ARGUMENTS of poolmark: exit status 2, one sentence with those words on standard error,
# nothing on standard output, nothing written.
refused() {
    local words=() before after
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    before=$(ls -lAR)
    run_split 2 "$poolmark" "$@" || return
    after=$(ls -lAR)
    [ -z "$output" ] || complain "standard output is not empty: $*" || return
    [ "${#stderr_lines[@]}" -eq 1 ] || complain "not one sentence: $*" || return
    [[ $stderr == 'poolmark: '* ]] || complain "not told by poolmark: $*" || return
    assert_words "$stderr" "${words[@]}" || return
    [ "$before" = "$after" ] || complain "something was written: $*" "$after"
}

# refused_ini WORD... : the same for the configuration on standard input, saved as x.ini.
refused_ini() {
    cat >x.ini
    refused "$@" -- run x.ini --out out
}

# cells FILE COLUMN...: those columns of a CSV file, a row a line, with | between them.
cells() {
    awk -v names="${*:2}" '
    function split_row(row, to,    n, i, c, quoted, cell) {
        n = 0; cell = ""
        for (i = 1; i <= length(row); i++) {
            c = substr(row, i, 1)
            if (c == "\"") {
                if (quoted && substr(row, i + 1, 1) == "\"") { cell = cell c; i++ }
                else quoted = !quoted
            } else if (c == "," && !quoted) { to[++n] = cell; cell = "" }
            else cell = cell c
        }
        to[++n] = cell
        return n
    }
    NR == 1 {
        n_columns = split_row($0, header)
        for (i = 1; i <= n_columns; i++) at[header[i]] = i
        n_names = split(names, name, " ")
        for (i = 1; i <= n_names; i++)
            if (!(name[i] in at)) { print "no column " name[i] > "/dev/stderr"; exit 1 }
        next
    }
    {
        if (split_row($0, row) != n_columns) { print FILENAME ":" NR ": not " n_columns " cells" > "/dev/stderr"; exit 1 }
        line = row[at[name[1]]]
        for (i = 2; i <= n_names; i++) line = line "|" row[at[name[i]]]
        print line
    }' "$1"
}

# The backends of the CSV text in $output, with a cell of each: of FIELD.
output_cells() {
    printf '%s\n' "$output" >output.csv
    cells output.csv "$@"
}

# Every sample of the folder's run is there once: no two rows of a point share launch, group, pass and
# retake, and no order comes twice.
assert_no_twins() {
    local twins
    twins=$(cells "$1/samples.csv" experiment workload tasks backend schedule dispatch chunk workers ranks \
        threads bind launch group pass retake | sort | uniq -d)
    [ -z "$twins" ] || complain "twice in $1/samples.csv: $twins" || return
    twins=$(cells "$1/samples.csv" order | sort | uniq -d)
    [ -z "$twins" ] || complain "twice the order $twins"
}

# workers.csv of the folder fits its samples.csv: a sample of a cell of ours has each of its workers once, one of
# another cell has them or none, and nothing else is there.
assert_workers_fit() {
    local wrong
    wrong=$({
        cells "$1/samples.csv" order workers backend status | sed 's/^/sample|/'
        cells "$1/workers.csv" order worker | sed 's/^/worker|/'
    } | awk -F'|' '
        $1 == "sample" { workers[$2] = $3; ours[$2] = $4 ~ /^(seq|procpool|openmp|mpi|hybrid)/ && $5 == "ok" }
        $1 == "worker" && (!($2 in workers) || $3 >= workers[$2]) { print "worker", $3, "of", $2, "is nobody" }
        $1 == "worker" && seen[$2, $3]++ { print "worker", $3, "of", $2, "comes twice" }
        $1 == "worker" { n[$2]++ }
        END {
            for (order in workers)
                if ((ours[order] || n[order]) && n[order] != workers[order])
                    print "sample", order, "has", n[order] + 0, "workers"
        }')
    [ -z "$wrong" ] || complain "$1/workers.csv: $wrong"
}
