#!/usr/bin/env bats
# The twelve rules on runs: a sound one meets them all, and one that breaks a rule is told so. Breaking is done by
# editing what a run has left, or by asking for too little.

load helpers

# bin/ holds a driver whose cells are mocks: each tells its workers, so that nothing but what a test breaks is amiss.
sound_tree() {
    mkdir bin
    cp "$poolmark" bin/
    ln -s "$root/plots" bin/plots
    cat >bin/poolmark-cell <<END
#!/bin/sh
case "\$*" in
*'--backend seq'*) times=40ms,41ms,39ms,40500us,39500us,40200us ;;
*) times=44ms,43ms,45ms,44500us,43500us,44200us ;;
esac
n=1 list=
while [ \$# -gt 0 ]; do
    [ "\$1" != --workers ] || n=\$2
    set -- "\$@" && all="\$all \$1" && shift
done
i=0
while [ \$i -lt \$n ]; do
    list="\$list,[6,6,0,20000000,19000000,0]" i=\$((i + 1))
done
exec '$PWD/mock_cell' --divide --times \$times --with "{\"workers\":[\${list#,}]}" \$all
END
    chmod +x bin/poolmark-cell
}

# A run of the tree in out/; more options come behind. Figures are drawn where they are looked at alone.
sound_run() {
    [ -d bin ] || sound_tree
    bin/poolmark run --out out --quiet --workload 'burn iterations=1M' --tasks 12 --workers 2 --backends procpool \
        --reps 6 --launches 2 --retakes 0 --format csv "$@" >/dev/null
}

# edit FILE COLUMN VALUE [ROW]: puts VALUE into the column, in all rows or in those in which the text ROW is. VALUE may
# use the cell's old value as X, in awk.
edit() {
    awk -F, -v OFS=, -v CONVFMT=%.12g -v OFMT=%.12g -v name="$2" -v row="${4:-}" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; if (!at) exit 1 }
        NR > 1 && index($0, row) { X = $at; $at = '"$3"' }
        { print }' "$1" >edited
    mv edited "$1"
}

# edit_json FILTER: manifest.json through jq.
edit_json() {
    need jq
    jq "$1" out/manifest.json >edited
    mv edited out/manifest.json
}

# judged STATUS: validates out/.
judged() {
    run_split "$1" bin/poolmark validate out
}

# met NUMBER... : these rules are met.
met() {
    local number
    for number; do
        grep -qE "^ *$number [a-z]+ +met " <<<"$output" || complain "rule $number is not met" || return
    done
}

# broken NUMBER WORD...: the rule is not met, and the output has the words.
broken() {
    grep -qE "^ *$1 [a-z]+ +NOT MET " <<<"$output" || complain "rule $1 is met" || return
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" "${@:2}"
}

# only_broken NUMBER WORD...: it and no other.
only_broken() {
    judged 1
    broken "$@"
    [ "$(grep -c 'NOT MET' <<<"$output")" -eq 1 ] || complain 'more than that is not met'
    assert_words "$output" 'files: 4/4'
}

@test "a sound run meets twelve rules, with its figures, and every view says so" {
    PATH=$real_path
    need gnuplot
    sound_run --workers 1,2
    judged 0
    assert_words "$output" 'rules: 12/12; files: 4/4'
    assert_words "$(bin/poolmark report out)" 'rules: 12/12'
    grep -q 'rules: 12/12' out/plots/command-line-speedup.svg || complain 'the caption does not tell the rules'
    run_split 0 bin/poolmark plot out
    assert_words "$output" 'rules: 12/12'
    judged 0
    rm -r out
    run_split 0 bin/poolmark run --out out --quiet --workload 'burn iterations=1M' --tasks 12 --workers 2 \
        --backends procpool --reps 6 --launches 2 --retakes 0
    assert_words "$output" 'rules: 11/11, nothing to check for 12'
}

@test "the base alone: rules about speedups have nothing to check, and claim nothing" {
    sound_run
    sed -i '/,procpool,/d' out/samples.csv out/workers.csv
    awk -F, 'NR == FNR { known[$1]; next } FNR == 1 || $1 in known' \
        <(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "order") at = i } { print $at }' out/samples.csv) \
        out/workers.csv >edited
    mv edited out/workers.csv
    edit_json '.missing.procpool = "was not built"'
    bin/poolmark plot out >/dev/null
    judged 0
    for number in 1 4 7 11 12; do
        grep -qE "^ *$number [a-z]+ +- +nothing to check: no" <<<"$output" || complain "rule $number checks something"
    done
    met 2 3 5 6 8 9 10
    assert_words "$output" 'rules: 7/7, nothing to check for 1, 4, 7, 11, 12; files: 4/4'
    assert_words "$(bin/poolmark report out)" 'rules: 7/7, nothing to check for 1, 4, 7, 11, 12'
}

@test "rule 1: a speedup without its base, or with other seconds" {
    sound_run
    edit out/summary.csv base_s X*2 procpool
    judged 1
    broken 1 'other seconds of their base' 'procpool, W=2'
    met 2 3 4 5 6 7 8 9 10 11
    edit out/summary.csv base '"none"' procpool
    judged 1
    broken 1 'do not name their base'
    sed -i '/,seq,/d' out/samples.csv
    judged 1
    broken 1 'their base has no samples'
}

@test "rule 2: points without samples need a reason, and so do CPUs" {
    sound_run --workers 1,2
    cp -r out kept
    sed -i '/,procpool,.*,1,1,1,1,none/d' out/samples.csv
    bin/poolmark plot out >/dev/null || true
    judged 1
    broken 2 'lack samples without a reason' 'W=1'
    met 1 3 4 5 6 7 8 9 10 11
    edit_json '.missing.procpool = "was not built"'
    judged 1
    met 2
    rm -r out
    cp -r kept out
    edit_json '.machine.pus = 64'
    judged 1
    broken 2 'CPUs were not used'
    edit_json '.unused_cpus = [{"pus": 63, "why": "cpuset"}]'
    judged 1
    met 2
    edit_json '.result = null'
    sed -i '$d' out/samples.csv
    judged 1
    broken 2 'has not ended' '--resume'
}

@test "rule 3: a mean that is none of times" {
    sound_run
    edit out/summary.csv mean_s X*1.001 procpool
    judged 1
    broken 3 'not the arithmetic mean'
    met 1 2 4 5 6 7 8 9 10 11
    grep -q 'summary.csv *NOT MET' <<<"$output"
}

@test "rule 4: a speedup that is an average of ratios" {
    sound_run
    edit out/summary.csv speedup X*1.0001 procpool
    judged 1
    broken 4 'not the median of their paired ratios'
    met 1 2 3 6 7 8 9 10 11
}

@test "rule 5: too few samples, and an interval that does not follow" {
    sound_run --reps 2
    judged 1
    broken 5 '2 of 2 points have fewer than 6 samples'
    met 1 2 3 4 7 9 10 11
    rm -r out
    sound_run --reps 20 --launches 3 --precision 20
    judged 0
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" 'points that --precision stopped early: 2'
    rm -r out
    sound_run
    edit out/summary.csv ci_high_s X*2 procpool
    judged 1
    broken 5 'have no interval of their median'
    met 1 2 3 4 6 7 8 9 10 11
}

@test "rule 6: one launch, a method that assumes a distribution, and drift" {
    sound_run --launches 1
    judged 1
    broken 6 'one launch'
    met 1 2 3 4 5 7 8 9 10 11
    rm -r out
    sound_run
    edit out/summary.csv method '"t"' procpool
    judged 1
    broken 6 'no interval from ranks or bootstrap'
    rm -r out
    sound_run --launches 6
    # Each sample takes longer than the one before. Six launches may differ.
    edit out/samples.csv wall_ns 'X*(1+NR*0.05)'
    bin/poolmark plot out >/dev/null
    judged 1
    broken 6 'drift'
    met 1 3 4 5 7 9 10 11
}

@test "rule 7: ratios of samples that were not taken side by side" {
    sound_run
    edit out/samples.csv pass X+100 procpool
    bin/poolmark plot out >/dev/null
    judged 1
    broken 7 'not taken side by side'
    met 2 3 6 8 9 10
}

@test "rule 8: no percentiles, and modes that are not told" {
    sound_run
    edit out/summary.csv p75_s '""' procpool
    judged 1
    broken 8 'percentiles'
    met 1 2 3 4 5 6 7 9 10 11
    rm -r out
    sound_run --reps 40
    edit out/samples.csv wall_ns 'X+(NR*7%11<5)*1e7' procpool
    bin/poolmark plot out >/dev/null
    grep -q several-modes out/summary.csv
    judged 0
    sed -i 's/several-modes//' out/summary.csv
    judged 1
    broken 8 'several modes'
}

@test "rule 9: a circumstance that is not told" {
    sound_run
    cp -r out kept
    edit_json 'del(.machine.kernel)'
    only_broken 9 'machine.kernel'
    cp kept/manifest.json out/
    edit_json '.conditions = {}'
    only_broken 9 'condition'
    cp kept/manifest.json out/
    edit_json '.seed = 2'
    only_broken 9 'seed'
    cp kept/manifest.json out/
    rm out/topology.xml
    only_broken 9 'topology.xml'
    cp kept/topology.xml out/
    sed -i '/^retakes/d' out/plan.ini
    only_broken 9 'plan.ini lacks retakes'
    sed 's/^reps = .*/reps = 5/' kept/plan.ini >out/plan.ini
    judged 1
    broken 9 'not what the run began with' '20 samples' 'of 2 and 24'
    # The same in other words.
    sed -E 's/^(seed|launches) = /\1=/; s/^retakes = /retakes : /' kept/plan.ini >out/plan.ini
    judged 0
    rm out/placements.csv
    only_broken 9 'no placements.csv'
}

@test "rule 10: time taken in a way that is not told, too coarse, or without workers" {
    sound_run
    cp -r out kept
    edit_json 'del(.timing.synchronisation)'
    only_broken 10 'timing.synchronisation'
    cp kept/manifest.json out/
    edit_json '.timing.resolution_ns = 4000000'
    only_broken 10 'too short'
    cp kept/manifest.json out/
    edit out/samples.csv clock_error_ns 1000000
    only_broken 10 'clocks of the machines'
    cp kept/samples.csv out/
    sed -i '$d' out/workers.csv
    only_broken 10 'lack the times of their workers'
}

@test "rule 11: a speedup without a bound" {
    sound_run
    edit out/summary.csv bound '""' procpool
    judged 1
    broken 11 'no bound'
    met 1 2 3 4 5 6 7 8 9 10
    edit out/samples.csv wall_ns 'X*2' procpool
    bin/poolmark plot out >/dev/null
    judged 0
    [[ $output != *'whole interval'* ]] || complain 'what lies below its bound is said to lie above it'
    edit out/samples.csv wall_ns 'int(X/6)' procpool
    bin/poolmark plot out >/dev/null
    judged 0
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" '1 lies above it with the whole interval'
}

@test "rule 12: no figures, old ones, without samples, or with lines over categories" {
    sound_tree
    PATH=/nowhere sound_run --workers 1,2
    judged 1
    broken 12 'poolmark plot'
    PATH=$real_path
    need gnuplot
    bin/poolmark plot out >/dev/null
    judged 0
    cp -r out kept
    touch -d '1 hour ago' out/plots/command-line-time.svg
    only_broken 12 'older than summary.csv'
    touch out/plots/command-line-time.svg
    edit out/plots/figures.csv samples 0 command-line-speedup
    only_broken 12 'does not show the samples'
    cp kept/plots/figures.csv out/plots/
    edit out/plots/figures.csv axis '"category"' command-line-speedup
    only_broken 12 'joins categories'
    cp kept/plots/figures.csv out/plots/
    rm out/plots/command-line-efficiency.png
    only_broken 12 'command-line-efficiency'
}

@test "files that do not agree: twins, strangers, a cut-off line, another summary" {
    sound_run
    cp -r out kept
    tail -1 kept/samples.csv >>out/samples.csv
    judged 1
    assert_words "$output" '1 of 25 order numbers come twice'
    cp kept/samples.csv out/
    sed '$s/^[0-9]*/99/' kept/workers.csv >out/workers.csv
    judged 1
    assert_words "$output" '1 rows belong to no sample'
    cp kept/workers.csv out/
    head -c -20 kept/samples.csv >out/samples.csv
    judged 1
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" 'the last line is cut off'
    cp kept/samples.csv out/
    rm out/summary.csv
    judged 1
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" 'there is no summary.csv' 'poolmark plot'
}

@test "a summary.csv of older columns, or with a row that is no row, accuses no number" {
    sound_run
    cp -r out kept
    cut -d, -f1-20 kept/summary.csv >out/summary.csv
    judged 1
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" 'summary.csv has no column' 'poolmark plot'
    [ "$(grep -c 'NOT MET' <<<"$output")" -eq 1 ] || complain 'more than summary.csv is not met'
    edit kept/summary.csv median_s '"many"' procpool
    cp kept/summary.csv out/
    judged 1
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" 'summary.csv:3' 'many'
    [ "$(grep -c 'NOT MET' <<<"$output")" -eq 1 ] || complain 'more than summary.csv is not met'
}

@test "a number of a sample that is beyond all others costs no memory, and is told" {
    sound_run
    edit out/samples.csv order 'NR==8?"268435455":X'
    run_split 1 bash -c 'ulimit -v 1000000; exec bin/poolmark validate out'
    broken 10 '1 of 24 samples lack the times of their workers' 'sample 268435455'
    edit out/samples.csv order 'NR==9?"18446744073709551615":NR==10?5:X'
    judged 1
    assert_words "$output" '1 of 24 order numbers come twice'
}

@test "what is no run is refused in one sentence; JSON has the same as text" {
    mkdir empty
    refused 'empty' 'not the folder of a run' -- validate empty
    refused 'folder of a run is needed' -- validate
    refused 'unknown option' -- validate --all out
    refused 'is not text or json' -- validate out --format csv
    sound_run
    rm out/samples.csv
    refused 'samples.csv' -- validate out
    rm -r out
    sound_run
    run_split 0 bin/poolmark validate out --format json
    need jq
    [ "$(jq '.rules | length' <<<"$output")" -eq 12 ]
    [ "$(jq '[.rules[], .files[] | select(.met)] | length' <<<"$output")" -eq 15 ]
    [ "$(jq -c '.rules[11] | [.met, .state]' <<<"$output")" = '[null,"nothing to check"]' ]
}
