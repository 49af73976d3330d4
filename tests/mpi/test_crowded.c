/* ranks: 10 */
/* More ranks than CPUs: sleeps scale all the same, since waiting ranks leave the CPUs alone. Judged
 * by who ran what and what overlapped, and by what a wake-up costs beside one of a thread that only
 * naps. A machine may hold up anyone at any time, so that the best of some tries counts. */
#include "naps.h"
#include "team.h"

/* In the first round as many workers sleep as there are chunks, and nobody has the chunks of twice
 * the rounds: whoever waits for a chunk gets it while the others are still in theirs. */
static void rounds(uint64_t n, uint64_t chunk, uint64_t expected)
{
    enum { TRIES = 10 };
    const uint64_t chunks = (n + chunk - 1) / chunk;
    const uint32_t all = chunks < launch.workers ? (uint32_t)chunks : launch.workers;
    struct job job = job_of("sleep time=20ms", SCHED_DYNAMIC, n, chunk);
    struct outcome outcome;
    struct err err = {""};
    uint32_t at_once = 0;
    uint64_t most = UINT64_MAX;
    job.trace = true;
    for (int tries = 0; tries < TRIES && (at_once != all || most >= 2 * expected); tries++) {
        if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
            return;
        at_once = most_at_once(&outcome);
        most = most_chunks(&outcome);
    }
    check(at_once == all && most < 2 * expected,
          "%" PRIu64 " tasks of 20 ms, chunk %" PRIu64
          ": %u workers at once instead of %u, and one "
          "with %" PRIu64 " chunks in %" PRIu64 " rounds",
          n, chunk, at_once, all, most, expected);
}

/* Of all ranks. */
static struct naps of_all(void)
{
    struct naps sum = {0, 0};
    for (uint32_t w = 0; w < launch.workers; w++) {
        struct naps of_rank = naps_of(backend->placements(team)[w].pid);
        sum.cpu_ns += of_rank.cpu_ns;
        sum.n += of_rank.n;
    }
    return sum;
}

/* One task is as long as 100 others, and nine ranks wait for it in naps. With what comes before and
 * after, a wake-up costs three times what a mere nap does; where they spin instead, 20 times that
 * and more, most of the time. */
static void long_wait(void)
{
    enum { TRIES = 5, MOST_TIMES_A_NAP = 10, NAP_NS = 400000, NAPS_NS = 50000000 };
    struct job job = job_of("sleep time=20ms shape=one-long ratio=100", SCHED_DYNAMIC, 20, 1);
    struct outcome outcome;
    struct err err = {""};
    int n_cheap = 0;
    double last = 0;
    for (int tries = 0; tries < TRIES && n_cheap <= TRIES / 2; tries++) {
        job.work = work_shelf_get(&works, &job, &err);
        if (!check(job.work && backend->prepare(team, &job, &err) == 0, "%s", err.text))
            return;
        struct naps own = naps_take(NAP_NS, NAPS_NS), before = of_all();
        if (!check(backend->map(team, &job, &err) == 0, "%s", err.text))
            return;
        struct naps theirs = naps_since(before, of_all());
        if (!check(backend->collect(team, &job, &outcome, &err) == 0, "%s", err.text))
            return;
        last = naps_each_ns(theirs) / naps_each_ns(own);
        n_cheap += last < MOST_TIMES_A_NAP;
        printf("%" PRIu64 " wake-ups of %.1f us, beside %.1f us\n", theirs.n,
               naps_each_ns(theirs) / 1000, naps_each_ns(own) / 1000);
    }
    check(n_cheap > TRIES / 2,
          "while ranks wait for a long task a wake-up costs %.1f times what a mere nap does", last);
}

static void judge(void)
{
    rounds(10, 1, 1);
    rounds(12, 1, 2);
    rounds(12, 2, 1);
    rounds(12, 3, 1);
    rounds(40, 1, 4);
    long_wait();
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
