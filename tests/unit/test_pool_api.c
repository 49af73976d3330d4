/* What procpool.h promises beside the rows of the table: names, states, counters, cancelling,
 * and asking each worker. */
#include "pool_watch.h"

/* --- names and errors ------------------------------------------------------------------------- */

static void assert_is_name(const char *name)
{
    ck_assert_uint_gt(strlen(name), 1);
    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz _-"), strlen(name));
}

START_TEST(states_and_codes_have_names)
{
    for (int i = PROCPOOL_PENDING; i <= PROCPOOL_TERMINATED; i++) {
        assert_is_name(procpool_state_name((enum procpool_state)i));
        for (int k = PROCPOOL_PENDING; k < i; k++)
            ck_assert_str_ne(procpool_state_name((enum procpool_state)i),
                             procpool_state_name((enum procpool_state)k));
    }
    for (int i = PROCPOOL_OK; i <= PROCPOOL_ITEMS; i++) {
        assert_is_name(procpool_code_name((enum procpool_code)i));
        for (int k = PROCPOOL_OK; k < i; k++)
            ck_assert_str_ne(procpool_code_name((enum procpool_code)i),
                             procpool_code_name((enum procpool_code)k));
    }
    ck_assert_str_eq(procpool_state_name(PROCPOOL_LOST), "lost");
    ck_assert_str_eq(procpool_code_name(PROCPOOL_BROKEN), "broken");
    ck_assert_str_eq(procpool_state_name((enum procpool_state)(PROCPOOL_TERMINATED + 1)), "?");
    ck_assert_str_eq(procpool_state_name((enum procpool_state) - 1), "?");
    ck_assert_str_eq(procpool_code_name((enum procpool_code)(PROCPOOL_ITEMS + 1)), "?");
    ck_assert_str_eq(procpool_code_name((enum procpool_code) - 1), "?");
}
END_TEST

START_TEST(apply_runs_one_item)
{
    struct procpool *pool = pool_of(2);
    uint64_t twelve = 12, square = 0;
    assert_ok(procpool_apply(pool, square_argument, &twelve, sizeof twelve, &square, sizeof square,
                             &error));
    ck_assert_uint_eq(square, 144);
    assert_ok(procpool_apply(pool, null_task, NULL, 0, NULL, 0, &error));
    assert_refused(procpool_apply(pool, fail_at, NULL, 0, NULL, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 1);
    ck_assert_int_eq(error.status.code, 7);
    assert_refused(procpool_apply(pool, NULL, NULL, 0, NULL, 0, &error), PROCPOOL_INVALID);

    /* Of a call of more items the first one alone. */
    uint64_t squares[3] = {9, 9, 9};
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = square_index, .n = 3, RESULTS(squares)));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(procpool_items(job), 1);
    ck_assert_uint_eq(squares[0], 0);
    ck_assert_uint_eq(squares[1], 9);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(status_says_pending_and_knows_its_range)
{
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 3));
    struct procpool_status status;
    for (uint64_t i = 0; i < 3; i++) {
        assert_state(status_of(job, i).state, PROCPOOL_PENDING);
        ck_assert_uint_eq(status_of(job, i).index, i);
    }
    assert_refused(procpool_status(job, 3, &status, &error), PROCPOOL_INVALID);
    assert_refused(procpool_status(job, UINT64_MAX, &status, &error), PROCPOOL_INVALID);
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    for (uint64_t i = 0; i < 3; i++)
        assert_state(status_of(job, i).state, PROCPOOL_DONE);
    assert_refused(procpool_status(job, 3, &status, &error), PROCPOOL_INVALID);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static int always_fail(struct procpool_task *task)
{
    return task->index < 1000000 ? 7 : 8;
}

/* The details of 65536 are kept, here of the first, since one worker runs them in order. */
START_TEST(more_failures_than_are_kept)
{
    enum { N = 70000, KEPT = 65536 };
    struct procpool *pool = pool_of(1);
    struct procpool_job *job = submit_map(pool, &CALL(.function = always_fail, .n = N));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, N);
    ck_assert_uint_eq(error.status.index, 0);
    uint64_t failed = 0, with_code = 0, with_text = 0;
    for (uint64_t i = 0; i < N; i++) {
        struct procpool_status status;
        ck_assert(procpool_status(job, i, &status, NULL) == 0);
        failed += status.state == PROCPOOL_FAILED && status.index == i;
        with_code += status.code == 7;
        with_text += status.text[0] != '\0' && i >= KEPT;
    }
    ck_assert_uint_eq(failed, N);
    ck_assert_uint_ge(with_code, KEPT);
    ck_assert_uint_lt(with_code, KEPT + 100);
    ck_assert_uint_eq(with_text, N - with_code);
    ck_assert_uint_eq(counters_of(pool).failed, N);
    procpool_job_free(job);
    /* That was of the job: another one has all its details. */
    assert_refused(procpool_map(pool, &CALL(.function = always_fail, .n = 2), &error),
                   PROCPOOL_ITEMS);
    ck_assert_int_eq(error.status.code, 7);
    end_pool(pool);
}
END_TEST

/* --- counters --------------------------------------------------------------------------------- */

/* By its index: fails, dies, hangs, waits at the gate, or squares. */
static int all_kinds(struct procpool_task *task)
{
    switch (task->index % 10) {
    case 3:
        return 7;
    case 5:
        die_of(SIGKILL);
        return 0;
    case 7:
        return procpool_put(task, "too large", 10);
    default:
        return task->index == 8 ? hang_task(task) : square_index(task);
    }
}

START_TEST(counters_add_up)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .time_limit_ns = 1500 * MS));
    struct procpool_counters counters = counters_of(pool), zero = {0};
    ck_assert_int_eq(memcmp(&counters, &zero, sizeof zero), 0);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = all_kinds, .n = 40, .chunk = 3, .result_bytes = 8));
    ck_assert(procpool_wait(job, WITHIN_NS));
    counters = counters_of(pool);
    ck_assert_uint_eq(counters.done, 27);
    ck_assert_uint_eq(counters.failed, 8);
    ck_assert_uint_eq(counters.lost, 4);
    ck_assert_uint_eq(counters.overdue, 1);
    ck_assert_uint_eq(counters.left, 0);
    ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), 27);
    ck_assert_uint_eq(count_state(job, PROCPOOL_FAILED), 4);
    ck_assert_uint_eq(count_state(job, PROCPOOL_TOO_LARGE), 4);
    ck_assert_uint_eq(count_state(job, PROCPOOL_LOST), 4);
    ck_assert_uint_eq(count_state(job, PROCPOOL_OVERDUE), 1);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Items 0 to 9 are over, odd ones failed; 10 and later wait at the gate. */
static int gate_at_ten(struct procpool_task *task)
{
    return task->index < 10 ? (int)(task->index % 2) : gate_task(task);
}

START_TEST(counters_are_of_the_moment)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_at_ten, .context = gate, .n = 30, .chunk = 1));
    ck_assert(wait_for(&gate->arrived, 2));
    struct procpool_counters counters = counters_of(pool);
    ck_assert_uint_eq(counters.done, 5);
    ck_assert_uint_eq(counters.failed, 5);
    ck_assert_uint_eq(counters.left, 20);
    ck_assert_uint_eq(procpool_items_left(job), 20);
    struct procpool_job *next = submit_map(pool, &CALL(.function = null_task, .n = 100));
    ck_assert_uint_eq(counters_of(pool).left, 120);
    atomic_store(&gate->is_open, 1);
    ck_assert(procpool_wait(job, WITHIN_NS));
    assert_ok(procpool_get(next, WITHIN_NS, &error));
    counters = counters_of(pool);
    ck_assert_uint_eq(counters.done, 125);
    ck_assert_uint_eq(counters.failed, 5);
    ck_assert_uint_eq(counters.left, 0);
    procpool_job_free(job);
    procpool_job_free(next);
    end_pool(pool);
}
END_TEST

/* While items run, also with deaths: what is done only grows, and nothing is counted beyond what
 * was submitted. */
START_TEST(counters_only_grow)
{
    enum { N = 3000 };
    struct procpool *pool = pool_of(2);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = kill_at, .context = AS_NUMBER(N / 2), .n = N, .chunk = 1,
                               .result_bytes = 8));
    struct procpool_counters last = {.left = N};
    uint64_t last_left = N, fell = 0, rose = 0, too_many = 0;
    while (!procpool_ready(job)) {
        struct procpool_counters now = counters_of(pool);
        uint64_t left = procpool_items_left(job);
        fell += now.done < last.done || now.lost < last.lost;
        rose += left > last_left;
        too_many += now.done + now.lost > N || now.left > N;
        last = now;
        last_left = left;
        clock_sleep_ns(100000);
    }
    ck_assert_msg(fell + rose + too_many == 0, "%d fell, %d rose, %d were too many", (int)fell,
                  (int)rose, (int)too_many);
    ck_assert_uint_eq(counters_of(pool).done, N - 1);
    ck_assert_uint_eq(counters_of(pool).lost, 1);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- cancelling ------------------------------------------------------------------------------- */

static int gate_at_zero(struct procpool_task *task)
{
    struct gate *gate = task->context;
    if (task->index == 0)
        return gate_task(task);
    atomic_fetch_add(&gate->passed, 1);
    return 0;
}

/* The item that runs ends well, and the next one is not started, of the same chunk or not. */
START_TEST(cancel_is_exact)
{
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    int64_t chunk = _i;
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_at_zero, .context = gate, .n = 20, .chunk = chunk));
    ck_assert(wait_for(&gate->arrived, 1));
    assert_ok(procpool_cancel(job, &error));
    ck_assert(!procpool_ready(job));
    assert_state(status_of(job, 0).state, PROCPOOL_PENDING);
    assert_state(status_of(job, 19).state, PROCPOOL_CANCELLED);
    assert_ok(procpool_cancel(job, &error));
    atomic_store(&gate->is_open, 1);
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(atomic_load(&gate->passed), 1);
    ck_assert_uint_eq(error.n_failed, 19);
    for (uint64_t i = 0; i < 20; i++)
        assert_state(status_of(job, i).state, i == 0 ? PROCPOOL_DONE : PROCPOOL_CANCELLED);
    assert_state(error.status.state, PROCPOOL_CANCELLED);
    ck_assert_uint_eq(error.status.index, 1);
    ck_assert_int_eq(error.status.pid, 0);
    ck_assert_uint_eq(counters_of(pool).left, 0);
    ck_assert_uint_eq(counters_of(pool).done, 1);
    procpool_job_free(job);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* A job of which nothing was started becomes ready at once, though the worker is busy. */
START_TEST(cancel_of_a_waiting_job_makes_it_ready)
{
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    _Atomic uint64_t *n = shared(pool, sizeof *n);
    struct procpool_job *first = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    struct procpool_job *second =
        submit_map(pool, &CALL(.function = count_task, .context = (void *)n, .n = 50,
                               .engine = _i ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER));
    struct procpool_job *third =
        submit_map(pool, &CALL(.function = count_task, .context = (void *)n, .n = 50));
    ck_assert(wait_for(&gate->arrived, 1));
    assert_ok(procpool_cancel(second, &error));
    ck_assert(procpool_wait(second, WITHIN_NS));
    ck_assert(!procpool_ready(first));
    ck_assert_uint_eq(count_state(second, PROCPOOL_CANCELLED), 50);
    ck_assert_int_eq(procpool_successful(second, &error), 0);
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(first, WITHIN_NS, &error));
    assert_ok(procpool_get(third, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(n), 50);
    procpool_job_free(first);
    procpool_job_free(second);
    procpool_job_free(third);
    end_pool(pool);
}
END_TEST

START_TEST(cancel_that_comes_too_late_changes_nothing)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job = submit_map(pool, &CALL(.function = null_task, .n = 10));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    assert_ok(procpool_cancel(job, &error));
    assert_ok(procpool_get(job, 0, &error));
    ck_assert_int_eq(procpool_successful(job, &error), 1);
    ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), 10);
    procpool_job_free(job);
    job = submit_map(pool, &CALL(.function = null_task, .n = 0));
    assert_ok(procpool_cancel(job, &error));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* As many items as a call may have. */
START_TEST(cancel_of_a_call_of_the_most_items)
{
    const uint64_t most = (uint64_t)1 << 40;
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = most, .chunk = 1,
                               .engine = _i ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER));
    ck_assert_uint_eq(procpool_items(job), most);
    ck_assert_uint_eq(procpool_chunk_count(job), most);
    ck_assert(wait_for(&gate->arrived, 2));
    assert_ok(procpool_cancel(job, &error));
    atomic_store(&gate->is_open, 1);
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(atomic_load(&gate->passed), 2);
    ck_assert_uint_eq(error.n_failed, most - 2);
    assert_state(status_of(job, 0).state, PROCPOOL_DONE);
    assert_state(status_of(job, most - 1).state, PROCPOOL_CANCELLED);
    ck_assert_uint_eq(counters_of(pool).left, 0);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Of each worker the item that it is at ends. */
START_TEST(cancel_is_exact_when_stealing)
{
    enum { N = 1000, CHUNK = 4 };
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = N, .chunk = CHUNK,
                               .engine = PROCPOOL_STEALING));
    ck_assert(wait_for(&gate->arrived, 2));
    assert_ok(procpool_cancel(job, &error));
    atomic_store(&gate->is_open, 1);
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), 2);
    ck_assert_uint_eq(count_state(job, PROCPOOL_CANCELLED), N - 2);
    ck_assert_uint_eq(atomic_load(&gate->passed), 2);
    ck_assert_uint_eq(error.n_failed, N - 2);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Cancelled anywhere while it runs, with deaths between: each item is in one final state, and was
 * run when it is done. */
START_TEST(cancel_at_any_time_leaves_every_item_final)
{
    enum { N = 2000 };
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *runs = shared(pool, N * sizeof *runs);
    for (int i = 0; i < 40; i++) {
        memset((void *)runs, 0, N * sizeof *runs);
        struct procpool_job *job = submit_map(
            pool, &CALL(.function = mark_task, .context = (void *)runs, .n = N, .chunk = 1 + i % 4,
                        .engine = _i ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER));
        clock_sleep_ns((uint64_t)i * 10000);
        if (i % 8 == 7)
            kill_worker(pool, (uint32_t)i / 8 % 2);
        assert_ok(procpool_cancel(job, &error));
        ck_assert(procpool_wait(job, WITHIN_NS));
        uint64_t wrong = 0, lost = 0;
        for (uint64_t k = 0; k < N; k++) {
            enum procpool_state state = state_at(job, k);
            lost += state == PROCPOOL_LOST;
            if (state == PROCPOOL_DONE)
                wrong += atomic_load(&runs[k]) != 1;
            else if (state == PROCPOOL_CANCELLED)
                wrong += atomic_load(&runs[k]) != 0;
            else
                wrong += state != PROCPOOL_LOST;
        }
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_le(lost, i % 8 == 7);
        procpool_job_free(job);
    }
    ck_assert_uint_eq(counters_of(pool).left, 0);
    end_pool(pool);
}
END_TEST

/* With several workers: one item failed, the others that were started ended, the rest is cancelled.
 */
START_TEST(fail_fast_with_several_workers)
{
    enum { N = 500 };
    struct procpool *pool = pool_of(5);
    _Atomic uint64_t *runs = shared(pool, N * sizeof *runs);
    struct procpool_job *job = submit_map(
        pool, &CALL(.function = fail_at, .context = AS_NUMBER(20), .n = N, .chunk = 2,
                    .fail_fast = true, .engine = _i ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    uint64_t done = count_state(job, PROCPOOL_DONE);
    uint64_t cancelled = count_state(job, PROCPOOL_CANCELLED);
    ck_assert_uint_eq(done + cancelled, N - 1);
    ck_assert_uint_eq(error.n_failed, cancelled + 1);
    assert_state(status_of(job, 20).state, PROCPOOL_FAILED);
    /* The reason is told, though items before it may be among those that were cancelled. */
    ck_assert_uint_eq(error.status.index, 20);
    ck_assert_int_eq(error.status.code, 7);
    procpool_job_free(job);

    /* A call that does not fail is not disturbed. */
    assert_ok(procpool_map(
        pool, &CALL(.function = mark_task, .context = (void *)runs, .n = N, .fail_fast = true),
        &error));
    for (uint64_t i = 0; i < N; i++)
        ck_assert_uint_eq(atomic_load(&runs[i]), 1);
    end_pool(pool);
}
END_TEST

/* A lost item ends a fail_fast call as well as a failed one. */
START_TEST(fail_fast_after_a_death)
{
    struct procpool *pool = pool_of(1);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = kill_at, .context = AS_NUMBER(3), .n = 10, .chunk = 5,
                               .result_bytes = 8, .fail_fast = true));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    for (uint64_t i = 0; i < 10; i++)
        assert_state(status_of(job, i).state, i < 3    ? PROCPOOL_DONE
                                              : i == 3 ? PROCPOOL_LOST
                                                       : PROCPOOL_CANCELLED);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- each worker ------------------------------------------------------------------------------ */

struct roll {
    _Atomic uint64_t calls[5];
    _Atomic uint64_t wrong;
    pid_t pids[5];
};

static int answer_the_roll(struct procpool_task *task)
{
    struct roll *roll = task->context;
    if (task->index != task->worker || (int)task->worker != procpool_self())
        atomic_fetch_add(&roll->wrong, 1);
    atomic_fetch_add(&roll->calls[task->worker], 1);
    roll->pids[task->worker] = getpid();
    return 0;
}

static void assert_roll(struct procpool *pool, struct roll *roll)
{
    memset(roll, 0, sizeof *roll);
    assert_ok(procpool_each(pool, answer_the_roll, roll, &error));
    ck_assert_uint_eq(atomic_load(&roll->wrong), 0);
    for (uint32_t w = 0; w < procpool_workers(pool); w++)
        ck_assert_uint_eq(atomic_load(&roll->calls[w]), 1);
}

START_TEST(each_worker_is_called_once)
{
    struct procpool *pool = pool_of(5);
    struct roll *roll = shared(pool, sizeof *roll);
    ck_assert_int_eq(procpool_self(), -1);
    for (int i = 0; i < 20; i++) {
        assert_roll(pool, roll);
        for (uint32_t w = 0; w < 5; w++)
            ck_assert_int_eq(roll->pids[w], procpool_worker_pid(pool, w));
    }
    end_pool(pool);
}
END_TEST

START_TEST(each_worker_is_called_once_also_when_workers_change)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 5, .chunks_per_worker = 2));
    struct roll *roll = shared(pool, sizeof *roll);
    for (int i = 0; i < 20; i++) {
        assert_works(pool);
        if (i % 4 == 3)
            kill_worker(pool, (uint32_t)i / 4 % 5);
        assert_roll(pool, roll);
    }
    ck_assert_uint_gt(counters_of(pool).recycled, 20);
    end_pool(pool);
}
END_TEST

START_TEST(each_reports_who_failed)
{
    struct procpool *pool = pool_of(4);
    assert_refused(procpool_each(pool, fail_odd, NULL, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 2);
    ck_assert_uint_eq(error.status.index, 1);
    ck_assert_str_eq(error.status.text, "item 1 is odd");
    assert_refused(procpool_each(pool, NULL, NULL, &error), PROCPOOL_INVALID);
    assert_refused(procpool_each(pool, kill_self, AS_NUMBER(SIGKILL), &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 4);
    assert_state(error.status.state, PROCPOOL_LOST);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

struct progress {
    _Atomic uint64_t n_started, least_seen;
};

static int start_slowly(struct procpool_task *task)
{
    struct progress *progress = task->context;
    atomic_fetch_add(&progress->n_started, 1);
    clock_sleep_ns(2 * (uint64_t)MS);
    return 0;
}

static int see_progress(struct procpool_task *task)
{
    struct progress *progress = task->context;
    uint64_t n = atomic_load(&progress->n_started), least = atomic_load(&progress->least_seen);
    while (n < least && !atomic_compare_exchange_weak(&progress->least_seen, &least, n))
        ;
    return 0;
}

/* By the time a worker is asked, all that was submitted before has been claimed: all but what the
 * other workers are about to start. */
START_TEST(each_comes_after_what_was_submitted_before)
{
    struct procpool *pool = pool_of(3);
    struct progress *progress = shared(pool, sizeof *progress);
    atomic_store(&progress->least_seen, UINT64_MAX);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = start_slowly, .context = progress, .n = 60, .chunk = 1));
    assert_ok(procpool_each(pool, see_progress, progress, &error));
    ck_assert_uint_ge(atomic_load(&progress->least_seen), 58);
    ck_assert_uint_le(atomic_load(&progress->least_seen), 60);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool api", states_and_codes_have_names, apply_runs_one_item,
          status_says_pending_and_knows_its_range, more_failures_than_are_kept, counters_add_up,
          counters_are_of_the_moment, counters_only_grow, UNIT_LOOP(cancel_is_exact, 1, 8),
          UNIT_LOOP(cancel_of_a_waiting_job_makes_it_ready, 0, 2),
          cancel_that_comes_too_late_changes_nothing,
          UNIT_LOOP(cancel_of_a_call_of_the_most_items, 0, 2), cancel_is_exact_when_stealing,
          UNIT_LOOP(cancel_at_any_time_leaves_every_item_final, 0, 2),
          UNIT_LOOP(fail_fast_with_several_workers, 0, 2), fail_fast_after_a_death,
          each_worker_is_called_once, each_worker_is_called_once_also_when_workers_change,
          each_reports_who_failed, each_comes_after_what_was_submitted_before)
