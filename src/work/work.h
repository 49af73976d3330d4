/* Workloads by name: the table of those built in, plug-ins, and one opened for use.
 *
 * A specification is a name with parameters, "sleep time=20ms shape=linear", or a path that holds a
 * slash, "./mine.so size=100".
 */
#ifndef POOLMARK_WORK_WORK_H
#define POOLMARK_WORK_WORK_H

#include "base/err.h"
#include "work/workload.h"

#include <stdbool.h>

/* All workloads that are built in; ends with NULL. Listed once, in work.c. */
extern const struct workload *const work_table[];

/* A workload set up for n tasks in this process. */
struct work {
    const struct workload *def;
    void *context;
    void *library; /* dlopen handle of a plug-in, or NULL */
    uint64_t n;
    size_t result_bytes;
};

/* Reads the specification, loads the plug-in if it is one, and sets it up for n tasks with its
 * times multiplied by `scale` (parameters of type WORKLOAD_DURATION; 1 leaves them). On failure
 * nothing is left open, and the sentence names what is allowed (nearest name, parameters with their
 * defaults). */
int work_open(struct work *work, const char *spec, uint64_t n, double scale, struct err *err);
void work_close(struct work *work);

/* Whether the specification is right, the ranges of a built-in workload's parameters included. A
 * plug-in is loaded, but its setup is not run. */
int work_check(const char *spec, struct err *err);

/* Writes the specification with every parameter spelt out in table order, so that equal workloads
 * have equal text: durations as whole numbers of the largest of s, ms, us, ns that is exact, counts
 * likewise with G, M or no suffix (20ms, 10M, 5000). What it writes reads back as the same values
 * and has at most 511 bytes, as every specification. Checks what work_check does. A plug-in's path
 * is kept as it is. */
int work_canonical(const char *spec, char *buffer, size_t size, struct err *err);

/* Writes the specification with those parameters alone that differ from their defaults: for people.
 * Cut off where the buffer ends. */
int work_short(const char *spec, char *buffer, size_t size, struct err *err);

/* What all tasks hold together; at most `limit` tasks, at equal distances, are asked one by one,
 * and the rest estimated from the mean of those (0: no limit). */
struct workload_cost work_total(const struct work *work, uint64_t limit);

/* Nanoseconds per iteration of the burn kernel's register chain, measured now over about
 * `iterations` of it, in four parts of which the fastest counts. The suite's tick beside every
 * sample: it shows a CPU that changed its clock. */
double work_chain_ns(uint64_t iterations);

/* --- the inner loop of every backend --------------------------------------------------------- */

/* What one worker did: enough to prove, summed over all workers, that each index of 0..n-1 was run
 * exactly once: their number, Σ i and Σ i², modulo 2^64. */
struct tally {
    uint64_t tasks, chunks;
    uint64_t sum;        /* Σ of the terms that the workload returned */
    uint64_t index_sum;  /* Σ i */
    uint64_t square_sum; /* Σ i² */
};

/* Runs tasks first .. first+count-1 and adds them to the tally as one chunk. results is the array
 * of all n results or NULL. */
static inline void work_run_range(const struct work *work, uint64_t first, uint64_t count,
                                  void *results, struct tally *tally)
{
    uint64_t (*run)(const void *, uint64_t, void *) = work->def->run;
    const void *context = work->context;
    uint64_t sum = 0, index_sum = 0, square_sum = 0;
    if (work->result_bytes == 0) {
        for (uint64_t i = first; i < first + count; i++) {
            sum += run(context, i, NULL);
            index_sum += i;
            square_sum += i * i;
        }
    } else {
        char *result = (char *)results + first * work->result_bytes;
        for (uint64_t i = first; i < first + count; i++, result += work->result_bytes) {
            sum += run(context, i, result);
            index_sum += i;
            square_sum += i * i;
        }
    }
    tally->tasks += count;
    tally->chunks++;
    tally->sum += sum;
    tally->index_sum += index_sum;
    tally->square_sum += square_sum;
}

static inline void tally_add(struct tally *total, const struct tally *part)
{
    total->tasks += part->tasks;
    total->chunks += part->chunks;
    total->sum += part->sum;
    total->index_sum += part->index_sum;
    total->square_sum += part->square_sum;
}

/* Whether the tally of all workers proves that each index was run exactly once and the workload's
 * own check of sum and results passes. */
int work_verify(const struct work *work, const struct tally *total, const void *results,
                struct err *err);

#endif
