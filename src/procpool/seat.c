/* Being at a job, leaving it, finishing it, and what a dead worker leaves.
 *
 * A job is finished when its ticket is out and no seat is at it: what was handed out is in the
 * hand or range of a seat that is at the job, until it has ended. Who leaves looks:
 *
 *   attach   at = job; then: is the job still open? If not, at = 0
 *   leave    at = job + LEAVING; then: is any other seat at it without LEAVING? If none, and the
 *            ticket is out: OPEN -> READY by compare-exchange, and wake who waits; then at = 0
 *
 * All these accesses are sequentially consistent, so of several that leave at least the last to
 * say LEAVING sees nobody else; and one that attaches is seen, or sees that the job is finished.
 * LEAVING and not 0, because a seat that is at a job keeps the parent from freeing its memory.
 * tests/models/finish.pml checks it.
 */
#include "procpool/shared.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void format_text(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, size, format, arguments);
    va_end(arguments);
}

void wake_workers(struct control *control, uint32_t most)
{
    if (most && bits_count(&control->asleep, control->workers))
        futex_wake(&control->generation, (int)most);
}

/* --- the log ---------------------------------------------------------------------------------- */

struct log_entry *log_reserve(struct job *job)
{
    uint64_t k = atomic_fetch_add_explicit(&job->n_logged, 1, memory_order_relaxed);
    return k < job->log_capacity ? &job->log[k] : NULL;
}

void log_commit(struct log_entry *entry)
{
    atomic_store_explicit(&entry->is_valid, 1, memory_order_release);
}

void log_overflow(struct job *job, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; job->undetailed && i < first + count; i++)
        atomic_fetch_or_explicit(&job->undetailed[i / 64], (uint64_t)1 << i % 64,
                                 memory_order_relaxed);
    if (!job->undetailed)
        atomic_fetch_add_explicit(&job->n_undetailed, count, memory_order_relaxed);
}

void log_range(struct job *job, enum procpool_state state, uint64_t first, uint64_t count,
               const char *text)
{
    struct log_entry *entry = log_reserve(job);
    if (!entry) {
        log_overflow(job, first, count);
        return;
    }
    entry->state = (int32_t)state;
    entry->first = first;
    entry->count = count;
    entry->code = entry->error_number = entry->pid = entry->signal = entry->exit_status = 0;
    format_text(entry->text, sizeof entry->text, "%s", text);
    log_commit(entry);
}

const struct log_entry *log_find(const struct job *job, uint64_t index)
{
    uint64_t n = atomic_load_explicit(&job->n_logged, memory_order_acquire);
    for (uint64_t k = 0; k < n && k < job->log_capacity; k++) {
        const struct log_entry *entry = &job->log[k];
        if (atomic_load_explicit(&entry->is_valid, memory_order_acquire) &&
            index - entry->first < entry->count)
            return entry;
    }
    return NULL;
}

bool log_is_undetailed(const struct job *job, uint64_t index)
{
    return job->undetailed &&
           atomic_load_explicit(&job->undetailed[index / 64], memory_order_relaxed) >> index % 64 &
               1;
}

/* --- at a job --------------------------------------------------------------------------------- */

struct job *seat_job(struct control *control, uint64_t at)
{
    uint64_t serial = (at & ~AT_LEAVING) - 1;
    struct slot *slot = &control->ring[serial % control->most_jobs];
    if (atomic_load_explicit(&slot->serial, memory_order_seq_cst) != serial + 1)
        return NULL;
    return atomic_load_explicit(&slot->job, memory_order_acquire);
}

/* The slot is read before and after `at` is set: where it still has the serial then, the job that
 * was read is the serial's, and the parent, which empties a slot before it looks at the seats, will
 * see this one there. */
struct job *seat_attach(struct control *control, struct seat *seat, uint64_t serial)
{
    struct slot *slot = &control->ring[serial % control->most_jobs];
    if (atomic_load_explicit(&slot->serial, memory_order_acquire) != serial + 1)
        return NULL;
    struct job *job = atomic_load_explicit(&slot->job, memory_order_acquire);
    /* First: who reads the ledger looks at it before and after. */
    atomic_fetch_add_explicit(&seat->visits, 1, memory_order_seq_cst);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&seat->opened, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->started, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->done, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->end, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->in_range, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->ended_bias, 0, memory_order_relaxed);
    ledger_reset(&seat->ledger);
    atomic_store_explicit(&seat->at, serial + 1, memory_order_seq_cst);
    POINT("worker: attached");
    if (atomic_load_explicit(&slot->serial, memory_order_seq_cst) == serial + 1) {
        atomic_fetch_add_explicit(&job->attaches, 1, memory_order_seq_cst);
        if (atomic_load_explicit(&job->state, memory_order_seq_cst) == JOB_OPEN)
            return job;
    }
    atomic_store_explicit(&seat->at, 0, memory_order_release);
    return NULL;
}

static bool all_have_visited(const struct control *control, const struct job *job)
{
    for (uint32_t w = 0; w < control->workers; w++)
        if (!atomic_load_explicit(&job->visited[w], memory_order_seq_cst))
            return false;
    return true;
}

static void finish(struct control *control, struct job *job)
{
    uint64_t none = 0;
    if (atomic_load_explicit(&job->arrival, memory_order_relaxed) == 0)
        atomic_compare_exchange_strong(&job->arrival, &none,
                                       1 + atomic_fetch_add(&control->arrivals, 1));
    uint32_t open = JOB_OPEN;
    POINT("worker: finishing");
    if (!atomic_compare_exchange_strong(&job->state, &open,
                                        job->has_callback ? JOB_FINISHED : JOB_READY))
        return;
    POINT("worker: finished");
    if (atomic_load(&control->phase) >= PHASE_CLOSED) {
        atomic_fetch_add(&control->generation, 1); /* idle workers may leave now */
        wake_workers(control, INT_MAX);
    }
    if (job->has_callback) {
        atomic_fetch_add(&control->callbacks, 1);
        futex_wake(&control->callbacks, INT_MAX);
        return;
    }
    if (atomic_load(&job->waiters))
        futex_wake(&job->state, INT_MAX);
    if (job->arrivals) {
        atomic_fetch_add(&job->arrivals->count, 1);
        if (atomic_load(&job->arrivals->waiters))
            futex_wake(&job->arrivals->count, INT_MAX);
    }
}

static bool nobody_is_at(const struct control *control, const struct seat *self,
                         const struct job *job)
{
    for (uint32_t w = 0; w < control->workers; w++) {
        const struct seat *seat = &control->seats[w];
        if (seat != self &&
            atomic_load_explicit(&seat->at, memory_order_seq_cst) == job->serial + 1)
            return false;
    }
    return true;
}

/* One look at the seats after the other is not a look at all of them at once: one that was seen
 * away may come and take over what one that is seen later had. So it counts only if nobody has come
 * meanwhile: then those that are at the job have only become fewer. */
void job_look(struct control *control, struct seat *self, struct job *job)
{
    uint64_t attaches;
    do {
        attaches = atomic_load_explicit(&job->attaches, memory_order_seq_cst);
        if (job->kind == JOB_EACH ? !all_have_visited(control, job) : !ticket_is_out(&job->ticket))
            return;
        if (!nobody_is_at(control, self, job))
            return;
    } while (atomic_load_explicit(&job->attaches, memory_order_seq_cst) != attaches);
    finish(control, job);
}

bool others_are_noted(const struct control *control, const struct seat *self, const struct job *job)
{
    for (uint32_t w = 0; w < control->workers; w++) {
        const struct seat *seat = &control->seats[w];
        if (seat != self &&
            atomic_load_explicit(&seat->at, memory_order_seq_cst) == job->serial + 1 &&
            ledger_is_in_window(&seat->ledger))
            return false;
    }
    return true;
}

void seat_leave(struct control *control, struct seat *seat, struct job *job)
{
    atomic_store_explicit(&seat->at, (job->serial + 1) | AT_LEAVING, memory_order_seq_cst);
    POINT("worker: leaving job");
    uint64_t ended = atomic_load_explicit(&seat->done, memory_order_relaxed) +
                     atomic_load_explicit(&seat->ended_bias, memory_order_relaxed);
    if (ended)
        atomic_fetch_add_explicit(&job->ended, ended, memory_order_relaxed);
    job_look(control, seat, job);
    atomic_store_explicit(&seat->at, 0, memory_order_release);
}

/* --- after a death ---------------------------------------------------------------------------- */

struct piece seat_unfinished(struct seat *seat, uint32_t worker, const struct job *job)
{
    uint64_t done = atomic_load_explicit(&seat->done, memory_order_acquire);
    uint64_t end = atomic_load_explicit(&seat->end, memory_order_acquire);
    if (job->kind == JOB_EACH) {
        bool has_it = atomic_load_explicit(&job->visited[worker], memory_order_acquire);
        return has_it ? (struct piece){done, end} : (struct piece){0, 0};
    }
    if (ledger_count(&seat->ledger) > atomic_load_explicit(&seat->opened, memory_order_acquire)) {
        uint64_t first = ledger_last(&seat->ledger) * job->block;
        return (struct piece){first, job->n - first < job->block ? job->n : first + job->block};
    }
    if (atomic_load_explicit(&seat->in_range, memory_order_acquire))
        end = atomic_load_explicit(&seat->range.back, memory_order_acquire);
    return done < end ? (struct piece){done, end} : (struct piece){0, 0};
}

/* --- all jobs --------------------------------------------------------------------------------- */

uint32_t used_slots(const struct control *control)
{
    uint64_t last = atomic_load(&control->last);
    return last < control->most_jobs ? (uint32_t)last : control->most_jobs;
}

bool any_is_open(struct control *control)
{
    for (uint32_t i = 0; i < used_slots(control); i++) {
        struct slot *slot = &control->ring[i];
        uint64_t serial = atomic_load(&slot->serial);
        struct job *job = atomic_load(&slot->job);
        /* Not kept from being freed, so what was read counts only if the slot has it still. */
        if (serial && atomic_load(&job->state) == JOB_OPEN && atomic_load(&slot->serial) == serial)
            return true;
    }
    return false;
}

struct job *job_pin(struct control *control, uint32_t i)
{
    struct seat *seat = &control->seats[control->workers];
    struct slot *slot = &control->ring[i];
    uint64_t serial = atomic_load(&slot->serial);
    struct job *job = atomic_load(&slot->job);
    if (serial == 0)
        return NULL;
    atomic_store(&seat->at, serial | AT_LEAVING);
    if (atomic_load(&slot->serial) == serial && atomic_load(&job->state) == JOB_OPEN)
        return job;
    atomic_store(&seat->at, 0);
    return NULL;
}

void job_unpin(struct control *control)
{
    atomic_store(&control->seats[control->workers].at, 0);
}

void settle_jobs(struct control *control, enum procpool_state state)
{
    for (uint32_t i = 0; i < used_slots(control); i++) {
        struct job *job = job_pin(control, i);
        uint32_t none = 0;
        if (!job)
            continue;
        atomic_compare_exchange_strong(&job->stopping, &none, state);
        for (uint32_t w = 0; job->kind == JOB_EACH && w < control->workers; w++)
            if (!atomic_exchange(&job->visited[w], 1))
                log_range(job, state, w, 1, "not started");
        ticket_stop(&job->ticket);
        job_look(control, NULL, job);
        job_unpin(control);
    }
}
