/* The bound of greedy list scheduling: see bound.h.
 *
 * What the tasks cost is asked once and kept as sums from the front, so that a chunk costs one
 * subtraction, whatever its length. Of lists beyond MOST_ASKED one task a part is asked: no list is
 * walked task by task. Equal tasks are recognised first and, where chunks are equal too, solved in
 * closed form. Where chunks are not known beforehand the bound is what no way to share out the
 * tasks can beat.
 */
#include "model/bound.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <assert.h>
#include <stdlib.h>

enum {
    MOST_ASKED = 1 << 22,     /* tasks; of longer lists, a sample of about as many */
    MOST_SIMULATED = 1 << 19, /* chunks handed out one by one: some ms for each point of a plan */
    MOST_SORTED = 1 << 14,    /* tasks, for the bound of unknown chunks */
};

/* What is known of the chunks, in ns. */
struct plan {
    double longest, makespan;
    bool simulated; /* false: makespan is not known */
};

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return n / by + (n % by != 0);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* --- what tasks cost -------------------------------------------------------------------------- */

/* Where the costs come from: an array, or a workload. */
struct source {
    const double *array;
    const struct work *work;
};

static double task_cost(const struct source *source, uint64_t index)
{
    if (source->array)
        return source->array[index];
    struct workload_cost cost;
    source->work->def->cost(source->work->context, index, &cost);
    return cost.ideal_ns;
}

/* Tasks that stand for themselves and for others. */
struct asked {
    uint64_t index, tasks;
};

/* Who is asked of the k-th part; returns how many. A random task stands for the part, so that costs
 * which repeat are met in their proportions; but the first and the last of the list, where a long
 * one may be by itself, stand for themselves alone. */
static int choose(const struct bound_costs *costs, uint64_t k, struct asked asked[3])
{
    uint64_t first = k * costs->part, left = costs->n - first;
    uint64_t end = left < costs->part ? costs->n : first + costs->part;
    int n = 0;
    if (first == 0)
        asked[n++] = (struct asked){first++, 1};
    if (end == costs->n && first < end)
        asked[n++] = (struct asked){--end, 1};
    if (first < end)
        asked[n++] = (struct asked){first + rng_mix(k) % (end - first), end - first};
    return n;
}

/* Adds up the parts; with `only_even` it stops where a task costs something else than the first.
 * Returns whether it came to the end. */
static bool add_parts(struct bound_costs *costs, const struct source *source, bool only_even)
{
    uint64_t parts = divide_up(costs->n, costs->part);
    double each = task_cost(source, 0);
    for (uint64_t k = 0; k < parts; k++) {
        struct asked asked[3];
        int n = choose(costs, k, asked);
        for (int i = 0; i < n; i++) {
            double cost = task_cost(source, asked[i].index);
            if (only_even && cost != each)
                return false;
            costs->longest = larger(costs->longest, cost);
            costs->total += (double)asked[i].tasks * cost;
        }
        if (!only_even)
            costs->sums[k + 1] = costs->total;
    }
    return true;
}

static void ask(struct bound_costs *costs, const struct source *source)
{
    costs->part = divide_up(costs->n, MOST_ASKED);
    if (costs->n == 0)
        return;
    costs->even = add_parts(costs, source, true);
    costs->total = costs->even ? (double)costs->n * costs->longest : 0;
    if (costs->even)
        return;
    costs->sums = alloc_zeroed(divide_up(costs->n, costs->part) + 1, sizeof *costs->sums);
    add_parts(costs, source, false);
}

void bound_costs_ask(struct bound_costs *costs, const struct work *work)
{
    *costs = (struct bound_costs){.n = work->n, .uses_cpu = work->def->flags & WORKLOAD_USES_CPU};
    ask(costs, &(struct source){.work = work});
}

void bound_costs_release(struct bound_costs *costs)
{
    free(costs->sums);
    *costs = (struct bound_costs){0};
}

/* Σ of the tasks before `index`; within a part all are alike. */
static double sum_before(const struct bound_costs *costs, uint64_t index)
{
    if (costs->part == 1)
        return costs->sums[index];
    if (index == costs->n)
        return costs->total;
    uint64_t k = index / costs->part, first = k * costs->part;
    uint64_t size = costs->n - first < costs->part ? costs->n - first : costs->part;
    double share = (double)(index - first) / (double)size;
    return costs->sums[k] + share * (costs->sums[k + 1] - costs->sums[k]);
}

static double chunk_cost(const struct bound_costs *costs, uint64_t first, uint64_t count)
{
    if (costs->even)
        return (double)count * costs->longest;
    return sum_before(costs, first + count) - sum_before(costs, first);
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

/* --- chunks that are known -------------------------------------------------------------------- */

/* Hands the chunks out one by one, as far as that takes no time to speak of. */
static struct plan plan_shared(const struct bound_costs *costs, const struct sched *sched,
                               uint32_t computing)
{
    struct plan plan = {.longest = costs->longest, .simulated = true};
    if (sched->class == SCHED_CONSTANT && divide_up(sched->n, sched->chunk) > MOST_SIMULATED)
        return (struct plan){.longest = costs->longest};
    struct workers workers = {alloc_zeroed(computing, sizeof(double)), computing};
    struct sched_walk walk = {0};
    uint64_t first, count;
    while (plan.simulated && sched_walk(sched, &walk, &first, &count)) {
        double cost = chunk_cost(costs, first, count);
        plan.longest = larger(plan.longest, cost);
        plan.makespan = larger(plan.makespan, give_to_first(&workers, cost));
        plan.simulated = walk.i <= MOST_SIMULATED;
    }
    free(workers.free);
    return plan;
}

static struct plan plan_static(const struct bound_costs *costs, const struct sched *sched)
{
    struct plan plan = {.longest = costs->longest, .simulated = true};
    if (!sched->blocks && divide_up(sched->n, sched->chunk) > MOST_ASKED)
        return (struct plan){.longest = costs->longest};
    for (uint32_t w = 0; w < sched->workers; w++) {
        uint64_t first, count;
        double busy = 0;
        for (uint64_t turn = 0; sched_static_chunk(sched, w, turn, &first, &count); turn++)
            busy += chunk_cost(costs, first, count);
        plan.makespan = larger(plan.makespan, busy);
    }
    return plan;
}

/* Equal tasks in equal chunks, in tasks of the busiest worker: chunks go round in turn, so dynamic
 * and static agree. The last chunk may be short, and matters when it alone starts a new round. */
static uint64_t tasks_of_busiest(const struct sched *sched, uint32_t computing)
{
    if (sched->blocks)
        return divide_up(sched->n, computing);
    uint64_t full = sched->n / sched->chunk, rest = sched->n % sched->chunk;
    uint64_t rounds = full / computing;
    if (full % computing != 0)
        return (rounds + 1) * sched->chunk;
    return rounds * sched->chunk + rest;
}

/* --- chunks that are not known ---------------------------------------------------------------- */

static int compare_falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Of the kP+1 longest pieces some worker gets k+1, which take no less than the k+1 shortest of
 * them. All pieces have `size` tasks, but for the last. */
static double pigeonhole(const struct bound_costs *costs, uint64_t size, uint32_t computing)
{
    uint64_t n = divide_up(costs->n, size), P = computing;
    double *pieces = alloc_zeroed(n + 1, sizeof *pieces), most = 0;
    for (uint64_t j = 0; j < n; j++) {
        uint64_t first = j * size, left = costs->n - first;
        pieces[j] = chunk_cost(costs, first, left < size ? left : size);
    }
    qsort(pieces, n, sizeof *pieces, compare_falling);
    double sum = 0; /* from here on pieces[j] is the sum of the j longest */
    for (uint64_t j = 0; j <= n; j++) {
        double piece = pieces[j];
        pieces[j] = sum;
        sum += piece;
    }
    for (uint64_t k = 0; k * P < n; k++)
        most = larger(most, pieces[k * P + 1] - pieces[k * P - k]);
    free(pieces);
    return most;
}

/* No schedule that keeps to what is certain ends sooner: pieces that are never cut are single tasks
 * (under `tasks` whole chunks), no chunk is below the least, but for the last one. */
static struct plan plan_unknown(const struct bound_costs *costs, const struct sched *sched,
                                uint32_t computing)
{
    bool keeps_least = sched->class != SCHED_RANGES && !sched->blocks;
    uint64_t least = keeps_least ? sched->chunk : 1, most_chunks = divide_up(sched->n, least);
    uint64_t sharers = most_chunks < computing ? most_chunks : computing;
    if (sharers <= 1)
        return (struct plan){.makespan = costs->total, .simulated = true};
    uint64_t piece = sched->kind == SCHED_TASKS ? least : 1;
    struct plan plan = {.longest = larger(costs->longest, costs->total / (double)sharers)};
    if (costs->even) {
        uint64_t share = divide_up(sched->n, computing);
        uint64_t tasks = piece > 1       ? tasks_of_busiest(sched, computing)
                         : share > least ? share
                                         : least;
        plan.longest = (double)tasks * costs->longest;
    } else if (divide_up(sched->n, piece) <= MOST_SORTED) {
        plan.longest = larger(plan.longest, pigeonhole(costs, piece, computing));
    }
    return plan;
}

/* ---------------------------------------------------------------------------------------------- */

static struct plan plan_chunks(const struct bound_costs *costs, const struct sched *sched,
                               uint32_t computing)
{
    bool known = sched_is_known(sched);
    if (known && costs->even && sched->class != SCHED_SEQUENCE)
        return (struct plan){
            .makespan = (double)tasks_of_busiest(sched, computing) * costs->longest,
            .simulated = true,
        };
    struct plan plan = !known                        ? plan_unknown(costs, sched, computing)
                       : sched->class == SCHED_FIXED ? plan_static(costs, sched)
                                                     : plan_shared(costs, sched, computing);
    /* All that is certain: an equal share is the least, and the longest chunk is not cut. */
    if (!plan.simulated)
        plan.makespan = larger(plan.longest, costs->total / computing);
    return plan;
}

struct bound bound_compute(const struct bound_costs *costs, const struct sched *sched,
                           uint32_t idle, int usable)
{
    assert(costs->n == sched->n && idle < sched->workers);
    uint32_t computing = sched->workers - idle;
    struct plan plan = plan_chunks(costs, sched, computing);
    struct bound bound = {
        .total_ns = costs->total,
        .makespan_ns = plan.makespan,
        .speedup = computing,
        .exact = plan.simulated && (costs->even || costs->part <= 1),
    };
    if (plan.makespan > 0)
        bound.speedup = costs->total / plan.makespan;
    if (usable < 1)
        usable = 1;
    if (costs->uses_cpu && bound.speedup > usable) {
        bound.speedup = usable;
        bound.cpu_limited = true;
    }
    return bound;
}

double bound_makespan(const double *array, const struct sched *sched)
{
    struct bound_costs costs = {.n = sched->n};
    ask(&costs, &(struct source){.array = array});
    double makespan = plan_chunks(&costs, sched, sched->workers).makespan;
    bound_costs_release(&costs);
    return makespan;
}
