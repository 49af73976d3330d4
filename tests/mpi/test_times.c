/* ranks: 2 3 */
/* What workers tell of their time: who waits, or does something for others, is claiming and not
 * busy; and rules that look at times are told the same in ranks as elsewhere.
 *
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1: */
#include "conformance.h"

/* The time that workers say they were busy, over that of their chunks. */
static double busy_over_chunks(const struct outcome *outcome)
{
    double busy = 0, chunks = 0;
    for (uint32_t w = 0; w < launch.workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        busy += (double)(r->end_ns - r->start_ns) - (double)r->claim_ns;
    }
    for (size_t i = 0; i < outcome->n_events; i++)
        chunks += (double)(outcome->events[i].end_ns - outcome->events[i].start_ns);
    return busy / chunks;
}

/* With tasks so short that not all claims are timed. Noting a chunk takes about 1 % of it; a worker
 * that loses its CPU just then makes that more, so that the best of some tries counts. Waits that
 * pass for work make it several times as much. */
static void waiting_is_claiming(const char *dispatch)
{
    const double MOST = 1.2;
    struct job job =
        job_by(dispatch, "burn iterations=1000", SCHED_DYNAMIC, 4000 * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    struct err err = {""};
    double best = 1e9;
    job.trace = true;
    for (int tries = 0; tries < 10 && best > MOST; tries++) {
        if (!check(ask(&job, &outcome, &err) > 0, "%s: %s", dispatch, err.text))
            return;
        double ratio = busy_over_chunks(&outcome);
        best = ratio < best ? ratio : best;
    }
    check(best <= MOST, "%s: workers were busy for %.2f times the time of their chunks", dispatch,
          best);
}

/* `af` hands out half of a share as long as it knows no spread. It knows one after a single chunk,
 * whose parts were timed, and these tasks are equal: the first second chunk is nearly a share. */
static void af_knows_the_spread(const char *dispatch)
{
    const uint64_t n = 400 * (uint64_t)launch.workers, P = launch.workers;
    struct job job = job_by(dispatch, "sleep time=100us", SCHED_AF, n, 0);
    struct outcome outcome;
    struct err err = {""};
    double best = 0;
    job.trace = true;
    for (int tries = 0; tries < 3 && best < 0.75; tries++) {
        const struct chunk_event *second = NULL;
        if (!check(ask(&job, &outcome, &err) > 0, "%s: %s", dispatch, err.text))
            return;
        for (size_t i = 1; i < outcome.n_events; i++) { /* by worker, then by time */
            const struct chunk_event *e = &outcome.events[i];
            bool is_second = e[-1].worker == e->worker && (i == 1 || e[-2].worker != e->worker);
            if (is_second && (!second || e->start_ns < second->start_ns))
                second = e;
        }
        double share = (double)(n - P * ((n + 10 * P - 1) / (10 * P))) / (double)P;
        best = second ? (double)second->count / share : 0;
    }
    check(best >= 0.75, "%s: the second chunk of af was %.2f of a share", dispatch, best);
}

static void judge(void)
{
    static const char *const dispatches[] = {"master", "rma", "twolevel"};
    for (int d = 0; d < 3; d++) {
        waiting_is_claiming(dispatches[d]);
        if (carries(dispatches[d], sched_rule_of(SCHED_AF)))
            af_knows_the_spread(dispatches[d]);
    }
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
