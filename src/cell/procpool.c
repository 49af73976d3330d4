/* Backend "procpool": worker processes that claim chunks from a ticket in shared memory.
 *
 * The pool's shared memory is laid out once: the board, a desk for each worker, room for the events
 * of each, and the rest for results; pages are taken when touched. Every pointer into it holds in
 * all processes.
 *
 * A worker has a copy of the team as it was at the fork, at the same address, and what it changes
 * there (the works that it set up) is its own. Workloads are set up in the worker, since a plug-in
 * loaded by the parent after the fork is not there.
 */
#include "procpool/procpool.h"

#include "base/alloc.h"
#include "cell/worker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Written by the root between runs, read by the workers in one. */
struct board {
    struct team *team; /* each process finds its own there */
    struct job job;    /* without `work` */
    struct worker_desk *desks;
    void *results;
    uint64_t results_bytes;
    struct claim *claim;
};

struct team {
    struct work_shelf works; /* a worker's own */
    const struct work *work; /* a worker's own: of the job on the board */
    struct claim_view view;  /* a worker's own */

    const struct topo *topo;
    int *pus; /* the plan: [workers] */

    /* The root's. */
    uint32_t workers;
    struct procpool *pool;
    struct board *board;
    struct placement *placements;
    struct outcome_room room;
    bool is_broken;
};

/* --- bodies: in the workers ------------------------------------------------------------------- */

static int place_body(struct procpool_task *task)
{
    struct board *board = task->context;
    uint32_t worker = task->worker;
    struct worker_desk *desk = &board->desks[worker];
    struct team *team = board->team;
    if (topo_bind_self(team->topo, team->pus[worker], &desk->error) != 0)
        return 1;
    worker_place(&desk->placement, team->pus[worker]);
    desk->placement.worker = worker;
    return 0;
}

static int prepare_body(struct procpool_task *task)
{
    struct board *board = task->context;
    uint32_t worker = task->worker;
    struct team *team = board->team;
    team->work = work_shelf_get(&team->works, &board->job, &board->desks[worker].error);
    if (!team->work)
        return 1;
    if (claim_view_open(&team->view, &board->job.sched, &board->desks[worker].error) != 0)
        return 1;
    worker_forget_results(team->work, &board->job, worker, board->results);
    worker_ready();
    return 0;
}

static int map_body(struct procpool_task *task)
{
    struct board *board = task->context;
    uint32_t worker = task->worker;
    struct worker_desk *desk = &board->desks[worker];
    struct team *team = board->team;
    worker_begin(&desk->report);
    struct claim_hand hand = claim_hand_of(board->claim, &team->view, worker);
    worker_drain(&hand, team->work, board->results, &desk->report,
                 board->job.trace ? &desk->log : NULL);
    worker_end(&desk->report);
    return 0;
}

/* --- the root --------------------------------------------------------------------------------- */

/* Runs the body in all workers. When one has left a sentence on its desk, the team is sound. */
static int run_all(struct team *team, procpool_function *body, struct err *err)
{
    struct procpool_error error;
    if (procpool_each(team->pool, body, team->board, &error) == 0)
        return 0;
    for (uint32_t w = 0; w < team->workers; w++)
        if (team->board->desks[w].error.text[0])
            return err_set(err, "worker %" PRIu32 ": %s", w, team->board->desks[w].error.text);
    team->is_broken = true;
    const char *text = error.code == PROCPOOL_ITEMS ? error.status.text : error.text;
    return err_set(err, "%s", text);
}

struct layout {
    size_t claim, desks, events, results, bytes; /* offsets in the arena, and its size */
};

static size_t event_bytes(void)
{
    return worker_event_most() * sizeof(struct chunk_event);
}

static struct layout lay_out(uint32_t workers, size_t results_bytes)
{
    struct layout l;
    l.claim = (sizeof(struct board) + CLAIM_LINE - 1) / CLAIM_LINE * CLAIM_LINE;
    l.desks = l.claim + claim_bytes(workers);
    l.events = l.desks + workers * sizeof(struct worker_desk);
    l.results = (l.events + workers * event_bytes() + CLAIM_LINE - 1) / CLAIM_LINE * CLAIM_LINE;
    l.bytes = l.results + results_bytes;
    return l;
}

/* Room for the pool's own records beside ours. */
enum { POOL_BYTES = 4 << 20 };

/* Makes the pool with the most shared memory that can be had, with room for results up to the
 * memory of the machine. */
static int make_pool(struct team *team, struct layout *layout, struct err *err)
{
    struct procpool_error error;
    for (size_t results_bytes = worker_results_most();; results_bytes /= 2) {
        *layout = lay_out(team->workers, results_bytes);
        struct procpool_options options = {.processes = (int)team->workers,
                                           .memory_bytes = layout->bytes + POOL_BYTES,
                                           .restarts = -1};
        team->pool = procpool_new(&options, &error);
        if (team->pool)
            return 0;
        if (error.code != PROCPOOL_NO_MEMORY || results_bytes == 0)
            return err_set(err, "%s", error.text);
    }
}

static int set_board(struct team *team, const struct layout *l, struct err *err)
{
    struct procpool_error error;
    char *arena = procpool_alloc(team->pool, l->bytes, &error);
    if (!arena)
        return err_set(err, "%s", error.text);
    struct board *board = team->board = (struct board *)arena;
    board->team = team;
    board->claim = (struct claim *)(arena + l->claim);
    board->desks = (struct worker_desk *)(arena + l->desks);
    board->results = arena + l->results;
    board->results_bytes = l->bytes - l->results;
    for (uint32_t w = 0; w < team->workers; w++)
        board->desks[w].log.events = (struct chunk_event *)(arena + l->events + w * event_bytes());
    return 0;
}

static void pool_close(struct team *team)
{
    procpool_free(team->pool);
    outcome_room_release(&team->room);
    free(team->placements);
    free(team->pus);
    free(team);
}

static int open_pool(struct team *team, const struct launch *launch, struct err *err)
{
    if (topo_plan(launch->topo, launch->bind, team->workers, team->pus, err) != 0)
        return -1;
    struct layout layout;
    if (make_pool(team, &layout, err) != 0 || set_board(team, &layout, err) != 0)
        return -1;
    if (run_all(team, place_body, err) != 0)
        return -1;
    for (uint32_t w = 0; w < team->workers; w++)
        team->placements[w] = team->board->desks[w].placement;
    return 0;
}

static int pool_open(struct team **team, const struct launch *launch, struct err *err)
{
    struct team *t = alloc_zeroed(1, sizeof *t);
    t->workers = launch->workers;
    t->topo = launch->topo;
    t->pus = alloc_zeroed(t->workers, sizeof *t->pus);
    t->placements = alloc_zeroed(t->workers, sizeof *t->placements);
    if (open_pool(t, launch, err) != 0) {
        pool_close(t);
        return -1;
    }
    *team = t;
    return 0;
}

static const struct placement *pool_placements(struct team *team)
{
    return team->placements;
}

static int pool_prepare(struct team *team, const struct job *job, struct err *err)
{
    struct board *board = team->board;
    uint64_t each = job->work->result_bytes;
    if (each && job->sched.n > board->results_bytes / each)
        return err_set(err,
                       "%" PRIu64 " results of %" PRIu64 " bytes do not fit in the arena (%" PRIu64
                       " bytes)",
                       job->sched.n, each, board->results_bytes);
    board->job = *job;
    board->job.work = NULL;
    claim_init(board->claim, &job->sched);
    for (uint32_t w = 0; w < team->workers; w++) {
        struct worker_desk *desk = &board->desks[w];
        desk->error.text[0] = '\0';
        desk->log.n = desk->log.dropped = 0;
        desk->log.capacity = worker_event_room(job);
    }
    return run_all(team, prepare_body, err);
}

static int pool_map(struct team *team, const struct job *job, struct err *err)
{
    (void)job; /* it is on the board */
    return run_all(team, map_body, err);
}

static int pool_collect(struct team *team, const struct job *job, struct outcome *outcome,
                        struct err *err)
{
    (void)err;
    outcome_gather(&team->room, team->board->desks, team->workers, outcome);
    outcome->results = job->work->result_bytes ? team->board->results : NULL;
    return 0;
}

static bool pool_is_broken(const struct team *team)
{
    return team->is_broken;
}

const struct backend backend_procpool = {
    .name = "procpool",
    .summary = "a pool of worker processes over shared memory",
    .limits = BACKEND_ONE_RANK,
    .open = pool_open,
    .placements = pool_placements,
    .prepare = pool_prepare,
    .map = pool_map,
    .collect = pool_collect,
    .is_broken = pool_is_broken,
    .close = pool_close,
};
