/* sleep: tasks that only wait. They need no CPU, so they scale to any number of workers on any
 * machine and show the timing structure of a schedule undisturbed. They say nothing of computing.
 */
#include "work/shape.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

struct sleep {
    uint64_t mean_ns;
    struct shape shape;
};

enum { AT_TIME, AT_SHAPE };

static const struct workload_param sleep_params[] = {
    {"time", WORKLOAD_DURATION, "1s", NULL, "mean time of a task"},
    SHAPE_PARAMS,
    {NULL, 0, NULL, NULL, NULL},
};

static int sleep_setup(const struct workload_value *values, uint64_t n, void **context, char *error,
                       size_t error_size)
{
    struct sleep *sleep = calloc(1, sizeof *sleep);
    if (!sleep) {
        snprintf(error, error_size, "there is no memory for it");
        return -1;
    }
    sleep->mean_ns = values[AT_TIME].count;
    if (shape_init(&sleep->shape, values + AT_SHAPE, n, error, error_size) != 0) {
        free(sleep);
        return -1;
    }
    *context = sleep;
    return 0;
}

/* The kernel may wake a sleeper late by its timer slack, 50 µs unless told otherwise, which would
 * be added to every task. The slack belongs to the thread, so each one asks for the least of it
 * once. A forked child inherits both slack and flag. */
static void use_least_slack(void)
{
    static _Thread_local bool is_set;
    if (!is_set) {
        prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
        is_set = true;
    }
}

static uint64_t sleep_run(const void *context, uint64_t index, void *result)
{
    const struct sleep *sleep = context;
    (void)result;
    uint64_t ns = shape_count(&sleep->shape, sleep->mean_ns, index);
    if (ns > 0) {
        use_least_slack();
        clock_sleep_ns(ns);
    }
    return index + 1;
}

static void sleep_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    const struct sleep *sleep = context;
    uint64_t ns = shape_count(&sleep->shape, sleep->mean_ns, index);
    *cost = (struct workload_cost){0, 0, (double)ns};
}

static int sleep_verify(const void *context, uint64_t n, uint64_t sum, const void *results,
                        char *error, size_t error_size)
{
    (void)context;
    (void)results;
    uint64_t expected = sum_indices(n) + n;
    if (sum == expected)
        return 0;
    snprintf(error, error_size, "the sum of index + 1 is %" PRIu64 " instead of %" PRIu64, sum,
             expected);
    return -1;
}

const struct workload work_sleep = {
    .abi = POOLMARK_WORKLOAD_ABI,
    .name = "sleep",
    .summary = "waits without using a CPU: scales to any number of workers",
    .params = sleep_params,
    .setup = sleep_setup,
    .run = sleep_run,
    .cost = sleep_cost,
    .verify = sleep_verify,
    .teardown = free,
};
