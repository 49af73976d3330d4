/* Iterators: a window of small jobs, one a chunk, that moves on as results are handed over. */
#include "procpool/pool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNKS_A_WORKER = 4 };

#define MOST_WINDOW ((uint64_t)1 << 40)

struct procpool_iterator {
    struct procpool *pool;
    struct procpool_call call;
    struct procpool_column columns[PROCPOOL_MOST_COLUMNS];
    bool is_ordered;
    uint64_t chunk, window; /* items */

    uint64_t n_taken, n_handed;
    bool is_exhausted, has_failed; /* the source */
    int source_code;
    struct procpool_error failure; /* of a submission, handed over in its place */
    char *staged;                  /* a chunk of arguments of the source */
    uint64_t n_staged;             /* that are in it and not submitted yet */

    struct procpool_job **jobs; /* not handed over yet, oldest first */
    size_t n_jobs, jobs_capacity;
    struct procpool_job *current; /* being handed over: items up to `position` have been */
    uint64_t position;
    struct arrivals *arrivals;
    struct procpool_iterator *next;
};

/* --- filling the window ----------------------------------------------------------------------- */

/* Takes up to a chunk of arguments from the source. A chunk in which it fails is dropped. */
static uint64_t stage(struct procpool_iterator *it)
{
    uint64_t n = 0;
    while (n < it->chunk) {
        int got = it->call.source(it->call.source_data, it->staged + n * it->call.argument_bytes);
        if (got <= 0) {
            it->is_exhausted = true;
            it->has_failed = got < 0;
            it->source_code = got;
            return got < 0 ? 0 : n;
        }
        n++;
    }
    return n;
}

static uint64_t next_count(struct procpool_iterator *it)
{
    if (it->call.source && it->n_staged == 0)
        it->n_staged = stage(it);
    if (it->call.source)
        return it->n_staged;
    uint64_t left = it->call.n - it->n_taken;
    return left < it->chunk ? left : it->chunk;
}

static bool has_room_for_job(struct procpool_iterator *it)
{
    if (it->n_jobs < it->jobs_capacity)
        return true;
    size_t capacity = it->jobs_capacity ? 2 * it->jobs_capacity : 16;
    struct procpool_job **more = reallocarray(it->jobs, capacity, sizeof *more);
    if (!more) {
        error_set(&it->failure, PROCPOOL_NO_MEMORY, "no memory for a window of %zu chunks",
                  capacity);
        return false;
    }
    it->jobs = more;
    it->jobs_capacity = capacity;
    return true;
}

/* Submits the next items; false where that did not work. With the lock held. */
static bool submit_chunk(struct procpool_iterator *it, uint64_t count)
{
    struct procpool_call call = it->call;
    struct procpool_column columns[PROCPOOL_MOST_COLUMNS];
    call.n = count;
    call.chunk = (int64_t)it->chunk;
    call.results = NULL;
    if (call.source) {
        call.arguments = it->staged;
        call.source = NULL;
    } else if (call.arguments) {
        call.arguments = (const char *)call.arguments + it->n_taken * call.argument_bytes;
    }
    for (uint32_t c = 0; c < call.n_columns; c++) {
        columns[c].bytes = it->columns[c].bytes;
        columns[c].records = (const char *)it->columns[c].records + it->n_taken * columns[c].bytes;
    }
    call.columns = columns;
    call.engine = PROCPOOL_IN_ORDER;
    struct procpool_job *job = NULL;
    if (has_room_for_job(it))
        job = submit_locked(it->pool, &call, JOB_MAP, it->n_taken, it->arrivals, &it->failure);
    if (!job)
        return false;
    job->is_observed = true; /* its items are handed over with their states */
    it->jobs[it->n_jobs++] = job;
    it->n_taken += count;
    it->n_staged = 0;
    return true;
}

/* Whether a chunk more is wanted and could be had. */
static bool wants_more(const struct procpool_iterator *it)
{
    return (!it->is_exhausted || it->n_staged) && it->failure.code == PROCPOOL_OK &&
           it->n_taken - it->n_handed + it->chunk <= it->window;
}

/* Fills the window. The lock is held but while a source is asked: procpool_close may come from
 * another thread, and finishes iterators that have none. */
static void fill(struct procpool_iterator *it)
{
    pthread_mutex_lock(&it->pool->lock);
    for (bool goes_on = true; goes_on && wants_more(it);) {
        if (it->call.source)
            pthread_mutex_unlock(&it->pool->lock);
        uint64_t count = next_count(it);
        if (it->call.source)
            pthread_mutex_lock(&it->pool->lock);
        goes_on = !count || submit_chunk(it, count);
        /* Memory comes back as results are handed over. */
        if (!goes_on && it->failure.code == PROCPOOL_NO_MEMORY && (it->n_jobs || it->current))
            it->failure.code = PROCPOOL_OK;
        else if (!goes_on)
            it->n_staged = 0;
        if (!it->call.source && it->n_taken >= it->call.n)
            it->is_exhausted = true;
    }
    pthread_mutex_unlock(&it->pool->lock);
}

void iterators_finish(struct procpool *pool)
{
    for (struct procpool_iterator *it = pool->iterators; it; it = it->next)
        if (!it->call.source && !it->is_exhausted && it->failure.code == PROCPOOL_OK &&
            it->n_taken < it->call.n && submit_chunk(it, it->call.n - it->n_taken))
            it->is_exhausted = true;
}

/* --- handing over ----------------------------------------------------------------------------- */

static struct procpool_job *take_job(struct procpool_iterator *it, size_t k)
{
    struct procpool_job *job = it->jobs[k];
    memmove(it->jobs + k, it->jobs + k + 1, (--it->n_jobs - k) * sizeof *it->jobs);
    it->position = 0;
    return job;
}

/* The ready job that was finished first; n_jobs where there is none. */
static size_t first_arrival(const struct procpool_iterator *it)
{
    size_t best = it->n_jobs;
    for (size_t k = 0; k < it->n_jobs; k++)
        if (job_state(it->jobs[k]) == JOB_READY &&
            (best == it->n_jobs || it->jobs[k]->shared->arrival < it->jobs[best]->shared->arrival))
            best = k;
    return best;
}

static bool wait_for_arrival(struct procpool_iterator *it, int64_t timeout_ns)
{
    uint64_t start = clock_now_ns();
    uint64_t spin_until = start + it->pool->parent_spin_ns;
    for (;;) {
        uint32_t count = atomic_load(&it->arrivals->count);
        pthread_mutex_lock(&it->pool->lock);
        size_t k = first_arrival(it);
        it->current = k < it->n_jobs ? take_job(it, k) : NULL;
        pthread_mutex_unlock(&it->pool->lock);
        if (it->current)
            return true;
        uint64_t now = clock_now_ns(), slice = LOOK_NS;
        if (timeout_ns <= 0 || now - start >= (uint64_t)timeout_ns) {
            look_now_and_then(it->pool);
            return false;
        }
        if (now < spin_until) {
            sched_yield();
            continue;
        }
        if ((uint64_t)timeout_ns - (now - start) < slice)
            slice = (uint64_t)timeout_ns - (now - start);
        atomic_fetch_add(&it->arrivals->waiters, 1);
        futex_wait(&it->arrivals->count, count, slice);
        atomic_fetch_sub(&it->arrivals->waiters, 1);
        look_now_and_then(it->pool);
    }
}

static bool wait_for_next(struct procpool_iterator *it, int64_t timeout_ns)
{
    if (!it->is_ordered)
        return wait_for_arrival(it, timeout_ns);
    pthread_mutex_lock(&it->pool->lock);
    struct procpool_job *first = it->jobs[0];
    pthread_mutex_unlock(&it->pool->lock);
    if (!wait_for(first, JOB_READY, timeout_ns))
        return false;
    pthread_mutex_lock(&it->pool->lock);
    it->current = take_job(it, 0);
    pthread_mutex_unlock(&it->pool->lock);
    return true;
}

static int hand_over(struct procpool_iterator *it, struct procpool_item *item,
                     struct procpool_error *error)
{
    struct procpool_job *job = it->current;
    uint64_t index = it->position++;
    struct procpool_status status;
    procpool_status(job, index, &status, NULL);
    it->n_handed++;
    if (item) {
        item->index = status.index;
        item->status = status;
        item->result = job->results ? (char *)job->results + index * job->result_bytes : NULL;
    }
    fill(it);
    if (status.state == PROCPOOL_DONE)
        return 0;
    error_set(error, PROCPOOL_ITEMS, "item %" PRIu64 " is %s%s%s", status.index,
              procpool_state_name(status.state), status.text[0] ? ": " : "", status.text);
    if (error) {
        error->n_failed = 1;
        error->status = status;
    }
    return -1;
}

static int end(struct procpool_iterator *it, struct procpool_error *error)
{
    if (it->has_failed) {
        it->has_failed = false;
        error_set(error, PROCPOOL_SOURCE,
                  "the source failed with %d in the chunk from item %" PRIu64, it->source_code,
                  it->n_taken);
        if (error)
            error->status = (struct procpool_status){.index = it->n_taken, .code = it->source_code};
        return -1;
    }
    if (it->failure.code != PROCPOOL_OK) {
        if (error)
            *error = it->failure;
        it->failure.code = PROCPOOL_OK;
        it->is_exhausted = true;
        return -1;
    }
    return error_set(error, PROCPOOL_END, "the iterator has no more items");
}

int procpool_next(struct procpool_iterator *it, int64_t timeout_ns, struct procpool_item *item,
                  struct procpool_error *error)
{
    if (check_owner(it->pool, error) != 0)
        return -1;
    if (it->current && it->position == it->current->n) {
        procpool_job_free(it->current);
        it->current = NULL;
    }
    fill(it);
    if (!it->current && it->n_jobs == 0)
        return end(it, error);
    bool may_wait = !is_in_callback(it->pool);
    if (!it->current && !wait_for_next(it, may_wait ? timeout_ns : 0)) {
        if (!may_wait && timeout_ns > 0)
            return check_may_wait(it->pool, "procpool_next", error);
        return error_set(error, PROCPOOL_TIMEOUT, "the next result is not there yet");
    }
    return hand_over(it, item, error);
}

/* --- making and freeing ----------------------------------------------------------------------- */

/* Frees the iterator's own; its jobs were dropped. With the lock held. */
static void release(struct procpool_iterator *it)
{
    memory_give(&it->pool->memory, it->arrivals, sizeof *it->arrivals);
    free(it->staged);
    free(it->jobs);
    free(it);
}

static struct procpool_iterator *make(struct procpool *pool, const struct procpool_call *call,
                                      bool is_ordered, const char *what,
                                      struct procpool_error *error)
{
    if (check_call(pool, call, what, error) != 0)
        return NULL;
    if (call->callback || call->error_callback) {
        error_set(error, PROCPOOL_INVALID, "%s: an iterator has no callbacks", what);
        return NULL;
    }
    struct procpool_iterator *it = calloc(1, sizeof *it);
    if (!it) {
        error_set(error, PROCPOOL_NO_MEMORY, "%s: no memory for an iterator", what);
        return NULL;
    }
    it->pool = pool;
    it->call = *call;
    it->is_ordered = is_ordered;
    for (uint32_t c = 0; c < call->n_columns; c++)
        it->columns[c] = call->columns[c];
    uint64_t most = call->source ? MOST_WINDOW : call->n;
    it->chunk = call->chunk ? (uint64_t)call->chunk : 1;
    if (it->chunk > most)
        it->chunk = most ? most : 1;
    it->window = call->buffersize ? call->buffersize : CHUNKS_A_WORKER * it->chunk * pool->workers;
    if (it->window > most)
        it->window = most;
    if (it->window < it->chunk)
        it->window = it->chunk;
    it->staged = call->source ? calloc(it->chunk, call->argument_bytes) : NULL;
    pthread_mutex_lock(&pool->lock);
    bool is_running = check_running(pool, error) == 0;
    it->arrivals = take_memory(pool, sizeof *it->arrivals);
    if (!is_running || !it->arrivals || (call->source && !it->staged)) {
        if (is_running)
            error_set(error, PROCPOOL_NO_MEMORY, "%s: no memory for a window of %" PRIu64 " items",
                      what, it->window);
        release(it);
        it = NULL;
    } else {
        it->next = pool->iterators;
        pool->iterators = it;
    }
    pthread_mutex_unlock(&pool->lock);
    if (it)
        fill(it);
    return it;
}

struct procpool_iterator *procpool_imap(struct procpool *pool, const struct procpool_call *call,
                                        struct procpool_error *error)
{
    return make(pool, call, true, "procpool_imap", error);
}

struct procpool_iterator *procpool_imap_unordered(struct procpool *pool,
                                                  const struct procpool_call *call,
                                                  struct procpool_error *error)
{
    return make(pool, call, false, "procpool_imap_unordered", error);
}

void procpool_iterator_free(struct procpool_iterator *it)
{
    if (!it || check_owner(it->pool, NULL) != 0)
        return;
    struct procpool *pool = it->pool;
    for (size_t k = 0; k < it->n_jobs; k++)
        procpool_cancel(it->jobs[k], NULL);
    for (size_t k = 0; k < it->n_jobs; k++) {
        wait_for(it->jobs[k], JOB_READY, PROCPOOL_FOREVER);
        procpool_job_free(it->jobs[k]);
    }
    procpool_job_free(it->current);
    pthread_mutex_lock(&pool->lock);
    /* Who has finished a job may still be about to tell the arrivals of it. */
    for (sweep(pool); pool->limbo; sweep(pool)) {
        pthread_mutex_unlock(&pool->lock);
        sched_yield();
        pthread_mutex_lock(&pool->lock);
        bool is_ours = false;
        for (struct procpool_job *j = pool->limbo; j; j = j->next)
            is_ours |= j->shared->arrivals == it->arrivals;
        if (!is_ours)
            break;
    }
    struct procpool_iterator **at = &pool->iterators;
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    release(it);
    pthread_mutex_unlock(&pool->lock);
}

void iterators_release(struct procpool *pool)
{
    while (pool->iterators)
        procpool_iterator_free(pool->iterators);
}
