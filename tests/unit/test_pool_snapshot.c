/* The process pool against Python's, rows 16 to 22: what workers see of the program, and what they
 * are. Each test is named after its row of the table in docs/procpool.md. */
#include "pool_tasks.h"

#include <dlfcn.h>
#include <fcntl.h>

static int global = 1;

static int read_global(struct procpool_task *task)
{
    *(int *)task->result = global;
    return 0;
}

START_TEST(row_16_workers_see_globals_as_they_were)
{
    struct procpool *pool = pool_of(2);
    global = 2;
    int seen[2] = {0};
    assert_ok(procpool_map(pool, &CALL(.function = read_global, .n = 2, .chunk = 1, RESULTS(seen)),
                           &error));
    ck_assert_int_eq(seen[0], 1);
    ck_assert_int_eq(seen[1], 1);
    ck_assert_int_eq(global, 2);
    end_pool(pool);
}
END_TEST

static int private_counter;

static int count_privately(struct procpool_task *task)
{
    private_counter++;
    if (task->result)
        *(int *)task->result = private_counter;
    if (task->context)
        ((int *)task->context)[task->worker] = private_counter;
    return 0;
}

START_TEST(row_17_changes_of_a_worker_stay_in_it)
{
    struct procpool *pool = pool_of(1);
    int counts[5] = {0};
    assert_ok(
        procpool_map(pool, &CALL(.function = count_privately, .n = 5, RESULTS(counts)), &error));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(counts[i], i + 1);
    ck_assert_int_eq(private_counter, 0);
    end_pool(pool);
}
END_TEST

START_TEST(row_17_each_worker_has_its_own)
{
    struct procpool *pool = pool_of(3);
    int *counts = shared(pool, 3 * sizeof *counts);
    for (int round = 1; round <= 4; round++) {
        assert_ok(procpool_each(pool, count_privately, counts, &error));
        for (int w = 0; w < 3; w++)
            ck_assert_int_eq(counts[w], round);
    }
    ck_assert_int_eq(private_counter, 0);
    end_pool(pool);
}
END_TEST

/* Runs the function over 10 items in a pool that does not know it. */
static void assert_unknown(struct procpool *pool, procpool_function *function,
                           enum procpool_engine engine)
{
    pid_t pids[2] = {procpool_worker_pid(pool, 0), procpool_worker_pid(pool, 1)};
    struct procpool_job *job = procpool_map_async(
        pool, &CALL(.function = function, .n = 10, .chunk = 3, .engine = engine), &error);
    ck_assert_msg(job != NULL, "%s", error.text);
    ck_assert(procpool_wait(job, WITHIN_NS));
    assert_refused(procpool_get(job, 0, &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 10);
    for (uint64_t i = 0; i < 10; i++) {
        struct procpool_status status = status_of(job, i);
        assert_state(status.state, PROCPOOL_UNKNOWN);
        ck_assert_uint_eq(status.index, i);
        assert_sentence(status.text);
    }
    procpool_job_free(job);
    /* Nobody has died of it. */
    assert_ok(procpool_map(pool, &CALL(.function = null_task, .n = 10), &error));
    for (uint32_t w = 0; w < 2; w++)
        ck_assert_int_eq(procpool_worker_pid(pool, w), pids[w]);
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    ck_assert_uint_eq(counters.restarts, 0);
}

static void *open_late(void)
{
    void *library = dlopen("build/fixtures/late_task.so", RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    return library;
}

static procpool_function *symbol(void *library, const char *name)
{
    procpool_function *function;
    void *address = dlsym(library, name);
    ck_assert_ptr_nonnull(address);
    memcpy(&function, &address, sizeof function); /* ISO C has no cast between the two */
    return function;
}

START_TEST(row_18_function_loaded_after_the_pool_is_unknown)
{
    struct procpool *pool = pool_of(2);
    void *library = open_late();
    procpool_function *success = symbol(library, "late_success");
    procpool_function *failure = symbol(library, "late_failure");
    assert_unknown(pool, success, PROCPOOL_IN_ORDER);
    assert_unknown(pool, failure, PROCPOOL_STEALING);

    /* A pool made now knows it, beside the one that does not. */
    struct procpool *second = pool_of(2);
    assert_ok(procpool_map(second, &CALL(.function = success, .n = 10), &error));
    struct procpool_status status = run_one(second, failure, NULL);
    assert_state(status.state, PROCPOOL_FAILED);
    ck_assert_int_eq(status.code, 42);
    assert_unknown(pool, success, PROCPOOL_IN_ORDER);
    procpool_free(second);
    end_pool(pool);
    dlclose(library);
}
END_TEST

/* The workers have it still, but what a caller means by an address with nothing at it nobody knows.
 */
START_TEST(row_18_function_unloaded_after_the_pool_is_unknown)
{
    void *library = open_late();
    procpool_function *failure = symbol(library, "late_failure");
    struct procpool *pool = pool_of(2);
    struct procpool_status status = run_one(pool, failure, NULL);
    assert_state(status.state, PROCPOOL_FAILED);
    ck_assert_int_eq(status.code, 42);
    ck_assert_int_eq(dlclose(library), 0);
    assert_unknown(pool, failure, PROCPOOL_IN_ORDER);
    end_pool(pool);
}
END_TEST

START_TEST(row_18_imap_and_apply_tell_of_unknown_functions)
{
    struct procpool *pool = pool_of(2);
    void *library = open_late();
    procpool_function *success = symbol(library, "late_success");
    assert_refused(procpool_apply(pool, success, NULL, 0, NULL, 0, &error), PROCPOOL_ITEMS);
    assert_state(error.status.state, PROCPOOL_UNKNOWN);
    struct procpool_iterator *iterator =
        procpool_imap(pool, &CALL(.function = success, .n = 5), &error);
    ck_assert_ptr_nonnull(iterator);
    struct procpool_item item;
    for (uint64_t i = 0; i < 5; i++) {
        assert_refused(procpool_next(iterator, WITHIN_NS, &item, &error), PROCPOOL_ITEMS);
        assert_state(item.status.state, PROCPOOL_UNKNOWN);
        ck_assert_uint_eq(item.index, i);
    }
    assert_refused(procpool_next(iterator, WITHIN_NS, &item, &error), PROCPOOL_END);
    procpool_iterator_free(iterator);
    end_pool(pool);
    dlclose(library);
}
END_TEST

#if defined(__x86_64__) || defined(__aarch64__)

/* Machine code of a function that returns 0. */
#ifdef __x86_64__
static const unsigned char return_zero[] = {0x31, 0xc0, 0xc3};
#else
static const unsigned char return_zero[] = {0x00, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif

static void *map_page(void)
{
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    return page;
}

static procpool_function *make_code(void *page)
{
    memcpy(page, return_zero, sizeof return_zero);
    __builtin___clear_cache((char *)page, (char *)page + sizeof return_zero);
    ck_assert_int_eq(mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC), 0);
    procpool_function *function;
    memcpy(&function, &page, sizeof function);
    return function;
}

START_TEST(row_18_code_page_made_after_the_pool_is_unknown)
{
    struct procpool *pool = pool_of(2);
    procpool_function *function = make_code(map_page());
    assert_unknown(pool, function, PROCPOOL_IN_ORDER);
    struct procpool *second = pool_of(2);
    assert_ok(procpool_map(second, &CALL(.function = function, .n = 10), &error));
    procpool_free(second);
    end_pool(pool);
}
END_TEST

/* The workers have the page, but no code on it. */
START_TEST(row_18_data_that_became_code_after_the_pool_is_unknown)
{
    void *page = map_page();
    memset(page, 0, 16);
    struct procpool *pool = pool_of(2);
    assert_unknown(pool, make_code(page), PROCPOOL_IN_ORDER);
    end_pool(pool);
}
END_TEST

/* Other code at the address of what was unloaded: the workers would run what is not meant. */
START_TEST(row_18_code_that_took_the_place_of_other_code_is_unknown)
{
    void *library = open_late();
    procpool_function *failure = symbol(library, "late_failure");
    struct procpool *pool = pool_of(2);
    ck_assert_int_eq(dlclose(library), 0);

    uintptr_t address = (uintptr_t)failure, size = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = mmap((void *)(address / size * size), size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    ck_assert_ptr_eq(page, (void *)(address / size * size));
    make_code(page);
    assert_unknown(pool, failure, PROCPOOL_IN_ORDER);
    end_pool(pool);
}
END_TEST

#else

START_TEST(row_18_code_that_took_the_place_of_other_code_is_unknown)
{
    puts("no machine code for this kind of machine: not tested");
}
END_TEST

START_TEST(row_18_code_page_made_after_the_pool_is_unknown)
{
    puts("no machine code for this kind of machine: not tested");
}
END_TEST

START_TEST(row_18_data_that_became_code_after_the_pool_is_unknown)
{
    puts("no machine code for this kind of machine: not tested");
}
END_TEST

#endif

START_TEST(row_18_no_function_is_refused)
{
    struct procpool *pool = pool_of(1);
    assert_refused(procpool_map(pool, &CALL(.n = 10), &error), PROCPOOL_INVALID);
    assert_says(error.text, "function");
    assert_refused(procpool_apply(pool, NULL, NULL, 0, NULL, 0, &error), PROCPOOL_INVALID);
    end_pool(pool);
}
END_TEST

/* Unlike Python's, whose replacements see the parent as it is when they are forked. */
START_TEST(row_19_replacements_of_the_dead_share_the_first_snapshot)
{
    struct procpool *pool = pool_of(1);
    void *library = open_late();
    procpool_function *success = symbol(library, "late_success");
    global = 2;
    for (int death = 0; death < 3; death++) {
        pid_t pid = procpool_worker_pid(pool, 0);
        struct procpool_status status = run_one(pool, kill_self, AS_NUMBER(SIGKILL));
        assert_state(status.state, PROCPOOL_LOST);
        int seen = 0;
        assert_ok(procpool_apply(pool, read_global, NULL, 0, &seen, sizeof seen, &error));
        ck_assert_int_eq(seen, 1);
        ck_assert_int_ne(procpool_worker_pid(pool, 0), pid);
        status = run_one(pool, success, NULL);
        assert_state(status.state, PROCPOOL_UNKNOWN);
    }
    end_pool(pool);
    dlclose(library);
}
END_TEST

START_TEST(row_19_replacements_of_the_recycled_share_the_first_snapshot)
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .items_per_worker = 1));
    global = 2;
    int seen[8] = {0};
    assert_ok(procpool_map(pool, &CALL(.function = read_global, .n = 8, .chunk = 1, RESULTS(seen)),
                           &error));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(seen[i], 1);
    /* Not what an earlier worker made of it either. */
    int counts[8] = {0};
    assert_ok(procpool_map(
        pool, &CALL(.function = count_privately, .n = 8, .chunk = 1, RESULTS(counts)), &error));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(counts[i], 1);
    end_pool(pool);
}
END_TEST

/* Standard output becomes a file that the test can read. */
static int redirect_stdout(void)
{
    fflush(stdout);
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int fd = fileno(file);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    return fd;
}

/* How often the line is in the file, which must consist of whole lines of `length` characters. */
static size_t count_line(int fd, const char *line, size_t length)
{
    static char text[1 << 20];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    size_t found = 0;
    for (char *at = text, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        ck_assert_msg(end != NULL, "an unfinished line: \"%s\"", at);
        *end = '\0';
        ck_assert_msg(strlen(at) == length, "a torn line: \"%s\"", at);
        found += strcmp(at, line) == 0;
    }
    return found;
}

#define LINE "item %5d of a line that is long enough to be torn where it is written in pieces"

static size_t length_of_lines(void)
{
    return (size_t)snprintf(NULL, 0, LINE, 0);
}

static void assert_each_line_once(int fd, int n)
{
    char line[128];
    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof line, LINE, i);
        size_t found = count_line(fd, line, length_of_lines());
        ck_assert_msg(found == 1, "\"%s\" is there %zu times", line, found);
    }
}

static int print_line(struct procpool_task *task)
{
    printf(LINE "\n", (int)task->index);
    return 0;
}

static int print_line_and_die(struct procpool_task *task)
{
    print_line(task);
    return die_of(SIGKILL);
}

static int print_line_and_exit(struct procpool_task *task)
{
    print_line(task);
    exit(0); /* which writes out what is buffered */
}

START_TEST(row_20_lines_of_tasks_arrive_once)
{
    int fd = redirect_stdout();
    struct procpool *pool = pool_of(3);
    assert_ok(procpool_map(pool, &CALL(.function = print_line, .n = 300, .chunk = 7), &error));
    assert_each_line_once(fd, 300);
    end_pool(pool);
    fflush(stdout);
    assert_each_line_once(fd, 300);
}
END_TEST

START_TEST(row_20_lines_of_killed_workers_arrive_once)
{
    procpool_function *const functions[] = {print_line_and_die, print_line_and_exit};
    int fd = redirect_stdout();
    struct procpool *pool = pool_of(2);
    assert_refused(
        procpool_map(pool, &CALL(.function = functions[_i], .n = 10, .chunk = 1), &error),
        PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 10);
    assert_each_line_once(fd, 10);
    end_pool(pool);
    fflush(stdout);
    assert_each_line_once(fd, 10);
}
END_TEST

static int print_line_and_wait(struct procpool_task *task)
{
    print_line(task);
    return gate_task(task);
}

START_TEST(row_20_lines_of_terminated_workers_arrive_once)
{
    int fd = redirect_stdout();
    struct procpool *pool = pool_of(3);
    struct gate *gate = shared(pool, sizeof *gate);
    struct procpool_job *job = procpool_map_async(
        pool, &CALL(.function = print_line_and_wait, .context = gate, .n = 3, .chunk = 1), &error);
    ck_assert_ptr_nonnull(job);
    ck_assert(wait_for(&gate->arrived, 3));
    assert_ok(procpool_terminate(pool, &error));
    assert_each_line_once(fd, 3);
    procpool_job_free(job);
    end_pool(pool);
}
END_TEST

static FILE *journal;

static int print_to_journal(struct procpool_task *task)
{
    fprintf(journal, LINE "\n", (int)task->index);
    return 0;
}

/* Other files are not written line by line, but when the worker leaves. */
START_TEST(row_20_what_is_buffered_in_a_worker_arrives_when_it_leaves)
{
    journal = tmpfile();
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(fcntl(fileno(journal), F_SETFL, O_APPEND), 0);
    struct procpool *pool = pool_with(&OPTIONS(.processes = 2, .items_per_worker = 3));
    assert_ok(procpool_map(pool, &CALL(.function = print_to_journal, .n = 10, .chunk = 1), &error));
    assert_ok(procpool_drain(pool, &error));
    assert_each_line_once(fileno(journal), 10);
    end_pool(pool);
    fclose(journal);
}
END_TEST

static int exit_in_order(struct procpool_task *task)
{
    (void)task;
    exit(0); /* which writes out what is buffered */
}

/* What the program had printed and not yet written is not written by each worker too, however it
 * ends. */
START_TEST(row_20_what_was_buffered_before_the_pool_arrives_once)
{
    int fd = redirect_stdout();
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    printf(LINE "\n", 0);
    struct procpool *pool = pool_of(3);
    assert_refused(procpool_map(pool, &CALL(.function = exit_in_order, .n = 3, .chunk = 1), &error),
                   PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 3);
    assert_ok(procpool_each(pool, null_task, NULL, &error));
    assert_ok(procpool_drain(pool, &error));
    end_pool(pool);
    fflush(stdout);
    assert_each_line_once(fd, 1);
}
END_TEST

/* The first number of each of the generators that a worker has. */
struct numbers {
    long rand, random, drand48;
};

static int draw(struct procpool_task *task)
{
    struct numbers *numbers = (struct numbers *)task->context + task->worker;
    numbers->rand = rand();
    numbers->random = random();
    numbers->drand48 = (long)(drand48() * 1e9);
    return 0;
}

static void assert_distinct(const struct numbers *a, const struct numbers *b)
{
    ck_assert_int_ne(a->rand, b->rand);
    ck_assert_int_ne(a->random, b->random);
    ck_assert_int_ne(a->drand48, b->drand48);
}

START_TEST(row_21_workers_draw_different_numbers)
{
    struct procpool *pool = pool_of(4);
    struct numbers *numbers = shared(pool, 4 * sizeof *numbers), first[4];
    assert_ok(procpool_each(pool, draw, numbers, &error));
    memcpy(first, numbers, sizeof first);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < a; b++)
            assert_distinct(&first[a], &first[b]);
    /* Nor does a replacement begin where its predecessor did. */
    assert_refused(procpool_each(pool, kill_self, AS_NUMBER(SIGKILL), &error), PROCPOOL_ITEMS);
    ck_assert_uint_eq(error.n_failed, 4);
    assert_ok(procpool_each(pool, draw, numbers, &error));
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            assert_distinct(&numbers[a], &first[b]);
    end_pool(pool);
}
END_TEST

enum { N_RANDOM = 40 };

static int random_task(struct procpool_task *task)
{
    uint64_t *numbers = task->result;
    for (uint64_t k = 0; k < 3; k++)
        numbers[k] = procpool_random(task, k);
    return 0;
}

/* The numbers of the items, by a pool that need not be like any other. */
static void draw_items(int processes, uint64_t seed, enum procpool_engine engine, int64_t chunk,
                       uint64_t (*numbers)[3])
{
    struct procpool *pool = pool_with(&OPTIONS(.processes = processes, .seed = seed));
    assert_ok(procpool_map(pool,
                           &CALL(.function = random_task, .n = N_RANDOM, .engine = engine,
                                 .chunk = chunk, RESULTS(numbers)),
                           &error));
    end_pool(pool);
}

START_TEST(row_21_numbers_of_an_item_are_the_same_in_any_worker)
{
    static uint64_t one[N_RANDOM][3], other[N_RANDOM][3];
    draw_items(1, 17, PROCPOOL_IN_ORDER, 0, one);
    draw_items(3, 17, PROCPOOL_IN_ORDER, 1, other);
    ck_assert_mem_eq(one, other, sizeof one);
    draw_items(4, 17, PROCPOOL_STEALING, 2, other);
    ck_assert_mem_eq(one, other, sizeof one);

    /* No two are the same, of whichever item, k or seed. */
    draw_items(2, 0, PROCPOOL_IN_ORDER, 0, other);
    uint64_t all[2 * N_RANDOM * 3];
    memcpy(all, one, sizeof one);
    memcpy(all + N_RANDOM * 3, other, sizeof other);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(all[i], all[j]);
}
END_TEST

/* What a worker knows of itself. */
struct identity {
    uint64_t index;
    uint32_t worker;
    int self;
    pid_t pid;
};

static int introduce(struct procpool_task *task)
{
    struct identity *identity = (struct identity *)task->context + task->worker;
    *identity = (struct identity){task->index, task->worker, procpool_self(), getpid()};
    return 0;
}

static int self_of_child(struct report *report)
{
    child_check(report, procpool_self() == -1);
    return 0;
}

START_TEST(row_22_workers_have_numbers_and_pids)
{
    ck_assert_int_eq(procpool_self(), -1);
    struct procpool *pool = pool_of(3);
    ck_assert_int_eq(procpool_self(), -1);
    assert_child(self_of_child, new_report());
    struct identity *identities = shared(pool, 3 * sizeof *identities);
    assert_ok(procpool_each(pool, introduce, identities, &error));
    for (uint32_t w = 0; w < 3; w++) {
        ck_assert_uint_eq(identities[w].index, w);
        ck_assert_uint_eq(identities[w].worker, w);
        ck_assert_int_eq(identities[w].self, (int)w);
        ck_assert_int_eq(identities[w].pid, procpool_worker_pid(pool, w));
    }
    assert_ok(procpool_drain(pool, &error));
    for (uint32_t w = 0; w < 3; w++)
        ck_assert_int_eq(procpool_worker_pid(pool, w), 0);
    end_pool(pool);
}
END_TEST

START_TEST(row_22_replacement_takes_the_number)
{
    struct procpool *pool = pool_of(2);
    struct identity *identities = shared(pool, 2 * sizeof *identities);
    pid_t before[2] = {procpool_worker_pid(pool, 0), procpool_worker_pid(pool, 1)};
    struct procpool_status status = run_one(pool, exit_task, AS_NUMBER(9));
    assert_state(status.state, PROCPOOL_LOST);
    uint32_t dead = status.pid == before[0] ? 0 : 1;
    ck_assert_int_eq(status.pid, before[dead]);
    assert_ok(procpool_each(pool, introduce, identities, &error));
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert_int_eq(identities[w].self, (int)w);
        ck_assert_int_eq(identities[w].pid, procpool_worker_pid(pool, w));
    }
    ck_assert_int_ne(identities[dead].pid, before[dead]);
    ck_assert_int_eq(identities[1 - dead].pid, before[1 - dead]);
    end_pool(pool);
}
END_TEST

UNIT_MAIN("pool snapshot", row_16_workers_see_globals_as_they_were,
          row_17_changes_of_a_worker_stay_in_it, row_17_each_worker_has_its_own,
          row_18_function_loaded_after_the_pool_is_unknown,
          row_18_function_unloaded_after_the_pool_is_unknown,
          row_18_imap_and_apply_tell_of_unknown_functions,
          row_18_code_page_made_after_the_pool_is_unknown,
          row_18_data_that_became_code_after_the_pool_is_unknown,
          row_18_code_that_took_the_place_of_other_code_is_unknown, row_18_no_function_is_refused,
          row_19_replacements_of_the_dead_share_the_first_snapshot,
          row_19_replacements_of_the_recycled_share_the_first_snapshot,
          row_20_lines_of_tasks_arrive_once,
          UNIT_LOOP(row_20_lines_of_killed_workers_arrive_once, 0, 2),
          row_20_lines_of_terminated_workers_arrive_once,
          row_20_what_is_buffered_in_a_worker_arrives_when_it_leaves,
          row_20_what_was_buffered_before_the_pool_arrives_once,
          row_21_workers_draw_different_numbers,
          row_21_numbers_of_an_item_are_the_same_in_any_worker,
          row_22_workers_have_numbers_and_pids, row_22_replacement_takes_the_number)
