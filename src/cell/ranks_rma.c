/* The dispatch "rma": each worker takes from a counter of rank 0 by MPI_Fetch_and_op, and nobody is
 * asked. The counter is the first task not handed out (CONSTANT rules) or the number of the next
 * chunk (SEQUENCE: each rank has the table of chunks).
 *
 * The counter is a window of 8 bytes, made at the first job that wants it and kept, in one passive
 * epoch (MPI_Win_lock_all) from then to the end. While it is made errors are returned, so that a
 * transport that cannot do it costs a sentence; later they end the job, as all others of MPI.
 *
 * Where the transport has no one-sided operations of its own, as TCP, MPI makes them out of
 * messages that rank 0 must answer, and does so only while it is inside MPI: rank 0 may wait within
 * a call of its own for the end of another rank's, which waits for rank 0, and whoever holds the
 * counter takes nearly all. Whether that is so is found out once, by trying; the job then goes by
 * notes that rank 0 answers when it pleases, as under "master". */
#include "cell/ranks_own.h"

#include "base/alloc.h"

#include <stdlib.h>

static const char no_progress[] =
    "one-sided operations of this transport complete only while rank 0 is inside MPI; rank 0 hands "
    "out by messages instead, as under 'master'";

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
    void *memory;
    int code;
    if (team->n_nodes > team->n_machines) {
        c->own = alloc_zeroed(1, CLAIM_LINE);
        code = MPI_Win_create(c->own, bytes, sizeof *c->own, MPI_INFO_NULL, team->comm, &c->window);
    } else {
        code =
            MPI_Win_allocate(bytes, sizeof *c->own, MPI_INFO_NULL, team->comm, &memory, &c->window);
    }
    if (code != MPI_SUCCESS)
        return code;
    MPI_Win_set_errhandler(c->window, MPI_ERRORS_RETURN);
    return MPI_Win_lock_all(MPI_MODE_NOCHECK, c->window);
}

static int fetch(struct team *team, uint64_t add, MPI_Op op, uint64_t *before)
{
    int code = MPI_Fetch_and_op(&add, before, MPI_UINT64_T, 0, 0, op, team->counter.window);
    return code != MPI_SUCCESS ? code : MPI_Win_flush(0, team->counter.window);
}

/* The first operation of each rank, which may settle what later ones find. The root's comes when
 * those of the others, during which it is inside MPI, have ended. Fails in all or in none, with the
 * code of this rank. */
static bool try_operations(struct team *team, int *code)
{
    uint64_t before;
    int failed = 0, any = 0;
    for (int turn = 0; turn < 2 && !any; turn++) {
        if ((team->rank == 0) == (turn == 1))
            *code = fetch(team, 0, MPI_SUM, &before);
        failed = *code != MPI_SUCCESS;
        MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, team->comm);
    }
    return !any;
}

/* Whether an operation of a rank far away completes while the root sleeps, which it does by then
 * even if it has left the barrier late. The operation is the only one under way, and the root is
 * back inside MPI soon, so that it completes in any case. The majority counts, since either of the
 * two may lose its CPU for a while. */
static bool try_progress(struct team *team)
{
    enum { ROUNDS = 3, SLEEP_NS = 20000000, LATE_NS = 5000000, SOON_NS = 5000000 };
    int soon = 0;
    uint64_t before;
    for (int round = 0; round < ROUNDS; round++) {
        MPI_Barrier(team->comm);
        if (team->rank == 0) {
            clock_sleep_ns(SLEEP_NS);
        } else if (team->rank == team->far_rank) {
            clock_sleep_ns(LATE_NS);
            uint64_t start = clock_now_ns();
            fetch(team, 0, MPI_SUM, &before);
            soon += clock_now_ns() - start < SOON_NS;
        }
    }
    MPI_Bcast(&soon, 1, MPI_INT, team->far_rank, team->comm);
    return 2 * soon > ROUNDS;
}

static void free_window(struct counter *c)
{
    MPI_Win_unlock_all(c->window);
    MPI_Win_free(&c->window);
}

static void make_counter(struct team *team)
{
    struct counter *c = &team->counter;
    MPI_Comm_set_errhandler(team->comm, MPI_ERRORS_RETURN);
    int code = make_window(team);
    MPI_Comm_set_errhandler(team->comm, MPI_ERRORS_ARE_FATAL);
    /* Where some have no window the others keep theirs, since it cannot be freed without all. */
    int failed = code != MPI_SUCCESS, any = 0;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, team->comm);
    if (any || !try_operations(team, &code)) {
        say_why(team, code);
        c->state = CANNOT_BE_MADE;
        return;
    }
    MPI_Win_set_errhandler(c->window, MPI_ERRORS_ARE_FATAL);
    if (team->n_ranks == 1 || try_progress(team)) {
        c->state = MADE;
        return;
    }
    free_window(c);
    c->state = NO_PROGRESS;
}

int ranks_counter_open(struct team *team, struct err *err)
{
    struct counter *c = &team->counter;
    if (c->state == NOT_MADE)
        make_counter(team);
    if (c->state == NO_PROGRESS)
        team->remark = no_progress;
    return c->state == CANNOT_BE_MADE ? err_set(err, "%s", c->why.text) : 0;
}

void ranks_counter_close(struct team *team)
{
    if (team->counter.state == MADE)
        free_window(&team->counter);
    free(team->counter.own);
}

void ranks_counter_set(struct team *team, uint64_t value)
{
    uint64_t before;
    fetch(team, value, MPI_REPLACE, &before);
}

uint64_t ranks_counter_fetch(struct team *team, uint64_t add)
{
    uint64_t before;
    pthread_mutex_lock(&team->mpi);
    fetch(team, add, MPI_SUM, &before);
    pthread_mutex_unlock(&team->mpi);
    return before;
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
    return chunk_at(team, ranks_counter_fetch(team, step_of(team)), first, count);
}

static int rma_open(struct team *team, struct err *err)
{
    if (ranks_counter_open(team, err) != 0)
        return -1;
    if (team->counter.state == NO_PROGRESS)
        team->dispatch = &ranks_master;
    return 0;
}

static int rma_prepare(struct team *team, struct err *err)
{
    if (team->rank == 0)
        ranks_counter_set(team, 0);
    return ranks_open_views(team, err);
}

static uint64_t rma_shift(struct team *team, struct worker *me, struct tally *tally)
{
    return ranks_drain(team, me, tally, next_fetched);
}

const struct dispatch ranks_rma = {
    .name = "rma",
    .open = rma_open,
    .prepare = rma_prepare,
    .shift = rma_shift,
};
