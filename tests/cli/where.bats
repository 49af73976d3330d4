#!/usr/bin/env bats
# poolmark where: a line for each rank and thread of a launch, where it was asked to run and where it did; plans of
# machines that we lack.

load helpers

# The cell `told` of these tests: greets with the placements, an array of JSON, and ends with its input.
make_cell() {
    printf '{"protocol": 1, "placements": [%s]}\n' "$1" >hello.json
    printf '#!/bin/sh\ncat hello.json\nexec cat >/dev/null\n' >told
    chmod +x told
}

# place WORKER ASKED SEEN SET: an element of that array.
place() {
    printf '{"worker": %d, "rank": 0, "thread": 0, "pid": 1, "requested_pu": %d, "observed_pu": %d, "observed_set": "%s"}' \
        "$@"
}

# Whether so many processes of this test live.
has_processes() {
    [ "$(left_over | wc -l)" -ge "$1" ]
}

@test "where shows each rank and thread of every backend that is there, bound as asked" {
    run_split 0 "$poolmark" where --workers 4 --backends procpool,openmp --bind close --format csv
    [ "$(output_cells backend workers worker requested_pu | wc -l)" -eq 9 ]
    output_cells requested_pu observed_pu observed_set misplaced | while IFS='|' read -r asked seen may misplaced; do
        [ "$asked" = "$seen" ] && [ "$asked" = "$may" ] && [ "$misplaced" = 0 ] || complain "$asked $seen $may"
    done
    [ "$(output_cells backend thread | grep openmp | xargs)" = 'openmp|0 openmp|1 openmp|2 openmp|3' ]
    run_split 0 "$poolmark" where --workers 2 --backends procpool --bind none
    assert_words "$output" 'usable CPU' 'procpool, 2 workers, bind none' 'may run on' ' any '
    [ -z "$(ls -A | grep -v -e mock_cell -e fixtures -e output.csv)" ]
}

@test "where starts ranks, and threads in them" {
    need_mpi
    run_split 0 "$poolmark" where --workers 4 --backends mpi,hybrid --bind close --oversubscribe --format csv
    [ "$(output_cells backend rank thread | xargs)" = 'seq|0|0 mpi|0|0 mpi|1|0 mpi|2|0 mpi|3|0 hybrid|0|0 hybrid|0|1 hybrid|1|0 hybrid|1|1' ]
    [ "$(output_cells host | sort -u | grep -c .)" -eq 1 ]
    [ "$(output_cells misplaced | sort -u)" = 0 ]
}

@test "a worker elsewhere than asked for is marked, and a failure with --bind-strict" {
    make_cell "$(place 0 0 0 0), $(place 1 1 0 0-1)"
    run_split 0 "$poolmark" where --workers 2 --backends told --cell told=./told --bind close
    assert_words "$output" 'MISPLACED' '1 worker is misplaced; --bind-strict makes that a failure'
    [ "$(grep -c MISPLACED <<<"$output")" -eq 1 ]
    run_split 1 "$poolmark" where --workers 2 --backends told --cell told=./told --bind close --bind-strict
    assert_words "$output" '1 worker is misplaced'
    # On the right PU at the moment, but free to go.
    make_cell "$(place 0 0 0 0), $(place 1 1 1 0-1)"
    run_split 1 "$poolmark" where --workers 2 --backends told --cell told=./told --bind close --bind-strict --format json
    [ "$(grep -c '"misplaced": true' <<<"$output")" -eq 1 ] || [ "$(grep -c '"misplaced": 1' <<<"$output")" -eq 1 ]
    make_cell "$(place 0 0 0 0), $(place 1 -1 1 0-1)"
    run_split 0 "$poolmark" where --workers 2 --backends told --cell told=./told --bind close --bind-strict
    [[ $output != *isplaced* ]]
}

@test "floating workers on one PU are told of, where there is room for all" {
    [ "$(nproc)" -ge 2 ] || skip 'one CPU'
    make_cell "$(place 0 -1 1 0-1), $(place 1 -1 1 0-1)"
    run_split 0 "$poolmark" where --workers 2 --backends told --cell told=./told
    assert_words "$(tr -s ' \n' ' ' <<<"$output")" '1 of them shared a PU with another one' '--bind close' 'the base of speedups'
    make_cell "$(place 0 -1 0 0-1), $(place 1 -1 1 0-1)"
    run_split 0 "$poolmark" where --workers 2 --backends told --cell told=./told
    [[ $output != *'shared a PU'* ]]
    make_cell "$(place 0 -1 1 0-1), $(place 1 -1 1 0-1), $(place 2 -1 1 0-1)"
    run_split 0 "$poolmark" where --workers 3 --backends told --cell told=./told
    [ "$(nproc)" -ge 3 ] || [[ $output != *'shared a PU'* ]]
}

@test "a launch that cannot start: missing parts exit with 3, a death with 4; the others are shown" {
    local cells='lacks=./mock_cell --hello-error it_needs_a_part|dies=./mock_cell --no-such-option'
    run_split 3 "$poolmark" where --workers 1 --backends lacks,procpool --cell "$cells"
    assert_words "$output" 'procpool, 1 worker'
    assert_words "$stderr" 'it needs a part'
    run_split 4 "$poolmark" where --workers 1 --backends dies,lacks,procpool --cell "$cells"
    assert_words "$output" 'procpool, 1 worker'
    assert_words "$stderr" 'the cell ended before it was ready: exit status 64'
    make_tree poolmark-cell
    run_split 3 bin/poolmark where --workers 1 --backends mpi
    assert_words "$stderr" 'the backend mpi is not available' 'was not built'
    # Without a choice: what is there.
    run_split 0 bin/poolmark where --format csv
    [ "$(output_cells backend | sort -u | xargs)" = 'openmp procpool seq' ] ||
        [ "$(output_cells backend | sort -u | xargs)" = 'procpool seq' ]
}

@test "machines that we lack are planned on, and nothing is started" {
    make_tree # not even the cells are needed
    export HWLOC_SYNTHETIC='pack:2 core:2 pu:2'
    run_split 0 bin/poolmark where --workers 4 --backends openmp,hybrid --bind spread --format csv
    [ "$(output_cells backend rank thread requested_pu observed_pu pid | xargs)" = \
        'seq|0|0|0||0 openmp|0|0|0||0 openmp|0|1|4||0 openmp|0|2|2||0 openmp|0|3|6||0 hybrid|0|0|0||0 hybrid|0|1|4||0 hybrid|1|0|2||0 hybrid|1|1|6||0' ]
    run_split 0 bin/poolmark where --workers 8 --backends procpool --bind close
    assert_words "$output" '8 usable CPUs on 4 cores' 'another machine' 'nothing was started' 'worker  asked'
    refused 'PU 8 does not exist' -- where --workers 2 --bind 8
}

@test "where --dry-run plans; configurations are taken as run takes them, each launch once" {
    cat >x.ini <<'END'
[a]
workload = null
backends = procpool
workers = 1, 2
[b]
workload = burn iterations=1k
backends = procpool
workers = 2
fresh = yes
END
    run_split 0 "$poolmark" where x.ini --dry-run --format csv
    [ "$(output_cells backend workers worker | xargs)" = 'seq|1|0 procpool|1|0 procpool|2|0 procpool|2|1' ]
    run_split 0 "$poolmark" where x.ini --dry-run
    assert_words "$output" 'planned, as on one host; nothing was started'
    refused '--workers: 0' -- where x.ini --workers 0
    refused '--out' 'writes nothing' -- where x.ini --out out
    refused '--resume' -- where --resume out
    refused "unknown" -- where --no-such-option
}

@test "where that is interrupted ends what it has started" {
    start "$poolmark" where --workers 2 --backends mute --cell 'mute=./mock_cell --no-hello'
    wait_for 10 has_processes 2
    kill -INT "$pid"
    wait "$pid" && complain 'exit status 0' || [ $? -eq 130 ]
    assert_none_left
    [ ! -s stderr ] || complain "$(cat stderr)"
}
