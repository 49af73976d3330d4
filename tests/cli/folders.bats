#!/usr/bin/env bats
# The folder of a run: where it may be made, what is refused as one, and what happens when a file of it is
# damaged or the disk is full.

load helpers

# A finished run of the mock cell in out/.
make_run() {
    mock_run --cell 'mock=./mock_cell --times 1ms,2ms' --format csv "$@" >/dev/null
}

# Skips the test where no small file system may be mounted.
need_small_disk() {
    mkdir -p disk
    unshare -m mount -t tmpfs -o size=4k tmpfs disk 2>/dev/null || skip 'no rights to mount a small file system'
}

# in_small_disk BYTES SCRIPT: runs the shell script in a file system of so many bytes, mounted on ./disk
# for it alone.
in_small_disk() {
    unshare -m sh -c "mount -t tmpfs -o size=$1 tmpfs disk || exit 99; $2"
}

# --- where results go ----------------------------------------------------------------------------

@test "--out that is not empty, a file, or below a file" {
    mkdir full
    touch full/x file
    refused '--out' 'full' 'not empty' -- run --workload null --out full
    refused '--out' 'file' -- run --workload null --out file
    refused '--out' 'file/below' -- run --workload null --out file/below
    refused '--out' '/dev/full' -- run --workload null --out /dev/full
    refused '--out' '/proc/x' -- run --workload null --out /proc/x
}

@test "--out without the right to write" {
    [ "$(id -u)" -ne 0 ] || skip 'root may write anywhere'
    mkdir closed
    chmod 555 closed
    refused '--out' 'closed' -- run --workload null --out closed
    refused '--out' 'closed/below' -- run --workload null --out closed/below
}

@test "--out on a full file system: exit 2, one sentence, no folder is left" {
    need_small_disk
    run_split 0 in_small_disk 4k "
        cat /dev/zero >disk/zeros 2>/dev/null
        '$poolmark' run --out disk/out --workload null --tasks 1 --reps 1 --launches 1 >disk.out 2>disk.err
        echo \$? >disk.status
        ls disk >disk.list"
    [ "$(cat disk.status)" -eq 2 ]
    [ ! -s disk.out ]
    [ "$(wc -l <disk.err)" -eq 1 ]
    assert_words "$(cat disk.err)" 'disk/out' 'No space left'
    [ "$(cat disk.list)" = zeros ]
}

@test "--out may be there when it is empty, with a slash, or deep" {
    mkdir out
    mock_run --cell 'mock=./mock_cell' >/dev/null
    "$poolmark" run --out a/b/c/ --quiet --workload null --tasks 1 --backends seq --reps 1 --launches 1 >/dev/null
    [ -s out/samples.csv ]
    [ -s a/b/c/samples.csv ]
    [ ! -e results ]
}

@test "without --out: a folder of its own under results/" {
    printf '[a]\nworkload = null\ntasks = 1\nbackends = seq\n' >my.study.ini
    local again
    for again in 1 2; do
        "$poolmark" run my.study.ini --quiet --reps 1 --launches 1 >/dev/null
    done
    [ "$(find results -mindepth 1 -maxdepth 1 -name 'my-*' | wc -l)" -eq 2 ]
    [ "$(find results -name samples.csv | wc -l)" -eq 2 ]
}

@test "a run's folder has what the contract says, and names no host" {
    make_run
    local name
    for name in samples.csv summary.csv placements.csv plan.ini manifest.json; do
        [ -s "out/$name" ]
    done
    [ ! -e out/trace.csv ]
    [ -z "$(find out -name '.*' -type f)" ]
    ! grep -rqF "$(uname -n)" out || [ "$(uname -n | wc -c)" -lt 6 ]
}

# --- no folder of a run --------------------------------------------------------------------------

@test "report, plot and resume refuse what is no run's folder" {
    mkdir empty
    local command
    for command in report plot 'run --resume'; do
        refused 'empty' 'manifest.json' -- $command empty
        refused 'none' -- $command none
        refused 'mock_cell' -- $command mock_cell
    done
}

@test "report, plot and resume refuse another schema" {
    make_run
    sed -i 's/"schema": 1/"schema": 2/' out/manifest.json
    local command
    for command in report plot 'run --resume'; do
        refused 'out/manifest.json' 'schema 2' '1' -- $command out
    done
}

@test "a manifest that is no JSON, a plan that is wrong, samples that are absent" {
    make_run
    cp -r out whole
    echo '{"schema": 1,' >out/manifest.json
    refused 'out/manifest.json:' -- report out
    cp whole/manifest.json out/
    echo 'workers = 3' >out/plan.ini
    refused 'out/plan.ini:1' -- report out
    refused 'out/plan.ini:1' -- run --resume out
    cp whole/plan.ini out/
    rm out/samples.csv
    refused 'out/samples.csv' -- report out
    : >out/samples.csv
    refused 'out/samples.csv' -- report out
}

# --- damaged samples -----------------------------------------------------------------------------

@test "samples.csv with foreign columns" {
    make_run
    sed -i '1s/wall_ns/wall_s/' out/samples.csv
    refused 'out/samples.csv:1' 'columns' -- report out
    refused 'out/samples.csv:1' 'columns' -- plot out
    run --separate-stderr "$poolmark" run --resume out --quiet
    [ "$status" -eq 1 ] || [ "$status" -eq 2 ]
    assert_words "$stderr" 'out/samples.csv:1' 'columns'
}

@test "samples.csv with a cut-off last line: dropped, and said" {
    make_run
    "$poolmark" report out --format csv >whole.csv
    local n
    n=$(wc -l <out/samples.csv)
    cp out/samples.csv samples.csv
    { cat samples.csv; tail -n 1 samples.csv | head -c 40; } >out/samples.csv
    run_split 0 "$poolmark" report out --format csv
    [ "$output" = "$(cat whole.csv)" ]
    assert_words "$stderr" 'out/samples.csv' 'cut off'
    # Resumed, nothing is left to do; the file is whole again.
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    assert_words "$stderr" 'out/samples.csv' 'cut off'
    [ "$output" = "$(cat whole.csv)" ]
    cmp samples.csv out/samples.csv
    [ "$(wc -l <out/samples.csv)" -eq "$n" ]
}

@test "samples.csv that ends within its header is begun again by --resume" {
    make_run
    head -c 20 out/samples.csv >part
    cp part out/samples.csv
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    assert_no_twins out
    [ "$(wc -l <out/samples.csv)" -eq 5 ]
}

@test "samples.csv with a cell that is no number, and rows too short or too long" {
    make_run
    cp out/samples.csv samples.csv
    local wrong
    for wrong in nan -5 1.5 '' 1e3 99999999999999999999 0x10; do
        awk -F, -v OFS=, -v wrong="$wrong" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "wall_ns") at = i }
            NR == 3 { $at = wrong } { print }' samples.csv >out/samples.csv
        refused 'out/samples.csv:3' 'wall_ns' "'$wrong'" -- report out
    done
    sed '4s/,[^,]*$//' samples.csv >out/samples.csv
    refused 'out/samples.csv:4' 'too few' -- report out
    sed '4s/$/,7/' samples.csv >out/samples.csv
    refused 'out/samples.csv:4' 'too many' -- report out
    sed '4s/.*/seq,1/' samples.csv >out/samples.csv
    refused 'out/samples.csv:4' 'too few' -- report out
    sed '4s/.*//' samples.csv >out/samples.csv
    refused 'out/samples.csv:4' -- report out
    { cat samples.csv; printf 'a\0b\n'; } >out/samples.csv
    refused 'out/samples.csv:6' 'zero byte' -- report out
}

@test "lines that end as on Windows are read" {
    make_run
    "$poolmark" report out --format csv >before
    sed -i 's/$/\r/' out/samples.csv
    run_split 0 "$poolmark" report out --format csv
    [ "$output" = "$(cat before)" ]
}

# --- full while it runs --------------------------------------------------------------------------

@test "the disk fills up in mid-run: said, exit 1, and --resume finishes when there is room" {
    need_small_disk
    run_split 0 in_small_disk 40k "
        '$poolmark' run --out disk/out --quiet --workload null --tasks 12 --workers 2 --backends mock --reps 300 \
            --launches 1 --retakes 0 --cell 'mock=./mock_cell' --format csv >disk.out 2>disk.err
        echo \$? >disk.status
        cp -r disk/out before
        mount -o remount,size=4m disk
        '$poolmark' run --resume disk/out --quiet --format csv >again.out 2>again.err
        echo \$? >again.status
        cp -r disk/out after"
    [ "$(cat disk.status)" -eq 1 ]
    assert_words "$(tail -n 1 disk.err)" 'disk/out' 'No space left'
    [ "$(cat again.status)" -eq 0 ]
    # Nothing that was whole was lost: the old rows, but for a cut-off last one, are the first of the new.
    local n
    n=$(wc -l <before/samples.csv)
    [ "$n" -gt 10 ]
    cmp <(head -n "$n" before/samples.csv) <(head -n "$n" after/samples.csv)
    assert_no_twins after
    [ "$(cells after/samples.csv backend status | sort | uniq -c | xargs)" = '300 mock|ok 300 seq|ok' ]
}

@test "standard output on a full device: said, exit 1" {
    [ -e /dev/full ] || skip 'no /dev/full'
    run --separate-stderr sh -c "'$poolmark' list fields >/dev/full"
    [ "$status" -eq 1 ]
    assert_words "$stderr" 'standard output'
    make_run
    run --separate-stderr sh -c "'$poolmark' report out --format json >/dev/full"
    [ "$status" -eq 1 ]
}

@test "a reader that has seen enough gets no complaint" {
    run --separate-stderr bash -c "{ sleep 0.2; '$poolmark' list fields; } | true"
    [ -z "$stderr" ] || complain 'there is a complaint'
}

# --- the configuration as run --------------------------------------------------------------------

@test "plan.ini holds texts that are hard to write" {
    local title long
    long=$(printf '%0140d' 7)
    for title in "$long [x] b" "$long key = b" 'a = b' "'quoted' \"twice\"" '  blanks   within  '; do
        rm -rf out
        make_run --title "$title"
        run_split 0 "$poolmark" report out --format csv
        [ "$output" = "$(cat out/summary.csv)" ] || complain "another summary with the title $title"
    done
}

@test "what plan.ini cannot hold is refused before anything is made" {
    refused '--title' -- run --out out --workload null --title $'a\n[evil]'
    refused '--title' -- run --out out --workload null --title '# a comment'
    refused '--title' -- run --out out --workload null --title 'first ; second'
    refused '--cell' -- run --out out --workload null --backends mock --cell "mock=./$(printf '%0300d' 7)"
}

@test "plan.ini repeats the run: the same points" {
    "$poolmark" run --out out --quiet --workload 'square' --tasks 10,20 --backends procpool,openmp \
        --schedules dynamic,static,pool --chunks auto,3 --workers 1..2 --reps 1 --launches 1 --format csv >/dev/null
    "$poolmark" run out/plan.ini --out again --quiet --format csv >/dev/null
    diff <(cut -d, -f1-14 out/summary.csv) <(cut -d, -f1-14 again/summary.csv)
    diff <(grep -v '^#' out/plan.ini) <(grep -v '^#' again/plan.ini)
}
