/* ranks: 2 */
/* What the counter costs where one-sided operations complete only while rank 0 is inside MPI: short
 * tasks do not stall, no node waits for the end of a chunk that one of its workers is in, and each
 * task is run once, however many workers of a node ask for the same.
 * Judged by who ran what, and by ratios of times within a map or between two that follow each
 * other; a machine may hold up anyone at any time, so that some tries of several must be good.
 *
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1:
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1 --mca osc pt2pt,sm:
 * ranks 4 with POOLMARK_RANKS_PER_NODE=2 --mca osc pt2pt,sm: */
#include "conformance.h"

static const char *const dispatches[] = {"rma", "twolevel"};

enum { N_DISPATCHES = sizeof dispatches / sizeof *dispatches };

/* The time of a map; 0 after a failure. */
static uint64_t map_ns(struct job *job, struct outcome *outcome)
{
    struct err err = {""};
    uint64_t ns = ask(job, outcome, &err);
    return check(ns > 0, "%s: %s", job->dispatch, err.text) ? ns : 0;
}

/* Beside "master", which asks for each chunk by a message to rank 0: one-sided operations take
 * less, and what replaces them takes as much. Operations that wait for each other take four times
 * that and more. */
static void short_tasks(const char *dispatch)
{
    enum { TRIES = 5, MOST = 3 };
    const uint64_t n = 40000;
    const char *spec = "burn iterations=300";
    struct job job = job_by(dispatch, spec, SCHED_DYNAMIC, n, 1);
    struct job by_master = job_by("master", spec, SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    double best = 1e9;
    for (int tries = 0; tries < TRIES && best >= MOST; tries++) {
        uint64_t ns = map_ns(&job, &outcome), master_ns = map_ns(&by_master, &outcome);
        if (!ns || !master_ns)
            return;
        double ratio = (double)ns / (double)master_ns;
        best = ratio < best ? ratio : best;
    }
    check(best < MOST, "%s: short tasks take %.2f times what they take by 'master'", dispatch,
          best);
    printf("%s: short tasks take %.2f times what they take by 'master'\n", dispatch, best);
}

/* The longest time from one chunk of a worker to its next, over the longest chunk. */
static double longest_gap(const struct outcome *o)
{
    uint64_t gap_ns = 0, chunk_ns = 1, *last = calloc(launch.workers, sizeof *last);
    for (size_t i = 0; i < o->n_events; i++) { /* a worker's in the order of time */
        const struct chunk_event *e = &o->events[i];
        uint64_t gap = last[e->worker] ? e->start_ns - last[e->worker] : 0;
        gap_ns = gap > gap_ns ? gap : gap_ns;
        chunk_ns = e->end_ns - e->start_ns > chunk_ns ? e->end_ns - e->start_ns : chunk_ns;
        last[e->worker] = e->end_ns;
    }
    free(last);
    return (double)gap_ns / (double)chunk_ns;
}

/* Three rounds of sleeps: the last tasks of a node lie with nobody who is in another, who would
 * have four, and nobody waits for the end of another's. */
static void rounds(const char *dispatch)
{
    enum { ROUNDS = 3, TRIES = 5 };
    const double MOST_GAP = 0.5;
    struct job job =
        job_by(dispatch, "sleep time=50ms", SCHED_DYNAMIC, ROUNDS * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    uint64_t most = UINT64_MAX;
    double gap = 1e9;
    job.trace = true;
    for (int tries = 0; tries < TRIES && (most > ROUNDS || gap >= MOST_GAP); tries++) {
        if (!map_ns(&job, &outcome))
            return;
        most = most_chunks(&outcome);
        gap = longest_gap(&outcome);
    }
    check(most == ROUNDS && gap < MOST_GAP,
          "%s: of %d rounds of sleeps a worker had %" PRIu64 ", and one waited for %.2f of a sleep",
          dispatch, ROUNDS, most, gap);
    printf("%s: between two sleeps at most %.2f of one\n", dispatch, gap);
}

/* A few tasks are 50 times as long as the others: who asks ahead and is in one holds up nobody. */
static void long_tasks(void)
{
    enum { MAPS = 5 };
    const double MOST_GAP = 0.35;
    struct job job = job_by("twolevel", "sleep time=4ms shape=bimodal ratio=50 share=0.05",
                            SCHED_DYNAMIC, 60 * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    double gap = 0;
    int n_good = 0;
    job.trace = true;
    for (int i = 0; i < MAPS && n_good <= MAPS / 2; i++) {
        if (!map_ns(&job, &outcome))
            return;
        gap = longest_gap(&outcome);
        n_good += gap < MOST_GAP;
        printf("twolevel: a worker waits for %.2f of another's long task\n", gap);
    }
    check(n_good > MAPS / 2, "twolevel: a worker waits for %.2f of another's long task", gap);
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
