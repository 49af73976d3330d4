/* ranks: 10 */
/* More ranks than CPUs: sleeps scale all the same, since waiting ranks leave the CPUs alone. */
#include "team.h"

/* The tasks take so many rounds of 20 ms, and every worker has its chunk in each. */
static void rounds(uint64_t n, uint64_t chunk, uint64_t expected)
{
    struct job job = job_of("sleep time=20ms", SCHED_DYNAMIC, n, chunk);
    struct outcome outcome;
    uint64_t least = expected * 20000000, best = best_in_quiet(&job, least + least / 10, &outcome);
    check(best == 0 || (best >= least && best < least + least / 4),
          "%" PRIu64 " tasks of 20 ms, chunk %" PRIu64 ": %" PRIu64 " us instead of %" PRIu64
          " rounds",
          n, chunk, best / 1000, expected);
    printf("%" PRIu64 " tasks, chunk %" PRIu64 ": %.3f rounds\n", n, chunk, (double)best / 20e6);
}

static void judge(void)
{
    rounds(10, 1, 1);
    rounds(12, 1, 2);
    rounds(12, 2, 2);
    rounds(12, 3, 3);
    rounds(40, 1, 4);
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
