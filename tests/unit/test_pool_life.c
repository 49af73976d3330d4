/* Rows 55 to 62 of the table "coming from Python": how workers come and go. Where CPython has a
 * test of the row, its numbers of workers, items and chunks are kept. */
#include "pool_watch.h"

#include <sys/mman.h>
#include <sys/time.h>

static const enum procpool_engine engines[] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

/* --- 55, 56: workers that leave --------------------------------------------------------------- */

static uint64_t count_different(const pid_t *pids, size_t n)
{
    uint64_t different = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (pids[k] != pids[i])
            k++;
        different += k == i;
    }
    return different;
}

/* How many workers one after another it takes for 20 items. */
static uint64_t count_workers(const struct procpool_options *options, int64_t chunk)
{
    struct procpool *pool = pool_with(options);
    pid_t pids[20] = {0};
    assert_ok(procpool_map(
        pool, &CALL(.function = pid_task, .n = 20, .chunk = chunk, RESULTS(pids)), &error));
    for (int i = 0; i < 20; i++)
        ck_assert_int_gt(pids[i], 0);
    uint64_t n = count_different(pids, 20);
    ck_assert_uint_eq(counters_of(pool).done, 20);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    ck_assert_uint_ge(counters_of(pool).recycled, n - 1);
    end_pool(pool);
    return n;
}

START_TEST(row_55_chunks_per_worker_counts_chunks)
{
    const struct procpool_options options = {
        .processes = 1, .chunks_per_worker = 2, .engine = engines[_i]};
    ck_assert_uint_eq(count_workers(&options, 5), 2);
    ck_assert_uint_eq(count_workers(&options, 1), 10);
    ck_assert_uint_eq(count_workers(&options, 20), 1);
}
END_TEST

START_TEST(row_55_items_per_worker_counts_items)
{
    struct procpool_options options = {
        .processes = 1, .items_per_worker = 10, .engine = engines[_i]};
    ck_assert_uint_eq(count_workers(&options, 5), 2);
    ck_assert_uint_eq(count_workers(&options, 1), 2);
    options.items_per_worker = 1;
    ck_assert_uint_eq(count_workers(&options, 1), 20);
    /* In the middle of a chunk too: 7, 7 and 6 items. */
    options.items_per_worker = 7;
    ck_assert_uint_eq(count_workers(&options, 5), 3);
    ck_assert_uint_eq(count_workers(&options, 20), 3);
    options.items_per_worker = 1000;
    ck_assert_uint_eq(count_workers(&options, 1), 1);
}
END_TEST

START_TEST(row_55_workers_that_left_are_replaced)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 3, .chunks_per_worker = 10));
    ck_assert_uint_eq(procpool_workers(pool), 3);
    pid_t before[3];
    for (uint32_t w = 0; w < 3; w++) {
        before[w] = procpool_worker_pid(pool, w);
        ck_assert_int_gt(before[w], 0);
    }
    struct procpool_job *jobs[100];
    uint64_t arguments[100], squares[100];
    for (uint64_t i = 0; i < 100; i++) {
        arguments[i] = i;
        jobs[i] = submit_one(pool, &CALL(.function = square_argument, ARGUMENTS(&arguments[i]),
                                         RESULTS(&squares[i])));
    }
    for (uint64_t i = 0; i < 100; i++) {
        assert_ok(procpool_get(jobs[i], WITHIN_NS, &error));
        ck_assert_uint_eq(squares[i], i * i);
        procpool_job_free(jobs[i]);
    }
    /* 100 chunks are at least 8 lives of 10, whoever ran them. */
    assert_soon(counters_of(pool).recycled >= 8);
    ck_assert_uint_le(counters_of(pool).recycled, 10);
    assert_workers_are_there(pool);
    int same = 0;
    for (uint32_t w = 0; w < 3; w++)
        same += procpool_worker_pid(pool, w) == before[w];
    ck_assert_int_lt(same, 3);
    ck_assert_uint_eq(counters_of(pool).lost, 0);
    end_pool(pool);
}
END_TEST

/* uint64_t: the square of the argument, after 300 ms. */
static int slow_square(struct procpool_task *task)
{
    clock_sleep_ns(300 * (uint64_t)MS);
    return square_argument(task);
}

START_TEST(row_56_a_pool_of_limited_workers_that_is_closed_early_finishes)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 3, .chunks_per_worker = 1));
    struct procpool_job *jobs[6];
    uint64_t squares[6];
    for (uint64_t i = 0; i < 6; i++) {
        jobs[i] =
            submit_one(pool, &CALL(.function = slow_square, ARGUMENTS(&i), RESULTS(&squares[i])));
    }
    assert_ok(procpool_close(pool, &error));
    assert_ok(procpool_join(pool, &error));
    for (uint64_t i = 0; i < 6; i++) {
        assert_ok(procpool_get(jobs[i], 0, &error));
        ck_assert_uint_eq(squares[i], i * i);
        procpool_job_free(jobs[i]);
    }
    end_pool(pool);
}
END_TEST

/* --- 57: deaths in a task --------------------------------------------------------------------- */

enum how {
    BY_UNDERSCORE_EXIT,
    BY_UNDERSCORE_EXIT_0,
    BY_EXIT,
    BY_ABORT,
    BY_SIGSEGV,
    BY_SIGKILL,
    BY_SIGTERM,
    N_HOW,
};

static int die(struct procpool_task *task)
{
    switch ((enum how)NUMBER_OF(task->context)) {
    case BY_UNDERSCORE_EXIT:
        _exit(3);
    case BY_UNDERSCORE_EXIT_0:
        _exit(0);
    case BY_EXIT:
        exit(4);
    case BY_ABORT:
        signal(SIGABRT, SIG_DFL);
        abort();
    case BY_SIGSEGV:
        return die_of(SIGSEGV);
    case BY_SIGTERM:
        return die_of(SIGTERM);
    default:
        return die_of(SIGKILL);
    }
}

static const struct {
    int signal, exit_status;
} ends[N_HOW] = {
    [BY_UNDERSCORE_EXIT] = {0, 3}, [BY_UNDERSCORE_EXIT_0] = {0, 0}, [BY_EXIT] = {0, 4},
    [BY_ABORT] = {SIGABRT, 0},     [BY_SIGSEGV] = {SIGSEGV, 0},     [BY_SIGKILL] = {SIGKILL, 0},
    [BY_SIGTERM] = {SIGTERM, 0},
};

static void leave_no_core(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

/* Deviates: in Python the task is lost without a word, and get() waits for ever. */
START_TEST(row_57_the_task_of_a_dead_worker_is_lost_and_says_of_what)
{
    leave_no_core();
    struct procpool *pool = pool_of(2);
    struct procpool_job *job = submit_one(pool, &CALL(.function = die, .context = AS_NUMBER(_i)));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 1);
    struct procpool_status status = status_of(job, 0);
    assert_state(status.state, PROCPOOL_LOST);
    ck_assert_int_eq(status.signal, ends[_i].signal);
    ck_assert_int_eq(status.exit_status, ends[_i].exit_status);
    ck_assert_int_gt(status.pid, 0);
    ck_assert_int_ne(status.pid, getpid());
    ck_assert(wait_gone(status.pid));
    assert_sentence(status.text);
    procpool_job_free(job);

    assert_soon(counters_of(pool).restarts == 1);
    ck_assert_uint_eq(counters_of(pool).lost, 1);
    assert_workers_are_there(pool);
    assert_works(pool);
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
}
END_TEST

/* How a worker dies at items 3 and 11 of 20. */
static int die_at_two_items(struct procpool_task *task)
{
    return task->index == 3 || task->index == 11 ? die(task) : square_index(task);
}

/* The rest of the chunk is run, and only the item in flight is lost. */
START_TEST(row_57_a_death_costs_one_item)
{
    static const struct {
        int processes;
        int64_t chunk;
    } shapes[] = {{1, 1}, {1, 20}, {1, 7}, {2, 1}, {2, 5}, {2, 20}, {5, 4}};
    leave_no_core();
    for (size_t e = 0; e < 2; e++) {
        struct procpool *pool =
            pool_with(&OPTIONS(.processes = shapes[_i].processes, .engine = engines[e]));
        uint64_t squares[20] = {0};
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = die_at_two_items,
                                   .context = AS_NUMBER(e ? BY_UNDERSCORE_EXIT : BY_SIGKILL),
                                   .n = 20, .chunk = shapes[_i].chunk, RESULTS(squares)));
        assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
        ck_assert_uint_eq(error.n_failed, 2);
        ck_assert_uint_eq(error.status.index, 3);
        for (uint64_t i = 0; i < 20; i++) {
            bool dies = i == 3 || i == 11;
            assert_state(status_of(job, i).state, dies ? PROCPOOL_LOST : PROCPOOL_DONE);
            ck_assert_uint_eq(squares[i], dies ? 0 : i * i);
        }
        procpool_job_free(job);
        ck_assert_uint_eq(counters_of(pool).lost, 2);
        ck_assert_uint_eq(counters_of(pool).done, 18);
        end_pool(pool);
    }
}
END_TEST

START_TEST(row_57_other_jobs_go_on)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *other = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    ck_assert(wait_for(&gate->arrived, 1));
    for (int i = 0; i < 10; i++)
        assert_refused(
            procpool_map(pool, &CALL(.function = kill_self, .context = AS_NUMBER(SIGKILL), .n = 1),
                         &error),
            PROCPOOL_ITEMS);
    ck_assert(!procpool_ready(other));
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(other, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&gate->arrived), 1);
    procpool_job_free(other);
    ck_assert_uint_eq(counters_of(pool).lost, 10);
    end_pool(pool);
}
END_TEST

struct siblings {
    _Atomic pid_t pids[13];
    _Atomic uint64_t runs[200];
};

/* Now and then kills whoever was seen last in the seat of another worker. */
static int kill_sibling(struct procpool_task *task)
{
    struct siblings *siblings = task->context;
    atomic_store(&siblings->pids[task->worker], getpid());
    atomic_fetch_add(&siblings->runs[task->index], 1);
    if (task->index % 8 == 5) {
        pid_t victim = atomic_load(&siblings->pids[procpool_random(task, 0) % 13]);
        if (victim > 0 && getpgid(victim) == getpgrp())
            kill(victim, SIGKILL);
    }
    return square_index(task);
}

START_TEST(row_57_workers_may_kill_each_other)
{
    enum { N = 200 };
    static const int workers[] = {1, 2, 5, 13};
    for (size_t e = 0; e < 2; e++) {
        struct procpool *pool = pool_with(&OPTIONS(.processes = workers[_i], .engine = engines[e]));
        struct siblings *siblings = shared(pool, sizeof *siblings);
        uint64_t squares[N] = {0};
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = kill_sibling, .context = siblings, .n = N,
                                   .chunk = 3, RESULTS(squares)));
        ck_assert(procpool_wait(job, 2 * WITHIN_NS));
        uint64_t lost = count_state(job, PROCPOOL_LOST);
        ck_assert_uint_eq(lost + count_state(job, PROCPOOL_DONE), N);
        ck_assert_int_eq(procpool_get(job, 0, NULL), lost > 0 ? -1 : 0);
        for (uint64_t i = 0; i < N; i++) {
            bool is_done = status_of(job, i).state == PROCPOOL_DONE;
            ck_assert_uint_le(atomic_load(&siblings->runs[i]), 1);
            if (is_done)
                ck_assert_uint_eq(atomic_load(&siblings->runs[i]), 1);
            if (is_done)
                ck_assert_uint_eq(squares[i], i * i);
        }
        procpool_job_free(job);
        assert_works(pool);
        end_pool(pool);
    }
}
END_TEST

/* Every item dies: as many deaths as items, and nothing else. */
START_TEST(row_57_every_item_may_die)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .engine = engines[_i]));
    struct procpool_job *job = submit_map(
        pool, &CALL(.function = exit_task, .context = AS_NUMBER(5), .n = 40, .chunk = 3));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 40);
    ck_assert_uint_eq(error.status.index, 0);
    ck_assert_uint_eq(count_state(job, PROCPOOL_LOST), 40);
    for (uint64_t i = 0; i < 40; i++)
        ck_assert_int_eq(status_of(job, i).exit_status, 5);
    procpool_job_free(job);
    assert_soon(counters_of(pool).restarts == 40);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* --- 58, 59: deaths outside a task ------------------------------------------------------------ */

/* Deviates: in Python an idle worker may hold the lock of the queue, and all wait for ever. */
START_TEST(row_58_idle_workers_may_be_killed)
{
    struct procpool *pool = pool_of(2);
    for (unsigned round = 0; round < 24; round++) {
        unsigned victims = round % 3 + 1; /* the first, the second, both */
        assert_workers_are_there(pool);
        for (uint32_t w = 0; w < 2; w++) {
            if (victims & 1u << w)
                kill_worker(pool, w);
        }
        assert_works(pool);
    }
    ck_assert_uint_eq(counters_of(pool).lost, 0);
    assert_soon(counters_of(pool).restarts == 32);
    assert_ok(procpool_terminate(pool, &error));
    end_pool(pool);
}
END_TEST

START_TEST(row_58_terminate_after_idle_workers_were_killed)
{
    struct procpool *pool = pool_of(2);
    if (_i & 1)
        kill_worker(pool, 0);
    if (_i & 2)
        kill_worker(pool, 1);
    assert_ok(_i & 4 ? procpool_drain(pool, &error) : procpool_terminate(pool, &error));
    end_pool(pool);
}
END_TEST

/* Counts the runs of its index in the context, and squares it. */
static int mark_and_square(struct procpool_task *task)
{
    mark_task(task);
    return square_index(task);
}

/* Workers are killed wherever they happen to be, between claims more often than within items. What
 * comes of each item, and how often it was run, must agree all the same. */
START_TEST(row_58_workers_may_be_killed_anywhere)
{
    enum { N = 20000, KILLS = UNIT_REPEATS(25) };
    static const int workers[] = {1, 2, 5};
    for (size_t e = 0; e < 2; e++) {
        struct procpool *pool = pool_with(&OPTIONS(.processes = workers[_i], .engine = engines[e]));
        _Atomic uint64_t *runs = shared(pool, N * sizeof *runs);
        uint64_t *squares = shared(pool, N * sizeof *squares);
        uint64_t n_lost = 0;
        for (int k = 0; k < KILLS; k++) {
            memset(squares, 0, N * sizeof *squares);
            memset((void *)runs, 0, N * sizeof *runs);
            struct procpool_job *job =
                submit_map(pool, &CALL(.function = mark_and_square, .context = (void *)runs, .n = N,
                                       .chunk = 1 + k % 3, .results = squares,
                                       .result_bytes = sizeof *squares));
            clock_sleep_ns((uint64_t)k * 40000);
            kill_worker(pool, (uint32_t)(k % workers[_i]));
            ck_assert(procpool_wait(job, WITHIN_NS));
            ck_assert_uint_eq(procpool_items_left(job), 0);
            uint64_t lost = 0;
            for (uint64_t i = 0; i < N; i++) {
                uint64_t n_runs = atomic_load(&runs[i]);
                enum procpool_state state = state_at(job, i);
                bool is_right = state == PROCPOOL_LOST
                                    ? n_runs <= 1
                                    : state == PROCPOOL_DONE && n_runs == 1 && squares[i] == i * i;
                if (!is_right)
                    ck_abort_msg("engine %d, kill %d: item %d is %s, was run %d times, result %d",
                                 (int)e, k, (int)i, procpool_state_name(state), (int)n_runs,
                                 (int)squares[i]);
                lost += state == PROCPOOL_LOST;
            }
            ck_assert_uint_le(lost, 1);
            ck_assert_int_eq(procpool_successful(job, &error), lost == 0);
            n_lost += lost;
            procpool_job_free(job);
        }
        ck_assert_uint_eq(counters_of(pool).lost, n_lost);
        ck_assert_uint_eq(counters_of(pool).done, (uint64_t)N * KILLS - n_lost);
        ck_assert_uint_eq(counters_of(pool).left, 0);
        end_pool(pool);
    }
}
END_TEST

/* Deviates: in Python close() and join() then wait for ever. */
START_TEST(row_59_join_ends_after_a_lost_task)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = kill_at, .context = AS_NUMBER(4), .n = 10, .chunk = 1));
    assert_ok(procpool_close(pool, &error));
    assert_ok(procpool_join(pool, &error));
    ck_assert(procpool_ready(job));
    assert_state(status_of(job, 4).state, PROCPOOL_LOST);
    ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), 9);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- 60, 61: the end of the parent, and interrupts -------------------------------------------- */

/* What a program of its own tells the test, in memory that both see. */
struct notes {
    _Atomic uint64_t is_up, is_done, n_interrupts;
    _Atomic uint64_t failure;
    pid_t workers[2];
    bool is_busy, ignores_term, handles_interrupt;
};

static struct notes *new_notes(void)
{
    struct notes *notes =
        mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(notes != MAP_FAILED);
    return notes;
}

static int hang_unterminated(struct procpool_task *task)
{
    struct notes *notes = task->context;
    if (notes->ignores_term)
        signal(SIGTERM, SIG_IGN);
    atomic_fetch_add(&notes->is_up, 1);
    return hang_task(task);
}

static int program_to_be_killed(void *data)
{
    struct notes *notes = data;
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 2), NULL);
    if (!pool)
        return 1;
    notes->workers[0] = procpool_worker_pid(pool, 0);
    notes->workers[1] = procpool_worker_pid(pool, 1);
    if (notes->is_busy)
        procpool_map_async(
            pool, &CALL(.function = hang_unterminated, .context = notes, .n = 5, .chunk = 1), NULL);
    else
        atomic_store(&notes->is_up, 2);
    while (true)
        pause();
}

/* Deviates: in Python busy workers live on. */
START_TEST(row_60_workers_end_with_their_parent)
{
    static const int signals[] = {SIGKILL, SIGTERM};
    struct notes *notes = new_notes();
    notes->is_busy = _i >= 2;
    notes->ignores_term = _i >= 4;
    pid_t child = start_child(program_to_be_killed, notes);
    ck_assert(wait_for(&notes->is_up, 2));
    ck_assert_int_eq(kill(child, signals[_i & 1]), 0);
    int status = end_of_child(child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), signals[_i & 1]);
    ck_assert(wait_gone(notes->workers[0]));
    ck_assert(wait_gone(notes->workers[1]));
    ck_assert(wait_nobody_left());
}
END_TEST

static struct notes *noted;

static void count_interrupt(int signal_number)
{
    (void)signal_number;
    atomic_fetch_add(&noted->n_interrupts, 1);
}

static int sleep_and_note(struct procpool_task *task)
{
    struct notes *notes = task->context;
    atomic_fetch_add(&notes->is_up, 1);
    clock_sleep_ns(50 * (uint64_t)MS);
    return 0;
}

static int program_to_be_interrupted(void *data)
{
    noted = data;
    setpgid(0, 0);
    if (noted->handles_interrupt)
        signal(SIGINT, count_interrupt);
    else
        signal(SIGINT, SIG_DFL);
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 2), NULL);
    if (!pool)
        return 1;
    noted->workers[0] = procpool_worker_pid(pool, 0);
    noted->workers[1] = procpool_worker_pid(pool, 1);
    if (procpool_map(pool, &CALL(.function = sleep_and_note, .context = noted, .n = 10, .chunk = 1),
                     NULL))
        return 2;
    struct procpool_counters counters = counters_of(pool);
    procpool_free(pool);
    return counters.done == 10 && counters.restarts == 0 ? 0 : 3;
}

/* As Ctrl-C at a terminal: to the whole group. Workers ignore it, and the parent decides: here, to
 * go on. */
START_TEST(row_61_workers_ignore_an_interrupt_of_the_group)
{
    struct notes *notes = new_notes();
    notes->handles_interrupt = true;
    pid_t child = start_child(program_to_be_interrupted, notes);
    ck_assert(wait_for(&notes->is_up, 2));
    ck_assert_int_eq(kill(-child, SIGINT), 0);
    int status = end_of_child(child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_uint_eq(atomic_load(&notes->n_interrupts), 1);
    ck_assert(wait_nobody_left());
}
END_TEST

START_TEST(row_61_all_are_gone_when_the_parent_dies_of_the_interrupt)
{
    struct notes *notes = new_notes();
    pid_t child = start_child(program_to_be_interrupted, notes);
    ck_assert(wait_for(&notes->is_up, 2));
    ck_assert_int_eq(kill(-child, SIGINT), 0);
    int status = end_of_child(child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    ck_assert(wait_gone(notes->workers[0]));
    ck_assert(wait_gone(notes->workers[1]));
    ck_assert(wait_nobody_left());
}
END_TEST

/* --- 62: results just before a death ---------------------------------------------------------- */

/* Squares the index, and lets a timer end the worker when it is idle. */
static int square_then_die(struct procpool_task *task)
{
    signal(SIGALRM, SIG_DFL);
    mark_task(task);
    square_index(task);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 100000}}, NULL);
    return 0;
}

START_TEST(row_62_a_result_before_a_death_is_kept)
{
    struct procpool *pool = pool_of(1);
    _Atomic uint64_t *runs = shared(pool, sizeof *runs);
    for (uint64_t i = 1; i <= 5; i++) {
        uint64_t square = 9;
        pid_t pid = procpool_worker_pid(pool, 0);
        struct procpool_job *job = submit_one(
            pool, &CALL(.function = square_then_die, .context = (void *)runs, RESULTS(&square)));
        /* Asked for only after the worker is gone and replaced. */
        ck_assert(wait_gone(pid));
        assert_soon(counters_of(pool).restarts == i);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        assert_state(status_of(job, 0).state, PROCPOOL_DONE);
        ck_assert_uint_eq(square, 0);
        ck_assert_uint_eq(atomic_load(runs), i);
        procpool_job_free(job);
    }
    ck_assert_uint_eq(counters_of(pool).lost, 0);
    ck_assert_uint_eq(counters_of(pool).done, 5);
    end_pool(pool);
}
END_TEST

struct race {
    _Atomic uint64_t runs[400];
    _Atomic uint64_t is_over[400]; /* the function was about to return */
};

static int race_the_timer(struct procpool_task *task)
{
    struct race *race = task->context;
    signal(SIGALRM, SIG_DFL);
    atomic_fetch_add(&race->runs[task->index], 1);
    if (task->index % 4 == 0)
        setitimer(ITIMER_REAL,
                  &(struct itimerval){.it_value = {0, 1 + (suseconds_t)(task->index * 2)}}, NULL);
    square_index(task);
    clock_sleep_ns(100000);
    atomic_store(&race->is_over[task->index], 1);
    return 0;
}

/* Deaths around the ends of items: none is run twice, none is both lost and done, and each that is
 * done has its result. */
START_TEST(row_62_no_item_is_run_twice_around_a_death)
{
    enum { N = 400 };
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .engine = engines[_i]));
    struct race *race = shared(pool, sizeof *race);
    uint64_t *squares = shared(pool, N * sizeof *squares);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = race_the_timer, .context = race, .n = N, .chunk = 8,
                               .results = squares, .result_bytes = sizeof *squares));
    ck_assert(procpool_wait(job, 4 * WITHIN_NS));
    uint64_t done = 0, lost = 0;
    for (uint64_t i = 0; i < N; i++) {
        ck_assert_uint_le(atomic_load(&race->runs[i]), 1);
        struct procpool_status status = status_of(job, i);
        if (status.state == PROCPOOL_DONE) {
            done++;
            ck_assert_uint_eq(atomic_load(&race->runs[i]), 1);
            ck_assert_uint_eq(atomic_load(&race->is_over[i]), 1);
            ck_assert_uint_eq(squares[i], i * i);
        } else {
            assert_state(status.state, PROCPOOL_LOST);
            ck_assert_int_eq(status.signal, SIGALRM);
            lost++;
        }
    }
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_eq(counters_of(pool).done, done);
    ck_assert_uint_eq(counters_of(pool).lost, lost);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool life", UNIT_LOOP(row_55_chunks_per_worker_counts_chunks, 0, 2),
          UNIT_LOOP(row_55_items_per_worker_counts_items, 0, 2),
          row_55_workers_that_left_are_replaced,
          row_56_a_pool_of_limited_workers_that_is_closed_early_finishes,
          UNIT_LOOP(row_57_the_task_of_a_dead_worker_is_lost_and_says_of_what, 0, N_HOW),
          UNIT_LOOP(row_57_a_death_costs_one_item, 0, 7), row_57_other_jobs_go_on,
          UNIT_LOOP(row_57_workers_may_kill_each_other, 0, 4),
          UNIT_LOOP(row_57_every_item_may_die, 0, 2), row_58_idle_workers_may_be_killed,
          UNIT_LOOP(row_58_terminate_after_idle_workers_were_killed, 0, 8),
          UNIT_LOOP(row_58_workers_may_be_killed_anywhere, 0, 3),
          row_59_join_ends_after_a_lost_task, UNIT_LOOP(row_60_workers_end_with_their_parent, 0, 6),
          row_61_workers_ignore_an_interrupt_of_the_group,
          row_61_all_are_gone_when_the_parent_dies_of_the_interrupt,
          row_62_a_result_before_a_death_is_kept,
          UNIT_LOOP(row_62_no_item_is_run_twice_around_a_death, 0, 2))
