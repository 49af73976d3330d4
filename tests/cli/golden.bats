#!/usr/bin/env bats
# Whole outputs, from mock cells with scripted times, compared with tests/golden. After a wanted change:
# POOLMARK_UPDATE_GOLDEN=1 bats tests/cli/golden.bats, and look at what git shows.

load helpers

# same_as_golden NAME: standard input is what tests/golden/NAME holds.
same_as_golden() {
    if [ -n "${POOLMARK_UPDATE_GOLDEN:-}" ]; then
        cat >"$root/tests/golden/$1"
    else
        diff -u "$root/tests/golden/$1" -
    fi
}

# A tree of its own whose poolmark-cell is the mock: the base, too, has scripted times. They depend on the
# backend and are divided by the workers, as by a machine that is ideal but for a constant part.
scripted_tree() {
    mkdir bin
    cp "$poolmark" bin/
    cat >bin/poolmark-cell <<END
#!/bin/sh
case "\$*" in
*'--backend seq'*) times=$1 ;;
*'--backend procpool'*) times=$2 ;;
*) times=$3 ;;
esac
exec '$PWD/mock_cell' --divide --times \$times $4 "\$@"
END
    chmod +x bin/poolmark-cell
}

# measured CONFIGURATION OPTIONS: runs it in bin/'s tree, without gnuplot; the machine is then said to have 4
# usable CPUs.
measured() {
    status=0
    env PATH=/nowhere bin/poolmark run "$@" --out out --quiet --format csv >/dev/null 2>told || status=$?
    grep -v 'gnuplot' told >stderr || true
    sed -i 's/"usable": [0-9]*/"usable": 4/' out/manifest.json
}

# Text without gnuplot's curve, which is gnuplot's to draw, and without the reasons for rules that are not met:
# some are the machine's (rules.bats breaks each rule).
text() {
    env PATH=/nowhere COLUMNS="$1" bin/poolmark report out |
        awk '/^rules: / { print "rules: N/12"; reasons = 1; next } reasons && /^       [^ ]/ { next } { reasons = 0; print }'
}

squares() {
    scripted_tree 40ms,41ms,39ms,40500us,39500us,40ms 44ms,43ms,48ms,44ms,45ms,44ms 41ms,42ms,41ms,40ms,60ms,41ms \
        '--sum 41679167500 --chain 1250'
    cat >squares.ini <<'END'
[squares]
title = squares of 1 to 5000, summed up
source = 003:22-59
claim = Q1 sum 41679167500 workers=4 | Q2 time 40ms backend=seq | Q3 speedup 4 workers=4 | Q4 share 1250 workers=4 |
    Q5 chunks 5000 workers=2 chunk=1 | Q6 sum 7 workers=2 backend=openmp | Q7 speedup 8 workers=8 chunk=1 |
    Q8 chunks 50 workers=1 chunk=100
workload = square
tasks = 5000
backends = procpool, openmp
chunks = 1, 100
workers = 1, 2, 4, 8
reps = 6
launches = 2
END
    measured squares.ini
}

sleepers() {
    scripted_tree 120ms,121ms,122ms 300ms 400ms
    cat >sleepers.ini <<'END'
[defaults]
workload = sleep time=10s
scale = 0.001
tasks = 12
backends = procpool
reps = 3
launches = 1

[S1]
title = 12 sleepers in chunks of 4 on 10 workers
claim = S1 time 40s | S1 speedup 3 | S1 time 120s backend=seq
workers = 10
chunks = 4

[S2]
title = the same one by one, and none at all
workers = 3, 10
tasks = 12, 0

[S3]
title = with workers made anew
workers = 10
fresh = yes
END
    measured sleepers.ini "$@"
}

faults() {
    # The point with chunk 2 dies at its second sample, that of openmp answers wrongly.
    scripted_tree 40ms 50ms 60ms
    sed -i 's/^exec.*/case "$*" in\n*"--backend procpool"*) fault="--die-at 2 11 --when chunk=2 --words last_words" ;;\n*"--backend openmp"*) fault="--status-at 1 wrong" ;;\nesac\nexec .\/mock_cell --times $times $fault "$@"/' bin/poolmark-cell
    cat >faults.ini <<'END'
[faults]
workload = null
tasks = 12
backends = procpool, openmp
chunks = 1, 2
workers = 2
reps = 3
launches = 1
END
    measured faults.ini
}

@test "squares: text at 80 and 120 columns" {
    squares
    [ ! -s stderr ]
    text 80 | same_as_golden squares.80.txt
    text 120 | same_as_golden squares.120.txt
}

@test "squares: summary.csv and articles.csv" {
    squares
    bin/poolmark report out --format csv | same_as_golden squares.summary.csv
    env PATH=/nowhere bin/poolmark plot out >/dev/null 2>&1 || true # writes both anew
    same_as_golden squares.articles.csv <out/articles.csv
}

@test "sleepers: text and summary" {
    sleepers
    [ ! -s stderr ]
    text 80 | same_as_golden sleepers.80.txt
    text 120 | same_as_golden sleepers.120.txt
    bin/poolmark report out --format csv | same_as_golden sleepers.summary.csv
}

@test "sleepers: JSON" {
    sleepers --only S1
    bin/poolmark report out --format json | same_as_golden sleepers.json
}

@test "faults: text, and what is told" {
    faults
    [ "$status" -eq 4 ]
    text 80 | same_as_golden faults.80.txt
    sort stderr | same_as_golden faults.stderr.txt
}

@test "plan.ini" {
    squares
    same_as_golden squares.plan.ini <out/plan.ini
}

@test "the launch lines of a dry run" {
    scripted_tree 1ms 1ms 1ms
    env PATH=/nowhere bin/poolmark run "$root/configs/quick.ini" --backends procpool,openmp --dry-run |
        sed -e "s|$PWD|HERE|g" -e '1s/.*/THE MACHINE/' | same_as_golden quick.dry-run.txt
}
