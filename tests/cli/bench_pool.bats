#!/usr/bin/env bats
# bench/pool: one quick run, looked at from several sides. Its times are the machine's, and not judged.

load helpers

bench=$root/build/bench/pool

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    "$BATS_TEST_DIRNAME/../../build/bench/pool" --quick --markdown --seed 7 --samples samples \
        --peers "$BATS_TEST_DIRNAME/../../bench/pool_peers.py" >out 2>err </dev/null 3>&- && echo 0 >status ||
        echo $? >status
}

# The lines of figures and targets in Markdown, without their headings.
table() {
    grep '^|' "$BATS_FILE_TMPDIR/out" | grep -v -e '^| \*\*' -e '^|--' -e '^|  | n |'
}

# row WHO: the cells of that line, joined by |.
row() {
    table | awk -F ' *\\| *' -v OFS='|' -v who="$1" '$2 == who { print $3, $4, $5, $6, $7, $8, $9, $10 }'
}

@test "a quick run answers for everything, and says nothing else" {
    [ "$(cat "$BATS_FILE_TMPDIR/status")" = 0 ] || complain "$(cat "$BATS_FILE_TMPDIR/err")"
    [ ! -s "$BATS_FILE_TMPDIR/err" ] || complain "$(cat "$BATS_FILE_TMPDIR/err")"
}

@test "the eight groups, in their order, in both tables" {
    [ "$(sed -n 's/^(\([a-h]\)) .*/\1/p' "$BATS_FILE_TMPDIR/out" | xargs)" = 'a b c d e f g h' ]
    [ "$(sed -n 's/^| \*\*(\([a-h]\)) .*/\1/p' "$BATS_FILE_TMPDIR/out" | xargs)" = 'a b c d e f g h' ]
}

@test "each of the pool's figures was measured, and each line has all columns" {
    local who
    for who in 'procpool, in order' 'procpool, stealing' 'procpool, in order, chunk 64' \
        'procpool, workers spinning' 'procpool, workers asleep' 'procpool_new and procpool_free' \
        'first result since procpool_new' procpool_imap procpool_imap_unordered \
        'procpool_apply_async, then get' 'in order' 'in order, memory before' 'in order, memory after' \
        stealing 'stealing, memory before' 'stealing, memory after' 'CPU time of all but the parent'; do
        [[ $(row "$who") =~ ^[0-9]+\|[0-9.]+\ ?(ns|us|ms|s|KiB|MiB|GiB|%)\|\[ ]] || complain "$who: $(row "$who")"
    done
    table | awk -F '|' 'NF != 11 { print NF - 2, "cells:", $0; bad = 1 } END { exit bad }'
}

@test "each target stands beside its figure, with what it is relative to" {
    local targets
    targets=$(table | awk -F ' *\\| *' '$9 != "" { print $9 "|" $8 }')
    [ "$targets" = "$(
        cat <<'END'
<= 1.5|libgomp dynamic,1, through a pointer
<= 0.35|libgomp dynamic,1, through a pointer
stretch 0.2|libgomp dynamic,1, through a pointer
<= 1/1000|Pool.map, chunksize 1
<= 5 us|
<= 1/10|Pool.apply, one after the other
<= 30 us|
<= 1/10|Pool.apply, workers asleep
<= 2 ms|
< 1/4|with Pool(): pass
<= 1 ms|
1, not 2|
END
    )" ] || complain "$targets"
}

@test "every interval holds its median" {
    table | awk -F ' *\\| *' '
        function number(text) { return sub(/^1\//, "", text) ? 1 / text : text + 0 }
        function check(median, interval,    ends) {
            if (interval !~ /^\[/) return
            gsub(/[][]/, "", interval)
            split(interval, ends, ", ")
            n++
            if (number(ends[1]) > number(median) || number(ends[2]) < number(median)) {
                print "outside:", $0
                bad = 1
            }
        }
        { check($4, $5); check($6, $7) }
        END { if (n < 20) { print "only", n, "intervals"; bad = 1 }; exit bad }'
}

@test "each launch asks each sampler once, in an order that the seed gives" {
    local samples=$BATS_FILE_TMPDIR/samples
    [ "$(cut -d ' ' -f 1 "$samples" | uniq | xargs)" = '0 1 2 3 4 5' ]
    [ "$(awk '$3 == "procpool"' "$samples" | cut -d ' ' -f 1-4 | sort | uniq -c | awk '$1 != 1')" = '' ]
    [ "$(awk '$3 == "procpool" && $1 == 0' "$samples" | wc -l)" = 14 ]
    # Two launches in the same order would be no shuffling.
    [ "$(awk '$1 == 0 { print $3, $4 }' "$samples")" != "$(awk '$1 == 1 { print $3, $4 }' "$samples")" ]
    grep -q 'workers: 2, launches: 6, rounds in each: 1, seed: 7' "$BATS_FILE_TMPDIR/out"
}

@test "results that are written in place cost their own memory, once" {
    if [[ $(row 'memory taken, per byte of results') == *skipped* ]]; then
        skip "$(row 'memory taken, per byte of results')"
    fi
    row 'memory taken, per byte of results' | awk -F '|' '{ exit !($2 > 0.95 && $2 < 1.2) }' ||
        complain "$(row 'memory taken, per byte of results')"
}

@test "without Python the rows that need it say so, and the rest is there" {
    run_split 0 "$bench" --quick --launches 1 --python no-such-python
    assert_words "$output" 'no-such-python: No such file or directory'
    [ "$(grep -c ' absent  ' <<<"$output")" = 11 ] || complain
    [ -z "$stderr" ]
}

# A peer for one request: peer ANSWER
peer() {
    printf '%s\n' "[ \$1 = python ] || { echo absent; exit; }" 'echo hello false peer' 'read -r request' "$1" >peer.sh
}

@test "a wrong answer, no answer and a bad end are told, and the exit status is 1" {
    peer "echo 'wrong two and two are not five'"
    run_split 1 "$bench" --quick --python sh --peers peer.sh
    assert_words "$stderr" 'bench/pool: python ' ': two and two are not five'
    peer 'exit 0'
    run_split 1 "$bench" --quick --python sh --peers peer.sh
    assert_words "$stderr" 'bench/pool: python ' ': no answer'
    peer 'echo sample 1 nonsense'
    run_split 1 "$bench" --quick --python sh --peers peer.sh
    assert_words "$stderr" 'bench/pool: python ' ': sample 1 nonsense'
    peer 'while echo sample 1 1; read -r request; do :; done; exit 3'
    run_split 1 "$bench" --quick --launches 1 --python sh --peers peer.sh
    assert_words "$stderr" 'bench/pool: python did not end well'
}

@test "a command line that is wrong is refused" {
    run_split 2 "$bench" --workers 0
    assert_words "$stderr" "--workers: '0' is not a whole number from 1 to 256"
    run_split 2 "$bench" more
    assert_words "$stderr" 'usage: pool'
}
