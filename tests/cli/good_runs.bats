#!/usr/bin/env bats
# What a right command line gives: rows, formats, files, orders, lists and help.

load helpers

# --- every backend -------------------------------------------------------------------------------

@test "5000 squares on seq, procpool and openmp: a verified row each" {
    run_split 0 "$poolmark" run --out out --workload square --tasks 5000 --backends seq,procpool,openmp \
        --workers 2 --reps 5 --launches 1 --format csv
    [ "$(output_cells backend n failed verified | xargs)" = 'seq|5|0|1 procpool|5|0|1 openmp|5|0|1' ]
    [ "$output" = "$(cat out/summary.csv)" ]
    [ "$(cells out/samples.csv sum | sort -u)" = 41679167500 ]
}

@test "5000 squares on mpi and hybrid" {
    need_mpi
    run_split 0 "$poolmark" run --out out --workload square --tasks 5000 --backends mpi,hybrid --oversubscribe \
        --workers 2 --reps 5 --launches 1 --format csv
    [ "$(output_cells backend n failed verified | xargs)" = 'seq|5|0|1 mpi|5|0|1 hybrid|5|0|1' ]
    [ "$(cells out/samples.csv sum | sort -u)" = 41679167500 ]
}

@test "every schedule on procpool and openmp, with and without a chunk" {
    run_split 0 "$poolmark" run --out out --workload 'square results=yes' --tasks 101 \
        --backends procpool,openmp --schedules static,dynamic,guided,pool --chunks auto,7 --workers 3 \
        --reps 1 --launches 1 --format csv
    # pool has no chunk of its own, so: 2 backends x (3 schedules x 2 chunks + 1), and the base.
    [ "$(output_cells verified failed | sort | uniq -c | xargs)" = '15 1|0' ]
    [ "$(cells out/samples.csv sum | sort -u)" = 348551 ]
}

@test "0 tasks, 1 task, fewer tasks than workers" {
    run_split 0 "$poolmark" run --out out --workload square --tasks 0,1,3 --backends procpool,openmp \
        --workers 4 --reps 1 --launches 1 --format csv
    [ "$(output_cells tasks backend verified | xargs)" = \
        '0|seq|1 0|procpool|1 0|openmp|1 1|seq|1 1|procpool|1 1|openmp|1 3|seq|1 3|procpool|1 3|openmp|1' ]
    [ "$(cells out/samples.csv tasks sum | sort -u | xargs)" = '0|0 1|1 3|14' ]
}

@test "0 tasks on mpi" {
    need_mpi
    run_split 0 "$poolmark" run --out out --workload square --tasks 0 --backends mpi --oversubscribe \
        --workers 2 --reps 1 --launches 1 --format csv
    [ "$(output_cells backend verified | xargs)" = 'seq|1 mpi|1' ]
}

@test "12 sleepers in chunks of 4 on 10 workers: bound 3, and never faster" {
    run_split 0 "$poolmark" run --out out --workload 'sleep time=20ms' --tasks 12 --chunks 4 --workers 10 \
        --backends procpool,openmp --reps 2 --launches 1 --format csv
    [ "$(output_cells backend bound bound_s | xargs)" = 'seq|1|0.24 procpool|3|0.08 openmp|3|0.08' ]
    # A sleeper is never early, so this holds on a busy machine too, where ratios are anyone's guess.
    output_cells backend min_s bound_s | tr '|' ' ' |
        awk '$2 < $3 { print "faster than can be:", $0; bad = 1 } END { exit bad }'
    [ "$(cells out/samples.csv backend chunks busy_workers tasks_most | sort -u | xargs)" = \
        'openmp|3|3|4 procpool|3|3|4 seq|1|1|12' ]
}

@test "fresh workers for every sample count what it takes to make and end them" {
    run_split 0 "$poolmark" run --out out --workload null --tasks 10 --workers 2 --backends mock --reps 2 \
        --launches 1 --fresh --cell 'mock=./mock_cell --times 2ms --open 3ms --close 5ms' --format csv
    [ "$(output_cells backend fresh median_s | grep mock)" = 'mock|1|0.01' ]
    [ "$(cells out/samples.csv backend wall_ns open_ns close_ns | grep mock | sort -u)" = \
        'mock|2000000|3000000|5000000' ]
    # A process each.
    [ "$(cells out/samples.csv backend cell_pid | grep mock | sort -u | wc -l)" -eq 2 ]
}

# --- formats and streams -------------------------------------------------------------------------

@test "CSV on standard output stays CSV when there is progress and something goes wrong" {
    run_split 1 "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --reps 3 \
        --launches 2 --format csv --cell 'mock=./mock_cell --status-at 2 wrong --words noise' --chunks 1,2
    output_cells backend n >rows
    [ "$(wc -l <rows)" -eq 3 ]
    [ -n "$stderr" ]
}

@test "JSON is one object with a schema and the points" {
    run_split 0 mock_run --cell 'mock=./mock_cell --times 1ms,2ms' --format json
    assert_words "$output" '"schema": 1' '"points"' '"backend": "mock"' '"median_s": 0.0015'
    if command -v jq >/dev/null; then
        [ "$(printf '%s' "$output" | jq -r '[.points[].backend] | join(",")')" = 'seq,mock' ]
        [ "$(printf '%s' "$output" | jq -r '.points[1].ci_low_s')" = null ]
    elif command -v python3 >/dev/null; then
        printf '%s' "$output" | python3 -c 'import json, sys; assert len(json.load(sys.stdin)["points"]) == 2'
    fi
}

@test "progress has no carriage return or escape when standard error is no terminal" {
    run_split 0 "$poolmark" run --out out --workload null --tasks 12 --workers 2 --backends mock --reps 3 \
        --launches 2 --cell 'mock=./mock_cell --pace 30ms'
    [[ $stderr != *$'\r'* && $stderr != *$'\033'* ]]
    [[ $output != *$'\r'* && $output != *$'\033'* ]]
}

@test "--color never and machine formats have no escapes" {
    run_split 0 mock_run --cell 'mock=./mock_cell' --color never
    [[ $output != *$'\033'* ]]
    rm -rf out
    run_split 0 mock_run --cell 'mock=./mock_cell' --color always --format csv
    [[ $output != *$'\033'* ]]
}

@test "--quiet says nothing on standard error" {
    run_split 0 mock_run --cell 'mock=./mock_cell'
    [ -z "$stderr" ]
    assert_words "$output" 'mock' 'seq'
}

@test "--help and --version on standard output" {
    local command
    run_split 0 "$poolmark" --help
    assert_words "$output" usage run report plot list 'exit status'
    [ -z "$stderr" ]
    for command in run report plot list; do
        run_split 0 "$poolmark" "$command" --help
        assert_words "$output" usage "$command"
        [ -z "$stderr" ]
    done
    run_split 0 "$poolmark" --version
    assert_words "$output" 'poolmark 0.' seq procpool openmp mpi hybrid
    [ -z "$stderr" ]
}

@test "--help of run tells every option that list options tells" {
    local option
    "$poolmark" run --help >help
    for option in $("$poolmark" list options | sed -n 's/^\([a-z][a-z-]*\) .*(.*default.*/\1/p'); do
        grep -q -- "--$option" help || complain "--$option is not in the help"
    done
    [ "$("$poolmark" list options | grep -c 'default')" -gt 25 ]
}

@test "text fits the columns" {
    local columns
    mock_run --chunks 1,2,3 --cell 'mock=./mock_cell --times 1ms,2ms' >/dev/null
    for columns in 80 120 200; do
        COLUMNS=$columns run_split 0 "$poolmark" report out
        [ "$(wc -L <<<"$output")" -le "$columns" ] || complain "wider than $columns columns"
    done
    # Wider tells more.
    COLUMNS=80 "$poolmark" report out >narrow
    COLUMNS=120 "$poolmark" report out >wide
    [ "$(wc -c <wide)" -gt "$(wc -c <narrow)" ]
}

@test "help fits the columns" {
    [ "$(COLUMNS=80 "$poolmark" run --help | wc -L)" -le 80 ]
    [ "$(COLUMNS=80 "$poolmark" --help | wc -L)" -le 100 ]
}

# --- dry run -------------------------------------------------------------------------------------

@test "--dry-run tells launch lines and counts, starts nothing, writes nothing" {
    run_split 0 "$poolmark" run --dry-run --out out --workload 'sleep time=1h' --tasks 1000 --workers 2,4 \
        --backends procpool,openmp,mock --cell 'mock=./mock_cell --log started' --chunks 1,2
    assert_words "$output" 'poolmark-cell --backend procpool --workers 2' \
        'poolmark-cell --backend openmp --workers 4' './mock_cell --log started --backend mock' 'seq'
    # 2 tasks of each: base, and 3 backends x 2 worker counts x 2 chunks; 3 launches of 5 samples.
    [[ $output == *13*points* || $output == *points*13* ]]
    [[ $output == *195*samples* || $output == *samples*195* ]]
    [ "$(ls)" = $'fixtures\nmock_cell' ]
}

@test "--dry-run prints launch lines that a shell takes" {
    mkdir 'a & b'
    cp "$poolmark" "$root/poolmark-cell" 'a & b/'
    'a & b/poolmark' run --dry-run --workload null --backends procpool --workers 2 >lines
    grep -- '--backend procpool' lines >line
    run_split 0 bash line
    assert_words "$output" '"backend": "procpool"'
}

# --- files ---------------------------------------------------------------------------------------

@test "samples.csv has a row a repetition, and no order, launch and pass twice" {
    mock_run --reps 3 --launches 2 --chunks 1,2 --workers 2,3 --tasks 12,13 --cell 'mock=./mock_cell' >/dev/null
    # 2 tasks x (base + 2 chunks x 2 workers), 6 samples each.
    [ "$(cells out/samples.csv backend | sort | uniq -c | xargs)" = '48 mock 12 seq' ]
    assert_no_twins out
    [ "$(cells out/samples.csv order | sort -n | tail -n 1)" -eq 59 ]
    [ "$(cells out/samples.csv launch pass | sort -u | xargs)" = '0|0 0|1 0|2 1|0 1|1 1|2' ]
}

@test "--trace: the chunks of every sample cover each task once" {
    run_split 0 "$poolmark" run --out out --quiet --workload null --tasks 103 --chunks 10 --workers 3 \
        --schedules static,dynamic,guided --backends procpool,openmp --reps 2 --launches 1 --trace --format csv
    [ "$(cells out/trace.csv order | sort -u | wc -l)" -eq "$(cells out/samples.csv order | wc -l)" ]
    cells out/trace.csv order first count start_ns end_ns worker pid | tr '|' ' ' | sort -n -k1,1 -k2,2 | awk '
        $1 != order { if (NR > 1 && next_task != 103) { print order, "ends at", next_task; bad = 1 }
            order = $1; next_task = 0 }
        $2 != next_task { print order, "has", $2, "after", next_task; bad = 1 }
        $5 < $4 { print "ends before it starts:", $0; bad = 1 }
        $7 < 1 { print "no process:", $0; bad = 1 }
        { next_task = $2 + $3 }
        END { exit bad || next_task != 103 }'
}

@test "--trace on mpi and hybrid" {
    need_mpi
    "$poolmark" run --out out --quiet --workload null --tasks 53 --chunks 5 --workers 2 --oversubscribe \
        --backends mpi,hybrid --reps 1 --launches 1 --retakes 0 --trace --format csv >/dev/null
    cells out/trace.csv order first count | tr '|' ' ' | sort -n -k1,1 -k2,2 | awk '
        BEGIN { order = -1 }
        $1 != order { order = $1; next_task = 0; n++ }
        $2 != next_task { print order, "has", $2, "after", next_task; bad = 1 }
        { next_task = $2 + $3; covered[order] = next_task }
        END { for (o in covered) if (covered[o] != 53) { print o, "ends at", covered[o]; bad = 1 }
            exit bad || n != 3 }'
}

@test "placements.csv has a row a worker, with its process" {
    "$poolmark" run --out out --quiet --workload null --tasks 10 --workers 3 --backends procpool,openmp \
        --bind '0|none' --reps 1 --launches 1 --format csv >/dev/null 2>&1 || skip 'PU 0 is not ours'
    [ "$(cells out/placements.csv backend bind workers | sort | uniq -c | xargs)" = \
        '3 openmp|0|3 3 openmp|none|3 3 procpool|0|3 3 procpool|none|3 1 seq|0|1 1 seq|none|1' ]
    [ "$(cells out/placements.csv bind requested_pu observed_pu | grep '^0' | sort -u)" = '0|0|0' ]
    [ "$(cells out/placements.csv backend bind pid | grep procpool | sort -u | wc -l)" -eq 6 ]
}

@test "report and plot give the run's own summary again" {
    mock_run --workers 1,2 --claim 'S1 time 1ms' --cell 'mock=./mock_cell --times 1ms,2ms,4ms' >/dev/null
    cp out/summary.csv summary.csv
    cp out/articles.csv articles.csv
    run_split 0 "$poolmark" report out --format csv
    [ "$output" = "$(cat summary.csv)" ]
    [ -z "$stderr" ]
    rm out/summary.csv out/articles.csv
    run "$poolmark" plot out # without gnuplot it says so
    cmp out/summary.csv summary.csv
    cmp out/articles.csv articles.csv
}

@test "report tells what the run told" {
    mock_run --cell 'mock=./mock_cell --times 1ms,2ms' >told
    "$poolmark" report out >again
    [ -s again ]
    grep -F -x -f again told | diff - again
}

@test "report writes nothing" {
    mock_run --cell 'mock=./mock_cell' >/dev/null
    find out -type f -exec stat -c '%n %s %Y %i' {} + | sort >before
    "$poolmark" report out >/dev/null
    "$poolmark" report out --format json >/dev/null
    find out -type f -exec stat -c '%n %s %Y %i' {} + | sort | diff before -
}

@test "figures: as SVG and PNG where gnuplot is" {
    PATH=$real_path
    need gnuplot
    mock_run --workers 1,2,4 --chunks 1,2 --claim 'S1 time 1ms' --cell 'mock=./mock_cell --times 1ms,2ms' >/dev/null
    local n_svg n_png
    n_svg=$(find out/plots -name '*.svg' -size +0 | wc -l)
    n_png=$(find out/plots -name '*.png' -size +0 | wc -l)
    [ "$n_svg" -ge 4 ]
    [ "$n_svg" -eq "$n_png" ]
    head -c 4 "$(find out/plots -name '*.png' | head -n 1)" | tail -c 3 | grep -q PNG
}

# --- order ---------------------------------------------------------------------------------------

@test "the seed sets the order of samples" {
    local seed
    for seed in 1 1 2; do
        rm -rf out
        mock_run --seed "$seed" --chunks 1..8 --reps 3 --cell 'mock=./mock_cell' --format csv >/dev/null
        cells out/samples.csv order launch pass backend chunk >>"orders.$seed"
    done
    # 2 runs with seed 1: the first half is the second.
    local n
    n=$(wc -l <orders.2)
    [ "$n" -eq 27 ]
    [ "$(wc -l <orders.1)" -eq $((2 * n)) ]
    cmp <(head -n "$n" orders.1) <(tail -n "$n" orders.1)
    ! cmp -s <(head -n "$n" orders.1) orders.2 || false
    cmp <(head -n "$n" orders.1 | cut -d'|' -f2- | sort) <(cut -d'|' -f2- orders.2 | sort)
    # Not the order of the plan, and no two passes alike.
    local pass
    for pass in 0 1 2; do
        awk -F'|' -v pass=$pass '$3 == pass { print $4, $5 }' orders.2 >pass.$pass
    done
    ! cmp -s pass.0 pass.1 || false
    ! cmp -s pass.1 pass.2 || false
    ! sort -c -k2n pass.0 2>/dev/null || ! sort -c -k2n pass.1 2>/dev/null || false
}

@test "a cell hears what the plan says" {
    mock_run --workload 'sleep time=3ms' --scale 0.5 --schedules guided --chunks 3 --trace \
        --cell 'mock=./mock_cell --log requests' --reps 1 >/dev/null
    [ "$(wc -l <requests)" -eq 1 ]
    assert_words "$(cat requests)" '"workload":"sleep time=3ms' '"scale":0.5' '"tasks":12' '"schedule":"guided"' \
        '"chunk":3' '"dispatch":"auto"' '"trace":true' '"last":false'
}

@test "cells live side by side, at most --max-cells with the base, and every point is measured" {
    mock_run --workers 1..9 --max-cells 3 --cell 'mock=./mock_cell' --format csv >/dev/null
    [ "$(cells out/samples.csv group | sort -un | xargs)" = '0 1 2 3 4' ]
    [ "$(cells out/summary.csv backend n | sort | uniq -c | xargs)" = '9 mock|2 1 seq|10' ]
    assert_no_twins out
}

@test "--precision stops when the interval is narrow enough" {
    mock_run --precision 5 --reps 50 --cell 'mock=./mock_cell' --format csv >/dev/null
    local n
    n=$(cells out/samples.csv backend | grep -c mock)
    [ "$n" -ge 6 ]
    [ "$n" -lt 50 ]
    rm -rf out
    mock_run --precision 5 --reps 20 --cell 'mock=./mock_cell --times 1ms,9ms' --format csv >/dev/null
    [ "$(cells out/samples.csv backend | grep -c mock)" -eq 20 ]
    assert_words "$(cells out/summary.csv backend flags | grep mock)" imprecise
}

# --- configurations ------------------------------------------------------------------------------

@test "command line over section over defaults over fallback" {
    cat >x.ini <<'END'
[defaults]
cell = mock=./mock_cell --log requests
backends = mock
workload = null
reps = 1
launches = 1
tasks = 5
chunks = 5

[one]
tasks = 6

[two]
chunks = 2
END
    "$poolmark" run x.ini --out out --quiet --chunks 1 --format csv >/dev/null
    [ "$(cells out/samples.csv experiment backend tasks chunk | grep mock | sort | xargs)" = \
        'one|mock|6|1 two|mock|5|1' ]
    [ "$(wc -l <requests)" -eq 2 ]
}

@test "--only picks by name, pattern and claim" {
    printf '[%s]\nworkload = null\nclaim = %s time 1s\n' one S1 two S2 three S3 >x.ini
    local only
    for only in one two,three 't*' S1 'S[23]' '*'; do
        "$poolmark" run x.ini --out "out-$only" --quiet --reps 1 --launches 1 --backends seq --only "$only" \
            --format csv >/dev/null
        printf '%s: %s\n' "$only" "$(cells "out-$only/summary.csv" experiment | xargs)" >>picked
    done
    diff picked - <<'END'
one: one
two,three: two three
t*: two three
S1: one
S[23]: two three
*: one two three
END
}

@test "every configuration that comes with it is right" {
    local file
    for file in "$root"/configs/*.ini; do
        run_split 0 "$poolmark" run "$file" --dry-run
        [ -n "$output" ]
        [ -z "$stderr" ] || complain "$file: a complaint"
    done
}

@test "articles.ini covers the rows that map to a task list" {
    "$poolmark" run "$root/configs/articles.ini" --dry-run >/dev/null
    local row
    for row in S01 S02 S04 S13 S14 S15 S16 S17 S27 S29 S43 S45 S46 S48 S61 S62 S63; do
        grep -q "^claim *=.*\b$row\b\|| $row \|^ .*\b$row\b" "$root/configs/articles.ini" ||
            complain "$row is missing"
    done
}

# --- lists ---------------------------------------------------------------------------------------

@test "lists" {
    run_split 0 "$poolmark" list workloads
    assert_words "$output" null sleep burn square shape=
    run_split 0 "$poolmark" list backends
    assert_words "$output" seq procpool openmp mpi hybrid
    run_split 0 "$poolmark" list schedules
    assert_words "$output" static dynamic guided pool '(whole number 2 to 1000; default 3)' 'measured unless'
    run_split 0 "$poolmark" list fields
    assert_words "$output" wall_ns median_s observed_pu 'trace.csv' 'articles.csv'
    run_split 0 "$poolmark" list
    assert_words "$output" workloads backends schedules experiments options fields
    printf '[here]\ntitle = what it asks\n' >x.ini
    run_split 0 "$poolmark" list experiments x.ini
    assert_words "$output" x.ini here 'what it asks'
    cd "$root"
    run_split 0 "$poolmark" list experiments
    assert_words "$output" configs/articles.ini S61
}

@test "list fields names every column of every file" {
    mock_run --trace --claim 'S1 time 1ms' --cell 'mock=./mock_cell' >/dev/null
    "$poolmark" list fields | awk '{ print $1, $2 }' >declared
    local file name
    for file in samples summary articles placements trace; do
        for name in $(head -n 1 "out/$file.csv" | tr , ' '); do
            grep -qx -e "$file.csv $name" -e "point $name" declared || complain "$name of $file.csv is not listed"
        done
    done
}

# --- a workload of one's own ---------------------------------------------------------------------

@test "the example workload compiles by the command in its comment, and runs" {
    need cc
    local build run
    build=$(sed -n 's/^ \* *\(cc .*example_workload\.c\)$/\1/p' "$root/docs/example_workload.c")
    run=$(sed -n 's/^ \* *\(\.\/poolmark run .*\)$/\1/p' "$root/docs/example_workload.c")
    [ -n "$build" ]
    [ -n "$run" ]
    ln -s "$root/src" "$root/docs" "$root/poolmark" .
    sh -c "$build" 2>warnings
    [ ! -s warnings ]
    sh -c "$run --out out --quiet --reps 1 --launches 1 --format csv --backends procpool,openmp" >/dev/null
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
}

@test "the commands in the README exist" {
    [ -f "$root/README.md" ] || skip 'no README.md yet'
    local command
    cd "$root"
    grep -oE '\./poolmark [a-z]+' README.md | sort -u | while read -r _ command; do
        "$poolmark" "$command" --help >/dev/null || complain "README.md names poolmark $command"
    done
    grep -oE '(^ *|[`$] ?)make [a-z-]+' README.md | sed 's/.*make //' | sort -u | while read -r command; do
        grep -q "^$command:" Makefile || complain "README.md names make $command"
    done
    grep -oE '\b(configs|docs|scripts|plots|src|tests)/[A-Za-z0-9_./-]+[A-Za-z0-9]' README.md | sort -u |
        while read -r command; do
            [ -e "$command" ] || complain "README.md names $command"
        done
}

@test "--fresh --trace tells the process of each chunk" {
    run_split 0 "$poolmark" run --out out --quiet --fresh --trace --workload null --tasks 4 --workers 2 \
        --backends procpool --launches 1 --reps 2
    [ "$(tail -n +2 out/trace.csv | wc -l)" -gt 0 ]
    [ "$(tail -n +2 out/trace.csv | cut -d, -f3 | grep -c '^0$')" -eq 0 ]
}
