#!/usr/bin/env bats
# What is asked for again, and when a run has enough: --retakes, --precision, --bind-strict.

load helpers

# A tree in bin/ whose cells of ours are the mock, so that the base's times and flags are scripted too: options of
# the base, and of procpool, which goes by that name.
scripted_tree() {
    mkdir bin
    cp "$poolmark" bin/
    cat >bin/poolmark-cell <<END
#!/bin/sh
case "\$*" in
*'--backend seq'*) exec '$PWD/mock_cell' $1 "\$@" ;;
*) exec '$PWD/mock_cell' $2 "\$@" ;;
esac
END
    chmod +x bin/poolmark-cell
}

# scripted_run STATUS OPTIONS...: on that tree.
scripted_run() {
    local expected=$1
    shift
    run_split "$expected" bin/poolmark run --out out --workload 'sleep time=1ms' --tasks 12 --workers 2 \
        --backends procpool --launches 1 "$@"
}

# The points' numbers of samples: those that count, by launch.
counted() {
    cells out/samples.csv backend launch pass | sort -u | cut -d'|' -f1,2 | uniq -c | xargs
}

# --- retakes -------------------------------------------------------------------------------------

@test "a disturbed sample is taken again at once, twice at most, and all are kept" {
    scripted_tree '' '--flags -,preempted,-,preempted+slow-clock,cold,cold,-'
    scripted_run 0 --reps 4 --format csv
    [ "$(cells out/samples.csv backend launch pass retake flags | grep procpool | xargs)" = \
        "$(printf 'procpool|0|%s ' '0|0|' '1|0|preempted' '1|1|' '2|0|preempted slow-clock' '2|1|cold' '2|2|cold' \
            '3|0|' | xargs)" ] || complain "$(cells out/samples.csv backend pass retake flags)"
    # In a row, with nothing between.
    cells out/samples.csv order pass retake | awk -F'|' '
        $3 > 0 && (pass != $2 || retake != $3 - 1) { bad = 1 }
        $1 != NR - 1 { bad = 1 }
        { pass = $2; retake = $3 }
        END { exit bad }'
    assert_words "$stderr" '4 of 11 samples were disturbed (preempted 2, cold 2, slow-clock 1)' \
        '3 were taken again; 1 counts all the same'
    assert_no_twins out
}

@test "--retakes: as often as it says, 0 never" {
    scripted_tree '' '--flags stolen'
    scripted_run 0 --reps 2 --retakes 3 --quiet
    [ "$(cells out/samples.csv backend pass retake | grep procpool | xargs)" = \
        "$(printf 'procpool|%s ' '0|0' '0|1' '0|2' '0|3' '1|0' '1|1' '1|2' '1|3' | xargs)" ]
    [ -z "$stderr" ]
    rm -r out
    scripted_run 0 --reps 2 --retakes 0
    [ "$(cells out/samples.csv backend | grep -c procpool)" -eq 2 ]
    assert_words "$stderr" '2 of 4 samples were disturbed (stolen 2); 2 count all the same'
    refused '--retakes' '101' '100' -- run --workload null --retakes 101 --out x
}

@test "no more than ten samples and a quarter of the others are taken again, and that is said once" {
    scripted_tree '' '--flags preempted'
    scripted_run 0 --reps 60 --retakes 5
    # 120 others in the end.
    local n
    n=$(cells out/samples.csv retake | grep -vc '^0$')
    [ "$n" -ge 35 ]
    [ "$n" -le 40 ]
    [ "$(grep -c 'so many samples are disturbed that not all can be taken again' <<<"$stderr")" -eq 1 ]
    # Spread over the run: the last passes have some as well.
    [ "$(cells out/samples.csv pass retake | awk -F'|' '$1 >= 50 && $2 > 0' | wc -l)" -ge 3 ]
}

@test "--fresh: a retake has a cell of its own" {
    printf '#!/bin/sh\nexec ./mock_cell $(cat flags) "$@"\n' >cell
    chmod +x cell
    echo '--flags preempted' >flags
    mock_run --fresh --retakes 2 --reps 1 --cell 'mock=./cell' >/dev/null
    [ "$(cells out/samples.csv backend retake | grep mock | xargs)" = 'mock|0 mock|1 mock|2' ]
    [ "$(cells out/samples.csv backend cell_pid | grep mock | sort -u | wc -l)" -eq 3 ]
}

@test "a retake that fails is what --resume asks for again, by the next number" {
    printf '#!/bin/sh\nexec %s $(cat options) "$@"\n' "$PWD/mock_cell" >cell
    chmod +x cell
    echo '--flags -,preempted --die-at 3 11' >options
    run_split 4 mock_run --retakes 2 --reps 3 --cell "mock=./cell" --format csv
    [ "$(cells out/samples.csv backend pass retake status | grep mock | xargs)" = \
        'mock|0|0|ok mock|1|0|ok mock|1|1|died' ]
    echo '' >options
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    [ "$(cells out/samples.csv backend pass retake status | grep mock | tail -n 2 | xargs)" = \
        'mock|1|2|ok mock|2|0|ok' ]
    assert_no_twins out
}

@test "--resume: what failed and is asked again is no retake, and gives no further ones" {
    printf '#!/bin/sh\nexec %s $(cat options) "$@"\n' "$PWD/mock_cell" >cell
    chmod +x cell
    echo '--exit-at 1 3' >options
    run_split 4 mock_run --retakes 1 --reps 1 --tasks "$(seq -s, 1 40)" --cell 'mock=./cell' --format csv
    echo '--flags preempted' >options
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    # 80 first samples (bases among them) allow 10 + 80 / 4; each of the 40 was disturbed when asked again.
    local n
    n=$(cells out/samples.csv backend retake | grep -c 'mock|2')
    [ "$n" -ge 28 ] && [ "$n" -le 30 ] || complain "$n"
    rm -r out
    # Disturbed, then died in the first retake: of three retakes two are left after that.
    echo '--flags preempted --die-at 2 11' >options
    run_split 4 mock_run --retakes 3 --reps 1 --cell 'mock=./cell' --format csv
    echo '--flags preempted' >options
    run_split 0 "$poolmark" run --resume out --quiet --format csv
    [ "$(cells out/samples.csv backend retake status | grep mock | xargs)" = \
        'mock|0|ok mock|1|died mock|2|ok mock|3|ok mock|4|ok' ]
}

@test "--resume: a sample whose retake never came counts as it is" {
    scripted_tree '' '--flags -,preempted,preempted,-'
    scripted_run 0 --reps 3 --quiet
    local n
    n=$(cells out/samples.csv backend pass retake | grep -n 'procpool|1|1' | cut -d: -f1)
    cells out/samples.csv backend pass | sort -u >whole
    head -n "$n" out/samples.csv >cut.csv # the header takes the place of the retake's own row
    cp cut.csv out/samples.csv
    run_split 0 bin/poolmark run --resume out --quiet --format csv
    [ "$(cells out/samples.csv backend pass | grep -c 'procpool|1')" -eq 1 ]
    cells out/samples.csv backend pass | sort -u | diff whole -
}

# --- precision -----------------------------------------------------------------------------------

@test "--precision: a quiet point takes seven samples in three launches, a noisy one all" {
    scripted_tree '--times 2ms' '--times 1ms'
    scripted_run 0 --launches 3 --reps 10 --precision 2 --quiet
    [ "$(counted)" = '3 procpool|0 2 procpool|1 2 procpool|2 3 seq|0 2 seq|1 2 seq|2' ] || complain "$(counted)"
    [ "$(cells out/summary.csv flags | sort -u)" = '' ]
    rm -r out bin
    scripted_tree '--times 2ms' '--times 1ms,2ms,3ms'
    scripted_run 0 --launches 3 --reps 10 --precision 2 --quiet
    [ "$(counted)" = "$(printf '10 %s ' 'procpool|0' 'procpool|1' 'procpool|2' 'seq|0' 'seq|1' 'seq|2' | xargs)" ]
    assert_words "$(cells out/summary.csv backend flags | grep procpool)" imprecise
}

@test "--precision with one launch: six samples" {
    scripted_tree '--times 2ms' '--times 1ms'
    scripted_run 0 --reps 10 --precision 2 --quiet
    [ "$(counted)" = '6 procpool|0 6 seq|0' ] || complain "$(counted)"
}

@test "--precision-of: drift that a point shares with its base widens its time and not its speedup" {
    scripted_tree '--times 20ms,22ms,24ms,26ms,28ms,30ms,32ms' '--times 10ms,11ms,12ms,13ms,14ms,15ms,16ms'
    scripted_run 0 --reps 7 --precision 2 --precision-of time --quiet
    [ "$(counted)" = '7 procpool|0 7 seq|0' ] || complain "$(counted)"
    rm -r out
    # The base itself goes on, since of it the time is looked at.
    scripted_run 0 --reps 7 --precision 2 --quiet
    [ "$(counted)" = '6 procpool|0 7 seq|0' ] || complain "$(counted)"
    refused '--precision-of' 'mean' 'speedup, time' -- run --workload null --precision-of mean --out x
}

@test "--precision with --max-seconds goes on beyond the launches until it is reached" {
    # Every second launch takes 3 % longer: the first two tell little, many tell all.
    scripted_tree '--times 2ms' '--times $(echo >>starts; sh times)'
    echo 'case $(wc -l <starts) in *[02468]) echo 1030us ;; *) echo 1ms ;; esac' >times
    scripted_run 124 --launches 2 --reps 4 --precision 1 --max-seconds 2
    # No interval that is honest is narrower than what launches differ by; each takes but three samples.
    # (The last launch may have been broken off.)
    [ "$(cells out/samples.csv backend launch | grep procpool | sort -u | wc -l)" -ge 4 ]
    [ "$(cells out/samples.csv launch backend | grep procpool | sort -n | uniq -c | head -n -1 | awk '{ print $1 }' |
        sort -u)" = 3 ]
    rm -r out starts
    scripted_run 0 --launches 2 --reps 4 --precision 2 --max-seconds 60
    [ "$(cells out/summary.csv flags | sort -u)" = '' ]
}

@test "--dry-run says that precision may stop sooner" {
    run_split 0 "$poolmark" run --dry-run --workload null --precision 2
    assert_words "$output" 'if precision stops nothing sooner'
}

@test "--resume goes on as the run would have, with --precision" {
    scripted_tree '--times 2ms' '--times 1ms'
    scripted_run 0 --launches 3 --reps 10 --precision 2 --chunks 1..3 --quiet
    cells out/samples.csv order launch pass backend chunk >whole
    [ "$(wc -l <whole)" -eq 28 ]
    local kept
    for kept in 1 5 11 12 13 20 21 28; do
        head -n $((kept + 1)) out/samples.csv >cut.csv
        cp -r out again
        cp cut.csv again/samples.csv
        bin/poolmark run --resume again --quiet --format csv >/dev/null
        cells again/samples.csv order launch pass backend chunk | diff whole -
        rm -r again
    done
    run_split 0 bin/poolmark run --resume out --format csv
    assert_words "$stderr" 'nothing left to measure'
}

# --- binding -------------------------------------------------------------------------------------

@test "--bind-strict: a worker elsewhere fails its point, and the sentence says who and where" {
    local strange='mock=./mock_cell --with {"misplaced":1,"misplacements":[[1,3,0]]}'
    run_split 1 mock_run --bind-strict --cell "$strange" --format csv
    [ "$(cells out/samples.csv backend status error | grep mock)" = \
        'mock|misplaced|worker 1 was asked to run on PU 3 and was seen on PU 0' ]
    assert_words "$stderr" 'misplaced: worker 1 was asked to run on PU 3'
    [ "$(cells out/summary.csv backend n failed | grep mock)" = 'mock|0|1' ]
    # Without it the point is flagged.
    rm -r out
    run_split 0 mock_run --cell "$strange" --format csv
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
    # A cell that does not say who.
    rm -r out
    run_split 1 mock_run --bind-strict --cell 'mock=./mock_cell --with {"misplaced":2}' --format csv
    assert_words "$stderr" '2 of 2 workers did not end where they were asked to run'
}

@test "--bind-strict: a worker that starts elsewhere fails its point before anything is timed" {
    run_split 1 mock_run --bind-strict --cell 'mock=./mock_cell --places 0:0,1:0 --log requests' --format csv
    [ ! -e requests ]
    [ "$(cells out/samples.csv backend status wall_ns error | grep mock)" = \
        'mock|misplaced|0|worker 1 was asked to run on PU 1 and was seen on PU 0' ]
    rm -r out
    run_split 0 mock_run --bind-strict --cell 'mock=./mock_cell --places 0:0,1:1' --format csv
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
}

@test "--bind-strict on real cells that are where they were asked to be" {
    run_split 0 "$poolmark" run --out out --quiet --workload null --tasks 10 --workers 1 --backends procpool,openmp \
        --bind close --bind-strict --reps 2 --launches 1 --format csv
    [ "$(cells out/samples.csv status | sort -u)" = ok ]
}

# --- machines that are described -----------------------------------------------------------------

@test "HWLOC_SYNTHETIC plans and never times" {
    export HWLOC_SYNTHETIC='pack:2 core:4 pu:2'
    run_split 0 "$poolmark" run --dry-run --workload null --workers usable --backends procpool
    assert_words "$output" '--workers 16'
    refused 'HWLOC_SYNTHETIC' 'nothing is timed' -- run --workload null --out out
    unset HWLOC_SYNTHETIC
    mock_run --cell 'mock=./mock_cell' >/dev/null
    export HWLOC_XMLFILE=$PWD/out/topology.xml
    refused 'HWLOC_XMLFILE' 'nothing is timed' -- run --workload null --out other
    refused 'HWLOC_XMLFILE' 'nothing is timed' -- run --resume out
}
