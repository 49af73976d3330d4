/* A pool of worker processes over shared memory: see procpool.h.
 *
 * One anonymous mapping holds the control block, a seat for each worker, and the arena; nothing in
 * it has a name, so nothing can be left behind. The parent calls the workers to a run, numbered
 * from 1 by `generation`; run 0 is the initializer, which every worker goes through unasked.
 *
 *   parent: body, argument, left = P; then generation + 1; then wakes the sleepers on `generation`
 *   worker: sees a generation that it has not served; runs the body; then left - 1; whoever brings
 *           `left` to 0 wakes the parent, who sleeps on it
 *
 * Invariants:
 *   - The parent writes body, argument and left only between runs: left is 0, or a worker is dead
 *     and the pool broken for good. Every worker has read them before it counts itself off.
 *   - No wake-up is lost, in either direction: the word that is slept on is changed before the
 *     wake, and the kernel lets nobody fall asleep on a word that has changed (futex.h).
 *     `generation` changes once a run, and no run starts before all have served the last one, so
 *     a worker never misses one.
 *   - Writes of the parent before a run are visible in the body (release on generation, acquire
 *     by the worker), writes of a body are visible to the parent after it (the decrements of
 *     `left` form one release sequence, which the parent acquires at 0).
 *   - A worker that dies holds nothing: there are no locks. `left` then never reaches 0, and the
 *     parent, which wakes every CHECK_NS to look, finds it by waitpid.
 */
#include "procpool/procpool.h"

#include "base/clock.h"
#include "procpool/futex.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
    LINE = 128, /* two cache lines: neighbours are fetched in pairs */
    MOST_WORKERS = 4096,
    DEFAULT_SPIN_NS = 50000,
    CHECK_NS = 20000000,   /* how often a waiting parent looks for dead workers */
    LEAVE_NS = 1000000000, /* how long workers may take to leave when asked */
    LOOKS_BETWEEN_YIELDS = 16,
};

/* What one worker tells about its run: written by the worker before it counts itself off. */
struct seat {
    alignas(LINE) int returned;
};

struct control {
    /* written by the parent, read by the workers */
    alignas(LINE) _Atomic uint32_t generation;
    procpool_body *body; /* NULL: leave */
    void *argument;

    /* written by the workers, once each in a run */
    alignas(LINE) _Atomic uint32_t left; /* workers that have not yet ended this run */
    _Atomic uint32_t failed;             /* workers whose body returned something else than 0 */

    struct seat seats[];
};

struct procpool {
    struct control *control;
    size_t mapped_bytes;
    void *arena;
    size_t arena_bytes;
    uint32_t workers;
    uint64_t spin_ns; /* of a worker */
    uint64_t parent_spin_ns;
    bool is_broken;
    struct err reason; /* of that */
    struct child_process {
        pid_t pid;    /* 0: not forked */
        bool is_gone; /* reaped: its pid may be another's by now */
    } children[];
};

/* --- waiting ---------------------------------------------------------------------------------- */

/* Looks at the word for a while; returns whether it became `target`. Who looks yields the CPU again
 * and again: the kernel likes to wake a process where its waker runs, so that the very one who is
 * waited for may stand behind the one who waits. */
static bool spin_until(_Atomic uint32_t *word, uint32_t target, uint64_t spin_ns)
{
    if (spin_ns == 0)
        return false;
    uint64_t until = clock_now_ns() + spin_ns;
    do {
        for (int i = 0; i < LOOKS_BETWEEN_YIELDS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) == target)
                return true;
            spin_pause();
        }
        sched_yield();
    } while (clock_now_ns() < until);
    return false;
}

/* Waits for the run after the one that was served last; returns its number. In a worker. */
static uint32_t wait_for_call(struct control *control, uint32_t served, uint64_t spin_ns)
{
    if (!spin_until(&control->generation, served + 1, spin_ns))
        while (atomic_load_explicit(&control->generation, memory_order_acquire) == served)
            futex_wait(&control->generation, served, 0);
    return served + 1;
}

static int describe_death(struct err *err, uint32_t worker, pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        return err_set(err, "worker %" PRIu32 " (pid %d) was killed by signal %d (SIG%s)", worker,
                       (int)pid, WTERMSIG(status), name ? name : "?");
    }
    return err_set(err, "worker %" PRIu32 " (pid %d) ended with status %d", worker, (int)pid,
                   WEXITSTATUS(status));
}

/* Reaps the child if it has ended; returns whether it is gone. *status is 0 when somebody else
 * reaped it, as the kernel does where SIGCHLD is ignored. */
static bool reap(struct child_process *child, int flags, int *status)
{
    pid_t got;
    *status = 0;
    while (!child->is_gone && (got = waitpid(child->pid, status, flags)) != 0)
        child->is_gone = got == child->pid || errno != EINTR;
    return child->is_gone;
}

/* Looks for a dead worker; when there is one the pool is broken, and its death is the reason. */
static bool find_dead(struct procpool *pool)
{
    for (uint32_t w = 0; w < pool->workers; w++) {
        struct child_process *child = &pool->children[w];
        int status;
        if (child->pid && reap(child, WNOHANG, &status)) {
            pool->is_broken = true;
            describe_death(&pool->reason, w, child->pid, status);
            return true;
        }
    }
    return false;
}

/* Waits until all workers have ended the run, or one is found dead. */
static int wait_for_workers(struct procpool *pool, struct err *err)
{
    _Atomic uint32_t *word = &pool->control->left;
    if (spin_until(word, 0, pool->parent_spin_ns))
        return 0;
    uint32_t left;
    while ((left = atomic_load_explicit(word, memory_order_acquire)) != 0)
        if (!futex_wait(word, left, CHECK_NS) && find_dead(pool))
            return err_set(err, "%s", pool->reason.text);
    return 0;
}

/* --- the worker ------------------------------------------------------------------------------- */

/* Counts the worker off. */
static void end_run(struct control *control, uint32_t worker, int returned)
{
    control->seats[worker].returned = returned;
    if (returned != 0)
        atomic_fetch_add_explicit(&control->failed, 1, memory_order_relaxed);
    if (atomic_fetch_sub_explicit(&control->left, 1, memory_order_acq_rel) == 1)
        futex_wake(&control->left, 1);
}

static _Noreturn void live(const struct procpool *pool, const struct procpool_options *options,
                           uint32_t worker, pid_t parent)
{
    /* The signal comes with the death of the parent's thread, unless that came first. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the parent decides what follows */

    struct control *control = pool->control;
    uint32_t served = 0;
    end_run(control, worker,
            options->initializer ? options->initializer(options->initializer_argument, worker) : 0);
    for (;;) {
        served = wait_for_call(control, served, pool->spin_ns);
        if (!control->body)
            _exit(EXIT_SUCCESS);
        end_run(control, worker, control->body(control->argument, worker));
    }
}

/* --- the parent ------------------------------------------------------------------------------- */

static uint32_t count_usable_cpus(void)
{
    enum { MOST_CPUS = 8192 };
    size_t bytes = CPU_ALLOC_SIZE(MOST_CPUS);
    cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
    int n = set && sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 1;
    CPU_FREE(set);
    return (uint32_t)n;
}

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static struct procpool *map_pool(const struct procpool_options *options, struct err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t head = round_up(sizeof(struct control) + options->workers * sizeof(struct seat), page);
    if (options->arena_bytes > SIZE_MAX / 2) {
        err_set(err, "an arena of %zu bytes is beyond the address space", options->arena_bytes);
        return NULL;
    }
    size_t bytes = head + round_up(options->arena_bytes, page);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        err_set(err, "%zu bytes of shared memory could not be mapped: %s", bytes, strerror(errno));
        return NULL;
    }
    struct procpool *pool = calloc(1, sizeof *pool + options->workers * sizeof *pool->children);
    if (!pool) {
        munmap(memory, bytes);
        err_set(err, "no memory for a pool of %" PRIu32 " workers", options->workers);
        return NULL;
    }
    pool->control = memory;
    pool->mapped_bytes = bytes;
    pool->arena = (char *)memory + head;
    pool->arena_bytes = bytes - head;
    pool->workers = options->workers;
    return pool;
}

/* Spinning pays only where nobody else needs the CPU: workers that do not all fit would take it
 * from each other, and so would a parent from workers that fill the machine. */
static void set_spins(struct procpool *pool, uint64_t spin_ns)
{
    uint32_t cpus = count_usable_cpus();
    if (spin_ns == 0 && pool->workers <= cpus)
        spin_ns = DEFAULT_SPIN_NS;
    pool->spin_ns = spin_ns;
    pool->parent_spin_ns = pool->workers < cpus ? spin_ns : 0;
}

static int fork_workers(struct procpool *pool, const struct procpool_options *options,
                        struct err *err)
{
    pid_t parent = getpid();
    fflush(NULL); /* or what waits in a buffer is written by every worker that flushes */
    atomic_store_explicit(&pool->control->left, pool->workers, memory_order_relaxed);
    for (uint32_t w = 0; w < pool->workers; w++) {
        pid_t pid = fork();
        if (pid == 0)
            live(pool, options, w, parent);
        if (pid < 0)
            return err_set(err, "worker %" PRIu32 " of %" PRIu32 " could not be forked: %s", w,
                           pool->workers, strerror(errno));
        pool->children[w].pid = pid;
    }
    return 0;
}

/* After a run that all workers have ended: whose body failed? */
static int check_failed(struct procpool *pool, const char *what, struct err *err)
{
    struct control *control = pool->control;
    uint32_t failed = atomic_load_explicit(&control->failed, memory_order_relaxed);
    if (failed == 0)
        return 0;
    atomic_store_explicit(&control->failed, 0, memory_order_relaxed);
    uint32_t w = 0;
    while (control->seats[w].returned == 0)
        w++;
    return err_set(err, "%s of worker %" PRIu32 " returned %d (%" PRIu32 " of %" PRIu32 " failed)",
                   what, w, control->seats[w].returned, failed, pool->workers);
}

struct procpool *procpool_new(const struct procpool_options *options, struct err *err)
{
    if (options->workers < 1 || options->workers > MOST_WORKERS) {
        err_set(err, "a pool of %" PRIu32 " workers: allowed are 1 to %d", options->workers,
                MOST_WORKERS);
        return NULL;
    }
    struct procpool *pool = map_pool(options, err);
    if (!pool)
        return NULL;
    set_spins(pool, options->spin_ns);
    if (fork_workers(pool, options, err) != 0 || wait_for_workers(pool, err) != 0 ||
        check_failed(pool, "the initializer", err) != 0) {
        procpool_free(pool);
        return NULL;
    }
    return pool;
}

void *procpool_arena(const struct procpool *pool)
{
    return pool->arena;
}

size_t procpool_arena_bytes(const struct procpool *pool)
{
    return pool->arena_bytes;
}

uint32_t procpool_workers(const struct procpool *pool)
{
    return pool->workers;
}

pid_t procpool_worker_pid(const struct procpool *pool, uint32_t worker)
{
    return pool->children[worker].pid;
}

static void call_workers(struct procpool *pool, procpool_body *body, void *argument)
{
    struct control *control = pool->control;
    control->body = body;
    control->argument = argument;
    atomic_store_explicit(&control->left, pool->workers, memory_order_relaxed);
    atomic_fetch_add_explicit(&control->generation, 1, memory_order_release);
    futex_wake(&control->generation, INT_MAX);
}

int procpool_run(struct procpool *pool, procpool_body *body, void *argument, struct err *err)
{
    if (pool->is_broken)
        return err_set(err, "the pool is broken: %s", pool->reason.text);
    call_workers(pool, body, argument);
    if (wait_for_workers(pool, err) != 0)
        return -1;
    return check_failed(pool, "the body", err);
}

/* Whether all children are gone, reaping those that have ended. */
static bool all_gone(struct procpool *pool, int flags)
{
    bool all = true;
    int status;
    for (uint32_t w = 0; w < pool->workers; w++)
        if (pool->children[w].pid && !reap(&pool->children[w], flags, &status))
            all = false;
    return all;
}

void procpool_free(struct procpool *pool)
{
    if (!pool)
        return;
    call_workers(pool, NULL, NULL);
    uint64_t give_up = clock_now_ns() + LEAVE_NS, nap = 20000;
    while (!all_gone(pool, WNOHANG) && clock_now_ns() < give_up) {
        clock_sleep_ns(nap);
        nap = nap < 2000000 ? nap * 2 : nap;
    }
    for (uint32_t w = 0; w < pool->workers; w++)
        if (pool->children[w].pid && !pool->children[w].is_gone)
            kill(pool->children[w].pid, SIGKILL);
    all_gone(pool, 0);
    munmap(pool->control, pool->mapped_bytes);
    free(pool);
}
