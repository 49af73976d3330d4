#!/usr/bin/env bats
# poolmark compare: two runs and two parts of one, saved baselines, and what is refused. The times come from
# mock cells; the base is measured, so whoever looks at verdicts picks the mock's points.

load helpers

# make_run FOLDER TIMES [OPTION...]: a run of the mock cell on 1 and 2 workers, 2 launches of 6 samples.
make_run() {
    "$poolmark" run --out "$1" --quiet --workload null --tasks 12 --workers 1,2 --backends mock --reps 6 --launches 2 \
        --cell "mock=./mock_cell --times $2" "${@:3}" >/dev/null
}

slow=1.5ms,1.51ms,1.52ms
fast=1ms,1.01ms,1.02ms

@test "two runs: what differs, a table, verdicts" {
    make_run a $fast
    make_run b $slow --seed 2 --launches 3
    sed -i 's/"kernel": "[^"]*"/"kernel": "0.1"/' b/manifest.json
    sed -i '/"schema"/a "news": {"weather": "fine"},' b/manifest.json
    OMP_PROC_BIND=close run_split 0 "$poolmark" compare a:backend=mock b:backend=mock
    [ -z "$stderr" ]
    assert_words "$output" 'A  a:backend=mock: 2 points, 24 samples' 'What differs' '| 0.1' 'weather' '| fine' \
        'seed' '[command-line] launches' '[command-line] cell' 'time of B / time of A; below 1: B is faster' \
        'not taken side by side' 'hold together with 95 %' 'each has 97.5 %' 'slower at 2' 'command-line: 12 tasks'
    [ "$(grep -c ' slower$' <<<"$output")" -eq 2 ]
    [[ $output != *max-seconds* && $output != *written* ]]
    run_split 0 "$poolmark" compare b:backend=mock a:backend=mock
    assert_words "$output" 'faster at 2'
    local line
    for line in "${lines[@]}"; do
        [ "${#line}" -le 80 ] || complain "wider than 80: $line"
    done
}

@test "the same twice: no difference is shown" {
    make_run a $fast
    make_run b 1ms,1.02ms,1.01ms
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock --fail-above 0
    assert_words "$output" 'no difference shown at 2'
    [ -z "$stderr" ]
}

@test "--fail-above: the whole interval counts" {
    make_run a $fast
    make_run b $slow
    run_split 1 "$poolmark" compare a:backend=mock b:backend=mock --fail-above 5
    [ "${#stderr_lines[@]}" -eq 1 ]
    assert_words "$stderr" 'poolmark: B is slower by more than 5 % at 2 of 2 points' 'most at command-line: mock'
    assert_words "$output" 'slower at 2'
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock --fail-above=60
    [ -z "$stderr" ]
    run_split 0 "$poolmark" compare b:backend=mock a:backend=mock --fail-above 5
    # Some samples are slow, and the interval begins below.
    make_run c 1ms,1ms,1ms,1ms,1ms,1ms,1ms,1ms,2ms,2ms,2ms,2ms
    run_split 0 "$poolmark" compare a:backend=mock c:backend=mock --fail-above 5
    # Too few to tell: said, and no failure.
    make_run d $slow --reps 2
    run_split 0 "$poolmark" compare a:backend=mock d:backend=mock --fail-above 5
    assert_words "$stderr" 'of 2 points nothing can be told: too few samples'
    assert_words "$output" 'too few: 4 of 7 samples'
}

@test "--fail-above: what cannot be judged does not pass; one launch always does" {
    make_run a $fast
    make_run b "$fast --die-at 1 9" || [ $? -eq 4 ]
    run_split 1 "$poolmark" compare a:backend=mock b:backend=mock --fail-above 5
    assert_words "$stderr" 'poolmark: failed in B: 2 points: command-line: mock, 1 worker; command-line: mock, 2 workers'
    make_run c $fast --workers 2
    run_split 1 "$poolmark" compare a:backend=mock c:backend=mock --fail-above 5
    [ "$stderr" = 'poolmark: missing in B: 1 point: command-line: mock, 1 worker' ]
    run_split 0 "$poolmark" compare c:backend=mock a:backend=mock --fail-above 5
    make_run d $slow --launches 1 --reps 12
    run_split 0 "$poolmark" compare a:backend=mock d:backend=mock --fail-above 5
    assert_words "$stderr" 'of 2 points nothing can be told beyond one launch'
    assert_words "$output" 'slower in one launch at 2' 'There is one launch on a side'
}

@test "csv and json" {
    make_run a $fast
    make_run b $slow --workers 2,3
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock --format csv
    output_cells backend workers verdict n_a n_b pairs unit | diff - <(
        printf '%s\n' 'mock|2|slower|12|12|0|samples' 'mock|1|only in A|12|0|0|' 'mock|3|only in B|0|12|0|')
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock --format=json
    assert_words "$output" '"schema": 1' '"one_run": false' '"differences": [' '"verdict": "slower"' '"confidence": 0.95'
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock
    assert_words "$output" 'only in A: 1 point: command-line' 'only in B: 1 point'
}

@test "two parts of one run are paired" {
    "$poolmark" run --out a --quiet --workload null --tasks 12 --workers 2 --backends one,two --reps 3 --launches 2 \
        --cell "one=./mock_cell --times $fast|two=./mock_cell --times $slow" >/dev/null
    run_split 1 "$poolmark" compare a:backend=one a:backend=two --fail-above 10
    assert_words "$output" 'paired: both parts were taken side by side' 'slower at 1'
    [[ $output != *'What differs'* ]]
    run_split 0 "$poolmark" compare a:backend=one a:backend=two --format csv
    output_cells backend other pairs unit | diff - <(echo 'one|backend=two|6|pairs')
    # A copy of a run is that run.
    cp -r a b
    run_split 0 "$poolmark" compare a:backend=one b:backend=two --format csv
    output_cells pairs | diff - <(echo 6)
    refused 'same run' 'a:backend=procpool' -- compare a b
    refused 'same run' -- compare a a
    refused 'with itself' -- compare a:backend=one b:workers=2
}

@test "baselines: saved, listed, compared with, replaced only when told" {
    make_run a $fast
    make_run b $slow
    run_split 0 "$poolmark" list baselines
    assert_words "$output" 'no baseline'
    run_split 0 "$poolmark" compare --save before-1.0 a
    assert_words "$output" 'results/baselines/before-1.0'
    [ "$(ls -A results/baselines)" = before-1.0 ]
    cmp a/samples.csv results/baselines/before-1.0/samples.csv
    run_split 0 "$poolmark" list baselines
    assert_words "$output" before-1.0
    run_split 1 "$poolmark" compare before-1.0:backend=mock b:backend=mock --fail-above 5
    refused 'before-1.0 is there already' '--force' -- compare --save before-1.0 b
    run_split 0 "$poolmark" compare --save before-1.0 b --force
    cmp b/samples.csv results/baselines/before-1.0/samples.csv
    [ "$(ls -A results/baselines)" = before-1.0 ]
    refused 'nor a baseline (in results/baselines: before-1.0)' -- compare before a
    # elsewhere
    run_split 0 "$poolmark" compare --save x a --baselines deep/er
    run_split 0 "$poolmark" compare x b --baselines deep/er
    refused 'nor a baseline' -- compare x b
    # What is a folder of a run is one, whatever baselines are called.
    cp -r a x
    run_split 0 "$poolmark" compare x b
    local name
    for name in '' . .. .x -x a/b 'a b' ä "$(printf 'x%.0s' {1..65})"; do
        refused '--save' -- compare "--save=$name" a
    done
    refused 'a whole run' -- compare --save y a:backend=mock
    refused 'neither the folder' -- compare --save y nowhere
    refused 'is a file' -- compare --save y a/plan.ini
}

@test "arguments that are wrong" {
    make_run a $fast
    mkdir empty
    refused 'two runs are needed' -- compare
    refused 'two runs are needed' -- compare a
    refused 'too many' -- compare a a a
    refused "'xml' is not text, csv or json" -- compare a a --format xml
    refused '--format' 'needs a value' -- compare a a --format
    refused '--fail-above' "'5x'" -- compare a a --fail-above 5x
    refused '--fail-above' "'-5'" -- compare a a --fail-above=-5
    refused '--fail-above' "'nan'" -- compare a a --fail-above nan
    refused "unknown option '--fial-above'" '--fail-above' -- compare a a --fial-above 5
    refused '--force' -- compare a a --force
    refused '--fail-above' -- compare --save x a --fail-above 5
    refused 'a part of a run is RUN:FIELD=VALUE' -- compare a:backend a
    refused '--color' "'red'" -- compare a a --color red
    refused 'nowhere' 'there is no such folder' -- compare nowhere a
    refused 'empty' 'it has no manifest.json' -- compare empty a
    refused 'unknown field' 'colour' -- compare a:colour=red a
    refused "no point has backend 'procpool'" 'mock, seq' -- compare a:backend=procpool a
    refused "no point of those before has workers '3'" -- compare a:backend=mock,workers=3 a
    refused 'workers' "'two'" -- compare a:workers=two a
    run_split 0 "$poolmark" compare --help
    assert_words "$output" '--fail-above' '--save NAME'
}

@test "runs without a common point: what differs nearest" {
    make_run a $fast
    make_run b $fast --tasks 13 --workers 3
    refused 'no point in common' 'tasks (12 and 13)' 'a:backend=mock,tasks=12,workers=' ' b:backend=mock,tasks=13,workers=3' \
        -- compare a:backend=mock b:backend=mock
}

@test "an experiment of another name stands for the other one" {
    printf '[new]\n' >new.ini
    make_run a $fast
    make_run b $slow new.ini
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock
    assert_words "$output" 'command-line / new: 12 tasks' 'slower at 2'
    [[ $output != *'an experiment'* ]]
}

@test "bad samples: one sentence with file and line, exit 2" {
    make_run a $fast
    make_run b $slow
    cp b/samples.csv good.csv
    local wall
    wall=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "wall_ns") print i }' good.csv)
    # bad CELL WORD...: the time in line 5 is CELL.
    bad() {
        awk -F, -v OFS=, -v at="$wall" -v cell="$1" 'NR == 5 { $at = cell } { print }' good.csv >b/samples.csv
        refused 'b/samples.csv:5: wall_ns:' "${@:2}" -- compare a b || return
        refused 'b/samples.csv:5: wall_ns:' -- compare b a
    }
    bad fast "'fast'"
    bad nan "'nan'"
    bad inf "'inf'"
    bad -1 "'-1'"
    bad '' "''"
    bad 1e9 "'1e9'"
    bad 99999999999999999999 "'99999999999999999999'"
    bad 9999999999999999999 'is no time'
    : >b/samples.csv
    refused 'b/samples.csv is empty' -- compare a b
    head -n 1 good.csv >b/samples.csv
    refused 'b/samples.csv: there is no sample below the header' -- compare a b
    head -c 100 good.csv >b/samples.csv
    refused 'b/samples.csv has no header line' -- compare a b
    sed '1s/wall_ns/time/' good.csv >b/samples.csv
    refused 'b/samples.csv:1:' "'time' is none" -- compare a b
    sed '1s/$/,more/' good.csv >b/samples.csv
    refused 'b/samples.csv:1:' "'more' is none" -- compare a b
    sed '4s/$/,7/' good.csv >b/samples.csv
    refused 'b/samples.csv:4:' 'too many cells' -- compare a b
    sed '4s/,[^,]*$//' good.csv >b/samples.csv
    refused 'b/samples.csv:4:' 'too few cells' -- compare a b
    sed '3s/,ok,/,fine,/' good.csv >b/samples.csv
    refused 'b/samples.csv:3:' "unknown word 'fine'" -- compare a b
    { head -n 3 good.csv && head -c 100000 /dev/zero && echo; } >b/samples.csv
    refused 'b/samples.csv:4:' 'zero byte' -- compare a b
    { head -n 3 good.csv && head -c 3000000 /dev/zero | tr '\0' x && echo; } >b/samples.csv
    refused 'b/samples.csv:4:' 'too few cells' -- compare a b
    rm b/samples.csv
    refused 'b/samples.csv cannot be read' -- compare a b
    mkdir b/samples.csv
    refused 'b/samples.csv is not a file' -- compare a b
}

@test "bad manifests: one sentence, exit 2" {
    make_run a $fast
    make_run b $slow
    cp b/manifest.json good.json
    sed -i 's/"schema": 1/"schema": 7/' b/manifest.json
    refused 'b/manifest.json' 'schema 7' -- compare a b
    echo '{"schema": 1,' >b/manifest.json
    refused 'b/manifest.json:' -- compare a b
    echo '[]' >b/manifest.json
    refused 'b/manifest.json' 'schema 0' -- compare a b
    echo '{"schema": 1, "machine": 7, "environment": [null, {}]}' >b/manifest.json
    run_split 0 "$poolmark" compare a b
    assert_words "$output" 'environment' '[null,{}]'
    # Without plan and topology it says so.
    cp good.json b/manifest.json
    rm b/plan.ini b/topology.xml
    run_split 0 "$poolmark" compare a b
    assert_words "$output" 'plan.ini' 'topology.xml' '| -'
}

@test "a run that did not come to its end is told of" {
    make_run a $fast
    make_run b $fast --seed 2
    sed -i 's/"interrupted": false/"interrupted": true/' a/manifest.json
    sed -i 's/"result": {/"result": null, "was": {/' b/manifest.json
    local a='poolmark: a: the run was interrupted; its points may lack samples'
    run_split 0 "$poolmark" compare a b
    [ "$stderr" = "$a"$'\n''poolmark: b: the run has not come to its end; its points may lack samples' ]
    run_split 0 "$poolmark" compare --save x a
    [ "$stderr" = "$a" ]
}

@test "a last line that is cut off is dropped and said" {
    make_run a $fast
    make_run b $slow
    truncate -s -7 b/samples.csv
    run_split 0 "$poolmark" compare a:backend=mock b:backend=mock
    [ "$stderr" = 'poolmark: b/samples.csv: the last line is cut off and left out' ]
    assert_words "$output" 'slower at 2'
}
