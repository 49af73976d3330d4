/* Backend "seq": one loop in one process, the base of every speedup. It is the honest best serial
 * run: no chunks are claimed, unless a trace is asked for. */
#include "base/alloc.h"
#include "cell/worker.h"

#include <stdlib.h>

struct team {
    struct worker_desk *desk;
    struct results_room results;
    struct outcome_room room;
};

static void seq_close(struct team *team)
{
    worker_desks_free(team->desk, 1);
    free(team->results.results);
    outcome_room_release(&team->room);
    free(team);
}

static int seq_open(struct team **team, const struct launch *launch, struct err *err)
{
    int pu;
    if (topo_plan(launch->topo, launch->bind, 1, &pu, err) != 0 ||
        topo_bind_self(launch->topo, pu, err) != 0)
        return -1;
    *team = alloc_zeroed(1, sizeof **team);
    (*team)->desk = worker_desks_new(1);
    worker_place(&(*team)->desk->placement, pu);
    return 0;
}

static const struct placement *seq_placements(struct team *team)
{
    return &team->desk->placement;
}

static int seq_prepare(struct team *team, const struct job *job, struct err *err)
{
    if (results_room_need(&team->results, job, err) != 0)
        return -1;
    worker_forget_results(job->work, job, 0, team->results.results);
    worker_desks_clear_logs(team->desk, 1, job);
    worker_ready();
    return 0;
}

static int seq_map(struct team *team, const struct job *job, struct err *err)
{
    (void)err;
    struct worker_report *report = &team->desk->report;
    struct tally tally = {0};
    worker_begin(report);
    uint64_t first = 0, count = job->sched.n;
    if (job->trace) {
        struct sched_walk walk = {0};
        for (uint64_t turn = 0; job->sched.class == SCHED_FIXED
                                    ? sched_static_chunk(&job->sched, 0, turn, &first, &count)
                                    : sched_walk(&job->sched, &walk, &first, &count);
             turn++)
            worker_run_chunk(job->work, 0, first, count, team->results.results, &tally,
                             &team->desk->log);
    } else if (count > 0) {
        work_run_range(job->work, first, count, team->results.results, &tally);
    }
    report->tally = tally;
    worker_end(report);
    return 0;
}

static int seq_collect(struct team *team, const struct job *job, struct outcome *outcome,
                       struct err *err)
{
    (void)err;
    outcome_gather(&team->room, team->desk, 1, outcome);
    outcome->results = job->work->result_bytes ? team->results.results : NULL;
    return 0;
}

const struct backend backend_seq = {
    .name = "seq",
    .summary = "one process, one task after the other: the base of every speedup",
    .limits = BACKEND_ONE_WORKER | BACKEND_ONE_RANK,
    .open = seq_open,
    .placements = seq_placements,
    .prepare = seq_prepare,
    .map = seq_map,
    .collect = seq_collect,
    .close = seq_close,
};
