/* ranks: 2 */
/* What the counter costs where one-sided operations complete only while rank 0 is inside MPI: short
 * tasks do not stall, no node waits for the end of a chunk that one of its workers is in, and each
 * task is run once, however many workers of a node ask for the same.
 * Judged by ratios, of times in the same cell.
 *
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1:
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1 --mca osc pt2pt,sm:
 * ranks 4 with POOLMARK_RANKS_PER_NODE=2 --mca osc pt2pt,sm: */
#include "conformance.h"

static const char *const dispatches[] = {"rma", "twolevel"};

enum { N_DISPATCHES = sizeof dispatches / sizeof *dispatches };

/* All maps of the list together. */
static uint64_t sum_ns(const char *dispatch, const char *spec, enum sched_kind kind, uint64_t n)
{
    enum { MAPS = 3 };
    uint64_t sum = 0;
    for (int i = 0; i < MAPS; i++) {
        struct job job = job_by(dispatch, spec, kind, n, kind == SCHED_STATIC ? 0 : 1);
        struct outcome outcome;
        struct err err = {""};
        uint64_t ns = ask(&job, &outcome, &err);
        if (!check(ns > 0, "%s: %s", dispatch, err.text))
            return 0;
        sum += ns;
    }
    return sum;
}

/* Against the same tasks without any dispatch. */
static void short_tasks(const char *dispatch)
{
    enum { MOST = 10 };
    const char *spec = "burn iterations=300";
    const uint64_t n = 40000;
    uint64_t share = sum_ns("static", spec, SCHED_STATIC, n);
    uint64_t ns = sum_ns(dispatch, spec, SCHED_DYNAMIC, n);
    check(ns < MOST * share, "%s: short tasks take %" PRIu64 " us, equal shares %" PRIu64 " us",
          dispatch, ns / 1000, share / 1000);
    printf("%s: short tasks take %.2f times what equal shares take\n", dispatch,
           (double)ns / (double)share);
}

/* Three rounds of sleeps: the last tasks of a node lie with nobody who is in another. */
static void rounds(const char *dispatch)
{
    enum { ROUNDS = 3, SLEEP_NS = 30000000, TRIES = 5 };
    const uint64_t least = (uint64_t)ROUNDS * SLEEP_NS, enough = least + SLEEP_NS / 2;
    struct job job =
        job_by(dispatch, "sleep time=30ms", SCHED_DYNAMIC, ROUNDS * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    struct err err = {""};
    uint64_t best = UINT64_MAX;
    for (int tries = 0; tries < TRIES && best > enough; tries++) {
        uint64_t ns = ask(&job, &outcome, &err);
        if (!check(ns > 0, "%s: %s", dispatch, err.text))
            return;
        best = ns < best ? ns : best;
    }
    check(best >= least && best < enough, "%s: %d rounds of sleeps take %.2f", dispatch, ROUNDS,
          (double)best / SLEEP_NS);
    printf("%s: %d rounds of sleeps take %.2f\n", dispatch, ROUNDS, (double)best / SLEEP_NS);
}

/* The longest time from one chunk of a worker to its next. */
static uint64_t longest_gap_ns(const struct outcome *o)
{
    uint64_t longest = 0, *last = calloc(launch.workers, sizeof *last);
    for (size_t i = 0; i < o->n_events; i++) { /* a worker's in the order of time */
        const struct chunk_event *e = &o->events[i];
        uint64_t gap = last[e->worker] ? e->start_ns - last[e->worker] : 0;
        longest = gap > longest ? gap : longest;
        last[e->worker] = e->end_ns;
    }
    free(last);
    return longest;
}

/* A few tasks are 50 times as long as the others: who asks ahead and is in one holds up nobody. A
 * busy machine holds up anybody, but seldom for so long. */
static void long_tasks(void)
{
    enum { MAPS = 5, LONG_NS = 29000000, MUCH = 5 };
    struct job job = job_by("twolevel", "sleep time=2ms shape=bimodal ratio=50 share=0.05",
                            SCHED_DYNAMIC, 60 * (uint64_t)launch.workers, 1);
    int held_up = 0;
    job.trace = true;
    for (int i = 0; i < MAPS; i++) {
        struct outcome outcome;
        struct err err = {""};
        if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
            return;
        held_up += longest_gap_ns(&outcome) > LONG_NS / MUCH;
    }
    check(held_up <= MAPS / 2,
          "twolevel: in %d of %d maps a worker waits for a good part of another's long task",
          held_up, MAPS);
}

static void once(const char *dispatch)
{
    enum { LISTS = 40 };
    for (uint64_t i = 0; i < LISTS; i++)
        check_list(dispatch, sched_rule_of(i % 2 ? SCHED_GUIDED : SCHED_DYNAMIC),
                   i % 4 < 2 ? "null" : "square results=yes", i * i * i % 1009, i % 3, true);
}

static void judge(void)
{
    for (int i = 0; i < N_DISPATCHES; i++) {
        once(dispatches[i]);
        short_tasks(dispatches[i]);
        rounds(dispatches[i]);
    }
    long_tasks();
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
