/* ranks: 10 */
/* More ranks than CPUs: sleeps scale all the same, since waiting ranks leave the CPUs alone. */
#include "team.h"

static void rounds(uint64_t n, uint64_t chunk, uint64_t expected)
{
    struct job job = job_of("sleep time=20ms", SCHED_DYNAMIC, n, chunk);
    struct outcome outcome;
    struct err err = {""};
    uint64_t best = UINT64_MAX, least = expected * 20000000;
    for (int tries = 0; tries < 5 && best > least + least / 10; tries++) {
        uint64_t ns = ask(&job, &outcome, &err);
        if (!check(ns > 0, "%s", err.text))
            return;
        best = ns < best ? ns : best;
    }
    check(best >= least && best < least + least / 4,
          "%" PRIu64 " tasks of 20 ms, chunk %" PRIu64 ": %" PRIu64 " us instead of %" PRIu64
          " rounds",
          n, chunk, best / 1000, expected);
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
