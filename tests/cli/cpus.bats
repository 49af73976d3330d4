#!/usr/bin/env bats
# Usable CPUs within real groups of the kernel: quotas of either version, nested ones too, and cpusets. Where none
# can be made, as without root, the tests say so and are left out.

load helpers

# A folder of the test's own in the hierarchy of a controller, in $group; skips where there can be none.
make_group() {
    local top
    for top in "/sys/fs/cgroup/$1" "/sys/fs/cgroup/$1,cpuacct" /sys/fs/cgroup /sys/fs/cgroup/unified; do
        [ -e "$top/$2" ] || grep -qsw "$1" "$top/cgroup.subtree_control" || continue
        group=$top/$mark
        mkdir "$group" 2>/dev/null && return
    done
    group=''
    skip "no cgroup with the controller $1 can be made here"
}

# Removes the group with those below, whose processes have ended.
remove_group() {
    [ -n "${group:-}" ] || return 0
    local left=50
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ $((left--)) -eq 0 ]; do
        sleep 0.1
    done
}

# As that of helpers, and then the group, which is empty by then.
teardown() {
    local pid
    for pid in "${started[@]}" $(left_over); do
        kill -KILL "$pid" 2>/dev/null || true
    done
    remove_group
}

# share_out FOLDER...: under version 2, where processes are in the leaves alone, a group grants those below it the
# controller.
share_out() {
    local folder
    for folder; do
        [ ! -e "$folder/cgroup.subtree_control" ] || echo +cpu >"$folder/cgroup.subtree_control"
    done
}

# quota FOLDER MS: so many milliseconds in a hundred.
quota() {
    if [ -e "$1/cpu.max" ]; then
        echo "${2}000 100000" >"$1/cpu.max"
    else
        echo 100000 >"$1/cpu.cfs_period_us" && echo "${2}000" >"$1/cpu.cfs_quota_us"
    fi
}

# within FOLDER COMMAND...: in a process that has entered the group.
within() {
    # shellcheck disable=SC2016 # for the shell within
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' within "$@"
}

# tells FOLDER WORDS...: what a plan within the group begins with.
tells() {
    local folder=$1
    shift
    run_split 0 within "$folder" "$poolmark" run --dry-run --out out --workload null --tasks 4 --workers usable \
        --backends procpool
    assert_words "$output" "$@"
}

@test "quotas of half a CPU, of one and of one and a half, in nested groups: the tightest on the way counts" {
    local cpus
    cpus=$(nproc)
    make_group cpu cpu.cfs_quota_us
    mkdir -p "$group/inner/most" "$group/beside"
    share_out "$group" "$group/inner"
    if ! quota "$group" 150 2>/dev/null; then
        skip 'no quota can be set here'
    fi
    within "$group/beside" true 2>/dev/null || skip 'no process may enter a cgroup here'
    if [ "$cpus" -ge 2 ]; then
        tells "$group/beside" '2 usable CPUs' 'quota of 1.5 CPUs, which throttles 2 busy workers'
        tells "$group/inner/most" 'quota of 1.5 CPUs'
    fi
    quota "$group/inner" 100
    tells "$group/inner/most" '1 usable CPU (' 'quota of 1 CPU)'
    quota "$group/inner/most" 50
    tells "$group/inner/most" '1 usable CPU (' 'quota of 0.5 CPUs, which throttles 1 busy worker)'
    [ "$cpus" -lt 2 ] || tells "$group/beside" '2 usable CPUs'
}

@test "a cpuset of one CPU: one usable CPU, and no worker is planned on another" {
    local first last all
    make_group cpuset cpuset.cpus
    all=$(nproc)
    first=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
    last=$(taskset -cp $$ | sed 's/.*[^0-9]//')
    [ "$all" -ge 2 ] || skip 'there is one CPU alone'
    [ ! -e "$group/cpuset.mems" ] || echo 0 >"$group/cpuset.mems" || true
    echo "$last" >"$group/cpuset.cpus" || skip 'no cpuset can be restricted here'
    within "$group" true 2>/dev/null || skip 'no process may enter a cgroup here'
    tells "$group" '1 usable CPU (1 of ' ' allowed by cpuset'
    run_split 0 within "$group" "$poolmark" where --workers 2 --backends procpool --bind close --format csv
    [ "$(output_cells requested_pu observed_set | tail -n +2 | sort -u)" = "$last|$last" ]
    run_split 2 within "$group" "$poolmark" run --dry-run --out out --workload null --tasks 4 --backends procpool \
        --bind "$first"
    assert_words "$stderr" "PU $first may not be used by this process; allowed: $last"
}
