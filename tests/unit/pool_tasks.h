/* What the tests of the process pool share: small tasks, pools, and questions about what is left
 * behind.
 *
 *     START_TEST(squares_are_right)
 *     {
 *         struct procpool *pool = pool_of(2);
 *         uint64_t squares[10];
 *         assert_ok(procpool_map(pool, &CALL(.function = square_index, .n = 10, RESULTS(squares)),
 *                                &error));
 *         end_pool(pool);
 *     }
 *     END_TEST
 *
 * Tests do not pass or fail on time but by a deadline of WITHIN_NS, which a healthy machine never
 * comes near to.
 */
#ifndef POOLMARK_TESTS_POOL_TASKS_H
#define POOLMARK_TESTS_POOL_TASKS_H

#include "unit.h"

#include "base/clock.h"
#include "procpool/procpool.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS ((int64_t)1000000)
#define SECOND ((int64_t)1000000000)
#define WITHIN_NS (5 * SECOND)

/* What the last call was refused for. Given as `&error` to what assert_ok and assert_refused look
 * at. */
static struct procpool_error error;

/* --- assertions ------------------------------------------------------------------------------- */

#define assert_ok(expression)                                                                      \
    do {                                                                                           \
        int was_ok_ = (expression);                                                                \
        ck_assert_msg(was_ok_ == 0, "%s: %s", #expression, error.text);                            \
    } while (0)

/* The call returns -1 with this code and a sentence. */
#define assert_refused(expression, expected)                                                       \
    do {                                                                                           \
        memset(&error, 0, sizeof error);                                                           \
        ck_assert_int_eq((expression), -1);                                                        \
        assert_error(expected);                                                                    \
    } while (0)

/* The same of what returns a pointer. */
#define assert_refused_pointer(expression, expected)                                               \
    do {                                                                                           \
        memset(&error, 0, sizeof error);                                                           \
        const void *nothing_ = (expression);                                                       \
        ck_assert_msg(nothing_ == NULL, "%s was not refused", #expression);                        \
        assert_error(expected);                                                                    \
    } while (0)

#define assert_error(expected)                                                                     \
    do {                                                                                           \
        ck_assert_msg(error.code == (expected), "%s (\"%s\") instead of %s",                       \
                      procpool_code_name(error.code), error.text, procpool_code_name(expected));   \
        assert_sentence(error.text);                                                               \
    } while (0)

#define assert_state(actual, expected)                                                             \
    do {                                                                                           \
        enum procpool_state state_ = (actual);                                                     \
        ck_assert_msg(state_ == (expected), "%s is %s instead of %s", #actual,                     \
                      procpool_state_name(state_), procpool_state_name(expected));                 \
    } while (0)

static inline void assert_sentence(const char *text)
{
    size_t length = strlen(text);
    ck_assert_uint_gt(length, 0);
    ck_assert_msg(text[length - 1] != '\n', "\"%s\" ends with a newline", text);
}

static inline void assert_says(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not say \"%s\"", text, part);
}

/* --- pools and calls -------------------------------------------------------------------------- */

#define OPTIONS(...) ((struct procpool_options){__VA_ARGS__})
#define CALL(...) ((struct procpool_call){__VA_ARGS__})

/* Fields of a call: where results go, and where arguments come from. */
#define RESULTS(array) .results = (array), .result_bytes = sizeof *(array)
#define ARGUMENTS(array) .arguments = (array), .argument_bytes = sizeof *(array)

/* A small number as the context or initializer_argument of a call, read by NUMBER_OF. */
#define AS_NUMBER(number) ((void *)(intptr_t)(number))
#define NUMBER_OF(pointer) ((intptr_t)(pointer))

static inline struct procpool *pool_with(const struct procpool_options *options)
{
    struct procpool *pool = procpool_new(options, &error);
    ck_assert_msg(pool != NULL, "%s", error.text);
    return pool;
}

static inline struct procpool *pool_of(int processes)
{
    return pool_with(&OPTIONS(.processes = processes));
}

/* Shared, zeroed memory; a failed test where there is none. */
static inline void *shared(struct procpool *pool, size_t bytes)
{
    void *memory = procpool_alloc(pool, bytes, &error);
    ck_assert_msg(memory != NULL, "%s", error.text);
    return memory;
}

/* The state of an item of a job. */
static inline struct procpool_status status_of(struct procpool_job *job, uint64_t index)
{
    struct procpool_status status;
    ck_assert_msg(procpool_status(job, index, &status, &error) == 0, "%s", error.text);
    return status;
}

/* Runs item 0 of a call alone. Returns what became of it. */
static inline struct procpool_status run_one(struct procpool *pool, procpool_function *function,
                                             void *context)
{
    struct procpool_job *job =
        procpool_apply_async(pool, &CALL(.function = function, .context = context), &error);
    ck_assert_msg(job != NULL, "%s", error.text);
    ck_assert(procpool_wait(job, 20 * SECOND));
    struct procpool_status status = status_of(job, 0);
    procpool_job_free(job);
    return status;
}

/* Calls that must be accepted. */
static inline struct procpool_job *submit_map(struct procpool *pool,
                                              const struct procpool_call *call)
{
    struct procpool_job *job = procpool_map_async(pool, call, &error);
    ck_assert_msg(job != NULL, "%s", error.text);
    return job;
}

static inline struct procpool_iterator *start_imap(struct procpool *pool,
                                                   const struct procpool_call *call)
{
    struct procpool_iterator *iterator = procpool_imap(pool, call, &error);
    ck_assert_msg(iterator != NULL, "%s", error.text);
    return iterator;
}

static inline struct procpool_iterator *start_imap_unordered(struct procpool *pool,
                                                             const struct procpool_call *call)
{
    struct procpool_iterator *iterator = procpool_imap_unordered(pool, call, &error);
    ck_assert_msg(iterator != NULL, "%s", error.text);
    return iterator;
}

/* The next item, which must be there and done. */
static inline struct procpool_item next_done(struct procpool_iterator *iterator)
{
    struct procpool_item item = {.index = UINT64_MAX};
    assert_ok(procpool_next(iterator, WITHIN_NS, &item, &error));
    assert_state(item.status.state, PROCPOOL_DONE);
    ck_assert_uint_eq(item.status.index, item.index);
    return item;
}

static inline uint64_t result_of(const struct procpool_item *item)
{
    return *(const uint64_t *)item->result;
}

/* It is at its end, and stays there. */
static inline void assert_at_end(struct procpool_iterator *iterator)
{
    struct procpool_item item;
    for (int i = 0; i < 2; i++)
        assert_refused(procpool_next(iterator, WITHIN_NS, &item, &error), PROCPOOL_END);
}

static inline void assert_squares(const uint64_t *squares, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        ck_assert_uint_eq(squares[i], i * i);
}

/* --- what is left behind ---------------------------------------------------------------------- */

static inline size_t count_fds(void)
{
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* What /proc knows of a process: its state letter ('\0' when there is no such process), parent and
 * group. */
struct process {
    char state;
    pid_t parent, group;
};

static inline struct process process_of(pid_t pid)
{
    struct process process = {0};
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return process;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    /* The name of the program, in parentheses, may hold anything: what counts is the last one. */
    const char *rest = strrchr(line, ')');
    int parent, group;
    if (rest && sscanf(rest + 1, " %c %d %d", &process.state, &parent, &group) == 3) {
        process.parent = parent;
        process.group = group;
    }
    return process;
}

static inline bool is_gone(pid_t pid)
{
    char state = process_of(pid).state;
    return state == '\0' || state == 'Z' || state == 'X';
}

/* Whether the process ended, or is a zombie, within WITHIN_NS. */
static inline bool wait_gone(pid_t pid)
{
    uint64_t until = clock_now_ns() + (uint64_t)WITHIN_NS;
    while (!is_gone(pid)) {
        if (clock_now_ns() > until)
            return false;
        clock_sleep_ns(2000000);
    }
    return true;
}

/* How many other processes of our process group live. Check gives each test a group of its own, so
 * these are the zygotes and workers of its pools. */
static inline size_t count_group(void)
{
    size_t n = 0;
    DIR *folder = opendir("/proc");
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || pid == getpid())
            continue;
        struct process process = process_of(pid);
        n += process.group == getpgrp() && process.state != 'Z' && process.state != 'X';
    }
    closedir(folder);
    return n;
}

/* Whether we have no child, not even a zombie, and no process of our group lives. Only inside a
 * test that Check has forked. */
static inline bool no_children_left(void)
{
    bool has_child = waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD;
    return !has_child && count_group() == 0;
}

/* Frees the pool and asserts that no process stays. */
static inline void end_pool(struct procpool *pool)
{
    procpool_free(pool);
    ck_assert_msg(no_children_left(), "processes are left behind");
}

/* Waits until `word` is at least `value`; false after WITHIN_NS. */
static inline bool wait_for(const _Atomic uint64_t *word, uint64_t value)
{
    uint64_t until = clock_now_ns() + (uint64_t)WITHIN_NS;
    while (atomic_load(word) < value) {
        if (clock_now_ns() > until)
            return false;
        clock_sleep_ns(500000);
    }
    return true;
}

/* --- other processes -------------------------------------------------------------------------- */

/* What a child tells its test: in memory that both share. */
struct report {
    int line; /* of the first check that did not hold; 0 where all did */
    char text[640];
    _Atomic uint64_t words[64]; /* for the test's own use */
};

static inline struct report *new_report(void)
{
    struct report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(report, MAP_FAILED);
    return report;
}

/* In what in_child runs, where Check's own assertions would end the wrong process. Returns 1 from
 * the function where the condition does not hold. */
#define child_check(report, condition)                                                             \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (report)->line = __LINE__;                                                             \
            snprintf((report)->text, sizeof(report)->text, "%s; last error: %s \"%.400s\"",        \
                     #condition, procpool_code_name(error.code), error.text);                      \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* Runs body in a forked child. Returns its exit status, or 128 + the signal that killed it. */
static inline int in_child(int (*body)(struct report *report), struct report *report)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(body(report));
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The same, and asserts that every child_check held. */
static inline void assert_child(int (*body)(struct report *report), struct report *report)
{
    int status = in_child(body, report);
    ck_assert_msg(status == 0, "the child ended with %d; line %d: %s", status, report->line,
                  report->text);
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* uint64_t: the square of the index. */
static inline int square_index(struct procpool_task *task)
{
    *(uint64_t *)task->result = task->index * task->index;
    return 0;
}

/* uint64_t: the square of the argument, a uint64_t. */
static inline int square_argument(struct procpool_task *task)
{
    uint64_t x = *(const uint64_t *)task->argument;
    *(uint64_t *)task->result = x * x;
    return 0;
}

/* Nothing. */
static inline int null_task(struct procpool_task *task)
{
    (void)task;
    return 0;
}

/* Sleeps AS_NUMBER(ns). Results, where asked for, are the squares of the indices. */
static inline int sleep_task(struct procpool_task *task)
{
    clock_sleep_ns((uint64_t)NUMBER_OF(task->context));
    return task->result ? square_index(task) : 0;
}

/* Counts itself in the context, a shared _Atomic uint64_t. */
static inline int count_task(struct procpool_task *task)
{
    atomic_fetch_add((_Atomic uint64_t *)task->context, 1);
    return 0;
}

/* Counts the runs of its index in the context, n shared _Atomic uint64_t. */
static inline int mark_task(struct procpool_task *task)
{
    atomic_fetch_add((_Atomic uint64_t *)task->context + task->index, 1);
    return 0;
}

/* pid_t: of the worker. */
static inline int pid_task(struct procpool_task *task)
{
    *(pid_t *)task->result = getpid();
    return 0;
}

/* Fails at odd indices with the code 100 + index and the sentence "item INDEX is odd"; else
 * square_index. */
static inline int fail_odd(struct procpool_task *task)
{
    if (task->index % 2 == 1)
        return procpool_fail(task, (int)(100 + task->index), "item %d is odd", (int)task->index);
    return task->result ? square_index(task) : 0;
}

/* Fails at the index AS_NUMBER(index) with the code 7; else square_index. */
static inline int fail_at(struct procpool_task *task)
{
    if ((intptr_t)task->index == NUMBER_OF(task->context))
        return 7;
    return task->result ? square_index(task) : 0;
}

/* Leaves with the exit status AS_NUMBER(status). */
static inline int exit_task(struct procpool_task *task)
{
    _exit((int)NUMBER_OF(task->context));
}

/* Leaves with the exit status 3 at the index AS_NUMBER(index); else square_index. */
static inline int exit_at(struct procpool_task *task)
{
    if ((intptr_t)task->index == NUMBER_OF(task->context))
        _exit(3);
    return task->result ? square_index(task) : 0;
}

/* Dies of a signal. */
static inline int die_of(int signal_number)
{
    signal(signal_number, SIG_DFL); /* a sanitizer has its own handler */
    raise(signal_number);
    return 0;
}

/* Dies of the signal AS_NUMBER(signal). */
static inline int kill_self(struct procpool_task *task)
{
    return die_of((int)NUMBER_OF(task->context));
}

/* Dies of SIGKILL at the index AS_NUMBER(index); else square_index. */
static inline int kill_at(struct procpool_task *task)
{
    if ((intptr_t)task->index == NUMBER_OF(task->context))
        die_of(SIGKILL);
    return task->result ? square_index(task) : 0;
}

/* Never returns. */
static inline int hang_task(struct procpool_task *task)
{
    (void)task;
    while (true)
        pause();
    return 0;
}

/* A gate in shared memory, at which tasks wait until the test opens it. */
struct gate {
    _Atomic uint64_t arrived; /* tasks that came to it */
    _Atomic uint64_t is_open;
    _Atomic uint64_t passed;
};

/* Waits at the gate that is the context. Results, where asked for, are the squares of the indices.
 */
static inline int gate_task(struct procpool_task *task)
{
    struct gate *gate = task->context;
    atomic_fetch_add(&gate->arrived, 1);
    while (!atomic_load(&gate->is_open))
        clock_sleep_ns(500000);
    atomic_fetch_add(&gate->passed, 1);
    return task->result ? square_index(task) : 0;
}

#endif
