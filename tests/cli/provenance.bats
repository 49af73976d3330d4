#!/usr/bin/env bats
# What a run writes down of itself: enough to repeat it, and nobody's name.

load helpers

# Which sample was taken when, of all rows of a run.
order_of() {
    cells "$1/samples.csv" order experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers \
        ranks threads bind fresh launch pass group
}

study() {
    cat >study.ini <<'END'
[defaults]
seed = 7
max-cells = 3
launches = 2
reps = 3
retakes = 0
cell = own=./mock_cell --times 1ms,2ms,3ms | other=./mock_cell --divide

[first]
title = what is asked; in words
claim = A1 time 1ms backend=own | A2 speedup 2 workers=2
source = nobody
workload = sleep time=1ms shape=linear | null
tasks = 12, 20
backends = own, other
schedules = dynamic, guided, static
chunks = auto, 1..8*2
workers = 1..3
scale = 0.001

[second]
workload = null
backends = own
workers = 2
bind = none | close
fresh = yes

[third]
workload = null
backends = own
END
}

@test "plan.ini repeats the run: the same points in the same order, and the same plan" {
    study
    run_split 0 "$poolmark" run study.ini --out out --quiet --only 'first,second' --set tasks=16 --seed 11 --reps 2 \
        --info memory=DDR4-2666 --info 'case=open, for once' --format csv
    [ "$(cells out/samples.csv order | wc -l)" -gt 200 ]
    run_split 0 "$poolmark" run out/plan.ini --out again --quiet --format csv
    diff <(order_of out) <(order_of again)
    diff out/plan.ini again/plan.ini
    run_split 0 "$poolmark" run out/plan.ini --out other --seed 12 --quiet --format csv
    [ "$(order_of out)" != "$(order_of other)" ] || complain 'the seed makes no difference'
    grep -q '"experiment": "third"' out/manifest.json || complain 'what --only left out is not told'
}

@test "plan.ini repeats ranks, factorisations, dispatches and bindings" {
    need_mpi
    printf '%s\n' '[a]' 'workload = burn iterations=1M' 'backends = mpi, hybrid, openmp' 'workers = 1, 2' \
        'ranks = all' 'dispatch = auto, master, static' 'schedules = static, dynamic' 'bind = spread | none' \
        'oversubscribe = yes' >ranks.ini
    "$poolmark" run ranks.ini --dry-run >first
    grep -q -- '--ranks' first
    # Stopped at once, a run has its plan.
    run_split 124 "$poolmark" run ranks.ini --out out --quiet --max-seconds 0.001 --format csv
    "$poolmark" run out/plan.ini --dry-run --max-seconds 0 >second
    diff first second
    need jq
    [ "$(jq '.left_out | length' out/manifest.json)" -gt 0 ] || complain 'dispatches left out are not told'
}

@test "--info: kept in manifest and plan; a key that comes twice, and what is no KEY=VALUE" {
    mock_run --cell 'mock=./mock_cell' --info a=1 --info 'b-2=x y z' --set info=c_3=4 --format csv >/dev/null
    need jq
    [ "$(jq -c .info out/manifest.json)" = '{"a":"1","b-2":"x y z","c_3":"4"}' ]
    "$poolmark" run out/plan.ini --out again --quiet --format csv >/dev/null
    [ "$(jq -c .info again/manifest.json)" = '{"a":"1","b-2":"x y z","c_3":"4"}' ]
    refused '--info' "the key 'a' comes twice" -- run --workload null --info a=1 --info a=2 --out new
    refused '--info' 'KEY=VALUE' "'a'" -- run --workload null --info a --out new
    refused '--info' 'KEY=VALUE' -- run --workload null --info 'a b=1' --out new
    refused '--info' 'KEY=VALUE' -- run --workload null --info a= --out new
    refused '--info' 'no other info' -- run --resume out --info d=1
}

need_host() {
    unshare -u hostname testhost77 2>/dev/null || skip 'no rights to name a machine'
}

# A run in a home below this folder, of somebody who has a plug-in and cells there and elsewhere; the cells die, and
# say where.
run_of_alice() {
    local home=$PWD/home/alice
    mkdir -p home/alice/bin home/data/alice
    printf '#!/bin/sh\nexec %s --words see_%s/core_on_$(hostname).example.org "$@"\n' "$PWD/mock_cell" "$home" \
        >home/alice/bin/mock_cell
    chmod +x home/alice/bin/mock_cell
    cp "$root/build/mock/mock_cell" home/data/alice/
    cp "$root/build/fixtures/plugin_good.so" home/alice/mine.so
    run_split 4 env HOME="$home" USER=alice LOGNAME=alice OMP_TOOL_LIBRARIES="$home/tool.so" "${prefix[@]}" "$poolmark" run \
        --out out --workload "$home/mine.so" --tasks 12 --workers 2 --backends one,two --reps 3 --launches 1 --cell \
        "one=$home/bin/mock_cell --die-at 3 11 | two=$PWD/home/data/alice/mock_cell --exit-at 2 3"
}

@test "no user's name in what a run writes; it can be repeated all the same" {
    run_of_alice
    [ -z "$(grep -rli alice out)" ] || complain "alice is named: $(grep -rhi alice out | head -3)"
    grep -q '~/mine.so' out/samples.csv || complain 'the plug-in is not told'
    grep -q 'cell = one=~/bin/mock_cell' out/plan.ini || complain 'the cell is not told'
    grep -q 'see ~/core' out/samples.csv || complain 'the last words are not told'
    run_split 4 env HOME="$PWD/home/alice" USER=alice LOGNAME=alice "$poolmark" run out/plan.ini --out again --quiet
    diff <(order_of out) <(order_of again)
    diff out/plan.ini again/plan.ini
}

@test "nor the name of whoever is behind sudo" {
    mkdir -p home/alice
    cp mock_cell home/alice/
    run_split 0 env HOME=/root USER=root LOGNAME=root SUDO_USER=alice "$poolmark" run --out out --quiet --workload null \
        --tasks 12 --workers 2 --backends mock --reps 2 --launches 1 --retakes 0 \
        --cell "mock=$PWD/home/alice/mock_cell"
    [ -z "$(grep -rli alice out)" ] || complain "alice is named: $(grep -rhi alice out | head -3)"
    grep -q 'home/~/mock_cell' out/plan.ini || complain 'the cell is not told'
}

@test "no host's name in what a run writes, unless it is asked for; standard error has it" {
    need_host
    prefix=(unshare -u sh -c 'hostname "$0" && exec "$@"' testhost77)
    run_of_alice
    [ -z "$(grep -rli testhost77 out)" ] || complain "the host is named: $(grep -rhi testhost77 out | head -3)"
    assert_words "$stderr" 'testhost77'
    grep -q 'core on node 0' out/samples.csv || complain 'no machine is told of'
    rm -r out
    mock_run --cell 'mock=./mock_cell --words died_on_testhost77 --die-at 2 11' --record-host --format csv >/dev/null || true
    grep -q '"host": "testhost77"' out/manifest.json || complain 'the manifest does not name the host'
    grep -q 'died on testhost77' out/samples.csv || complain 'samples.csv does not name the host'
    grep -q 'record-host = yes' out/plan.ini
}

@test "the manifest tells machine, conditions, versions and timing" {
    need jq
    mock_run --cell 'mock=./mock_cell' --format csv >/dev/null
    for path in .libraries.hwloc .libraries.gsl .libraries.jansson .libraries.libc .machine.microcode \
        .conditions.clocksource .timing.clock .timing.cost_ns .timing.synchronisation .plan.points .left_out .unused_cpus; do
        [ "$(jq "$path" out/manifest.json)" != null ] || complain "the manifest lacks $path"
    done
    [ "$(jq .plan.points out/manifest.json)" -eq 2 ]
    # CPUs without a worker have a reason.
    [ "$(jq '.machine.pus - ([.unused_cpus[].pus] | add // 0) <= 2' out/manifest.json)" = true ]
    if grep -qE 'HostName|Serial|LinuxCgroup' out/topology.xml; then complain 'the topology names the machine'; fi
}
