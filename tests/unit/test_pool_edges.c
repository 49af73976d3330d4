/* At the edges of the process pool: each test is of a defect that was there once and is named after
 * what holds since. */
#include "pool_watch.h"

#include <fcntl.h>
#include <sys/time.h>

static _Atomic int n_signals; /* sent by this process with kill */

/* In place of the C library's, so that a test sees whom the pool sends signals to. */
int kill(pid_t pid, int signal_number)
{
    atomic_fetch_add(&n_signals, 1);
    return (int)syscall(SYS_kill, pid, signal_number);
}

static pid_t zygote_of(const struct procpool *pool)
{
    pid_t zygote = process_of(procpool_worker_pid(pool, 0)).parent;
    ck_assert_int_gt(zygote, 1);
    ck_assert_int_eq(process_of(zygote).parent, getpid());
    return zygote;
}

static void kill_zygote(const struct procpool *pool)
{
    pid_t zygote = zygote_of(pool);
    ck_assert_int_eq(kill(zygote, SIGKILL), 0);
    ck_assert(wait_gone(zygote));
}

/* Frees a pool whose zygote was killed. Its workers are other people's children then, which may
 * take a moment to be gone. */
static void end_orphaned_pool(struct procpool *pool)
{
    procpool_free(pool);
    ck_assert_msg(wait_nobody_left(), "processes are left behind");
}

static const enum procpool_engine engines[] = {PROCPOOL_IN_ORDER, PROCPOOL_STEALING};

/* --- iterators -------------------------------------------------------------------------------- */

struct numbers {
    uint64_t n, limit;
};

/* 0, 1, 2, ... below the limit. */
static int count_up(void *data, void *argument)
{
    struct numbers *numbers = data;
    if (numbers->n == numbers->limit)
        return 0;
    *(uint64_t *)argument = numbers->n++;
    return 1;
}

static const struct {
    uint64_t buffersize;
    int64_t chunk;
} windows[] = {
    {UINT64_MAX, 1},     {UINT64_MAX, 0},           {UINT64_MAX, 7},
    {UINT64_MAX - 1, 2}, {(uint64_t)1 << 63, 1000}, {(uint64_t)1 << 61, 1},
};

static const struct {
    uint64_t buffersize;
    int64_t chunk;
} long_chunks[] = {
    {0, (int64_t)1 << 61}, {0, INT64_MAX}, {UINT64_MAX, INT64_MAX}, {1, (int64_t)1 << 62}};

enum {
    N_WINDOWS = sizeof windows / sizeof *windows,
    N_LONG_CHUNKS = sizeof long_chunks / sizeof *long_chunks,
    N_WINDOW_ITEMS = 1000,
};

static void assert_hands_over_all(struct procpool_iterator *iterator)
{
    for (uint64_t i = 0; i < N_WINDOW_ITEMS; i++) {
        struct procpool_item item = next_done(iterator);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(result_of(&item), i * i);
    }
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
}

START_TEST(a_window_may_be_without_bounds)
{
    struct procpool *pool = pool_of(2);
    assert_hands_over_all(start_imap(
        pool, &CALL(.function = square_index, .n = N_WINDOW_ITEMS, .result_bytes = sizeof(uint64_t),
                    .buffersize = windows[_i].buffersize, .chunk = windows[_i].chunk)));
    end_pool(pool);
}
END_TEST

START_TEST(a_window_of_a_source_may_be_without_bounds)
{
    struct procpool *pool = pool_of(2);
    struct numbers numbers = {.limit = N_WINDOW_ITEMS};
    assert_hands_over_all(start_imap(
        pool, &CALL(.function = square_argument, .source = count_up, .source_data = &numbers,
                    .argument_bytes = sizeof(uint64_t), .result_bytes = sizeof(uint64_t),
                    .buffersize = windows[_i].buffersize, .chunk = windows[_i].chunk)));
    end_pool(pool);
}
END_TEST

START_TEST(a_chunk_may_be_longer_than_all_items)
{
    struct procpool *pool = pool_of(3);
    assert_hands_over_all(start_imap(
        pool, &CALL(.function = square_index, .n = N_WINDOW_ITEMS, .result_bytes = sizeof(uint64_t),
                    .buffersize = long_chunks[_i].buffersize, .chunk = long_chunks[_i].chunk)));
    end_pool(pool);
}
END_TEST

START_TEST(the_source_of_a_closed_pool_is_not_asked)
{
    struct procpool *pool = pool_of(1);
    if (_i == 0)
        assert_ok(procpool_close(pool, &error));
    else
        assert_ok(procpool_terminate(pool, &error));
    struct numbers numbers = {.limit = 10};
    struct procpool_call call = CALL(.function = square_argument, .source = count_up,
                                     .source_data = &numbers, .argument_bytes = sizeof(uint64_t));
    assert_refused(procpool_map(pool, &call, &error), PROCPOOL_NOT_RUNNING);
    assert_refused_pointer(procpool_map_async(pool, &call, &error), PROCPOOL_NOT_RUNNING);
    assert_refused_pointer(procpool_imap(pool, &call, &error), PROCPOOL_NOT_RUNNING);
    assert_refused_pointer(procpool_imap_unordered(pool, &call, &error), PROCPOOL_NOT_RUNNING);
    ck_assert_uint_eq(numbers.n, 0);
    end_pool(pool);
}
END_TEST

/* --- the zygote's death, learned of ----------------------------------------------------------- */

/* Who only asks, and never waits, learns of it too. */
START_TEST(polling_a_job_learns_of_the_zygotes_death)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .engine = engines[_i % 2]));
    struct procpool_job *job = submit_map(pool, &CALL(.function = hang_task, .n = 2, .chunk = 1));
    ck_assert(!procpool_ready(job));
    kill_zygote(pool);
    if (_i < 2)
        assert_soon(procpool_ready(job));
    else
        assert_soon(procpool_get(job, 0, &error) == -1 && error.code != PROCPOOL_TIMEOUT);
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 2);
    ck_assert_uint_eq(count_state(job, PROCPOOL_LOST), 2);
    procpool_job_free(job);
    end_orphaned_pool(pool);
}
END_TEST

static struct procpool_iterator *start_hanging(struct procpool *pool, bool is_ordered)
{
    struct procpool_call call = CALL(.function = hang_task, .n = 2);
    return is_ordered ? start_imap(pool, &call) : start_imap_unordered(pool, &call);
}

/* The two items of start_hanging, with what was got for the first. */
static void assert_both_are_lost(struct procpool_iterator *iterator, struct procpool_item *item)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            assert_refused(procpool_next(iterator, WITHIN_NS, item, &error), PROCPOOL_ITEMS);
        assert_error(PROCPOOL_ITEMS);
        assert_state(item->status.state, PROCPOOL_LOST);
    }
    assert_at_end(iterator);
    procpool_iterator_free(iterator);
}

START_TEST(polling_an_iterator_learns_of_the_zygotes_death)
{
    struct procpool *pool = pool_of(2);
    struct procpool_iterator *iterator = start_hanging(pool, _i == 0);
    struct procpool_item item;
    assert_refused(procpool_next(iterator, 0, &item, &error), PROCPOOL_TIMEOUT);
    kill_zygote(pool);
    assert_soon(procpool_next(iterator, 0, &item, &error) == -1 && error.code != PROCPOOL_TIMEOUT);
    assert_both_are_lost(iterator, &item);
    end_orphaned_pool(pool);
}
END_TEST

static void ignore_alarm(int signal_number)
{
    (void)signal_number;
}

static void ring_every(suseconds_t us)
{
    struct sigaction action = {.sa_handler = ignore_alarm, .sa_flags = SA_RESTART};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval timer = {{0, us}, {0, us}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Signals that come more often than the pool looks do not keep it from looking. */
START_TEST(signals_do_not_hide_the_zygotes_death)
{
    struct procpool *pool = pool_of(2);
    struct procpool_job *job =
        _i == 0 ? submit_map(pool, &CALL(.function = hang_task, .n = 2, .chunk = 1)) : NULL;
    struct procpool_iterator *iterator = job ? NULL : start_hanging(pool, _i == 1);
    struct procpool_item item;
    ring_every(10000);
    kill_zygote(pool);
    uint64_t start = clock_now_ns();
    if (job)
        assert_refused(procpool_get(job, 4 * WITHIN_NS, &error), PROCPOOL_ITEMS);
    else
        assert_refused(procpool_next(iterator, 4 * WITHIN_NS, &item, &error), PROCPOOL_ITEMS);
    /* Not by the last look of all, at the end of the timeout. */
    ck_assert_uint_lt(clock_now_ns() - start, (uint64_t)(2 * WITHIN_NS));
    ring_every(0);
    if (job) {
        ck_assert_uint_eq(count_state(job, PROCPOOL_LOST), 2);
        procpool_job_free(job);
    } else {
        assert_both_are_lost(iterator, &item);
    }
    end_orphaned_pool(pool);
}
END_TEST

/* The kernel reaps the zygote here, and its pid may be another's by the time of procpool_free. */
START_TEST(a_pool_that_has_ended_is_sent_no_signal)
{
    signal(SIGCHLD, SIG_IGN);
    struct procpool *pool = pool_of(2);
    pid_t zygote = zygote_of(pool);
    assert_works(pool);
    assert_ok(procpool_close(pool, &error));
    assert_soon(process_of(zygote).state == '\0');
    int before = atomic_load(&n_signals);
    if (_i == 1)
        assert_ok(procpool_terminate(pool, &error));
    procpool_free(pool);
    ck_assert_int_eq(atomic_load(&n_signals), before);
    ck_assert(no_children_left());
}
END_TEST

/* --- waiting ---------------------------------------------------------------------------------- */

/* spin_ns is of idle workers: the parent does not overstay a timeout for it. */
START_TEST(a_timeout_ends_before_the_spinning)
{
    const int64_t spins_ns[] = {4 * WITHIN_NS, PROCPOOL_FOREVER};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .spin_ns = spins_ns[_i]));
    struct procpool_job *job = submit_map(pool, &CALL(.function = hang_task, .n = 1));
    struct procpool_iterator *iterator =
        start_imap_unordered(pool, &CALL(.function = null_task, .n = 1));
    uint64_t start = clock_now_ns();
    assert_refused(procpool_get(job, MS, &error), PROCPOOL_TIMEOUT);
    ck_assert(!procpool_wait(job, MS));
    assert_refused(procpool_next(iterator, MS, NULL, &error), PROCPOOL_TIMEOUT);
    ck_assert_uint_lt(clock_now_ns() - start, (uint64_t)WITHIN_NS);
    assert_ok(procpool_terminate(pool, &error));
    procpool_iterator_free(iterator);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* Jobs that have ended make room, whichever they are. */
START_TEST(one_long_job_does_not_hold_up_the_others)
{
    struct procpool *pool =
        pool_with(&OPTIONS(.processes = 2, .most_jobs = 4, .engine = engines[_i]));
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 1));
    ck_assert(wait_for(&gate->arrived, 1));
    for (int i = 0; i < 50; i++) {
        uint64_t squares[8] = {0};
        assert_ok(procpool_map(
            pool, &CALL(.function = square_index, .n = 8, .chunk = 1, RESULTS(squares)), &error));
        assert_squares(squares, 8);
    }
    ck_assert_uint_eq(atomic_load(&gate->passed), 0);
    ck_assert(!procpool_ready(job));
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static void *read_line(void *data)
{
    return fgets(data, 16, stdin);
}

/* A stream that another thread waits in stays locked until input comes. */
START_TEST(another_thread_may_wait_for_input)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    char line[16] = "";
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_line, line), 0);
    for (bool is_free = true; is_free; clock_sleep_ns((uint64_t)MS))
        if ((is_free = ftrylockfile(stdin) == 0))
            funlockfile(stdin);
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .items_per_worker = 3));
    assert_works(pool);
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
    ck_assert_str_eq(line, "");
    ck_assert_int_eq(write(ends[1], "at last\n", 8), 8);
    void *got;
    ck_assert_int_eq(pthread_join(reader, &got), 0);
    ck_assert_str_eq(got, "at last\n");
}
END_TEST

static int print_index(struct procpool_task *task)
{
    int index = (int)task->index;
    return printf("item %d\nrest %d;", index, index) > 0 ? 0 : 1;
}

static void *do_nothing(void *data)
{
    return data;
}

static size_t count_text(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

/* What is buffered when the pool is made, and what workers buffer, is written once, unfinished
 * lines too; so it is also in a program with threads, of which the pool flushes less. */
START_TEST(lines_are_written_once)
{
    enum { N = 40 };
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    fflush(stdout);
    int old = dup(STDOUT_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    pthread_t thread;
    if (_i == 1)
        ck_assert_int_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    printf("before\n");
    struct procpool *pool = pool_with(&OPTIONS(.processes = 3, .items_per_worker = 5));
    printf("meanwhile\n");
    assert_ok(procpool_map(pool, &CALL(.function = print_index, .n = N, .chunk = 1), &error));
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
    printf("after\n");
    fflush(stdout);
    ck_assert_int_ge(dup2(old, STDOUT_FILENO), 0);
    if (_i == 1)
        pthread_join(thread, NULL);
    char text[4096] = "";
    rewind(file);
    ck_assert_uint_lt(fread(text, 1, sizeof text - 1, file), sizeof text - 1);
    ck_assert_uint_eq(count_text(text, "\n"), N + 3);
    ck_assert(strncmp(text, "before\n", 7) == 0);
    ck_assert_uint_eq(count_text(text, "before\n"), 1);
    ck_assert_uint_eq(count_text(text, "meanwhile\n"), 1);
    ck_assert_uint_eq(count_text(text, "after\n"), 1);
    for (int i = 0; i < N; i++) {
        char line[32];
        snprintf(line, sizeof line, "item %d\n", i);
        ck_assert_uint_eq(count_text(text, line), 1);
        snprintf(line, sizeof line, "rest %d;", i);
        ck_assert_uint_eq(count_text(text, line), 1);
    }
    fclose(file);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */

static int fail_always(struct procpool_task *task)
{
    (void)task;
    return 9;
}

enum { N_FAILING = 100000, UNIT = 65536 };

/* Maps items that all fail, with so many bytes of the pool's memory left. Returns whether there was
 * enough; if so, no failure may have got lost. */
static bool fail_with_room(struct procpool *pool, size_t bytes, size_t room)
{
    void *rest = shared(pool, bytes - room);
    struct procpool_call call = CALL(.function = fail_always, .n = N_FAILING, .chunk = 500);
    error = (struct procpool_error){0};
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    if (!job) {
        assert_error(PROCPOOL_NO_MEMORY);
    } else {
        assert_refused(procpool_get(job, 4 * WITHIN_NS, &error), PROCPOOL_ITEMS);
        ck_assert_uint_eq(error.n_failed, N_FAILING);
        ck_assert_uint_eq(count_state(job, PROCPOOL_FAILED), N_FAILING);
        procpool_job_free(job);
        assert_soon(procpool_memory_used(pool) == bytes - room);
    }
    procpool_release(pool, rest);
    return job != NULL;
}

/* From the least room in which the call is accepted. */
START_TEST(failures_are_counted_or_the_call_is_refused)
{
    const size_t bytes = (size_t)64 << 20;
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .memory_bytes = bytes));
    size_t refused = UNIT, accepted = bytes / 2;
    ck_assert(!fail_with_room(pool, bytes, refused));
    ck_assert(fail_with_room(pool, bytes, accepted));
    while (accepted - refused > UNIT) {
        size_t middle = (refused + accepted) / 2 / UNIT * UNIT;
        *(fail_with_room(pool, bytes, middle) ? &accepted : &refused) = middle;
    }
    ck_assert_uint_gt(accepted, N_FAILING / 8);
    ck_assert(fail_with_room(pool, bytes, accepted + UNIT));
    end_pool(pool);
}
END_TEST

enum { MOST_PIECES = 40000 };

/* Takes pieces until there are no more, and gives them back: first those of odd numbers. */
static size_t take_and_give(struct procpool *pool, size_t bytes)
{
    static void *pieces[MOST_PIECES];
    size_t n = 0;
    while (n < MOST_PIECES && (pieces[n] = procpool_alloc(pool, bytes, &error)))
        memset(pieces[n++], 0xff, bytes);
    assert_error(PROCPOOL_NO_MEMORY);
    for (size_t i = 1; i < n; i += 2)
        procpool_release(pool, pieces[i]);
    for (size_t i = 0; i < n; i += 2)
        procpool_release(pool, pieces[i]);
    ck_assert_uint_eq(procpool_memory_used(pool), 0);
    return n;
}

START_TEST(small_pieces_become_large_ones_again)
{
    const size_t sizes[] = {128, 64 << 10, 8 << 10, 1000, 3 << 16};
    const size_t mega = (size_t)1 << 20;
    struct procpool *pool = pool_with(&OPTIONS(.processes = 1, .memory_bytes = 4 * mega));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        ck_assert_uint_gt(take_and_give(pool, sizes[s]), 3 * mega / (sizes[s] + 128));
        char *large[3];
        for (int i = 0; i < 3; i++) {
            large[i] = shared(pool, mega);
            /* All zero, since the first byte is and each is as the one before it. */
            ck_assert(large[i][0] == 0 && memcmp(large[i], large[i] + 1, mega - 1) == 0);
        }
        assert_works(pool);
        for (int i = 0; i < 3; i++)
            procpool_release(pool, large[i]);
    }
    end_pool(pool);
}
END_TEST

START_TEST(a_pool_of_little_memory_works)
{
    const size_t sizes[] = {1, 65536, 400000, 1 << 20};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .memory_bytes = sizes[_i]));
    for (int i = 0; i < 20; i++)
        assert_works(pool);
    ck_assert_ptr_nonnull(procpool_alloc(pool, 1000, &error));
    end_pool(pool);
}
END_TEST

struct asking {
    const struct procpool *pool;
    _Atomic bool must_end;
};

static void *ask_memory(void *data)
{
    struct asking *asking = data;
    while (!atomic_load(&asking->must_end))
        if (procpool_memory_used(asking->pool) == 0)
            return data;
    return NULL;
}

/* Whatever another thread of the parent was doing with the pool when the child was forked. */
START_TEST(a_forked_child_is_told_of_no_memory)
{
    struct procpool *pool = pool_of(1);
    shared(pool, 1000);
    struct asking asking = {.pool = pool};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_memory, &asking), 0);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            _exit(procpool_memory_used(pool) == 0 ? 0 : 1);
        ck_assert_int_eq(end_of_child(child), 0);
    }
    atomic_store(&asking.must_end, true);
    void *failed;
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    end_pool(pool);
}
END_TEST

static int return_first(struct procpool_task *task)
{
    return *(const char *)task->argument;
}

START_TEST(columns_without_records_are_refused)
{
    struct procpool *pool = pool_of(1);
    char records[4] = {0};
    struct procpool_column columns[] = {{records, 1}, {records, 1}, {records, 1}};
    struct procpool_call call =
        CALL(.function = return_first, .n = 4, .columns = columns, .n_columns = 3);
    assert_ok(procpool_starmap(pool, &call, &error));
    for (int way = 0; way < 2; way++) {
        struct procpool_column good = columns[_i];
        columns[_i] =
            way == 0 ? (struct procpool_column){NULL, 1} : (struct procpool_column){records, 0};
        char name[32];
        snprintf(name, sizeof name, "column %d", _i);
        assert_refused(procpool_starmap(pool, &call, &error), PROCPOOL_INVALID);
        assert_says(error.text, name);
        assert_refused(procpool_map(pool, &call, &error), PROCPOOL_INVALID);
        assert_refused_pointer(procpool_starmap_async(pool, &call, &error), PROCPOOL_INVALID);
        assert_says(error.text, name);
        assert_refused_pointer(procpool_imap(pool, &call, &error), PROCPOOL_INVALID);
        assert_says(error.text, name);
        columns[_i] = good;
    }
    columns[_i].records = NULL;
    call.n = 0;
    assert_ok(procpool_starmap(pool, &call, &error));
    end_pool(pool);
}
END_TEST

/* --- callbacks -------------------------------------------------------------------------------- */

struct freeing {
    struct procpool *pool;
    _Atomic uint64_t n_over;
};

static void free_pool(struct procpool_job *job, void *data)
{
    (void)job;
    struct freeing *freeing = data;
    procpool_free(freeing->pool);
    procpool_leave_terminating(&freeing->pool);
    atomic_fetch_add(&freeing->n_over, 1);
}

START_TEST(a_callback_cannot_free_its_pool)
{
    struct warnings warnings = {0};
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, WARN_TO(&warnings)));
    struct freeing freeing = {.pool = pool};
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = null_task, .n = 1, .callback = free_pool,
                               .callback_data = &freeing));
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&freeing.n_over), 1);
    ck_assert_uint_eq(atomic_load(&warnings.n), 2);
    assert_sentence(warnings.last);
    assert_says(warnings.last, "callback");
    assert_works(pool);
    procpool_job_free(job);
    end_pool(pool);
    ck_assert_uint_eq(atomic_load(&warnings.n), 2);
}
END_TEST

enum { N_CALLED = 8000 };

struct calls {
    uint32_t order[N_CALLED]; /* who was called when */
    _Atomic uint64_t n;
};

struct call_of {
    struct calls *calls;
    uint32_t number;
};

static void note_call(struct procpool_job *job, void *data)
{
    (void)job;
    const struct call_of *call = data;
    uint64_t k = atomic_fetch_add(&call->calls->n, 1);
    if (k < N_CALLED)
        call->calls->order[k] = call->number;
}

/* One worker ends jobs in the order in which they came. */
START_TEST(thousands_of_callbacks_come_in_order)
{
    static struct calls calls;
    static struct call_of each[N_CALLED];
    struct procpool *pool = pool_of(1);
    for (uint32_t i = 0; i < N_CALLED; i++) {
        each[i] = (struct call_of){&calls, i};
        struct procpool_job *job = procpool_map_async(
            pool,
            &CALL(.function = null_task, .n = 1, .callback = note_call, .callback_data = &each[i]),
            &error);
        if (!job)
            ck_abort_msg("job %u: %s", i, error.text);
        procpool_job_free(job);
    }
    assert_ok(procpool_drain(pool, &error));
    ck_assert_uint_eq(atomic_load(&calls.n), N_CALLED);
    uint32_t n_right = 0;
    while (n_right < N_CALLED && calls.order[n_right] == n_right)
        n_right++;
    ck_assert_uint_eq(n_right, N_CALLED);
    end_pool(pool);
}
END_TEST

struct nexts {
    struct procpool_iterator *iterator;
    struct gate *gate;
    enum procpool_code before, polled; /* while nothing is ready */
    uint64_t n_taken, sum;
    enum procpool_code at_end;
    _Atomic uint64_t n_over;
};

static void take_all(struct procpool_job *job, void *data)
{
    (void)job;
    struct nexts *nexts = data;
    struct procpool_error its_error = {0};
    procpool_next(nexts->iterator, WITHIN_NS, NULL, &its_error);
    nexts->before = its_error.code;
    procpool_next(nexts->iterator, 0, NULL, &its_error);
    nexts->polled = its_error.code;
    atomic_store(&nexts->gate->is_open, 1);
    uint64_t until = clock_now_ns() + (uint64_t)WITHIN_NS;
    do {
        struct procpool_item item;
        its_error.code = PROCPOOL_OK;
        if (procpool_next(nexts->iterator, WITHIN_NS, &item, &its_error) == 0) {
            nexts->n_taken++;
            nexts->sum += result_of(&item);
        }
    } while ((its_error.code == PROCPOOL_OK || its_error.code == PROCPOOL_DEADLOCK) &&
             clock_now_ns() < until);
    nexts->at_end = its_error.code;
    atomic_fetch_add(&nexts->n_over, 1);
}

/* What waiting would bring there is a deadlock; what is ready is not. */
START_TEST(next_in_a_callback_hands_over_what_is_ready)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_call call = CALL(.function = gate_task, .context = gate, .n = 5,
                                     .result_bytes = sizeof(uint64_t), .buffersize = 5);
    struct nexts nexts = {.gate = gate};
    struct gate *start = shared(pool, sizeof *start);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = start, .n = 1,
                               .callback = take_all, .callback_data = &nexts));
    nexts.iterator = _i == 0 ? start_imap(pool, &call) : start_imap_unordered(pool, &call);
    atomic_store(&start->is_open, 1);
    assert_ok(procpool_get(job, 2 * WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&nexts.n_over), 1);
    ck_assert_str_eq(procpool_code_name(nexts.before), "deadlock");
    ck_assert_str_eq(procpool_code_name(nexts.polled), "timeout");
    ck_assert_uint_eq(nexts.n_taken, 5);
    ck_assert_uint_eq(nexts.sum, 0 + 1 + 4 + 9 + 16);
    ck_assert_str_eq(procpool_code_name(nexts.at_end), "end");
    procpool_iterator_free(nexts.iterator);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

/* --- other processes -------------------------------------------------------------------------- */

/* The child is no parent of the zygote, and does not take that for the zygote's death. */
START_TEST(asking_in_a_forked_child_hurts_nobody)
{
    struct procpool *pool = pool_of(2);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job =
        submit_map(pool, &CALL(.function = gate_task, .context = gate, .n = 2, .chunk = 1));
    ck_assert(wait_for(&gate->arrived, 2));
    pid_t pids[] = {procpool_worker_pid(pool, 0), procpool_worker_pid(pool, 1)};
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool is_ready = false;
        for (int i = 0; i < 30; i++) {
            is_ready |= procpool_ready(job);
            clock_sleep_ns(10 * (uint64_t)MS);
        }
        bool is_refused = procpool_get(job, 0, &error) == -1 && error.code == PROCPOOL_FOREIGN;
        _exit((is_ready ? 1 : 0) + (is_refused ? 0 : 2));
    }
    ck_assert_int_eq(end_of_child(child), 0);
    ck_assert(!procpool_ready(job));
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert_int_eq(procpool_worker_pid(pool, w), pids[w]);
        ck_assert(!is_gone(pids[w]));
    }
    atomic_store(&gate->is_open, 1);
    assert_ok(procpool_get(job, WITHIN_NS, &error));
    ck_assert_uint_eq(atomic_load(&gate->passed), 2);
    ck_assert_uint_eq(counters_of(pool).restarts, 0);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool edges", UNIT_LOOP(a_window_may_be_without_bounds, 0, N_WINDOWS),
          UNIT_LOOP(a_window_of_a_source_may_be_without_bounds, 0, N_WINDOWS),
          UNIT_LOOP(a_chunk_may_be_longer_than_all_items, 0, N_LONG_CHUNKS),
          UNIT_LOOP(the_source_of_a_closed_pool_is_not_asked, 0, 2),
          UNIT_LOOP(polling_a_job_learns_of_the_zygotes_death, 0, 4),
          UNIT_LOOP(polling_an_iterator_learns_of_the_zygotes_death, 0, 2),
          UNIT_LOOP(signals_do_not_hide_the_zygotes_death, 0, 3),
          UNIT_LOOP(a_pool_that_has_ended_is_sent_no_signal, 0, 2),
          UNIT_LOOP(a_timeout_ends_before_the_spinning, 0, 2),
          UNIT_LOOP(one_long_job_does_not_hold_up_the_others, 0, 2),
          another_thread_may_wait_for_input, UNIT_LOOP(lines_are_written_once, 0, 2),
          failures_are_counted_or_the_call_is_refused, small_pieces_become_large_ones_again,
          UNIT_LOOP(a_pool_of_little_memory_works, 0, 4), a_forked_child_is_told_of_no_memory,
          UNIT_LOOP(columns_without_records_are_refused, 0, 3), a_callback_cannot_free_its_pool,
          thousands_of_callbacks_come_in_order,
          UNIT_LOOP(next_in_a_callback_hands_over_what_is_ready, 0, 2),
          asking_in_a_forked_child_hurts_nobody)
