/* A workload of your own, from start to end: counting primes.
 *
 * Task i counts the primes among the numbers i·size … i·size + size - 1, by trial division. Large
 * numbers take longer, so late tasks cost more than early ones: watch what a static schedule makes
 * of that.
 *
 * Build it and run it, from the root of the project:
 *
 *     cc -O2 -shared -fPIC -I src/work -o mine.so docs/example_workload.c
 *     ./poolmark run --workload './mine.so size=100' --tasks 1000 --workers 2
 *
 * Copy this file and change the marked parts. Nothing else of Poolmark is needed to compile it.
 */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- 1. parameters ---------------------------------------------------------------------------
 *
 * One row a parameter: name, type, default, choices (for WORKLOAD_CHOICE alone) and one line of
 * meaning. The suite reads "size=100" for you, tells the user of slips of the pen, and hands you
 * the values in the order of these rows. */

enum { AT_SIZE, AT_HAND_BACK };

static const struct workload_param params[] = {
    {"size", WORKLOAD_COUNT, "1000", NULL, "numbers that a task looks at"},
    {"results", WORKLOAD_CHOICE, "yes", "no,yes",
     "whether each task hands back its own count as well"},
    {NULL, WORKLOAD_COUNT, NULL, NULL, NULL}, /* the table ends with a NULL name */
};

/* --- 2. context ------------------------------------------------------------------------------
 *
 * What every task needs to know. Each process calls setup once, before anything is timed, and all
 * tasks of the process then read the same context, from several threads at once: never write to it
 * in run(). */

struct primes {
    uint64_t size;
    int has_results;
};

/* The check below keeps a byte for each number. */
static const uint64_t most_numbers = 1000000000;

static int primes_setup(const struct workload_value *values, uint64_t n, void **context,
                        char *error, size_t error_size)
{
    uint64_t size = values[AT_SIZE].count;
    /* n may be 0. Say what was given and what is allowed; the suite puts the workload's name
     * before. */
    if (size < 1 || size > most_numbers || n > most_numbers / size) {
        snprintf(error, error_size,
                 "size=%llu with %llu tasks: allowed are 1 to %llu numbers in all",
                 (unsigned long long)size, (unsigned long long)n, (unsigned long long)most_numbers);
        return -1;
    }
    struct primes *primes = malloc(sizeof *primes);
    if (!primes) {
        snprintf(error, error_size, "there is no memory for it");
        return -1;
    }
    primes->size = size;
    primes->has_results = values[AT_HAND_BACK].count == 1; /* "yes" is choice 1 of "no,yes" */
    *context = primes;
    return 0;
}

/* Frees what setup made. */
static void primes_teardown(void *context)
{
    free(context);
}

/* --- 3. the work of one task -----------------------------------------------------------------
 *
 * The only timed part. It must be pure: the same (parameters, index) always give the same answer,
 * whichever worker runs it and in whatever order. It returns a term; the suite adds up the terms of
 * all tasks modulo 2^64. With results it also writes its own, result_bytes long, at `result`. */

static int is_prime(uint64_t number)
{
    if (number < 2)
        return 0;
    for (uint64_t d = 2; d * d <= number; d++)
        if (number % d == 0)
            return 0;
    return 1;
}

static uint64_t primes_run(const void *context, uint64_t index, void *result)
{
    const struct primes *primes = context;
    uint32_t count = 0;
    for (uint64_t k = 0; k < primes->size; k++)
        count += (uint32_t)is_prime(index * primes->size + k);
    /* memcpy, since `result` need not be aligned for your type. NULL when result_bytes is 0. */
    if (result)
        memcpy(result, &count, sizeof count);
    return count;
}

/* How many bytes a task writes at `result`. Without this hook, or where it returns 0, none. */
static size_t primes_result_bytes(const void *context)
{
    const struct primes *primes = context;
    return primes->has_results ? sizeof(uint32_t) : 0;
}

/* --- 4. what a task holds --------------------------------------------------------------------
 *
 * The suite derives the bounds of speedup from this: how uneven tasks are is what counts, so
 * proportions between tasks matter and the unit does not. Trial division of a prime p takes √p
 * steps. */

static uint64_t root(uint64_t number)
{
    uint64_t r = 0;
    while ((r + 1) * (r + 1) <= number)
        r++;
    return r;
}

static void primes_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    const struct primes *primes = context;
    cost->iterations = primes->size * (2 + root(index * primes->size + primes->size / 2) / 8);
    cost->bytes = primes->has_results ? sizeof(uint32_t) : 0;
    cost->ideal_ns = 2.0 * (double)cost->iterations;
}

/* --- 5. the check ----------------------------------------------------------------------------
 *
 * After every repetition the suite has made sure that each index ran exactly once, and asks you
 * whether the answer is right: `sum` is that of all terms, `results` the array of all n results,
 * NULL when there are none. Get the answer in another way than the tasks do where you can; here, by
 * the sieve of Eratosthenes. A wrong answer is a failed measurement, however fast it was. */

static int primes_verify(const void *context, uint64_t n, uint64_t sum, const void *results,
                         char *error, size_t error_size)
{
    const struct primes *primes = context;
    uint64_t n_numbers = n * primes->size, n_primes = 0;
    char *is_composite = calloc(n_numbers + 1, 1);
    if (!is_composite) {
        snprintf(error, error_size, "there is no memory for its check");
        return -1;
    }
    for (uint64_t d = 2; d * d < n_numbers; d++)
        if (!is_composite[d])
            for (uint64_t m = d * d; m < n_numbers; m += d)
                is_composite[m] = 1;
    int status = 0;
    for (uint64_t i = 0; i < n && status == 0; i++) {
        uint32_t expected = 0, found;
        for (uint64_t k = i * primes->size; k < (i + 1) * primes->size; k++)
            expected += k >= 2 && !is_composite[k];
        n_primes += expected;
        if (!results)
            continue;
        memcpy(&found, (const char *)results + i * sizeof found, sizeof found);
        if (found != expected) {
            snprintf(error, error_size, "task %llu found %u primes instead of %u",
                     (unsigned long long)i, (unsigned)found, (unsigned)expected);
            status = -1;
        }
    }
    free(is_composite);
    if (status == 0 && sum != n_primes) {
        snprintf(error, error_size, "the tasks found %llu primes below %llu instead of %llu",
                 (unsigned long long)sum, (unsigned long long)n_numbers,
                 (unsigned long long)n_primes);
        status = -1;
    }
    return status;
}

/* --- 6. the workload -------------------------------------------------------------------------
 *
 * The one symbol that the suite looks for; its name is fixed, everything else above is your own.
 * Hooks that may be NULL: params, result_bytes, setup, teardown. */

const struct workload poolmark_workload = {
    .abi = POOLMARK_WORKLOAD_ABI, /* a plug-in built with another workload.h is refused */
    .flags = WORKLOAD_USES_CPU,   /* leave it out when tasks only wait */
    .name = "primes",
    .summary = "counts primes by trial division; late tasks cost more",
    .params = params,
    .result_bytes = primes_result_bytes,
    .setup = primes_setup,
    .run = primes_run,
    .cost = primes_cost,
    .verify = primes_verify,
    .teardown = primes_teardown,
};
