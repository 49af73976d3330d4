/* Jobs in the parent: from a call to a job in shared memory, waiting for it, and what became of its
 * items. */
#include "procpool/pool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    SWEEP_EVERY = 64,     /* submissions */
    SLOT_NAP_NS = 200000, /* between looks for a free slot */
    SPARE_ENTRIES = 2,    /* of the log: entries whose writers died stay void */
};

#define MOST_ITEMS ((uint64_t)1 << 40)
#define MOST_BITS ((uint64_t)1 << 32) /* items that have a bit each for failures beyond the log */

_Static_assert(MOST_ITEMS <= TICKET_MOST_BLOCKS, "a block an item");

/* --- from a call to a job --------------------------------------------------------------------- */

int check_call(const struct procpool *pool, const struct procpool_call *call, const char *what,
               struct procpool_error *error)
{
    if (check_owner(pool, error) != 0)
        return -1;
    if (!call->function)
        return error_set(error, PROCPOOL_INVALID, "%s: function is NULL", what);
    if (call->chunk < 0)
        return error_set(error, PROCPOOL_INVALID,
                         "%s: chunk %" PRId64 " is below 1; 0 stands for the default", what,
                         call->chunk);
    if (!call->source && call->n > MOST_ITEMS)
        return error_set(error, PROCPOOL_INVALID, "%s: %" PRIu64 " items are more than 2^40", what,
                         call->n);
    if (call->n_columns > PROCPOOL_MOST_COLUMNS)
        return error_set(error, PROCPOOL_INVALID, "%s: %" PRIu32 " columns are more than %d", what,
                         call->n_columns, PROCPOOL_MOST_COLUMNS);
    if (call->n_columns && !call->columns)
        return error_set(error, PROCPOOL_INVALID, "%s: columns is NULL", what);
    for (uint32_t c = 0; c < call->n_columns; c++)
        if (call->columns[c].bytes == 0 || (!call->columns[c].records && call->n))
            return error_set(error, PROCPOOL_INVALID, "%s: column %" PRIu32 " has no %s", what, c,
                             call->columns[c].bytes ? "records" : "bytes");
    if ((call->source != NULL) + (call->arguments != NULL) + (call->n_columns > 0) > 1)
        return error_set(error, PROCPOOL_INVALID,
                         "%s: arguments come from one of source, arguments and columns", what);
    if ((call->source || call->arguments) && call->argument_bytes == 0)
        return error_set(error, PROCPOOL_INVALID,
                         "%s: argument_bytes is 0 where there are arguments", what);
    if ((unsigned)call->engine > PROCPOOL_STEALING)
        return error_set(error, PROCPOOL_INVALID,
                         "%s: engine %d is neither PROCPOOL_IN_ORDER nor PROCPOOL_STEALING", what,
                         (int)call->engine);
    if (call->results && call->result_bytes == 0)
        return error_set(error, PROCPOOL_INVALID,
                         "%s: result_bytes is 0 where results are asked for", what);
    return 0;
}

int check_running(const struct procpool *pool, struct procpool_error *error)
{
    if (pool->phase != PHASE_RUNNING)
        return error_set(error, PROCPOOL_NOT_RUNNING, "the pool is not running: it was %s",
                         pool->phase == PHASE_CLOSED ? "closed" : "terminated");
    if (atomic_load(&pool->control->is_broken))
        return error_set(error, PROCPOOL_BROKEN, "the pool is broken: %s", pool->control->reason);
    return 0;
}

/* Whether n records of so many bytes have a size at all. */
static bool has_size(uint64_t n, size_t each)
{
    return each == 0 || n <= SIZE_MAX / 2 / each;
}

void *take_memory(struct procpool *pool, size_t bytes)
{
    void *memory = memory_take(&pool->memory, bytes);
    /* Jobs that were freed are given back when the last worker has left them, which is soon. */
    for (int i = 0; !memory && pool->limbo && i < SWEEPS; i++) {
        sweep(pool);
        memory = memory_take(&pool->memory, bytes);
        sched_yield();
    }
    return memory;
}

/* A piece of shared memory for the job. */
static void *take_block(struct procpool_job *job, uint64_t n, size_t each)
{
    if (!has_size(n, each))
        return NULL;
    size_t bytes = n && each ? n * each : 1;
    void *memory = take_memory(job->pool, bytes);
    if (memory)
        job->blocks[job->n_blocks++] = (struct block){memory, bytes};
    return memory;
}

/* Where workers find n records: in place if they are shared, else a copy. */
static const char *place_records(struct procpool_job *job, const void *records, uint64_t n,
                                 size_t bytes)
{
    if (has_size(n, bytes) && procpool_shares(job->pool, records, n * bytes))
        return records;
    void *copy = take_block(job, n, bytes);
    if (copy && n)
        memcpy(copy, records, n * bytes);
    return copy;
}

static int place_arguments(struct procpool_job *job, const struct procpool_call *call)
{
    struct job *shared = job->shared;
    struct procpool_column one = {call->arguments, call->argument_bytes};
    const struct procpool_column *columns = call->n_columns ? call->columns : &one;
    shared->n_columns = call->n_columns ? call->n_columns : call->arguments != NULL;
    for (uint32_t c = 0; c < shared->n_columns; c++) {
        shared->record_bytes[c] = columns[c].bytes;
        shared->records[c] = place_records(job, columns[c].records, shared->n, columns[c].bytes);
        if (!shared->records[c])
            return -1;
    }
    return 0;
}

static int place_results(struct procpool_job *job, const struct procpool_call *call)
{
    struct job *shared = job->shared;
    if (call->result_bytes == 0)
        return 0;
    bool is_in_place = call->results && has_size(shared->n, call->result_bytes) &&
                       procpool_shares(job->pool, call->results, shared->n * call->result_bytes);
    job->results = is_in_place ? call->results : take_block(job, shared->n, call->result_bytes);
    job->results_wanted = is_in_place ? NULL : call->results;
    job->result_bytes = shared->result_bytes = call->result_bytes;
    shared->results = job->results;
    return job->results ? 0 : -1;
}

/* Chunk, block and the ticket that hands blocks out. */
static int place_ticket(struct procpool_job *job, const struct procpool_call *call,
                        enum job_kind kind)
{
    struct job *shared = job->shared;
    uint64_t n = shared->n, workers = job->pool->workers;
    enum procpool_engine engine = call->engine ? call->engine : job->pool->engine;
    shared->is_stealing = engine == PROCPOOL_STEALING && kind == JOB_MAP;
    shared->chunk = (uint64_t)call->chunk;
    if (shared->chunk == 0)
        shared->chunk = shared->is_stealing ? 1 : (n + 4 * workers - 1) / (4 * workers);
    if (shared->chunk == 0)
        shared->chunk = 1;
    uint64_t chunks = (n + shared->chunk - 1) / shared->chunk;
    shared->block =
        shared->is_stealing && n ? (chunks + workers - 1) / workers * shared->chunk : shared->chunk;
    uint64_t n_blocks = kind == JOB_MAP ? (n + shared->block - 1) / shared->block : 0;
    ticket_init(&shared->ticket, n_blocks);
    if (kind == JOB_EACH)
        shared->visited = take_block(job, workers, 1);
    return kind == JOB_EACH && !shared->visited ? -1 : 0;
}

static int place_log(struct procpool_job *job)
{
    struct job *shared = job->shared;
    uint64_t n = shared->n;
    shared->log_capacity = (n < LOG_MOST ? n : LOG_MOST) + SPARE_ENTRIES;
    shared->log = take_block(job, shared->log_capacity, sizeof *shared->log);
    if (n <= MOST_BITS)
        shared->undetailed = take_block(job, (n + 63) / 64, sizeof(uint64_t));
    return shared->log && (n > MOST_BITS || shared->undetailed) ? 0 : -1;
}

static void give_blocks(struct procpool_job *job)
{
    for (uint32_t b = 0; b < job->n_blocks; b++)
        memory_give(&job->pool->memory, job->blocks[b].memory, job->blocks[b].bytes);
    job->n_blocks = 0;
}

static struct procpool_job *make_job(struct procpool *pool, const struct procpool_call *call,
                                     enum job_kind kind, uint64_t base,
                                     struct procpool_error *error)
{
    struct procpool_job *job = calloc(1, sizeof *job);
    if (job) {
        job->pool = pool;
        job->shared = take_block(job, 1, sizeof *job->shared);
    }
    if (job && job->shared) {
        struct job *shared = job->shared;
        shared->n = call->n;
        shared->base = base;
        shared->function = call->function;
        shared->context = call->context;
        shared->kind = (uint8_t)kind;
        shared->is_fail_fast = call->fail_fast;
        shared->has_callback = call->callback || call->error_callback;
        if (place_ticket(job, call, kind) == 0 && place_log(job) == 0 &&
            place_arguments(job, call) == 0 && place_results(job, call) == 0) {
            job->n = shared->n;
            job->chunk = shared->chunk;
            job->callback = call->callback;
            job->error_callback = call->error_callback;
            job->callback_data = call->callback_data;
            return job;
        }
    }
    error_set(error, PROCPOOL_NO_MEMORY,
              "%" PRIu64 " items with their arguments and results do not fit in the pool's shared "
              "memory of %zu bytes (memory_bytes), of which %zu are in use",
              call->n, pool->memory.bytes, pool->memory.used);
    if (job)
        give_blocks(job);
    free(job);
    return NULL;
}

/* --- the ring --------------------------------------------------------------------------------- */

static bool is_unseated(const struct procpool *pool, uint64_t serial)
{
    for (uint32_t w = 0; w <= pool->workers; w++) /* the zygote's too */
        if ((atomic_load(&pool->control->seats[w].at) & ~AT_LEAVING) == serial + 1)
            return false;
    return true;
}

/* Whether the slot is free, or can be had: its job is not open, and no seat is at it. */
static bool try_slot(struct procpool *pool, struct slot *slot)
{
    uint64_t old = atomic_load(&slot->serial);
    if (old == 0)
        return true;
    struct job *shared = atomic_load(&slot->job);
    if (atomic_load(&shared->state) == JOB_OPEN)
        return false;
    atomic_store(&slot->serial, 0);
    return is_unseated(pool, old - 1);
}

/* Finds a serial whose slot is free for the next job; those before it are left out. Waits, without
 * the lock, where there is none. */
static int find_slot(struct procpool *pool, uint64_t *serial, struct procpool_error *error)
{
    struct control *control = pool->control;
    for (;;) {
        if (check_running(pool, error) != 0)
            return -1;
        uint64_t last = atomic_load(&control->last);
        for (*serial = last; *serial < last + control->most_jobs; ++*serial)
            if (try_slot(pool, &control->ring[*serial % control->most_jobs]))
                return 0;
        pthread_mutex_unlock(&pool->lock);
        clock_sleep_ns(SLOT_NAP_NS);
        look_now_and_then(pool);
        pthread_mutex_lock(&pool->lock);
    }
}

/* Hands the job to the workers; see worker.c for how they sleep, tests/models/sleep.pml for why
 * nobody sleeps through it. */
static void publish(struct procpool_job *job, uint64_t serial)
{
    struct procpool *pool = job->pool;
    struct control *control = pool->control;
    struct job *shared = job->shared;
    struct slot *slot = &control->ring[serial % control->most_jobs];
    uint64_t wanted = shared->kind == JOB_EACH ? pool->workers : procpool_chunk_count(job);
    shared->serial = serial;
    job->is_in_ring = true;
    atomic_store(&slot->job, shared);
    atomic_store(&slot->serial, serial + 1);
    atomic_store(&control->last, serial + 1);
    atomic_fetch_add(&control->generation, 1);
    /* Each spinner is counted on for one block, by one submission. */
    uint32_t workers = pool->workers;
    uint32_t taken =
        bits_take(&control->spinning, workers, wanted < workers ? (uint32_t)wanted : workers);
    if (wanted > taken)
        wake_workers(control, wanted - taken < INT_MAX ? (uint32_t)(wanted - taken) : INT_MAX);
    if (shared->kind == JOB_EACH && atomic_load(&control->has_given_up))
        nudge_zygote(pool);
    if (!atomic_load(&control->is_broken))
        return;
    nudge_zygote(pool);
    if (pool->is_zygote_gone)
        settle_jobs(control, PROCPOOL_LOST);
}

/* A job that no worker has to see is final from the start. */
static void finish_here(struct procpool_job *job)
{
    struct job *shared = job->shared;
    shared->arrival = 1 + atomic_fetch_add(&job->pool->control->arrivals, 1);
    if (job->n)
        log_range(shared, PROCPOOL_UNKNOWN, 0, job->n,
                  "the function is not known to this pool's workers: it was loaded after the pool "
                  "was made");
    if (shared->has_callback) {
        atomic_store(&shared->state, JOB_FINISHED);
        atomic_fetch_add(&job->pool->control->callbacks, 1);
        futex_wake(&job->pool->control->callbacks, INT_MAX);
        return;
    }
    atomic_store(&shared->state, JOB_READY);
    if (shared->arrivals)
        atomic_fetch_add(&shared->arrivals->count, 1);
}

static void link_job(struct procpool_job **list, struct procpool_job *job)
{
    job->next = *list;
    job->previous = NULL;
    if (*list)
        (*list)->previous = job;
    *list = job;
}

static void unlink_job(struct procpool_job **list, struct procpool_job *job)
{
    if (job->next)
        job->next->previous = job->previous;
    *(job->previous ? &job->previous->next : list) = job->next;
}

struct procpool_job *submit_locked(struct procpool *pool, const struct procpool_call *call,
                                   enum job_kind kind, uint64_t base, struct arrivals *arrivals,
                                   struct procpool_error *error)
{
    struct procpool_job *job = NULL;
    uint64_t serial;
    if (++pool->since_sweep >= SWEEP_EVERY)
        sweep(pool);
    bool has_callback = call->callback || call->error_callback;
    if (check_running(pool, error) == 0 && (!has_callback || callbacks_start(pool, error) == 0) &&
        find_slot(pool, &serial, error) == 0)
        job = make_job(pool, call, kind, base, error);
    if (!job)
        return NULL;
    job->shared->arrivals = arrivals;
    link_job(&pool->jobs, job);
    if (has_callback)
        callbacks_add(pool, job);
    if (job->n == 0 || !is_known(pool, call->function))
        finish_here(job);
    else
        publish(job, serial);
    return job;
}

struct procpool_job *submit(struct procpool *pool, const struct procpool_call *call,
                            enum job_kind kind, struct procpool_error *error)
{
    pthread_mutex_lock(&pool->lock);
    struct procpool_job *job = submit_locked(pool, call, kind, 0, NULL, error);
    pthread_mutex_unlock(&pool->lock);
    return job;
}

/* --- waiting ---------------------------------------------------------------------------------- */

enum job_state job_state(const struct procpool_job *job)
{
    return (enum job_state)atomic_load_explicit(&job->shared->state, memory_order_acquire);
}

/* Looks for a while, where the job leaves a CPU for that: else it would take it from a worker. */
static bool spin_for(struct procpool_job *job, enum job_state state, uint64_t timeout_ns)
{
    uint64_t spin_ns = job->pool->parent_spin_ns;
    uint64_t chunks = procpool_chunk_count(job), workers = job->pool->workers;
    if ((chunks < workers ? chunks : workers) >= job->pool->cpus)
        return false;
    uint64_t until = clock_now_ns() + (spin_ns < timeout_ns ? spin_ns : timeout_ns);
    do {
        for (int i = 0; i < 64; i++) {
            if (job_state(job) >= state)
                return true;
            spin_pause();
        }
        sched_yield();
    } while (clock_now_ns() < until);
    return false;
}

bool wait_for(struct procpool_job *job, enum job_state state, int64_t timeout_ns)
{
    if (job_state(job) >= state)
        return true;
    look_now_and_then(job->pool);
    if (timeout_ns <= 0)
        return job_state(job) >= state;
    uint64_t start = clock_now_ns();
    if (spin_for(job, state, (uint64_t)timeout_ns))
        return true;
    atomic_fetch_add(&job->shared->waiters, 1);
    bool is_over = false;
    enum job_state now;
    while ((now = job_state(job)) < state && !is_over) {
        uint64_t passed = clock_now_ns() - start, slice = LOOK_NS;
        is_over = passed >= (uint64_t)timeout_ns;
        if (!is_over && (uint64_t)timeout_ns - passed < slice)
            slice = (uint64_t)timeout_ns - passed;
        if (!is_over)
            futex_wait(&job->shared->state, now, slice);
        look_now_and_then(job->pool);
    }
    atomic_fetch_sub(&job->shared->waiters, 1);
    return now >= state;
}

/* Inside a callback its own job counts as ready, and no other may be waited for. */
static enum job_state state_wanted(const struct procpool_job *job)
{
    return is_in_callback(job->pool) && job->pool->called == job ? JOB_FINISHED : JOB_READY;
}

bool procpool_ready(const struct procpool_job *job)
{
    return wait_for((struct procpool_job *)job, state_wanted(job), 0);
}

bool procpool_wait(struct procpool_job *job, int64_t timeout_ns)
{
    if (check_owner(job->pool, NULL) != 0)
        return false;
    return wait_for(job, state_wanted(job), is_in_callback(job->pool) ? 0 : timeout_ns);
}

int procpool_get(struct procpool_job *job, int64_t timeout_ns, struct procpool_error *error)
{
    struct procpool *pool = job->pool;
    if (check_owner(pool, error) != 0)
        return -1;
    if (!procpool_wait(job, timeout_ns)) {
        if (is_in_callback(pool) && timeout_ns > 0)
            return error_set(
                error, PROCPOOL_DEADLOCK,
                "waiting for another job in a callback of the same pool would wait for "
                "the callback's own end");
        return error_set(error, PROCPOOL_TIMEOUT, "the job was not ready after %.3g s; it goes on",
                         timeout_ns > 0 ? (double)timeout_ns / 1e9 : 0.0);
    }
    pthread_mutex_lock(&pool->lock);
    int outcome = report(job, error);
    pthread_mutex_unlock(&pool->lock);
    if (job->results_wanted)
        memcpy(job->results_wanted, job->results, job->n * job->result_bytes);
    return outcome;
}

/* --- what became of it ------------------------------------------------------------------------ */

static void note_lowest(uint64_t *lowest, int32_t state, uint64_t index)
{
    if (lowest && index < lowest[state])
        lowest[state] = index;
}

void count_log(const struct job *job, uint64_t counts[PROCPOOL_TERMINATED + 1],
               uint64_t lowest[PROCPOOL_TERMINATED + 1])
{
    uint64_t n = atomic_load(&job->n_logged);
    for (uint64_t k = 0; k < n && k < job->log_capacity; k++) {
        const struct log_entry *entry = &job->log[k];
        if (!atomic_load_explicit(&entry->is_valid, memory_order_acquire))
            continue;
        counts[entry->state] += entry->count;
        note_lowest(lowest, entry->state, entry->first);
    }
    counts[PROCPOOL_FAILED] += atomic_load(&job->n_undetailed);
    for (uint64_t i = 0; n > job->log_capacity && job->undetailed && i < (job->n + 63) / 64; i++) {
        uint64_t word = atomic_load_explicit(&job->undetailed[i], memory_order_relaxed);
        counts[PROCPOOL_FAILED] += (uint64_t)__builtin_popcountll(word);
        if (word)
            note_lowest(lowest, PROCPOOL_FAILED, i * 64 + (uint64_t)__builtin_ctzll(word));
    }
}

/* Items from here on were never handed out. */
static uint64_t stopped_from(const struct job *job)
{
    if (job->kind == JOB_EACH || !atomic_load(&job->stopping))
        return job->n;
    uint64_t given = ticket_given(&job->ticket) * job->block;
    return given < job->n ? given : job->n;
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t x = (*(const struct log_entry *const *)a)->first;
    uint64_t y = (*(const struct log_entry *const *)b)->first;
    return (x > y) - (x < y);
}

static void sort_entries(struct procpool_job *job)
{
    const struct job *shared = job->shared;
    uint64_t n = atomic_load(&shared->n_logged);
    n = n < shared->log_capacity ? n : shared->log_capacity;
    job->by_index = n ? malloc(n * sizeof *job->by_index) : NULL;
    for (uint64_t k = 0; job->by_index && k < n; k++)
        if (atomic_load(&shared->log[k].is_valid))
            job->by_index[job->n_by_index++] = &shared->log[k];
    if (job->by_index)
        qsort(job->by_index, job->n_by_index, sizeof *job->by_index, compare_entries);
}

/* The lowest index of what went wrong by itself; else of what the caller has stopped. */
static uint64_t choose_lowest(const uint64_t lowest[PROCPOOL_TERMINATED + 1])
{
    uint64_t best = UINT64_MAX, stopped = UINT64_MAX;
    for (int s = 0; s <= PROCPOOL_TERMINATED; s++) {
        uint64_t *of = s == PROCPOOL_CANCELLED || s == PROCPOOL_TERMINATED ? &stopped : &best;
        *of = lowest[s] < *of ? lowest[s] : *of;
    }
    return best != UINT64_MAX ? best : stopped;
}

void sum_up(struct procpool_job *job)
{
    if (job->is_summed)
        return;
    const struct job *shared = job->shared;
    uint64_t lowest[PROCPOOL_TERMINATED + 1];
    memset(lowest, 0xff, sizeof lowest);
    count_log(shared, job->counts, lowest);
    uint64_t from = stopped_from(shared);
    if (from < job->n) {
        uint32_t state = atomic_load(&shared->stopping);
        job->counts[state] += job->n - from;
        note_lowest(lowest, (int32_t)state, from);
    }
    uint64_t others = 0;
    for (int s = 0; s <= PROCPOOL_TERMINATED; s++)
        others += job->counts[s];
    job->counts[PROCPOOL_DONE] = job->n - others;
    for (int s = 0; s <= PROCPOOL_TERMINATED; s++)
        job->pool->counts[s] += job->counts[s];
    job->lowest = choose_lowest(lowest);
    job->is_summed = true;
}

/* Items that went wrong, and not because their caller stopped them. */
static uint64_t count_errors(const struct procpool_job *job)
{
    return job->n - job->counts[PROCPOOL_DONE] - job->counts[PROCPOOL_CANCELLED] -
           job->counts[PROCPOOL_TERMINATED];
}

/* The entry that has the item: by halving once the job is summed and sorted. */
static const struct log_entry *find_entry(struct procpool_job *job, uint64_t index)
{
    if (!job->is_summed)
        return log_find(job->shared, index);
    if (!job->by_index)
        sort_entries(job);
    if (!job->by_index)
        return log_find(job->shared, index);
    size_t low = 0, high = job->n_by_index;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct log_entry *entry = job->by_index[middle];
        if (index - entry->first < entry->count)
            return entry;
        if (entry->first < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void fill_status(struct procpool_job *job, uint64_t index, struct procpool_status *status)
{
    const struct job *shared = job->shared;
    *status = (struct procpool_status){.index = shared->base + index};
    const struct log_entry *entry = find_entry(job, index);
    if (entry) {
        status->state = (enum procpool_state)entry->state;
        status->code = entry->code;
        status->error_number = entry->error_number;
        status->pid = entry->pid;
        status->signal = entry->signal;
        status->exit_status = entry->exit_status;
        memcpy(status->text, entry->text, sizeof status->text);
    } else if (log_is_undetailed(shared, index)) {
        status->state = PROCPOOL_FAILED;
        format_text(status->text, sizeof status->text,
                    "not done; the details of the first %d such items alone are kept", LOG_MOST);
    } else if (index >= stopped_from(shared)) {
        status->state = (enum procpool_state)atomic_load(&shared->stopping);
        format_text(status->text, sizeof status->text, "not started");
    } else if (job->is_summed) {
        status->state = PROCPOOL_DONE;
    }
}

static void describe_failure(const struct procpool_job *job, struct procpool_error *error)
{
    const struct procpool_status *status = &error->status;
    char detail[192] = "";
    if (status->state == PROCPOOL_FAILED || status->state == PROCPOOL_TOO_LARGE)
        format_text(detail, sizeof detail, " with code %d in process %d", status->code,
                    (int)status->pid);
    format_text(error->text, sizeof error->text,
                "%" PRIu64 " of %" PRIu64 " items are not done; the first is item %" PRIu64
                ", %s%s%s%s",
                error->n_failed, job->n, status->index, procpool_state_name(status->state), detail,
                status->text[0] ? ": " : "", status->text);
}

int report(struct procpool_job *job, struct procpool_error *error)
{
    sum_up(job);
    job->is_observed = true;
    uint64_t n_failed = job->n - job->counts[PROCPOOL_DONE];
    if (n_failed == 0)
        return 0;
    if (error) {
        *error = (struct procpool_error){.code = PROCPOOL_ITEMS, .n_failed = n_failed};
        fill_status(job, job->lowest, &error->status);
        describe_failure(job, error);
    }
    return -1;
}

int procpool_successful(struct procpool_job *job, struct procpool_error *error)
{
    if (check_owner(job->pool, error) != 0)
        return -1;
    if (!procpool_ready(job))
        return error_set(error, PROCPOOL_NOT_READY, "the job is not ready yet");
    pthread_mutex_lock(&job->pool->lock);
    int outcome = report(job, NULL);
    pthread_mutex_unlock(&job->pool->lock);
    return outcome == 0;
}

int procpool_status(struct procpool_job *job, uint64_t index, struct procpool_status *status,
                    struct procpool_error *error)
{
    if (check_owner(job->pool, error) != 0)
        return -1;
    if (index >= job->n)
        return error_set(error, PROCPOOL_INVALID, "item %" PRIu64 " of a job of %" PRIu64 " items",
                         index, job->n);
    pthread_mutex_lock(&job->pool->lock);
    if (job_state(job) != JOB_OPEN) {
        sum_up(job);
        job->is_observed = true;
    }
    fill_status(job, index, status);
    pthread_mutex_unlock(&job->pool->lock);
    return 0;
}

int procpool_cancel(struct procpool_job *job, struct procpool_error *error)
{
    if (check_owner(job->pool, error) != 0)
        return -1;
    pthread_mutex_lock(&job->pool->lock);
    if (job_state(job) == JOB_OPEN) {
        uint32_t none = 0;
        atomic_compare_exchange_strong(&job->shared->stopping, &none, PROCPOOL_CANCELLED);
        ticket_stop(&job->shared->ticket);
        job_look(job->pool->control, NULL, job->shared);
    }
    pthread_mutex_unlock(&job->pool->lock);
    return 0;
}

void *procpool_results(const struct procpool_job *job)
{
    return job->results;
}

uint64_t procpool_items(const struct procpool_job *job)
{
    return job->n;
}

uint64_t procpool_chunk_size(const struct procpool_job *job)
{
    return job->chunk;
}

uint64_t procpool_chunk_count(const struct procpool_job *job)
{
    return (job->n + job->chunk - 1) / job->chunk;
}

uint64_t procpool_items_left(const struct procpool_job *job)
{
    const struct job *shared = job->shared;
    if (job_state(job) != JOB_OPEN)
        return 0;
    uint64_t ended = atomic_load(&shared->ended);
    for (uint32_t w = 0; w < job->pool->workers; w++) {
        const struct seat *seat = &job->pool->control->seats[w];
        if (atomic_load(&seat->at) == shared->serial + 1)
            ended += atomic_load(&seat->done) + atomic_load(&seat->ended_bias);
    }
    return ended < job->n ? job->n - ended : 0;
}

/* --- giving back ------------------------------------------------------------------------------ */

/* Gives the job's memory back where it is ready and no seat is at it any more. */
static bool try_release(struct procpool_job *job)
{
    struct procpool *pool = job->pool;
    if (job_state(job) != JOB_READY)
        return false;
    if (job->is_in_ring) {
        uint64_t serial = job->shared->serial;
        struct slot *slot = &pool->control->ring[serial % pool->control->most_jobs];
        if (atomic_load(&slot->serial) == serial + 1)
            atomic_store(&slot->serial, 0);
        if (!is_unseated(pool, serial))
            return false;
    }
    sum_up(job);
    pool->unobserved += !job->is_observed && count_errors(job) > 0;
    give_blocks(job);
    free(job->by_index);
    return true;
}

void drop(struct procpool_job *job)
{
    struct procpool *pool = job->pool;
    unlink_job(&pool->jobs, job);
    if (try_release(job))
        free(job);
    else
        link_job(&pool->limbo, job);
}

void sweep(struct procpool *pool)
{
    pool->since_sweep = 0;
    for (struct procpool_job *job = pool->limbo, *next; job; job = next) {
        next = job->next;
        if (try_release(job)) {
            unlink_job(&pool->limbo, job);
            free(job);
        }
    }
}

void procpool_job_free(struct procpool_job *job)
{
    if (!job || check_owner(job->pool, NULL) != 0)
        return;
    struct procpool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    drop(job);
    pthread_mutex_unlock(&pool->lock);
}
