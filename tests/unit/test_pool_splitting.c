/* The process pool against Python's, rows 23 to 33: how items are split into chunks, and in which
 * order they run and come back. Each test is named after its row of the table in docs/procpool.md.
 */
#include "pool_tasks.h"

static const enum procpool_engine engines[] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

enum { N_ENGINES = sizeof engines / sizeof *engines };

/* --- chunks ----------------------------------------------------------------------------------- */

START_TEST(row_23_default_chunk_is_a_quarter_of_a_share)
{
    static const int workers[] = {1, 2, 3, 5};
    static const uint64_t items[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 100, 1000, 1001, 4096};
    int w = workers[_i];
    struct procpool *pool = pool_of(w);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        uint64_t n = items[i], parts = 4 * (uint64_t)w, chunk = n / parts + (n % parts != 0);
        struct procpool_job *job = submit_map(pool, &CALL(.function = null_task, .n = n));
        ck_assert_uint_eq(procpool_items(job), n);
        ck_assert_uint_eq(procpool_chunk_size(job), chunk);
        ck_assert_uint_eq(procpool_chunk_count(job), (n + chunk - 1) / chunk);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        procpool_job_free(job);
    }
    end_pool(pool);
}
END_TEST

START_TEST(row_23_default_chunk_is_one_when_stealing)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = null_task, .n = 1000, .engine = PROCPOOL_STEALING));
    ck_assert_uint_eq(procpool_chunk_size(job), 1);
    ck_assert_uint_eq(procpool_chunk_count(job), 1000);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static int source_of_nothing(void *data, void *argument)
{
    (void)argument;
    ++*(int *)data;
    return 0;
}

START_TEST(row_24_no_items_are_ready_at_once)
{
    struct procpool *pool = pool_of(1);
    uint64_t untouched = 77;
    for (int64_t chunk = 0; chunk < 2; chunk++) {
        struct procpool_call call =
            CALL(.function = kill_self, .context = AS_NUMBER(SIGKILL), .n = 0, .chunk = chunk,
                 .engine = engines[_i], RESULTS(&untouched));
        assert_ok(procpool_map(pool, &call, &error));
        struct procpool_job *job = submit_map(pool, &call);
        ck_assert(procpool_ready(job));
        ck_assert_int_eq(procpool_successful(job, &error), 1);
        assert_ok(procpool_get(job, 0, &error));
        ck_assert_uint_eq(procpool_items(job), 0);
        ck_assert_uint_eq(procpool_chunk_count(job), 0);
        ck_assert_uint_eq(procpool_items_left(job), 0);
        procpool_job_free(job);

        call.results = NULL;
        struct procpool_iterator *iterator = start_imap(pool, &call);
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
        iterator = start_imap_unordered(pool, &call);
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
    }
    ck_assert_uint_eq(untouched, 77);
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
}
END_TEST

START_TEST(row_24_empty_source_is_ready_at_once)
{
    struct procpool *pool = pool_of(1);
    int calls = 0;
    struct procpool_call call =
        CALL(.function = kill_self, .context = AS_NUMBER(SIGKILL), .source = source_of_nothing,
             .source_data = &calls, .argument_bytes = sizeof(uint64_t));
    assert_ok(procpool_map(pool, &call, &error));
    ck_assert_int_eq(calls, 1);
    struct procpool_job *job = submit_map(pool, &call);
    ck_assert(procpool_ready(job));
    ck_assert_uint_eq(procpool_items(job), 0);
    procpool_job_free(job);
    struct procpool_iterator *iterator = start_imap(pool, &call);
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    iterator = start_imap_unordered(pool, &call);
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    /* A source that has said that there is no more is not asked again. */
    ck_assert_int_eq(calls, 4);
    end_pool(pool);
}
END_TEST

static const int64_t negative[] = {-1, -20, INT64_MIN};

enum { N_NEGATIVE = sizeof negative / sizeof *negative };

/* Python returns a list of None there, and runs nothing. */
START_TEST(row_25_negative_chunk_is_refused)
{
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *calls = shared(pool, sizeof *calls);
    size_t used = procpool_memory_used(pool);
    for (int i = 0; i < N_NEGATIVE; i++) {
        for (int e = 0; e < N_ENGINES; e++) {
            struct procpool_call call = CALL(.function = count_task, .context = (void *)calls,
                                             .n = 10, .chunk = negative[i], .engine = engines[e]);
            assert_refused(procpool_map(pool, &call, &error), PROCPOOL_INVALID);
            assert_says(error.text, "chunk");
            assert_refused_pointer(procpool_map_async(pool, &call, &error), PROCPOOL_INVALID);
            call.n = 0;
            assert_refused(procpool_map(pool, &call, &error), PROCPOOL_INVALID);
        }
    }
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(*calls, 0);
    ck_assert_uint_eq(procpool_memory_used(pool), used);
    end_pool(pool);
}
END_TEST

START_TEST(row_26_negative_chunk_of_imap_is_refused)
{
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *calls = shared(pool, sizeof *calls);
    for (int i = 0; i < N_NEGATIVE; i++) {
        struct procpool_call call =
            CALL(.function = count_task, .context = (void *)calls, .n = 10, .chunk = negative[i]);
        assert_refused_pointer(procpool_imap(pool, &call, &error), PROCPOOL_INVALID);
        assert_says(error.text, "chunk");
        assert_refused_pointer(procpool_imap_unordered(pool, &call, &error), PROCPOOL_INVALID);
        assert_says(error.text, "chunk");
    }
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(*calls, 0);
    end_pool(pool);
}
END_TEST

START_TEST(row_27_chunk_above_n_is_one_chunk)
{
    static const int64_t chunks[] = {10, 11, 1000, INT64_MAX};
    struct procpool *pool = pool_of(3);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        pid_t pids[10];
        struct procpool_job *job = submit_map(
            pool, &CALL(.function = pid_task, .n = 10, .chunk = chunks[i], RESULTS(pids)));
        ck_assert_uint_eq(procpool_chunk_count(job), 1);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        for (int k = 1; k < 10; k++)
            ck_assert_int_eq(pids[k], pids[0]);
        procpool_job_free(job);

        uint64_t squares[10];
        assert_ok(procpool_map(pool,
                               &CALL(.function = square_index, .n = 10, .chunk = chunks[i],
                                     .engine = PROCPOOL_STEALING, RESULTS(squares)),
                               &error));
        assert_squares(squares, 10);

        struct procpool_iterator *iterator =
            start_imap(pool, &CALL(.function = square_index, .n = 10, .chunk = chunks[i],
                                   .result_bytes = sizeof(uint64_t)));
        for (uint64_t k = 0; k < 10; k++) {
            struct procpool_item item = next_done(iterator);
            ck_assert_uint_eq(result_of(&item), k * k);
        }
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
    }
    end_pool(pool);
}
END_TEST

/* Each item of [0, n) runs once, and of what lies beyond nothing. */
static void assert_each_once(struct procpool *pool, uint64_t n, int64_t chunk,
                             enum procpool_engine engine, uint64_t chunk_count)
{
    _Atomic uint64_t *marks = shared(pool, (n + 64) * sizeof *marks);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = mark_task, .context = (void *)marks, .n = n,
                               .chunk = chunk, .engine = engine));
    ck_assert_uint_eq(procpool_chunk_count(job), chunk_count);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    for (uint64_t i = 0; i < n + 64; i++)
        ck_assert_uint_eq(marks[i], i < n ? 1 : 0);
    procpool_job_free(job);
    procpool_release(pool, (void *)marks);
}

START_TEST(row_28_last_chunk_is_short)
{
    struct procpool *pool = pool_of(3);
    enum procpool_engine engine = engines[_i];
    assert_each_once(pool, 100, 20, engine, 5);
    assert_each_once(pool, 101, 20, engine, 6);
    assert_each_once(pool, 99, 20, engine, 5);
    assert_each_once(pool, 81, 20, engine, 5);
    assert_each_once(pool, 80, 20, engine, 4);
    assert_each_once(pool, 1, 20, engine, 1);
    assert_each_once(pool, 7, 1, engine, 7);
    end_pool(pool);
}
END_TEST

/* --- order ------------------------------------------------------------------------------------ */

enum { N_ORDERED = 60, ORDERED_CHUNK = 4 };

/* When and by whom each item was run. */
struct diary {
    _Atomic uint64_t clock;
    uint64_t when[2 * N_ORDERED];
    uint32_t worker[2 * N_ORDERED];
};

static void note(struct diary *diary, uint64_t at, uint32_t worker)
{
    diary->when[at] = atomic_fetch_add(&diary->clock, 1);
    diary->worker[at] = worker;
}

static int diary_task(struct procpool_task *task)
{
    note(task->context, task->index, task->worker);
    return 0;
}

static int second_diary_task(struct procpool_task *task)
{
    note(task->context, N_ORDERED + task->index, task->worker);
    return 0;
}

START_TEST(row_29_one_worker_runs_all_jobs_in_order)
{
    struct procpool *pool = pool_of(1);
    struct diary *diary = shared(pool, sizeof *diary);
    struct procpool_call call = CALL(.function = diary_task, .context = diary, .n = N_ORDERED,
                                     .chunk = ORDERED_CHUNK, .engine = engines[_i]);
    struct procpool_job *first = submit_map(pool, &call);
    call.function = second_diary_task;
    struct procpool_job *second = submit_map(pool, &call);
    assert_ok(procpool_get(second, WITHIN_NS, &error));
    ck_assert(procpool_ready(first));
    for (uint64_t i = 0; i < 2 * N_ORDERED; i++)
        ck_assert_uint_eq(diary->when[i], i);
    procpool_job_free(first);
    procpool_job_free(second);
    end_pool(pool);
}
END_TEST

START_TEST(row_29_chunks_are_consecutive_items_handed_out_in_order)
{
    struct procpool *pool = pool_of(3);
    struct diary *diary = shared(pool, sizeof *diary);
    assert_ok(procpool_map(
        pool,
        &CALL(.function = diary_task, .context = diary, .n = N_ORDERED, .chunk = ORDERED_CHUNK),
        &error));
    /* A chunk is run by one worker from front to back; the chunks of a worker ascend. */
    for (uint64_t i = 0; i < N_ORDERED; i++) {
        if (i % ORDERED_CHUNK > 0)
            ck_assert_uint_eq(diary->worker[i], diary->worker[i - 1]);
        for (uint64_t before = 0; before < i; before++)
            if (diary->worker[before] == diary->worker[i])
                ck_assert_uint_lt(diary->when[before], diary->when[i]);
    }
    end_pool(pool);
}
END_TEST

/* Item 0 waits until all others are through. */
static int first_waits_for_others(struct procpool_task *task)
{
    _Atomic uint64_t *others = task->context;
    if (task->index > 0)
        atomic_fetch_add(others, 1);
    else if (!wait_for(others, 30))
        return 1;
    return task->result ? square_index(task) : 0;
}

/* Had items a worker of their own from the start, some would wait for item 0, which waits for them.
 */
START_TEST(row_29_whoever_is_free_takes_the_next)
{
    for (int workers = 2; workers <= 5; workers += 3) {
        struct procpool *pool = pool_of(workers);
        _Atomic uint64_t *others = shared(pool, sizeof *others);
        assert_ok(procpool_map(pool,
                               &CALL(.function = first_waits_for_others, .context = (void *)others,
                                     .n = 31, .chunk = 1, .engine = engines[_i]),
                               &error));
        ck_assert_uint_eq(*others, 30);
        end_pool(pool);
    }
}
END_TEST

/* The later the item, the sooner it ends. */
static int hurry(struct procpool_task *task)
{
    clock_sleep_ns(task->index < 20 ? (20 - task->index) * 300000 : 0);
    return square_argument(task);
}

START_TEST(row_30_results_of_map_are_in_order)
{
    struct procpool *pool = pool_of(4);
    enum procpool_engine engine = engines[_i];
    uint64_t numbers[100], squares[100];
    for (uint64_t i = 0; i < 100; i++)
        numbers[i] = i;
    assert_ok(procpool_map(pool,
                           &CALL(.function = square_argument, .n = 10, .engine = engine,
                                 ARGUMENTS(numbers), RESULTS(squares)),
                           &error));
    assert_squares(squares, 10);
    memset(squares, 0, sizeof squares);
    assert_ok(procpool_map(pool,
                           &CALL(.function = square_argument, .n = 100, .chunk = 20,
                                 .engine = engine, ARGUMENTS(numbers), RESULTS(squares)),
                           &error));
    assert_squares(squares, 100);
    memset(squares, 0, sizeof squares);
    assert_ok(procpool_map(pool,
                           &CALL(.function = hurry, .n = 30, .chunk = 1, .engine = engine,
                                 ARGUMENTS(numbers), RESULTS(squares)),
                           &error));
    assert_squares(squares, 30);
    end_pool(pool);
}
END_TEST

/* Results are kept with the job, copied to private memory, or written in place. */
START_TEST(row_30_results_are_in_order_wherever_they_lie)
{
    struct procpool *pool = pool_of(2);
    struct procpool_call call = CALL(.function = square_index, .n = 10,
                                     .result_bytes = sizeof(uint64_t), .engine = engines[_i]);
    struct procpool_job *job = submit_map(pool, &call);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    assert_squares(procpool_results(job), 10);
    procpool_job_free(job);

    uint64_t private[10] = {0};
    call.results = private;
    job = submit_map(pool, &call);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    assert_squares(procpool_results(job), 10);
    ck_assert_ptr_ne(procpool_results(job), private);
    assert_squares(private, 10);
    procpool_job_free(job);

    uint64_t *in_place = shared(pool, 10 * sizeof *in_place);
    call.results = in_place;
    job = submit_map(pool, &call);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_ptr_eq(procpool_results(job), in_place);
    assert_squares(in_place, 10);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_31_imap_is_in_order)
{
    static const struct {
        uint64_t n;
        int64_t chunk;
    } cases[] = {{10, 0}, {10, 1}, {1000, 100}, {1000, 7}, {1, 1}};
    struct procpool *pool = pool_of(4);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct procpool_iterator *iterator = start_imap(
            pool, &CALL(.function = square_index, .n = cases[c].n, .chunk = cases[c].chunk,
                        .engine = engines[_i], .result_bytes = sizeof(uint64_t)));
        for (uint64_t i = 0; i < cases[c].n; i++) {
            struct procpool_item item = next_done(iterator);
            ck_assert_uint_eq(item.index, i);
            ck_assert_uint_eq(result_of(&item), i * i);
        }
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
    }
    end_pool(pool);
}
END_TEST

struct line {
    _Atomic uint64_t others; /* that are through */
    _Atomic uint64_t is_open;
};

/* Item 0 waits for the test. */
static int head_of_line(struct procpool_task *task)
{
    struct line *line = task->context;
    if (task->index == 0) {
        if (!wait_for(&line->is_open, 1))
            return 1;
    } else {
        atomic_fetch_add(&line->others, 1);
    }
    return square_index(task);
}

START_TEST(row_31_imap_keeps_what_is_early)
{
    struct procpool *pool = pool_of(2);
    struct line *line = shared(pool, sizeof *line);
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = head_of_line, .context = line, .n = 8, .buffersize = 8,
                               .result_bytes = sizeof(uint64_t)));
    struct procpool_item item;
    assert_refused(procpool_next(iterator, 0, &item, &error), PROCPOOL_TIMEOUT);
    ck_assert(wait_for(&line->others, 7));
    assert_refused(procpool_next(iterator, 20 * MS, &item, &error), PROCPOOL_TIMEOUT);
    atomic_store(&line->is_open, 1);
    for (uint64_t i = 0; i < 8; i++) {
        item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

START_TEST(row_32_imap_unordered_hands_over_each_once)
{
    static const struct {
        uint64_t n;
        int64_t chunk;
    } cases[] = {{10, 0}, {1000, 100}, {1000, 7}};
    struct procpool *pool = pool_of(4);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        bool seen[1000] = {false};
        struct procpool_iterator *iterator = start_imap_unordered(
            pool, &CALL(.function = square_index, .n = cases[c].n, .chunk = cases[c].chunk,
                        .engine = engines[_i], .result_bytes = sizeof(uint64_t)));
        for (uint64_t i = 0; i < cases[c].n; i++) {
            struct procpool_item item = next_done(iterator);
            ck_assert_uint_lt(item.index, cases[c].n);
            ck_assert(!seen[item.index]);
            seen[item.index] = true;
            ck_assert_uint_eq(result_of(&item), item.index * item.index);
        }
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
    }
    end_pool(pool);
}
END_TEST

START_TEST(row_32_imap_unordered_does_not_wait_for_the_slow)
{
    struct procpool *pool = pool_of(2);
    struct line *line = shared(pool, sizeof *line);
    struct procpool_iterator *iterator =
        start_imap_unordered(pool, &CALL(.function = head_of_line, .context = line, .n = 30,
                                         .result_bytes = sizeof(uint64_t)));
    /* One worker is at item 0, so the other runs the rest in their order. */
    for (uint64_t i = 1; i < 30; i++)
        ck_assert_uint_eq(next_done(iterator).index, i);
    struct procpool_item item;
    assert_refused(procpool_next(iterator, 0, &item, &error), PROCPOOL_TIMEOUT);
    atomic_store(&line->is_open, 1);
    ck_assert_uint_eq(next_done(iterator).index, 0);
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

START_TEST(row_32_chunks_arrive_as_a_whole)
{
    struct procpool *pool = pool_of(3);
    struct line *line = shared(pool, sizeof *line);
    struct procpool_iterator *iterator = start_imap_unordered(
        pool, &CALL(.function = head_of_line, .context = line, .n = 22, .chunk = 4,
                    .buffersize = 24, .result_bytes = sizeof(uint64_t)));
    /* Item 0 holds up the three after it. */
    bool seen[6] = {false};
    for (int c = 0; c < 5; c++) {
        uint64_t first = next_done(iterator).index;
        ck_assert_uint_eq(first % 4, 0);
        ck_assert_uint_ge(first, 4);
        ck_assert_uint_lt(first, 22);
        ck_assert(!seen[first / 4]);
        seen[first / 4] = true;
        for (uint64_t i = first + 1; i < first + 4 && i < 22; i++)
            ck_assert_uint_eq(next_done(iterator).index, i);
    }
    atomic_store(&line->is_open, 1);
    for (uint64_t i = 0; i < 4; i++)
        ck_assert_uint_eq(next_done(iterator).index, i);
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* --- arguments -------------------------------------------------------------------------------- */

static int multiply(struct procpool_task *task)
{
    uint64_t x = *(const uint64_t *)task->arguments[0], y = *(const uint64_t *)task->arguments[1];
    if (task->argument != task->arguments[0])
        return 1;
    *(uint64_t *)task->result = x * y;
    return 0;
}

START_TEST(row_33_starmap_gives_each_column)
{
    static const struct {
        uint64_t n;
        int64_t chunk;
    } cases[] = {{10, 0}, {100, 20}, {100, 0}};
    struct procpool *pool = pool_of(4);
    uint64_t up[100], down[100], products[100];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        uint64_t n = cases[c].n;
        for (uint64_t i = 0; i < n; i++) {
            up[i] = i;
            down[i] = n - 1 - i;
        }
        const struct procpool_column columns[] = {{up, sizeof *up}, {down, sizeof *down}};
        struct procpool_call call =
            CALL(.function = multiply, .n = n, .chunk = cases[c].chunk, .columns = columns,
                 .n_columns = 2, .engine = engines[_i], RESULTS(products));
        memset(products, 0xff, sizeof products);
        assert_ok(procpool_starmap(pool, &call, &error));
        for (uint64_t i = 0; i < n; i++)
            ck_assert_uint_eq(products[i], i * (n - 1 - i));

        memset(products, 0xff, sizeof products);
        struct procpool_job *job = procpool_starmap_async(pool, &call, &error);
        ck_assert_msg(job != NULL, "%s", error.text);
        /* What was not shared was copied, so it may change now. */
        memset(up, 0, sizeof up);
        memset(down, 0, sizeof down);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        for (uint64_t i = 0; i < n; i++)
            ck_assert_uint_eq(products[i], i * (n - 1 - i));
        procpool_job_free(job);
    }
    end_pool(pool);
}
END_TEST

/* Adds up eight columns of different sizes. */
static int add_columns(struct procpool_task *task)
{
    uint64_t sum = 0;
    for (int k = 0; k < PROCPOOL_MOST_COLUMNS; k++) {
        const unsigned char *bytes = task->arguments[k];
        for (int b = 0; b <= k; b++)
            sum += bytes[b];
    }
    *(uint64_t *)task->result = sum;
    return 0;
}

START_TEST(row_33_columns_may_be_of_any_size)
{
    enum { N = 20, MOST = PROCPOOL_MOST_COLUMNS };
    struct procpool *pool = pool_of(2);
    struct procpool_column columns[MOST + 1] = {{NULL, 0}};
    uint64_t sums[N], expected[N] = {0};
    for (size_t k = 0; k < MOST; k++) {
        /* Every other one lies in shared memory and is not copied. */
        size_t bytes = k + 1;
        unsigned char *records = k % 2 ? shared(pool, N * bytes) : malloc(N * bytes);
        for (size_t at = 0; at < N * bytes; at++) {
            records[at] = (unsigned char)(at * 7 + k);
            expected[at / bytes] += records[at];
        }
        columns[k] = (struct procpool_column){records, bytes};
    }
    struct procpool_call call =
        CALL(.function = add_columns, .n = N, .columns = columns, .n_columns = MOST, RESULTS(sums));
    assert_ok(procpool_starmap(pool, &call, &error));
    ck_assert_mem_eq(sums, expected, sizeof sums);
    /* Plain map takes them as well. */
    memset(sums, 0, sizeof sums);
    assert_ok(procpool_map(pool, &call, &error));
    ck_assert_mem_eq(sums, expected, sizeof sums);

    columns[MOST] = columns[0];
    call.n_columns = MOST + 1;
    assert_refused(procpool_starmap(pool, &call, &error), PROCPOOL_INVALID);
    for (size_t k = 0; k < MOST; k += 2)
        free((void *)columns[k].records);
    end_pool(pool);
}
END_TEST

START_TEST(row_33_starmap_without_columns_is_refused)
{
    struct procpool *pool = pool_of(1);
    uint64_t numbers[3] = {1, 2, 3};
    struct procpool_call call = CALL(.function = null_task, .n = 3, ARGUMENTS(numbers));
    assert_refused(procpool_starmap(pool, &call, &error), PROCPOOL_INVALID);
    assert_says(error.text, "column");
    assert_refused_pointer(procpool_starmap_async(pool, &call, &error), PROCPOOL_INVALID);
    end_pool(pool);
}
END_TEST

START_TEST(row_33_apply_gives_its_argument)
{
    struct procpool *pool = pool_of(4);
    for (uint64_t x = 3; x <= 7; x += 2) {
        uint64_t square = 0;
        assert_ok(
            procpool_apply(pool, square_argument, &x, sizeof x, &square, sizeof square, &error));
        ck_assert_uint_eq(square, x * x);
        struct procpool_job *job = procpool_apply_async(
            pool, &CALL(.function = square_argument, ARGUMENTS(&x), RESULTS(&square)), &error);
        ck_assert_msg(job != NULL, "%s", error.text);
        square = 0;
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        ck_assert_uint_eq(square, x * x);
        ck_assert_uint_eq(procpool_items(job), 1);
        procpool_job_free(job);
    }
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool splitting", UNIT_LOOP(row_23_default_chunk_is_a_quarter_of_a_share, 0, 4),
          row_23_default_chunk_is_one_when_stealing,
          UNIT_LOOP(row_24_no_items_are_ready_at_once, 0, N_ENGINES),
          row_24_empty_source_is_ready_at_once, row_25_negative_chunk_is_refused,
          row_26_negative_chunk_of_imap_is_refused, row_27_chunk_above_n_is_one_chunk,
          UNIT_LOOP(row_28_last_chunk_is_short, 0, N_ENGINES),
          UNIT_LOOP(row_29_one_worker_runs_all_jobs_in_order, 0, N_ENGINES),
          row_29_chunks_are_consecutive_items_handed_out_in_order,
          UNIT_LOOP(row_29_whoever_is_free_takes_the_next, 0, N_ENGINES),
          UNIT_LOOP(row_30_results_of_map_are_in_order, 0, N_ENGINES),
          UNIT_LOOP(row_30_results_are_in_order_wherever_they_lie, 0, N_ENGINES),
          UNIT_LOOP(row_31_imap_is_in_order, 0, N_ENGINES), row_31_imap_keeps_what_is_early,
          UNIT_LOOP(row_32_imap_unordered_hands_over_each_once, 0, N_ENGINES),
          row_32_imap_unordered_does_not_wait_for_the_slow, row_32_chunks_arrive_as_a_whole,
          UNIT_LOOP(row_33_starmap_gives_each_column, 0, N_ENGINES),
          row_33_columns_may_be_of_any_size, row_33_starmap_without_columns_is_refused,
          row_33_apply_gives_its_argument)
