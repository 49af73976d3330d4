#!/usr/bin/env bats
# A rank that dies, exits, hangs or answers wrongly: the point fails with a sentence that names the rank, its
# machine and what it did; the run goes on, no process is left and nothing in /dev/shm.

load helpers

# As samples.csv calls this machine; standard error has its name.
host='node 0'
[[ $(uname -n) != localhost* ]] || host=$(uname -n)

# Shared memory of Open MPI that nobody has open or mapped.
orphans() {
    local file
    for file in /dev/shm/*; do
        [ -e "$file" ] || continue
        grep -qsF "$file" /proc/[0-9]*/maps || echo "$file"
    done | sort
}

# begin NAME BACKEND FAULT OPTIONS...: a run in the background, in a folder of that name: two ranks, of which
# rank 1 misbehaves in task 7, beside a point that does not. Side by side, since mpirun takes seconds to end.
begin() {
    local name=$1 backend=$2 fault=$3 workers=2
    [ "$backend" = mpi ] || workers=4
    (
        status=0
        env POOLMARK_TEST_MARK="$mark" "$poolmark" run --out "$name" --quiet --format csv \
            --workload "./fixtures/plugin_fault.so fault=$fault at=7 in=rank1|square" --tasks 10 --workers $workers \
            --backends "$backend" --schedules static --oversubscribe --reps 2 --launches 1 --retakes 0 "${@:4}" \
            >"$name.stdout" 2>"$name.stderr" </dev/null 3>&- || status=$?
        echo $status >"$name.status"
    ) 3>&- &
}

# judge NAME STATUS BACKEND POINT WORD...: the run's exit status and its point's, whose error has the words; the
# other point has all its samples.
judge() {
    local name=$1 backend=$3 output stderr
    output=$(cat "$name/samples.csv") stderr=$(cat "$name.stderr")
    [ "$(cat "$name.status")" -eq "$2" ] || complain "$name: exit status $(cat "$name.status")" || return
    [ "$(cells "$name/samples.csv" workload backend status | grep '^square' | sort | uniq -c | xargs)" = \
        "2 square results=no|$backend|ok 2 square results=no|seq|ok" ] || complain "$name: the healthy point" || return
    error=$(cells "$name/samples.csv" workload backend status error | grep -v '^square' | sed -n "s/.*|$backend|$4|//p")
    [ "$(grep -c . <<<"$error")" -eq 1 ] || complain "$name: errors: $error" || return
    assert_words "$error" "${@:5}" || return
    assert_words "$stderr" "${error//$host/$(uname -n)}"
}

no_new_orphans() {
    [ -z "$(comm -13 <(printf '%s\n' "$1") <(orphans))" ]
}

@test "a rank is killed, crashes, exits, hangs, loops, or sends a wrong result" {
    need_mpi
    local before
    before=$(orphans)
    begin killed mpi kill
    begin crashed hybrid segv
    begin exited mpi exit
    begin wrong mpi result
    begin wrong_too hybrid result
    wait
    # Where mpirun takes longer to end than a sample may, it is told who died all the same.
    begin slow mpi segv --cell-timeout 700ms
    begin asleep mpi hang --cell-timeout 2s
    begin loops hybrid loop --cell-timeout 2s
    wait
    judge killed 4 mpi died "rank 1 on $host was killed by signal 9 (SIGKILL)"
    judge crashed 4 hybrid died "rank 1 on $host was killed by signal 11 (SIGSEGV)"
    judge exited 4 mpi died "rank 1 on $host ended with exit status 7"
    judge slow 4 mpi died "rank 1 on $host was killed by signal 11 (SIGSEGV)"
    judge wrong 1 mpi wrong 'the result of task 7 is 8 instead of 7' "sent by rank 1 on $host"
    judge wrong_too 1 hybrid wrong 'the result of task 7 is 8 instead of 7' "sent by rank 1 on $host"
    judge loops 4 hybrid timeout 'no answer within 2.00 s' "rank 1 on $host was in tasks 6..7, " 's after its start'
    judge asleep 4 mpi timeout 'no answer within 2.00 s' "rank 1 on $host was in tasks 5..9, "
    [[ $error != *'rank 0'* && $error != *'last words'* ]] || complain "$error"
    assert_none_left
    wait_for 3 no_new_orphans "$before" || complain "in /dev/shm: $(orphans)"
}

@test "mpirun is killed while a rank hangs" {
    need_mpi
    local before
    before=$(orphans)
    start "$poolmark" run --out out --quiet --format csv --workload './fixtures/plugin_fault.so fault=hang at=7 in=rank1' \
        --tasks 10 --workers 2 --backends mpi --schedules static --oversubscribe --reps 1 --launches 1
    wait_for 30 has_lines out/placements.csv 4
    sleep 0.3
    kill -KILL "$(cells out/placements.csv backend cell_pid | sed -n 's/^mpi|//p' | head -n 1)"
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 4 ]
    assert_words "$(cells out/samples.csv error)" 'mpirun was killed by signal 9 (SIGKILL)'
    assert_none_left
    wait_for 3 no_new_orphans "$before" || complain "in /dev/shm: $(orphans)"
}
