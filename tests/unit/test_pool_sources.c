/* The process pool against Python's, rows 34 to 37: where arguments come from, and that memory is
 * given back. Each test is named after its row of the table in docs/procpool.md. */
#include "pool_tasks.h"

#include <pthread.h>

static const enum procpool_engine engines[] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

enum { N_ENGINES = sizeof engines / sizeof *engines };

/* --- sources ---------------------------------------------------------------------------------- */

/* Waits until so much is in use: what a job had is given back when it has been freed and no worker
 * looks at it any more. */
static bool wait_used(struct procpool *pool, size_t used)
{
    uint64_t until = clock_now_ns() + (uint64_t)WITHIN_NS;
    while (procpool_memory_used(pool) != used) {
        if (clock_now_ns() > until)
            return false;
        clock_sleep_ns(500000);
    }
    return true;
}

/* Gives 0, 1, 2 … and fails or ends where it is told to. */
struct generator {
    uint64_t total; /* items; then it ends */
    int64_t when;   /* the call that fails, or none: -1 */
    uint64_t calls;
    pthread_t caller;
    const _Atomic uint64_t *started; /* where not NULL: that nothing has been run yet */
    bool was_early;
};

static int generate(void *data, void *argument)
{
    struct generator *generator = data;
    uint64_t call = generator->calls++;
    generator->caller = pthread_self();
    if (generator->started && atomic_load(generator->started) > 0)
        generator->was_early = true;
    if ((int64_t)call == generator->when)
        return -1;
    if (call >= generator->total)
        return 0;
    memcpy(argument, &call, sizeof call);
    return 1;
}

/* Items square_argument of a generator. */
#define FROM(generator)                                                                            \
    .function = square_argument, .source = generate, .source_data = (generator),                   \
    .argument_bytes = sizeof(uint64_t), .result_bytes = sizeof(uint64_t)

static int count_and_square(struct procpool_task *task)
{
    count_task(task);
    return square_argument(task);
}

START_TEST(row_34_map_takes_all_of_a_source_first)
{
    enum { N = 20000 };
    static uint64_t squares[N];
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *started = shared(pool, sizeof *started);
    for (int64_t chunk = 0; chunk <= 7; chunk += 7) {
        atomic_store(started, 0);
        struct generator generator = {.total = N, .when = -1, .started = started};
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = count_and_square, .context = (void *)started,
                                   .source = generate, .source_data = &generator,
                                   .argument_bytes = sizeof(uint64_t), .chunk = chunk,
                                   .engine = engines[_i], RESULTS(squares)));
        ck_assert_uint_eq(generator.calls, N + 1);
        ck_assert(!generator.was_early);
        ck_assert(pthread_equal(generator.caller, pthread_self()));
        ck_assert_uint_eq(procpool_items(job), N);
        memset(squares, 0, sizeof squares);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        assert_squares(squares, N);
        ck_assert_uint_eq(*started, N);
        procpool_job_free(job);
    }
    end_pool(pool);
}
END_TEST

START_TEST(row_34_map_reports_what_its_source_failed_with)
{
    struct procpool *pool = pool_of(4);
    _Atomic uint64_t *calls = shared(pool, sizeof *calls);
    size_t used = procpool_memory_used(pool);
    static const struct {
        uint64_t total;
        int64_t when;
    } cases[] = {{1, 0}, {1, 0}, {10, 3}, {20000, 15000}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct generator generator = {.total = cases[c].total, .when = cases[c].when};
        struct procpool_call call =
            CALL(.function = count_task, .context = (void *)calls, .source = generate,
                 .source_data = &generator, .argument_bytes = sizeof(uint64_t), .chunk = 1);
        assert_refused(procpool_map(pool, &call, &error), PROCPOOL_SOURCE);
        ck_assert_uint_eq(generator.calls, (uint64_t)cases[c].when + 1);
        generator.calls = 0;
        assert_refused_pointer(procpool_map_async(pool, &call, &error), PROCPOOL_SOURCE);
        ck_assert_uint_eq(generator.calls, (uint64_t)cases[c].when + 1);
    }
    ck_assert_uint_eq(procpool_memory_used(pool), used);
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(*calls, 0);
    end_pool(pool);
}
END_TEST

/* Python takes as much as the pipe holds, and keeps all results. */
START_TEST(row_35_source_is_taken_at_most_buffersize_ahead)
{
    static const struct {
        uint64_t buffersize;
        int64_t chunk;
        uint64_t ahead; /* at most */
    } cases[] = {
        {1, 1, 1}, {3, 1, 3}, {10, 1, 10}, {12, 4, 12}, {2, 5, 5}, {0, 0, 8}, {0, 1, 8}, {0, 5, 40},
    };
    struct procpool *pool = pool_of(2);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct generator generator = {.total = 100, .when = -1};
        struct procpool_call call =
            CALL(FROM(&generator), .buffersize = cases[c].buffersize, .chunk = cases[c].chunk);
        struct procpool_iterator *iterator =
            _i ? start_imap_unordered(pool, &call) : start_imap(pool, &call);
        ck_assert_uint_le(generator.calls, cases[c].ahead);
        for (uint64_t handed = 0; handed < 100; handed++) {
            struct procpool_item item = next_done(iterator);
            ck_assert_uint_eq(result_of(&item), item.index * item.index);
            /* What is being handed over may make room for one more. */
            ck_assert_uint_le(generator.calls, handed + 1 + cases[c].ahead);
            ck_assert_uint_ge(generator.calls, handed + 1);
            ck_assert(pthread_equal(generator.caller, pthread_self()));
        }
        assert_at_end(iterator);
        ck_assert_uint_eq(generator.calls, 100 + 1);
        procpool_iterator_free(iterator);
    }
    end_pool(pool);
}
END_TEST

START_TEST(row_35_nobody_takes_while_nobody_asks)
{
    struct procpool *pool = pool_of(2);
    struct generator generator = {.total = 100, .when = -1};
    struct procpool_iterator *iterator = start_imap(pool, &CALL(FROM(&generator), .buffersize = 6));
    for (int i = 0; i < 3; i++) {
        next_done(iterator);
        uint64_t calls = generator.calls;
        clock_sleep_ns(20000000);
        ck_assert_uint_eq(generator.calls, calls);
    }
    procpool_iterator_free(iterator);
    /* What was given up is not taken. */
    ck_assert_uint_le(generator.calls, 3 + 6);
    end_pool(pool);
}
END_TEST

/* Items without a source are started at most so far ahead. */
START_TEST(row_35_items_are_started_at_most_buffersize_ahead)
{
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *started = shared(pool, sizeof *started);
    struct procpool_call call = CALL(.function = count_task, .context = (void *)started, .n = 100,
                                     .buffersize = 5, .engine = engines[_i]);
    struct procpool_iterator *iterator = start_imap(pool, &call);
    for (uint64_t handed = 0; handed < 100; handed++) {
        if (handed < 5)
            clock_sleep_ns(10000000); /* time in which they could run away */
        ck_assert_uint_le(*started, handed + 5);
        ck_assert_uint_eq(next_done(iterator).index, handed);
    }
    assert_at_end(iterator);
    ck_assert_uint_eq(*started, 100);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

START_TEST(row_35_source_may_be_endless)
{
    struct procpool *pool = pool_of(2);
    size_t used = procpool_memory_used(pool);
    struct generator generator = {.total = UINT64_MAX, .when = -1};
    struct procpool_iterator *iterator = start_imap(pool, &CALL(FROM(&generator), .chunk = 3));
    size_t most_early = 0, most_late = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        struct procpool_item item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
        size_t *most = i < 300 ? &most_early : &most_late, now = procpool_memory_used(pool);
        *most = now > *most ? now : *most;
    }
    /* What was handed over takes no memory; else ten times as many results would take ten times as
     * much. */
    ck_assert_uint_le(most_late, 3 * most_early);
    procpool_iterator_free(iterator);
    ck_assert_uint_le(generator.calls, 3000 + 4 * 3 * 2);
    ck_assert(wait_used(pool, used));
    end_pool(pool);
}
END_TEST

/* Python's exception_throwing_generator(total, when): when -1 fails before the first. */
static const struct {
    uint64_t total;
    int64_t when;
    int64_t chunk;
    uint64_t results; /* of the whole chunks before */
} throwing[] = {
    {1, 0, 1, 0}, {1, 0, 1, 0}, {10, 3, 1, 3}, {20, 7, 2, 6}, {20, 7, 4, 4}, {20, 8, 4, 8},
};

enum { N_THROWING = sizeof throwing / sizeof *throwing };

START_TEST(row_36_imap_hands_over_the_failure_of_its_source)
{
    struct procpool *pool = pool_of(4);
    size_t used = procpool_memory_used(pool);
    struct generator generator = {.total = throwing[_i].total, .when = throwing[_i].when};
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(FROM(&generator), .chunk = throwing[_i].chunk));
    for (uint64_t i = 0; i < throwing[_i].results; i++) {
        struct procpool_item item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    struct procpool_item item;
    assert_refused(procpool_next(iterator, WITHIN_NS, &item, &error), PROCPOOL_SOURCE);
    assert_at_end(iterator);
    ck_assert_uint_eq(generator.calls, (uint64_t)throwing[_i].when + 1);
    procpool_iterator_free(iterator);
    ck_assert(wait_used(pool, used));
    end_pool(pool);
}
END_TEST

START_TEST(row_36_imap_unordered_hands_over_the_failure_of_its_source)
{
    struct procpool *pool = pool_of(4);
    struct generator generator = {.total = throwing[_i].total, .when = throwing[_i].when};
    struct procpool_iterator *iterator =
        start_imap_unordered(pool, &CALL(FROM(&generator), .chunk = throwing[_i].chunk));
    bool seen[20] = {false};
    struct procpool_item item;
    uint64_t results = 0;
    while (procpool_next(iterator, WITHIN_NS, &item, &error) == 0) {
        results++;
        ck_assert_uint_lt(item.index, throwing[_i].results);
        ck_assert(!seen[item.index]);
        seen[item.index] = true;
        ck_assert_uint_eq(result_of(&item), item.index * item.index);
    }
    assert_error(PROCPOOL_SOURCE);
    ck_assert_uint_eq(results, throwing[_i].results);
    assert_at_end(iterator);
    ck_assert_uint_eq(generator.calls, (uint64_t)throwing[_i].when + 1);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */

START_TEST(row_37_memory_of_calls_is_given_back)
{
    struct procpool *pool = pool_of(4);
    uint64_t numbers[10], squares[10];
    for (uint64_t i = 0; i < 10; i++)
        numbers[i] = i;
    size_t used = procpool_memory_used(pool);
    struct procpool_call call = CALL(.function = square_argument, .n = 10, .engine = engines[_i],
                                     ARGUMENTS(numbers), RESULTS(squares));
    assert_ok(procpool_map(pool, &call, &error));
    ck_assert(wait_used(pool, used));

    struct procpool_job *job = submit_map(pool, &call);
    ck_assert_uint_ge(procpool_memory_used(pool), used + sizeof numbers + sizeof squares);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    procpool_job_free(job);
    ck_assert(wait_used(pool, used));

    call.results = NULL;
    struct procpool_iterator *iterator = start_imap(pool, &call);
    for (int i = 0; i < 3; i++)
        next_done(iterator);
    procpool_iterator_free(iterator);
    ck_assert(wait_used(pool, used));

    /* Failures and deaths cost nothing for good either. */
    assert_refused(procpool_map(pool, &CALL(.function = fail_odd, .n = 100), &error),
                   PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 50);
    ck_assert(wait_used(pool, used));
    assert_refused(
        procpool_map(pool, &CALL(.function = kill_at, .context = AS_NUMBER(3), .n = 10), &error),
        PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 1);
    ck_assert(wait_used(pool, used));
    end_pool(pool);
}
END_TEST

START_TEST(row_37_memory_of_a_job_freed_early_is_given_back)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    size_t used = procpool_memory_used(pool);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 10,
                               .result_bytes = sizeof(uint64_t), .engine = engines[_i]));
    ck_assert(wait_for(&gate->arrived, 1));
    procpool_job_free(job);
    /* It goes on without an owner. */
    ck_assert_uint_gt(procpool_memory_used(pool), used);
    atomic_store(&gate->is_open, 1);
    ck_assert(wait_for(&gate->passed, 10));
    ck_assert(wait_used(pool, used));
    end_pool(pool);
}
END_TEST

START_TEST(row_37_allocated_memory_is_used_again)
{
    enum { MIB = 1 << 20 };
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .memory_bytes = 64 * MIB));
    size_t used = procpool_memory_used(pool);
    /* Ten times as much as there is; with sanitizers more than twice. */
    for (int i = 0; i < UNIT_REPEATS(40); i++) {
        char *memory = shared(pool, 16 * MIB);
        ck_assert_uint_eq((uintptr_t)memory % 128, 0);
        ck_assert_uint_ge(procpool_memory_used(pool), used + 16 * MIB);
        ck_assert(procpool_shares(pool, memory, 16 * MIB));
        /* Zeroed again, whatever was there. */
        for (int at = 0; at < 16 * MIB; at += 4096)
            ck_assert_int_eq(memory[at], 0);
        memset(memory, 0x5a, 16 * MIB);
        procpool_release(pool, memory);
        ck_assert_uint_eq(procpool_memory_used(pool), used);
    }
    assert_refused_pointer(procpool_alloc(pool, 65 * (size_t)MIB, &error), PROCPOOL_NO_MEMORY);
    procpool_release(pool, NULL);
    ck_assert_uint_eq(procpool_memory_used(pool), used);
    end_pool(pool);
}
END_TEST

static int add_to_result(struct procpool_task *task)
{
    *(uint64_t *)task->result += task->index + 1;
    return 0;
}

/* Also where an earlier one lay; what is the caller's own is left as it was. */
START_TEST(row_37_new_results_begin_as_zero)
{
    struct procpool *pool = pool_of(2);
    uint64_t *in_place = shared(pool, 50 * sizeof *in_place), copied[50];
    size_t used = procpool_memory_used(pool);
    for (uint64_t round = 1; round <= 500; round++) {
        struct procpool_call call =
            CALL(.function = add_to_result, .n = 50, .engine = engines[_i], RESULTS(copied));
        assert_ok(procpool_map(pool, &call, &error));
        for (uint64_t i = 0; i < 50; i++)
            ck_assert_uint_eq(copied[i], i + 1);
        call.results = in_place;
        assert_ok(procpool_map(pool, &call, &error));
        for (uint64_t i = 0; i < 50; i++)
            ck_assert_uint_eq(in_place[i], round * (i + 1));
    }
    ck_assert(wait_used(pool, used));
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool sources", UNIT_LOOP(row_34_map_takes_all_of_a_source_first, 0, N_ENGINES),
          row_34_map_reports_what_its_source_failed_with,
          UNIT_LOOP(row_35_source_is_taken_at_most_buffersize_ahead, 0, 2),
          row_35_nobody_takes_while_nobody_asks,
          UNIT_LOOP(row_35_items_are_started_at_most_buffersize_ahead, 0, N_ENGINES),
          row_35_source_may_be_endless,
          UNIT_LOOP(row_36_imap_hands_over_the_failure_of_its_source, 0, N_THROWING),
          UNIT_LOOP(row_36_imap_unordered_hands_over_the_failure_of_its_source, 0, N_THROWING),
          UNIT_LOOP(row_37_memory_of_calls_is_given_back, 0, N_ENGINES),
          UNIT_LOOP(row_37_memory_of_a_job_freed_early_is_given_back, 0, N_ENGINES),
          row_37_allocated_memory_is_used_again,
          UNIT_LOOP(row_37_new_results_begin_as_zero, 0, N_ENGINES))
