/* ranks: 2 4 */
/* Nobody starves: equal tasks are shared out equally enough by whatever does that while they run,
 * whoever holds the counter, and a long task of the root stops nobody. The transport of the second
 * kind of launch has no one-sided operations of its own: left to itself the root takes all.
 *
 * ranks 2,4 with POOLMARK_RANKS_PER_NODE=1 --mca osc pt2pt,sm --mca pml ob1 --mca btl tcp,self:
 * ranks 4 with POOLMARK_RANKS_PER_NODE=2 --mca osc pt2pt,sm --mca pml ob1 --mca btl tcp,self: */
#include "conformance.h"

static const char *const dispatches[] = {"master", "rma", "twolevel"};

enum { N_DISPATCHES = sizeof dispatches / sizeof *dispatches };

/* Who sleeps is not held up by a busy machine as much as who computes. A third of an equal share is
 * far from what luck takes away, and far above what is left to those that starve. */
static void equal_tasks(const char *dispatch)
{
    enum { EACH = 150, LEAST = EACH / 3 };
    struct job job =
        job_by(dispatch, "sleep time=200us", SCHED_DYNAMIC, EACH * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    uint64_t best = 0;
    for (int tries = 0; tries < 5 && best < LEAST; tries++) {
        struct err err = {""};
        uint64_t least = UINT64_MAX;
        if (!check(ask(&job, &outcome, &err) > 0, "%s: %s", dispatch, err.text))
            return;
        for (uint32_t w = 0; w < launch.workers; w++)
            if (outcome.reports[w].tally.tasks < least)
                least = outcome.reports[w].tally.tasks;
        best = least > best ? least : best;
    }
    check(best >= LEAST, "%s: a worker never had more than %" PRIu64 " of %d tasks", dispatch, best,
          EACH);
    bool lacks_progress = has_nodes() && strcmp(dispatch, "master") != 0;
    check((outcome.remark && outcome.remark[0]) == lacks_progress, "%s: the remark is '%s'",
          dispatch, outcome.remark ? outcome.remark : "");
}

/* The root, in a task as long as 100 others, has few others, and they end long before it. */
static void root_in_long_task(const char *dispatch)
{
    const uint64_t n = 1 + 10 * (uint64_t)launch.workers;
    struct job job =
        job_by(dispatch, "sleep time=5ms shape=one-long ratio=100", SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    struct err err = {""};
    job.trace = true;
    for (int tries = 0; tries < 10; tries++) {
        const struct chunk_event *lone = NULL;
        uint64_t last_ns = 0;
        if (!check(ask(&job, &outcome, &err) > 0, "%s: %s", dispatch, err.text))
            return;
        for (size_t i = 0; i < outcome.n_events; i++) {
            const struct chunk_event *e = &outcome.events[i];
            if (e->first == 0)
                lone = e;
            else if (e->end_ns > last_ns)
                last_ns = e->end_ns;
        }
        if (lone->worker != 0)
            continue; /* another worker was the first to ask */
        check(outcome.reports[0].tally.tasks <= 3 && last_ns < lone->end_ns,
              "%s: in a long task the root ran %" PRIu64
              " tasks, and the others' last ended %" PRId64 " us before it",
              dispatch, outcome.reports[0].tally.tasks, (int64_t)(lone->end_ns - last_ns) / 1000);
        return;
    }
}

/* Whether the root is the only rank of its node: what the node has taken is then the root's own. */
static bool is_alone(void)
{
    const char *k = getenv("POOLMARK_RANKS_PER_NODE");
    return k && atoi(k) == 1;
}

static void judge(void)
{
    for (int i = 0; i < N_DISPATCHES; i++) {
        equal_tasks(dispatches[i]);
        if (strcmp(dispatches[i], "twolevel") != 0 || !is_alone())
            root_in_long_task(dispatches[i]);
    }
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
