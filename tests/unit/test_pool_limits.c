/* What a pool does beside running items when workers die or take too long: retries, a cap on
 * restarts, and time limits. */
#include "pool_watch.h"

static const enum procpool_engine engines[] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

/* --- retries ---------------------------------------------------------------------------------- */

/* What the items of a call do, and how often they were run. */
struct trial {
    _Atomic uint64_t runs[20], dirty;
    uint64_t dies, n_deaths; /* this item, so often */
};

/* Dies halfway through its result, so often as the trial says, and then finds that half again. */
static int die_some_times(struct procpool_task *task)
{
    struct trial *trial = task->context;
    uint64_t *result = task->result;
    if (*result != 0)
        atomic_fetch_add(&trial->dirty, *result == 12345 ? 1 : 1000);
    uint64_t run = atomic_fetch_add(&trial->runs[task->index], 1);
    *result = 12345;
    if (task->index == trial->dies && run < trial->n_deaths)
        die_of(SIGKILL);
    return square_index(task);
}

static struct procpool_job *start_trial(struct procpool *pool, struct trial *trial, int64_t chunk)
{
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = die_some_times, .context = trial, .n = 20,
                               .chunk = chunk, .result_bytes = sizeof(uint64_t)));
    ck_assert(procpool_wait(job, WITHIN_NS));
    return job;
}

START_TEST(an_item_is_run_again_so_often_as_retries_says)
{
    static const int64_t chunks[] = {1, 5, 20};
    for (int n_deaths = 0; n_deaths <= 3; n_deaths++) {
        struct procpool *pool =
            pool_with(&OPTIONS(.processes = 2, .retries = 2, .engine = engines[_i % 2]));
        struct trial *trial = shared(pool, sizeof *trial);
        trial->dies = 7;
        trial->n_deaths = (uint64_t)n_deaths;
        struct procpool_job *job = start_trial(pool, trial, chunks[_i / 2]);
        const uint64_t *squares = procpool_results(job);
        bool is_lost = n_deaths > 2;
        for (uint64_t i = 0; i < 20; i++) {
            uint64_t runs = i == 7 ? 1 + (uint64_t)(is_lost ? 2 : n_deaths) : 1;
            ck_assert_uint_eq(atomic_load(&trial->runs[i]), runs);
            assert_state(status_of(job, i).state,
                         i == 7 && is_lost ? PROCPOOL_LOST : PROCPOOL_DONE);
            if (i != 7 || !is_lost)
                ck_assert_uint_eq(squares[i], i * i);
        }
        ck_assert_uint_eq(atomic_load(&trial->dirty), (uint64_t)(is_lost ? 2 : n_deaths));
        ck_assert_int_eq(procpool_successful(job, &error), !is_lost);
        ck_assert_uint_eq(counters_of(pool).lost, is_lost);
        ck_assert_uint_eq(counters_of(pool).done, 20 - is_lost);
        assert_soon(counters_of(pool).restarts == (uint64_t)n_deaths);
        procpool_job_free(job);
        end_pool(pool);
    }
}
END_TEST

/* An item that fails, or is over the time limit, is not run again. */
static int count_and_fail(struct procpool_task *task)
{
    count_task(task);
    return 7;
}

static int count_and_hang(struct procpool_task *task)
{
    count_task(task);
    return hang_task(task);
}

START_TEST(only_deaths_are_retried)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 1, .retries = 5, .time_limit_ns = 1000 * MS));
    _Atomic uint64_t *n = shared(pool, sizeof *n);
    assert_refused(
        procpool_map(pool, &CALL(.function = count_and_fail, .context = (void *)n, .n = 1), &error),
        PROCPOOL_ITEMS);
    assert_state(error.status.state, PROCPOOL_FAILED);
    ck_assert_uint_eq(atomic_load(n), 1);
    assert_refused(
        procpool_map(pool, &CALL(.function = count_and_hang, .context = (void *)n, .n = 1), &error),
        PROCPOOL_ITEMS);
    assert_state(error.status.state, PROCPOOL_OVERDUE);
    ck_assert_uint_eq(atomic_load(n), 2);
    end_pool(pool);
}
END_TEST

/* Iterators too go on only once the item has its final state. */
START_TEST(imap_retries)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .retries = 1));
    struct trial *trial = shared(pool, sizeof *trial);
    trial->dies = 4;
    trial->n_deaths = 1;
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = die_some_times, .context = trial, .n = 20, .chunk = 3,
                               .result_bytes = sizeof(uint64_t)));
    for (uint64_t i = 0; i < 20; i++) {
        struct procpool_item item;
        assert_ok(procpool_next(iterator, WITHIN_NS, &item, &error));
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(*(const uint64_t *)item.result, i * i);
    }
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* --- restarts --------------------------------------------------------------------------------- */

/* So many restarts, and each item kills its worker: that many and one more, then all is over. */
START_TEST(restarts_end_where_the_cap_says)
{
    static const int64_t caps[] = {-1, 1, 3};
    uint64_t n_restarts = caps[_i % 3] < 0 ? 0 : (uint64_t)caps[_i % 3];
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 1, .restarts = caps[_i % 3], .engine = engines[_i / 3]));
    struct procpool_job *job = submit_map(
        pool, &CALL(.function = exit_task, .context = AS_NUMBER(5), .n = 10, .chunk = 1));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 10);
    for (uint64_t i = 0; i < 10; i++) {
        struct procpool_status status = status_of(job, i);
        assert_state(status.state, PROCPOOL_LOST);
        assert_sentence(status.text);
        ck_assert_int_eq(status.exit_status, i <= n_restarts ? 5 : 0);
        ck_assert_int_eq(status.pid != 0, i <= n_restarts);
    }
    ck_assert_uint_eq(counters_of(pool).restarts, n_restarts);
    ck_assert_uint_eq(counters_of(pool).lost, 10);
    ck_assert_uint_eq(counters_of(pool).left, 0);
    ck_assert_int_eq(procpool_worker_pid(pool, 0), 0);
    procpool_job_free(job);

    /* Soon it says so at once. */
    do
        ck_assert_int_eq(procpool_map(pool, &CALL(.function = null_task, .n = 1), &error), -1);
    while (error.code == PROCPOOL_ITEMS);
    assert_error(PROCPOOL_BROKEN);
    assert_refused_pointer(procpool_imap(pool, &CALL(.function = null_task, .n = 1), &error),
                           PROCPOOL_BROKEN);
    assert_refused(procpool_each(pool, null_task, NULL, &error), PROCPOOL_BROKEN);
    if (_i % 2)
        assert_ok(procpool_drain(pool, &error));
    else
        assert_ok(procpool_terminate(pool, &error));
    end_pool(pool);
}
END_TEST

START_TEST(any_number_of_restarts_where_there_is_no_cap)
{
    struct procpool *pool = pool_of(1);
    assert_refused(
        procpool_map(pool,
                     &CALL(.function = exit_task, .context = AS_NUMBER(5), .n = 100, .chunk = 10),
                     &error),
        PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 100);
    assert_soon(counters_of(pool).restarts == 100);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* Those that are left do the work of the others. */
START_TEST(a_worker_that_may_not_be_replaced_leaves_its_work_to_the_others)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 3, .restarts = -1, .engine = engines[_i]));
    for (uint32_t w = 0; w < 2; w++) {
        kill_worker(pool, w);
        assert_soon(procpool_worker_pid(pool, w) == 0);
        assert_works(pool);
    }
    ck_assert_uint_eq(procpool_workers(pool), 3);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = kill_at, .context = AS_NUMBER(15), .n = 20, .chunk = 1));
    ck_assert(procpool_wait(job, WITHIN_NS));
    /* The last worker dies at 15; what comes after it is lost with it. */
    ck_assert_int_eq(status_of(job, 15).signal, SIGKILL);
    ck_assert_uint_eq(counters_of(pool).done, 20 + 20 + count_state(job, PROCPOOL_DONE));
    ck_assert_uint_eq(count_state(job, PROCPOOL_DONE) + count_state(job, PROCPOOL_LOST), 20);
    if (engines[_i] == PROCPOOL_IN_ORDER)
        ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), 15);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* All jobs that wait are told, not only the one that was run. */
START_TEST(every_job_of_a_broken_pool_becomes_ready)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .restarts = -1));
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *jobs[4];
    jobs[0] = procpool_apply_async(pool, &CALL(.function = gate_task, .context = gate), &error);
    for (int i = 1; i < 4; i++)
        jobs[i] = procpool_map_async(
            pool, &CALL(.function = null_task, .n = 10 * (uint64_t)i, .engine = engines[i % 2]),
            &error);
    ck_assert(jobs[0] && jobs[1] && jobs[2] && jobs[3]);
    ck_assert(wait_for(&gate->arrived, 1));
    kill_worker(pool, 0);
    for (int i = 0; i < 4; i++) {
        assert_refused(procpool_get(jobs[i], WITHIN_NS, &error), PROCPOOL_ITEMS);
        ck_assert_uint_eq(error.n_failed, i ? 10 * (uint64_t)i : 1);
        ck_assert_uint_eq(count_state(jobs[i], PROCPOOL_LOST), i ? 10 * (uint64_t)i : 1);
        procpool_job_free(jobs[i]);
    }
    ck_assert_uint_eq(counters_of(pool).lost, 61);
    end_pool(pool);
}
END_TEST

/* The process that looks after the workers, their parent, may be killed as well. */
START_TEST(a_pool_without_its_zygote_is_broken)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t zygote = process_of(procpool_worker_pid(pool, 0)).parent;
    ck_assert_int_ne(zygote, getpid());
    struct procpool_job *running =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 10, .chunk = 1));
    struct procpool_job *waiting = submit_map(pool, &CALL(.function = null_task, .n = 30));
    if (_i)
        ck_assert(wait_for(&gate->arrived, 2));
    ck_assert_int_eq(kill(zygote, SIGKILL), 0);
    assert_refused(procpool_get(running, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(count_state(running, PROCPOOL_LOST), 10);
    assert_refused(procpool_get(waiting, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(count_state(waiting, PROCPOOL_LOST), 30);
    assert_refused(procpool_map(pool, &CALL(.function = null_task, .n = 1), &error),
                   PROCPOOL_BROKEN);
    ck_assert_uint_eq(counters_of(pool).lost, 40);
    procpool_job_free(running);
    procpool_job_free(waiting);
    if (_i)
        assert_ok(procpool_terminate(pool, &error));
    procpool_free(pool);
    ck_assert(wait_nobody_left());
}
END_TEST

/* Workers that leave as they should are no deaths. */
START_TEST(recycling_is_no_restart)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 2, .restarts = -1, .items_per_worker = 1));
    for (int i = 0; i < 3; i++)
        assert_works(pool);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    assert_soon(counters_of(pool).recycled == 60);
    end_pool(pool);
}
END_TEST

/* --- time limits ------------------------------------------------------------------------------ */

enum way_to_stay { PAUSING, LOOPING, STOPPED, N_WAYS };

static int stay_at_three(struct procpool_task *task)
{
    if (task->index != 3)
        return square_index(task);
    switch ((enum way_to_stay)NUMBER_OF(task->context)) {
    case LOOPING:
        for (volatile unsigned n = 0;; n++)
            ;
    case STOPPED:
        raise(SIGSTOP);
        return hang_task(task);
    default:
        return hang_task(task);
    }
}

START_TEST(an_item_over_the_time_limit_is_ended_with_its_worker)
{
    for (size_t e = 0; e < 2; e++) {
        struct procpool *pool =
            pool_with(&OPTIONS(.processes = 1, .time_limit_ns = 800 * MS, .engine = engines[e]));
        pid_t pid = procpool_worker_pid(pool, 0);
        uint64_t squares[10] = {0};
        uint64_t start = clock_now_ns();
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = stay_at_three, .context = AS_NUMBER(_i), .n = 10,
                                   .chunk = 5, RESULTS(squares)));
        assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
        ck_assert_uint_ge(clock_now_ns() - start, 800 * (uint64_t)MS * 7 / 8);
        ck_assert_uint_eq(error.n_failed, 1);
        struct procpool_status status = status_of(job, 3);
        assert_state(status.state, PROCPOOL_OVERDUE);
        ck_assert_int_eq(status.pid, pid);
        assert_sentence(status.text);
        ck_assert(wait_gone(pid));
        for (uint64_t i = 0; i < 10; i++)
            ck_assert_uint_eq(squares[i], i == 3 ? 0 : i * i);
        ck_assert_uint_eq(counters_of(pool).overdue, 1);
        ck_assert_uint_eq(counters_of(pool).lost, 0);
        ck_assert_uint_eq(counters_of(pool).done, 9);
        procpool_job_free(job);
        assert_works(pool);
        end_pool(pool);
    }
}
END_TEST

/* Below the limit each, above it together: the clock starts anew with each item. */
START_TEST(the_limit_is_of_one_item)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .time_limit_ns = 2000 * MS));
    assert_ok(procpool_map(
        pool, &CALL(.function = sleep_task, .context = AS_NUMBER(250 * MS), .n = 10, .chunk = 10),
        &error));
    ck_assert_uint_eq(counters_of(pool).overdue, 0);
    /* Nor does waiting in the queue, or idly, count. */
    clock_sleep_ns(2500 * (uint64_t)MS);
    assert_works(pool);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    end_pool(pool);
}
END_TEST

START_TEST(a_worker_that_is_stopped_idle_is_ended)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .time_limit_ns = 1000 * MS));
    pid_t pid = procpool_worker_pid(pool, 0);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    struct procpool_job *job = submit_map(pool, &CALL(.function = null_task, .n = 10));
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_int_ne(procpool_worker_pid(pool, 0), pid);
    assert_works(pool);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static int hang_initially(void *argument, uint32_t worker)
{
    (void)argument;
    while (worker == 1)
        pause();
    return 0;
}

START_TEST(an_initializer_over_the_time_limit_is_a_failed_start)
{
    uint64_t start = clock_now_ns();
    assert_refused_pointer(procpool_new(&OPTIONS(.processes = 2, .initializer = hang_initially,
                                                 .time_limit_ns = 300 * MS),
                                        &error),
                           PROCPOOL_START);
    ck_assert_uint_lt(clock_now_ns() - start, (uint64_t)WITHIN_NS);
    ck_assert(no_children_left());
}
END_TEST

/* Every item hangs, in every worker. */
START_TEST(limits_end_what_hangs_everywhere)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 5, .time_limit_ns = 100 * MS, .engine = engines[_i]));
    struct procpool_job *job = submit_map(pool, &CALL(.function = hang_task, .n = 15, .chunk = 3));
    assert_refused(procpool_get(job, 2 * WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(count_state(job, PROCPOOL_OVERDUE), 15);
    ck_assert_uint_eq(counters_of(pool).overdue, 15);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool limits", UNIT_LOOP(an_item_is_run_again_so_often_as_retries_says, 0, 6),
          only_deaths_are_retried, imap_retries, UNIT_LOOP(restarts_end_where_the_cap_says, 0, 6),
          any_number_of_restarts_where_there_is_no_cap,
          UNIT_LOOP(a_worker_that_may_not_be_replaced_leaves_its_work_to_the_others, 0, 2),
          every_job_of_a_broken_pool_becomes_ready,
          UNIT_LOOP(a_pool_without_its_zygote_is_broken, 0, 2), recycling_is_no_restart,
          UNIT_LOOP(an_item_over_the_time_limit_is_ended_with_its_worker, 0, N_WAYS),
          the_limit_is_of_one_item, a_worker_that_is_stopped_idle_is_ended,
          an_initializer_over_the_time_limit_is_a_failed_start,
          UNIT_LOOP(limits_end_what_hangs_everywhere, 0, 2))
