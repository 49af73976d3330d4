/* ranks: 2 5 */
/* A parked team leaves the CPUs alone: it wakes up a hundred times a second and no oftener, and a
 * wake-up costs not much more than that of a thread that only naps. Where naps are cheap that is
 * far below 1 % of a CPU. A rank that spins, or does so for a while after each nap, or naps for a
 * tenth of the time, fails whatever the machine. */
#include "naps.h"
#include "team.h"

enum {
    PAUSE_US = 50000,  /* after which a rank's naps are as long as they get, */
    NAP_NS = 10000000, /* which is this */
    PARKED_NS = 1000000000,
    MOST_TIMES_A_NAP = 10,
    TRIES = 5,
};

/* The best of some tries: a machine may take the CPU away from either side. */
static void check_rank(uint32_t rank, pid_t pid)
{
    double best = 1e9;
    for (int tries = 0; tries < TRIES && best >= MOST_TIMES_A_NAP; tries++) {
        struct naps before = naps_of(pid);
        uint64_t start = clock_now_ns();
        struct naps own = naps_take(NAP_NS, PARKED_NS / (launch.ranks > 2 ? 2 : 1));
        struct naps its = naps_since(before, naps_of(pid));
        uint64_t ns = clock_now_ns() - start,
                 expected = ns / NAP_NS; /* of the root: by this thread */
        if (!check(before.cpu_ns > 0 && its.n > 0 && its.n <= expected + expected / 4 + 5,
                   "rank %u, parked, woke up %" PRIu64 " times in the time of %" PRIu64 " naps",
                   rank, its.n, expected))
            return;
        double times = naps_each_ns(its) / naps_each_ns(own);
        best = times < best ? times : best;
        printf("rank %u, parked: %" PRIu64 " wake-ups in the time of %" PRIu64
               " naps, of %.1f us beside %.1f us; %.3f %% of a CPU\n",
               rank, its.n, expected, naps_each_ns(its) / 1000, naps_each_ns(own) / 1000,
               100 * (double)its.cpu_ns / (double)ns);
    }
    check(best < MOST_TIMES_A_NAP, "a wake-up of rank %u costs %.1f times what a mere nap does",
          rank, best);
}

static void judge(void)
{
    struct job job = job_of("null", SCHED_DYNAMIC, 1000, 1);
    struct outcome outcome;
    struct err err = {""};
    const struct placement *p = backend->placements(team);
    check(ask(&job, &outcome, &err) > 0, "%s", err.text);
    usleep(PAUSE_US);
    for (uint32_t w = 0; w < launch.workers; w += launch.threads)
        check_rank(p[w].rank, p[w].pid);
    /* And it wakes up again. */
    check(ask(&job, &outcome, &err) > 0, "%s", err.text);
}

int main(void)
{
    return team_main(&backend_hybrid, 2, judge);
}
