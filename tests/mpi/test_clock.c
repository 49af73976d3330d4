/* ranks: 1 2 3 4 */
/* Synchronised clocks: the root's time in every rank is wrong by no more than the bound that comes
 * with it. On one machine the truth is known, as CLOCK_MONOTONIC without the skew that ranks are
 * given. An odd number of ranks talks by TCP. */
#include "base/clock.h"
#include "cell/ranks_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int rank, n_ranks, n_passed, n_failed;

/* In all ranks: counted at the root, told by the rank in which it does not hold. */
static void check_all(int line, bool holds, const char *what, int64_t off, uint64_t error)
{
    int mine = !holds, failed;
    if (!holds)
        printf("failed at line %d, rank %d: %s: off by %" PRId64 " ns, bound %" PRIu64 " ns\n",
               line, rank, what, off, error);
    MPI_Allreduce(&mine, &failed, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    n_failed += failed > 0;
    n_passed += failed == 0;
}

static int64_t check_error(int line, const struct ranks_clock *clock, const char *what)
{
    uint64_t now = clock_now_ns(), error = ranks_clock_error_ns(clock, now);
    uint64_t root = ranks_clock_to_root_ns(clock, now),
             back = ranks_clock_from_root_ns(clock, root);
    int64_t off = (int64_t)(root - now), around = (int64_t)(back - now);
    check_all(line, off <= (int64_t)error && -off <= (int64_t)error, what, off, error);
    check_all(line, around <= 3 && around >= -3, "there and back", around, 3);
    return (int64_t)error;
}

/* Ranks in groups of `per_node`, whose clocks are off as told. */
static void check_skew(const char *per_node, const char *skew)
{
    struct ranks_clock clock;
    setenv("POOLMARK_RANKS_PER_NODE", per_node, 1);
    setenv("POOLMARK_CLOCK_SKEW", skew, 1);
    ranks_clock_open(&clock);
    bool several = n_ranks > atoi(per_node);
    bool is_exact = rank > 0 ? clock.number == 0 : !several; /* the root's bound is for all */
    check_all(__LINE__, clock.nodes == (n_ranks - 1) / atoi(per_node) + 1, "nodes", clock.nodes, 0);
    check_all(__LINE__, rank > 0 || ranks_clock_is_due(&clock) == several, "due at first", 0, 0);
    ranks_clock_sync(&clock);
    int64_t first = check_error(__LINE__, &clock, skew), later;
    check_all(__LINE__, is_exact ? first == 0 : first > 0 && first < 100000000, "bound", first, 0);
    clock_sleep_ns(200000000);
    later = check_error(__LINE__, &clock, "200 ms later");
    check_all(__LINE__, is_exact ? later == 0 : later > first, "bound grows", later, 0);
    ranks_clock_sync(&clock);
    check_error(__LINE__, &clock, "synchronised again");
    /* What the root says holds for all. */
    uint64_t now = clock_now_ns(), mine = ranks_clock_error_ns(&clock, now), of_root = mine;
    MPI_Bcast(&of_root, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    int64_t off = (int64_t)(ranks_clock_to_root_ns(&clock, now) - now);
    check_all(__LINE__, off <= (int64_t)of_root && -off <= (int64_t)of_root, "root's bound", off,
              of_root);
    if (rank == n_ranks - 1 && several)
        printf("%d ranks, %s a machine, skew %s: bound %" PRId64 " ns, 200 ms later %" PRId64
               " ns, then %" PRIu64 " ns; off by %" PRId64 " ns\n",
               n_ranks, per_node, skew, first, later, mine, off);
    ranks_clock_close(&clock);
}

/* As it is for users: one machine, exactly right. */
static void check_one_machine(void)
{
    struct ranks_clock clock;
    unsetenv("POOLMARK_RANKS_PER_NODE");
    setenv("POOLMARK_CLOCK_SKEW", "1000000,50", 1);
    ranks_clock_open(&clock);
    int n_here;
    MPI_Comm_size(clock.node, &n_here);
    if (n_here < n_ranks) { /* started on several */
        ranks_clock_close(&clock);
        return;
    }
    check_all(__LINE__, clock.nodes == 1 && !ranks_clock_is_due(&clock), "one machine", 0, 0);
    ranks_clock_sync(&clock);
    uint64_t now = clock_now_ns(), error = ranks_clock_error_ns(&clock, now);
    check_all(__LINE__,
              error == 0 && ranks_clock_to_root_ns(&clock, now) == now &&
                  ranks_clock_from_root_ns(&clock, now) == now,
              "one machine", 0, error);
    ranks_clock_close(&clock);
}

int main(void)
{
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    if (ranks && atoi(ranks) % 2) {
        setenv("OMPI_MCA_pml", "ob1", 1);
        setenv("OMPI_MCA_btl", "tcp,self", 1);
    }
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    check_one_machine();
    check_skew("1", "1000000,50");
    check_skew("1", "-3000000,-50");
    check_skew("2", "7000000000,0");
    MPI_Finalize();
    if (rank == 0)
        printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
