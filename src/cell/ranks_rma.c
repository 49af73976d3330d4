/* The dispatch "rma": each worker takes from a counter of rank 0 by MPI_Fetch_and_op, and nobody is
 * asked. The counter is the first task not handed out (CONSTANT rules) or the number of the next
 * chunk (SEQUENCE: each rank has the table of chunks).
 *
 * The counter is a window of 8 bytes, made at the first job that wants it and kept, in one passive
 * epoch (MPI_Win_lock_all) from then to the end. While it is made errors are returned, so that a
 * transport that cannot do it costs a sentence; later they end the job, as all others of MPI.
 *
 * Where the transport has no one-sided operations of its own, as TCP, MPI makes them out of
 * messages that rank 0 must answer, and does so only while it is inside MPI: left to itself, the
 * rank that holds the counter takes nearly all. Whether that is so is found out once, by trying.
 * Then rank 0's workers look into MPI between their chunks, and the deputy does while they are in
 * long ones. Nobody asks ahead: with several operations under way Open MPI's osc pt2pt waits for
 * one while it handles another, and serves the nearest rank alone. */
#include "cell/ranks_own.h"

#include "base/alloc.h"

#include <stdlib.h>

const char ranks_no_progress[] =
    "one-sided operations of this transport complete only while rank 0 is inside MPI; its workers "
    "and a deputy thread see to that";

/* --- the counter ------------------------------------------------------------------------------ */

static void say_why(struct team *team, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "another rank failed";
    int length;
    if (code != MPI_SUCCESS)
        MPI_Error_string(code, text, &length);
    err_set(&team->counter.why,
            "this transport gives no one-sided operations (%s); use another dispatch, or another "
            "transport: with Open MPI 'mpirun --mca osc ^ucx', or 'OMPI_MCA_osc=^ucx' in the "
            "environment",
            text);
}

/* Nodes that are simulated get a window over memory of the root's own, since MPI would see through
 * them and put one that it allocates into memory that all ranks share. */
static int make_window(struct team *team)
{
    struct counter *c = &team->counter;
    MPI_Aint bytes = team->rank == 0 ? CLAIM_LINE : 0;
    int code;
    if (team->n_nodes > team->n_machines) {
        c->own = alloc_zeroed(1, CLAIM_LINE);
        code = MPI_Win_create(c->own, bytes, sizeof *c->own, MPI_INFO_NULL, team->comm, &c->window);
        c->memory = c->own;
    } else {
        code = MPI_Win_allocate(bytes, sizeof *c->memory, MPI_INFO_NULL, team->comm, &c->memory,
                                &c->window);
    }
    if (code != MPI_SUCCESS)
        return code;
    MPI_Win_set_errhandler(c->window, MPI_ERRORS_RETURN);
    return MPI_Win_lock_all(MPI_MODE_NOCHECK, c->window);
}

static int fetch_now(struct team *team, uint64_t add, MPI_Op op, uint64_t *before)
{
    int code = MPI_Fetch_and_op(&add, before, MPI_UINT64_T, 0, 0, op, team->counter.window);
    return code != MPI_SUCCESS ? code : MPI_Win_flush(0, team->counter.window);
}

/* Whether an operation of a rank far away completes while the root sleeps. The majority counts,
 * since either of the two may lose its CPU for a while. */
static void try_progress(struct team *team)
{
    enum { ROUNDS = 3, SLEEP_NS = 20000000, SOON_NS = 5000000 };
    int soon = 0;
    uint64_t before;
    for (int round = 0; round < ROUNDS; round++) {
        MPI_Barrier(team->comm);
        uint64_t start = clock_now_ns();
        if (team->rank == 0) {
            clock_sleep_ns(SLEEP_NS);
        } else if (team->rank == team->far_rank) {
            fetch_now(team, 0, MPI_SUM, &before);
            soon += clock_now_ns() - start < SOON_NS;
        }
    }
    MPI_Bcast(&soon, 1, MPI_INT, team->far_rank, team->comm);
    team->counter.has_progress = 2 * soon > ROUNDS;
}

static void make_counter(struct team *team)
{
    struct counter *c = &team->counter;
    uint64_t before;
    MPI_Comm_set_errhandler(team->comm, MPI_ERRORS_RETURN);
    int code = make_window(team);
    MPI_Comm_set_errhandler(team->comm, MPI_ERRORS_ARE_FATAL);
    /* The first operation of each rank, which may settle what later ones find; where some have no
     * window the others keep theirs, since it cannot be freed without all. */
    int failed = code != MPI_SUCCESS, any = 0;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, team->comm);
    if (!any) {
        code = fetch_now(team, 0, team->rank == 0 ? MPI_REPLACE : MPI_SUM, &before);
        failed = code != MPI_SUCCESS;
        MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, team->comm);
    }
    if (any) {
        say_why(team, code);
        c->state = CANNOT_BE_MADE;
        return;
    }
    MPI_Win_set_errhandler(c->window, MPI_ERRORS_ARE_FATAL);
    c->state = MADE;
    if (team->n_ranks == 1)
        c->has_progress = true;
    else
        try_progress(team);
}

int ranks_counter_open(struct team *team, struct err *err)
{
    if (team->counter.state == NOT_MADE)
        make_counter(team);
    if (team->counter.state == MADE)
        return 0;
    return err_set(err, "%s", team->counter.why.text);
}

void ranks_counter_close(struct team *team)
{
    if (team->counter.state == MADE) {
        MPI_Win_unlock_all(team->counter.window);
        MPI_Win_free(&team->counter.window);
    }
    free(team->counter.own);
}

void ranks_counter_set(struct team *team, uint64_t value)
{
    uint64_t before;
    fetch_now(team, value, MPI_REPLACE, &before);
}

uint64_t ranks_counter_peek(const struct team *team)
{
    const struct counter *c = &team->counter;
    return c->state == MADE ? __atomic_load_n(c->memory, __ATOMIC_RELAXED) : 0;
}

void ranks_counter_fetch(struct team *team, struct worker *me, uint64_t add)
{
    if (team->counter.has_progress || team->rank == 0) {
        pthread_mutex_lock(&team->mpi);
        fetch_now(team, add, MPI_SUM, &me->fetched);
        pthread_mutex_unlock(&team->mpi);
    } else {
        ranks_counter_begin(team, me, add);
        ranks_await(team, &me->fetch, &wait_in_map);
    }
}

void ranks_counter_begin(struct team *team, struct worker *me, uint64_t add)
{
    me->to_add = add;
    pthread_mutex_lock(&team->mpi);
    MPI_Rget_accumulate(&me->to_add, 1, MPI_UINT64_T, &me->fetched, 1, MPI_UINT64_T, 0, 0, 1,
                        MPI_UINT64_T, MPI_SUM, team->counter.window, &me->fetch);
    pthread_mutex_unlock(&team->mpi);
}

bool ranks_counter_has_come(struct team *team, struct worker *me)
{
    int flag = 0;
    pthread_mutex_lock(&team->mpi);
    MPI_Test(&me->fetch, &flag, MPI_STATUS_IGNORE);
    pthread_mutex_unlock(&team->mpi);
    return flag;
}

/* --- the dispatch ----------------------------------------------------------------------------- */

static uint64_t step_of(const struct team *team)
{
    return team->job.sched.class == SCHED_CONSTANT ? team->job.sched.chunk : 1;
}

/* The chunk that a value of the counter stands for; false when there is none. */
static bool chunk_at(const struct team *team, uint64_t at, uint64_t *first, uint64_t *count)
{
    const struct sched *s = &team->job.sched;
    if (s->class == SCHED_CONSTANT) {
        *first = at;
        *count = at >= s->n ? 0 : s->n - at < s->chunk ? s->n - at : s->chunk;
        return *count > 0;
    }
    const struct sched_table *table = &team->view.table;
    if (at >= table->n_chunks)
        return false;
    *first = table->starts[at];
    *count = table->starts[at + 1] - *first;
    return true;
}

static bool next_fetched(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    meter_slow(&me->meter);
    ranks_counter_fetch(team, me, step_of(team));
    return chunk_at(team, me->fetched, first, count);
}

static int rma_prepare(struct team *team, struct err *err)
{
    if (team->rank == 0)
        ranks_counter_set(team, 0);
    if (!team->counter.has_progress)
        team->remark = ranks_no_progress;
    return ranks_open_views(team, err);
}

static bool rma_needs_root(const struct team *team)
{
    return !team->counter.has_progress;
}

static uint64_t rma_shift(struct team *team, struct worker *me, struct tally *tally)
{
    return ranks_drain(team, me, tally, next_fetched);
}

const struct dispatch ranks_rma = {
    .name = "rma",
    .open = ranks_counter_open,
    .prepare = rma_prepare,
    .needs_root = rma_needs_root,
    .shift = rma_shift,
};
