/* Rows 38 to 49 of the table "coming from Python": results and errors. Where CPython has
 * a test of the row, its numbers of workers and items, chunks and positions of errors are kept. */
#include "pool_watch.h"

/* --- 38 to 42: asking a job ------------------------------------------------------------------- */

/* uint64_t: the square of the argument, after AS_NUMBER(ns). */
static int slow_square(struct procpool_task *task)
{
    clock_sleep_ns((uint64_t)NUMBER_OF(task->context));
    return square_argument(task);
}

START_TEST(row_38_get_returns_the_value_again_and_again)
{
    struct procpool *pool = pool_of(4);
    uint64_t seven = 7, square = 0;
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = slow_square, .context = AS_NUMBER(100 * MS),
                               ARGUMENTS(&seven), RESULTS(&square)));
    for (int i = 0; i < 3; i++) {
        square = 0;
        assert_ok(procpool_get(job, PROCPOOL_FOREVER, &error));
        ck_assert_uint_eq(square, 49);
        ck_assert_uint_eq(*(uint64_t *)procpool_results(job), 49);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_38_get_returns_the_error_again_and_again)
{
    struct procpool *pool = pool_of(4);
    struct procpool_job *job = submit_map(pool, &CALL(.function = fail_odd, .n = 10, .chunk = 1));
    for (int i = 0; i < 3; i++) {
        assert_refused(procpool_get(job, PROCPOOL_FOREVER, &error), PROCPOOL_ITEMS);
        ck_assert_uint_eq(error.n_failed, 5);
        ck_assert_uint_eq(error.status.index, 1);
        ck_assert_int_eq(error.status.code, 101);
        ck_assert_str_eq(error.status.text, "item 1 is odd");
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_38_the_error_is_untouched_on_success_and_may_be_null)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *good = procpool_apply_async(pool, &CALL(.function = null_task), NULL);
    struct procpool_job *bad =
        procpool_apply_async(pool, &CALL(.function = fail_at, .context = AS_NUMBER(0)), NULL);
    ck_assert(good && bad);

    struct procpool_error before, after;
    memset(&before, 0x5a, sizeof before);
    memset(&after, 0x5a, sizeof after);
    ck_assert_int_eq(procpool_get(good, PROCPOOL_FOREVER, &after), 0);
    ck_assert_int_eq(memcmp(&before, &after, sizeof before), 0);
    ck_assert_int_eq(procpool_successful(good, &after), 1);
    ck_assert_int_eq(memcmp(&before, &after, sizeof before), 0);

    ck_assert_int_eq(procpool_get(bad, PROCPOOL_FOREVER, NULL), -1);
    procpool_job_free(good);
    procpool_job_free(bad);
    end_pool(pool);
}
END_TEST

START_TEST(row_39_get_times_out_and_the_task_goes_on)
{
    struct procpool *pool = pool_of(3);
    struct gate *gate = shared(pool, sizeof *gate);
    uint64_t square = 99;
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = gate_task, .context = gate, RESULTS(&square)));
    ck_assert(wait_for(&gate->arrived, 1));

    uint64_t start = clock_now_ns();
    assert_refused(procpool_get(job, 200 * MS, &error), PROCPOOL_TIMEOUT);
    ck_assert_uint_ge(clock_now_ns() - start, 200 * (uint64_t)MS);
    ck_assert_uint_eq(square, 99);

    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, PROCPOOL_FOREVER, &error));
    ck_assert_uint_eq(square, 0);
    ck_assert_uint_eq(atomic_load(&gate->arrived), 1);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_39_a_timeout_at_or_below_zero_looks_and_does_not_wait)
{
    static const int64_t timeouts[] = {0, -1, -SECOND, INT64_MIN};
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        assert_refused(procpool_get(job, timeouts[i], &error), PROCPOOL_TIMEOUT);
        ck_assert(!procpool_wait(job, timeouts[i]));
    }
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, PROCPOOL_FOREVER, &error));
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        assert_ok(procpool_get(job, timeouts[i], &error));
        ck_assert(procpool_wait(job, timeouts[i]));
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Deviates: the wait of Python says nothing. */
START_TEST(row_40_wait_says_whether_it_is_ready)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 4));
    uint64_t start = clock_now_ns();
    ck_assert(!procpool_wait(job, 50 * MS));
    ck_assert_uint_ge(clock_now_ns() - start, 50 * (uint64_t)MS);
    atomic_store(&gate->is_open, 1);
    ck_assert(procpool_wait(job, PROCPOOL_FOREVER));
    ck_assert(procpool_wait(job, 50 * MS));
    procpool_job_free(job);

    /* Of a failed one as well. */
    job = submit_map(pool, &CALL(.function = fail_odd, .n = 4));
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_int_eq(procpool_get(job, 0, NULL), -1);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_41_ready_once_all_items_are_final)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 3, .chunk = 1));
    ck_assert(!procpool_ready(job));
    ck_assert(wait_for(&gate->arrived, 2));
    ck_assert(!procpool_ready(job));
    ck_assert_uint_eq(procpool_items_left(job), 3);
    atomic_store(&gate->is_open, 1);
    assert_soon(procpool_ready(job));
    ck_assert_uint_eq(atomic_load(&gate->passed), 3);
    ck_assert_uint_eq(procpool_items_left(job), 0);
    ck_assert(procpool_ready(job));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_42_successful_only_of_a_ready_job)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    assert_refused(procpool_successful(job, &error), PROCPOOL_NOT_READY);
    atomic_store(&gate->is_open, 1);
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_int_eq(procpool_successful(job, &error), 1);
    procpool_job_free(job);

    job = submit_map(pool, &CALL(.function = fail_at, .n = 100, .context = AS_NUMBER(57)));
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_int_eq(procpool_successful(job, &error), 0);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- 43 to 45: which error, and what else is there -------------------------------------------- */

/* Items 3 and 7 fail, and 7 before 3. */
static int seven_before_three(struct procpool_task *task)
{
    _Atomic uint64_t *seven_failed = task->context;
    if (task->index == 3)
        return wait_for(seven_failed, 1) ? 30 : 31;
    if (task->index == 7) {
        atomic_store(seven_failed, 1);
        return 70;
    }
    return square_index(task);
}

/* Deviates: Python reports the error that arrives first, which here is that of item 7. */
START_TEST(row_43_map_reports_the_lowest_index_and_the_count)
{
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *seven_failed = shared(pool, sizeof *seven_failed);
    uint64_t squares[10] = {0};
    assert_refused(procpool_map(pool,
                                &CALL(.function = seven_before_three, .context = seven_failed,
                                      .n = 10, .chunk = 1, RESULTS(squares)),
                                &error),
                   PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 2);
    ck_assert_uint_eq(error.status.index, 3);
    assert_state(error.status.state, PROCPOOL_FAILED);
    ck_assert_int_eq(error.status.code, 30);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_uint_eq(squares[i], i == 3 || i == 7 ? 0 : i * i);
    end_pool(pool);
}
END_TEST

/* Fails with a text of a mebibyte, item 1 after a second. */
static int fail_large(struct procpool_task *task)
{
    clock_sleep_ns(task->index * (uint64_t)SECOND);
    char *text = malloc(1 << 20);
    memset(text, 'x', (1 << 20) - 1);
    text[(1 << 20) - 1] = '\0';
    int code = procpool_fail(task, 1, "%s", text);
    free(text);
    return code;
}

START_TEST(row_43_map_waits_for_all)
{
    struct procpool *pool = pool_of(2);
    uint64_t start = clock_now_ns();
    assert_refused(procpool_map(pool, &CALL(.function = fail_large, .n = 2), &error),
                   PROCPOOL_ITEMS);
    ck_assert_uint_ge(clock_now_ns() - start, 1000 * (uint64_t)MS);
    ck_assert_uint_eq(error.n_failed, 2);
    ck_assert_uint_eq(error.status.index, 0);
    ck_assert_uint_eq(strlen(error.status.text), sizeof error.status.text - 1);
    ck_assert_uint_eq(strspn(error.status.text, "x"), sizeof error.status.text - 1);
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
}
END_TEST

/* Of a dead worker's item and a failed one too, whichever is known first. */
static int die_at_two_fail_at_five(struct procpool_task *task)
{
    if (task->index == 2)
        die_of(SIGKILL);
    return task->index == 5 ? 50 : square_index(task);
}

START_TEST(row_43_the_lowest_index_among_lost_and_failed)
{
    struct procpool *pool = pool_of(1);
    uint64_t squares[10] = {0};
    struct procpool_job *job = submit_map(
        pool, &CALL(.function = die_at_two_fail_at_five, .n = 10, .chunk = 10, RESULTS(squares)));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 2);
    ck_assert_uint_eq(error.status.index, 2);
    assert_state(error.status.state, PROCPOOL_LOST);
    assert_state(status_of(job, 5).state, PROCPOOL_FAILED);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_uint_eq(squares[i], i == 2 || i == 5 ? 0 : i * i);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* With one worker all is in order, so that what fail_fast stops is exact, within a chunk too. */
START_TEST(row_43_fail_fast_starts_nothing_more)
{
    static const int64_t chunks[] = {1, 5, 10};
    struct procpool *pool = pool_of(1);
    uint64_t squares[10] = {0};
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = fail_at, .n = 10, .context = AS_NUMBER(3),
                               .chunk = chunks[_i], .fail_fast = true, RESULTS(squares)));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 7);
    ck_assert_uint_eq(error.status.index, 3);
    ck_assert_int_eq(error.status.code, 7);
    for (uint64_t i = 0; i < 10; i++) {
        assert_state(status_of(job, i).state, i < 3    ? PROCPOOL_DONE
                                              : i == 3 ? PROCPOOL_FAILED
                                                       : PROCPOOL_CANCELLED);
        ck_assert_uint_eq(squares[i], i < 3 ? i * i : 0);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Deviates: in Python the first error of a chunk discards its other results and stops it. */
START_TEST(row_44_each_item_has_a_status_of_its_own)
{
    struct procpool *pool = pool_of(2);
    uint64_t squares[20] = {0};
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = fail_odd, .n = 20, .chunk = 10, RESULTS(squares)));
    assert_refused(procpool_get(job, PROCPOOL_FOREVER, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 10);
    const uint64_t *results = procpool_results(job);
    for (uint64_t i = 0; i < 20; i++) {
        struct procpool_status status = status_of(job, i);
        ck_assert_uint_eq(status.index, i);
        assert_state(status.state, i % 2 ? PROCPOOL_FAILED : PROCPOOL_DONE);
        ck_assert_int_eq(status.code, i % 2 ? (int)(100 + i) : 0);
        ck_assert_uint_eq(squares[i], i % 2 ? 0 : i * i);
        ck_assert_uint_eq(results[i], squares[i]);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Takes items 0 to 5, of which 3 has failed, in order or in any. */
static void assert_goes_on(struct procpool_iterator *iterator, bool is_ordered)
{
    unsigned seen = 0;
    for (uint64_t i = 0; i < 6; i++) {
        struct procpool_item item;
        int returned = procpool_next(iterator, WITHIN_NS, &item, &error);
        if (is_ordered)
            ck_assert_uint_eq(item.index, i);
        ck_assert_uint_lt(item.index, 6);
        ck_assert_uint_eq(item.status.index, item.index);
        seen |= 1u << item.index;
        if (item.index == 3) {
            ck_assert_int_eq(returned, -1);
            assert_error(PROCPOOL_ITEMS);
            assert_state(item.status.state, PROCPOOL_FAILED);
            ck_assert_int_eq(item.status.code, 7);
            ck_assert_uint_eq(error.status.index, 3);
            ck_assert_int_eq(error.status.code, 7);
        } else {
            ck_assert_int_eq(returned, 0);
            assert_state(item.status.state, PROCPOOL_DONE);
            ck_assert_uint_eq(*(const uint64_t *)item.result, item.index * item.index);
        }
    }
    ck_assert_uint_eq(seen, 0x3f);
    struct procpool_item none;
    assert_refused(procpool_next(iterator, WITHIN_NS, &none, &error), PROCPOOL_END);
    assert_refused(procpool_next(iterator, WITHIN_NS, &none, &error), PROCPOOL_END);
}

/* Deviates: with chunks above 1 the iterator of Python ends at the first error. */
START_TEST(row_45_imap_goes_on_after_an_error)
{
    struct procpool *pool = pool_of(2);
    struct procpool_call call = {.function = fail_at,
                                 .context = AS_NUMBER(3),
                                 .n = 6,
                                 .chunk = _i,
                                 .result_bytes = sizeof(uint64_t)};
    struct procpool_iterator *iterator = start_imap(pool, &call);
    assert_goes_on(iterator, true);
    procpool_iterator_free(iterator);
    iterator = start_imap_unordered(pool, &call);
    assert_goes_on(iterator, false);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* The same of an item that dies with its worker. */
START_TEST(row_45_imap_goes_on_after_a_death)
{
    struct procpool *pool = pool_of(2);
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = kill_at, .context = AS_NUMBER(3), .n = 6, .chunk = _i,
                               .result_bytes = sizeof(uint64_t)));
    for (uint64_t i = 0; i < 6; i++) {
        struct procpool_item item;
        ck_assert_int_eq(procpool_next(iterator, WITHIN_NS, &item, &error), i == 3 ? -1 : 0);
        ck_assert_uint_eq(item.index, i);
        assert_state(item.status.state, i == 3 ? PROCPOOL_LOST : PROCPOOL_DONE);
        if (i == 3)
            ck_assert_int_eq(item.status.signal, SIGKILL);
        else
            ck_assert_uint_eq(*(const uint64_t *)item.result, i * i);
    }
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* --- 46 to 49: what an error says, and what cannot be passed ---------------------------------- */

static int fail_in_many_ways(struct procpool_task *task)
{
    switch (task->index) {
    case 0:
        errno = ENOENT;
        return procpool_fail(task, 123, "no such file: %s", "x.ini");
    case 1:
        return 5; /* errno is what it was before: another item's */
    case 2:
        errno = EIO;
        return 0;
    case 3:
        return procpool_fail(task, 0, "the code of nothing is -1");
    case 4:
        procpool_fail(task, 9, "failed, though it returns 0");
        return 0;
    default:
        return -7;
    }
}

START_TEST(row_46_a_failed_item_says_code_errno_worker_and_text)
{
    static const struct {
        enum procpool_state state;
        int code, error_number;
        const char *text;
    } expected[] = {
        {PROCPOOL_FAILED, 123, ENOENT, "no such file: x.ini"},
        {PROCPOOL_FAILED, 5, 0, ""},
        {PROCPOOL_DONE, 0, 0, ""},
        {PROCPOOL_FAILED, -1, 0, "the code of nothing is -1"},
        {PROCPOOL_FAILED, 9, 0, "failed, though it returns 0"},
        {PROCPOOL_FAILED, -7, 0, ""},
    };
    enum { N = sizeof expected / sizeof *expected };
    struct procpool *pool = pool_of(1);
    pid_t pid = procpool_worker_pid(pool, 0);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = fail_in_many_ways, .n = N, .chunk = N));
    assert_refused(procpool_get(job, PROCPOOL_FOREVER, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 5);
    ck_assert_int_eq(error.status.code, 123);
    assert_says(error.text, "no such file: x.ini");
    for (uint64_t i = 0; i < N; i++) {
        struct procpool_status status = status_of(job, i);
        assert_state(status.state, expected[i].state);
        ck_assert_int_eq(status.code, expected[i].code);
        ck_assert_int_eq(status.error_number, expected[i].error_number);
        ck_assert_int_eq(status.pid, expected[i].state == PROCPOOL_DONE ? 0 : pid);
        ck_assert_int_eq(status.signal, 0);
        ck_assert_int_eq(status.exit_status, 0);
        ck_assert_str_eq(status.text, expected[i].text);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static int failing_source(void *data, void *argument)
{
    (void)data;
    (void)argument;
    return -1;
}

/* An error of the source is not one of a worker. */
START_TEST(row_46_an_error_of_the_source_names_no_worker)
{
    struct procpool *pool = pool_of(1);
    uint64_t squares[1];
    assert_refused(procpool_map(pool,
                                &CALL(.function = square_argument, .source = failing_source,
                                      .argument_bytes = sizeof(uint64_t), RESULTS(squares)),
                                &error),
                   PROCPOOL_SOURCE);
    ck_assert_int_eq(error.status.pid, 0);
    ck_assert_int_eq(error.n_failed, 0);
    end_pool(pool);
}
END_TEST

/* What in Python cannot be pickled is here what does not fit: no hang, and the pool goes on. */
START_TEST(row_47_arguments_that_do_not_fit_are_refused)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 4, .memory_bytes = 64 << 20));
    size_t used = procpool_memory_used(pool);
    const size_t bytes = 8 << 20;
    char *large = calloc(10, bytes);
    ck_assert_ptr_nonnull(large);
    for (int i = 0; i < 20; i++) {
        assert_refused(procpool_map(pool,
                                    &CALL(.function = null_task, .n = 10, .arguments = large,
                                          .argument_bytes = bytes),
                                    &error),
                       PROCPOOL_NO_MEMORY);
        assert_refused_pointer(
            procpool_map_async(
                pool,
                &CALL(.function = null_task, .n = 10, .arguments = large, .argument_bytes = bytes),
                &error),
            PROCPOOL_NO_MEMORY);
        assert_refused(procpool_apply(pool, null_task, large, 10 * bytes, NULL, 0, &error),
                       PROCPOOL_NO_MEMORY);
        assert_refused(procpool_apply(pool, null_task, NULL, 0, large, 10 * bytes, &error),
                       PROCPOOL_NO_MEMORY);
    }
    free(large);
    ck_assert_uint_eq(procpool_memory_used(pool), used);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* Sizes whose product is above what a size can be. */
START_TEST(row_47_sizes_that_overflow_are_refused)
{
    struct procpool *pool = pool_of(2);
    char one = 0;
    const uint64_t most = (uint64_t)1 << 40;
    const struct procpool_call calls[] = {
        {.function = null_task, .n = most, .arguments = &one, .argument_bytes = SIZE_MAX / 2},
        {.function = null_task, .n = most, .arguments = &one, .argument_bytes = (size_t)1 << 24},
        {.function = null_task, .n = most, .result_bytes = SIZE_MAX / 2},
        {.function = null_task, .n = most, .result_bytes = (size_t)1 << 24},
        {.function = null_task, .n = 3, .result_bytes = SIZE_MAX / 3 + 1},
        {.function = null_task, .n = 1, .result_bytes = SIZE_MAX},
        {.function = null_task, .n = 1, .arguments = &one, .argument_bytes = SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        memset(&error, 0, sizeof error);
        ck_assert_int_eq(procpool_map(pool, &calls[i], &error), -1);
        ck_assert_msg(error.code == PROCPOOL_NO_MEMORY || error.code == PROCPOOL_INVALID,
                      "call %zu: %s", i, procpool_code_name(error.code));
        assert_sentence(error.text);
    }
    assert_refused(procpool_map(pool, &CALL(.function = null_task, .n = most + 1), &error),
                   PROCPOOL_INVALID);
    assert_refused(procpool_map(pool, &CALL(.function = NULL, .n = 1), &error), PROCPOOL_INVALID);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* What a task was answered when it put so many bytes. */
struct put {
    size_t bytes;
    int answer, returns;
};

static int put_task(struct procpool_task *task)
{
    static const char data[200] = "abcdefghijklmnopqrstuvwxyz";
    struct put *put = (struct put *)task->context + task->index;
    put->answer = procpool_put(task, data, put->bytes);
    return put->returns;
}

START_TEST(row_48_a_result_too_large_costs_no_worker)
{
    struct procpool *pool = pool_of(2);
    pid_t pids[2] = {procpool_worker_pid(pool, 0), procpool_worker_pid(pool, 1)};
    struct put *put = shared(pool, sizeof *put);
    for (int i = 0; i < 20; i++) {
        struct told told = {0};
        uint64_t result = 1;
        *put = (struct put){.bytes = 100, .answer = 1, .returns = i % 2};
        struct procpool_job *job = submit_one(
            pool, &CALL(.function = put_task, .context = put, RESULTS(&result), TELL(&told)));
        assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
        assert_state(error.status.state, PROCPOOL_TOO_LARGE);
        ck_assert_int_eq(put->answer, -1);
        ck_assert_uint_eq(*(uint64_t *)procpool_results(job), 0);
        ck_assert_uint_eq(atomic_load(&told.n_errors), 1);
        ck_assert_uint_eq(atomic_load(&told.n_callbacks), 0);
        assert_state(told.error.status.state, PROCPOOL_TOO_LARGE);
        procpool_job_free(job);
    }
    for (uint32_t w = 0; w < 2; w++)
        ck_assert_int_eq(procpool_worker_pid(pool, w), pids[w]);
    ck_assert_uint_eq(counters_of(pool).failed, 20);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    end_pool(pool);
}
END_TEST

START_TEST(row_49_the_length_of_a_result_is_checked)
{
    static const struct put puts[] = {
        {.bytes = 0}, {.bytes = 1}, {.bytes = 7}, {.bytes = 8}, {.bytes = 9}, {.bytes = SIZE_MAX},
    };
    enum { N = sizeof puts / sizeof *puts, ROOM = 8 };
    struct procpool *pool = pool_of(1);
    struct put *put = shared(pool, sizeof puts);
    for (size_t i = 0; i < N; i++)
        put[i] = (struct put){.bytes = puts[i].bytes, .answer = 1};
    char results[N][ROOM];
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = put_task, .context = put, .n = N, RESULTS(results)));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 2);
    for (size_t i = 0; i < N; i++) {
        bool fits = put[i].bytes <= ROOM;
        ck_assert_int_eq(put[i].answer, fits ? 0 : -1);
        assert_state(status_of(job, i).state, fits ? PROCPOOL_DONE : PROCPOOL_TOO_LARGE);
        char expected[ROOM] = {0};
        memcpy(expected, "abcdefgh", fits ? put[i].bytes : 0);
        ck_assert_mem_eq(results[i], expected, ROOM);
    }
    procpool_job_free(job);

    /* Where no results are asked for there is no room at all. */
    put[0].bytes = 1;
    assert_refused(procpool_map(pool, &CALL(.function = put_task, .context = put, .n = 1), &error),
                   PROCPOOL_ITEMS);
    assert_state(error.status.state, PROCPOOL_TOO_LARGE);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool results", row_38_get_returns_the_value_again_and_again,
          row_38_get_returns_the_error_again_and_again,
          row_38_the_error_is_untouched_on_success_and_may_be_null,
          row_39_get_times_out_and_the_task_goes_on,
          row_39_a_timeout_at_or_below_zero_looks_and_does_not_wait,
          row_40_wait_says_whether_it_is_ready, row_41_ready_once_all_items_are_final,
          row_42_successful_only_of_a_ready_job, row_43_map_reports_the_lowest_index_and_the_count,
          row_43_map_waits_for_all, row_43_the_lowest_index_among_lost_and_failed,
          UNIT_LOOP(row_43_fail_fast_starts_nothing_more, 0, 3),
          row_44_each_item_has_a_status_of_its_own,
          UNIT_LOOP(row_45_imap_goes_on_after_an_error, 1, 5),
          UNIT_LOOP(row_45_imap_goes_on_after_a_death, 1, 5),
          row_46_a_failed_item_says_code_errno_worker_and_text,
          row_46_an_error_of_the_source_names_no_worker,
          row_47_arguments_that_do_not_fit_are_refused, row_47_sizes_that_overflow_are_refused,
          row_48_a_result_too_large_costs_no_worker, row_49_the_length_of_a_result_is_checked)
