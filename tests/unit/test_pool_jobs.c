/* Many jobs, many threads, a bound on jobs, and freeing in the middle. */
#include "pool_watch.h"

/* --- many jobs, many threads ------------------------------------------------------------------ */

START_TEST(a_thousand_jobs_at_once)
{
    enum { N = 1000 };
    struct procpool *pool = pool_of(2);
    struct procpool_job *jobs[N];
    uint64_t squares[N] = {0};
    for (uint64_t i = 0; i < N; i++)
        jobs[i] = submit_one(
            pool, &CALL(.function = square_argument, ARGUMENTS(&i), RESULTS(&squares[i])));
    for (uint64_t i = N; i-- > 0;) {
        ck_assert(procpool_get(jobs[i], WITHIN_NS, &error) == 0 && squares[i] == i * i);
        procpool_job_free(jobs[i]);
    }
    ck_assert_uint_eq(counters_of(pool).done, N);
    ck_assert_uint_eq(procpool_memory_used(pool), 0);
    end_pool(pool);
}
END_TEST

START_TEST(a_job_that_is_freed_early_goes_on)
{
    enum { JOBS = 50, N = 20 };
    struct procpool *pool = pool_of(2);
    _Atomic uint64_t *n = shared(pool, sizeof *n);
    size_t used = procpool_memory_used(pool);
    for (int i = 0; i < JOBS; i++)
        procpool_job_free(submit_map(pool, &CALL(.function = count_task, .context = (void *)n,
                                                 .n = N, .result_bytes = 1000)));
    ck_assert(wait_for(n, (uint64_t)JOBS * N));
    assert_soon(procpool_memory_used(pool) == used);
    ck_assert_uint_eq(counters_of(pool).done, (uint64_t)JOBS * N);
    procpool_job_free(NULL);
    end_pool(pool);
}
END_TEST

struct caller {
    struct procpool *pool;
    uint64_t number, n_wrong;
    pthread_t thread;
};

/* Maps, applies, and iterates, each result its own. */
static void *call_often(void *data)
{
    struct caller *caller = data;
    struct procpool *pool = caller->pool;
    for (uint64_t round = 0; round < 40; round++) {
        uint64_t n = 1 + (caller->number * 7 + round) % 30, squares[30] = {0};
        uint64_t argument = caller->number * 1000 + round, square = 0;
        if (procpool_map(pool,
                         &CALL(.function = square_index, .n = n, .chunk = 1 + (int64_t)round % 3,
                               .engine = round % 2 ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER,
                               RESULTS(squares)),
                         NULL))
            caller->n_wrong++;
        for (uint64_t i = 0; i < n; i++)
            caller->n_wrong += squares[i] != i * i;
        if (procpool_apply(pool, square_argument, &argument, sizeof argument, &square,
                           sizeof square, NULL))
            caller->n_wrong++;
        caller->n_wrong += square != argument * argument;
        struct procpool_iterator *iterator = procpool_imap(
            pool, &CALL(.function = square_index, .n = n, .result_bytes = sizeof square), NULL);
        struct procpool_item item;
        for (uint64_t i = 0; i < n; i++)
            caller->n_wrong += !iterator ||
                               procpool_next(iterator, PROCPOOL_FOREVER, &item, NULL) != 0 ||
                               *(const uint64_t *)item.result != i * i;
        procpool_iterator_free(iterator);
    }
    return NULL;
}

START_TEST(several_threads_submit_at_once)
{
    enum { THREADS = 6 };
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .most_jobs = _i ? 2 : 0));
    struct caller callers[THREADS];
    for (uint64_t t = 0; t < THREADS; t++) {
        callers[t] = (struct caller){.pool = pool, .number = t};
        ck_assert_int_eq(pthread_create(&callers[t].thread, NULL, call_often, &callers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_join(callers[t].thread, NULL), 0);
    for (int t = 0; t < THREADS; t++)
        ck_assert_uint_eq(callers[t].n_wrong, 0);
    ck_assert_uint_eq(procpool_memory_used(pool), 0);
    end_pool(pool);
}
END_TEST

struct waiter {
    struct procpool_job *job;
    int got;
    pthread_t thread;
};

static void *wait_in_a_thread(void *data)
{
    struct waiter *waiter = data;
    waiter->got = procpool_get(waiter->job, PROCPOOL_FOREVER, NULL);
    return NULL;
}

START_TEST(several_threads_wait_for_one_job)
{
    enum { THREADS = 5 };
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    struct waiter waiters[THREADS];
    for (int t = 0; t < THREADS; t++) {
        waiters[t] = (struct waiter){.job = job, .got = 9};
        ck_assert_int_eq(pthread_create(&waiters[t].thread, NULL, wait_in_a_thread, &waiters[t]),
                         0);
    }
    clock_sleep_ns(20 * (uint64_t)MS);
    atomic_store(&gate->is_open, 1);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(waiters[t].thread, NULL), 0);
        ck_assert_int_eq(waiters[t].got, 0);
    }
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- most_jobs -------------------------------------------------------------------------------- */

struct submitter {
    struct procpool *pool;
    struct procpool_job *job;
    _Atomic uint64_t is_about_to, has_submitted;
};

static void *submit_in_a_thread(void *data)
{
    struct submitter *submitter = data;
    atomic_store(&submitter->is_about_to, 1);
    submitter->job = procpool_apply_async(submitter->pool, &CALL(.function = null_task), NULL);
    atomic_store(&submitter->has_submitted, 1);
    return NULL;
}

START_TEST(one_job_too_many_waits_for_one_to_end)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .most_jobs = 4));
    struct gate *gates[4];
    struct procpool_job *jobs[4];
    for (int i = 0; i < 4; i++) {
        gates[i] = shared(pool, sizeof **gates);
        jobs[i] = submit_one(pool, &CALL(.function = gate_task, .context = gates[i]));
    }
    struct submitter submitter = {.pool = pool};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, submit_in_a_thread, &submitter), 0);
    ck_assert(wait_for(&submitter.is_about_to, 1));
    clock_sleep_ns(50 * (uint64_t)MS);
    ck_assert_uint_eq(atomic_load(&submitter.has_submitted), 0);
    /* The end of one, which is not freed, makes room for one. */
    atomic_store(&gates[0]->is_open, 1);
    ck_assert(wait_for(&submitter.has_submitted, 1));
    ck_assert_ptr_nonnull(submitter.job);
    for (int i = 1; i < 4; i++)
        ck_assert(!procpool_ready(jobs[i]));
    for (int i = 1; i < 4; i++)
        atomic_store(&gates[i]->is_open, 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    assert_ok(procpool_get(submitter.job, WITHIN_NS, &error));
    for (int i = 0; i < 4; i++) {
        assert_ok(procpool_get(jobs[i], WITHIN_NS, &error));
        procpool_job_free(jobs[i]);
    }
    procpool_job_free(submitter.job);
    end_pool(pool);
}
END_TEST

/* Jobs that have ended do not count, freed or not. */
START_TEST(jobs_that_have_ended_take_no_place)
{
    enum { N = 200 };
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .most_jobs = _i));
    struct procpool_job *jobs[N];
    uint64_t squares[N];
    for (uint64_t i = 0; i < N; i++)
        jobs[i] = submit_one(
            pool, &CALL(.function = square_argument, ARGUMENTS(&i), RESULTS(&squares[i])));
    for (uint64_t i = 0; i < N; i++) {
        assert_ok(procpool_get(jobs[i], WITHIN_NS, &error));
        ck_assert_uint_eq(squares[i], i * i);
        procpool_job_free(jobs[i]);
    }
    end_pool(pool);
}
END_TEST

/* One that waits for a place is not left waiting when the pool ends, or breaks. */
START_TEST(a_call_that_waits_for_a_place_is_told_of_the_end)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 1, .most_jobs = 1, .restarts = _i ? -1 : 0));
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    struct submitter submitter = {.pool = pool};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, submit_in_a_thread, &submitter), 0);
    ck_assert(wait_for(&submitter.is_about_to, 1));
    ck_assert(wait_for(&gate->arrived, 1));
    clock_sleep_ns(20 * (uint64_t)MS);
    if (_i)
        kill_worker(pool, 0);
    else
        assert_ok(procpool_terminate(pool, &error));
    ck_assert(wait_for(&submitter.has_submitted, 1));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(procpool_wait(job, WITHIN_NS));
    if (submitter.job) { /* it was in before the pool knew that it is broken */
        ck_assert_int_eq(_i, 1);
        ck_assert(procpool_wait(submitter.job, WITHIN_NS));
        assert_state(status_of(submitter.job, 0).state, PROCPOOL_LOST);
    }
    procpool_job_free(submitter.job);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- freeing in the middle -------------------------------------------------------------------- */

START_TEST(a_pool_may_be_freed_with_running_jobs)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    for (int i = 0; i < 5; i++)
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 10));
    procpool_job_free(submit_map(pool, &CALL(.function = hang_task, .n = 10)));
    start_imap(pool, &CALL(.function = gate_task, .context = gate, .n = 10));
    ck_assert(wait_for(&gate->arrived, 2));
    end_pool(pool);
    procpool_free(NULL);
}
END_TEST

struct source {
    uint64_t next, end, n_calls;
};

static int count_up(void *data, void *argument)
{
    struct source *source = data;
    source->n_calls++;
    *(uint64_t *)argument = source->next;
    return source->next++ < source->end;
}

START_TEST(an_iterator_may_be_freed_in_the_middle)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    size_t used = procpool_memory_used(pool);
    for (int i = 0; i < 20; i++) {
        struct source source = {.end = UINT64_MAX};
        struct procpool_call call = {.function = square_argument,
                                     .source = count_up,
                                     .source_data = &source,
                                     .argument_bytes = 8,
                                     .result_bytes = 8,
                                     .chunk = 1 + i % 3};
        struct procpool_iterator *iterator =
            i % 2 ? start_imap(pool, &call) : start_imap_unordered(pool, &call);
        uint64_t sum = 0;
        for (int k = 0; k < 10; k++) {
            struct procpool_item item = next_done(iterator);
            ck_assert_uint_eq(result_of(&item), item.index * item.index);
            sum += item.index;
        }
        if (i % 2)
            ck_assert_uint_eq(sum, 45);
        procpool_iterator_free(iterator);
        ck_assert_uint_le(source.n_calls, 10 + 8 * 3 * 2);
        uint64_t n_calls = source.n_calls;
        assert_works(pool);
        ck_assert_uint_eq(source.n_calls, n_calls);
        ck_assert_uint_eq(procpool_memory_used(pool), used);
    }

    /* What is not started is cancelled, what runs is waited for. */
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = gate_task, .context = gate, .n = 100));
    ck_assert(wait_for(&gate->arrived, 2));
    atomic_store(&gate->is_open, 1);
    procpool_iterator_free(iterator);
    ck_assert_uint_eq(atomic_load(&gate->arrived), atomic_load(&gate->passed));
    ck_assert_uint_eq(counters_of(pool).left, 0);
    procpool_iterator_free(NULL);
    end_pool(pool);
}
END_TEST

/* Timeouts of procpool_next: asked again, it hands over the same item. */
START_TEST(next_may_time_out_and_be_asked_again)
{
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = gate_task, .context = gate, .n = 3, .result_bytes = 8));
    struct procpool_item item;
    for (int i = 0; i < 3; i++)
        assert_refused(procpool_next(iterator, i * 10 * MS - 5, &item, &error), PROCPOOL_TIMEOUT);
    atomic_store(&gate->is_open, 1);
    for (uint64_t i = 0; i < 3; i++) {
        item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* In a child that was forked, procpool_free does nothing. */
static int program_that_frees_the_parents_pool(void *data)
{
    struct procpool *pool = data;
    struct procpool_error e = {0};
    if (procpool_map(pool, &CALL(.function = null_task, .n = 1), &e) != -1 ||
        e.code != PROCPOOL_FOREIGN)
        return 1;
    if (procpool_terminate(pool, &e) != -1 || e.code != PROCPOOL_FOREIGN)
        return 2;
    procpool_free(pool);
    return 0;
}

START_TEST(a_foreign_process_cannot_end_the_pool)
{
    struct procpool *pool = pool_of(2);
    int status = end_of_child(start_child(program_that_frees_the_parents_pool, pool));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    assert_works(pool);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    end_pool(pool);
}
END_TEST

/* --- random numbers --------------------------------------------------------------------------- */

/* uint64_t[2]: two numbers of the item. */
static int draw(struct procpool_task *task)
{
    uint64_t *numbers = task->result;
    numbers[0] = procpool_random(task, 0);
    numbers[1] = procpool_random(task, 1);
    return 0;
}

enum { N_DRAWN = 100 };

static void draw_all(int processes, uint64_t seed, int64_t chunk, uint64_t numbers[][2])
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = processes, .seed = seed));
    assert_ok(procpool_map(pool,
                           &CALL(.function = draw, .n = N_DRAWN, .chunk = chunk, .results = numbers,
                                 .result_bytes = sizeof *numbers,
                                 .engine = chunk % 2 ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER),
                           &error));
    end_pool(pool);
}

START_TEST(random_numbers_depend_on_seed_and_index_alone)
{
    uint64_t one[N_DRAWN][2], five[N_DRAWN][2], other[N_DRAWN][2];
    draw_all(1, 0, 1, one);
    draw_all(5, 0, 4, five);
    draw_all(1, 1, 1, other);
    ck_assert_int_eq(memcmp(one, five, sizeof one), 0);
    uint64_t same = 0;
    for (int i = 0; i < 2 * N_DRAWN; i++) {
        same += one[i / 2][i % 2] == other[i / 2][i % 2];
        for (int k = 0; k < i; k++)
            same += one[i / 2][i % 2] == one[k / 2][k % 2];
    }
    ck_assert_uint_eq(same, 0);
}
END_TEST

/* --- all at once ------------------------------------------------------------------------------ */

/* What the items of one job of the crowd do and leave. */
struct crowd {
    _Atomic uint64_t runs[200];
    _Atomic uint64_t n_callbacks;
};

/* Every 67th item dies at its first run, every 71st at each. */
static int live_or_die(struct procpool_task *task)
{
    struct crowd *crowd = task->context;
    uint64_t run = atomic_fetch_add(&crowd->runs[task->index], 1);
    if ((task->index % 67 == 66 && run == 0) || task->index % 71 == 70)
        _exit(1);
    return square_index(task);
}

static void count_success(struct procpool_job *job, void *data)
{
    (void)job;
    atomic_fetch_add((_Atomic uint64_t *)data, 1);
}

static void count_failure(struct procpool_job *job, const struct procpool_error *its_error,
                          void *data)
{
    (void)its_error;
    count_success(job, data);
}

/* Whether what is known of the item agrees with how often it was run. */
static bool is_consistent(struct procpool_job *job, const struct crowd *crowd, uint64_t i,
                          bool is_cancelled)
{
    uint64_t runs = atomic_load(&crowd->runs[i]);
    bool dies_once = i % 67 == 66, dies = i % 71 == 70;
    switch (state_at(job, i)) {
    case PROCPOOL_DONE:
        return !dies && runs == (dies_once ? 2 : 1) &&
               ((const uint64_t *)procpool_results(job))[i] == i * i;
    case PROCPOOL_LOST:
        return (dies && runs == 2) || (is_cancelled && (dies || dies_once) && runs == 1);
    case PROCPOOL_CANCELLED:
        return is_cancelled && runs <= (dies || dies_once);
    default:
        return false;
    }
}

static void *crowd_in(void *data)
{
    struct caller *caller = data;
    struct crowd *crowd = procpool_alloc(caller->pool, sizeof *crowd, NULL);
    for (uint64_t round = 0; crowd && round < 25; round++) {
        bool is_cancelled = (round + caller->number) % 5 == 0;
        uint64_t n = (caller->number * 31 + round * 17) % 200;
        memset(crowd, 0, sizeof *crowd);
        struct procpool_job *job = procpool_map_async(
            caller->pool,
            &CALL(.function = live_or_die, .context = crowd, .n = n, .chunk = (int64_t)(round % 6),
                  .result_bytes = 8, .engine = round % 2 ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER,
                  .callback = round % 3 ? count_success : NULL,
                  .error_callback = round % 3 ? count_failure : NULL,
                  .callback_data = (void *)&crowd->n_callbacks),
            NULL);
        if (!job) {
            caller->n_wrong++;
            break;
        }
        if (is_cancelled)
            procpool_cancel(job, NULL);
        caller->n_wrong += !procpool_wait(job, 4 * WITHIN_NS);
        caller->n_wrong += atomic_load(&crowd->n_callbacks) != (round % 3 ? 1 : 0);
        for (uint64_t i = 0; i < n; i++)
            caller->n_wrong += !is_consistent(job, crowd, i, is_cancelled);
        procpool_job_free(job);
    }
    procpool_release(caller->pool, crowd);
    return NULL;
}

/* Several threads, both engines, deaths, retries, cancels, callbacks, workers that leave and few
 * places: still each item has one end, which agrees with what it did. */
START_TEST(everything_at_once)
{
    enum { THREADS = 4 };
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = _i, .retries = 1, .items_per_worker = 37, .most_jobs = 3));
    struct caller callers[THREADS];
    for (uint64_t t = 0; t < THREADS; t++) {
        callers[t] = (struct caller){.pool = pool, .number = t};
        ck_assert_int_eq(pthread_create(&callers[t].thread, NULL, crowd_in, &callers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_join(callers[t].thread, NULL), 0);
    for (int t = 0; t < THREADS; t++)
        ck_assert_uint_eq(callers[t].n_wrong, 0);
    ck_assert_uint_eq(counters_of(pool).left, 0);
    assert_works(pool);
    end_pool(pool);
}
END_TEST

struct stopper {
    struct procpool *pool;
    _Atomic uint64_t n_calls;
    enum procpool_code last;
    pthread_t thread;
};

/* Maps until it is refused. */
static void *map_until_the_end(void *data)
{
    struct stopper *stopper = data;
    struct procpool_error refusal;
    do {
        refusal.code = PROCPOOL_OK;
        procpool_map(stopper->pool, &CALL(.function = null_task, .n = 50, .chunk = 1), &refusal);
        atomic_fetch_add(&stopper->n_calls, 1);
    } while (refusal.code == PROCPOOL_OK || refusal.code == PROCPOOL_ITEMS);
    stopper->last = refusal.code;
    return NULL;
}

/* The pool is closed, or terminated, while other threads submit and wait: they are told, and none
 * of them is left waiting. */
START_TEST(a_pool_may_be_ended_while_others_use_it)
{
    enum { THREADS = 4 };
    for (int round = 0; round < 10; round++) {
        struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .most_jobs = round % 2 ? 2 : 0));
        struct stopper stoppers[THREADS];
        for (int t = 0; t < THREADS; t++) {
            stoppers[t] = (struct stopper){.pool = pool};
            ck_assert_int_eq(
                pthread_create(&stoppers[t].thread, NULL, map_until_the_end, &stoppers[t]), 0);
        }
        for (int t = 0; t < THREADS; t++)
            ck_assert(wait_for(&stoppers[t].n_calls, 1 + (uint64_t)round));
        assert_ok(_i ? procpool_terminate(pool, &error) : procpool_drain(pool, &error));
        for (int t = 0; t < THREADS; t++) {
            ck_assert_int_eq(pthread_join(stoppers[t].thread, NULL), 0);
            ck_assert_int_eq(stoppers[t].last, PROCPOOL_NOT_RUNNING);
        }
        struct procpool_counters counters = counters_of(pool);
        ck_assert_uint_eq(counters.left, 0);
        if (_i == 0)
            ck_assert_uint_eq(counters.done % 50, 0);
        end_pool(pool);
    }
}
END_TEST

/* Workers that sleep are woken by each submission, one by one and from two threads. */
static void *apply_often(void *data)
{
    struct caller *caller = data;
    for (uint64_t i = 0; i < 1500; i++) {
        uint64_t square = 0;
        if (procpool_apply(caller->pool, square_argument, &i, sizeof i, &square, sizeof square,
                           NULL))
            caller->n_wrong++;
        caller->n_wrong += square != i * i;
    }
    return NULL;
}

START_TEST(no_call_is_slept_through)
{
    static const int64_t spins[] = {-1, 0, 20000};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1 + _i, .spin_ns = spins[_i]));
    struct caller callers[2] = {{.pool = pool}, {.pool = pool}};
    apply_often(&callers[0]);
    for (int t = 0; t < 2; t++)
        ck_assert_int_eq(pthread_create(&callers[t].thread, NULL, apply_often, &callers[t]), 0);
    for (int t = 0; t < 2; t++)
        ck_assert_int_eq(pthread_join(callers[t].thread, NULL), 0);
    ck_assert_uint_eq(callers[0].n_wrong + callers[1].n_wrong, 0);
    ck_assert_uint_eq(counters_of(pool).done, 4500);
    end_pool(pool);
}
END_TEST

/* Of shared memory. */
static size_t count_mappings(void)
{
    size_t n = 0;
    char line[1024];
    FILE *file = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        n += strstr(line, "-s ") != NULL;
    fclose(file);
    return n;
}

/* Pools that come and go leave no process, descriptor or mapping. */
START_TEST(pools_come_and_go)
{
    static _Atomic uint64_t n_called;
    size_t fds = count_fds(), mappings = count_mappings();
    for (int i = 0; i < UNIT_REPEATS(100); i++) {
        struct procpool *pool = pool_of(1 + i % 3);
        if (i % 4)
            assert_works(pool);
        if (i % 4 == 2)
            procpool_job_free(
                submit_map(pool, &CALL(.function = null_task, .n = 50, .callback = count_success,
                                       .callback_data = (void *)&n_called)));
        if (i % 4 == 3)
            assert_ok(procpool_drain(pool, &error));
        ck_assert_uint_gt(count_mappings(), mappings);
        end_pool(pool);
    }
    ck_assert_uint_eq(count_fds(), fds);
    ck_assert_uint_eq(count_mappings(), mappings);
}
END_TEST

UNIT_MAIN("pool jobs", a_thousand_jobs_at_once, a_job_that_is_freed_early_goes_on,
          UNIT_LOOP(several_threads_submit_at_once, 0, 2), several_threads_wait_for_one_job,
          one_job_too_many_waits_for_one_to_end,
          UNIT_LOOP(jobs_that_have_ended_take_no_place, 1, 5),
          UNIT_LOOP(a_call_that_waits_for_a_place_is_told_of_the_end, 0, 2),
          a_pool_may_be_freed_with_running_jobs, an_iterator_may_be_freed_in_the_middle,
          next_may_time_out_and_be_asked_again, a_foreign_process_cannot_end_the_pool,
          random_numbers_depend_on_seed_and_index_alone, UNIT_LOOP(everything_at_once, 1, 6),
          UNIT_LOOP(a_pool_may_be_ended_while_others_use_it, 0, 2),
          UNIT_LOOP(no_call_is_slept_through, 0, 3), pools_come_and_go)
