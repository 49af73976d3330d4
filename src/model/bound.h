/* The bound of greedy list scheduling: how fast a list of tasks can be at all, cut into the chunks
 * that a schedule makes, on W workers of a machine with so many usable CPUs. Pure; no clock.
 *
 * Source: Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: each chunk in order goes to
 * the worker that is free first. Static schedules fix the worker instead.
 *
 * Rules that OpenMP has are those of libgomp; libomp cuts guided in another way (guided-llvm).
 */
#ifndef POOLMARK_MODEL_BOUND_H
#define POOLMARK_MODEL_BOUND_H

#include "sched/sched.h"
#include "work/work.h"

struct bound {
    double total_ns;    /* Σ of the tasks' ideal times: the sequential time */
    double makespan_ns; /* of the chunks on the workers, each worker on a CPU of its own */
    double speedup; /* total / makespan; the number of workers that compute when there are no tasks
                       or they have no ideal time (null); at most `usable` when tasks use the CPU */
    bool cpu_limited; /* the usable CPUs, not the chunks, set the speedup */
    bool exact;       /* false: only an upper bound of the speedup is known (total / longest chunk,
                         at most W), since there are more chunks than are simulated one by one, or
                         they are not known beforehand and each task counts as one: adaptive rules,
                         stealing, the OpenMP runtime's own, sizes that hang on times to measure */
};

/* usable: CPUs that can compute at once, at least 1. The work is set up for the sched's n tasks.
 * Takes O(n) where tasks differ; lists of equal tasks are recognised (above a million tasks, from a
 * sample) and take no time.
 *
 * idle: how many of the sched's workers run no task, below all, as a master's that only grants; the
 * chunks are cut for all, and no rule deals them to workers beforehand (not FIXED). */
struct bound bound_compute(const struct work *work, const struct sched *sched, uint32_t idle,
                           int usable);

/* The same from explicit costs: the makespan of costs[n] under the schedule. For tests and
 * models. */
double bound_makespan(const double *costs, const struct sched *sched);

#endif
