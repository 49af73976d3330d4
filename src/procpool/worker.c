/* A worker: looks for a job, claims its items and runs them; sleeps when there is none.
 *
 * In order: each block of the ticket is one chunk, run as it is claimed. Stealing: the ticket hands
 * out one block a worker, which becomes the worker's range; chunks are taken from its front and,
 * when it is empty, stolen from the others' backs (sched/range.h). A range with items of a dead
 * worker (leftovers) is stolen from in both engines.
 *
 * Sleeping (checked by tests/models/sleep.pml): the worker reads `generation`, looks for work,
 * shows that it is asleep, and sleeps while the generation is still that one. Who submits publishes
 * the job, changes the generation, then looks who is asleep. So either the worker sees the new
 * generation, or it is seen.
 */
#include "procpool/self.h"
#include "procpool/shared.h"

#include "base/clock.h"
#include "base/rng.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS_BETWEEN_YIELDS = 16 };

struct worker {
    struct control *control;
    struct seat *seat;
    uint32_t number;
    bool has_limit;             /* chunks_per_worker or items_per_worker is set: */
    uint64_t n_chunks, n_items; /* run in this process's life, counted only then */
    bool is_out;                /* the ticket of the job at hand has no more */

    /* The item being run, and what its function has told beside its return value. */
    struct procpool_task task;
    const void *arguments[PROCPOOL_MOST_COLUMNS];
    bool is_too_large, has_failed;
    int code;
    char text[sizeof((struct log_entry *)0)->text];
};

/* --- what a task may call --------------------------------------------------------------------- */

/* The task is the first member that a function sees of its worker. */
static struct worker *worker_of(struct procpool_task *task)
{
    return (struct worker *)((char *)task - offsetof(struct worker, task));
}

int procpool_fail(struct procpool_task *task, int code, const char *format, ...)
{
    struct worker *me = worker_of(task);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(me->text, sizeof me->text, format, arguments);
    va_end(arguments);
    me->has_failed = true;
    me->code = code ? code : -1;
    return me->code;
}

int procpool_put(struct procpool_task *task, const void *data, size_t bytes)
{
    struct worker *me = worker_of(task);
    if (bytes > task->result_bytes) {
        format_text(me->text, sizeof me->text,
                    "a result of %zu bytes is larger than the %zu announced", bytes,
                    task->result_bytes);
        me->is_too_large = true;
        return -1;
    }
    memcpy(task->result, data, bytes);
    return 0;
}

uint64_t procpool_random(const struct procpool_task *task, uint64_t k)
{
    const struct worker *me =
        (const struct worker *)((const char *)task - offsetof(struct worker, task));
    return rng_mix(rng_mix(rng_mix(me->control->seed) ^ task->index) ^ k);
}

/* --- running ---------------------------------------------------------------------------------- */

static void note_failure(struct worker *me, struct job *job, uint64_t index, int code,
                         int error_number)
{
    struct log_entry *entry = log_reserve(job);
    if (entry) {
        entry->state = me->is_too_large ? PROCPOOL_TOO_LARGE : PROCPOOL_FAILED;
        entry->first = index;
        entry->count = 1;
        entry->code = code;
        entry->error_number = error_number;
        entry->pid = atomic_load_explicit(&me->seat->pid, memory_order_relaxed);
        entry->signal = entry->exit_status = 0;
        format_text(entry->text, sizeof entry->text, "%s", me->text);
        log_commit(entry);
    } else {
        log_overflow(job, index, 1);
    }
    POINT("worker: failure noted");
    if (job->is_fail_fast) {
        uint32_t none = 0;
        atomic_compare_exchange_strong(&job->stopping, &none, PROCPOOL_CANCELLED);
        ticket_stop(&job->ticket);
    }
}

/* What follows an item whose function returned something else than 0 or has told something. */
static void end_badly(struct worker *me, struct job *job, uint64_t index, int code,
                      int error_number)
{
    if (me->has_failed && code == 0)
        code = me->code;
    if (code != 0 || me->is_too_large)
        note_failure(me, job, index, code, error_number);
    me->has_failed = me->is_too_large = false;
    me->text[0] = '\0';
}

static void begin_item(struct worker *me, const struct job *job, uint64_t index)
{
    struct procpool_task *task = &me->task;
    task->index = job->base + index;
    if (job->n_columns) {
        for (uint32_t c = 0; c < job->n_columns; c++)
            me->arguments[c] = job->records[c] + index * job->record_bytes[c];
        task->argument = me->arguments[0];
    }
    if (job->results)
        task->result = job->results + index * job->result_bytes;
}

/* Items that this worker may still run before it is replaced. */
static uint64_t items_allowed(const struct worker *me)
{
    uint64_t limit = me->control->items_per_worker;
    return limit ? limit - me->n_items : UINT64_MAX;
}

/* Runs the chunk in hand, up to the end, a stop of the job, or the worker's own limit; returns
 * where it stopped. */
static uint64_t run_items(struct worker *me, struct job *job, uint64_t first, uint64_t end)
{
    struct seat *seat = me->seat;
    bool has_records = job->n_columns || job->results;
    procpool_function *function = job->function;
    int *error_number = &errno; /* a call each time, and the same in all of a thread */
    if (me->has_limit && items_allowed(me) < end - first)
        end = first + items_allowed(me);
    uint64_t i = first;
    for (; i < end; i++) {
        if (atomic_load_explicit(&job->stopping, memory_order_relaxed))
            break;
        atomic_store_explicit(&seat->started, i + 1, memory_order_release);
        POINT("worker: item started");
        if (has_records)
            begin_item(me, job, i);
        else
            me->task.index = job->base + i;
        *error_number = 0;
        int code = function(&me->task);
        POINT("worker: item returned");
        if (__builtin_expect(code != 0 || me->has_failed || me->is_too_large, 0))
            end_badly(me, job, i, code, *error_number);
        atomic_store_explicit(&seat->done, i + 1, memory_order_release);
        POINT("worker: item done");
    }
    if (me->has_limit)
        me->n_items += i - first;
    return i;
}

/* Whether this process has done its share and is to be replaced. */
static bool has_reached_limit(const struct worker *me)
{
    const struct control *control = me->control;
    return (control->chunks_per_worker && me->n_chunks >= control->chunks_per_worker) ||
           (control->items_per_worker && me->n_items >= control->items_per_worker);
}

static void set_task(struct worker *me, const struct job *job)
{
    memset(&me->task, 0, sizeof me->task);
    me->task.worker = me->number;
    me->task.context = job->context;
    me->task.arguments = job->n_columns ? me->arguments : NULL;
    me->task.result_bytes = job->results ? job->result_bytes : 0;
}

/* Puts a chunk in hand that follows upon nothing in hand. */
static void take_in_hand(struct seat *seat, uint64_t first, uint64_t end)
{
    uint64_t ended = atomic_load_explicit(&seat->done, memory_order_relaxed) +
                     atomic_load_explicit(&seat->ended_bias, memory_order_relaxed);
    atomic_store_explicit(&seat->ended_bias, ended - first, memory_order_relaxed);
    atomic_store_explicit(&seat->done, first, memory_order_relaxed);
    atomic_store_explicit(&seat->end, end, memory_order_release);
}

/* The block becomes the worker's range; `opened` is the moment. */
static void open_range(struct worker *me, uint64_t first, uint64_t end)
{
    struct seat *seat = me->seat;
    range_lock(&seat->range, me->number);
    take_in_hand(seat, first, first);
    atomic_store_explicit(&seat->in_range, 1, memory_order_relaxed);
    range_open(&seat->range, first, end);
    POINT("worker: range opened");
    atomic_store_explicit(&seat->opened, ledger_count(&seat->ledger), memory_order_release);
    range_unlock(&seat->range);
}

/* Whether somebody at this job still has items in a range. */
static bool has_prey(const struct worker *me, const struct job *job)
{
    for (uint32_t w = 0; w < me->control->workers; w++) {
        struct seat *seat = &me->control->seats[w];
        if (seat != me->seat && atomic_load(&seat->at) == job->serial + 1 &&
            !range_looks_empty(&seat->range))
            return true;
    }
    return false;
}

/* Takes half of what some other has left, and the first chunk of that in hand at once: were it left
 * in the range, thieves could take the last chunk from each other for ever. Begins behind itself,
 * so that thieves spread. */
static bool steal_once(struct worker *me, struct job *job, struct piece *chunk)
{
    struct control *control = me->control;
    struct seat *seat = me->seat;
    bool has_stolen = false;
    range_lock(&seat->range, me->number);
    for (uint32_t k = 1; k < control->workers && !has_stolen; k++) {
        uint32_t v = (me->number + k) % control->workers;
        struct seat *victim = &control->seats[v];
        uint64_t mid, back;
        if (atomic_load(&victim->at) != job->serial + 1 ||
            !range_cut(&seat->range, &victim->range, me->number, v, job->chunk, &mid, &back))
            continue;
        /* The victim cannot leave its job while its range is locked and not empty. */
        if (atomic_load(&victim->at) != job->serial + 1) {
            range_drop(&seat->range, &victim->range, back);
            continue;
        }
        *chunk = (struct piece){mid, back - mid < job->chunk ? back : mid + job->chunk};
        take_in_hand(seat, chunk->first, chunk->end);
        atomic_store_explicit(&seat->in_range, 1, memory_order_release);
        range_keep(&seat->range, &victim->range, chunk->end, back);
        has_stolen = true;
    }
    range_unlock(&seat->range);
    return has_stolen;
}

/* Steals, however often others come between; false when nobody has anything. A victim may be locked
 * by a thief that was preempted, stopped or killed. */
static bool steal(struct worker *me, struct job *job, struct piece *chunk)
{
    if (!job->is_stealing && !atomic_load(&job->has_leftovers))
        return false;
    for (uint32_t round = 0; has_prey(me, job); round++) {
        if (atomic_load_explicit(&job->stopping, memory_order_relaxed))
            return false;
        if (steal_once(me, job, chunk))
            return true;
        range_wait(round);
    }
    return false;
}

/* Gives up what is in hand of a job that was stopped: final for all of it, without being run. */
static void discard(struct worker *me, struct job *job)
{
    struct seat *seat = me->seat;
    range_lock(&seat->range, me->number);
    struct piece rest = seat_unfinished(seat, me->number, job);
    if (rest.end > rest.first)
        log_range(job, atomic_load(&job->stopping), rest.first, rest.end - rest.first,
                  "not started");
    POINT("worker: rest given up");
    atomic_store_explicit(&seat->in_range, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->end, atomic_load(&seat->done), memory_order_release);
    range_open(&seat->range, 0, 0);
    range_unlock(&seat->range);
}

/* Waits until every other worker at the job was seen out of the window of its ticket: some
 * instructions, unless it was preempted, stopped or killed. What was given before is accounted
 * then. */
static void settle(struct worker *me, struct job *job)
{
    POINT("ticket: about to settle");
    uint64_t given = ticket_given(&job->ticket);
    for (uint32_t w = 0; w < me->control->workers; w++) {
        struct seat *seat = &me->control->seats[w];
        for (uint32_t round = 0; seat != me->seat && atomic_load(&seat->at) == job->serial + 1 &&
                                 ledger_is_in_window(&seat->ledger);
             round++)
            range_wait(round);
    }
    ticket_account(&job->ticket, given);
}

static bool next_block(struct worker *me, struct job *job, uint64_t *block)
{
    if (me->is_out)
        return false;
    while (ledger_is_full(&me->seat->ledger, &job->ticket))
        settle(me, job);
    if (ticket_next(&job->ticket, &me->seat->ledger, block))
        return true;
    me->is_out = true;
    return false;
}

/* Leaves the job, of which nothing is in hand; its ledger is not needed any more. */
static void leave_job(struct worker *me, struct job *job)
{
    if (atomic_load_explicit(&me->seat->ledger.count, memory_order_relaxed))
        settle(me, job);
    seat_leave(me->control, me->seat, job);
}

/* Gets a chunk in hand: the next of its own range, a block of the ticket, or something stolen. */
static bool next_chunk(struct worker *me, struct job *job, uint64_t *first, uint64_t *end)
{
    struct seat *seat = me->seat;
    for (;;) {
        if (atomic_load_explicit(&seat->in_range, memory_order_relaxed)) {
            if (range_take(&seat->range, me->number, job->chunk, first, end)) {
                atomic_store_explicit(&seat->end, *end, memory_order_release);
                return true;
            }
            atomic_store_explicit(&seat->in_range, 0, memory_order_release);
        }
        uint64_t block;
        if (next_block(me, job, &block)) {
            *first = block * job->block;
            *end = job->n - *first < job->block ? job->n : *first + job->block;
            if (job->is_stealing) {
                open_range(me, *first, *end);
                continue;
            }
            take_in_hand(seat, *first, *end);
            atomic_store_explicit(&seat->opened, ledger_count(&seat->ledger), memory_order_release);
            POINT("worker: opened");
            return true;
        }
        struct piece stolen;
        if (!steal(me, job, &stolen))
            return false;
        *first = stolen.first;
        *end = stolen.end;
        return true;
    }
}

/* The worker's own item of a job that each runs once; false where it has had it. */
static bool own_item(struct worker *me, struct job *job, uint64_t *first, uint64_t *end)
{
    struct seat *seat = me->seat;
    uint64_t done = atomic_load(&seat->done);
    *first = me->number;
    *end = me->number + 1;
    if (atomic_load(&job->visited[me->number]))
        return done < atomic_load(&seat->end); /* a predecessor's, not begun */
    take_in_hand(seat, *first, *end);
    atomic_store_explicit(&job->visited[me->number], 1, memory_order_seq_cst);
    POINT("worker: opened");
    return true;
}

void flush_streams(const struct control *control)
{
    if (control->flushes_all)
        fflush(NULL);
    fflush(stdout);
    fflush(stderr);
}

static _Noreturn void leave_process(const struct control *control)
{
    flush_streams(control);
    _exit(EXIT_SUCCESS);
}

/* Leaves to be replaced. Whatever is in hand is the replacement's. */
static _Noreturn void recycle(struct worker *me)
{
    atomic_store_explicit(&me->seat->stage, SEAT_RECYCLING, memory_order_release);
    leave_process(me->control);
}

/* Runs what there is for this worker in the job that its seat is at; returns whether there was
 * anything. */
static bool run_job(struct worker *me, struct job *job)
{
    uint64_t first, end;
    bool any = false;
    me->is_out = ticket_is_out(&job->ticket);
    set_task(me, job);
    while (!atomic_load_explicit(&job->stopping, memory_order_acquire) &&
           (job->kind == JOB_EACH ? own_item(me, job, &first, &end)
                                  : next_chunk(me, job, &first, &end))) {
        any = true;
        uint64_t stopped_at = run_items(me, job, first, end);
        if (!me->has_limit)
            continue;
        me->n_chunks += stopped_at == end;
        if (has_reached_limit(me)) {
            struct piece rest = seat_unfinished(me->seat, me->number, job);
            if (rest.first >= rest.end)
                leave_job(me, job);
            recycle(me);
        }
    }
    if (atomic_load_explicit(&job->stopping, memory_order_acquire))
        discard(me, job);
    return any;
}

/* --- looking for work ------------------------------------------------------------------------- */

/* Whether nothing of the job needs to be found by others any more. */
static bool is_behind(struct control *control, uint64_t serial)
{
    struct slot *slot = &control->ring[serial % control->most_jobs];
    if (atomic_load(&slot->serial) != serial + 1)
        return true;
    struct job *job = atomic_load(&slot->job);
    return atomic_load(&job->state) != JOB_OPEN ||
           (job->kind == JOB_MAP && !job->is_stealing && ticket_is_out(&job->ticket) &&
            !atomic_load(&job->has_leftovers));
}

/* Does what there is to do; false when there was nothing. */
static bool work(struct worker *me)
{
    struct control *control = me->control;
    uint64_t first = atomic_load(&control->first);
    uint64_t last = atomic_load(&control->last);
    for (uint64_t serial = first_serial(first); serial < last; serial++) {
        struct job *job = seat_attach(control, me->seat, serial);
        bool any = false, is_over = !job;
        if (job) {
            any = run_job(me, job);
            is_over = is_behind(control, serial);
            leave_job(me, job);
        }
        if (is_over && serial == first_serial(first)) {
            uint64_t next = first + ((uint64_t)1 << FIRST_EPOCH_BITS);
            if (atomic_compare_exchange_strong(&control->first, &first, next))
                first = next;
        }
        if (any)
            return true;
    }
    return false;
}

/* Looks for a new generation for a while. Yields again and again: the kernel likes to wake a
 * process where its waker runs, so that the very one that is waited for may stand behind the one
 * that waits. */
static bool spin(struct worker *me, uint32_t generation)
{
    struct control *control = me->control;
    if (control->spin_ns == 0)
        return false;
    bool has_changed = false;
    bits_set(&control->spinning, me->number);
    uint64_t until = clock_now_ns() + control->spin_ns;
    do {
        for (int i = 0; i < LOOKS_BETWEEN_YIELDS && !has_changed; i++) {
            has_changed = atomic_load(&control->generation) != generation;
            spin_pause();
        }
        if (!has_changed)
            sched_yield();
    } while (!has_changed && clock_now_ns() < until);
    bits_clear(&control->spinning, me->number);
    return has_changed;
}

static void sleep_until_called(struct worker *me, uint32_t generation)
{
    struct control *control = me->control;
    bits_set(&control->asleep, me->number);
    POINT("worker: about to sleep");
    while (atomic_load(&control->generation) == generation)
        futex_wait(&control->generation, generation, 0);
    bits_clear(&control->asleep, me->number);
}

/* --- life ------------------------------------------------------------------------------------- */

static void start(struct worker *me)
{
    struct control *control = me->control;
    self_set_worker((int)me->number, control->nested);
    __fpurge(stdout); /* what a thread of the parent has begun is the parent's to write */
    setvbuf(stdout, NULL, _IOLBF, 0); /* a line is a write: a worker that is killed has said it */
    uint64_t seed = rng_mix(rng_mix(control->seed) ^ ~(uint64_t)me->number);
    seed = rng_mix(seed ^ me->seat->n_starts);
    srand((unsigned)seed);
    srandom((unsigned)(seed >> 16));
    srand48((long)(seed >> 32));
    POINT("worker: initializer");
    if (control->initializer &&
        control->initializer(control->initializer_argument, me->number) != 0)
        _exit(STATUS_START_FAILED);
    uint32_t starting = SEAT_STARTING;
    atomic_compare_exchange_strong(&me->seat->stage, &starting, SEAT_READY);
    atomic_fetch_add(&control->starts, 1);
    futex_wake(&control->starts, 1);
}

/* Goes on where the predecessor in this seat stopped. */
static void take_over(struct worker *me)
{
    uint64_t at = atomic_load(&me->seat->at);
    if (at == 0)
        return;
    struct job *job = seat_job(me->control, at);
    run_job(me, job);
    leave_job(me, job);
}

_Noreturn void worker_live(struct control *control, uint32_t number)
{
    struct worker me = {.control = control, .seat = &control->seats[number], .number = number};
    me.has_limit = control->chunks_per_worker || control->items_per_worker;
    start(&me);
    take_over(&me);
    for (;;) {
        uint32_t generation = atomic_load(&control->generation);
        uint32_t phase = atomic_load(&control->phase); /* before the look: no job comes after it */
        if (work(&me))
            continue;
        if (phase >= PHASE_CLOSED && !any_is_open(control))
            leave_process(control);
        if (!spin(&me, generation))
            sleep_until_called(&me, generation);
    }
}
