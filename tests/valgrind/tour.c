/* A tour of the pool, to be watched by valgrind: every way to call, every way an item can end, both
 * engines, workers that die and are replaced. Prints "N passed, M failed". Its processes, workers
 * and zygote too, must leave without an error and without a leak. */
#include "procpool/procpool.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int passed, failed;

static void expect(const char *what, bool is_so)
{
    passed += is_so;
    failed += !is_so;
    if (!is_so)
        printf("not ok %s\n", what);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int square(struct procpool_task *task)
{
    uint64_t value = task->argument ? *(const uint64_t *)task->argument : task->index;
    *(uint64_t *)task->result = value * value;
    return 0;
}

static int add_columns(struct procpool_task *task)
{
    *(uint64_t *)task->result =
        *(const uint64_t *)task->arguments[0] + *(const uint32_t *)task->arguments[1];
    return 0;
}

/* Every way to end, by the index. */
static int end_somehow(struct procpool_task *task)
{
    char large[64] = "";
    switch (task->index % 7) {
    case 1:
        return 5;
    case 2:
        return procpool_fail(task, 6, "item %" PRIu64 " would not", task->index);
    case 3:
        return procpool_put(task, large, sizeof large);
    case 4:
        _exit(4);
    case 5:
        raise(SIGKILL);
        return 0;
    default:
        return 0;
    }
}

static int visit(struct procpool_task *task)
{
    ((uint64_t *)task->context)[task->worker]++;
    return 0;
}

static int source(void *data, void *argument)
{
    uint64_t *next = data;
    *(uint64_t *)argument = *next;
    return (*next)++ < 20;
}

static void count(struct procpool_job *job, void *data)
{
    (void)job;
    ++*(int *)data;
}

static void count_error(struct procpool_job *job, const struct procpool_error *error, void *data)
{
    (void)job;
    *(int *)data += error->code == PROCPOOL_ITEMS ? 10 : 1000;
}

/* --- the stations ----------------------------------------------------------------------------- */

static void map_squares(struct procpool *pool, enum procpool_engine engine)
{
    uint64_t results[50], sum = 0;
    struct procpool_call call = {.function = square,
                                 .n = 50,
                                 .results = results,
                                 .result_bytes = sizeof *results,
                                 .chunk = 3,
                                 .engine = engine};
    expect("map", procpool_map(pool, &call, NULL) == 0);
    for (int i = 0; i < 50; i++)
        sum += results[i];
    expect("squares", sum == 40425);
}

static void star(struct procpool *pool)
{
    const uint64_t a[3] = {1, 2, 3};
    const uint32_t b[3] = {10, 20, 30};
    uint64_t results[3];
    struct procpool_column columns[] = {{a, sizeof *a}, {b, sizeof *b}};
    struct procpool_call call = {.function = add_columns,
                                 .n = 3,
                                 .columns = columns,
                                 .n_columns = 2,
                                 .results = results,
                                 .result_bytes = sizeof *results};
    expect("starmap", procpool_starmap(pool, &call, NULL) == 0 && results[2] == 33);
}

static void all_ends(struct procpool *pool)
{
    struct procpool_call call = {.function = end_somehow, .n = 14, .result_bytes = 8, .chunk = 2};
    struct procpool_error error;
    expect("failures", procpool_map(pool, &call, &error) == -1 && error.n_failed == 10);
    expect("the first", error.status.index == 1 && error.status.code == 5);
}

static void call_back(struct procpool *pool)
{
    int calls = 0;
    struct procpool_call call = {.function = square,
                                 .n = 4,
                                 .result_bytes = 8,
                                 .callback = count,
                                 .error_callback = count_error,
                                 .callback_data = &calls};
    struct procpool_job *good = procpool_map_async(pool, &call, NULL);
    call.function = end_somehow;
    struct procpool_job *bad = procpool_map_async(pool, &call, NULL);
    expect("good", procpool_get(good, PROCPOOL_FOREVER, NULL) == 0);
    expect("bad", procpool_get(bad, PROCPOOL_FOREVER, NULL) == -1);
    expect("callbacks", calls == 11);
    struct procpool_status status;
    procpool_status(bad, 2, &status, NULL);
    expect("sentence", strcmp(status.text, "item 2 would not") == 0);
    procpool_job_free(good);
    procpool_job_free(bad);
}

static void iterate(struct procpool *pool, bool is_ordered)
{
    uint64_t next = 0, sum = 0;
    struct procpool_item item;
    struct procpool_call call = {.function = square,
                                 .source = source,
                                 .source_data = &next,
                                 .argument_bytes = sizeof next,
                                 .result_bytes = sizeof next,
                                 .chunk = 3};
    struct procpool_iterator *it =
        (is_ordered ? procpool_imap : procpool_imap_unordered)(pool, &call, NULL);
    while (procpool_next(it, PROCPOOL_FOREVER, &item, NULL) == 0)
        sum += *(const uint64_t *)item.result;
    expect("iterator", sum == 2470);
    procpool_iterator_free(it);
}

static void visit_each(struct procpool *pool)
{
    uint64_t *visits = procpool_alloc(pool, procpool_workers(pool) * sizeof *visits, NULL);
    expect("each", procpool_each(pool, visit, visits, NULL) == 0);
    for (uint32_t w = 0; w < procpool_workers(pool); w++)
        expect("once", visits[w] == 1);
    procpool_release(pool, visits);
}

static void leave_unfinished(struct procpool *pool)
{
    struct procpool_call call = {.function = square, .n = 1000, .result_bytes = 8, .chunk = 1};
    struct procpool_job *job = procpool_map_async(pool, &call, NULL);
    procpool_cancel(job, NULL);
    procpool_job_free(job);
    procpool_imap(pool, &call, NULL); /* procpool_free frees it */
    procpool_map_async(pool, &call, NULL);
}

int main(void)
{
    struct procpool_options options = {
        .processes = 2, .chunks_per_worker = 20, .memory_bytes = 16 << 20};
    struct procpool *pool = procpool_new(&options, NULL);
    if (!pool)
        return EXIT_FAILURE;
    map_squares(pool, PROCPOOL_IN_ORDER);
    map_squares(pool, PROCPOOL_STEALING);
    star(pool);
    all_ends(pool);
    call_back(pool);
    iterate(pool, true);
    iterate(pool, false);
    visit_each(pool);
    expect("drain", procpool_drain(pool, NULL) == 0);
    expect("used", procpool_memory_used(pool) == 0);
    procpool_free(pool);
    pool = procpool_new(&options, NULL);
    leave_unfinished(pool);
    procpool_free(pool);
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
