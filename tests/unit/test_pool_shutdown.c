/* Rows 63 to 73 of the table "coming from Python": closing, terminating, joining, leaving, and what
 * must not disturb it. Where CPython has a test of the row, its numbers are kept. */
#include "pool_watch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

/* --- 63 to 65: close and join ----------------------------------------------------------------- */

START_TEST(row_63_close_returns_at_once_and_what_was_submitted_is_finished)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    uint64_t squares[20] = {0};
    struct procpool_job *jobs[2];
    for (int i = 0; i < 2; i++) {
        jobs[i] = submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 20,
                                         .chunk = 1, RESULTS(squares)));
    }
    ck_assert(wait_for(&gate->arrived, 2));
    for (int i = 0; i < 3; i++)
        assert_ok(procpool_close(pool, &error));
    ck_assert(!procpool_ready(jobs[0]));
    ck_assert_uint_eq(atomic_load(&gate->passed), 0);

    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_join(pool, &error));
    ck_assert_uint_eq(atomic_load(&gate->passed), 40);
    for (int i = 0; i < 2; i++) {
        assert_ok(procpool_get(jobs[i], 0, &error));
        for (uint64_t k = 0; k < 20; k++)
            ck_assert_uint_eq(squares[k], k * k);
        procpool_job_free(jobs[i]);
    }
    assert_ok(procpool_close(pool, &error));
    end_pool(pool);
}
END_TEST

/* All the items of a call belong to what was submitted, those beyond the window too. */
START_TEST(row_63_iterators_of_a_closed_pool_go_on)
{
    enum { N = 1000 };
    struct procpool *pool = pool_of(2);
    const struct procpool_call call = {
        .function = square_index, .n = N, .chunk = 1 + _i / 2, .result_bytes = sizeof(uint64_t)};
    struct procpool_iterator *ordered = start_imap(pool, &call);
    struct procpool_iterator *unordered = start_imap_unordered(pool, &call);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_eq(next_done(ordered).index, i);
    assert_ok(_i % 2 ? procpool_drain(pool, &error) : procpool_close(pool, &error));
    for (uint64_t i = 3; i < N; i++) {
        struct procpool_item item = next_done(ordered);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    assert_at_end(ordered);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < N; i++) {
        struct procpool_item item = next_done(unordered);
        ck_assert_uint_eq(result_of(&item), item.index * item.index);
        sum += item.index;
    }
    ck_assert_uint_eq(sum, N * (N - 1) / 2);
    assert_at_end(unordered);
    assert_ok(procpool_join(pool, &error));
    ck_assert_uint_eq(counters_of(pool).done, 2 * N);
    procpool_iterator_free(ordered);
    procpool_iterator_free(unordered);
    end_pool(pool);
}
END_TEST

static int count_up(void *data, void *argument)
{
    uint64_t *next = data;
    *(uint64_t *)argument = (*next)++;
    return 1;
}

/* Deviates: Python goes on reading, and where the source has no end join() has none. */
START_TEST(row_63_a_source_of_a_closed_pool_is_read_no_more)
{
    struct procpool *pool = pool_of(2);
    uint64_t n_read = 0;
    struct procpool_iterator *iterator = start_imap(
        pool, &CALL(.function = square_argument, .source = count_up, .source_data = &n_read,
                    .argument_bytes = sizeof n_read, .result_bytes = sizeof(uint64_t)));
    ck_assert_uint_eq(next_done(iterator).index, 0);
    assert_ok(_i ? procpool_drain(pool, &error) : procpool_close(pool, &error));
    uint64_t n_read_before = n_read;
    for (uint64_t i = 1; i < n_read_before; i++) {
        struct procpool_item item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    struct procpool_item item;
    assert_refused(procpool_next(iterator, WITHIN_NS, &item, &error), PROCPOOL_NOT_RUNNING);
    assert_at_end(iterator);
    ck_assert_uint_le(n_read, n_read_before + 1);
    assert_ok(procpool_join(pool, &error));
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* Idle workers of a closed pool may leave or wait, but are not made anew over and over. */
START_TEST(row_63_a_closed_pool_makes_no_workers_in_vain)
{
    struct procpool *pool = pool_of(3);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    ck_assert(wait_for(&gate->arrived, 1));
    assert_ok(procpool_close(pool, &error));
    pid_t last[3];
    for (uint32_t w = 0; w < 3; w++)
        last[w] = procpool_worker_pid(pool, w);
    int changes = 0;
    for (int i = 0; i < 50; i++) {
        clock_sleep_ns(2 * (uint64_t)MS);
        for (uint32_t w = 0; w < 3; w++) {
            pid_t pid = procpool_worker_pid(pool, w);
            changes += pid != 0 && pid != last[w];
            last[w] = pid ? pid : last[w];
        }
    }
    ck_assert_int_eq(changes, 0);
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_join(pool, &error));
    assert_ok(procpool_get(job, 0, &error));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_63_workers_are_gone_after_join)
{
    struct procpool *pool = pool_of(3);
    pid_t pids[3];
    for (uint32_t w = 0; w < 3; w++)
        pids[w] = procpool_worker_pid(pool, w);
    assert_ok(procpool_close(pool, &error));
    assert_ok(procpool_join(pool, &error));
    for (uint32_t w = 0; w < 3; w++) {
        ck_assert(is_gone(pids[w]));
        ck_assert_int_eq(procpool_worker_pid(pool, w), 0);
    }
    ck_assert(no_children_left());
    end_pool(pool);
}
END_TEST

static int no_source(void *data, void *argument)
{
    (void)data;
    (void)argument;
    return 0;
}

/* All the ways of submitting are refused. */
static void assert_takes_nothing(struct procpool *pool)
{
    uint64_t numbers[10] = {0};
    struct procpool_column column = {numbers, sizeof *numbers};
    struct procpool_call call = {.function = null_task, .n = 10};
    struct procpool_call columns = {
        .function = null_task, .n = 10, .columns = &column, .n_columns = 1};
    struct procpool_call from_source = {
        .function = null_task, .source = no_source, .argument_bytes = sizeof *numbers};
    const enum procpool_code no = PROCPOOL_NOT_RUNNING;
    assert_refused(procpool_apply(pool, null_task, NULL, 0, NULL, 0, &error), no);
    assert_refused_pointer(procpool_apply_async(pool, &call, &error), no);
    assert_refused(procpool_map(pool, &call, &error), no);
    assert_refused(procpool_map(pool, &from_source, &error), no);
    assert_refused_pointer(procpool_map_async(pool, &call, &error), no);
    assert_refused(procpool_starmap(pool, &columns, &error), no);
    assert_refused_pointer(procpool_starmap_async(pool, &columns, &error), no);
    assert_refused_pointer(procpool_imap(pool, &call, &error), no);
    assert_refused_pointer(procpool_imap(pool, &from_source, &error), no);
    assert_refused_pointer(procpool_imap_unordered(pool, &call, &error), no);
    assert_refused(procpool_each(pool, null_task, NULL, &error), no);
    call.n = 0;
    assert_refused(procpool_map(pool, &call, &error), no);
}

START_TEST(row_64_a_pool_that_is_not_running_takes_nothing)
{
    struct procpool *pool = pool_of(2);
    uint64_t squares[10];
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = square_index, .n = 10, RESULTS(squares)));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_uint_eq(squares[i], i * i);
    procpool_job_free(job);

    assert_ok(_i ? procpool_terminate(pool, &error) : procpool_close(pool, &error));
    assert_takes_nothing(pool);
    assert_ok(procpool_join(pool, &error));
    assert_takes_nothing(pool);
    end_pool(pool);
}
END_TEST

START_TEST(row_65_join_of_a_running_pool_is_refused)
{
    struct procpool *pool = pool_of(2);
    assert_refused(procpool_join(pool, &error), PROCPOOL_STILL_RUNNING);
    assert_works(pool);
    assert_ok(procpool_close(pool, &error));
    assert_ok(procpool_join(pool, &error));
    assert_ok(procpool_join(pool, &error));
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
}
END_TEST

/* Counters, results and states of jobs outlive the workers. */
START_TEST(row_65_jobs_can_be_asked_after_join)
{
    struct procpool *pool = pool_of(2);
    uint64_t squares[10] = {0};
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = fail_odd, .n = 10, RESULTS(squares)));
    assert_ok(procpool_drain(pool, &error));
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 5);
    ck_assert_uint_eq(squares[8], 64);
    ck_assert_uint_eq(counters_of(pool).done, 5);
    ck_assert_uint_eq(counters_of(pool).failed, 5);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- 66 to 68: terminate ---------------------------------------------------------------------- */

START_TEST(row_66_terminate_drops_what_is_queued)
{
    enum { N = 10000 };
    struct procpool *pool = pool_of(3);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = sleep_task, .context = AS_NUMBER(1000 * SECOND), .n = N,
                               .chunk = 1));
    clock_sleep_ns(200 * (uint64_t)MS); /* some have started */
    uint64_t start = clock_now_ns();
    assert_ok(procpool_terminate(pool, &error));
    ck_assert_uint_lt(clock_now_ns() - start, (uint64_t)WITHIN_NS);
    ck_assert(procpool_ready(job));
    assert_ok(procpool_join(pool, &error));

    ck_assert_uint_eq(count_state(job, PROCPOOL_TERMINATED), N);
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, N);
    ck_assert_uint_eq(error.status.index, 0);
    assert_state(error.status.state, PROCPOOL_TERMINATED);
    ck_assert_uint_eq(counters_of(pool).left, 0);
    ck_assert_uint_eq(counters_of(pool).done, 0);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

START_TEST(row_66_terminate_again_and_again_and_after_join)
{
    struct procpool *pool = pool_of(3);
    if (_i == 1)
        assert_ok(procpool_close(pool, &error));
    if (_i == 2)
        assert_ok(procpool_drain(pool, &error));
    for (int i = 0; i < 3; i++)
        assert_ok(procpool_terminate(pool, &error));
    ck_assert(no_children_left());
    assert_ok(procpool_join(pool, &error));
    assert_ok(procpool_terminate(pool, &error));
    assert_ok(procpool_close(pool, &error));
    end_pool(pool);
}
END_TEST

/* What is done stays done. */
START_TEST(row_66_terminate_keeps_what_is_done)
{
    struct procpool *pool = pool_of(1);
    struct gate *gate = shared(pool, sizeof *gate);
    uint64_t squares[10] = {0};
    assert_ok(
        procpool_map(pool, &CALL(.function = square_index, .n = 10, RESULTS(squares)), &error));
    struct procpool_job *done = procpool_map_async(
        pool, &CALL(.function = square_index, .n = 10, RESULTS(squares)), &error);
    struct procpool_job *stuck = procpool_map_async(
        pool, &CALL(.function = gate_task, .context = gate, .n = 3, .chunk = 3), &error);
    ck_assert(done && stuck);
    ck_assert(wait_for(&gate->arrived, 1));
    assert_ok(procpool_terminate(pool, &error));
    memset(squares, 0, sizeof squares);
    assert_ok(procpool_get(done, 0, &error));
    ck_assert_uint_eq(squares[9], 81);
    ck_assert_uint_eq(count_state(stuck, PROCPOOL_TERMINATED), 3);
    ck_assert_uint_eq(counters_of(pool).done, 20);
    procpool_job_free(done);
    procpool_job_free(stuck);
    end_pool(pool);
}
END_TEST

/* What a worker does about SIGTERM, and what it saw of it. */
struct manners {
    _Atomic uint64_t is_up, n_terms;
    bool ignores, handles, is_stopped;
};

static struct manners *manners_of_worker;

static void leave_politely(int signal_number)
{
    (void)signal_number;
    atomic_fetch_add(&manners_of_worker->n_terms, 1);
    _exit(0);
}

static int hang_with_manners(struct procpool_task *task)
{
    manners_of_worker = task->context;
    if (manners_of_worker->ignores)
        signal(SIGTERM, SIG_IGN);
    if (manners_of_worker->handles)
        signal(SIGTERM, leave_politely);
    atomic_fetch_add(&manners_of_worker->is_up, 1);
    if (manners_of_worker->is_stopped)
        raise(SIGSTOP);
    return hang_task(task);
}

/* Terminates a pool of two such workers; returns how long it took. */
static uint64_t time_terminate(int64_t grace_ns, struct manners *manners)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .grace_ns = grace_ns));
    struct manners *seen = shared(pool, sizeof *seen);
    *seen = *manners;
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = hang_with_manners, .context = seen, .n = 2, .chunk = 1));
    ck_assert(wait_for(&seen->is_up, 2));
    uint64_t start = clock_now_ns();
    assert_ok(procpool_terminate(pool, &error));
    uint64_t ns = clock_now_ns() - start;
    ck_assert_uint_eq(count_state(job, PROCPOOL_TERMINATED), 2);
    *manners = *seen;
    procpool_job_free(job);
    end_pool(pool);
    return ns;
}

/* Deviates: in Python terminate() then waits for ever. */
START_TEST(row_67_workers_that_ignore_sigterm_are_killed_after_grace)
{
    struct manners manners = {.ignores = true};
    uint64_t ns = time_terminate(300 * MS, &manners);
    ck_assert_uint_ge(ns, 300 * (uint64_t)MS);
    ck_assert_uint_lt(ns, (uint64_t)WITHIN_NS);
    manners = (struct manners){.ignores = true};
    ck_assert_uint_ge(time_terminate(0, &manners), 200 * (uint64_t)MS);
}
END_TEST

START_TEST(row_67_workers_that_heed_sigterm_are_not_waited_for)
{
    struct manners manners = {0};
    ck_assert_uint_lt(time_terminate(1000 * SECOND, &manners), (uint64_t)WITHIN_NS);
    manners = (struct manners){.handles = true};
    ck_assert_uint_lt(time_terminate(1000 * SECOND, &manners), (uint64_t)WITHIN_NS);
    ck_assert_uint_eq(atomic_load(&manners.n_terms), 2);
}
END_TEST

START_TEST(row_67_no_sigterm_where_grace_is_negative)
{
    struct manners manners = {.handles = true};
    ck_assert_uint_lt(time_terminate(-1, &manners), (uint64_t)WITHIN_NS);
    ck_assert_uint_eq(atomic_load(&manners.n_terms), 0);
}
END_TEST

START_TEST(row_67_stopped_workers_are_ended)
{
    struct manners manners = {.is_stopped = true};
    ck_assert_uint_lt(time_terminate(100 * MS, &manners), (uint64_t)WITHIN_NS);
}
END_TEST

struct getter {
    struct procpool_job *job;
    _Atomic uint64_t is_waiting;
    int returned;
    struct procpool_error error;
};

static void *get_in_a_thread(void *data)
{
    struct getter *getter = data;
    atomic_store(&getter->is_waiting, 1);
    getter->returned = procpool_get(getter->job, PROCPOOL_FOREVER, &getter->error);
    return NULL;
}

/* Deviates: in Python it waits for ever. */
START_TEST(row_68_get_of_a_terminated_job_returns)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct getter getter = {0};
    getter.job = procpool_map_async(
        pool, &CALL(.function = gate_task, .context = gate, .n = 6, .chunk = 1), &error);
    struct procpool_job *queued = procpool_apply_async(pool, &CALL(.function = null_task), &error);
    ck_assert(getter.job && queued);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, get_in_a_thread, &getter), 0);
    ck_assert(wait_for(&getter.is_waiting, 1));
    ck_assert(wait_for(&gate->arrived, 2));
    clock_sleep_ns(20 * (uint64_t)MS);

    assert_ok(procpool_terminate(pool, &error));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(getter.returned, -1);
    ck_assert_int_eq(getter.error.code, PROCPOOL_ITEMS);
    ck_assert_uint_eq(getter.error.n_failed, 6);
    assert_state(getter.error.status.state, PROCPOOL_TERMINATED);
    assert_refused(procpool_get(queued, PROCPOOL_FOREVER, &error), PROCPOOL_ITEMS);
    assert_state(error.status.state, PROCPOOL_TERMINATED);
    ck_assert_int_eq(procpool_successful(queued, &error), 0);
    procpool_job_free(getter.job);
    procpool_job_free(queued);
    end_pool(pool);
}
END_TEST

/* Iterators end too, each item handed over as terminated. */
START_TEST(row_68_next_of_a_terminated_iterator_returns)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_iterator *iterator =
        start_imap(pool, &CALL(.function = gate_task, .context = gate, .n = 6));
    ck_assert(wait_for(&gate->arrived, 2));
    assert_ok(procpool_terminate(pool, &error));
    struct procpool_item item;
    uint64_t n = 0;
    do {
        ck_assert_int_eq(procpool_next(iterator, WITHIN_NS, &item, &error), -1);
        if (error.code == PROCPOOL_ITEMS) {
            ck_assert_uint_eq(item.index, n++);
            assert_state(item.status.state, PROCPOOL_TERMINATED);
        }
    } while (error.code == PROCPOOL_ITEMS && n <= 6);
    ck_assert_uint_eq(n, 6);
    assert_error(PROCPOOL_END);
    procpool_iterator_free(iterator);
    end_pool(pool);
}
END_TEST

/* A terminated job's callback is told as well, before terminate returns. */
static void note_state(struct procpool_job *job, const struct procpool_error *its_error, void *data)
{
    (void)job;
    *(enum procpool_state *)data = its_error->status.state;
}

START_TEST(row_68_the_error_callback_is_told)
{
    struct procpool *pool = pool_of(1);
    enum procpool_state state = PROCPOOL_PENDING;
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = hang_task, .n = 3, .error_callback = note_state,
                               .callback_data = &state));
    assert_ok(procpool_terminate(pool, &error));
    assert_state(state, PROCPOOL_TERMINATED);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- 69 to 71: scopes, dropped pools, exits --------------------------------------------------- */

START_TEST(row_69_a_scope_terminates)
{
    uint64_t start = clock_now_ns();
    {
        PROCPOOL_TERMINATING struct procpool *pool = pool_of(2);
        struct procpool_job *job =
            submit_map(pool, &CALL(.function = hang_task, .n = 100, .chunk = 1));
        ck_assert(!procpool_wait(job, 20 * MS));
        procpool_job_free(job);
    }
    ck_assert(no_children_left());
    ck_assert_uint_lt(clock_now_ns() - start, (uint64_t)WITHIN_NS);
}
END_TEST

static _Atomic uint64_t *outside_memory(void)
{
    _Atomic uint64_t *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(memory != MAP_FAILED);
    return memory;
}

static int sleep_and_count(struct procpool_task *task)
{
    clock_sleep_ns(20 * (uint64_t)MS);
    return count_task(task);
}

START_TEST(row_69_a_draining_scope_finishes)
{
    _Atomic uint64_t *n = outside_memory();
    {
        PROCPOOL_DRAINING struct procpool *pool = pool_of(2);
        struct procpool_job *job = submit_map(
            pool, &CALL(.function = sleep_and_count, .context = (void *)n, .n = 20, .chunk = 1));
        procpool_job_free(job);
    }
    ck_assert_uint_eq(atomic_load(n), 20);
    ck_assert(no_children_left());
}
END_TEST

/* Of a pool that could not be made, and of one that was ended before. */
START_TEST(row_69_scopes_of_no_pool_and_of_a_stopped_one)
{
    {
        PROCPOOL_TERMINATING struct procpool *none = procpool_new(&OPTIONS(.processes = 0), NULL);
        PROCPOOL_DRAINING struct procpool *none_either =
            procpool_new(&OPTIONS(.processes = 0), NULL);
        ck_assert(!none && !none_either);
    }
    {
        PROCPOOL_TERMINATING struct procpool *one = pool_of(1);
        PROCPOOL_DRAINING struct procpool *other = pool_of(1);
        assert_ok(procpool_drain(one, &error));
        assert_ok(procpool_terminate(other, &error));
    }
    ck_assert(no_children_left());
}
END_TEST

/* What a program that drops its pool is to do. */
struct drop {
    bool is_busy, is_closed, is_freed;
    int fd; /* becomes its standard error */
};

static struct procpool *dropped; /* reachable, so that no checker calls it a leak */

static int program_that_drops(void *data)
{
    struct drop *drop = data;
    dup2(drop->fd, STDERR_FILENO);
    dropped = procpool_new(&OPTIONS(.processes = 2), NULL);
    if (!dropped)
        return 1;
    if (procpool_map(dropped, &CALL(.function = null_task, .n = 10), NULL))
        return 2;
    if (drop->is_busy)
        procpool_job_free(
            procpool_map_async(dropped, &CALL(.function = hang_task, .n = 10, .chunk = 1), NULL));
    if (drop->is_closed)
        procpool_terminate(dropped, NULL);
    if (drop->is_freed)
        procpool_free(dropped);
    exit(0);
}

/* Runs it, and keeps what it said on standard error; its exit is a good one, and all are gone. */
static void see_drop(const struct drop *drop, char *text, size_t size)
{
    struct drop *seen = (struct drop *)outside_memory();
    *seen = *drop;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    seen->fd = ends[1];
    int status = end_of_child(start_child(program_that_drops, seen));
    close(ends[1]);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert(wait_nobody_left());
    ssize_t length = read(ends[0], text, size - 1);
    close(ends[0]);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
}

/* Told by whom the program leaves behind for a moment, where the environment asks for it. */
START_TEST(row_70_a_pool_dropped_without_free_is_told)
{
    char text[1024];
    setenv("PROCPOOL_DEBUG", "1", 1);
    see_drop(&(struct drop){.is_busy = _i}, text, sizeof text);
    ck_assert_uint_gt(strlen(text), 1);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    assert_says(text, "procpool_free");
    unsetenv("PROCPOOL_DEBUG");
    see_drop(&(struct drop){.is_busy = _i}, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

/* Nor does its owner hear of what it has ended itself. */
START_TEST(row_70_a_pool_that_was_freed_is_not)
{
    char text[1024];
    setenv("PROCPOOL_DEBUG", "1", 1);
    see_drop(&(struct drop){.is_freed = true, .is_busy = _i & 1, .is_closed = _i & 2}, text,
             sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(row_71_leaving_with_a_live_pool_is_a_good_exit)
{
    char text[1024];
    see_drop(&(struct drop){.is_busy = _i & 1, .is_closed = _i & 2}, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

static int fork_and_exit(struct procpool_task *task)
{
    (void)task;
    pid_t child = fork();
    if (child == 0)
        exit(0);
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int program_that_exits(void *data)
{
    (void)data;
    exit(5);
}

/* The exit of another process, a child's or one that a task made, is none of the pool's. */
START_TEST(row_71_exits_of_other_processes_leave_the_pool_alone)
{
    struct warnings *warnings = (struct warnings *)outside_memory(); /* theirs would be seen too */
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, WARN_TO(warnings)));
    pid_t child = start_child(program_that_exits, NULL);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    assert_works(pool);
    assert_ok(procpool_map(pool, &CALL(.function = fork_and_exit, .n = 4), &error));
    assert_works(pool);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    end_pool(pool);
    ck_assert_uint_eq(atomic_load(&warnings->n), 0);
}
END_TEST

/* --- 72: interrupted calls -------------------------------------------------------------------- */

static _Atomic uint64_t n_alarms;

static void count_alarm(int signal_number)
{
    (void)signal_number;
    atomic_fetch_add(&n_alarms, 1);
}

/* A signal every millisecond, whose handler does not have calls restarted. */
static void be_interrupted(bool is_on)
{
    struct sigaction action = {.sa_handler = count_alarm};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval often = {{0, is_on ? 1000 : 0}, {0, is_on ? 1000 : 0}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

START_TEST(row_72_signals_do_not_cut_anything_short)
{
    be_interrupted(true);
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .chunks_per_worker = 5));
    uint64_t squares[20] = {0};
    struct procpool_call call = {.function = sleep_task,
                                 .context = AS_NUMBER(10 * MS),
                                 .n = 20,
                                 .chunk = 1,
                                 RESULTS(squares)};
    assert_ok(procpool_map(pool, &call, &error));
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_uint_eq(squares[i], i * i);

    struct procpool_iterator *iterator = start_imap(pool, &call);
    struct procpool_item item;
    for (uint64_t i = 0; i < 20; i++) {
        assert_ok(procpool_next(iterator, PROCPOOL_FOREVER, &item, &error));
        ck_assert_uint_eq(*(const uint64_t *)item.result, i * i);
    }
    procpool_iterator_free(iterator);
    assert_ok(procpool_each(pool, null_task, NULL, &error));

    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = submit_one(pool, &CALL(.function = gate_task, .context = gate));
    uint64_t start = clock_now_ns();
    assert_refused(procpool_get(job, 100 * MS, &error), PROCPOOL_TIMEOUT);
    ck_assert(!procpool_wait(job, 100 * MS));
    ck_assert_uint_ge(clock_now_ns() - start, 200 * (uint64_t)MS);
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, PROCPOOL_FOREVER, &error));
    procpool_job_free(job);

    ck_assert_uint_eq(counters_of(pool).lost, 0);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    assert_ok(procpool_drain(pool, &error));
    procpool_free(pool);

    struct manners manners = {.ignores = true};
    ck_assert_uint_ge(time_terminate(100 * MS, &manners), 100 * (uint64_t)MS);
    be_interrupted(false);
    ck_assert_uint_gt(atomic_load(&n_alarms), 100);
    ck_assert(no_children_left());
}
END_TEST

static int handle_signals(void *argument, uint32_t worker)
{
    (void)argument;
    (void)worker;
    struct sigaction action = {.sa_handler = count_alarm};
    return sigaction(SIGUSR1, &action, NULL);
}

/* Nor do signals to the workers themselves, wherever they happen to be. */
START_TEST(row_72_signals_to_workers_do_not_disturb)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .initializer = handle_signals));
    for (int i = 0; i < 50; i++) {
        for (uint32_t w = 0; w < 2; w++)
            ck_assert_int_eq(kill(procpool_worker_pid(pool, w), SIGUSR1), 0);
        assert_works(pool);
    }
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    end_pool(pool);
}
END_TEST

/* --- 73: several pools ------------------------------------------------------------------------ */

static int add_argument(struct procpool_task *task)
{
    *(uint64_t *)task->result =
        *(const uint64_t *)task->argument + (uint64_t)NUMBER_OF(task->context);
    return 0;
}

START_TEST(row_73_several_pools_at_once)
{
    enum { POOLS = 3, N = 50 };
    struct procpool *pools[POOLS];
    struct procpool_job *jobs[POOLS];
    uint64_t arguments[N], results[POOLS][N];
    for (uint64_t i = 0; i < N; i++)
        arguments[i] = i;
    for (int p = 0; p < POOLS; p++)
        pools[p] = pool_of(p + 1);
    for (int p = 0; p < POOLS; p++) {
        jobs[p] = submit_map(pools[p],
                             &CALL(.function = add_argument, .context = AS_NUMBER(1000 * p), .n = N,
                                   .chunk = 1, ARGUMENTS(arguments), RESULTS(results[p])));
    }
    for (int p = 0; p < POOLS; p++) {
        assert_ok(procpool_get(jobs[p], WITHIN_NS, &error));
        for (uint64_t i = 0; i < N; i++)
            ck_assert_uint_eq(results[p][i], i + 1000 * (uint64_t)p);
        procpool_job_free(jobs[p]);
    }
    /* The end of one, or the death of its workers, is nothing to the others. */
    assert_ok(procpool_terminate(pools[0], &error));
    kill_worker(pools[1], 0);
    assert_works(pools[2]);
    ck_assert_uint_eq(counters_of(pools[2]).restarts, 0);
    assert_works(pools[1]);
    procpool_free(pools[0]);
    procpool_free(pools[2]);
    assert_works(pools[1]);
    end_pool(pools[1]);
}
END_TEST

/* uint64_t: how many descriptors the worker has. */
static int fds_task(struct procpool_task *task)
{
    *(uint64_t *)task->result = count_fds();
    return 0;
}

/* Deviates: in Python the pipes of the first pool stay open in the workers of the second. */
START_TEST(row_73_nothing_of_one_pool_is_open_in_another)
{
    size_t before = count_fds();
    struct procpool *first = pool_of(2), *second = pool_of(2);
    assert_works(first);
    assert_works(second);
    ck_assert_uint_eq(count_fds(), before);
    uint64_t of_first[4], of_second[4];
    assert_ok(procpool_map(
        first, &CALL(.function = fds_task, .n = 4, .chunk = 1, RESULTS(of_first)), &error));
    assert_ok(procpool_map(
        second, &CALL(.function = fds_task, .n = 4, .chunk = 1, RESULTS(of_second)), &error));
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(of_second[i], of_first[i]);
    ck_assert_uint_le(of_first[0], before);
    procpool_free(first);
    end_pool(second);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

static const struct procpool *first_pool;

/* uint64_t: what a worker of the second pool is told when it asks the first one for work. */
static int use_first_pool(struct procpool_task *task)
{
    struct procpool_error refusal = {0};
    struct procpool *pool = *(struct procpool *const *)&first_pool;
    int returned = procpool_map(pool, &CALL(.function = null_task, .n = 1), &refusal);
    *(uint64_t *)task->result = returned == -1 ? refusal.code : PROCPOOL_OK;
    return 0;
}

START_TEST(row_73_a_pool_is_foreign_to_the_workers_of_another)
{
    struct procpool *first = pool_of(1);
    first_pool = first;
    struct procpool *second = pool_of(1);
    uint64_t code = 0;
    assert_ok(procpool_apply(second, use_first_pool, NULL, 0, &code, sizeof code, &error));
    ck_assert_uint_eq(code, PROCPOOL_FOREIGN);
    procpool_free(second);
    assert_works(first);
    end_pool(first);
}
END_TEST

UNIT_MAIN("pool shutdown", row_63_close_returns_at_once_and_what_was_submitted_is_finished,
          UNIT_LOOP(row_63_iterators_of_a_closed_pool_go_on, 0, 4),
          UNIT_LOOP(row_63_a_source_of_a_closed_pool_is_read_no_more, 0, 2),
          row_63_a_closed_pool_makes_no_workers_in_vain, row_63_workers_are_gone_after_join,
          UNIT_LOOP(row_64_a_pool_that_is_not_running_takes_nothing, 0, 2),
          row_65_join_of_a_running_pool_is_refused, row_65_jobs_can_be_asked_after_join,
          row_66_terminate_drops_what_is_queued,
          UNIT_LOOP(row_66_terminate_again_and_again_and_after_join, 0, 3),
          row_66_terminate_keeps_what_is_done,
          row_67_workers_that_ignore_sigterm_are_killed_after_grace,
          row_67_workers_that_heed_sigterm_are_not_waited_for,
          row_67_no_sigterm_where_grace_is_negative, row_67_stopped_workers_are_ended,
          row_68_get_of_a_terminated_job_returns, row_68_next_of_a_terminated_iterator_returns,
          row_68_the_error_callback_is_told, row_69_a_scope_terminates,
          row_69_a_draining_scope_finishes, row_69_scopes_of_no_pool_and_of_a_stopped_one,
          UNIT_LOOP(row_70_a_pool_dropped_without_free_is_told, 0, 2),
          UNIT_LOOP(row_70_a_pool_that_was_freed_is_not, 0, 4),
          UNIT_LOOP(row_71_leaving_with_a_live_pool_is_a_good_exit, 0, 4),
          row_71_exits_of_other_processes_leave_the_pool_alone,
          row_72_signals_do_not_cut_anything_short, row_72_signals_to_workers_do_not_disturb,
          row_73_several_pools_at_once, row_73_nothing_of_one_pool_is_open_in_another,
          row_73_a_pool_is_foreign_to_the_workers_of_another)
