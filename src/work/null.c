/* null: tasks that do nothing. What is left of the time is what sharing out costs, so it measures
 * the suite itself. */
#include "work/shape.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t null_run(const void *context, uint64_t index, void *result)
{
    (void)context;
    (void)result;
    return index;
}

static void null_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    (void)context;
    (void)index;
    *cost = (struct workload_cost){0, 0, 0};
}

static int null_verify(const void *context, uint64_t n, uint64_t sum, const void *results,
                       char *error, size_t error_size)
{
    (void)context;
    (void)results;
    if (sum == sum_indices(n))
        return 0;
    snprintf(error, error_size, "the sum of the indices is %" PRIu64 " instead of %" PRIu64, sum,
             sum_indices(n));
    return -1;
}

const struct workload work_null = {
    .abi = POOLMARK_WORKLOAD_ABI,
    .flags = WORKLOAD_USES_CPU,
    .name = "null",
    .summary = "does nothing: what sharing out costs by itself",
    .run = null_run,
    .cost = null_cost,
    .verify = null_verify,
};
