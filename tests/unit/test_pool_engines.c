/* Both engines over awkward sizes: every item is run exactly once, by whichever worker, whatever
 * the chunk, and its result is in its place. */
#include "pool_watch.h"

enum { N_WORKERS = 3, N_ENGINES = 2, MOST = 1000 };

static const int workers[N_WORKERS] = {1, 2, 5};
static const enum procpool_engine engines[N_ENGINES] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

/* None, one, below the workers, as many, prime, divided by some chunks, and more. */
static const uint64_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 97, 100, MOST};
static const int64_t chunks[] = {0, 1, 2, 3, 4, 5, 7, 10, 33, 96, 97, 98, 100, MOST + 1, INT64_MAX};

enum { N_SIZES = sizeof sizes / sizeof *sizes, N_CHUNKS = sizeof chunks / sizeof *chunks };

/* What the items of a call write. */
struct trail {
    _Atomic uint64_t runs[MOST];
    _Atomic uint64_t wrong_workers;
    uint64_t squares[MOST];
};

static uint32_t n_workers; /* of before the pool */

static int leave_trail(struct procpool_task *task)
{
    struct trail *trail = task->context;
    atomic_fetch_add(&trail->runs[task->index], 1);
    if (task->worker >= n_workers || procpool_self() != (int)task->worker)
        atomic_fetch_add(&trail->wrong_workers, 1);
    return square_index(task);
}

static struct procpool *engine_pool(int i)
{
    n_workers = (uint32_t)workers[i % N_WORKERS];
    return pool_with(
        &OPTIONS(.processes = workers[i % N_WORKERS], .engine = engines[i / N_WORKERS]));
}

/* Each of the first n items was run once, and nothing beyond. */
static void assert_each_once(const struct trail *trail, uint64_t n)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < MOST; i++)
        wrong += atomic_load(&trail->runs[i]) != (i < n);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(atomic_load(&trail->wrong_workers), 0);
}

static void assert_all_squares(const uint64_t *squares, uint64_t n)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < n; i++)
        wrong += squares[i] != i * i;
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(map_runs_each_item_once)
{
    struct procpool *pool = engine_pool(_i);
    struct trail *trail = shared(pool, sizeof *trail);
    uint64_t sum = 0;
    for (size_t s = 0; s < N_SIZES; s++) {
        for (size_t c = 0; c < N_CHUNKS; c++) {
            uint64_t squares[MOST + 1];
            memset(squares, 0xff, sizeof squares);
            memset(trail, 0, sizeof *trail);
            struct procpool_job *job =
                procpool_map_async(pool,
                                   &CALL(.function = leave_trail, .context = trail, .n = sizes[s],
                                         .chunk = chunks[c], RESULTS(squares)),
                                   &error);
            ck_assert_msg(job != NULL, "n %u, chunk %lld: %s", (unsigned)sizes[s],
                          (long long)chunks[c], error.text);
            ck_assert_msg(procpool_get(job, WITHIN_NS, &error) == 0, "n %u, chunk %lld: %s",
                          (unsigned)sizes[s], (long long)chunks[c], error.text);
            assert_each_once(trail, sizes[s]);
            assert_all_squares(squares, sizes[s]);
            ck_assert_uint_eq(squares[sizes[s]], UINT64_MAX);
            ck_assert_uint_eq(count_state(job, PROCPOOL_DONE), sizes[s]);
            ck_assert_uint_eq(procpool_items(job), sizes[s]);
            uint64_t chunk = procpool_chunk_size(job);
            if (sizes[s] > 0 && chunks[c] > 0 && chunks[c] <= (int64_t)sizes[s])
                ck_assert_uint_eq(chunk, (uint64_t)chunks[c]);
            if (sizes[s] > 0)
                ck_assert_uint_eq(procpool_chunk_count(job),
                                  sizes[s] / chunk + (sizes[s] % chunk != 0));
            else
                ck_assert_uint_eq(procpool_chunk_count(job), 0);
            procpool_job_free(job);
            sum += sizes[s];
        }
    }
    ck_assert_uint_eq(counters_of(pool).done, sum);
    end_pool(pool);
}
END_TEST

/* The iterators over the same; the engine of the pool is not theirs to choose the order by. */
START_TEST(iterators_hand_over_each_item_once)
{
    struct procpool *pool = engine_pool(_i);
    struct trail *trail = shared(pool, sizeof *trail);
    for (size_t s = 0; s < N_SIZES; s++) {
        for (size_t c = 0; c < N_CHUNKS; c += 2) {
            for (int is_ordered = 0; is_ordered < 2; is_ordered++) {
                memset(trail, 0, sizeof *trail);
                struct procpool_call call = {.function = leave_trail,
                                             .context = trail,
                                             .n = sizes[s],
                                             .chunk = chunks[c],
                                             .result_bytes = sizeof(uint64_t)};
                struct procpool_iterator *iterator =
                    is_ordered ? procpool_imap(pool, &call, &error)
                               : procpool_imap_unordered(pool, &call, &error);
                ck_assert_msg(iterator != NULL, "n %u, chunk %lld: %s", (unsigned)sizes[s],
                              (long long)chunks[c], error.text);
                bool was_seen[MOST] = {false};
                uint64_t wrong = 0;
                for (uint64_t i = 0; i < sizes[s]; i++) {
                    struct procpool_item item = {0};
                    bool is_good = procpool_next(iterator, WITHIN_NS, &item, &error) == 0 &&
                                   item.index < sizes[s] && !was_seen[item.index] &&
                                   (!is_ordered || item.index == i) &&
                                   *(const uint64_t *)item.result == item.index * item.index;
                    wrong += !is_good;
                    if (!is_good)
                        break;
                    was_seen[item.index] = true;
                }
                ck_assert_msg(wrong == 0, "n %u, chunk %lld: %s", (unsigned)sizes[s],
                              (long long)chunks[c], error.text);
                struct procpool_item none;
                assert_refused(procpool_next(iterator, WITHIN_NS, &none, &error), PROCPOOL_END);
                procpool_iterator_free(iterator);
                assert_each_once(trail, sizes[s]);
            }
        }
    }
    end_pool(pool);
}
END_TEST

/* Jobs of both engines wait and run beside each other. */
START_TEST(many_jobs_of_both_engines_run_each_item_once)
{
    enum { JOBS = 60, N = 97 };
    struct procpool *pool = engine_pool(_i);
    struct trail *trails[JOBS];
    struct procpool_job *jobs[JOBS];
    for (int j = 0; j < JOBS; j++)
        trails[j] = shared(pool, sizeof **trails);
    for (int j = 0; j < JOBS; j++) {
        jobs[j] = submit_map(pool, &CALL(.function = leave_trail, .context = trails[j], .n = N,
                                         .chunk = 1 + j % 5, .engine = engines[j % 2],
                                         .results = trails[j]->squares,
                                         .result_bytes = sizeof(uint64_t)));
    }
    for (int j = JOBS - 1; j >= 0; j--) {
        assert_ok(procpool_get(jobs[j], WITHIN_NS, &error));
        assert_each_once(trails[j], N);
        assert_all_squares(trails[j]->squares, N);
        procpool_job_free(jobs[j]);
    }
    ck_assert_uint_eq(counters_of(pool).done, (uint64_t)JOBS * N);
    end_pool(pool);
}
END_TEST

START_TEST(a_million_items)
{
    enum { N = 1000000 };
    struct procpool *pool = engine_pool(_i);
    _Atomic uint64_t *n = shared(pool, sizeof *n);
    assert_ok(procpool_map(
        pool, &CALL(.function = count_task, .context = (void *)n, .n = N, .chunk = 1), &error));
    ck_assert_uint_eq(atomic_load(n), N);
    assert_ok(
        procpool_map(pool, &CALL(.function = count_task, .context = (void *)n, .n = N), &error));
    ck_assert_uint_eq(atomic_load(n), 2 * N);
    ck_assert_uint_eq(counters_of(pool).done, 2 * N);
    end_pool(pool);
}
END_TEST

/* Item 0 waits until all the others are over, which therefore the other worker runs: those of the
 * first worker's block too. */
static int zero_is_last(struct procpool_task *task)
{
    _Atomic uint64_t *n_over = task->context;
    if (task->index == 0)
        return wait_for(n_over, 39) ? 0 : 1;
    atomic_fetch_add(n_over, 1);
    return 0;
}

START_TEST(idle_workers_take_what_a_busy_one_has_left)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .engine = engines[_i]));
    _Atomic uint64_t *n_over = shared(pool, sizeof *n_over);
    assert_ok(procpool_map(
        pool, &CALL(.function = zero_is_last, .context = (void *)n_over, .n = 40, .chunk = 1),
        &error));
    ck_assert_uint_eq(atomic_load(n_over), 39);
    end_pool(pool);
}
END_TEST

struct sequence {
    _Atomic uint64_t n;
    uint64_t order[100];
};

static int note_order(struct procpool_task *task)
{
    struct sequence *sequence = task->context;
    sequence->order[atomic_fetch_add(&sequence->n, 1)] = task->index;
    return 0;
}

/* A single worker goes through its items from the first to the last, with either engine. */
START_TEST(one_worker_takes_items_in_order)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .engine = engines[_i]));
    struct sequence *sequence = shared(pool, sizeof *sequence);
    assert_ok(procpool_map(
        pool, &CALL(.function = note_order, .context = sequence, .n = 100, .chunk = 7), &error));
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_uint_eq(sequence->order[i], i);
    end_pool(pool);
}
END_TEST

/* The number and the engine of a call that names none, and what is not an engine. */
START_TEST(engines_are_checked)
{
    struct procpool *pool = pool_of(2);
    const enum procpool_engine none = (enum procpool_engine)7;
    assert_refused(procpool_map(pool, &CALL(.function = null_task, .n = 3, .engine = none), &error),
                   PROCPOOL_INVALID);
    assert_refused_pointer(procpool_new(&OPTIONS(.processes = 1, .engine = none), &error),
                           PROCPOOL_INVALID);
    end_pool(pool);
}
END_TEST

/* The default chunk: a quarter of each worker's share in order, one item when stealing. */
START_TEST(the_default_chunk_depends_on_the_engine)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *in_order =
        procpool_map_async(pool, &CALL(.function = null_task, .n = 100), &error);
    struct procpool_job *stealing = procpool_map_async(
        pool, &CALL(.function = null_task, .n = 100, .engine = PROCPOOL_STEALING), &error);
    ck_assert(in_order && stealing);
    ck_assert_uint_eq(procpool_chunk_size(in_order), 13);
    ck_assert_uint_eq(procpool_chunk_count(in_order), 8);
    ck_assert_uint_eq(procpool_chunk_size(stealing), 1);
    ck_assert_uint_eq(procpool_chunk_count(stealing), 100);
    assert_ok(procpool_get(in_order, WITHIN_NS, &error));
    assert_ok(procpool_get(stealing, WITHIN_NS, &error));
    procpool_job_free(in_order);
    procpool_job_free(stealing);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool engines", UNIT_LOOP(map_runs_each_item_once, 0, N_WORKERS *N_ENGINES),
          UNIT_LOOP(iterators_hand_over_each_item_once, 0, N_WORKERS *N_ENGINES),
          UNIT_LOOP(many_jobs_of_both_engines_run_each_item_once, 0, N_WORKERS *N_ENGINES),
          UNIT_LOOP(a_million_items, 0, N_WORKERS *N_ENGINES),
          UNIT_LOOP(idle_workers_take_what_a_busy_one_has_left, 0, N_ENGINES),
          UNIT_LOOP(one_worker_takes_items_in_order, 0, N_ENGINES), engines_are_checked,
          the_default_chunk_depends_on_the_engine)
