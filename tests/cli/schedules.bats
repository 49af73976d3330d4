#!/usr/bin/env bats
# Schedules with numbers, dispatches, the two OpenMP runtimes, and what is said of each worker.

load helpers

tiny=(--out out --quiet --reps 1 --launches 1 --retakes 0 --format csv)

# Answers of a cell of ours to the requests on standard input, its greeting left out.
ask() {
    "$root/poolmark-cell" "$@" | tail -n +2
}

# --- workers -------------------------------------------------------------------------------------

@test "workers.csv has each worker of each sample" {
    "$poolmark" run "${tiny[@]}" --workload 'burn iterations=20k' --tasks 30 --workers 1,3 \
        --backends procpool,openmp --reps 2 >/dev/null
    assert_workers_fit out
    [ "$(cells out/workers.csv order | wc -l)" -eq 18 ] # 2 × (1 + 2 × (1 + 3))
    # They are the sample's: tasks, chunks, busy and claim add up, and the last one's end is the span.
    {
        cells out/samples.csv order tasks chunks busy_ns claim_ns span_ns | sed 's/^/sample|/'
        cells out/workers.csv order tasks chunks busy_ns claim_ns end_ns | sed 's/^/worker|/'
    } | awk -F'|' '
        { for (i = 3; i <= 6; i++) sum[$1, $2, i] += $i }
        $7 > last[$1, $2] { last[$1, $2] = $7 }
        $1 == "sample" { orders[$2] }
        END {
            for (o in orders) {
                for (i = 3; i <= 6; i++) bad = bad || sum["sample", o, i] != sum["worker", o, i]
                bad = bad || last["sample", o] != last["worker", o]
            }
            exit bad
        }'
}

@test "cells that tell nothing of their workers have none" {
    mock_run --cell 'mock=./mock_cell' --trace --format csv >/dev/null
    assert_workers_fit out
    [ "$(cells out/samples.csv backend h_ns imbalance nodes remark | grep mock | sort -u)" = 'mock|||1|' ]
}

@test "workers that are told wrongly are nonsense" {
    local workers
    for workers in '3' '[[1,1,0,9,9,0]]' '[[1,1,0,9,9,0],[1,1,0,9,9]]' '[[1,1,0,9,9,0],[1,1,0,9,-9,0]]' \
        '[[1,1,0,9,9,0],[1,1,0,9,"9",0]]'; do
        run_split 4 mock_run --reps 1 --cell "mock=./mock_cell --with {\"workers\":$workers}" --format csv
        assert_words "$stderr" nonsense '2 arrays of 6 whole numbers'
        [ "$(cells out/samples.csv backend status | grep mock)" = 'mock|nonsense' ]
        assert_workers_fit out
        rm -r out
    done
    mock_run --cell 'mock=./mock_cell --with {"workers":[[1,2,3,9,5,6],[7,8,3,8,4,1]]}' --reps 1 --format csv >/dev/null
    assert_workers_fit out
    [ "$(cells out/workers.csv worker tasks chunks start_ns end_ns busy_ns claim_ns | tail -n 1)" = '1|7|8|3|8|4|1' ] ||
        [ "$(cells out/workers.csv worker tasks chunks start_ns end_ns busy_ns claim_ns | grep -c '^1|7|8|3|8|4|1$')" -eq 1 ]
}

@test "a remark is kept with each sample, and said once" {
    run_split 0 mock_run --chunks 1,2 --cell 'mock=./mock_cell --with {"remark":"slow-network"}' --format csv
    [ "$stderr" = 'poolmark: mock, auto: slow-network' ]
    [ "$(cells out/samples.csv backend remark | sort | uniq -c | xargs)" = '4 mock|slow-network 2 seq|' ]
}

@test "a run of before there were such columns can be read, and is not appended to" {
    mock_run --cell 'mock=./mock_cell' --format csv >/dev/null
    local n
    n=$(head -n 1 out/samples.csv | tr , '\n' | grep -nx span_ns | cut -d: -f1)
    # The twelve columns from span_ns on, cut out; no cell before them holds a comma in quotes.
    sed -E 's/"([^",]*)"/\1/g' out/samples.csv | cut -d, -f"-$((n - 1)),$((n + 10))-" >old.csv
    [ "$(head -n 1 old.csv | tr , '\n' | grep -c -e h_ns -e claim_ns -e imbalance -e clock_error_ns)" -eq 0 ]
    cp old.csv out/samples.csv
    run_split 0 "$poolmark" report out --format csv
    [ "$(output_cells backend n | xargs)" = 'seq|2 mock|2' ]
    run --separate-stderr "$poolmark" run --resume out --quiet
    [ "$status" -ne 0 ]
    assert_words "$stderr" 'out/samples.csv:1' 'another version'
}

# --- the protocol --------------------------------------------------------------------------------

@test "a request that may not measure, and one that may" {
    run_split 0 ask --backend openmp --workers 2 <<<''
    output=$(printf '%s\n' '{"id": 1, "workload": "null", "tasks": 9, "calibrate": false}' \
        '{"id": 2, "workload": "null", "tasks": 9, "calibrate": 3}' | ask --backend procpool --workers 2)
    [ "$(grep -c '"workers": \[\[' <<<"$output")" -eq 1 ]
    assert_words "$output" '"id": 1, "status": "ok"' '"h_ns": null' '"id": 2, "status": "error"' 'calibrate'
    need_schedule fsc
    output=$(printf '%s\n' '{"id": 1, "workload": "null", "tasks": 99, "schedule": "fsc", "calibrate": false}' \
        '{"id": 2, "workload": "burn iterations=1k", "tasks": 99, "schedule": "fsc h=300ns"}' \
        '{"id": 3, "workload": "burn iterations=1k", "tasks": 99, "schedule": "fsc h=400ns"}' \
        '{"id": 4, "workload": "burn iterations=1k", "tasks": 99, "schedule": "bold"}' |
        ask --backend procpool --workers 2)
    [ "$(grep -c '"status": "ok"' <<<"$output")" -eq 3 ]
    assert_words "$output" '"id": 1, "status": "error"' 'h' 'sd' '"h_ns": 300.0' '"h_ns": 400.0'
    # Measured once: both requests that lack it get the same.
    [ "$(sed -n 's/.*"task_sd_ns": \([0-9.e+-]*\).*/\1/p' <<<"$output" | sort -u | wc -l)" -eq 1 ]
    [ "$(sed -n '4s/.*"h_ns": \([0-9.e+-]*\).*/\1/p' <<<"$output" | grep -c '[1-9]')" -eq 1 ]
}

@test "ranks that are missing by hand are a wrong command line" {
    [ -x "$root/poolmark-cell-mpi" ] || skip 'poolmark-cell-mpi was not built'
    run_split 2 "$root/poolmark-cell-mpi" --backend mpi --workers 2
    assert_words "$output" '"error"' '--workers 2 needs --ranks 2'
}

@test "a cell hears whether it may measure" {
    mock_run --cell 'mock=./mock_cell --log requests' --reps 1 --calibrate=no >/dev/null
    assert_words "$(cat requests)" '"calibrate":false'
    rm -r out
    mock_run --cell 'mock=./mock_cell --log asked' --reps 1 >/dev/null
    run ! grep calibrate asked
}

@test "what was measured stands in samples.csv" {
    need_schedule fsc
    "$poolmark" run "${tiny[@]}" --workload 'burn iterations=1k' --tasks 200 --workers 2 --backends procpool,openmp \
        --schedules 'fsc, fsc h=1us sd=2us, fac, dynamic' >/dev/null
    cells out/samples.csv schedule h_ns task_mean_ns task_sd_ns status chunk_auto | sort -u >told
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
    [ "$(grep '^dynamic' told)" = 'dynamic||||ok|1' ]
    [ "$(grep -c '^fsc h=1us sd=2us|1000||2000|ok|1' told)" -eq 1 ]
    [ "$(grep -c '^fsc|[0-9.e+]*||[0-9.e+]*|ok|1' told)" -eq 2 ]
    [ "$(grep -c '^fac||[0-9.e+]*|[0-9.e+]*|ok|1' told)" -eq 2 ]
}

# points WORD...: the number that a dry run tells.
points() {
    "$poolmark" run --dry-run --workload null --tasks 100 --workers 2 --chunks auto,1,7 "$@" |
        sed -n 's/.*points \([0-9]*\), cells.*/\1/p'
}

@test "a chunk that is asked for and comes of itself is one point" {
    [ "$(points --schedules dynamic)" -eq 3 ]
    [ "$(points --schedules guided)" -eq 3 ]
    [ "$(points --schedules static)" -eq 4 ] # blocks are not chunks
    [ "$(points --schedules pool)" -eq 2 ]
    need_schedule fsc
    [ "$(points --schedules fsc)" -eq 3 ]
    [ "$(points --schedules 'fac, fac mean=1us')" -eq 5 ]
    [ "$(points --schedules 'pls, pls share=0.5, pls share=0.7')" -eq 5 ]
    [ "$(points --schedules taskloop --backends openmp)" -eq 4 ]
    [ "$(points --schedules auto --backends openmp)" -eq 2 ]
}

# --- dispatches ----------------------------------------------------------------------------------

@test "of several dispatches each backend and schedule takes what it can" {
    "$poolmark" run "${tiny[@]}" --workload null --tasks 20 --workers 2 --backends procpool,openmp \
        --schedules dynamic,static --dispatch static,auto,ticket,native,master >/dev/null
    [ "$(cells out/samples.csv backend schedule dispatch status | grep -v seq | sort | xargs)" = \
        "$(printf '%s|ok\n' 'openmp|dynamic|native' 'openmp|dynamic|ticket' 'openmp|static|native' \
            'openmp|static|static' 'procpool|dynamic|ticket' 'procpool|static|static' | xargs)" ]
}

@test "a lone master is left out of a list" {
    run_split 0 "$poolmark" run --dry-run --workload null --tasks 5 --reps 1 --launches 1 --oversubscribe \
        --backends mpi --workers 1,2 --dispatch master,master-only
    assert_words "$output" 'points 4,' # seq; one worker with a master; two with either
}

@test "a root that only grants does not compute, and ranks tell their window" {
    need_mpi
    "$poolmark" run "${tiny[@]}" --oversubscribe --workload 'sleep time=1ms' --tasks 8 --backends mpi,procpool --workers 2 \
        --dispatch master,master-only,ticket >/dev/null
    [ "$(cells out/summary.csv dispatch bound | sort | xargs)" = 'master-only|1 master|2 none|1 ticket|2' ]
    [ "$(cells out/samples.csv backend window_ns | sed 's/|[1-9].*/|some/' | sort | xargs)" = \
        'mpi|some mpi|some procpool|0 seq|0' ]
}

@test "lists of schedules and dispatches" {
    run_split 0 "$poolmark" list schedules
    assert_words "$output" 'chunks: constant' 'chunks: fixed' '--chunks: ignored'
    run_split 0 "$poolmark" list dispatches
    assert_words "$output" ticket 'procpool, openmp' master-only 'mpi, hybrid' rma
    run_split 0 "$poolmark" list fields
    assert_words "$output" 'workers.csv     busy_ns'
}

# --- two OpenMP runtimes -------------------------------------------------------------------------

@test "openmp:llvm without its program: said with the remedy, and the rest runs" {
    make_tree poolmark-cell
    run_split 3 bin/poolmark run "${tiny[@]}" --workload null --tasks 5 --workers 2 --backends openmp:gomp,openmp:llvm
    assert_words "$stderr" openmp:llvm poolmark-cell-llvm clang 'run make'
    [ "$(cells out/samples.csv backend status | sort | xargs)" = 'openmp:gomp|ok seq|ok' ]
    run_split 0 bin/poolmark list backends
    assert_words "$output" openmp:gomp openmp:llvm 'not available: poolmark-cell-llvm'
    refused "'openmp:lvm'" "did you mean 'openmp:llvm'" -- run "${tiny[@]}" --backends openmp:lvm
}

@test "a cell on another runtime than its name says is not available" {
    make_tree poolmark-cell
    cp bin/poolmark-cell bin/poolmark-cell-llvm
    run_split 3 bin/poolmark run "${tiny[@]}" --workload null --tasks 5 --workers 2 --backends openmp:llvm,openmp:gomp
    assert_words "$stderr" 'openmp:llvm is not available' 'libgomp.so' 'instead of libomp'
    [ "$(cells out/samples.csv backend status | sort | xargs)" = 'openmp:gomp|ok seq|ok' ]
}

@test "two runtimes side by side: cells, tables, figures" {
    [ -x "$root/poolmark-cell-llvm" ] || skip 'poolmark-cell-llvm was not built'
    need_schedule guided-llvm
    make_tree poolmark-cell poolmark-cell-llvm
    run_split 0 bin/poolmark run --dry-run --workload null --tasks 5 --workers 2 --backends openmp:gomp,openmp:llvm
    assert_words "$output" 'poolmark-cell --backend openmp --' 'poolmark-cell-llvm --backend openmp --'
    ln -s "$root/plots" bin/
    PATH=$real_path
    printf '[both]\nbackends = openmp:gomp, openmp:llvm\nworkers = 1, 2\nchunks = 1, 5\nworkload = null\ntasks = 20\n' >x.ini
    run_split 0 bin/poolmark run x.ini --out out --reps 2 --launches 1 --set 'claim=C1 time 1s backend=openmp:llvm'
    [ "$(cells out/summary.csv backend | sort | uniq -c | xargs)" = '4 openmp:gomp 4 openmp:llvm 1 seq' ]
    [ "$(cells out/placements.csv backend workers | sort -u | grep -c openmp:)" -eq 4 ]
    [ "$(cells out/articles.csv backend | sort -u)" = openmp:llvm ]
    assert_workers_fit out
    run_split 0 bin/poolmark report out
    assert_words "$output" openmp:gomp openmp:llvm
    need gnuplot
    [ "$(find out/plots -name '*.svg' -size +0 | wc -l)" -ge 4 ]
    [ "$(grep -l 'openmp:gomp' out/plots/*.svg | wc -l)" -ge 3 ]
    [ -z "$(find out -name '*:*')" ]
    # The bound is that of the chunks which each makes.
    bin/poolmark run --out guided --quiet --workload null --tasks 100 --workers 2 --reps 1 --launches 1 \
        --backends openmp:gomp,openmp:llvm,procpool --schedules guided,guided-llvm --dispatch native,ticket \
        --workload 'sleep time=10us shape=linear' --format csv >/dev/null
    [ "$(cells guided/summary.csv schedule backend dispatch bound | sed -n 's/^guided|openmp:llvm|native|//p')" = \
        "$(cells guided/summary.csv schedule backend dispatch bound | sed -n 's/^guided-llvm|procpool|ticket|//p')" ]
    [ "$(cells guided/summary.csv schedule backend dispatch bound | sed -n 's/^guided|openmp:gomp|native|//p')" = \
        "$(cells guided/summary.csv schedule backend dispatch bound | sed -n 's/^guided|procpool|ticket|//p')" ]
}
