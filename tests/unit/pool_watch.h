/* Beside pool_tasks.h: programs of their own that a test starts and sees end, what a pool warns of
 * and calls back, and the questions about counters, workers and states that several files ask. */
#ifndef POOLMARK_TESTS_POOL_WATCH_H
#define POOLMARK_TESTS_POOL_WATCH_H

#include "pool_tasks.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Keeps asking until `condition` holds; a failed test after WITHIN_NS. */
#define assert_soon(condition)                                                                     \
    do {                                                                                           \
        uint64_t until_ = clock_now_ns() + (uint64_t)WITHIN_NS;                                    \
        while (!(condition)) {                                                                     \
            ck_assert_msg(clock_now_ns() < until_, "%s does not come true", #condition);           \
            clock_sleep_ns(500000);                                                                \
        }                                                                                          \
    } while (0)

/* A call of one item that must be accepted. */
static inline struct procpool_job *submit_one(struct procpool *pool,
                                              const struct procpool_call *call)
{
    struct procpool_job *job = procpool_apply_async(pool, call, &error);
    ck_assert_msg(job != NULL, "%s", error.text);
    return job;
}

static inline struct procpool_counters counters_of(const struct procpool *pool)
{
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    return counters;
}

/* The state of an item, without an assertion: Check writes each down, which in loops over many
 * items is what takes the time. */
static inline enum procpool_state state_at(struct procpool_job *job, uint64_t index)
{
    struct procpool_status status;
    return procpool_status(job, index, &status, NULL) == 0 ? status.state : PROCPOOL_PENDING;
}

/* How many items of a job are in this state. */
static inline uint64_t count_state(struct procpool_job *job, enum procpool_state state)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < procpool_items(job); i++)
        n += state_at(job, i) == state;
    return n;
}

/* Waits until each worker exists. */
static inline void assert_workers_are_there(const struct procpool *pool)
{
    for (uint32_t w = 0; w < procpool_workers(pool); w++)
        assert_soon(procpool_worker_pid(pool, w) > 0 && !is_gone(procpool_worker_pid(pool, w)));
}

/* Kills worker `worker`, where there is one, and waits until it is gone. */
static inline void kill_worker(const struct procpool *pool, uint32_t worker)
{
    pid_t pid = procpool_worker_pid(pool, worker);
    if (pid > 0 && kill(pid, SIGKILL) == 0)
        ck_assert(wait_gone(pid));
}

/* The pool still does what it is for. */
static inline void assert_works(struct procpool *pool)
{
    uint64_t squares[20] = {0};
    assert_ok(procpool_map(
        pool, &CALL(.function = square_index, .n = 20, .chunk = 1, RESULTS(squares)), &error));
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_uint_eq(squares[i], i * i);
}

/* --- warnings --------------------------------------------------------------------------------- */

struct warnings {
    _Atomic uint64_t n;
    char last[512];
};

static inline void keep_warning(const char *sentence, void *data)
{
    struct warnings *warnings = data;
    snprintf(warnings->last, sizeof warnings->last, "%s", sentence);
    atomic_fetch_add(&warnings->n, 1);
}

#define WARN_TO(warnings) .warn = keep_warning, .warn_data = (warnings)

/* --- callbacks -------------------------------------------------------------------------------- */

static inline pid_t thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* What the callbacks of a call have seen. */
struct told {
    _Atomic uint64_t n_callbacks, n_errors;
    _Atomic uint64_t n_over; /* callbacks that are about to return */
    struct procpool_job *job;
    struct procpool_error error;
    pid_t process, thread;
    bool had_items_left;
};

static inline void tell(struct told *told, struct procpool_job *job)
{
    told->job = job;
    told->process = getpid();
    told->thread = thread_id();
    told->had_items_left = procpool_items_left(job) != 0;
    clock_sleep_ns(20 * (uint64_t)MS);
    atomic_fetch_add(&told->n_over, 1);
}

static inline void on_success(struct procpool_job *job, void *data)
{
    struct told *told = data;
    atomic_fetch_add(&told->n_callbacks, 1);
    tell(told, job);
}

static inline void on_failure(struct procpool_job *job, const struct procpool_error *its_error,
                              void *data)
{
    struct told *told = data;
    atomic_fetch_add(&told->n_errors, 1);
    told->error = *its_error;
    tell(told, job);
}

#define TELL(told) .callback = on_success, .error_callback = on_failure, .callback_data = (told)

/* --- programs of their own -------------------------------------------------------------------- */

/* Starts a child that runs `body` and leaves with what it returns. From now on this process is the
 * one that orphans come to, so that what a child leaves behind can be counted and waited for. */
static inline pid_t start_child(int (*body)(void *), void *data)
{
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGTERM, SIG_DFL); /* Check's own would end the test */
        signal(SIGINT, SIG_DFL);
        _exit(body(data));
    }
    return pid;
}

/* What waitpid says of the child once it has ended. */
static inline int end_of_child(pid_t child)
{
    int status = -1;
    pid_t ended = 0;
    assert_soon((ended = waitpid(child, &status, WNOHANG)) != 0);
    ck_assert_int_eq(ended, child);
    return status;
}

/* Reaps orphans until nobody is left; false after WITHIN_NS. */
static inline bool wait_nobody_left(void)
{
    uint64_t until = clock_now_ns() + (uint64_t)WITHIN_NS;
    while (!no_children_left()) {
        if (clock_now_ns() > until)
            return false;
        clock_sleep_ns(1000000);
    }
    return true;
}

#endif
