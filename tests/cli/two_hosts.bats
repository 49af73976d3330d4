#!/usr/bin/env bats
# Two hosts: network namespaces with host names of their own, joined by one virtual cable, over which Open MPI
# sends by TCP as between two machines. Needs root, ip and unshare.

load helpers

# Two namespaces and a cable; 1 where this system gives none.
make_hosts() {
    ip netns add "$HOST_A" &&
        ip netns add "$HOST_B" &&
        ip link add va netns "$HOST_A" type veth peer name vb netns "$HOST_B" &&
        ip -n "$HOST_A" addr add 10.91.0.1/24 dev va &&
        ip -n "$HOST_B" addr add 10.91.0.2/24 dev vb &&
        ip -n "$HOST_A" link set lo up && ip -n "$HOST_A" link set va up &&
        ip -n "$HOST_B" link set lo up && ip -n "$HOST_B" link set vb up &&
        ip netns exec "$HOST_B" unshare -u hostname "$HOST_B"
}

remove_hosts() {
    ip netns del "$HOST_A" || true
    ip netns del "$HOST_B" || true
} 2>/dev/null

setup_file() {
    command -v ip unshare >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
    cd "$BATS_FILE_TMPDIR" || return
    export HOST_A=pm-a-$$ HOST_B=pm-b-$$
    if ! make_hosts 2>/dev/null; then
        remove_hosts
        unset HOST_A HOST_B
        return
    fi
    # What mpirun starts instead of ssh: options, host, command.
    cat >agent <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
shift
exec ip netns exec $HOST_B unshare -u sh -c 'hostname $HOST_B; exec sh -c "\$*"' sh "\$@"
END
    chmod +x agent
    printf '10.91.0.1 slots=2\n10.91.0.2 slots=2\n' >hosts
    export OMPI_MCA_plm_rsh_agent=$PWD/agent OMPI_MCA_orte_default_hostfile=$PWD/hosts
    export OMPI_MCA_oob_tcp_if_include=10.91.0.0/24 OMPI_MCA_btl_tcp_if_include=10.91.0.0/24
    export OMPI_MCA_btl=tcp,self,vader OMPI_MCA_pml=ob1 OMPI_MCA_osc=^ucx
}

teardown_file() {
    [ -z "${HOST_A:-}" ] || remove_hosts
}

# On the first of the hosts.
on_hosts() {
    need_mpi
    [ -n "${HOST_A:-}" ] || skip 'no network namespaces can be made here'
    run_split "$1" ip netns exec "$HOST_A" unshare -u sh -c 'hostname "$0"; exec "$@"' "$HOST_A" "${@:2}"
}

@test "each dispatch shares fairly between two hosts, on clocks that agree" {
    on_hosts 0 "$poolmark" run --out out --quiet --oversubscribe --workload 'sleep time=2ms' --tasks 80 --workers 4 \
        --backends mpi --schedules dynamic,fac2 --dispatch master,master-only,rma,twolevel --launches 1 --reps 2 --retakes 0
    [ "$(cells out/samples.csv backend status nodes | sort | uniq -c | xargs)" = '16 mpi|ok|2 2 seq|ok|1' ] ||
        complain "$(cells out/samples.csv dispatch schedule status nodes error)"
    # Nobody starves: of 20 tasks each, or 27 where the root only grants. That holds for rma too, which says how.
    cells out/samples.csv dispatch tasks_least tasks_most clock_error_ns start_spread_ns | awk -F '|' '
        $1 == "none" { next }
        $1 != "master-only" && $2 < 10 || $3 > 40 || $4 == 0 || $4 > 1000000 { print "unfair, or no clock:", $0; bad = 1 }
        END { exit bad }'
    [ "$(cells out/samples.csv dispatch remark | grep -c 'rma|one-sided operations')" -eq 4 ] ||
        complain "$(cells out/samples.csv dispatch remark)"
}

@test "where tells the host of each rank" {
    on_hosts 0 "$poolmark" where --oversubscribe --workers 4 --backends mpi --bind close --format csv
    [ "$(output_cells host backend | sort | uniq -c | xargs)" = "2 $HOST_A|mpi 1 $HOST_A|seq 2 $HOST_B|mpi" ] ||
        complain "$(output_cells host backend rank)"
    [ "$(output_cells misplaced | sort -u)" = 0 ]
}

@test "threads of ranks on two hosts" {
    export OMPI_MCA_rmaps_base_mapping_policy=node # a rank a host, not two on the first
    on_hosts 0 "$poolmark" run --out out --quiet --oversubscribe --workload 'square results=yes' --tasks 5000 --workers 4 \
        --ranks 2 --backends hybrid --schedules static,guided --chunks 1,16 --launches 1 --reps 2
    [ "$(cells out/samples.csv backend status nodes verified | sort -u | xargs)" = 'hybrid|ok|2|1 seq|ok|1|1' ] ||
        complain "$(cells out/samples.csv dispatch schedule status nodes error)"
}
