#!/usr/bin/env bats
# Runs that end early: killed, interrupted, out of time. No process is left, no sample lost, and --resume
# finishes.

load helpers

# A run in the background of 80 samples, 60 of which take 30 ms each; comes back when some are there.
begin() {
    start "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --chunks 1,2,3 \
        --reps 10 --launches 2 --retakes 0 --cell 'mock=./mock_cell --pace 30ms' --format csv
    wait_for 20 has_lines out/samples.csv 8
}

# finish: resumes out/, and judges that every point has all its samples, none of those before lost.
finish() {
    cp out/samples.csv before.csv
    run_split 0 "$poolmark" run --resume out --quiet --format csv || return
    local whole
    whole=$(wc -l <before.csv)
    cmp <(head -n "$whole" before.csv) <(head -n "$whole" out/samples.csv) || return
    assert_no_twins out || return
    [ "$(cells out/samples.csv order | sort -n | awk '$1 != NR - 1' | wc -l)" -eq 0 ] || complain 'orders have holes' ||
        return
    assert_workers_fit out
}

# Whether every point has so many good samples and nothing else.
all_samples() {
    [ "$(cells out/samples.csv backend chunk status | sort | uniq -c | xargs)" = \
        "$1 mock|1|ok $1 mock|2|ok $1 mock|3|ok $1 seq|12|ok" ] ||
        complain "$(cells out/samples.csv backend chunk status | sort | uniq -c)"
}

@test "SIGKILL in mid-run, and --resume" {
    begin
    kill -KILL "$pid"
    wait "$pid" || true
    assert_none_left
    [ "$(wc -l <out/samples.csv)" -lt 81 ]
    finish
    all_samples 20
    # Nothing is left to do.
    cp out/samples.csv before.csv
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    cmp before.csv out/samples.csv
}

@test "SIGKILL twice, and a cut-off line" {
    begin
    kill -KILL "$pid"
    wait "$pid" || true
    printf 'command-line,null,1,12,mo' >>out/samples.csv
    local n
    n=$(wc -l <out/samples.csv)
    # The workers of the sample whose row was cut off, and of one that got none.
    printf '%d,%d,0,0,1,1,0,9,9,0\n' $((n - 1)) 0 $((n - 1)) 1 $n 0 >>out/workers.csv
    printf '%d,1,0,0,1' $n >>out/workers.csv
    start "$poolmark" run --resume out --quiet --format csv
    wait_for 20 has_lines out/samples.csv $((n + 4))
    kill -KILL "$pid"
    wait "$pid" || true
    assert_none_left
    finish
    all_samples 20
}

# Whether all real cells of the tests below are up: 1 + 2 + 2 workers, and 2 ranks.
cells_are_up() {
    has_lines out/placements.csv "$((1 + $1))"
}

@test "SIGKILL leaves no cell, worker or thread, and --resume finishes on real cells" {
    start "$poolmark" run --out out --workload 'sleep time=5ms' --tasks 4 --workers 2 --backends procpool,openmp \
        --schedules dynamic,static --reps 20 --launches 1 --retakes 0 --trace --format csv
    wait_for 30 has_lines out/samples.csv 10
    [ "$(left_over | wc -l)" -ge 6 ]
    kill -KILL "$pid"
    wait "$pid" || true
    assert_none_left
    printf '%d,0,0,0,0,0,0,4,1,9\n' "$(($(wc -l <out/samples.csv) - 1))" >>out/trace.csv # of a sample in flight
    finish
    [ "$(cells out/trace.csv order count | awk -F'|' '{ n[$1] += $2 } END { for (o in n) print n[o] }' |
        sort | uniq -c | xargs)" = '100 4' ]
    [ "$(cells out/samples.csv backend schedule status | sort | uniq -c | xargs)" = \
        '20 openmp|dynamic|ok 20 openmp|static|ok 20 procpool|dynamic|ok 20 procpool|static|ok 20 seq|none|ok' ]
}

@test "SIGKILL leaves no rank and no mpirun, and --resume finishes" {
    need_mpi
    start "$poolmark" run --out out --workload 'sleep time=5ms' --tasks 4 --workers 2 --backends mpi,hybrid \
        --oversubscribe --reps 25 --launches 1 --retakes 0 --format csv
    wait_for 60 has_lines out/samples.csv 8
    [ "$(left_over | wc -l)" -ge 5 ]
    kill -KILL "$pid"
    wait "$pid" || true
    assert_none_left
    finish
    [ "$(cells out/samples.csv backend status | sort | uniq -c | xargs)" = '25 hybrid|ok 25 mpi|ok 25 seq|ok' ]
}

@test "SIGKILL leaves nothing of cells whose workers hang" {
    local backends=procpool,openmp workers=5
    if [ -x "$root/poolmark-cell-mpi" ] && command -v mpirun >/dev/null; then
        backends+=,mpi workers=7
    fi
    start "$poolmark" run --out out --workload './fixtures/plugin_fault.so fault=hang at=3' --tasks 10 --workers 2 \
        --backends $backends --oversubscribe --reps 1 --launches 1 --cell-timeout 1min
    wait_for 60 cells_are_up $workers
    sleep 0.3
    kill -KILL "$pid"
    wait "$pid" || true
    assert_none_left
}

@test "SIGINT: exit 130, finished samples are kept and reported, nothing is left" {
    begin
    kill -INT "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    assert_none_left
    output=$(cat stdout)
    [ "$(output_cells backend n | grep -c mock)" -ge 1 ]
    [ "$(cat stdout)" = "$(cat out/summary.csv)" ]
    assert_words "$(cat stderr)" 'interrupted' '--resume out'
    assert_words "$(cat out/manifest.json)" '"interrupted": true'
    local n
    n=$(($(wc -l <out/samples.csv) - 1))
    [ "$(output_cells n | awk '{ n += $1 } END { print n }')" -eq "$n" ]
    finish
    all_samples 20
}

@test "SIGTERM and SIGHUP end a run in the same way" {
    local signal
    for signal in TERM HUP; do
        rm -rf out
        begin
        kill -"$signal" "$pid"
        local status=0
        wait "$pid" || status=$?
        [ "$status" -eq 130 ]
        assert_none_left
        [ -s out/summary.csv ]
    done
}

@test "SIGINT while a cell hangs" {
    start "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --reps 3 --launches 1 \
        --cell 'mock=./mock_cell --hang-at 2 --stubborn' --format csv
    wait_for 20 has_lines out/samples.csv 3
    sleep 0.5
    kill -INT "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    assert_none_left
    # The sample in flight is not one that failed.
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
}

@test "SIGINT before any sample" {
    start "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --reps 3 --launches 1 \
        --cell 'mock=./mock_cell --late 20s' --format csv
    wait_for 20 has_lines out/samples.csv 1
    sleep 0.2
    kill -INT "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    assert_none_left
}

@test "--max-seconds: exit 124, says what is skipped, and --resume finishes" {
    run_split 124 "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --chunks 1,2,3 \
        --reps 6 --launches 2 --retakes 0 --cell 'mock=./mock_cell --pace 50ms' --format csv \
        --max-seconds 800ms
    assert_words "$stderr" 'out of time' '4 points' '--resume out'
    [ "$(wc -l <out/samples.csv)" -lt 49 ]
    assert_words "$(cat out/manifest.json)" '"out_of_time": true'
    cp out/samples.csv before.csv
    # The time limit is the run's own and would end it again.
    run_split 0 "$poolmark" run --resume out --quiet --format csv --max-seconds 0
    cmp <(head -n "$(wc -l <before.csv)" out/samples.csv) before.csv
    assert_no_twins out
    all_samples 12
}

@test "--max-seconds tells whose points lack samples" {
    printf '[%s]\nworkload = null\nbackends = mock\n' one two three >x.ini
    run_split 124 "$poolmark" run x.ini --out out --workers 2 --max-cells 2 --reps 1000 --launches 1 \
        --cell 'mock=./mock_cell --pace 20ms' --format csv --max-seconds 300ms
    assert_words "$stderr" 'one' 'two' 'three'
}

@test "--resume asks again for what failed" {
    printf '#!/bin/sh\nexec ./mock_cell $(cat options) "$@"\n' >cell
    chmod +x cell
    echo '--die-at 2 11 --when chunk=2' >options
    run_split 4 mock_run --chunks 1,2 --reps 4 --cell 'mock=./cell' --format csv
    [ "$(cells out/samples.csv chunk status | grep '^2' | xargs)" = '2|ok 2|died' ]
    echo '' >options
    run_split 0 "$poolmark" run --resume out --quiet
    assert_words "$output" '1 failed, taken again' '+ samples failed or were wrong, and were taken again'
    [[ $output != *'! '* ]] || complain "a mark of failure: $output"
    [ "$(cells out/samples.csv chunk status | grep '^2' | xargs)" = '2|ok 2|died 2|ok 2|ok 2|ok' ]
    [ "$(cells out/samples.csv chunk launch pass status | grep '^2.*ok' | sort | xargs)" = \
        '2|0|0|ok 2|0|1|ok 2|0|2|ok 2|0|3|ok' ]
    # The speedup is paired over all four.
    [ "$(cells out/summary.csv chunk n failed | grep '^2')" = '2|4|1' ]
}

@test "--resume goes on in the order that the run would have had" {
    mock_run --chunks 1..5 --reps 4 --cell 'mock=./mock_cell' --format csv >/dev/null
    cells out/samples.csv order launch pass backend chunk >whole
    local kept
    for kept in 1 7 12 20; do
        head -n $((kept + 1)) out/samples.csv >cut.csv
        cp -r out again
        cp cut.csv again/samples.csv
        "$poolmark" run --resume again --quiet --format csv >/dev/null
        cells again/samples.csv order launch pass backend chunk | diff whole -
        rm -r again
    done
}

@test "--resume of a run that still runs is refused" {
    begin
    run_split 2 "$poolmark" run --resume out --quiet --format csv
    assert_words "$stderr" 'out'
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 0 ]
    assert_no_twins out
    all_samples 20
}

@test "--resume: not on another machine state, and not by another plan; counts add up" {
    mock_run --cell 'mock=./mock_cell --times 20ms' --max-seconds 0.2 --reps 20 --format csv >/dev/null || true
    cp out/manifest.json kept
    for change in 's/"affinity": [0-9]*/"affinity": 4096/affinity' 's/"kernel": "[^"]*/"kernel": "1.0/' \
        's/"git": "[^"]*/"git": "0000000/' 's/"quota_cpus": [0-9.]*/"quota_cpus": 0.3/'; do
        sed "${change%affinity}" kept >out/manifest.json
        refused '--resume' 'began with another' 'begin anew' -- run --resume out
    done
    cp kept out/manifest.json
    sed -i.kept 's/^reps = .*/reps = 30/' out/plan.ini
    refused 'plan.ini has been edited' -- run --resume out
    mv out/plan.ini.kept out/plan.ini
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    need jq
    [ "$(jq .result.samples out/manifest.json)" -eq "$(($(wc -l <out/samples.csv) - 1))" ]
    [ "$(jq '.before | length' out/manifest.json)" -eq 1 ]
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    [ "$(jq .result.samples out/manifest.json)" -eq "$(($(wc -l <out/samples.csv) - 1))" ]
    [ "$(jq '.before | length' out/manifest.json)" -eq 2 ]
}
