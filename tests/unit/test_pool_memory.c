/* The pool's shared memory, and where arguments and results lie: in place where they are in it, and
 * copied where not. */
#include "pool_watch.h"

/* --- procpool_alloc --------------------------------------------------------------------------- */

static bool is_zero(const unsigned char *memory, size_t bytes)
{
    return bytes == 0 || (memory[0] == 0 && memcmp(memory, memory + 1, bytes - 1) == 0);
}

/* Writes its index + 1 to the bytes of the context at its index. */
static int write_byte(struct procpool_task *task)
{
    ((unsigned char *)task->context)[task->index] = (unsigned char)(task->index + 1);
    return 0;
}

START_TEST(memory_is_shared_zeroed_and_aligned)
{
    static const size_t sizes[] = {1, 7, 127, 128, 129, 4096, 100000, 20 << 20};
    enum { N = sizeof sizes / sizeof *sizes };
    struct procpool *pool = pool_of(2);
    unsigned char *memory[N];
    ck_assert_uint_eq(procpool_memory_used(pool), 0);
    size_t sum = 0;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            memory[i] = shared(pool, sizes[i]);
            sum += sizes[i];
            ck_assert_uint_eq((uintptr_t)memory[i] % 128, 0);
            ck_assert(is_zero(memory[i], sizes[i]));
            ck_assert(procpool_shares(pool, memory[i], sizes[i]));
            ck_assert_uint_ge(procpool_memory_used(pool), sum);
        }
        for (size_t i = 0; i < N; i++) {
            uint64_t n = sizes[i] < 200 ? sizes[i] : 200;
            assert_ok(procpool_map(
                pool, &CALL(.function = write_byte, .context = memory[i], .n = n), &error));
            for (size_t k = 0; k < n; k++)
                ck_assert_uint_eq(memory[i][k], k + 1);
        }
        /* What is given back is zeroed again when it is handed out anew. */
        for (size_t i = 0; i < N; i++) {
            memset(memory[i], 0xa5, sizes[i]);
            procpool_release(pool, memory[i]);
        }
        sum = 0;
        ck_assert_uint_eq(procpool_memory_used(pool), 0);
    }
    procpool_release(pool, NULL);
    end_pool(pool);
}
END_TEST

/* Pieces do not overlap. */
START_TEST(pieces_lie_apart)
{
    enum { N = 300 };
    struct procpool *pool = pool_of(1);
    unsigned char *pieces[N];
    for (size_t i = 0; i < N; i++) {
        pieces[i] = shared(pool, 1 + i * 7);
        memset(pieces[i], (int)(i % 251), 1 + i * 7);
    }
    for (size_t i = 0; i < N; i += 3)
        procpool_release(pool, pieces[i]);
    for (size_t i = 0; i < N; i += 3) {
        pieces[i] = shared(pool, 1 + i * 7);
        ck_assert(is_zero(pieces[i], 1 + i * 7));
        memset(pieces[i], (int)(i % 251), 1 + i * 7);
    }
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_eq(pieces[i][0], i % 251);
        ck_assert_int_eq(memcmp(pieces[i], pieces[i] + 1, i * 7), 0);
    }
    end_pool(pool);
}
END_TEST

START_TEST(memory_runs_out_and_comes_back)
{
    enum { MOST = 64 };
    const size_t mebibyte = 1 << 20;
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .memory_bytes = MOST * mebibyte));
    assert_refused_pointer(procpool_alloc(pool, MOST * mebibyte * 2, &error), PROCPOOL_NO_MEMORY);
    assert_refused_pointer(procpool_alloc(pool, SIZE_MAX, &error), PROCPOOL_NO_MEMORY);
    assert_refused_pointer(procpool_alloc(pool, SIZE_MAX - 200, &error), PROCPOOL_NO_MEMORY);
    size_t counts[2];
    for (int round = 0; round < 2; round++) {
        void *pieces[MOST + 1];
        size_t n = 0;
        while (n <= MOST && (pieces[n] = procpool_alloc(pool, mebibyte, &error)))
            n++;
        ck_assert_uint_le(n, MOST);
        ck_assert_uint_ge(n, MOST / 4);
        ck_assert_int_eq(error.code, PROCPOOL_NO_MEMORY);
        assert_sentence(error.text);
        counts[round] = n;
        while (n > 0)
            procpool_release(pool, pieces[--n]);
        ck_assert_uint_eq(procpool_memory_used(pool), 0);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

/* Work goes on for ever in little memory, whatever the sizes: nothing of a job that was freed
 * stays.
 */
START_TEST(jobs_give_their_memory_back)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .memory_bytes = 64 << 20));
    static char arguments[3000000];
    for (uint64_t i = 0; i < 300; i++) {
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = null_task, .n = 1 + i * 10, .arguments = arguments,
                                   .argument_bytes = 1 + i * 3, .result_bytes = 1 + i));
        ck_assert_uint_gt(procpool_memory_used(pool), 0);
        assert_ok(procpool_get(job, WITHIN_NS, &error));
        procpool_job_free(job);
        assert_soon(procpool_memory_used(pool) == 0); /* workers may still be leaving it */
    }
    end_pool(pool);
}
END_TEST

START_TEST(shares_knows_what_is_the_pool_s)
{
    struct procpool *pool = pool_of(1), *other = pool_of(1);
    char *memory = shared(pool, 1000);
    char here[10];
    ck_assert(procpool_shares(pool, memory, 1000));
    ck_assert(procpool_shares(pool, memory + 999, 1));
    ck_assert(!procpool_shares(pool, here, sizeof here));
    ck_assert(!procpool_shares(pool, NULL, 1));
    ck_assert(!procpool_shares(pool, memory, SIZE_MAX));
    ck_assert(!procpool_shares(pool, memory, SIZE_MAX - (uintptr_t)memory + 1));
    ck_assert(!procpool_shares(pool, memory, (size_t)1 << 46));
    ck_assert(!procpool_shares(other, memory, 1000));
    procpool_free(other);
    end_pool(pool);
}
END_TEST

/* --- where arguments and results lie ---------------------------------------------------------- */

/* uint64_t[2]: where the task sees its argument and its result. */
static int tell_addresses(struct procpool_task *task)
{
    uint64_t *addresses = task->result;
    addresses[0] = (uintptr_t)task->argument;
    addresses[1] = (uintptr_t)task->result;
    return 0;
}

START_TEST(what_lies_in_shared_memory_is_used_in_place)
{
    enum { N = 40 };
    struct procpool *pool = pool_of(2);
    uint64_t *arguments = shared(pool, N * sizeof *arguments);
    uint64_t(*results)[2] = shared(pool, N * sizeof *results);
    size_t used = procpool_memory_used(pool);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = tell_addresses, .n = N, .arguments = arguments,
                               .argument_bytes = sizeof *arguments, .results = results,
                               .result_bytes = sizeof *results));
    ck_assert_ptr_eq(procpool_results(job), results);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_eq(results[i][0], (uintptr_t)&arguments[i]);
        ck_assert_uint_eq(results[i][1], (uintptr_t)&results[i]);
    }
    procpool_job_free(job);
    ck_assert_uint_eq(procpool_memory_used(pool), used);
    ck_assert_uint_eq(results[N - 1][0], (uintptr_t)&arguments[N - 1]);
    end_pool(pool);
}
END_TEST

START_TEST(what_lies_elsewhere_is_copied)
{
    enum { N = 40 };
    struct procpool *pool = pool_of(2);
    uint64_t arguments[N] = {0}, results[N][2];
    struct procpool_job *job = submit_map(
        pool, &CALL(.function = tell_addresses, .n = N, ARGUMENTS(arguments), RESULTS(results)));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    uint64_t(*kept)[2] = procpool_results(job);
    ck_assert_ptr_ne(kept, results);
    ck_assert(procpool_shares(pool, kept, sizeof results));
    ck_assert_int_eq(memcmp(kept, results, sizeof results), 0);
    for (size_t i = 0; i < N; i++) {
        ck_assert(procpool_shares(pool, (void *)(uintptr_t)results[i][0], sizeof *arguments));
        ck_assert_uint_eq(results[i][0] - results[0][0], i * sizeof *arguments);
        ck_assert_uint_eq(results[i][1], (uintptr_t)&kept[i]);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* uint64_t: the sum of its columns, of 1, 8 and 4 bytes, once the gate, which is the context, is
 * open. */
static int add_columns(struct procpool_task *task)
{
    gate_task(task);
    *(uint64_t *)task->result = *(const uint8_t *)task->arguments[0] +
                                *(const uint64_t *)task->arguments[1] +
                                *(const uint32_t *)task->arguments[2];
    return task->argument == task->arguments[0] ? 0 : 1;
}

/* The call and what it points to outside shared memory may be overwritten once it is submitted. */
START_TEST(a_call_may_be_forgotten_once_it_is_submitted)
{
    enum { N = 30 };
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    uint8_t bytes[N];
    uint64_t words[N];
    uint32_t *halves = shared(pool, N * sizeof *halves);
    for (size_t i = 0; i < N; i++) {
        bytes[i] = (uint8_t)i;
        words[i] = 1000 * i;
        halves[i] = (uint32_t)(1000000 * i);
    }
    struct procpool_column columns[] = {
        {bytes, sizeof *bytes}, {words, sizeof *words}, {halves, sizeof *halves}};
    struct procpool_call call = {.function = add_columns,
                                 .context = gate,
                                 .n = N,
                                 .columns = columns,
                                 .n_columns = 3,
                                 .result_bytes = sizeof(uint64_t)};
    struct procpool_job *job = procpool_starmap_async(pool, &call, &error);
    ck_assert_msg(job != NULL, "%s", error.text);
    memset(bytes, 0xff, sizeof bytes);
    memset(words, 0xff, sizeof words);
    memset(columns, 0xff, sizeof columns);
    memset(&call, 0xff, sizeof call);
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    const uint64_t *sums = procpool_results(job);
    for (uint64_t i = 0; i < N; i++)
        ck_assert_uint_eq(sums[i], i * 1001001);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* uint64_t: how many of its columns have the index in their first byte. */
static int count_columns(struct procpool_task *task)
{
    for (int k = 0; k < NUMBER_OF(task->context); k++)
        *(uint64_t *)task->result += *(const uint8_t *)task->arguments[k] == task->index;
    return 0;
}

START_TEST(one_to_eight_columns)
{
    enum { N = 20 };
    struct procpool *pool = pool_of(2);
    static uint8_t records[N * 64];
    struct procpool_column columns[PROCPOOL_MOST_COLUMNS + 1];
    struct procpool_call call = {.function = count_columns, .n = N, .columns = columns};
    for (uint32_t n = 1; n <= PROCPOOL_MOST_COLUMNS; n++) {
        uint8_t *places[PROCPOOL_MOST_COLUMNS];
        for (uint32_t k = 0; k < n; k++) {
            size_t bytes = 1 + k * 3;
            places[k] = k % 2 ? shared(pool, N * bytes) : malloc(N * bytes);
            for (size_t i = 0; i < N; i++)
                memset(places[k] + i * bytes, (int)i, bytes);
            columns[k] = (struct procpool_column){places[k], bytes};
        }
        uint64_t counts[N];
        call.context = AS_NUMBER(n);
        call.n_columns = n;
        call.results = counts;
        call.result_bytes = sizeof *counts;
        assert_ok(procpool_starmap(pool, &call, &error));
        for (size_t i = 0; i < N; i++)
            ck_assert_uint_eq(counts[i], n);
        for (uint32_t k = 0; k < n; k += 2)
            free(places[k]);
        for (uint32_t k = 1; k < n; k += 2)
            procpool_release(pool, places[k]);
    }
    for (size_t k = 0; k <= PROCPOOL_MOST_COLUMNS; k++)
        columns[k] = (struct procpool_column){records, 1};
    call.n_columns = PROCPOOL_MOST_COLUMNS + 1;
    assert_refused(procpool_starmap(pool, &call, &error), PROCPOOL_INVALID);
    assert_refused(procpool_map(pool, &call, &error), PROCPOOL_INVALID);
    call.n_columns = 0;
    call.columns = NULL;
    assert_refused(procpool_starmap(pool, &call, &error), PROCPOOL_INVALID);
    assert_refused_pointer(procpool_starmap_async(pool, &call, &error), PROCPOOL_INVALID);
    end_pool(pool);
}
END_TEST

/* Fails where its result is not zero at first, and leaves it dirty. */
static int dirty_result(struct procpool_task *task)
{
    unsigned char *result = task->result;
    bool was_zero = is_zero(result, task->result_bytes);
    memset(result, 0xa5, task->result_bytes);
    return was_zero ? 0 : 1;
}

/* In memory that was used before too, for maps and iterators. */
START_TEST(a_result_is_zero_before_the_task)
{
    enum { N = 100, BYTES = 24 };
    struct procpool *pool = pool_of(2);
    const struct procpool_call call = {
        .function = dirty_result, .n = N, .result_bytes = BYTES, .chunk = 7};
    for (int round = 0; round < 5; round++) {
        assert_ok(procpool_map(pool, &call, &error));
        struct procpool_iterator *iterator = start_imap(pool, &call);
        for (int i = 0; i < N; i++)
            next_done(iterator);
        assert_at_end(iterator);
        procpool_iterator_free(iterator);
    }
    end_pool(pool);
}
END_TEST

/* Adds its index to what it finds. */
static int add_to_result(struct procpool_task *task)
{
    *(uint64_t *)task->result += task->index;
    return 0;
}

/* What the caller has put where the results go, in place, is there for the task. */
START_TEST(a_result_in_place_is_as_it_was_left)
{
    enum { N = 100 };
    struct procpool *pool = pool_of(2);
    uint64_t *sums = shared(pool, N * sizeof *sums);
    for (uint64_t i = 0; i < N; i++)
        sums[i] = 1000;
    for (int round = 0; round < 3; round++)
        assert_ok(procpool_map(pool,
                               &CALL(.function = add_to_result, .n = N, .results = sums,
                                     .result_bytes = sizeof *sums, .chunk = 7),
                               &error));
    for (uint64_t i = 0; i < N; i++)
        ck_assert_uint_eq(sums[i], 1000 + 3 * i);
    end_pool(pool);
}
END_TEST

/* Fails where the task has something to write to or read from. */
static int expect_nothing(struct procpool_task *task)
{
    return task->result == NULL && task->result_bytes == 0 && task->argument == NULL ? 0 : 1;
}

START_TEST(without_arguments_and_results_there_are_none)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job = submit_map(pool, &CALL(.function = expect_nothing, .n = 5));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_ptr_null(procpool_results(job));
    procpool_job_free(job);
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = expect_nothing, .n = 5));
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_null(next_done(iterator).result);
    procpool_iterator_free(iterator);

    /* A place for results of no size is a mistake. */
    uint64_t results[5];
    assert_refused(
        procpool_map(pool, &CALL(.function = expect_nothing, .n = 5, .results = results), &error),
        PROCPOOL_INVALID);
    end_pool(pool);
}
END_TEST

/* The half of a square that a task has written before it failed is there; the caller's array is
 * written by get alone. */
static int write_half(struct procpool_task *task)
{
    *(uint64_t *)task->result = 41;
    return task->index == 1 ? 1 : 0;
}

START_TEST(a_failed_item_leaves_what_it_wrote)
{
    struct procpool *pool = pool_of(2);
    uint64_t results[3] = {9, 9, 9};
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = write_half, .n = 3, RESULTS(results)));
    ck_assert(procpool_wait(job, WITHIN_NS));
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(results[i], 9);
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(results[i], 41);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* A job's results stay until it is freed, whatever the pool does meanwhile. */
START_TEST(results_stay_until_the_job_is_freed)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = square_index, .n = 100, .result_bytes = 8));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    for (int i = 0; i < 20; i++)
        assert_works(pool);
    assert_ok(procpool_drain(pool, &error));
    const uint64_t *squares = procpool_results(job);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_uint_eq(squares[i], i * i);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool memory", memory_is_shared_zeroed_and_aligned, pieces_lie_apart,
          memory_runs_out_and_comes_back, jobs_give_their_memory_back,
          shares_knows_what_is_the_pool_s, what_lies_in_shared_memory_is_used_in_place,
          what_lies_elsewhere_is_copied, a_call_may_be_forgotten_once_it_is_submitted,
          one_to_eight_columns, a_result_is_zero_before_the_task,
          a_result_in_place_is_as_it_was_left, without_arguments_and_results_there_are_none,
          a_failed_item_leaves_what_it_wrote, results_stay_until_the_job_is_freed)
