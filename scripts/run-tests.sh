#!/usr/bin/env bash
# Runs the tests that `make check` has built, and counts.
#
# Kinds: unit (Check programs), sanitized (the same with ASan and UBSan), faults (the process pool under
# faults, without and with sanitizers), cli (bats), mpi (programs under mpirun, once for each number in
# their comment "ranks: 1 2 3"; with Open MPI again for each comment "ranks 4 with VARIABLE=VALUE --mca …:"),
# runtimes (programs with either OpenMP runtime), noise (what disturbs a sample, injected), models (the
# protocols, searched by spin). A program that passes takes one line; one that does not shows its output. A
# program that was not built, ran out of time, ended badly or printed no count is a failure. At the end each
# kind has a line, with the seconds that its programs took together: those that mostly wait run beside each
# other. The last line is "N passed, N failed", with ", N skipped" where there are any; the exit status is 0
# only when none failed.
#
# Environment: MPIRUN; POOLMARK_REQUIRE_ALL=1 makes a kind whose tool is absent a failure.
set -u
cd "$(dirname "$0")/.." || exit 1

# Longest time of one program, in seconds.
unit_s=120
sanitized_s=180
cli_s=200
mpi_s=120
noise_s=60
runtime_s=60
valgrind_s=120
faults_s=150
models_s=400

# Of each kind "PASSED FAILED SKIPPED SECONDS", and the kinds in the order in which they were counted.
declare -A counted=()
kinds=()
child=
searcher=

work=$(mktemp -d) || exit 1
taken=$work/taken
mkdir "$taken" || exit 1
lanes=()
trap 'rm -rf "$work"' EXIT
trap 'stop 130' INT
trap 'stop 143' TERM

stop() {
    [ -z "$child" ] || kill "$child" 2>/dev/null
    [ -z "$searcher" ] || kill "$searcher" 2>/dev/null
    [ ${#lanes[@]} -eq 0 ] || kill "${lanes[@]}" 2>/dev/null
    exit "$1"
}

have=" $(scripts/setup.sh --have | tr '\n' ' ')"

is_here() {
    [[ $have == *" $1 "* ]]
}

# --- one kind -------------------------------------------------------------------------------------

begin() {
    kind=$1
    passed=0 failed=0 skipped=0
    begun=$SECONDS
}

end() {
    count "$kind" "$passed" "$failed" "$skipped" $((SECONDS - begun))
}

# count KIND PASSED FAILED SKIPPED SECONDS
count() {
    local good=0 bad=0 left=0 seconds=0
    [ -n "${counted[$1]:-}" ] || kinds+=("$1")
    read -r good bad left seconds <<<"${counted[$1]:-0 0 0 0}"
    counted[$1]="$((good + $2)) $((bad + $3)) $((left + $4)) $((seconds + $5))"
}

# Whether nobody has taken this program of the kind before, in whatever lane.
take() {
    mkdir "$taken/$kind:${1//\//:}" 2>/dev/null
}

show() {
    printf '%-10s %-32s %s\n' "$kind" "$1" "$2"
}

# Counts so many tests that cannot run because a tool is absent.
leave_out() {
    take absent || return
    if [ -n "${POOLMARK_REQUIRE_ALL:-}" ]; then
        failed=$((failed + $1))
        show "$1 file(s)" "FAILED: $2 is absent"
    else
        skipped=$((skipped + $1))
        show "$1 file(s)" "skipped: $2 is absent (scripts/setup.sh check installs it)"
    fi
}

# --- one program ----------------------------------------------------------------------------------

# Runs a command for at most so many seconds, its output in $log, its exit status in $status. In the
# background, so that an interrupt is noticed at once.
run() {
    log=$work/log
    timeout -k 10 "$@" >"$log" 2>&1 </dev/null &
    child=$!
    wait "$child"
    status=$?
    child=
}

# Adds the result of the last run: judge NAME PASSED FAILED SKIPPED; an empty PASSED is no count.
judge() {
    local name=$1 good=$2 bad=${3:-0} left=${4:-0} why=
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        why='out of time'
    elif [ -z "$good" ]; then
        why="no count, exit status $status"
    elif [ "$bad" -eq 0 ] && [ "$status" -ne 0 ]; then
        why="exit status $status"
    fi
    if [ -n "$why" ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + ${good:-0}))
    failed=$((failed + bad))
    skipped=$((skipped + left))
    if [ "$bad" -gt 0 ]; then
        {
            show "$name" "FAILED: $bad${why:+ ($why)}"
            sed 's/^/    /' "$log"
        } >"$work/failure"
        cat "$work/failure" # at once, or the other lane would write between
    else
        show "$name" "$good passed$([ "$left" -eq 0 ] || echo ", $left skipped")"
    fi
}

not_built() {
    failed=$((failed + 1))
    show "$1" 'FAILED: not built'
}

# --- the kinds ------------------------------------------------------------------------------------

# check_programs FOLDER SECONDS: one program for each tests/unit/test_*.c.
check_programs() {
    local source name counts
    local sources=(tests/unit/test_*.c)
    if ! is_here check; then
        leave_out ${#sources[@]} Check
        return
    fi
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        take "$name" || continue
        if [ ! -x "$1/$name" ]; then
            not_built "$name"
            continue
        fi
        run "$2" env CK_VERBOSITY=normal "$1/$name"
        counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2 \3/p' \
            "$log" | tail -n 1)
        # shellcheck disable=SC2086
        set -- "$1" "$2" $counts
        if [ $# -eq 5 ]; then
            judge "$name" $(($3 - $4 - $5)) $(($4 + $5))
        else
            judge "$name" ''
        fi
        set -- "$1" "$2"
    done
}

cli_tests() {
    local file good bad left planned
    local files=(tests/cli/*.bats)
    if ! is_here bats; then
        leave_out ${#files[@]} bats
        return
    fi
    for file in "${files[@]}"; do
        take "$file" || continue
        run "$cli_s" bats --formatter tap "$file"
        planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | head -n 1)
        left=$(grep -c '^ok .* # skip' "$log")
        good=$(($(grep -c '^ok ' "$log") - left))
        # What was planned and has no result did not pass.
        bad=$((${planned:-0} - good - left))
        judge "$(basename "$file")" "${planned:+$good}" "$bad" "$left"
    done
}

# mpi_test NAME COMMAND…
mpi_test() {
    local name=$1 good bad
    shift
    # As the driver starts cells whose threads are more than the CPUs, as here they are.
    run "$mpi_s" env OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" "$@"
    good=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed.*/\1/p' "$log" | tail -n 1)
    bad=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' "$log" | tail -n 1)
    judge "$name" "$good" "$bad"
}

mpi_tests() {
    local source name ranks n v with words is_open_mpi=
    local sources=(tests/mpi/*.c) launch=("${MPIRUN:-mpirun}")
    if ! is_here mpi; then
        leave_out ${#sources[@]} MPI
        return
    fi
    if "${launch[0]}" --version 2>&1 | grep -q 'Open MPI'; then
        launch+=(--bind-to none --oversubscribe)
        is_open_mpi=yes
    fi
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        if [ ! -x "build/tests/mpi/$name" ]; then
            not_built "$name"
            continue
        fi
        ranks=$(sed -n '1,40s/.*ranks: *\([0-9][0-9 ]*\).*/\1/p' "$source" | head -n 1)
        for n in $ranks; do
            mpi_test "$name, $n rank(s)" "${launch[@]}" -np "$n" "build/tests/mpi/$name"
        done
        [ -n "$is_open_mpi" ] || continue
        while read -r ranks with; do
            read -ra words <<<"$with"
            for ((v = 0; v < ${#words[@]}; v++)); do
                [[ ${words[v]} == [A-Z]*=* ]] || break
            done
            for n in ${ranks//,/ }; do
                mpi_test "$name, $n rank(s), $with" env "${words[@]:0:v}" "${launch[@]}" "${words[@]:v}" -np "$n" "build/tests/mpi/$name"
            done
        done < <(sed -n '1,40s/.*ranks \([0-9,]*\) with \(.*\):.*/\1 \2/p' "$source")
    done
}

# Each program with both OpenMP runtimes.
runtime_tests() {
    local source name part counts
    local sources=(tests/runtimes/*.c)
    for part in openmp:gomp libomp:llvm; do
        if ! is_here "${part%:*}"; then
            leave_out ${#sources[@]} "${part%:*}"
            continue
        fi
        for source in "${sources[@]}"; do
            name=$(basename "$source" .c)-${part#*:}
            if [ ! -x "build/tests/runtimes/$name" ]; then
                not_built "$name"
                continue
            fi
            run "$runtime_s" "build/tests/runtimes/$name"
            counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
            # shellcheck disable=SC2086
            set -- $counts
            judge "$name" "${1:-}" "${2:-0}"
        done
    done
}

# Each alone: what they disturb by intent must be all that disturbs.
noise_tests() {
    local source name counts
    local sources=(tests/noise/test_*.c)
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        if [ ! -x "build/tests/noise/$name" ]; then
            not_built "$name"
            continue
        fi
        run "$noise_s" "build/tests/noise/$name"
        counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' \
            "$log" | tail -n 1)
        # shellcheck disable=SC2086
        set -- $counts
        judge "$name" "${1:-}" "${2:-0}" "${3:-0}"
    done
}

# Programs under valgrind; every process of theirs has a log of its own, and an error or a leak in any of
# them is a failure. A process that was killed has no summary. What is lost only "possibly" is left out:
# to a process that was forked the descriptors of its parent's threads look so.
valgrind_tests() {
    local source name counts errors
    local sources=(tests/valgrind/*.c)
    if ! is_here valgrind; then
        leave_out ${#sources[@]} valgrind
        return
    fi
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        take "$name" || continue
        if [ ! -x "build/valgrind/$name" ]; then
            not_built "$name"
            continue
        fi
        run "$valgrind_s" valgrind --leak-check=full --errors-for-leak-kinds=definite,indirect \
            --log-file="$work/valgrind.%p" "build/valgrind/$name"
        counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" | tail -n 1)
        errors=$(grep -lE 'ERROR SUMMARY: [1-9]' "$work"/valgrind.*)
        # shellcheck disable=SC2086
        [ -z "$errors" ] || cat $errors >>"$log"
        # shellcheck disable=SC2086
        set -- $counts
        judge "$name" "${1:-}" $((${2:-0} + $(wc -w <<<"$errors")))
        rm -f "$work"/valgrind.*
    done
}

# fault_tests FOLDER SUFFIX: each program prints a line a cell; of one that fails, those that passed are
# left out.
fault_tests() {
    local source name counts
    local sources=(tests/faults/test_*.c)
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        take "$name$2" || continue
        if [ ! -x "$1/$name" ]; then
            not_built "$name$2"
            continue
        fi
        run "$faults_s" "$1/$name"
        counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' \
            "$log" | tail -n 1)
        sed -i '/^ok /d' "$log"
        # shellcheck disable=SC2086
        set -- "$1" "$2" $counts
        judge "$name$2" "${3:-}" "${4:-0}" "${5:-0}"
    done
}

# The models of the protocols are searched beside the tests, most of which wait; a count for each search.
begin_models() {
    is_here spin || return
    timeout -k 10 "$models_s" scripts/check-models.sh >"$work/models" 2>&1 </dev/null &
    searcher=$!
}

model_tests() {
    local counts
    local models=(tests/models/*.pml)
    if [ -z "$searcher" ]; then
        leave_out ${#models[@]} spin
        return
    fi
    wait "$searcher"
    status=$?
    searcher=
    log=$work/models
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    sed -i -e '/ states, no errors$/d' -e '/: refuted as it must be$/d' "$log"
    # shellcheck disable=SC2086
    set -- $counts
    judge check-models "${1:-}" "${2:-0}"
}

# --- all of them ----------------------------------------------------------------------------------

# Kinds by name.
run_unit() { check_programs build/tests/unit "$unit_s"; }
run_sanitized() { check_programs build/asan/tests/unit "$sanitized_s"; }
run_valgrind() { valgrind_tests; }
run_faults() {
    fault_tests build/faults ''
    fault_tests build/asan/faults ', sanitized'
}
run_cli() { cli_tests; }
run_mpi() { mpi_tests; }
run_runtimes() { runtime_tests; }
run_noise() { noise_tests; }
run_models() { model_tests; }

run_kinds() {
    local one
    for one; do
        begin "$one"
        "run_$one"
        end
    done
}

# The kinds one after the other, beside other lanes: most tests wait most of the time, and none is judged by
# how long it takes. A program runs in the lane that takes it first, so that lanes which
# name the same kinds end together. What a lane counted stands in a file for join_lanes.
# shellcheck disable=SC2030,SC2031 # the lane's own variables are meant
begin_lane() {
    local lane=$work/lane${#lanes[@]}
    mkdir "$lane"
    (
        trap - EXIT
        trap 'stop 130' INT
        trap 'stop 143' TERM
        work=$lane searcher='' lanes=()
        run_kinds "$@"
        for kind in "${kinds[@]}"; do
            echo "$kind ${counted[$kind]}"
        done >"$lane/counted"
    ) &
    lanes+=($!)
}

# shellcheck disable=SC2031
join_lanes() {
    local i words
    for i in "${!lanes[@]}"; do
        if ! wait "${lanes[i]}" || [ ! -s "$work/lane$i/counted" ]; then
            count "lane $i" 0 1 0 0 # it ended early
            continue
        fi
        while read -ra words; do
            count "${words[@]}"
        done <"$work/lane$i/counted"
    done
    lanes=()
}

shopt -s nullglob

begin_models
begin_lane cli valgrind faults unit sanitized
begin_lane sanitized unit faults cli
begin_lane unit faults sanitized cli
join_lanes
# The models first: of a search that has ended the shell knows the status only until another of its children
# gets the same process id. Then what wants the machine for itself: ranks, which wait for each other, and
# cells that are to be disturbed by intent alone.
run_kinds models mpi runtimes noise

echo
all='0 0 0'
for kind in "${kinds[@]}"; do
    read -r passed failed skipped seconds <<<"${counted[$kind]}"
    line="$passed passed, $failed failed"
    [ "$skipped" -eq 0 ] || line+=", $skipped skipped"
    printf '%-10s %s (%d s)\n' "$kind" "$line" "$seconds"
    read -r good bad left <<<"$all"
    all="$((good + passed)) $((bad + failed)) $((left + skipped))"
done
read -r passed failed skipped <<<"$all"
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line+=", $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ]
