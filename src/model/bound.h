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

/* What the tasks of a list cost, asked once for all schedules. At most some millions are asked one
 * by one (4,194,304); longer lists are cut into about as many parts, each of which one task at
 * random stands for: sums are estimates then, and a longer task may be missed. */
struct bound_costs {
    uint64_t n;
    bool uses_cpu;
    bool even;             /* all that were asked cost the same: no sums */
    uint64_t part;         /* tasks in a part; 1: all were asked */
    double total, longest; /* ns; of a single task */
    double *sums;          /* sums[k]: Σ of the first k parts */
};

/* Takes O(min(n, 4,194,304)). To be released. The work is not needed later. */
void bound_costs_ask(struct bound_costs *costs, const struct work *work);
void bound_costs_release(struct bound_costs *costs);

struct bound {
    double total_ns;    /* Σ of the tasks' ideal times: the sequential time */
    double makespan_ns; /* of the chunks on the workers, each worker on a CPU of its own */
    double speedup; /* total / makespan; the number of workers that compute when there are no tasks
                       or they have no ideal time (null); at most `usable` when tasks use the CPU */
    bool cpu_limited; /* the usable CPUs, not the chunks, set the speedup */
    bool exact;       /* false: the makespan may be longer. Either it is the longest chunk or an
                         equal share, since there are more chunks than are handed out one by one;
                         or chunks are not known beforehand (adaptive rules, stealing, the OpenMP
                         runtime's own, sizes that hang on times to measure), and it is what no way
                         to share out the tasks can beat: an equal share, the longest task, and of
                         the kP+1 longest tasks the k+1 shortest, since some worker gets k+1; or
                         costs are a sample, and all is an estimate */
};

/* usable: CPUs that can compute at once, at least 1. The costs are those of the sched's n tasks.
 * Takes O(chunks) for up to some millions of chunks of known sizes, O(workers) beyond and for equal
 * tasks.
 *
 * idle: how many of the sched's workers run no task, below all, as a master's that only grants; the
 * chunks are cut for all, and no rule deals them to workers beforehand (not FIXED). */
struct bound bound_compute(const struct bound_costs *costs, const struct sched *sched,
                           uint32_t idle, int usable);

/* The same from explicit costs: the makespan of costs[n] under the schedule. For tests and
 * models. */
double bound_makespan(const double *costs, const struct sched *sched);

#endif
