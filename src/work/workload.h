/* A workload: what a task does. This header is all that a workload of your own needs:
 *
 *     cc -O2 -shared -fPIC -I src/work -o mine.so mine.c
 *     ./poolmark run --workload './mine.so size=100' --tasks 1000 --workers 2
 *
 * where mine.c defines `const struct workload poolmark_workload`. docs/example_workload.c is one.
 *
 * Every worker (process, thread, rank) has the workload at its disposal by name and parameters,
 * never by pointer: each process calls setup itself, with equal parameters. Steps, in each process:
 *
 *   1. setup(values, n)          before anything is timed; may allocate and calibrate
 *   2. run(context, i, result)   timed, from any thread, for each of its indices; over all workers
 *                                each index of 0..n-1 is run exactly once
 *   3. verify(context, …)        not timed, in one process, with the sum and results of all workers
 *   4. teardown(context)
 */
#ifndef POOLMARK_WORKLOAD_H
#define POOLMARK_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

/* Changes whenever a struct below does; a plug-in built with another number is refused. */
#define POOLMARK_WORKLOAD_ABI 1

enum workload_type {
    WORKLOAD_COUNT,    /* "5000", "10M"  → count */
    WORKLOAD_DURATION, /* "20ms"         → count, in ns */
    WORKLOAD_REAL,     /* "0.1"          → real */
    WORKLOAD_CHOICE,   /* one of choices → count, its position in the list from 0 */
};

/* One parameter. The table of a workload ends with an entry whose name is NULL. */
struct workload_param {
    const char *name;
    enum workload_type type;
    const char *fallback; /* what it is when not given, as text */
    const char *choices;  /* WORKLOAD_CHOICE: "constant,linear"; else NULL */
    const char *meaning;  /* one line, with the unit */
};

/* The value of one parameter, in the order of the table. */
struct workload_value {
    uint64_t count;
    double real;
};

/* The work that one task holds, declared beside the kernel. */
struct workload_cost {
    uint64_t iterations; /* of the kernel's inner loop; 0 when it has none */
    uint64_t bytes;      /* moved to or from memory */
    double ideal_ns;     /* time on an undisturbed CPU; exact for sleeps, else an estimate whose
                            proportions between tasks are right */
};

/* flags */
#define WORKLOAD_USES_CPU 1u /* tasks compete for CPUs: no speedup above the usable CPUs */

struct workload {
    uint32_t abi; /* POOLMARK_WORKLOAD_ABI */
    unsigned flags;
    const char *name;
    const char *summary;                 /* one line for `poolmark list workloads` */
    const struct workload_param *params; /* NULL: none */

    /* Bytes of result a task writes, 0 when the sum is all there is. Asked after setup. May be
     * NULL. */
    size_t (*result_bytes)(const void *context);

    /* Makes the context of one process for n tasks; n may be 0. On failure returns -1 with one
     * sentence in error[error_size]. The context is read-only while tasks run. May be NULL: no
     * context. */
    int (*setup)(const struct workload_value *values, uint64_t n, void **context, char *error,
                 size_t error_size);

    /* Runs task `index`, writes its result (result_bytes; NULL when that is 0) and returns its term
     * of the sum, which wraps modulo 2^64. Pure in (parameters, index). Required. */
    uint64_t (*run)(const void *context, uint64_t index, void *result);

    /* Declares what task `index` holds. Required. */
    void (*cost)(const void *context, uint64_t index, struct workload_cost *cost);

    /* Checks the sum of all terms and the n results (NULL when there are none). Returns 0 when
     * right, else -1 with one sentence that says expected and found. Required: the suite never
     * reports the time of a wrong answer. */
    int (*verify)(const void *context, uint64_t n, uint64_t sum, const void *results, char *error,
                  size_t error_size);

    void (*teardown)(void *context); /* may be NULL */
};

/* The symbol that a plug-in defines. */
#define POOLMARK_WORKLOAD_SYMBOL "poolmark_workload"

#endif
