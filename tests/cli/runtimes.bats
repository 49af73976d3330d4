#!/usr/bin/env bats
# Two programs, two OpenMP runtimes: each has one of them and says which, and what of its settings holds.

load helpers

need_llvm() {
    [ -x "$root/poolmark-cell-llvm" ] || skip 'poolmark-cell-llvm was not built'
    "$root/poolmark-cell" --help | grep -q 'openmp .*not in this build' && skip 'no OpenMP in this build'
    return 0
}

# hello CELL ARGUMENT...: its first line.
hello() {
    "$@" --backend openmp --workers 2 </dev/null | head -n 1
}

@test "no cell has both OpenMP runtimes" {
    need_llvm
    need ldd
    run_split 0 ldd "$root/poolmark-cell"
    assert_words "$output" libgomp
    [[ $output != *libomp* ]] || complain 'libomp in poolmark-cell'
    run_split 0 ldd "$root/poolmark-cell-llvm"
    assert_words "$output" libomp
    [[ $output != *libgomp* ]] || complain 'libgomp in poolmark-cell-llvm'
}

@test "each says its own name, and its runtime with the settings that hold" {
    need_llvm
    run_split 0 "$root/poolmark-cell-llvm" --version
    [[ $output == 'poolmark-cell-llvm '* ]] || complain name
    run_split 0 "$root/poolmark-cell-llvm" --help
    assert_words "$output" 'usage: poolmark-cell-llvm' openmp procpool seq
    run_split 2 "$root/poolmark-cell-llvm" --backend nothing
    assert_words "$stderr" 'poolmark-cell-llvm' "nothing"
    assert_words "$(hello env OMP_SCHEDULE=guided,7 OMP_DYNAMIC=false "$root/poolmark-cell-llvm")" \
        '"cell": "poolmark-cell-llvm"' 'libomp' 'schedule guided 7' 'places' 'dynamic false' 'wait' \
        'OMP_SCHEDULE=guided,7'
    assert_words "$(hello env OMP_PROC_BIND=close OMP_WAIT_POLICY=passive "$root/poolmark-cell")" \
        '"cell": "poolmark-cell"' 'libgomp' 'proc_bind close' 'OMP_WAIT_POLICY=passive'
}

@test "libomp's threads go to sleep soon, unless the user says how long they are to spin" {
    need_llvm
    assert_words "$(hello "$root/poolmark-cell-llvm")" 'wait 5 ms'
    assert_words "$(hello env KMP_BLOCKTIME=70 "$root/poolmark-cell-llvm")" 'wait 70 ms'
    assert_words "$(hello env OMP_WAIT_POLICY=active "$root/poolmark-cell-llvm")" 'wait active'
}

@test "a runtime that grants fewer threads is an error, never a smaller measurement" {
    need_llvm
    local cell
    for cell in poolmark-cell poolmark-cell-llvm; do
        run env OMP_THREAD_LIMIT=2 "$root/$cell" --backend openmp --workers 3 </dev/null
        assert_words "$output" 'OpenMP gave 2 of 3 threads (see OMP_THREAD_LIMIT'
    done
}

@test "a cell of libomp runs what the runtime has and what we have" {
    need_llvm
    local pair id=0
    for pair in static:native dynamic:native guided:native pool:native auto:native taskloop:native tasks:native \
        guided:ticket static:static; do
        printf '{"id": %d, "workload": "square results=yes", "tasks": 1009, "schedule": "%s", "dispatch": "%s"}\n' \
            "$((++id))" "${pair%:*}" "${pair#*:}" >>requests
    done
    "$root/poolmark-cell-llvm" --backend openmp --workers 3 <requests >answers
    [ "$(grep -c '"status": "ok".*"verified": true' answers)" -eq "$id" ] || complain "$(cat answers)"
}

@test "a cell of libomp leaves nothing in /dev/shm, killed or not" {
    need_llvm
    [ -d /dev/shm ] || skip 'no /dev/shm here'
    mkfifo requests
    "$root/poolmark-cell-llvm" --backend openmp --workers 2 <requests >stdout 3>&- &
    started+=("$!")
    exec 4>requests
    wait_for 10 has_lines stdout 1
    [ ! -e "/dev/shm/__KMP_REGISTERED_LIB_$!_$(id -u)" ] || complain 'a file in /dev/shm'
    kill -KILL "$!"
    exec 4>&-
}
