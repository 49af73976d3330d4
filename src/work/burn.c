/* burn: tasks that compute and touch no memory: Σ i·i·cycles for i below the iterations of the
 * task, where cycles, 1 to 100, is drawn for each task from the seed.
 *
 * The kernel is one dependency chain in registers. A loop whose multiplications do not wait for one
 * another runs as fast as the compiler's choice of instructions and the alignment of the loop
 * allow: the plain sum took 0.65 to 1.2 ns an iteration on one machine by compiler and option, and
 * varied by a third from run to run. The chain (and, add, multiply, multiply, add: nine cycles on
 * current x86-64) takes the same time in all of them, leaves most of the core to a sibling thread,
 * and is a clock of the CPU as well.
 */
#include "work/shape.h"
#include "work/work.h"

#include "base/clock.h"
#include "base/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct burn {
    uint64_t mean; /* iterations */
    struct shape shape;
};

enum { AT_ITERATIONS, AT_SHAPE };

static const struct workload_param burn_params[] = {
    {"iterations", WORKLOAD_COUNT, "10M", NULL, "mean iterations of a task"},
    SHAPE_PARAMS,
    {NULL, 0, NULL, NULL, NULL},
};

/* Nine cycles at 3 GHz. Only proportions rest on it; work_chain_ns measures the real time. */
static const double nominal_ns = 3.0;

/* Σ i·i·cycles for i < iterations, modulo 2^64.
 *
 * The first empty asm hides from the compiler that `none` is 0, so each iteration has to wait for
 * the sum of the one before; the second makes it produce that sum in a register each time, so that
 * it can neither drop, vectorise nor solve the loop. noinline: the timed loop is the same code
 * wherever it is called. */
static __attribute__((noinline)) uint64_t burn_chain(uint64_t iterations, uint64_t cycles)
{
    uint64_t sum = 0, none = 0;
    __asm__ volatile("" : "+r"(none));
    for (uint64_t i = 0; i < iterations; i++) {
        uint64_t x = i + (sum & none);
        sum += x * x * cycles;
        __asm__ volatile("" : "+r"(sum));
    }
    return sum;
}

/* ~seed: drawn apart from the shape's weights, which use the seed itself. */
static uint64_t draw_cycles(const struct burn *burn, uint64_t index)
{
    return 1 + rng_mix(rng_mix(~burn->shape.seed) ^ index) % 100;
}

static int burn_setup(const struct workload_value *values, uint64_t n, void **context, char *error,
                      size_t error_size)
{
    struct burn *burn = calloc(1, sizeof *burn);
    if (!burn) {
        snprintf(error, error_size, "there is no memory for it");
        return -1;
    }
    burn->mean = values[AT_ITERATIONS].count;
    if (shape_init(&burn->shape, values + AT_SHAPE, n, error, error_size) != 0) {
        free(burn);
        return -1;
    }
    *context = burn;
    return 0;
}

static uint64_t burn_run(const void *context, uint64_t index, void *result)
{
    const struct burn *burn = context;
    (void)result;
    return burn_chain(shape_count(&burn->shape, burn->mean, index), draw_cycles(burn, index));
}

static void burn_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    const struct burn *burn = context;
    uint64_t iterations = shape_count(&burn->shape, burn->mean, index);
    *cost = (struct workload_cost){iterations, 0, (double)iterations * nominal_ns};
}

/* The closed form of each term: cycles · Σ i². */
static int burn_verify(const void *context, uint64_t n, uint64_t sum, const void *results,
                       char *error, size_t error_size)
{
    const struct burn *burn = context;
    (void)results;
    uint64_t expected = 0;
    if (burn->shape.kind == SHAPE_CONSTANT) {
        for (uint64_t i = 0; i < n; i++)
            expected += draw_cycles(burn, i);
        expected *= sum_squares(shape_count(&burn->shape, burn->mean, 0));
    } else {
        for (uint64_t i = 0; i < n; i++)
            expected +=
                draw_cycles(burn, i) * sum_squares(shape_count(&burn->shape, burn->mean, i));
    }
    if (sum == expected)
        return 0;
    snprintf(error, error_size,
             "the sum of i*i*cycles over all iterations is %" PRIu64 " instead of %" PRIu64, sum,
             expected);
    return -1;
}

double work_chain_ns(uint64_t iterations)
{
    /* The fastest of four parts: a preemption hits one of them, a changed clock all. */
    enum { PARTS = 4 };
    uint64_t part = iterations / PARTS + 1, least = UINT64_MAX;
    for (int i = 0; i < PARTS; i++) {
        uint64_t start = clock_now_ns();
        burn_chain(part, 1);
        uint64_t took = clock_now_ns() - start;
        if (took < least)
            least = took;
    }
    return (double)least / (double)part;
}

const struct workload work_burn = {
    .abi = POOLMARK_WORKLOAD_ABI,
    .flags = WORKLOAD_USES_CPU,
    .name = "burn",
    .summary = "computes in registers, one dependency chain; no memory traffic",
    .params = burn_params,
    .setup = burn_setup,
    .run = burn_run,
    .cost = burn_cost,
    .verify = burn_verify,
    .teardown = free,
};
