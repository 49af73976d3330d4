/* A team whose workers live in MPI ranks: see ranks.h.
 *
 * The root sends SYNC, PREPARE, MAP, COLLECT and CLOSE; every rank carries them out, the root too.
 * The orders, and what is asked and granted, are messages point to point, and all but the order to
 * go have the root at one end: a worker in a long task, or asleep, never holds up a message between
 * two others. Collective are the end of a map, a reduction that is looked for and not waited in
 * (ranks_home.c) and for which all that are in a task would have to be waited for anyhow, and what
 * is done outside of the timed part: the clocks in SYNC, the making and freeing of windows in
 * PREPARE and CLOSE.
 *
 * MPI_THREAD_SERIALIZED is enough, since a mutex of ours lets one thread of a rank call MPI at a
 * time; it leaves out the locks that MPI_THREAD_MULTIPLE takes in every call. */
#include "cell/ranks_own.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>
#include <unistd.h>

enum order_kind { ORDER_SYNC, ORDER_PREPARE, ORDER_MAP, ORDER_COLLECT, ORDER_WHO, ORDER_CLOSE };

struct order {
    int kind;
    uint64_t start_ns; /* MAP: on the root's clock */
    uint64_t index;    /* WHO: of the result that is asked for */
    struct job job;    /* sent with ORDER_PREPARE alone */
};

/* A rank's answer to PREPARE and to being opened; the sentence is sent only when it failed. */
struct ready {
    int failed;
    struct err err;
};

/* What a worker sends home on COLLECT; its events follow. */
struct home {
    struct worker_report report;
    uint64_t arrived_ns; /* as in struct worker, but on the root's clock */
    uint64_t n_events, dropped;
};

/* --- in every rank --------------------------------------------------------------------------- */

static const struct dispatch *const dispatches[] = {&ranks_master, &ranks_master_only, &ranks_rma,
                                                    &ranks_twolevel, &ranks_static};

enum { N_DISPATCHES = sizeof dispatches / sizeof *dispatches };

const struct dispatch *ranks_find_dispatch(const char *name, struct err *err)
{
    for (int i = 0; i < N_DISPATCHES; i++)
        if (strcmp(dispatches[i]->name, name) == 0)
            return dispatches[i];
    err_set(err, "there is no dispatch '%s' here", name);
    return NULL;
}

/* Wakes the threads of this rank, so that those of a runtime that spins before it sleeps do. */
static void shift_stand(struct team *team, uint32_t thread)
{
    team->here[thread].n_ranges = 0;
    worker_ready();
}

/* All of a rank's PREPARE. What the ranks do together comes first, where none has failed yet. */
static int set_up(struct team *team, const struct job *job, struct err *err)
{
    team->job = *job;
    team->remark = "";
    team->dispatch = ranks_find_dispatch(job->dispatch, err);
    if (!team->dispatch || (team->dispatch->open && team->dispatch->open(team, err) != 0))
        return -1;
    if (team->rank > 0)
        team->job.work = work_shelf_get(&team->works, job, err);
    if (!team->job.work || results_room_need(&team->results, &team->job, err) != 0)
        return -1;
    size_t bytes = job->sched.n * team->job.work->result_bytes;
    if (bytes > 0) /* all of it is touched, so that no page is made in the timed part */
        memset(team->results.results, 0xa5, bytes);
    worker_desks_clear_logs(team->desks, team->threads, job);
    if (team->dispatch->prepare && team->dispatch->prepare(team, err) != 0)
        return -1;
    team->root_looks = team->dispatch->needs_root && team->dispatch->needs_root(team);
    uint32_t came = team->each(team->threads, shift_stand, team);
    return came < team->threads ? ranks_too_few(err, came, team->threads) : 0;
}

/* One worker's map, in its thread. */
static void shift(struct team *team, uint32_t thread)
{
    struct worker *me = &team->here[thread];
    struct tally tally = {0};
    if (team->workers > 1) /* one alone starts at once */
        worker_ready();
    ranks_wait_start(team, me);
    worker_begin(&me->desk->report);
    me->desk->report.claim_ns = team->dispatch->shift(team, me, &tally);
    me->desk->report.tally = tally;
    worker_end(&me->desk->report);
    me->desk->report.rest_ns = me->desk->report.claim_ns; /* who waits for a chunk naps */
    atomic_store_explicit(&me->at.since_ns, 0, memory_order_relaxed);
}

/* The order to go runs down a binomial tree: rank r passes it to r + 2^k for all 2^k > r. */
static void send_go(struct team *team)
{
    struct order order = {.kind = ORDER_MAP, .start_ns = team->start_ns};
    int bit = 1;
    while (bit <= team->rank)
        bit *= 2;
    pthread_mutex_lock(&team->mpi);
    for (; team->rank + bit < team->n_ranks; bit *= 2)
        MPI_Send(&order, offsetof(struct order, job), MPI_BYTE, team->rank + bit, TAG_ORDER,
                 MPI_COMM_WORLD);
    pthread_mutex_unlock(&team->mpi);
}

/* --- in ranks other than the root ------------------------------------------------------------ */

static void report_ready(struct team *team, bool failed, const struct err *err)
{
    struct ready ready = {.failed = failed};
    if (failed)
        ready.err = *err;
    ranks_send(team, 0, TAG_READY, &ready, failed ? sizeof ready : sizeof ready.failed);
}

/* What a desk has noted on this machine's clock, on the root's. */
static void to_root_clock(const struct ranks_clock *clock, struct worker_desk *desk)
{
    desk->report.start_ns = ranks_clock_to_root_ns(clock, desk->report.start_ns);
    desk->report.end_ns = ranks_clock_to_root_ns(clock, desk->report.end_ns);
    for (uint64_t i = 0; i < desk->log.n && clock->nodes > 1; i++) {
        struct chunk_event *e = &desk->log.events[i];
        e->start_ns = ranks_clock_to_root_ns(clock, e->start_ns);
        e->end_ns = ranks_clock_to_root_ns(clock, e->end_ns);
    }
}

static void send_home(struct team *team)
{
    if (team->threads > 1)
        worker_settle(); /* the root's are waited for by the sampler */
    for (uint32_t t = 0; t < team->threads; t++) {
        struct worker_desk *desk = team->here[t].desk;
        to_root_clock(&team->clock, desk);
        struct home home = {desk->report,
                            ranks_clock_to_root_ns(&team->clock, team->here[t].arrived_ns),
                            desk->log.n, desk->log.dropped};
        ranks_send(team, 0, TAG_HOME, &home, sizeof home);
        ranks_send(team, 0, TAG_HOME, desk->log.events, home.n_events * sizeof *desk->log.events);
    }
}

/* Tells the root whether this rank has sent the result of a task. */
static void say_whose(struct team *team, uint64_t index)
{
    bool mine = false;
    for (uint32_t t = 0; t < team->threads; t++)
        for (size_t i = 0; i < team->here[t].n_ranges; i++)
            mine = mine || index - team->here[t].ranges[i].first < team->here[t].ranges[i].count;
    ranks_send(team, 0, TAG_READY, &mine, sizeof mine);
}

int ranks_serve(struct team *team, struct err *err)
{
    (void)err; /* what goes wrong here is told to the root */
    const struct patience *patience = &wait_parked;
    for (;;) {
        struct order order;
        struct err own;
        bool failed;
        MPI_Request request;
        MPI_Irecv(&order, sizeof order, MPI_BYTE, MPI_ANY_SOURCE, TAG_ORDER, MPI_COMM_WORLD,
                  &request);
        ranks_await(team, &request, patience);
        patience = &wait_parked;
        switch ((enum order_kind)order.kind) {
        case ORDER_SYNC:
            ranks_clock_sync(&team->clock);
            break;
        case ORDER_PREPARE:
            failed = set_up(team, &order.job, &own) != 0;
            report_ready(team, failed, &own);
            if (!failed)
                patience = &wait_at_line;
            break;
        case ORDER_MAP:
            team->start_ns = order.start_ns;
            send_go(team);
            ranks_begin_reduction(team, team->each(team->threads, shift, team));
            ranks_go_home(team);
            break;
        case ORDER_COLLECT:
            send_home(team);
            break;
        case ORDER_WHO:
            say_whose(team, order.index);
            break;
        case ORDER_CLOSE:
            return 0;
        }
    }
}

/* --- in the root ----------------------------------------------------------------------------- */

static void send_order(struct team *team, const struct order *order, size_t n)
{
    for (int rank = 1; rank < team->n_ranks; rank++)
        ranks_send(team, rank, TAG_ORDER, order, n);
}

/* Hears all ranks, and keeps the sentence of the lowest one that failed. */
static int hear_ready(struct team *team, bool failed, const struct err *own, struct err *err)
{
    if (failed)
        err_set(err, "%s", own->text);
    for (int rank = 1; rank < team->n_ranks; rank++) {
        struct ready ready;
        ranks_receive(team, rank, TAG_READY, &ready, sizeof ready);
        if (ready.failed && !failed)
            err_set(err, "rank %d: %s", rank, ready.err.text);
        failed = failed || ready.failed;
    }
    return failed ? -1 : 0;
}

static void keep_clocks(struct team *team)
{
    struct order order = {.kind = ORDER_SYNC};
    if (!ranks_clock_is_due(&team->clock))
        return;
    send_order(team, &order, sizeof order.kind);
    ranks_clock_sync(&team->clock);
}

int ranks_prepare(struct team *team, const struct job *job, struct err *err)
{
    /* What all ranks would refuse is refused before any is woken. */
    const struct dispatch *dispatch = ranks_find_dispatch(job->dispatch, err);
    if (!dispatch || (dispatch->check && dispatch->check(team, job, err) != 0))
        return -1;
    keep_clocks(team);
    struct order order = {.kind = ORDER_PREPARE, .job = *job};
    send_order(team, &order, sizeof order);
    struct err own;
    bool failed = set_up(team, job, &own) != 0;
    if (hear_ready(team, failed, &own, err) != 0)
        return -1;
    if (team->root_looks)
        ranks_deputy_rise(team);
    return 0;
}

int ranks_map(struct team *team, const struct job *job, struct err *err)
{
    (void)job; /* the one that was prepared */
    ranks_set_start(team);
    atomic_store_explicit(&team->looked_ns, team->start_ns, memory_order_relaxed);
    send_go(team);
    ranks_begin_reduction(team, team->each(team->threads, shift, team));
    ranks_answer_to_the_end(team);
    ranks_deputy_stand_down(team);
    return ranks_take_home(team, err);
}

int ranks_collect(struct team *team, const struct job *job, struct outcome *outcome,
                  struct err *err)
{
    (void)job;
    (void)err; /* a lost rank ends the whole job */
    struct order order = {.kind = ORDER_COLLECT};
    uint64_t error_ns = ranks_clock_error_ns(&team->clock, clock_now_ns()), last_arrival_ns = 0;
    send_order(team, &order, sizeof order.kind);
    for (uint32_t t = 0; t < team->threads; t++)
        if (team->here[t].arrived_ns > last_arrival_ns)
            last_arrival_ns = team->here[t].arrived_ns;
    for (uint32_t w = team->threads; w < team->workers; w++) {
        struct worker_desk *desk = &team->desks[w];
        struct home home;
        int rank = (int)(w / team->threads);
        ranks_receive(team, rank, TAG_HOME, &home, sizeof home);
        desk->report = home.report;
        if (home.arrived_ns > last_arrival_ns)
            last_arrival_ns = home.arrived_ns;
        desk->log.n = home.n_events;
        desk->log.dropped = home.dropped;
        if (home.n_events > desk->log.capacity) {
            desk->log.capacity = home.n_events;
            desk->log.events =
                alloc_grown(desk->log.events, home.n_events, sizeof *desk->log.events);
        }
        ranks_receive(team, rank, TAG_HOME, desk->log.events,
                      home.n_events * sizeof *desk->log.events);
    }
    outcome_gather(&team->room, team->desks, team->workers, outcome);
    outcome->total = team->total.tally; /* what came home in time, not what is told now */
    outcome->nodes = (uint32_t)team->n_machines;
    outcome->remark = team->remark;
    outcome->results = team->job.work->result_bytes > 0 ? team->results.results : NULL;
    outcome->start_ns = team->start_ns;
    outcome->clock_error_ns = error_ns;
    ranks_learn_way(team, last_arrival_ns);
    return 0;
}

int ranks_sender(struct team *team, uint64_t index)
{
    struct order order = {.kind = ORDER_WHO, .index = index};
    int sender = 0; /* what nobody has sent is the root's own */
    send_order(team, &order, offsetof(struct order, job));
    for (int rank = 1; rank < team->n_ranks; rank++) {
        bool mine = false;
        ranks_receive(team, rank, TAG_READY, &mine, sizeof mine);
        if (mine)
            sender = rank;
    }
    return sender;
}

bool ranks_is_root(const struct team *team)
{
    return team->rank == 0;
}

const struct placement *ranks_placements(struct team *team)
{
    return team->placements;
}

const char *ranks_runtime(const struct team *team)
{
    return team->runtime;
}

/* --- open and close -------------------------------------------------------------------------- */

int ranks_open(struct team **team_out, const struct launch *launch, const struct ranks_kind *kind,
               struct err *err)
{
    struct team *team = ranks_team_new(launch, kind->each);
    int provided = MPI_THREAD_SINGLE;
    struct err own;
    ranks_take_questions(team);
    team->has_guardian = ranks_start_thread(&team->guardian, ranks_guard, team, &own) == 0;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    ranks_join(team, kind->runtime);
    bool failed = !team->has_guardian || ranks_take_place(team, launch, kind, provided, &own) != 0;
    if (team->rank > 0) {
        report_ready(team, failed, &own);
        for (uint32_t t = 0; t < team->threads; t++)
            ranks_send(team, 0, TAG_HOME, &team->desks[t].placement, sizeof *team->placements);
        *team_out = team;
        return 0;
    }
    int status = hear_ready(team, failed, &own, err);
    for (uint32_t w = 0; w < team->workers; w++) {
        team->placements[w] = team->desks[w].placement;
        if (w >= team->threads)
            ranks_receive(team, (int)(w / team->threads), TAG_HOME, &team->placements[w],
                          sizeof *team->placements);
    }
    if (status == 0)
        *team_out = team;
    else
        ranks_close(team);
    return status;
}

void ranks_close(struct team *team)
{
    if (team->rank == 0) {
        struct order order = {.kind = ORDER_CLOSE};
        ranks_deputy_stand_down(team);
        send_order(team, &order, sizeof order.kind);
        MPI_Cancel(&team->note_request);
        MPI_Wait(&team->note_request, MPI_STATUS_IGNORE);
    }
    if (team->has_deputy)
        ranks_deputy_end(team);
    ranks_clock_close(&team->clock);
    ranks_counter_close(team);
    ranks_hall_close(team);
    ranks_home_close(team);
    MPI_Comm_free(&team->node_comm);
    MPI_Finalize();
    if (team->has_guardian) {
        pthread_cancel(team->guardian);
        pthread_join(team->guardian, NULL);
    }
    if (team->questions >= 0)
        close(team->questions);
    ranks_team_free(team);
}
