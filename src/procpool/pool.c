/* A pool in its parent: making it, ending it, and what can be asked of it at any time. */
#include "procpool/pool.h"

#include "procpool/self.h"

#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/wait.h>

enum {
    DEFAULT_SPIN_NS = 50000,
    PARENT_SPIN_NS = 20000, /* of a parent whose workers fill the machine */
    DEFAULT_GRACE_NS = 200000000,
    DEFAULT_MOST_JOBS = 65536,
};

#define DEFAULT_MEMORY_BYTES ((size_t)64 << 30)
#define LEAST_MEMORY_BYTES ((size_t)1 << 20)

/* --- errors ----------------------------------------------------------------------------------- */

int error_set(struct procpool_error *error, enum procpool_code code, const char *format, ...)
{
    if (!error)
        return -1;
    int error_number = errno;
    *error = (struct procpool_error){.code = code};
    if (code == PROCPOOL_SYSTEM)
        error->error_number = error_number;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

int check_owner(const struct procpool *pool, struct procpool_error *error)
{
    if (pool->owner == getpid())
        return 0;
    return error_set(
        error, PROCPOOL_FOREIGN,
        "the pool belongs to process %d; this is process %d, which has to make its own",
        (int)pool->owner, (int)getpid());
}

const char *procpool_state_name(enum procpool_state state)
{
    static const char *const names[] = {
        [PROCPOOL_PENDING] = "pending",       [PROCPOOL_DONE] = "done",
        [PROCPOOL_FAILED] = "failed",         [PROCPOOL_TOO_LARGE] = "too large",
        [PROCPOOL_UNKNOWN] = "unknown",       [PROCPOOL_LOST] = "lost",
        [PROCPOOL_OVERDUE] = "overdue",       [PROCPOOL_CANCELLED] = "cancelled",
        [PROCPOOL_TERMINATED] = "terminated",
    };
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "?";
}

const char *procpool_code_name(enum procpool_code code)
{
    static const char *const names[] = {
        [PROCPOOL_OK] = "ok",
        [PROCPOOL_INVALID] = "invalid",
        [PROCPOOL_NOT_RUNNING] = "not running",
        [PROCPOOL_STILL_RUNNING] = "still running",
        [PROCPOOL_NOT_READY] = "not ready",
        [PROCPOOL_TIMEOUT] = "timeout",
        [PROCPOOL_END] = "end",
        [PROCPOOL_FOREIGN] = "foreign",
        [PROCPOOL_NESTED] = "nested",
        [PROCPOOL_DEADLOCK] = "deadlock",
        [PROCPOOL_NO_MEMORY] = "no memory",
        [PROCPOOL_SYSTEM] = "system",
        [PROCPOOL_START] = "start",
        [PROCPOOL_BROKEN] = "broken",
        [PROCPOOL_SOURCE] = "source",
        [PROCPOOL_ITEMS] = "items",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "?";
}

static void warn_on_stderr(const char *sentence, void *data)
{
    (void)data;
    fprintf(stderr, "procpool: %s\n", sentence);
}

/* --- making a pool ---------------------------------------------------------------------------- */

static int check_options(const struct procpool_options *options, struct procpool_error *error)
{
    if (options->processes < 1)
        return error_set(error, PROCPOOL_INVALID,
                         "processes: %d is below 1; PROCPOOL_USABLE_CPUS stands for what the "
                         "machine gives",
                         options->processes);
    if (options->processes > MOST_WORKERS)
        return error_set(error, PROCPOOL_INVALID, "processes: %d is above %d", options->processes,
                         MOST_WORKERS);
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"chunks_per_worker", options->chunks_per_worker},
        {"items_per_worker", options->items_per_worker},
        {"time_limit_ns", options->time_limit_ns},
        {"retries", options->retries},
        {"nested", options->nested},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].value < 0)
            return error_set(error, PROCPOOL_INVALID,
                             "%s: %" PRId64 " is negative; 0 stands for none", counts[i].name,
                             counts[i].value);
    if ((unsigned)options->engine > PROCPOOL_STEALING)
        return error_set(error, PROCPOOL_INVALID,
                         "engine: %d is neither PROCPOOL_IN_ORDER nor PROCPOOL_STEALING",
                         (int)options->engine);
    return 0;
}

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Control block, seats and ring, then memory: as much as was asked for, or the most that can be
 * had. */
static int map_pool(struct procpool *pool, const struct procpool_options *options, uint32_t workers,
                    struct procpool_error *error)
{
    enum { UNIT = 65536 };
    uint32_t most_jobs = options->most_jobs ? options->most_jobs : DEFAULT_MOST_JOBS;
    size_t ring = sizeof(struct control) + (workers + 1) * sizeof(struct seat);
    size_t head = round_up(ring + most_jobs * sizeof(struct slot), UNIT);
    size_t bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY_BYTES;
    if (bytes < LEAST_MEMORY_BYTES)
        bytes = LEAST_MEMORY_BYTES;
    size_t least = options->memory_bytes ? bytes : LEAST_MEMORY_BYTES;
    errno = ENOMEM;
    void *mapped = MAP_FAILED;
    for (; bytes <= SIZE_MAX / 2; bytes /= 2) {
        mapped = mmap(NULL, head + round_up(bytes, UNIT), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped != MAP_FAILED || bytes / 2 < least)
            break;
    }
    if (mapped == MAP_FAILED)
        return error_set(error, PROCPOOL_NO_MEMORY,
                         "memory_bytes: %zu bytes of shared memory could not be mapped: %s", bytes,
                         strerror(errno));
    /* A worker that dumps core would touch all of what is reserved, and nobody gives that back. */
    madvise((char *)mapped + head, round_up(bytes, UNIT), MADV_DONTDUMP);
    pool->control = mapped;
    pool->mapped_bytes = head + round_up(bytes, UNIT);
    pool->control->workers = workers;
    pool->control->most_jobs = most_jobs;
    pool->control->ring = (struct slot *)((char *)mapped + ring);
    memory_init(&pool->memory, (char *)mapped + head, pool->mapped_bytes - head);
    if (pool->memory.free)
        return 0;
    munmap(mapped, pool->mapped_bytes);
    return error_set(error, PROCPOOL_NO_MEMORY, "no memory for a pool");
}

/* Spinning pays only where nobody else needs the CPU: workers that do not all fit would take it
 * from each other, and a parent that waits takes it from workers that fill the machine. */
static void set_spins(struct procpool *pool, int64_t spin_ns)
{
    uint32_t cpus = pool->cpus = cpus_usable();
    if (spin_ns == 0)
        spin_ns = pool->workers <= cpus ? DEFAULT_SPIN_NS : -1;
    uint64_t most = pool->workers < cpus ? DEFAULT_SPIN_NS : PARENT_SPIN_NS;
    pool->control->spin_ns = spin_ns > 0 ? (uint64_t)spin_ns : 0;
    pool->parent_spin_ns = pool->control->spin_ns < most ? pool->control->spin_ns : most;
}

static void set_control(struct control *control, const struct procpool_options *options)
{
    control->seed = options->seed;
    control->chunks_per_worker = (uint64_t)options->chunks_per_worker;
    control->items_per_worker = (uint64_t)options->items_per_worker;
    control->initializer = options->initializer;
    control->initializer_argument = options->initializer_argument;
    control->time_limit_ns = (uint64_t)options->time_limit_ns;
    control->no_term = options->grace_ns < 0;
    control->grace_ns = options->grace_ns > 0 ? (uint64_t)options->grace_ns : DEFAULT_GRACE_NS;
    control->retries = options->retries;
    control->restarts = options->restarts == 0 ? -1 : options->restarts < 0 ? 0 : options->restarts;
    control->nested = options->nested;
}

static int fork_zygote(struct procpool *pool, struct procpool_error *error)
{
    sigset_t all, old;
    /* Or what waits in them is written by every worker too. Other streams only where there are no
     * threads: one might be waiting for input with its stream locked. */
    pool->control->flushes_all = __libc_single_threaded;
    flush_streams(pool->control);
    /* No handler of the parent's may run in the zygote before it has reset them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t parent = getpid();
    pool->zygote = fork();
    if (pool->zygote == 0)
        zygote_live(pool->control, parent);
    int error_number = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error_number;
    if (pool->zygote < 0)
        return error_set(error, PROCPOOL_SYSTEM, "the pool's zygote could not be forked: %s",
                         strerror(errno));
    return 0;
}

static bool all_are_ready(const struct control *control)
{
    for (uint32_t w = 0; w < control->workers; w++)
        if (atomic_load(&control->seats[w].stage) != SEAT_READY)
            return false;
    return true;
}

static int start_error(const struct control *control, struct procpool_error *error)
{
    errno = control->start_error;
    return error_set(error, control->start_error ? PROCPOOL_SYSTEM : PROCPOOL_START,
                     "the pool could not start: %s", control->reason);
}

/* Waits until all workers have passed their initializers. */
static int wait_for_start(struct procpool *pool, struct procpool_error *error)
{
    struct control *control = pool->control;
    for (;;) {
        uint32_t starts = atomic_load(&control->starts);
        if (atomic_load(&control->start_failed))
            return start_error(control, error);
        if (all_are_ready(control))
            return 0;
        futex_wait(&control->starts, starts, LOOK_NS);
        look_for_zygote(pool);
        if (pool->is_zygote_gone && !atomic_load(&control->start_failed))
            return error_set(error, PROCPOOL_BROKEN, "the pool's zygote (pid %d) has died",
                             (int)pool->zygote);
    }
}

struct procpool *procpool_new(const struct procpool_options *given, struct procpool_error *error)
{
    struct procpool_options options = {.processes = PROCPOOL_USABLE_CPUS};
    if (given)
        options = *given;
    if (options.processes == PROCPOOL_USABLE_CPUS)
        options.processes = (int)cpus_usable();
    if (check_options(&options, error) != 0 || self_take(options.processes, error) != 0)
        return NULL;
    struct procpool *pool = calloc(1, sizeof *pool);
    if (!pool || map_pool(pool, &options, (uint32_t)options.processes, error) != 0) {
        if (!pool)
            error_set(error, PROCPOOL_NO_MEMORY, "no memory for a pool");
        self_give(options.processes);
        free(pool);
        return NULL;
    }
    pool->owner = getpid();
    pool->workers = (uint32_t)options.processes;
    pool->engine = options.engine == PROCPOOL_STEALING ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER;
    pool->warn = options.warn ? options.warn : warn_on_stderr;
    pool->warn_data = options.warn_data;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    known_init(pool);
    set_spins(pool, options.spin_ns);
    set_control(pool->control, &options);
    if (fork_zygote(pool, error) != 0 || wait_for_start(pool, error) != 0) {
        procpool_free(pool);
        return NULL;
    }
    pool->phase = PHASE_RUNNING;
    uint32_t starting = PHASE_STARTING;
    atomic_compare_exchange_strong(&pool->control->phase, &starting, PHASE_RUNNING);
    return pool;
}

/* --- the zygote, watched ---------------------------------------------------------------------- */

static bool has_ended(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    const char *state = strrchr(text, ')'); /* the name before it may have any letters */
    return !state || state[2] == 'Z' || state[2] == 'X';
}

/* The workers of a dead zygote get SIGKILL from the kernel; this makes sure of it, and that they
 * are gone, before what they had is declared lost. */
static void end_orphans(struct procpool *pool)
{
    uint64_t give_up = clock_now_ns() + 1000000000u;
    for (uint32_t w = 0; w < pool->workers; w++) {
        pid_t pid = atomic_load(&pool->control->seats[w].pid);
        if (pid <= 0)
            continue;
        /* Where it ended long ago its pid may be another's by now. */
        if (has_mapped(pool, pid))
            kill(pid, SIGKILL);
        while ((has_mapped(pool, pid) || has_no_memory(pid)) && !has_ended(pid) &&
               clock_now_ns() < give_up)
            clock_sleep_ns(200000);
        atomic_store(&pool->control->seats[w].pid, 0);
    }
}

/* Notes what those that died in the window of a ticket were given; all are dead. */
static void lose_windows(struct procpool *pool)
{
    struct control *control = pool->control;
    for (uint32_t w = 0; w < pool->workers; w++) {
        struct seat *seat = &control->seats[w];
        uint64_t at = atomic_load(&seat->at), block;
        struct job *job = at && !(at & AT_LEAVING) ? seat_job(control, at) : NULL;
        bool *skip = calloc(pool->workers, sizeof *skip);
        for (uint32_t v = 0; skip && v < pool->workers; v++)
            skip[v] = atomic_load(&control->seats[v].at) != at;
        if (job && skip && ledger_is_in_window(&seat->ledger) &&
            ticket_missing(&job->ticket, &control->seats[0].ledger, sizeof *seat, pool->workers,
                           skip, ticket_given(&job->ticket), &block) == TICKET_FOUND)
            ledger_note(&seat->ledger, block);
        atomic_store(&seat->ledger.begun, ledger_count(&seat->ledger));
        free(skip);
    }
}

/* Declares lost what the dead had not finished, as the zygote would have. */
static void lose_all(struct procpool *pool)
{
    struct control *control = pool->control;
    lose_windows(pool);
    /* All steals are undone before any seat is settled: what is undone goes back to another. */
    for (uint32_t w = 0; w < pool->workers; w++) {
        struct seat *seat = &control->seats[w];
        if (range_undo(&control->seats[0].range, sizeof *seat, pool->workers, w)) {
            atomic_store(&seat->end, atomic_load(&seat->done));
            atomic_store(&seat->in_range, 0);
        }
    }
    for (uint32_t w = 0; w < pool->workers; w++) {
        struct seat *seat = &control->seats[w];
        uint64_t at = atomic_load(&seat->at);
        struct job *job = at ? seat_job(control, at) : NULL;
        if (job && !(at & AT_LEAVING) && atomic_load(&job->state) == JOB_OPEN) {
            struct piece rest = seat_unfinished(seat, w, job);
            if (rest.first < rest.end && atomic_load(&seat->started) == rest.first + 1 &&
                (log_find(job, rest.first) || log_is_undetailed(job, rest.first)))
                rest.first++;
            if (rest.first < rest.end)
                log_range(job, PROCPOOL_LOST, rest.first, rest.end - rest.first,
                          "the pool's zygote has died, and its workers with it");
        }
        atomic_store(&seat->at, 0);
    }
    settle_jobs(control, PROCPOOL_LOST);
}

void look_for_zygote(struct procpool *pool)
{
    if (pool->is_zygote_gone)
        return;
    int status = 0;
    pid_t got;
    do
        got = waitpid(pool->zygote, &status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return;
    /* Somebody else may have reaped it, as the kernel does where SIGCHLD is ignored. */
    pool->is_zygote_gone = true;
    bool was_right = atomic_load(&pool->control->phase) >= PHASE_CLOSED ||
                     atomic_load(&pool->control->start_failed);
    if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && was_right)
        return;
    if (!atomic_exchange(&pool->control->is_broken, 1))
        format_text(pool->control->reason, sizeof pool->control->reason,
                    "its zygote (pid %d) has died", (int)pool->zygote);
    end_orphans(pool);
    lose_all(pool);
}

void look_now_and_then(struct procpool *pool)
{
    uint64_t now = clock_now_ns();
    if (pool->owner != getpid()) /* whose child it is not */
        return;
    if (now - atomic_load_explicit(&pool->looked_ns, memory_order_relaxed) < LOOK_NS)
        return;
    atomic_store_explicit(&pool->looked_ns, now, memory_order_relaxed);
    pthread_mutex_lock(&pool->lock);
    look_for_zygote(pool);
    pthread_mutex_unlock(&pool->lock);
}

/* Looks first: while nobody has reaped the zygote its pid is its own. */
void nudge_zygote(struct procpool *pool)
{
    look_for_zygote(pool);
    if (!pool->is_zygote_gone)
        kill(pool->zygote, SIGUSR1);
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Sets the phase, where that is further on, and lets everybody know. With the lock held. */
static void set_phase(struct procpool *pool, enum phase phase)
{
    if (pool->phase >= phase)
        return;
    look_for_zygote(pool); /* by the old phase: an end that nobody asked for is a death */
    pool->phase = phase;
    atomic_store(&pool->control->phase, phase);
    atomic_fetch_add(&pool->control->generation, 1);
    if (phase == PHASE_CLOSED)
        futex_wake(&pool->control->generation, INT_MAX);
    if (!pool->is_zygote_gone)
        kill(pool->zygote, SIGUSR1);
}

int procpool_close(struct procpool *pool, struct procpool_error *error)
{
    if (check_owner(pool, error) != 0)
        return -1;
    pthread_mutex_lock(&pool->lock);
    if (pool->phase == PHASE_RUNNING)
        iterators_finish(pool);
    set_phase(pool, PHASE_CLOSED);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

/* Waits for the end of the zygote, which outlives the workers and their jobs. */
static void wait_for_zygote(struct procpool *pool)
{
    while (!pool->is_zygote_gone) {
        siginfo_t info;
        pthread_mutex_unlock(&pool->lock);
        if (waitid(P_PID, (id_t)pool->zygote, &info, WEXITED | WNOWAIT) != 0 && errno != EINTR &&
            errno != ECHILD)
            clock_sleep_ns(1000000);
        pthread_mutex_lock(&pool->lock);
        look_for_zygote(pool);
    }
}

/* Who comes first waits and reaps; others wait for that one. With the lock held. */
static void join(struct procpool *pool)
{
    while (!pool->is_joined) {
        if (pool->is_joining) {
            pthread_cond_wait(&pool->changed, &pool->lock);
            continue;
        }
        pool->is_joining = true;
        wait_for_zygote(pool);
        pthread_mutex_unlock(&pool->lock);
        callbacks_end(pool);
        pthread_mutex_lock(&pool->lock);
        pool->is_joining = false;
        pool->is_joined = true;
        pthread_cond_broadcast(&pool->changed);
    }
}

int check_may_wait(const struct procpool *pool, const char *what, struct procpool_error *error)
{
    if (!is_in_callback(pool))
        return 0;
    return error_set(error, PROCPOOL_DEADLOCK,
                     "%s in a callback of the same pool would wait for the callback's own end",
                     what);
}

int procpool_terminate(struct procpool *pool, struct procpool_error *error)
{
    if (check_owner(pool, error) != 0 || check_may_wait(pool, "procpool_terminate", error) != 0)
        return -1;
    pthread_mutex_lock(&pool->lock);
    if (!pool->is_joined)
        set_phase(pool, PHASE_TERMINATED);
    join(pool);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

int procpool_join(struct procpool *pool, struct procpool_error *error)
{
    if (check_owner(pool, error) != 0 || check_may_wait(pool, "procpool_join", error) != 0)
        return -1;
    pthread_mutex_lock(&pool->lock);
    bool is_running = pool->phase == PHASE_RUNNING;
    if (!is_running)
        join(pool);
    pthread_mutex_unlock(&pool->lock);
    if (is_running)
        return error_set(error, PROCPOOL_STILL_RUNNING,
                         "the pool is still running; procpool_close or procpool_terminate comes "
                         "before procpool_join");
    return 0;
}

int procpool_drain(struct procpool *pool, struct procpool_error *error)
{
    return procpool_close(pool, error) == 0 ? procpool_join(pool, error) : -1;
}

static void warn_of_unobserved(struct procpool *pool)
{
    if (pool->unobserved == 0)
        return;
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "%" PRIu64 " job(s) had items that failed, and nobody asked for their results",
             pool->unobserved);
    pool->warn(sentence, pool->warn_data);
}

void procpool_free(struct procpool *pool)
{
    if (!pool || pool->owner != getpid())
        return;
    if (is_in_callback(pool)) {
        pool->warn("procpool_free in a callback of the same pool does nothing", pool->warn_data);
        return;
    }
    if (pool->zygote > 0) {
        pthread_mutex_lock(&pool->lock);
        if (!pool->is_joined)
            set_phase(pool, PHASE_TERMINATED);
        join(pool);
        pthread_mutex_unlock(&pool->lock);
    }
    iterators_release(pool);
    pthread_mutex_lock(&pool->lock);
    while (pool->jobs)
        drop(pool->jobs);
    sweep(pool);
    pthread_mutex_unlock(&pool->lock);
    warn_of_unobserved(pool);
    memory_release(&pool->memory);
    munmap(pool->control, pool->mapped_bytes);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    self_give((int)pool->workers);
    free(pool);
}

void procpool_leave_terminating(struct procpool **pool)
{
    procpool_free(*pool);
}

void procpool_leave_draining(struct procpool **pool)
{
    if (*pool)
        procpool_drain(*pool, NULL);
    procpool_free(*pool);
}

/* --- asking ----------------------------------------------------------------------------------- */

uint32_t procpool_workers(const struct procpool *pool)
{
    return pool->workers;
}

pid_t procpool_worker_pid(const struct procpool *pool, uint32_t worker)
{
    return worker < pool->workers ? atomic_load(&pool->control->seats[worker].pid) : 0;
}

/* Sums up those that are finished; adds what is known of the others. */
static void add_open_jobs(struct procpool_job *jobs, struct procpool_counters *counters)
{
    for (struct procpool_job *j = jobs; j; j = j->next) {
        if (job_state(j) != JOB_OPEN)
            sum_up(j);
        if (j->is_summed)
            continue;
        uint64_t counts[PROCPOOL_TERMINATED + 1] = {0};
        uint64_t ended = j->n - procpool_items_left(j), noted = 0;
        count_log(j->shared, counts, NULL);
        for (int s = 0; s <= PROCPOOL_TERMINATED; s++)
            noted += counts[s];
        /* Looked at one after the other, so that the sum may seem to step back. */
        j->ended_seen = ended > j->ended_seen ? ended : j->ended_seen;
        if (j->ended_seen > noted && j->ended_seen - noted > j->done_seen)
            j->done_seen = j->ended_seen - noted;
        counters->left += j->n - j->ended_seen;
        counters->done += j->done_seen;
        counters->failed += counts[PROCPOOL_FAILED] + counts[PROCPOOL_TOO_LARGE];
        counters->lost += counts[PROCPOOL_LOST];
        counters->overdue += counts[PROCPOOL_OVERDUE];
    }
}

void procpool_counters(const struct procpool *pool, struct procpool_counters *counters)
{
    struct procpool *p = (struct procpool *)pool;
    *counters = (struct procpool_counters){0};
    if (check_owner(pool, NULL) != 0)
        return;
    pthread_mutex_lock(&p->lock);
    uint64_t sums[PROCPOOL_TERMINATED + 1];
    sweep(p);
    add_open_jobs(p->jobs, counters);
    add_open_jobs(p->limbo, counters);
    memcpy(sums, p->counts, sizeof sums);
    counters->done += sums[PROCPOOL_DONE];
    counters->failed += sums[PROCPOOL_FAILED] + sums[PROCPOOL_TOO_LARGE] + sums[PROCPOOL_UNKNOWN];
    counters->lost += sums[PROCPOOL_LOST];
    counters->overdue += sums[PROCPOOL_OVERDUE];
    counters->restarts = atomic_load(&p->control->n_restarts);
    counters->recycled = atomic_load(&p->control->n_recycled);
    counters->unobserved = p->unobserved;
    pthread_mutex_unlock(&p->lock);
}
