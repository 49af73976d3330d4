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

/* Whether this machine holds up who wakes from a nap for about as long as the trial of one-sided
 * operations allows: that may then come to the wrong end, and says so in the remark. */
static bool is_busy(void)
{
    enum { NAPS = 100, NAP_NS = 1000000, MUCH_NS = 3000000 };
    for (int i = 0; i < NAPS; i++) {
        uint64_t start = clock_now_ns();
        clock_sleep_ns(NAP_NS);
        if (clock_now_ns() - start > MUCH_NS)
            return true;
    }
    return false;
}

/* Who sleeps is not held up by a busy machine as much as who computes. A sixth of an equal share is
 * far from what luck takes away, and far above what is left to those that starve: nearly nothing.
 */
static void equal_tasks(const char *dispatch)
{
    enum { EACH = 150, LEAST = EACH / 6 };
    struct job job =
        job_by(dispatch, "sleep time=200us", SCHED_DYNAMIC, EACH * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    uint64_t best = 0;
    for (int tries = 0; tries < 10 && best < LEAST; tries++) {
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
    bool has_remark = outcome.remark && outcome.remark[0];
    check(has_remark == lacks_progress || (has_remark && is_busy()), "%s: the remark is '%s'",
          dispatch, outcome.remark ? outcome.remark : "");
}

/* The root, in a task as long as 100 others, has few others, and they end long before it. In the
 * best of some tries: who loses its CPU meanwhile may be late. */
static void root_in_long_task(const char *dispatch)
{
    const uint64_t n = 1 + 10 * (uint64_t)launch.workers;
    struct job job =
        job_by(dispatch, "sleep time=5ms shape=one-long ratio=100", SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    struct err err = {""};
    job.trace = true;
    bool is_good = false, is_seen = false;
    uint64_t tasks = 0;
    int64_t before_us = 0;
    for (int tries = 0; tries < 20 && !is_good; tries++) {
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
        is_seen = true;
        tasks = outcome.reports[0].tally.tasks;
        before_us = (int64_t)(lone->end_ns - last_ns) / 1000;
        is_good = tasks <= 3 && before_us > 0;
    }
    check(is_good || !is_seen,
          "%s: in a long task the root ran %" PRIu64 " tasks, and the others' last ended %" PRId64
          " us before it",
          dispatch, tasks, before_us);
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
