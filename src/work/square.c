/* square: task i computes (i+1)². The answer is known to everyone, so it shows that a backend
 * brings home the sum (5000 tasks: 41679167500) and, with results=yes, every single result. */
#include "work/shape.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct square {
    bool has_results;
};

static const struct workload_param square_params[] = {
    {"results", WORKLOAD_CHOICE, "no", "no,yes",
     "whether each task hands back its square, 8 bytes, as well"},
    {NULL, 0, NULL, NULL, NULL},
};

static int square_setup(const struct workload_value *values, uint64_t n, void **context,
                        char *error, size_t error_size)
{
    (void)n;
    struct square *square = calloc(1, sizeof *square);
    if (!square) {
        snprintf(error, error_size, "there is no memory for it");
        return -1;
    }
    square->has_results = values[0].count != 0;
    *context = square;
    return 0;
}

static size_t square_result_bytes(const void *context)
{
    const struct square *square = context;
    return square->has_results ? sizeof(uint64_t) : 0;
}

static uint64_t square_run(const void *context, uint64_t index, void *result)
{
    (void)context;
    uint64_t term = (index + 1) * (index + 1);
    if (result)
        memcpy(result, &term, sizeof term);
    return term;
}

static void square_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    const struct square *square = context;
    (void)index;
    *cost = (struct workload_cost){1, square->has_results ? sizeof(uint64_t) : 0, 1};
}

static int square_verify(const void *context, uint64_t n, uint64_t sum, const void *results,
                         char *error, size_t error_size)
{
    const struct square *square = context;
    uint64_t expected = sum_squares(n + 1);
    if (sum != expected) {
        snprintf(error, error_size, "the sum of the squares is %" PRIu64 " instead of %" PRIu64,
                 sum, expected);
        return -1;
    }
    for (uint64_t i = 0; square->has_results && i < n; i++) {
        uint64_t found;
        memcpy(&found, (const char *)results + i * sizeof found, sizeof found);
        expected = (i + 1) * (i + 1);
        if (found != expected) {
            snprintf(error, error_size,
                     "the result of task %" PRIu64 " is %" PRIu64 " instead of %" PRIu64, i, found,
                     expected);
            return -1;
        }
    }
    return 0;
}

const struct workload work_square = {
    .abi = POOLMARK_WORKLOAD_ABI,
    .flags = WORKLOAD_USES_CPU,
    .name = "square",
    .summary = "task i computes (i+1)^2: the answer is known to everyone",
    .params = square_params,
    .result_bytes = square_result_bytes,
    .setup = square_setup,
    .run = square_run,
    .cost = square_cost,
    .verify = square_verify,
    .teardown = free,
};
