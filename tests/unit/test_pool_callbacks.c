/* Rows 50 to 54 of the table "coming from Python": callbacks, and errors that nobody asked for.
 * Where CPython has a test of the row, its numbers of workers and items are kept. */
#include "pool_watch.h"

/* --- 50 to 53: callbacks ---------------------------------------------------------------------- */

START_TEST(row_50_a_callback_is_called_once_in_a_thread_of_the_pool)
{
    struct procpool *pool = pool_of(2);
    struct told told = {0};
    uint64_t seven = 7, square = 0;
    struct procpool_job *job = submit_one(
        pool, &CALL(.function = square_argument, ARGUMENTS(&seven), RESULTS(&square), TELL(&told)));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&told.n_over), 1);
    ck_assert_uint_eq(square, 49);
    ck_assert_uint_eq(atomic_load(&told.n_callbacks), 1);
    ck_assert_uint_eq(atomic_load(&told.n_errors), 0);
    ck_assert_ptr_eq(told.job, job);
    ck_assert_int_eq(told.process, getpid());
    ck_assert_int_ne(told.thread, thread_id());
    procpool_job_free(job);
    ck_assert_uint_eq(atomic_load(&told.n_callbacks), 1);
    end_pool(pool);
}
END_TEST

START_TEST(row_50_an_error_callback_is_given_the_error)
{
    struct procpool *pool = pool_of(2);
    struct told told = {0};
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = fail_at, .context = AS_NUMBER(0), TELL(&told)));
    assert_refused(procpool_get(job, WITHIN_NS, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(atomic_load(&told.n_over), 1);
    ck_assert_uint_eq(atomic_load(&told.n_errors), 1);
    ck_assert_uint_eq(atomic_load(&told.n_callbacks), 0);
    ck_assert_int_eq(told.error.code, PROCPOOL_ITEMS);
    ck_assert_uint_eq(told.error.n_failed, 1);
    ck_assert_int_eq(told.error.status.code, 7);
    ck_assert_str_eq(told.error.text, error.text);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

struct hold {
    _Atomic uint64_t has_begun, may_end;
    bool is_over;
};

static void hold_on(struct procpool_job *job, void *data)
{
    (void)job;
    struct hold *hold = data;
    atomic_store(&hold->has_begun, 1);
    hold->is_over = wait_for(&hold->may_end, 1);
}

START_TEST(row_50_a_job_is_not_ready_while_its_callback_runs)
{
    struct procpool *pool = pool_of(1);
    struct hold hold = {0};
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = null_task, .callback = hold_on, .callback_data = &hold));
    ck_assert(wait_for(&hold.has_begun, 1));
    ck_assert(!procpool_ready(job));
    ck_assert(!procpool_wait(job, 20 * MS));
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_TIMEOUT);
    assert_refused(procpool_successful(job, &error), PROCPOOL_NOT_READY);
    ck_assert_uint_eq(procpool_items_left(job), 0);
    atomic_store(&hold.may_end, 1);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert(hold.is_over);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* What is finished, callbacks included, is waited for by join. */
START_TEST(row_50_join_ends_after_the_callbacks)
{
    struct procpool *pool = pool_of(2);
    struct told told = {0};
    for (int i = 0; i < 5; i++)
        procpool_job_free(submit_one(pool, &CALL(.function = null_task, TELL(&told))));
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(atomic_load(&told.n_over), 5);
    end_pool(pool);
}
END_TEST

/* Whoever waits sees what the callback has done. */
START_TEST(row_50_wait_ends_after_the_callback)
{
    struct procpool *pool = pool_of(1);
    struct told told = {0};
    struct procpool_job *job = submit_one(pool, &CALL(.function = null_task, TELL(&told)));
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_uint_eq(atomic_load(&told.n_over), 1);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

struct queue {
    _Atomic uint64_t n;
    int order[3];
};

struct place {
    struct queue *queue;
    int number;
};

static void queue_up(struct procpool_job *job, void *data)
{
    (void)job;
    struct place *place = data;
    place->queue->order[atomic_load(&place->queue->n)] = place->number;
    atomic_fetch_add(&place->queue->n, 1);
}

/* They wait behind one that holds the thread up, and then come in the order in which their jobs
 * were finished, not in that of their submission. */
START_TEST(row_50_callbacks_come_in_the_order_of_completion)
{
    static const int order[3] = {2, 0, 1};
    struct procpool *pool = pool_of(3);
    struct hold hold = {0};
    struct procpool_job *first =
        submit_one(pool, &CALL(.function = null_task, .callback = hold_on, .callback_data = &hold));
    ck_assert(wait_for(&hold.has_begun, 1));
    struct gate *gates[3];
    struct procpool_job *jobs[3];
    struct queue queue = {0};
    struct place places[3];
    for (int i = 0; i < 3; i++) {
        gates[i] = shared(pool, sizeof *gates[i]);
        places[i] = (struct place){&queue, i};
        jobs[i] = submit_one(pool, &CALL(.function = gate_task, .context = gates[i],
                                         .callback = queue_up, .callback_data = &places[i]));
    }
    for (int i = 0; i < 3; i++) {
        atomic_store(&gates[order[i]]->is_open, 1);
        assert_soon(procpool_items_left(jobs[order[i]]) == 0);
    }
    ck_assert_uint_eq(atomic_load(&queue.n), 0);
    atomic_store(&hold.may_end, 1);
    ck_assert(wait_for(&queue.n, 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(queue.order[i], order[i]);
    for (int i = 0; i < 3; i++) {
        assert_ok(procpool_get(jobs[i], WITHIN_NS, &error));
        procpool_job_free(jobs[i]);
    }
    procpool_job_free(first);
    end_pool(pool);
}
END_TEST

START_TEST(row_51_map_calls_back_once_with_all_results)
{
    struct procpool *pool = pool_of(4);
    struct told told = {0};
    uint64_t one = 1, square = 0;
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = square_argument, .n = 1, ARGUMENTS(&one),
                               RESULTS(&square), TELL(&told)));
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_uint_eq(atomic_load(&told.n_callbacks), 1);
    ck_assert_uint_eq(*(uint64_t *)procpool_results(job), 1);
    procpool_job_free(job);

    struct told told_of_all = {0};
    uint64_t squares[100];
    assert_ok(procpool_map(
        pool,
        &CALL(.function = square_index, .n = 100, .chunk = 7, RESULTS(squares), TELL(&told_of_all)),
        &error));
    ck_assert_uint_eq(atomic_load(&told_of_all.n_callbacks), 1);
    ck_assert_uint_eq(atomic_load(&told_of_all.n_over), 1);
    ck_assert_uint_eq(atomic_load(&told_of_all.n_errors), 0);
    ck_assert(!told_of_all.had_items_left);
    end_pool(pool);
}
END_TEST

START_TEST(row_51_the_error_callback_comes_after_all_chunks)
{
    struct procpool *pool = pool_of(4);
    struct told told = {0};
    assert_refused(
        procpool_map(pool, &CALL(.function = fail_odd, .n = 100, .chunk = 7, TELL(&told)), &error),
        PROCPOOL_ITEMS);
    ck_assert_uint_eq(atomic_load(&told.n_errors), 1);
    ck_assert_uint_eq(atomic_load(&told.n_callbacks), 0);
    ck_assert_uint_eq(told.error.n_failed, 50);
    ck_assert_uint_eq(told.error.status.index, 1);
    ck_assert(!told.had_items_left);
    end_pool(pool);
}
END_TEST

static void give_up(struct procpool_job *job, void *data)
{
    (void)job;
    (void)data;
    _exit(9);
}

static int program_that_ends_in_a_callback(void *data)
{
    (void)data;
    struct procpool *pool = procpool_new(&OPTIONS(.processes = 2), NULL);
    if (!pool)
        return 1;
    procpool_apply_async(pool, &CALL(.function = null_task, .callback = give_up), NULL);
    clock_sleep_ns((uint64_t)WITHIN_NS);
    return 2;
}

/* A callback that does not return is the end of the program; that of the pool comes with it. */
START_TEST(row_52_a_callback_that_ends_the_program_leaves_nothing_behind)
{
    int status = end_of_child(start_child(program_that_ends_in_a_callback, NULL));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    ck_assert(wait_nobody_left());
}
END_TEST

/* What a callback asks for, and what it is answered. */
struct inside {
    struct procpool *pool;
    struct procpool_job *pending, *ready, *submitted;
    struct procpool_iterator *iterator;
    enum procpool_code get_own, get_pending, get_pending_0, get_ready, map, each, next, drain;
    uint64_t own_result;
    bool wait_pending, wait_ready, own_is_ready, own_is_successful;
    _Atomic uint64_t n;
};

static enum procpool_code code_of(int returned, const struct procpool_error *its_error)
{
    return returned == 0 ? PROCPOOL_OK : its_error->code;
}

static void ask_inside(struct procpool_job *job, void *data)
{
    struct inside *in = data;
    struct procpool_error e = {0};
    in->submitted = procpool_apply_async(
        in->pool, &CALL(.function = square_index, .result_bytes = sizeof(uint64_t)), &e);
    in->get_own = code_of(procpool_get(job, PROCPOOL_FOREVER, &e), &e);
    in->own_is_ready = procpool_ready(job);
    in->own_is_successful = procpool_successful(job, &e) == 1;
    in->own_result = *(uint64_t *)procpool_results(job);
    in->get_pending = code_of(procpool_get(in->pending, PROCPOOL_FOREVER, &e), &e);
    in->get_ready = code_of(procpool_get(in->ready, PROCPOOL_FOREVER, &e), &e);
    in->wait_pending = procpool_wait(in->pending, PROCPOOL_FOREVER);
    in->wait_ready = procpool_wait(in->ready, PROCPOOL_FOREVER);
    in->map = code_of(procpool_map(in->pool, &CALL(.function = null_task, .n = 4), &e), &e);
    in->each = code_of(procpool_each(in->pool, null_task, NULL, &e), &e);
    struct procpool_item item;
    in->next = code_of(procpool_next(in->iterator, PROCPOOL_FOREVER, &item, &e), &e);
    in->drain = code_of(procpool_drain(in->pool, &e), &e);
    atomic_fetch_add(&in->n, 1);
}

START_TEST(row_53_a_callback_may_submit_and_is_told_of_deadlocks)
{
    struct procpool *pool = pool_of(4);
    struct gate *gate = shared(pool, sizeof *gate);
    struct inside in = {.pool = pool};
    in.pending = procpool_apply_async(pool, &CALL(.function = gate_task, .context = gate), &error);
    in.ready = procpool_apply_async(pool, &CALL(.function = null_task), &error);
    ck_assert(in.pending && in.ready);
    in.iterator = start_imap(pool, &CALL(.function = gate_task, .context = gate, .n = 2));
    ck_assert(procpool_wait(in.ready, WITHIN_NS));

    uint64_t seven = 7, square = 0;
    struct procpool_job *job =
        submit_one(pool, &CALL(.function = square_argument, ARGUMENTS(&seven), RESULTS(&square),
                               .callback = ask_inside, .callback_data = &in));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&in.n), 1);
    ck_assert_int_eq(in.get_own, PROCPOOL_OK);
    ck_assert(in.own_is_ready);
    ck_assert(in.own_is_successful);
    ck_assert_uint_eq(in.own_result, 49);
    ck_assert_int_eq(in.get_pending, PROCPOOL_DEADLOCK);
    ck_assert_int_eq(in.get_ready, PROCPOOL_OK);
    ck_assert(!in.wait_pending);
    ck_assert(in.wait_ready);
    ck_assert_int_eq(in.map, PROCPOOL_DEADLOCK);
    ck_assert_int_eq(in.each, PROCPOOL_DEADLOCK);
    ck_assert_int_eq(in.next, PROCPOOL_DEADLOCK);
    ck_assert_int_eq(in.drain, PROCPOOL_DEADLOCK);

    atomic_store(&gate->is_open, 1);
    ck_assert_ptr_nonnull(in.submitted);
    assert_ok(procpool_get(in.submitted, WITHIN_NS, &error));
    next_done(in.iterator);
    next_done(in.iterator);
    procpool_iterator_free(in.iterator);
    assert_ok(procpool_get(in.pending, WITHIN_NS, &error));
    procpool_job_free(job);
    procpool_job_free(in.pending);
    procpool_job_free(in.ready);
    procpool_job_free(in.submitted);
    end_pool(pool);
}
END_TEST

/* Links of a chain, each submitted by the callback of the one before. */
struct chain {
    struct procpool *pool;
    _Atomic uint64_t n;
    bool was_refused;
};

static void next_link(struct procpool_job *job, void *data)
{
    (void)job;
    struct chain *chain = data;
    if (atomic_fetch_add(&chain->n, 1) == 99)
        return;
    struct procpool_job *next = procpool_apply_async(
        chain->pool, &CALL(.function = null_task, .callback = next_link, .callback_data = chain),
        NULL);
    chain->was_refused |= next == NULL;
    procpool_job_free(next);
}

START_TEST(row_53_callbacks_may_submit_without_end)
{
    struct procpool *pool = pool_of(2);
    struct chain chain = {.pool = pool};
    next_link(NULL, &chain);
    ck_assert(wait_for(&chain.n, 100));
    ck_assert(!chain.was_refused);
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(atomic_load(&chain.n), 100);
    end_pool(pool);
}
END_TEST

static void terminate_inside(struct procpool_job *job, void *data)
{
    (void)job;
    struct inside *in = data;
    struct procpool_error e = {0};
    in->drain = code_of(procpool_terminate(in->pool, &e), &e);
    atomic_fetch_add(&in->n, 1);
}

/* Terminate waits for all jobs, that of the callback among them. */
START_TEST(row_53_terminate_inside_a_callback_is_a_deadlock)
{
    struct procpool *pool = pool_of(2);
    struct inside in = {.pool = pool};
    struct procpool_job *job = submit_one(
        pool, &CALL(.function = null_task, .callback = terminate_inside, .callback_data = &in));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&in.n), 1);
    ck_assert_int_eq(in.drain, PROCPOOL_DEADLOCK);
    procpool_job_free(job);
    assert_ok(procpool_terminate(pool, &error));
    end_pool(pool);
}
END_TEST

/* --- 54: errors that nobody asked for --------------------------------------------------------- */

/* Deviates: in Python they vanish. */
START_TEST(row_54_errors_that_nobody_asked_for_are_counted_and_told)
{
    struct warnings warnings = {0};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, WARN_TO(&warnings)));
    for (int i = 0; i < 1000; i++) {
        struct procpool_job *job =
            submit_one(pool, &CALL(.function = fail_at, .context = AS_NUMBER(0)));
        procpool_job_free(job);
    }
    assert_soon(counters_of(pool).left == 0);
    assert_soon(counters_of(pool).unobserved == 1000);
    ck_assert_uint_eq(counters_of(pool).failed, 1000);
    end_pool(pool);
    ck_assert_uint_eq(atomic_load(&warnings.n), 1);
    assert_says(warnings.last, "1000");
    assert_sentence(warnings.last);
}
END_TEST

START_TEST(row_54_errors_of_jobs_that_are_freed_with_the_pool_are_told)
{
    struct warnings warnings = {0};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, WARN_TO(&warnings)));
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(procpool_apply_async(
            pool, &CALL(.function = fail_at, .context = AS_NUMBER(0)), &error));
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
    ck_assert_uint_eq(atomic_load(&warnings.n), 1);
    assert_says(warnings.last, "3");
}
END_TEST

/* Asked for by get, by successful or by an error callback; and those of map are returned. */
START_TEST(row_54_errors_that_somebody_asked_for_are_not)
{
    struct warnings warnings = {0};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, WARN_TO(&warnings)));
    const struct procpool_call call = {.function = fail_at, .context = AS_NUMBER(0), .n = 1};
    struct told told = {0};
    struct procpool_call call_back = call;
    call_back.error_callback = on_failure;
    call_back.callback_data = &told;

    struct procpool_job *job = procpool_apply_async(pool, &call, &error);
    ck_assert_int_eq(procpool_get(job, WITHIN_NS, NULL), -1);
    procpool_job_free(job);
    job = procpool_apply_async(pool, &call, &error);
    ck_assert(procpool_wait(job, WITHIN_NS));
    ck_assert_int_eq(procpool_successful(job, NULL), 0);
    procpool_job_free(job);
    job = procpool_apply_async(pool, &call_back, &error);
    ck_assert(procpool_wait(job, WITHIN_NS));
    procpool_job_free(job);
    ck_assert_int_eq(procpool_map(pool, &call, NULL), -1);
    ck_assert_int_eq(procpool_apply(pool, fail_odd, NULL, 0, NULL, 0, NULL), 0);

    ck_assert_uint_eq(counters_of(pool).failed, 4);
    ck_assert_uint_eq(counters_of(pool).unobserved, 0);
    end_pool(pool);
    ck_assert_uint_eq(atomic_load(&warnings.n), 0);
}
END_TEST

UNIT_MAIN("pool callbacks", row_50_a_callback_is_called_once_in_a_thread_of_the_pool,
          row_50_an_error_callback_is_given_the_error,
          row_50_a_job_is_not_ready_while_its_callback_runs, row_50_join_ends_after_the_callbacks,
          row_50_wait_ends_after_the_callback, row_50_callbacks_come_in_the_order_of_completion,
          row_51_map_calls_back_once_with_all_results,
          row_51_the_error_callback_comes_after_all_chunks,
          row_52_a_callback_that_ends_the_program_leaves_nothing_behind,
          row_53_a_callback_may_submit_and_is_told_of_deadlocks,
          row_53_callbacks_may_submit_without_end, row_53_terminate_inside_a_callback_is_a_deadlock,
          row_54_errors_that_nobody_asked_for_are_counted_and_told,
          row_54_errors_of_jobs_that_are_freed_with_the_pool_are_told,
          row_54_errors_that_somebody_asked_for_are_not)
