/* The dispatch "twolevel": within a node workers claim by atomics on memory that its ranks share;
 * between nodes larger shares of the list are taken from the counter of rank 0.
 *
 * One node. The memory holds a `struct claim` for all workers, and all goes as in a process pool,
 * under every rule that a claim carries.
 *
 * Several nodes. Every rank cuts the list into the same supers (cut_supers): half of what an equal
 * share of the rest would be, at least a chunk for each worker of a node. Super s goes to whom the
 * counter gave s; a super is shared out in its node by the rule of the job with P = the workers of
 * the node. Rules that look at what was measured, and stealing, would have to see across nodes and
 * are refused.
 *
 * The queue of a node is a row of slots, one for each super that it takes, never used twice in a
 * map:
 *
 *     slots[k].super, .low   written before the slot is open, read-only from then on
 *     slots[k].next          number of the next chunk of that super; one fetch_add a chunk
 *     n_open                 slots [0, n_open) are open; grows by one
 *     is_fetching            somebody fetches the next super; false -> true by compare-exchange
 *     is_over                the counter had no more
 *
 * Each worker has the number of the slot that it is at (me->turn), which only grows. It takes a
 * chunk from that slot; where there is none it goes on to the next open one; past the last it is
 * done when is_over, else it fetches, or waits for whoever does. Who takes the chunk in the middle
 * of a super (`low`) fetches the next one, so that there is one before the others run out. Where
 * the transport makes no progress of its own the fetch is begun and looked for between chunks; the
 * fetcher waits for it only when the node is out of work.
 *
 * Invariants:
 *   - each super is in at most one slot of one node: the counter gives each number once
 *   - slots, n_open and is_over are written by the one who has set is_fetching; it is set free
 * again after n_open has grown (release), so that who sets it next sees all slots. After is_over it
 *     stays set
 *   - a worker late in an old slot takes a number beyond the end of that super and goes on: slots
 *     are not reused, so it cannot take what is another's
 *   - the end: is_over is stored after the last n_open, so who reads is_over and then an n_open
 * that it has reached has seen all slots of the node
 *   - the first super of node k is number k, opened by the node's first rank before the map, and
 * the counter begins at the number of nodes: the start of a map asks nobody
 *   - the node's first rank writes all this in prepare: after the last map's end, which the root
 *     knew of before it gave the order, and before the order to go, which follows upon its answer
 */
#include "cell/ranks_own.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    alignas(CLAIM_LINE) _Atomic uint64_t next;
    uint64_t super;
    uint64_t low; /* who gets this chunk fetches the next super */
};

struct node_queue {
    alignas(CLAIM_LINE) _Atomic uint64_t n_open;
    _Atomic bool is_over;
    alignas(CLAIM_LINE) _Atomic bool is_fetching;
    struct slot slots[];
};

/* --- supers ----------------------------------------------------------------------------------- */

/* More than there can be: 2m nodes' worth of supers, each at least 1/2m of what is left, use up
 * 2^40 tasks in 2m ln(2^40/2m) steps and 2m of the least size; 2 ln 2^40 = 55.5. */
static uint64_t most_supers(const struct team *team)
{
    return 64 * (uint64_t)team->n_nodes;
}

/* Cuts the list into supers, whole chunks where all have one size. */
static int cut_supers(struct team *team, struct err *err)
{
    const struct sched *s = &team->job.sched;
    struct supers *supers = &team->supers;
    bool is_constant = s->class == SCHED_CONSTANT;
    uint64_t unit = is_constant ? s->chunk : 1;
    uint64_t n = s->n / unit + (s->n % unit != 0);
    uint64_t least = (uint64_t)team->most_node_workers * (is_constant ? 1 : s->chunk);
    struct sched rule = sched_resolve(SCHED_GUIDED, n, 2 * (uint32_t)team->n_nodes, least);
    if (sched_table_fill(&supers->bounds, &rule, err) != 0)
        return -1;
    supers->n = supers->bounds.n_chunks;
    for (uint64_t i = 0; i < supers->n; i++)
        supers->bounds.starts[i] *= unit;
    supers->bounds.starts[supers->n] = s->n;
    return 0;
}

/* SEQUENCE: the chunks of all supers, one after the other, as this node would run them. */
static int cut_chunks(struct team *team, struct err *err)
{
    const struct sched *s = &team->job.sched;
    struct supers *supers = &team->supers;
    struct sched_spec spec = {.rule = sched_rule_of(s->kind), .params = s->params};
    struct sched_table *all = &supers->chunks, *one = &supers->scratch;
    supers->chunk_at = alloc_grown(supers->chunk_at, supers->n + 1, sizeof *supers->chunk_at);
    all->n_chunks = 0;
    for (uint64_t i = 0; i < supers->n; i++) {
        uint64_t first = supers->bounds.starts[i], count = supers->bounds.starts[i + 1] - first;
        struct sched sched = sched_make(&spec, count, team->node_workers, s->chunk);
        if (sched_table_fill(one, &sched, err) != 0)
            return -1;
        supers->chunk_at[i] = all->n_chunks;
        for (uint64_t c = 0; c < one->n_chunks; c++) {
            all->starts =
                alloc_room(all->starts, all->n_chunks, &all->capacity, sizeof *all->starts);
            all->starts[all->n_chunks++] = first + one->starts[c];
        }
    }
    supers->chunk_at[supers->n] = all->n_chunks;
    all->starts = alloc_room(all->starts, all->n_chunks, &all->capacity, sizeof *all->starts);
    all->starts[all->n_chunks] = s->n;
    return 0;
}

/* Chunk i of a super; false when it has fewer. */
static bool chunk_of(const struct team *team, uint64_t super, uint64_t i, uint64_t *first,
                     uint64_t *count)
{
    const struct sched *s = &team->job.sched;
    const struct supers *supers = &team->supers;
    if (s->class == SCHED_CONSTANT) {
        uint64_t at = supers->bounds.starts[super] + i * s->chunk;
        uint64_t end = supers->bounds.starts[super + 1];
        *first = at;
        *count = at >= end ? 0 : end - at < s->chunk ? end - at : s->chunk;
        return *count > 0;
    }
    uint64_t at = supers->chunk_at[super] + i;
    if (at >= supers->chunk_at[super + 1])
        return false;
    *first = supers->chunks.starts[at];
    *count = supers->chunks.starts[at + 1] - *first;
    return true;
}

static uint64_t chunks_of(const struct team *team, uint64_t super)
{
    const struct supers *supers = &team->supers;
    if (team->job.sched.class != SCHED_CONSTANT)
        return supers->chunk_at[super + 1] - supers->chunk_at[super];
    uint64_t tasks = supers->bounds.starts[super + 1] - supers->bounds.starts[super];
    return tasks / team->job.sched.chunk + (tasks % team->job.sched.chunk != 0);
}

/* --- the queue of a node ---------------------------------------------------------------------- */

/* By who has set is_fetching, or before the map. */
static void open_slot(struct team *team, uint64_t super)
{
    struct node_queue *queue = team->hall.queue;
    uint64_t k = atomic_load_explicit(&queue->n_open, memory_order_relaxed);
    struct slot *slot = &queue->slots[k];
    slot->super = super;
    slot->low = chunks_of(team, super) / 2;
    atomic_store_explicit(&slot->next, 0, memory_order_relaxed);
    atomic_store_explicit(&queue->n_open, k + 1, memory_order_release);
}

/* What the counter gave. */
static void take_super(struct team *team, uint64_t super)
{
    struct node_queue *queue = team->hall.queue;
    if (super < team->supers.n) {
        open_slot(team, super);
        atomic_store_explicit(&queue->is_fetching, false, memory_order_release);
    } else {
        atomic_store_explicit(&queue->is_over, true, memory_order_release);
    }
}

/* Fetches the next super, unless another worker of the node is at it. */
static void fetch_super(struct team *team, struct worker *me)
{
    bool nobody = false;
    if (!atomic_compare_exchange_strong_explicit(&team->hall.queue->is_fetching, &nobody, true,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    meter_slow(&me->meter);
    if (team->counter.has_progress || team->rank == 0) {
        ranks_counter_fetch(team, me, 1);
        take_super(team, me->fetched);
    } else {
        me->is_fetching = true;
        ranks_counter_begin(team, me, 1);
    }
}

/* A chunk of what the node has. */
static bool next_here(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    struct node_queue *queue = team->hall.queue;
    if (__builtin_expect(me->is_fetching, 0)) {
        meter_slow(&me->meter);
        if (ranks_counter_has_come(team, me)) {
            me->is_fetching = false;
            take_super(team, me->fetched);
        }
    }
    for (; me->turn < atomic_load_explicit(&queue->n_open, memory_order_acquire); me->turn++) {
        struct slot *slot = &queue->slots[me->turn];
        uint64_t i = atomic_fetch_add_explicit(&slot->next, 1, memory_order_relaxed);
        if (!chunk_of(team, slot->super, i, first, count))
            continue;
        if (i == slot->low)
            fetch_super(team, me);
        return true;
    }
    return false;
}

static bool is_over(struct team *team, const struct worker *me)
{
    struct node_queue *queue = team->hall.queue;
    return atomic_load_explicit(&queue->is_over, memory_order_acquire) &&
           me->turn == atomic_load_explicit(&queue->n_open, memory_order_relaxed);
}

static bool next_of_node(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    bool got = next_here(team, me, first, count);
    if (__builtin_expect(got, 1) || is_over(team, me))
        return got;
    meter_slow(&me->meter);
    struct wait wait = wait_begin(team, &wait_in_map);
    for (;;) {
        if (!me->is_fetching)
            fetch_super(team, me);
        got = next_here(team, me, first, count);
        if (got || is_over(team, me))
            break;
        wait_step(&wait);
        if (team->root_looks && team->rank == 0)
            ranks_look_in_passing(team);
    }
    wait_end(&wait);
    return got;
}

/* --- the dispatch ----------------------------------------------------------------------------- */

static int check(const struct team *team, const struct job *job, struct err *err)
{
    if (team->n_nodes == 1 || job->sched.class == SCHED_CONSTANT ||
        job->sched.class == SCHED_SEQUENCE)
        return 0;
    const char *name = sched_rule_of(job->sched.kind)->name;
    if (job->sched.class == SCHED_RANGES)
        return err_set(err,
                       "dispatch 'twolevel' steals within one node, and here are %d: take another "
                       "schedule than '%s', or one node",
                       team->n_nodes, name);
    return err_set(
        err,
        "dispatch 'twolevel' carries adaptive schedules such as '%s' within one node, and "
        "here are %d; use 'master'",
        name, team->n_nodes);
}

static size_t hall_bytes(const struct team *team)
{
    return team->n_nodes == 1
               ? claim_bytes(team->workers)
               : sizeof(struct node_queue) + (size_t)most_supers(team) * sizeof(struct slot);
}

/* On the next cache line; the same place in all ranks, since pages are mapped whole. */
static void *line_up(void *memory)
{
    return (void *)(((uintptr_t)memory + CLAIM_LINE - 1) / CLAIM_LINE * CLAIM_LINE);
}

static void say_why(struct hall *hall, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(code, text, &length);
    err_set(&hall->why,
            "MPI gives the ranks of a node no shared memory (%s); use another dispatch, or see to "
            "room in /dev/shm and, with Open MPI, that OMPI_MCA_osc does not leave out 'sm'",
            text);
}

static void make_hall(struct team *team)
{
    struct hall *hall = &team->hall;
    void *memory = NULL;
    MPI_Aint bytes = 0;
    int unit, node_rank, any;
    MPI_Comm_rank(team->node_comm, &node_rank);
    if (node_rank == 0)
        bytes = (MPI_Aint)hall_bytes(team) + CLAIM_LINE;
    MPI_Comm_set_errhandler(team->node_comm, MPI_ERRORS_RETURN);
    int code =
        MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, team->node_comm, &memory, &hall->window);
    if (code == MPI_SUCCESS)
        code = MPI_Win_shared_query(hall->window, 0, &bytes, &unit, &memory);
    MPI_Comm_set_errhandler(team->node_comm, MPI_ERRORS_ARE_FATAL);
    MPI_Allreduce(&code, &any, 1, MPI_INT, MPI_MAX, team->comm);
    hall->is_made = any == MPI_SUCCESS;
    if (!hall->is_made)
        say_why(hall, any);
    else if (team->n_nodes == 1)
        hall->claim = line_up(memory);
    else
        hall->queue = line_up(memory);
}

static int open(struct team *team, struct err *err)
{
    struct hall *hall = &team->hall;
    if (!hall->is_made && !hall->why.text[0])
        make_hall(team);
    if (!hall->is_made)
        return err_set(err, "%s", hall->why.text);
    return team->n_nodes > 1 ? ranks_counter_open(team, err) : 0;
}

static int prepare_nodes(struct team *team, struct err *err)
{
    if (cut_supers(team, err) != 0 ||
        (team->job.sched.class == SCHED_SEQUENCE && cut_chunks(team, err) != 0))
        return -1;
    if (team->supers.n > most_supers(team))
        return err_set(err, "dispatch 'twolevel' has no room for so many shares of the list; "
                            "give a larger chunk");
    if (team->rank == 0)
        ranks_counter_set(team, (uint64_t)team->n_nodes);
    if (!team->counter.has_progress)
        team->remark = ranks_no_progress;
    struct node_queue *queue = team->hall.queue;
    if (team->here[0].number != team->node_first)
        return 0;
    atomic_store(&queue->n_open, 0);
    atomic_store(&queue->is_over, false);
    if ((uint64_t)team->node < team->supers.n)
        open_slot(team, (uint64_t)team->node);
    atomic_store(&queue->is_fetching, false);
    return 0;
}

static int prepare(struct team *team, struct err *err)
{
    if (team->n_nodes > 1)
        return prepare_nodes(team, err);
    if (team->rank == 0)
        claim_init(team->hall.claim, &team->job.sched);
    return ranks_open_views(team, err);
}

static bool needs_root(const struct team *team)
{
    return team->n_nodes > 1 && !team->counter.has_progress;
}

static uint64_t shift(struct team *team, struct worker *me, struct tally *tally)
{
    me->is_fetching = false;
    me->turn = 0;
    if (team->n_nodes > 1)
        return ranks_drain(team, me, tally, next_of_node);
    return ranks_drain_claim(team, me, team->hall.claim, tally);
}

void ranks_hall_close(struct team *team)
{
    struct supers *supers = &team->supers;
    if (team->hall.is_made)
        MPI_Win_free(&team->hall.window);
    sched_table_release(&supers->bounds);
    sched_table_release(&supers->chunks);
    sched_table_release(&supers->scratch);
    free(supers->chunk_at);
}

const struct dispatch ranks_twolevel = {
    .name = "twolevel",
    .check = check,
    .open = open,
    .prepare = prepare,
    .needs_root = needs_root,
    .shift = shift,
};
