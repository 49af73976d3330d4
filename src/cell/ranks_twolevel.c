/* The dispatch "twolevel": within a node workers claim by atomics on memory that its ranks share;
 * between nodes larger shares of the list are taken from the counter of rank 0.
 *
 * One node. The memory holds a `struct claim` for all workers, and all goes as in a process pool,
 * under every rule that a claim carries.
 *
 * Several nodes. Every rank cuts the list into the same supers (cut_supers): half of what an equal
 * share of the rest would be, at least a chunk for every second worker of a node. Super s goes to
 * whom the counter gave s; a super is shared out in its node by the rule of the job with P = the
 * workers of the node. Rules that look at what was measured, and stealing, would have to see across
 * nodes and are refused.
 *
 * The queue of a node is a row of slots, one for each super that it takes, never used twice in a
 * map:
 *
 *     slots[k].super, .middle   written before the slot is open, and by each who opens it the same
 *     slots[k].next             number of the next chunk of that super; one fetch_add a chunk
 *     n_open                    slots [0, n_open) are open; grows by one, by compare-exchange
 *     is_over                   the counter had no more
 *     is_fetching               a one-sided operation is under way; false -> true by
 *                               compare-exchange
 *
 * Each worker has the number of the slot that it is at (me->turn), which only grows. It takes a
 * chunk from that slot; where there is none it goes on to the next open one; past the last it asks
 * for the super of slot n_open, and is done when is_over. Who takes the chunk in the middle of a
 * super asks for the next one ahead, so that it is there before the others run out; but not where
 * the super has no more than two chunks a worker, or near the end a node would hold what others
 * could begin at once.
 *
 * Where the transport has progress of its own, asking is an operation on the counter, waited for,
 * one at a time in a node. Elsewhere it is a note to the root, which names node and slot, and which
 * any number of workers may send: whoever asks for the same slot is given the same super. So nobody
 * depends on another who has asked and does not look at the answer for as long as its chunk lasts.
 *
 * Invariants:
 *   - each super is in at most one slot of one node: the counter gives each number once, or the
 *     root each super to one node and slot
 *   - slot k + 1 is asked for after slot k was seen open, so the root need know no more than the
 *     last slot of each node; whoever asks for an earlier one will find it open
 *   - one-sided: the one who has set is_fetching looks at n_open again, and sets it free after
 *     n_open has grown (release), so that who sets it next does not fetch for a slot that is open
 *   - a worker late in an old slot takes a number beyond the end of that super and goes on: slots
 *     are not reused, so it cannot take what is another's
 *   - the end: is_over is stored by who was told so for slot n_open, which therefore never opens;
 *     it has seen all slots open that there are (acquire), and so has who reads is_over (release).
 *     Nobody leaves before it has heard the answer to its own note
 *   - the first super of node k is number k, opened by the node's first rank before the map, and
 *     the counter begins at the number of nodes: the start of a map asks nobody
 *   - the node's first rank writes all this in prepare: after the last map's end, which the root
 *     knew of before it gave the order, and before the order to go, which follows upon its answer
 */
#include "cell/ranks_own.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    alignas(CLAIM_LINE) _Atomic uint64_t next;
    _Atomic uint64_t super;
    _Atomic uint64_t middle; /* who gets this chunk asks for the next super */
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
    uint64_t least = (uint64_t)(team->most_node_workers + 1) / 2 * (is_constant ? 1 : s->chunk);
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
        if (all->n_chunks + one->n_chunks > SCHED_MOST_CHUNKS)
            return err_set(err,
                           "dispatch 'twolevel' would cut the list into more than %d chunks "
                           "(%s); give a larger chunk",
                           SCHED_MOST_CHUNKS, spec.rule->name);
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

/* The chunk of a super whose taker asks for the next one ahead, if any does. */
static uint64_t middle_of(const struct team *team, uint64_t super)
{
    uint64_t n = chunks_of(team, super);
    return n > 2 * (uint64_t)team->node_workers ? n / 2 : UINT64_MAX;
}

/* --- the queue of a node ---------------------------------------------------------------------- */

/* Slot k is for this super; for none when the number is past the last. */
static void open_slot(struct team *team, uint64_t k, uint64_t super)
{
    struct node_queue *queue = team->hall.queue;
    if (super >= team->supers.n) {
        atomic_store_explicit(&queue->is_over, true, memory_order_release);
        return;
    }
    atomic_store_explicit(&queue->slots[k].super, super, memory_order_relaxed);
    atomic_store_explicit(&queue->slots[k].middle, middle_of(team, super), memory_order_relaxed);
    atomic_compare_exchange_strong_explicit(&queue->n_open, &k, k + 1, memory_order_acq_rel,
                                            memory_order_relaxed);
}

/* Root, with team->mpi held: the super of slot k of a node; false when that one has been told and
 * the node has gone on. */
static bool super_of(struct team *team, uint32_t node, uint64_t k, uint64_t *super)
{
    struct super_given *last = &team->supers.given[node];
    if (k > last->turn)
        *last = (struct super_given){k, team->supers.next++};
    *super = last->super;
    return k == last->turn;
}

static struct grant answer(struct team *team, const struct note *note)
{
    struct grant grant = {0, 0, 0};
    grant.count = super_of(team, note->node, note->turn, &grant.first);
    return grant;
}

static void fetch(struct team *team, uint64_t k)
{
    struct node_queue *queue = team->hall.queue;
    bool nobody = false;
    if (!atomic_compare_exchange_strong_explicit(&queue->is_fetching, &nobody, true,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    if (atomic_load_explicit(&queue->n_open, memory_order_relaxed) == k)
        open_slot(team, k, ranks_counter_fetch(team, 1));
    atomic_store_explicit(&queue->is_fetching, false, memory_order_release);
}

/* Asks for the super of slot k, as far as it is not open yet. */
static void ask(struct team *team, struct worker *me, uint64_t k)
{
    uint64_t super;
    if (me->is_asking || k < atomic_load_explicit(&team->hall.queue->n_open, memory_order_acquire))
        return;
    meter_slow(&me->meter);
    if (team->counter.state == MADE) {
        fetch(team, k);
    } else if (team->rank == 0) {
        pthread_mutex_lock(&team->mpi);
        bool is_told = super_of(team, (uint32_t)team->node, k, &super);
        pthread_mutex_unlock(&team->mpi);
        if (is_told)
            open_slot(team, k, super);
    } else {
        me->is_asking = true;
        me->turn_asked = k;
        ranks_ask(team, me);
    }
}

/* Takes the answer, if it has come. */
static void hear(struct team *team, struct worker *me)
{
    uint64_t at = (me->n_asked - 1) % MOST_ASKED;
    int has_come = 0;
    meter_slow(&me->meter);
    pthread_mutex_lock(&team->mpi);
    MPI_Test(&me->asked[at], &has_come, MPI_STATUS_IGNORE);
    pthread_mutex_unlock(&team->mpi);
    if (!has_come)
        return;
    me->is_asking = false;
    if (me->grants[at].count)
        open_slot(team, me->turn_asked, me->grants[at].first);
}

/* A chunk of what the node has. */
static bool next_here(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    struct node_queue *queue = team->hall.queue;
    if (__builtin_expect(me->is_asking, 0))
        hear(team, me);
    for (; me->turn < atomic_load_explicit(&queue->n_open, memory_order_acquire); me->turn++) {
        struct slot *slot = &queue->slots[me->turn];
        uint64_t super = atomic_load_explicit(&slot->super, memory_order_relaxed);
        uint64_t i = atomic_fetch_add_explicit(&slot->next, 1, memory_order_relaxed);
        if (!chunk_of(team, super, i, first, count))
            continue;
        if (i == atomic_load_explicit(&slot->middle, memory_order_relaxed))
            ask(team, me, me->turn + 1);
        return true;
    }
    return false;
}

static bool is_over(struct team *team, const struct worker *me)
{
    struct node_queue *queue = team->hall.queue;
    return !me->is_asking && atomic_load_explicit(&queue->is_over, memory_order_acquire) &&
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
        ask(team, me, me->turn);
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
    /* Where some have none the others keep theirs, since it cannot be freed without all. */
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

/* Root, which has given the first super of each node. */
static void begin_giving(struct team *team)
{
    struct supers *supers = &team->supers;
    size_t nodes = (size_t)team->n_nodes;
    supers->given = alloc_grown(supers->given, nodes, sizeof *supers->given);
    for (supers->next = 0; supers->next < nodes; supers->next++)
        supers->given[supers->next] = (struct super_given){0, supers->next};
}

/* The node's first rank. */
static void begin_queue(struct team *team)
{
    struct node_queue *queue = team->hall.queue;
    for (uint64_t k = 0; k < most_supers(team); k++)
        atomic_store(&queue->slots[k].next, 0);
    atomic_store(&queue->n_open, 0);
    atomic_store(&queue->is_over, false);
    atomic_store(&queue->is_fetching, false);
    open_slot(team, 0, (uint64_t)team->node);
}

static int prepare_nodes(struct team *team, struct err *err)
{
    if (cut_supers(team, err) != 0 ||
        (team->job.sched.class == SCHED_SEQUENCE && cut_chunks(team, err) != 0))
        return -1;
    if (team->supers.n > most_supers(team))
        return err_set(err, "dispatch 'twolevel' has no room for so many shares of the list; "
                            "give a larger chunk");
    if (team->rank == 0 && team->counter.state == MADE)
        ranks_counter_set(team, (uint64_t)team->n_nodes);
    else if (team->rank == 0)
        begin_giving(team);
    if (team->here[0].number == team->node_first)
        begin_queue(team);
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
    return team->n_nodes > 1 && team->counter.state == NO_PROGRESS;
}

static uint64_t shift(struct team *team, struct worker *me, struct tally *tally)
{
    me->is_asking = false;
    me->n_asked = 0;
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
    free(supers->given);
}

const struct dispatch ranks_twolevel = {
    .name = "twolevel",
    .check = check,
    .open = open,
    .prepare = prepare,
    .needs_root = needs_root,
    .answer = answer,
    .shift = shift,
};
