#!/usr/bin/env bats
# poolmark doctor: what it finds on this machine, in whatever condition that is; on machines that we lack; A/A.

load helpers

# The doctor's answer: fit and 0, or not and 77; nothing else. $output is what it said.
examine() {
    run --separate-stderr env "$@" </dev/null
    [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || complain "exit status $status: $*" || return
    [ -z "$stderr" ] || complain 'something on standard error'
}

# of JSON EXPRESSION: a value of the doctor's JSON on standard input, by jq's little brother.
of() {
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

@test "doctor shows the machine, says why so many CPUs, and ends with a verdict that is its exit status" {
    examine "$poolmark" doctor
    assert_words "$output" '┌─ ' 'usable CPU' 'good: '
    # Commands stay in one piece, all else is folded.
    [ "$(grep -v '^ *\$ ' <<<"$output" | wc -L)" -le 80 ]
    if [ "$status" -eq 0 ]; then
        [ "${lines[-1]}" = 'fit for measuring' ]
        [[ $output != *'problems, each'* ]]
    else
        [[ ${lines[-1]} =~ ^'not fit for measuring: '[0-9]+' problem' ]]
        assert_words "$output" 'problems, each with its remedy:' '  1. '
    fi
    [ -z "$(ls -A | grep -v -e mock_cell -e fixtures)" ]
}

@test "doctor --format json tells the same, with a remedy for each problem" {
    need python3
    examine "$poolmark" doctor --format json
    local fit problems name
    fit=$(of 'd["fit"]' <<<"$output")
    problems=$(of 'd["problems"]' <<<"$output")
    if [ "$status" -eq 0 ]; then [ "$fit $problems" = 'True 0' ]; else [ "$fit" = False ]; fi
    [ "$(of 'sum(c["verdict"] == "bad" for c in d["conditions"])' <<<"$output")" = "$problems" ]
    [ "$(of 'all(c["remedy"] for c in d["conditions"] if c["verdict"] in ("bad", "note"))' <<<"$output")" = True ]
    [ "$(of '{c["verdict"] for c in d["conditions"]} <= {"good", "note", "bad", "unknown"}' <<<"$output")" = True ]
    # docs/measurement.md says of each check when it is bad.
    for name in $(of '" ".join(c["name"] for c in d["conditions"])' <<<"$output"); do
        grep -q "^| .*\`$name\`.* |" "$root/docs/measurement.md" || complain "docs/measurement.md lacks $name"
    done
    [ "$(of 'd["usable"] >= 1 and d["why"] != "" and d["this_machine"] and d["aa"] is None' <<<"$output")" = True ]
}

@test "doctor draws without box characters where the terminal has none" {
    examine LC_ALL=C "$poolmark" doctor
    assert_words "$output" '+- ' '| '
    [[ $output != *┌* ]]
}

@test "doctor finds what is missing, with the remedy" {
    make_tree poolmark-cell
    mkdir empty
    examine PATH=empty bin/poolmark doctor
    assert_words "$output" 'gnuplot: no gnuplot' 'apt-get install gnuplot-nox' 'no mpirun' \
        'poolmark-cell-mpi was not built' 'apt-get install openmpi-bin'
}

@test "doctor knows affinity and says which CPUs may not be used" {
    need taskset
    [ "$(nproc)" -ge 2 ] || skip 'one CPU'
    local first
    first=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
    examine taskset -c "$first" "$poolmark" doctor
    [ "$status" -eq 77 ]
    assert_words "$output" '1 usable CPU ' ' allowed by affinity' 'in parentheses' 'cpus: ' "[$first]"
}

@test "doctor draws machines that we lack, and does not judge them by this one" {
    HWLOC_SYNTHETIC='pack:2 core:8 pu:2' run_split 77 "$poolmark" doctor
    assert_words "$output" 'package 1: 8 cores, 16 PUs' '[30 31]' '32 usable CPUs' 'not this machine'
    [[ $output != *problems* && $output != *'good:'* ]]
    HWLOC_SYNTHETIC='pack:1 core:64 pu:1' run_split 77 "$poolmark" doctor
    assert_words "$output" '64 cores' '[63]'
    [ "$(wc -L <<<"$output")" -le 80 ]
    HWLOC_SYNTHETIC='pack:2 core:8 pu:2' run_split 2 "$poolmark" doctor --aa
    assert_words "$stderr" 'nothing is timed'
}

@test "doctor --aa measures the same twice and says what it cannot show" {
    examine "TMPDIR=$PWD" "$poolmark" doctor --aa-seconds 2
    assert_words "$output" 'A/A, the same point twice' 'disturbed: '
    if [[ $output == *'too few for an interval'* ]]; then
        assert_words "$output" '--aa-seconds gives more time'
    else
        assert_words "$output" 'pairs over 6 launches' 'effects below' 'cannot be shown'
        [[ $output == *'no difference shown'* || $status -eq 77 ]]
    fi
    [ -z "$(ls -A | grep -v -e mock_cell -e fixtures)" ] || complain "left behind: $(ls -A)"
}

# The cells of A/A are the mock cell with these options.
make_cells() {
    rm -rf bin
    make_tree
    printf '#!/bin/sh\nexec ./mock_cell %s "$@"\n' "$1" >bin/poolmark-cell
    chmod +x bin/poolmark-cell
}

@test "doctor --aa pairs by pass, counts what was disturbed, and says when the time was too short" {
    # The k-th samples of both are alike, however much they differ from the others.
    make_cells '--times 100us,300us,250us'
    examine bin/poolmark doctor --aa
    assert_words "$output" ' 250 µs a sample' 'ratio 1.0000 [1.0000, 1.0000] of 60 pairs over 6 launches: no difference shown' \
        'effects below 0%' 'disturbed: 0 of 120 samples (0.0%); of 60 pairs, 0 stayed so'
    make_cells "--times 100us --with '{\"flags\":\"preempted\"}'"
    examine bin/poolmark doctor --aa
    assert_words "$output" 'samples (100.0%); of 60 pairs, 60 stayed so'
    make_cells '--times 100us --pace 150ms'
    examine bin/poolmark doctor --aa-seconds 0.5
    assert_words "$output" 'pairs: too few for an interval; --aa-seconds gives more time'
    make_cells '--die-at 3 9'
    run_split 4 bin/poolmark doctor --aa
    assert_words "$stderr" 'SIGKILL' 'A/A: a sample is not good (died)'
}

@test "doctor --aa removes what a killed one left, and nothing that is in use" {
    need flock
    mkdir poolmark-aa-killed poolmark-aa-locked poolmark-aa-new
    touch poolmark-aa-killed/samples.csv
    touch -d '1 hour ago' poolmark-aa-killed poolmark-aa-locked
    make_cells '--times 100us'
    examine "TMPDIR=$PWD" flock poolmark-aa-locked bin/poolmark doctor --aa
    [ "$(echo poolmark-aa-*)" = 'poolmark-aa-locked poolmark-aa-new' ]
}

@test "doctor --aa that is interrupted leaves nothing behind" {
    TMPDIR=$PWD start "$poolmark" doctor --aa-seconds 60
    wait_for 10 compgen -G 'poolmark-aa-*/samples.csv'
    kill -INT "$pid"
    wait "$pid" && complain 'exit status 0' || [ $? -eq 130 ]
    assert_none_left
    [ -z "$(compgen -G 'poolmark-aa-*')" ]
}

@test "doctor refuses what it does not take" {
    refused "unknown argument '--a'" -- doctor --a
    refused "'csv' is not text or json" -- doctor --format csv
    refused '0.1' '0.5 to 600' -- doctor --aa-seconds 0.1
    refused '--aa-seconds' -- doctor --aa-seconds soon
    HWLOC_SYNTHETIC=nonsense refused 'HWLOC_SYNTHETIC' -- doctor
}
