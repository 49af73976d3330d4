/* The bound of greedy list scheduling: see bound.h.
 *
 * Chunks are visited in the order of their indices and their costs summed on the way, so no array
 * of n costs is held. Lists whose tasks all cost the same are recognised first and, where chunks
 * are equal too, solved in closed form: 10^8 null tasks are planned as fast as ten. Where chunks
 * are not known beforehand each task counts as one.
 */
#include "model/bound.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <assert.h>
#include <stdlib.h>

enum {
    MOST_SIMULATED = 2000000, /* chunks handed out one by one */
    MOST_COMPARED = 1000000,  /* tasks whose costs are all compared; of longer lists, a sample is */
    N_SAMPLED = 65536,
};

/* Where the costs come from: an array, or a workload; `even` when all are `each`. */
struct costs {
    const double *array;
    const struct work *work;
    bool even;
    double each;
};

/* What is known of the chunks, in ns. */
struct plan {
    double total, longest, makespan;
    bool simulated; /* false: makespan is not known */
};

static double task_cost(const struct costs *costs, uint64_t index)
{
    if (costs->array)
        return costs->array[index];
    struct workload_cost cost;
    costs->work->def->cost(costs->work->context, index, &cost);
    return cost.ideal_ns;
}

static double chunk_cost(const struct costs *costs, uint64_t first, uint64_t count)
{
    if (costs->even)
        return (double)count * costs->each;
    double sum = 0;
    for (uint64_t i = first; i < first + count; i++)
        sum += task_cost(costs, i);
    return sum;
}

/* Sets `even`. A list above MOST_COMPARED tasks is judged by its first and last task and a random
 * sample, in which a kind of task that makes up one in 10,000 is missed once in 700 lists. */
static void compare_costs(struct costs *costs, uint64_t n)
{
    costs->even = n > 0;
    if (n == 0)
        return;
    costs->each = task_cost(costs, 0);
    bool all = n <= MOST_COMPARED;
    uint64_t looks = all ? n : N_SAMPLED;
    for (uint64_t k = 0; k < looks && costs->even; k++)
        costs->even = task_cost(costs, all ? k : rng_mix(k) % n) == costs->each;
    if (costs->even)
        costs->even = task_cost(costs, n - 1) == costs->each;
}

/* --- workers by the time at which they are free ----------------------------------------------- */

/* A binary heap: free[0] is the least. Invariant: free[(i-1)/2] <= free[i]. */
struct workers {
    double *free;
    size_t n;
};

/* Gives the chunk to the worker that is free first; returns when that one ends. */
static double give_to_first(struct workers *workers, double cost)
{
    double *heap = workers->free, end = heap[0] + cost;
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= workers->n)
            break;
        if (child + 1 < workers->n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= end)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = end;
    return end;
}

/* Walks the chunks. Equal tasks need not be summed, so that the walk ends with the simulation. */
static struct plan plan_shared(const struct costs *costs, const struct sched *sched,
                               uint32_t computing)
{
    struct plan plan = {.simulated = true};
    struct workers workers = {alloc_zeroed(computing, sizeof(double)), computing};
    struct sched_walk walk = {0};
    uint64_t first, count;
    while ((plan.simulated || !costs->even) && sched_walk(sched, &walk, &first, &count)) {
        double cost = chunk_cost(costs, first, count);
        plan.total += cost;
        if (cost > plan.longest)
            plan.longest = cost;
        plan.simulated = walk.i <= MOST_SIMULATED;
        if (plan.simulated) {
            double end = give_to_first(&workers, cost);
            if (end > plan.makespan)
                plan.makespan = end;
        }
    }
    if (costs->even)
        plan.total = (double)sched->n * costs->each;
    free(workers.free);
    return plan;
}

/* Total and longest task, where no more is known; one worker takes the total however it is cut. */
static struct plan plan_unknown(const struct costs *costs, const struct sched *sched,
                                uint32_t computing)
{
    struct plan plan = {.total = costs->even ? (double)sched->n * costs->each : 0,
                        .longest = costs->even ? costs->each : 0};
    for (uint64_t i = 0; !costs->even && i < sched->n; i++) {
        double cost = task_cost(costs, i);
        plan.total += cost;
        if (cost > plan.longest)
            plan.longest = cost;
    }
    plan.makespan = plan.total;
    plan.simulated = computing == 1 || sched->n == 0;
    return plan;
}

/* Visits turn by turn, which is the order of the indices. */
static struct plan plan_static(const struct costs *costs, const struct sched *sched)
{
    struct plan plan = {.simulated = true};
    double *busy = alloc_zeroed(sched->workers, sizeof *busy);
    uint64_t first, count, given = 0;
    for (uint64_t turn = 0; given < sched->n; turn++) {
        for (uint32_t w = 0;
             w < sched->workers && sched_static_chunk(sched, w, turn, &first, &count); w++) {
            double cost = chunk_cost(costs, first, count);
            plan.total += cost;
            busy[w] += cost;
            given += count;
            if (cost > plan.longest)
                plan.longest = cost;
            if (busy[w] > plan.makespan)
                plan.makespan = busy[w];
        }
    }
    free(busy);
    return plan;
}

/* Equal tasks in equal chunks, in tasks of the busiest worker: chunks go round in turn, so dynamic
 * and static agree. The last chunk may be short, and matters when it alone starts a new round. */
static uint64_t tasks_of_busiest(const struct sched *sched, uint32_t computing)
{
    if (sched->blocks)
        return sched->n / computing + (sched->n % computing != 0);
    uint64_t full = sched->n / sched->chunk, rest = sched->n % sched->chunk;
    uint64_t rounds = full / computing;
    if (full % computing != 0)
        return (rounds + 1) * sched->chunk;
    return rounds * sched->chunk + rest;
}

static struct plan plan_chunks(const struct costs *costs, const struct sched *sched,
                               uint32_t computing)
{
    bool known = sched_is_known(sched);
    if (known && costs->even && sched->class != SCHED_SEQUENCE)
        return (struct plan){
            .total = (double)sched->n * costs->each,
            .makespan = (double)tasks_of_busiest(sched, computing) * costs->each,
            .simulated = true,
        };
    struct plan plan = !known                        ? plan_unknown(costs, sched, computing)
                       : sched->class == SCHED_FIXED ? plan_static(costs, sched)
                                                     : plan_shared(costs, sched, computing);
    if (!plan.simulated) {
        /* All that is certain: an equal share is the least, and the longest chunk is not cut. */
        double share = plan.total / computing;
        plan.makespan = plan.longest > share ? plan.longest : share;
    }
    return plan;
}

struct bound bound_compute(const struct work *work, const struct sched *sched, uint32_t idle,
                           int usable)
{
    assert(work->n == sched->n && idle < sched->workers);
    uint32_t computing = sched->workers - idle;
    struct costs costs = {.work = work};
    compare_costs(&costs, sched->n);
    struct plan plan = plan_chunks(&costs, sched, computing);
    struct bound bound = {
        .total_ns = plan.total,
        .makespan_ns = plan.makespan,
        .speedup = computing,
        .exact = plan.simulated,
    };
    if (plan.makespan > 0)
        bound.speedup = plan.total / plan.makespan;
    if (usable < 1)
        usable = 1;
    if ((work->def->flags & WORKLOAD_USES_CPU) && bound.speedup > usable) {
        bound.speedup = usable;
        bound.cpu_limited = true;
    }
    return bound;
}

double bound_makespan(const double *costs, const struct sched *sched)
{
    struct costs source = {.array = costs};
    return plan_chunks(&source, sched, sched->workers).makespan;
}
