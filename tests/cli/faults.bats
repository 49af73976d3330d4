#!/usr/bin/env bats
# Cells that die, hang, talk nonsense or answer wrongly cost their point, are told with their last words, and
# the run goes on.

load helpers

# faulty_run STATUS OPTIONS: three points on one mock cell of two workers, and one on another of three; the
# options of the mock, which go for the point with chunk 2 on two workers at its second pass.
faulty_run() {
    local expected=$1 command=./mock_cell
    shift
    printf '#!/bin/sh\ncase "$*" in *"--workers 2"*) exec %s %s --when chunk=2 "$@" ;; esac\nexec %s "$@"\n' \
        "$command" "${*@Q}" "$command" >faulty_cell
    chmod +x faulty_cell
    run_split "$expected" "$poolmark" run --out out --workload null --tasks 12 --chunks 1,2,3 --workers 2,3 \
        --backends mock --cell 'mock=./faulty_cell' --reps 3 --launches 2 --retakes 0 --format csv \
        --cell-timeout "${limit:-1min}"
}

# judge_fault STATUS WORD...: the point has one good sample and one of that status whose error has the words;
# so has standard error; all others have theirs.
judge_fault() {
    local status=$1 error
    shift
    [ "$(cells out/samples.csv backend chunk workers status | sort | uniq -c | sort -k2 | xargs)" = \
        "6 mock|1|2|ok 6 mock|1|3|ok 1 mock|2|2|$status 1 mock|2|2|ok 6 mock|2|3|ok 6 mock|3|2|ok 6 mock|3|3|ok 6 seq|12|1|ok" ] ||
        [ "$(cells out/samples.csv backend chunk workers status | grep -v 'mock|2|2' | sort | uniq -c | xargs)" = \
            '6 mock|1|2|ok 6 mock|1|3|ok 6 mock|2|3|ok 6 mock|3|2|ok 6 mock|3|3|ok 6 seq|12|1|ok' ] ||
        complain "samples: $(cells out/samples.csv backend chunk workers status | sort | uniq -c)" || return
    [ "$(cells out/samples.csv chunk workers status | grep '^2|2|' | xargs)" = "2|2|ok 2|2|$status" ] ||
        complain "the point: $(cells out/samples.csv chunk workers status | grep '^2|2|')" || return
    error=$(cells out/samples.csv chunk workers error | sed -n 's/^2|2|\(.\)/\1/p')
    assert_words "$error" "$@" || return
    assert_words "$stderr" "mock" "chunk 2" "$status" "$@" || return
    # Once, not again for every pass.
    [ "$(grep -c 'chunk 2' <<<"$stderr")" -eq 1 ] || complain 'told more than once' || return
    [ "$(output_cells chunk workers n failed verified | grep '^2|2')" = '2|2|1|1|0' ] || complain 'summary' || return
    assert_words "$(output_cells chunk workers flags | grep '^2|2')" failed || return
    run_split 0 "$poolmark" report out
    assert_words "$output" '!' "${1%% *}"
}

# --- the mock ------------------------------------------------------------------------------------

@test "a cell that is killed by a signal" {
    faulty_run 4 --die-at 2 11 --words 'oh_no,_"the_end"'
    judge_fault died 'signal 11 (SIGSEGV)' 'oh no, "the end"'
}

@test "a cell that exits" {
    faulty_run 4 --exit-at 2 7 --words 'out_of_paper'
    judge_fault died 'exit status 7' 'out of paper'
}

@test "a cell that exits with status 0" {
    faulty_run 4 --exit-at 2 0
    judge_fault died 'exit status 0'
}

@test "a cell that hangs, and does not end when asked" {
    limit=700ms faulty_run 4 --hang-at 2 --words 'thinking' --stubborn
    judge_fault timeout '700 ms' 'thinking'
}

@test "a cell that talks nonsense" {
    faulty_run 4 --nonsense-at 2
    judge_fault nonsense '%&/ this is no "JSON"'
}

@test "a cell that answers with an unknown status" {
    faulty_run 4 --status-at 2 splendid
    judge_fault nonsense 'splendid'
}

@test "a cell that says wrong" {
    faulty_run 1 --status-at 2 wrong
    judge_fault wrong 'scripted'
}

@test "a cell that says error" {
    faulty_run 1 --status-at 2 error
    judge_fault error 'scripted'
}

@test "a cell that says that a worker died" {
    faulty_run 4 --status-at 2 died
    judge_fault died 'scripted'
}

@test "answers that lack or break a member" {
    local with
    for with in '{"wall_ns":-5}' '{"wall_ns":1.5}' '{"wall_ns":"1"}' '{"wall_ns":null}' '{"id":99}' \
        '{"id":null}' '{"verified":"yes"}' '{"status":7}' '{"chunks":-3}' '{"close_ns":-1}'; do
        rm -rf out
        run_split 4 mock_run --cell "mock=./mock_cell --with $with" --format csv
        [ "$(cells out/samples.csv backend status wall_ns | sed -n 's/^mock|\([a-z]*\)|.*/\1/p')" = nonsense ] ||
            complain "not called nonsense: $with"
    done
    for with in wall_ns id status; do
        rm -rf out
        run_split 4 mock_run --cell "mock=./mock_cell --without $with" --format csv
        [ "$(cells out/samples.csv backend status | grep mock)" = 'mock|nonsense' ]
    done
}

@test "answers that do not say that they were verified are not counted" {
    local option
    for option in '--without verified' '--with {"verified":false}'; do
        rm -rf out
        run_split 1 mock_run --cell "mock=./mock_cell $option" --format csv
        [ "$(cells out/samples.csv backend status | grep mock)" = 'mock|wrong' ]
        [ "$(output_cells backend n failed verified | grep mock)" = 'mock|0|1|0' ]
        assert_words "$stderr" 'verified'
    done
}

@test "a cell cannot change which sample it answers" {
    run_split 0 mock_run --format csv \
        --cell 'mock=./mock_cell --with {"order":9,"launch":5,"pass":77,"group":3,"cell_pid":1,"taken_at_ns":1}'
    [ "$(cells out/samples.csv order | sort -n | xargs)" = '0 1 2 3' ]
    [ "$(cells out/samples.csv launch pass group | sort -u | xargs)" = '0|0|0 0|1|0' ]
    [ "$(cells out/samples.csv cell_pid taken_at_ns | grep -c '^1|\||1$')" -eq 0 ]
}

@test "a cell may send members that nobody knows" {
    run_split 0 mock_run --cell 'mock=./mock_cell --with {"colour":"blue","nested":[{"a":1}]}'
}

@test "a healthy point survives many that kill its cell" {
    printf '#!/bin/sh\nexec ./mock_cell --die-at 1 11 --when schedule=dynamic "$@"\n' >faulty_cell
    chmod +x faulty_cell
    run_split 4 "$poolmark" run --out out --quiet --workload null --tasks 12 --chunks 1..6 \
        --schedules dynamic,static --workers 2 --backends mock --cell 'mock=./faulty_cell' --reps 2 --launches 1 --format csv
    [ "$(cells out/samples.csv schedule status | grep -v none | sort | uniq -c | xargs)" = \
        '6 dynamic|died 12 static|ok' ]
}

# --- the start -----------------------------------------------------------------------------------

@test "a cell that declines because the machine lacks something is a missing backend" {
    run_split 3 mock_run --backends mock,procpool --chunks 1,2,3 --format csv \
        --cell 'mock=./mock_cell --hello-error it_needs_a_part_that_is_absent'
    assert_words "$stderr" mock 'not available' 'it needs a part that is absent'
    [ "$(grep -c 'not available' <<<"$stderr")" -eq 1 ]
    [ "$(cells out/samples.csv backend status | sort | uniq -c | xargs)" = '6 procpool|ok 2 seq|ok' ]
    assert_words "$(cat out/manifest.json)" 'it needs a part that is absent'
}

@test "a cell that dies before its hello, or greets wrongly: told with the reason, once a point" {
    local option
    for option in '--hello-error bad_line --hello-status 2' '--hello good_evening' '--hello {"protocol":7}' \
        '--hello [1,2]' '--no-such-option'; do
        rm -rf out
        run_split 4 mock_run --chunks 1..7 --cell "mock=./mock_cell $option" --format csv
        [ "$(cells out/samples.csv backend status | sort | uniq -c | sort -k2 | head -n 1 | xargs)" = '7 mock|died' ] ||
            complain "$option: $(cells out/samples.csv backend status)"
    done
    assert_words "$stderr" 'no-such-option'
    [ "$(cells out/samples.csv error | grep -c 'no-such-option')" -eq 7 ]
}

@test "a program of one's own that is not there, or cannot be run" {
    run_split 3 mock_run --cell 'mock=./no_such_program' --format csv
    assert_words "$stderr" mock './no_such_program'
    rm -rf out
    : >plain_file
    run_split 3 mock_run --cell 'mock=./plain_file' --format csv
    assert_words "$stderr" mock './plain_file'
    rm -rf out
    run_split 3 mock_run --cell 'mock=no-such-program-in-path' --format csv
    assert_words "$stderr" mock 'no-such-program-in-path'
}

@test "a cell that takes long to start is waited for, whatever the limit for a sample" {
    run_split 0 mock_run --cell-timeout 1s --cell 'mock=./mock_cell --late 2s' --format csv
    [ "$(output_cells backend n failed | grep mock)" = 'mock|2|0' ]
}

# --- real cells ----------------------------------------------------------------------------------

# real_fault STATUS FAULT BACKEND: a plug-in that misbehaves beside one that does not; $error is what the
# parallel point says.
real_fault() {
    local expected=$1 fault=$2 backend=$3
    rm -rf out
    run_split "$expected" env POOLMARK_TEST_MARK="$mark" "$poolmark" run --out out --quiet \
        --workload "./fixtures/plugin_fault.so fault=$fault at=3|square" --tasks 10 --workers 2 --oversubscribe \
        --backends "$backend" --reps 2 --launches 1 --retakes 0 --format csv "${@:4}" || return
    [ "$(cells out/samples.csv workload backend status | grep '^square' | sort | uniq -c | xargs)" = \
        "2 square results=no|$backend|ok 2 square results=no|seq|ok" ] || complain 'the healthy point' || return
    error=$(cells out/samples.csv workload backend error | grep -v '^square' | sed -n "s/.*|$backend|//p")
    [ "$(grep -c . <<<"$error")" -eq 1 ] || complain "errors: $error" || return
    assert_none_left
}

@test "procpool: a worker dies, exits, answers wrongly" {
    real_fault 4 segv procpool
    assert_words "$error" 'worker' 'signal 11 (SIGSEGV)'
    real_fault 4 exit procpool
    assert_words "$error" 'worker' 'status 7'
    real_fault 1 wrong procpool
    assert_words "$error" '46' '45'
}

@test "openmp: the process dies, exits, answers wrongly" {
    real_fault 4 segv openmp
    assert_words "$error" 'signal 11 (SIGSEGV)'
    real_fault 4 exit openmp
    assert_words "$error" 'exit status 7'
    real_fault 1 wrong openmp
    assert_words "$error" '46' '45'
}

@test "mpi: a rank dies, answers wrongly" {
    need_mpi
    real_fault 4 segv mpi
    real_fault 1 wrong mpi
    assert_words "$error" '46' '45'
}

@test "mpi: what is told of a rank that died names its signal" {
    need_mpi
    real_fault 4 segv mpi
    [[ $error == *'signal 11'* || $error == *SIGSEGV* ]] || complain "no signal in: $error"
}

@test "procpool: a worker hangs" {
    real_fault 4 hang procpool --cell-timeout 700ms
    assert_words "$error" '700 ms'
}

# --- parts that are absent -----------------------------------------------------------------------

@test "without poolmark-cell-mpi: said with the remedy, the rest is measured, exit 3" {
    make_tree poolmark-cell
    run_split 3 bin/poolmark run --out out --workload null --tasks 10 --workers 2 --oversubscribe \
        --backends mpi,procpool,hybrid --reps 1 --launches 1 --format csv
    assert_words "$stderr" 'mpi' 'hybrid' 'not available' 'poolmark-cell-mpi' 'make'
    [ "$(output_cells backend verified | xargs)" = 'seq|1 procpool|1' ]
    assert_words "$(cat out/manifest.json)" '"missing"' 'poolmark-cell-mpi'
    run_split 0 bin/poolmark list backends
    assert_words "$output" 'not available'
    # The run can be reported anywhere.
    run_split 0 "$poolmark" report out --format csv
    [ "$output" = "$(cat out/summary.csv)" ]
}

@test "without mpirun: said with the remedy, exit 3" {
    [ -x "$root/poolmark-cell-mpi" ] || skip 'poolmark-cell-mpi was not built'
    run_split 3 env PATH=/nowhere "$poolmark" run --out out --workload null --tasks 10 --workers 2 --backends mpi,procpool \
        --oversubscribe --reps 1 --launches 1 --format csv
    assert_words "$stderr" 'mpirun' 'PATH' 'install'
    [ "$(output_cells backend verified | xargs)" = 'seq|1 procpool|1' ]
}

@test "without any cell: said with the remedy, exit 3" {
    make_tree
    run_split 3 bin/poolmark run --out out --workload null --tasks 10 --workers 2 --reps 1 --launches 1 --format csv
    assert_words "$stderr" 'seq' 'procpool' 'not available' 'poolmark-cell' 'make'
}

@test "installed apart: cells are found in libexec" {
    mkdir -p bin libexec/poolmark
    cp "$poolmark" bin/
    cp "$root/poolmark-cell" libexec/poolmark/
    bin/poolmark run --out out --quiet --workload null --tasks 10 --workers 2 --reps 1 --launches 1 --format csv >/dev/null
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
}

@test "without gnuplot: said, exit unaffected; plot ends with 3" {
    prefix=(env PATH=/nowhere)
    run_split 0 mock_run --workers 1,2 --cell 'mock=./mock_cell'
    assert_words "$stderr" 'gnuplot' 'install'
    run_split 3 env PATH=/nowhere "$poolmark" plot out
    assert_words "$stderr" 'gnuplot' 'install'
    run_split 0 env PATH=/nowhere "$poolmark" report out
    [ -z "$stderr" ]
}

@test "a gnuplot that fails is told" {
    mkdir path
    printf '#!/bin/sh\n[ "$1" != --version ] || { echo gnuplot 5.4; exit; }\necho no pens today >&2\nexit 3\n' >path/gnuplot
    chmod +x path/gnuplot
    prefix=(env PATH="$PWD/path:$PATH")
    run_split 0 mock_run --workers 1,2 --cell 'mock=./mock_cell'
    assert_words "$stderr" 'figure' 'no pens today'
}
