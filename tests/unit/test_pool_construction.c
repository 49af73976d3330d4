/* The process pool against Python's, rows 1 to 15: how a pool is made. Each test is named after its
 * row of the table in docs/procpool.md. */
#include "pool_tasks.h"

#include "topo/topo.h"

#include <limits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

START_TEST(row_01_default_is_the_usable_cpus)
{
    struct err err;
    struct topo *topo = topo_new(&err);
    ck_assert_ptr_nonnull(topo);
    struct topo_counts counts;
    topo_count(topo, &counts);
    topo_free(topo);

    unsetenv("PROCPOOL_CPUS");
    struct procpool *pool = pool_of(PROCPOOL_USABLE_CPUS);
    ck_assert_int_eq((int)procpool_workers(pool), counts.usable);
    end_pool(pool);

    pool = pool_with(NULL);
    ck_assert_int_eq((int)procpool_workers(pool), counts.usable);
    end_pool(pool);
}
END_TEST

START_TEST(row_01_default_follows_the_affinity)
{
    unsetenv("PROCPOOL_CPUS");
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    struct procpool *pool = pool_of(PROCPOOL_USABLE_CPUS);
    ck_assert_uint_eq(procpool_workers(pool), 1);
    end_pool(pool);
}
END_TEST

START_TEST(row_01_environment_sets_the_default_alone)
{
    setenv("PROCPOOL_CPUS", "3", 1);
    struct procpool *pool = pool_of(PROCPOOL_USABLE_CPUS);
    ck_assert_uint_eq(procpool_workers(pool), 3);
    end_pool(pool);
    pool = pool_with(NULL);
    ck_assert_uint_eq(procpool_workers(pool), 3);
    end_pool(pool);
    pool = pool_of(2);
    ck_assert_uint_eq(procpool_workers(pool), 2);
    end_pool(pool);
}
END_TEST

START_TEST(row_02_processes_below_one_is_refused)
{
    static const int refused[] = {0, -2, -100, INT_MIN};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_refused_pointer(procpool_new(&OPTIONS(.processes = refused[i]), &error),
                               PROCPOOL_INVALID);
        char number[16];
        snprintf(number, sizeof number, "%d", refused[i]);
        assert_says(error.text, number);
        ck_assert(no_children_left());
    }
}
END_TEST

/* As much as Python's Pool(True): the smallest number is one. */
START_TEST(row_03_one_process_is_enough)
{
    struct procpool *pool = pool_of(1);
    ck_assert_uint_eq(procpool_workers(pool), 1);
    uint64_t squares[3];
    assert_ok(
        procpool_map(pool, &CALL(.function = square_index, .n = 3, RESULTS(squares)), &error));
    ck_assert_uint_eq(squares[2], 4);
    end_pool(pool);
}
END_TEST

/* Makes forking impossible for us beyond so many processes of our own; false where the system does
 * not count them, or counts others' too. */
static bool limit_processes(rlim_t most)
{
    if (getuid() == 0) {
        /* A user whom nobody else is, so that only our own processes count. */
        uid_t uid = (uid_t)(60000 + getpid() % 5000);
        if (setresuid(uid, uid, uid) != 0)
            return false;
    }
    prctl(PR_SET_DUMPABLE, 1); /* or else /proc/self is not ours to read */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NPROC, &limit) != 0)
        return false;
    limit.rlim_cur = most;
    return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

/* 4096 gets as far as forking, which is made to fail: so many processes would weigh on the machine
 * of whoever runs the tests. */
static int make_the_largest_pool(struct report *report)
{
    child_check(report, limit_processes(1));
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 4096), &error);
    child_check(report, pool == NULL && error.code == PROCPOOL_SYSTEM);
    return 0;
}

START_TEST(row_03_up_to_4096_processes_are_allowed)
{
    static const int refused[] = {4097, 65536, INT_MAX};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_refused_pointer(procpool_new(&OPTIONS(.processes = refused[i]), &error),
                               PROCPOOL_INVALID);
        assert_says(error.text, "4096");
    }
    assert_child(make_the_largest_pool, new_report());
    ck_assert(no_children_left());
}
END_TEST

START_TEST(row_04_workers_are_there_when_new_returns)
{
    struct procpool *pool = pool_of(3);
    ck_assert_uint_eq(procpool_workers(pool), 3);
    pid_t pids[3];
    for (uint32_t w = 0; w < 3; w++) {
        pids[w] = procpool_worker_pid(pool, w);
        struct process worker = process_of(pids[w]);
        ck_assert_int_ne(worker.state, '\0');
        ck_assert_int_ne(worker.state, 'Z');
        /* A worker is a child of the zygote, which is our child. */
        ck_assert_int_eq(process_of(worker.parent).parent, getpid());
        for (uint32_t other = 0; other < w; other++)
            ck_assert_int_ne(pids[w], pids[other]);
    }
    ck_assert_int_eq(procpool_worker_pid(pool, 3), 0);
    ck_assert_uint_eq(count_group(), 3 + 1);
    end_pool(pool);
    for (uint32_t w = 0; w < 3; w++)
        ck_assert(is_gone(pids[w]));
}
END_TEST

START_TEST(row_05_no_initializer_is_none)
{
    struct procpool *pool = pool_with(
        &OPTIONS(.processes = 2, .initializer = NULL, .initializer_argument = AS_NUMBER(1)));
    uint64_t square = 0, five = 5;
    assert_ok(
        procpool_apply(pool, square_argument, &five, sizeof five, &square, sizeof square, &error));
    ck_assert_uint_eq(square, 25);
    end_pool(pool);
}
END_TEST

/* What initializers do: they count themselves, remember in the worker's own memory that they ran,
 * and fail where the test wants it. */
struct setting {
    _Atomic uint64_t calls;
    _Atomic uint64_t calls_of[8];
    uint64_t token;
    uint64_t fails_from, fails_until; /* calls, from 1; both included */
    int (*failure)(void);
};

static uint64_t token_of_worker;
static uint32_t number_of_worker;

static int initialize(void *argument, uint32_t worker)
{
    struct setting *setting = argument;
    uint64_t call = atomic_fetch_add(&setting->calls, 1) + 1;
    atomic_fetch_add(&setting->calls_of[worker % 8], 1);
    if (call >= setting->fails_from && call <= setting->fails_until)
        return setting->failure();
    token_of_worker = setting->token;
    number_of_worker = worker;
    return 0;
}

static struct setting *new_setting(void)
{
    struct setting *setting =
        mmap(NULL, sizeof *setting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(setting, MAP_FAILED);
    setting->token = 12345;
    return setting;
}

/* Whether the worker was initialised before the item came. */
static int is_initialized(struct procpool_task *task)
{
    if (token_of_worker != 12345 || number_of_worker != task->worker)
        return procpool_fail(task, 1, "worker %d: token %d, number %d", (int)task->worker,
                             (int)token_of_worker, (int)number_of_worker);
    return 0;
}

START_TEST(row_06_initializer_runs_in_each_worker_before_any_task)
{
    struct setting *setting = new_setting();
    struct procpool *pool = pool_with(
        &OPTIONS(.processes = 3, .initializer = initialize, .initializer_argument = setting));
    ck_assert_uint_eq(setting->calls, 3);
    for (int w = 0; w < 3; w++)
        ck_assert_uint_eq(setting->calls_of[w], 1);
    ck_assert_uint_eq(token_of_worker, 0);
    assert_ok(procpool_each(pool, is_initialized, NULL, &error));
    assert_ok(procpool_map(pool, &CALL(.function = is_initialized, .n = 100, .chunk = 1), &error));
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(setting->calls, 3);
    end_pool(pool);
}
END_TEST

START_TEST(row_07_initializer_runs_in_replacements_of_the_dead)
{
    struct setting *setting = new_setting();
    struct procpool *pool = pool_with(
        &OPTIONS(.processes = 2, .initializer = initialize, .initializer_argument = setting));
    for (uint64_t death = 1; death <= 3; death++) {
        assert_refused(procpool_map(pool,
                                    &CALL(.function = exit_task, .context = AS_NUMBER(1), .n = 1),
                                    &error),
                       PROCPOOL_ITEMS);
        assert_ok(procpool_each(pool, is_initialized, NULL, &error));
        ck_assert_uint_eq(setting->calls, 2 + death);
    }
    ck_assert_uint_eq(setting->calls_of[0] + setting->calls_of[1], 5);
    end_pool(pool);
}
END_TEST

START_TEST(row_07_initializer_runs_in_replacements_of_the_recycled)
{
    struct setting *setting = new_setting();
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 2, .initializer = initialize,
                           .initializer_argument = setting, .chunks_per_worker = 1));
    assert_ok(procpool_map(pool, &CALL(.function = is_initialized, .n = 10, .chunk = 1), &error));
    assert_ok(procpool_drain(pool, &error));
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    ck_assert_uint_eq(counters.done, 10);
    ck_assert_uint_eq(counters.restarts, 0);
    /* Ten chunks by workers of one chunk each: whoever took the last two need not be replaced. */
    ck_assert_uint_ge(setting->calls, 10);
    ck_assert_uint_le(setting->calls, 12);
    end_pool(pool);
}
END_TEST

static int failure_returned(void)
{
    return 5;
}

static int failure_exit(void)
{
    _exit(4);
}

static int failure_killed(void)
{
    return die_of(SIGKILL);
}

static int failure_segv(void)
{
    return die_of(SIGSEGV);
}

static int failure_hangs(void)
{
    return hang_task(NULL);
}

static int (*const failures[])(void) = {failure_returned, failure_exit, failure_killed,
                                        failure_segv, failure_hangs};

enum { N_FAILURES = sizeof failures / sizeof *failures };

/* A limit for what needs one; the others are not to fail of a machine that is slow. */
static int64_t limit_of(int failure)
{
    return failures[failure] == failure_hangs ? 500 * MS : 0;
}

START_TEST(row_08_new_reports_a_failing_initializer)
{
    size_t fds = count_fds();
    for (int processes = 1; processes <= 3; processes += 2) {
        struct setting *setting = new_setting();
        setting->fails_from = 1;
        setting->fails_until = UINT64_MAX;
        setting->failure = failures[_i];
        assert_refused_pointer(
            procpool_new(&OPTIONS(.processes = processes, .initializer = initialize,
                                  .initializer_argument = setting, .time_limit_ns = limit_of(_i)),
                         &error),
            PROCPOOL_START);
        assert_says(error.text, "worker");
        /* What fails at the start is not tried again. */
        ck_assert_uint_ge(setting->calls, 1);
        ck_assert_uint_le(setting->calls, (uint64_t)processes);
        ck_assert(no_children_left());
    }
    ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

/* One worker of three is enough for the whole pool to be refused. */
START_TEST(row_08_new_reports_one_failing_initializer_of_three)
{
    struct setting *setting = new_setting();
    setting->fails_from = setting->fails_until = 2;
    setting->failure = failures[_i];
    assert_refused_pointer(
        procpool_new(&OPTIONS(.processes = 3, .initializer = initialize,
                              .initializer_argument = setting, .time_limit_ns = limit_of(_i)),
                     &error),
        PROCPOOL_START);
    ck_assert_uint_le(setting->calls, 3);
    ck_assert(no_children_left());
}
END_TEST

START_TEST(row_08_five_failures_of_replacements_break_the_pool)
{
    struct setting *setting = new_setting();
    setting->fails_from = 2;
    setting->fails_until = UINT64_MAX;
    setting->failure = failures[_i];
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 1, .initializer = initialize,
                           .initializer_argument = setting, .time_limit_ns = limit_of(_i)));
    /* The item that ends the worker, and five that wait for the one who does not come. */
    struct procpool_job *job = procpool_map_async(
        pool, &CALL(.function = exit_at, .context = AS_NUMBER(0), .n = 6, .chunk = 1), &error);
    ck_assert_ptr_nonnull(job);
    ck_assert(procpool_wait(job, 20 * SECOND));
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 6);
    for (uint64_t i = 0; i < 6; i++) {
        struct procpool_status status = status_of(job, i);
        assert_state(status.state, PROCPOOL_LOST);
        ck_assert_int_eq(status.exit_status, i == 0 ? 3 : 0);
        assert_sentence(status.text);
    }
    ck_assert_uint_eq(setting->calls, 1 + 5);
    ck_assert_int_eq(procpool_worker_pid(pool, 0), 0);
    procpool_job_free(job);

    assert_refused(procpool_map(pool, &CALL(.function = null_task, .n = 2), &error),
                   PROCPOOL_BROKEN);
    ck_assert_uint_eq(setting->calls, 1 + 5);
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
}
END_TEST

/* Failures count in a row: four, then a success, then four again are forgiven. */
START_TEST(row_08_four_failures_of_replacements_are_forgiven)
{
    struct setting *setting = new_setting();
    setting->failure = failure_returned;
    struct procpool *pool = pool_with(
        &OPTIONS(.processes = 1, .initializer = initialize, .initializer_argument = setting));
    for (int round = 0; round < 2; round++) {
        setting->fails_from = setting->calls + 1;
        setting->fails_until = setting->calls + 4;
        assert_refused(procpool_map(pool,
                                    &CALL(.function = exit_task, .context = AS_NUMBER(3), .n = 1),
                                    &error),
                       PROCPOOL_ITEMS);
        assert_ok(procpool_map(pool, &CALL(.function = is_initialized, .n = 5), &error));
    }
    ck_assert_uint_eq(setting->calls, 1 + 2 * 5);
    end_pool(pool);
}
END_TEST

START_TEST(row_09_negative_life_of_workers_is_refused)
{
    static const int64_t refused[] = {-1, -10, INT64_MIN};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_refused_pointer(
            procpool_new(&OPTIONS(.processes = 3, .chunks_per_worker = refused[i]), &error),
            PROCPOOL_INVALID);
        assert_says(error.text, "chunks_per_worker");
        assert_refused_pointer(
            procpool_new(&OPTIONS(.processes = 3, .items_per_worker = refused[i]), &error),
            PROCPOOL_INVALID);
        assert_says(error.text, "items_per_worker");
    }
    ck_assert(no_children_left());
}
END_TEST

/* Zero, which Python refuses, is this library's word for no limit. */
START_TEST(row_09_zero_is_a_life_without_end)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 1, .chunks_per_worker = 0, .items_per_worker = 0));
    pid_t pid = procpool_worker_pid(pool, 0);
    assert_ok(procpool_map(pool, &CALL(.function = null_task, .n = 1000, .chunk = 1), &error));
    ck_assert_int_eq(procpool_worker_pid(pool, 0), pid);
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    ck_assert_uint_eq(counters.recycled, 0);
    end_pool(pool);
}
END_TEST

enum { POOL_THAT_FAILS = 5, PROCESSES_OF_IT = 1 + POOL_THAT_FAILS };

/* Python's test has a fourth of five starts fail; here each in turn, the zygote's first. */
static int start_until_fork_fails(struct report *report)
{
    uint64_t allowed = report->words[0];
    size_t fds = count_fds();
    setpgid(0, 0); /* so that the group is what we have started */
    child_check(report, limit_processes(1 + allowed));
    struct procpool *pool = procpool_new(&OPTIONS(.processes = POOL_THAT_FAILS), &error);
    if (allowed < PROCESSES_OF_IT) {
        child_check(report, pool == NULL);
        child_check(report, error.code == PROCPOOL_SYSTEM);
        child_check(report, error.error_number == EAGAIN);
        child_check(report, error.text[0] != '\0');
        child_check(report, waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
        child_check(report, count_group() == 0);
        /* What has failed was not the pool's to break: with the limit gone a pool starts. */
        struct rlimit limit;
        getrlimit(RLIMIT_NPROC, &limit);
        limit.rlim_cur = limit.rlim_max;
        child_check(report, setrlimit(RLIMIT_NPROC, &limit) == 0);
        pool = procpool_new(&OPTIONS(.processes = POOL_THAT_FAILS), &error);
    }
    child_check(report, pool != NULL);
    child_check(report, procpool_map(pool, &CALL(.function = null_task, .n = 10), &error) == 0);
    procpool_free(pool);
    child_check(report, count_group() == 0);
    child_check(report, count_fds() == fds);
    return 0;
}

START_TEST(row_10_fork_failure_leaves_nothing_behind)
{
    /* Only root can become somebody who has no other processes. */
    struct report *report = new_report();
    report->words[0] = getuid() == 0 ? (uint64_t)_i : 0;
    assert_child(start_until_fork_fails, report);
    ck_assert(no_children_left());
}
END_TEST

START_TEST(row_11_two_hundred_workers)
{
    struct procpool *pool = pool_of(200);
    uint64_t squares[1000], sum = 0;
    assert_ok(
        procpool_map(pool, &CALL(.function = square_index, .n = 1000, RESULTS(squares)), &error));
    for (int i = 0; i < 1000; i++)
        sum += squares[i];
    ck_assert_uint_eq(sum, 332833500);
    end_pool(pool);
}
END_TEST

/* Everything that a process which did not make the pool may try. */
struct borrowed {
    struct procpool *pool;
    struct procpool_job *job;
    struct procpool_iterator *iterator;
    void *memory;
};

#define check_foreign(expression)                                                                  \
    do {                                                                                           \
        error.code = PROCPOOL_OK;                                                                  \
        if (!(expression) || error.code != PROCPOOL_FOREIGN || error.text[0] == '\0')              \
            return #expression;                                                                    \
    } while (0)

/* What was not refused as it should be, or NULL. */
static const char *use_foreign_pool(const struct borrowed *b)
{
    const struct procpool_call call = CALL(.function = null_task, .n = 3);
    check_foreign(procpool_map(b->pool, &call, &error) == -1);
    check_foreign(procpool_map_async(b->pool, &call, &error) == NULL);
    check_foreign(procpool_apply(b->pool, null_task, NULL, 0, NULL, 0, &error) == -1);
    check_foreign(procpool_apply_async(b->pool, &call, &error) == NULL);
    check_foreign(procpool_imap(b->pool, &call, &error) == NULL);
    check_foreign(procpool_imap_unordered(b->pool, &call, &error) == NULL);
    check_foreign(procpool_each(b->pool, null_task, NULL, &error) == -1);
    check_foreign(procpool_alloc(b->pool, 100, &error) == NULL);
    check_foreign(procpool_close(b->pool, &error) == -1);
    check_foreign(procpool_join(b->pool, &error) == -1);
    check_foreign(procpool_drain(b->pool, &error) == -1);
    check_foreign(procpool_terminate(b->pool, &error) == -1);
    procpool_release(b->pool, b->memory);
    procpool_free(b->pool);
    return NULL;
}

static const char *use_foreign_job(const struct borrowed *b)
{
    struct procpool_status status;
    struct procpool_item item;
    check_foreign(procpool_get(b->job, 0, &error) == -1);
    check_foreign(procpool_cancel(b->job, &error) == -1);
    check_foreign(procpool_status(b->job, 0, &status, &error) == -1);
    check_foreign(procpool_successful(b->job, &error) == -1);
    check_foreign(procpool_next(b->iterator, 0, &item, &error) == -1);
    if (procpool_wait(b->job, 0))
        return "procpool_wait";
    procpool_job_free(b->job);
    procpool_iterator_free(b->iterator);
    return NULL;
}

/* A worker can only know the pool: jobs are made later than it. */
static int use_foreign_in_worker(struct procpool_task *task)
{
    const char *wrong = use_foreign_pool(task->context);
    return wrong ? procpool_fail(task, 1, "%s: %s", wrong, procpool_code_name(error.code)) : 0;
}

static struct borrowed borrowed;

static int use_foreign_in_child(struct report *report)
{
    const char *wrong = use_foreign_job(&borrowed);
    if (!wrong)
        wrong = use_foreign_pool(&borrowed);
    if (!wrong)
        return 0;
    snprintf(report->text, sizeof report->text, "%s: %s \"%s\"", wrong,
             procpool_code_name(error.code), error.text);
    return 1;
}

/* After what others have tried, the owner finds everything as it was. */
static void assert_owner_has_all(const struct borrowed *b)
{
    memset(b->memory, 0x5a, 4096);
    assert_ok(procpool_get(b->job, 0, &error));
    struct procpool_item item;
    for (uint64_t i = 0; i < 3; i++) {
        assert_ok(procpool_next(b->iterator, WITHIN_NS, &item, &error));
        ck_assert_uint_eq(*(const uint64_t *)item.result, i * i);
    }
    uint64_t squares[50];
    assert_ok(
        procpool_map(b->pool, &CALL(.function = square_index, .n = 50, RESULTS(squares)), &error));
    ck_assert_uint_eq(squares[49], 49 * 49);
    procpool_iterator_free(b->iterator);
    procpool_job_free(b->job);
}

/* A pool with one of each thing that another process may have got hold of. */
static void lend(struct borrowed *b)
{
    b->pool = pool_of(2);
    b->job = procpool_map_async(b->pool, &CALL(.function = null_task, .n = 3), &error);
    ck_assert_ptr_nonnull(b->job);
    ck_assert(procpool_wait(b->job, WITHIN_NS));
    b->iterator = procpool_imap(
        b->pool, &CALL(.function = square_index, .n = 3, .result_bytes = sizeof(uint64_t)), &error);
    ck_assert_ptr_nonnull(b->iterator);
    b->memory = shared(b->pool, 4096);
}

START_TEST(row_12_pool_is_refused_to_a_forked_child)
{
    lend(&borrowed);
    assert_child(use_foreign_in_child, new_report());
    assert_owner_has_all(&borrowed);
    end_pool(borrowed.pool);
}
END_TEST

START_TEST(row_12_pool_is_refused_to_its_workers)
{
    lend(&borrowed);
    struct borrowed *b = shared(borrowed.pool, sizeof *b);
    *b = borrowed;
    struct procpool_job *job = procpool_map_async(
        b->pool, &CALL(.function = use_foreign_in_worker, .context = b, .n = 4, .chunk = 1),
        &error);
    ck_assert_ptr_nonnull(job);
    ck_assert(procpool_wait(job, WITHIN_NS));
    for (uint64_t i = 0; i < 4; i++) {
        struct procpool_status status = status_of(job, i);
        ck_assert_msg(status.state == PROCPOOL_DONE, "%s: %s", procpool_state_name(status.state),
                      status.text);
    }
    procpool_job_free(job);
    assert_owner_has_all(b);
    end_pool(borrowed.pool);
}
END_TEST

/* Python's pool_in_process. */
static int map_in_child(struct report *report)
{
    uint64_t numbers[] = {1, 2, 3, 4, 5, 6, 7}, squares[7];
    setpgid(0, 0);
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 4), &error);
    child_check(report, pool != NULL);
    child_check(report, procpool_map(pool,
                                     &CALL(.function = square_argument, .n = 7, ARGUMENTS(numbers),
                                           RESULTS(squares)),
                                     &error) == 0);
    for (int i = 0; i < 7; i++)
        child_check(report, squares[i] == numbers[i] * numbers[i]);
    child_check(report, procpool_close(pool, &error) == 0);
    child_check(report, procpool_join(pool, &error) == 0);
    procpool_free(pool);
    child_check(report, count_group() == 0);
    return 0;
}

START_TEST(row_13_pool_works_in_a_child_process)
{
    assert_child(map_in_child, new_report());
}
END_TEST

START_TEST(row_13_child_of_who_has_a_pool_makes_its_own)
{
    struct procpool *pool = pool_of(2);
    assert_child(map_in_child, new_report());
    assert_ok(procpool_map(pool, &CALL(.function = null_task, .n = 10), &error));
    end_pool(pool);
}
END_TEST

/* Makes a pool of AS_NUMBER(processes) in a worker, and has it do something. */
static int make_nested(struct procpool_task *task)
{
    uint64_t squares[20];
    struct procpool *pool =
        procpool_new(&OPTIONS(.processes = (int)NUMBER_OF(task->context)), &error);
    if (!pool)
        return procpool_fail(task, (int)error.code, "%s", error.text);
    int result =
        procpool_map(pool, &CALL(.function = square_index, .n = 20, RESULTS(squares)), &error);
    if (result == 0 && squares[19] != 19 * 19)
        result = 1000;
    procpool_free(pool);
    return result;
}

static void assert_item_fails(const struct procpool_status *status, int code)
{
    ck_assert_msg(status->state == PROCPOOL_FAILED && status->code == code, "%s, code %d: %s",
                  procpool_state_name(status->state), status->code, status->text);
    assert_sentence(status->text);
}

static void assert_item_done(const struct procpool_status *status)
{
    ck_assert_msg(status->state == PROCPOOL_DONE, "%s, code %d: %s",
                  procpool_state_name(status->state), status->code, status->text);
}

START_TEST(row_14_pool_inside_a_worker_is_refused)
{
    struct procpool *pool = pool_of(2);
    struct procpool_status status = run_one(pool, make_nested, AS_NUMBER(1));
    assert_item_fails(&status, PROCPOOL_NESTED);
    ck_assert_uint_eq(count_group(), 2 + 1);
    end_pool(pool);
}
END_TEST

START_TEST(row_14_pool_inside_a_worker_may_be_allowed)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .nested = 2));
    struct procpool_status status;
    /* What was freed counts no more. */
    for (int round = 0; round < 3; round++) {
        status = run_one(pool, make_nested, AS_NUMBER(2));
        assert_item_done(&status);
    }
    status = run_one(pool, make_nested, AS_NUMBER(3));
    assert_item_fails(&status, PROCPOOL_NESTED);
    ck_assert_uint_eq(count_group(), 2 + 1);
    end_pool(pool);
}
END_TEST

/* Two pools at a time share the three workers that are allowed. */
static int make_two_nested(struct procpool_task *task)
{
    (void)task;
    struct procpool *first = procpool_new(&OPTIONS(.processes = 2), &error);
    if (!first)
        return 1;
    struct procpool *second = procpool_new(&OPTIONS(.processes = 2), &error);
    if (second || error.code != PROCPOOL_NESTED)
        return 2;
    second = procpool_new(&OPTIONS(.processes = 1), &error);
    if (!second)
        return 3;
    procpool_free(first);
    first = procpool_new(&OPTIONS(.processes = 2), &error);
    if (!first)
        return 4;
    procpool_free(first);
    procpool_free(second);
    return 0;
}

START_TEST(row_14_pools_inside_a_worker_share_their_number)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .nested = 3));
    struct procpool_status status = run_one(pool, make_two_nested, NULL);
    assert_item_done(&status);
    end_pool(pool);
}
END_TEST

static int make_nested_in_nested(struct procpool_task *task)
{
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 1), &error);
    if (!pool)
        return 1;
    int result =
        procpool_map(pool, &CALL(.function = make_nested, .context = AS_NUMBER(1), .n = 1), &error);
    int code = error.status.code;
    procpool_free(pool);
    return result == -1 ? procpool_fail(task, code, "%s", error.status.text) : 2;
}

/* To allow pools in a worker does not allow pools in those. */
START_TEST(row_14_pool_inside_a_nested_worker_is_refused)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .nested = 8));
    struct procpool_status status = run_one(pool, make_nested_in_nested, NULL);
    assert_item_fails(&status, PROCPOOL_NESTED);
    end_pool(pool);
}
END_TEST

/* Publishes the worker of its own pool, and dies with the pool running. */
static int die_with_nested(struct procpool_task *task)
{
    struct report *report = task->context;
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 1), &error);
    if (!pool)
        return 1;
    report->words[0] = (uint64_t)procpool_worker_pid(pool, 0);
    report->words[1] = (uint64_t)process_of((pid_t)report->words[0]).parent;
    procpool_map_async(pool, &CALL(.function = hang_task, .n = 1), &error);
    return die_of(SIGKILL);
}

START_TEST(row_14_nested_pool_ends_with_its_worker)
{
    struct report *report = new_report();
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .nested = 1));
    struct procpool_status status = run_one(pool, die_with_nested, report);
    assert_state(status.state, PROCPOOL_LOST);
    ck_assert_int_gt((int)report->words[0], 0);
    ck_assert(wait_gone((pid_t)report->words[0]));
    ck_assert(wait_gone((pid_t)report->words[1]));
    end_pool(pool);
}
END_TEST

static int foo(struct procpool_task *task)
{
    *(int *)task->result = 123;
    return 0;
}

/* Makes the same pool again in each worker of it, which makes it again. */
static int bomb(void *argument, uint32_t worker)
{
    (void)worker;
    struct report *report = argument;
    atomic_fetch_add(&report->words[0], 1);
    if (procpool_new(&OPTIONS(.processes = 2, .initializer = bomb, .initializer_argument = report),
                     &error))
        return 1;
    return error.code == PROCPOOL_NESTED ? 0 : 2;
}

START_TEST(row_15_pool_that_makes_itself_does_not_multiply)
{
    struct report *report = new_report();
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 2, .initializer = bomb, .initializer_argument = report));
    ck_assert_uint_eq(report->words[0], 2);
    ck_assert_uint_eq(count_group(), 2 + 1);
    int result = 0;
    assert_ok(procpool_apply(pool, foo, NULL, 0, &result, sizeof result, &error));
    ck_assert_int_eq(result, 123);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool construction", row_01_default_is_the_usable_cpus,
          row_01_default_follows_the_affinity, row_01_environment_sets_the_default_alone,
          row_02_processes_below_one_is_refused, row_03_one_process_is_enough,
          row_03_up_to_4096_processes_are_allowed, row_04_workers_are_there_when_new_returns,
          row_05_no_initializer_is_none, row_06_initializer_runs_in_each_worker_before_any_task,
          row_07_initializer_runs_in_replacements_of_the_dead,
          row_07_initializer_runs_in_replacements_of_the_recycled,
          UNIT_LOOP(row_08_new_reports_a_failing_initializer, 0, N_FAILURES),
          UNIT_LOOP(row_08_new_reports_one_failing_initializer_of_three, 0, N_FAILURES),
          UNIT_LOOP(row_08_five_failures_of_replacements_break_the_pool, 0, N_FAILURES),
          row_08_four_failures_of_replacements_are_forgiven,
          row_09_negative_life_of_workers_is_refused, row_09_zero_is_a_life_without_end,
          UNIT_LOOP(row_10_fork_failure_leaves_nothing_behind, 0, PROCESSES_OF_IT + 1),
          row_11_two_hundred_workers, row_12_pool_is_refused_to_a_forked_child,
          row_12_pool_is_refused_to_its_workers, row_13_pool_works_in_a_child_process,
          row_13_child_of_who_has_a_pool_makes_its_own, row_14_pool_inside_a_worker_is_refused,
          row_14_pool_inside_a_worker_may_be_allowed,
          row_14_pools_inside_a_worker_share_their_number,
          row_14_pool_inside_a_nested_worker_is_refused, row_14_nested_pool_ends_with_its_worker,
          row_15_pool_that_makes_itself_does_not_multiply)
