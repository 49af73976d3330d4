/* The bound of greedy list scheduling: the articles' cases, and a naive simulation beside it. */
#include "unit.h"

#include "base/rng.h"
#include "model/bound.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MANY_CPUS = 1000000 };

/* A rule with all that it needs. */
static struct sched_spec complete(enum sched_kind kind)
{
    struct sched_spec spec = sched_spec_default(kind);
    spec.params.h = 100;
    spec.params.mean = 1000;
    spec.params.sd = 300;
    return spec;
}

static bool is_known(enum sched_kind kind)
{
    return sched_rule_of(kind)->class & (SCHED_FIXED | SCHED_CONSTANT | SCHED_SEQUENCE);
}

static struct bound compute(const struct work *work, const struct sched *sched, uint32_t idle,
                            int usable)
{
    struct bound_costs costs;
    bound_costs_ask(&costs, work);
    struct bound bound = bound_compute(&costs, sched, idle, usable);
    bound_costs_release(&costs);
    return bound;
}

static struct bound bound_of(const char *spec, enum sched_kind kind, uint64_t n, uint32_t workers,
                             uint64_t chunk, int usable)
{
    struct work work;
    struct err err = {""};
    ck_assert_msg(work_open(&work, spec, n, 1, &err) == 0, "%s", err.text);
    struct sched_spec rule = complete(kind);
    struct sched sched = sched_make(&rule, n, workers, chunk);
    struct bound bound = compute(&work, &sched, 0, usable);
    work_close(&work);
    return bound;
}

/* Makespan in tasks of equal length under dynamic. */
static double units(uint64_t n, uint32_t workers, uint64_t chunk)
{
    struct bound b = bound_of("sleep time=1s", SCHED_DYNAMIC, n, workers, chunk, MANY_CPUS);
    ck_assert_double_eq(b.total_ns, (double)n * 1e9);
    ck_assert(b.exact && !b.cpu_limited);
    return b.makespan_ns / 1e9;
}

/* The definition, word for word: each chunk goes to the worker that is free first, the first of
 * those in the list; under static to the worker that owns it. */
static double naive_makespan(const double *costs, const struct sched *sched)
{
    double *busy = calloc(sched->workers, sizeof *busy), most = 0;
    uint64_t first, count;
    if (sched->kind == SCHED_STATIC) {
        for (uint32_t w = 0; w < sched->workers; w++)
            for (uint64_t turn = 0; sched_static_chunk(sched, w, turn, &first, &count); turn++)
                for (uint64_t i = first; i < first + count; i++)
                    busy[w] += costs[i];
    } else {
        for (struct sched_walk walk = {0}; sched_walk(sched, &walk, &first, &count);) {
            uint32_t at = 0;
            for (uint32_t w = 1; w < sched->workers; w++)
                if (busy[w] < busy[at])
                    at = w;
            for (uint64_t i = first; i < first + count; i++)
                busy[at] += costs[i];
        }
    }
    for (uint32_t w = 0; w < sched->workers; w++)
        most = fmax(most, busy[w]);
    free(busy);
    return most;
}

START_TEST(five_tasks_on_two_workers)
{
    static const double expected[] = {3, 3, 3, 4, 5};
    for (uint64_t c = 1; c <= 5; c++)
        ck_assert_double_eq(units(5, 2, c), expected[c - 1]);
}
END_TEST

START_TEST(twelve_tasks_in_three_chunks_keep_three_workers_busy)
{
    struct bound b = bound_of("sleep time=200ms", SCHED_DYNAMIC, 12, 10, 4, MANY_CPUS);
    ck_assert_double_eq(b.speedup, 3.0);
    ck_assert_double_eq(b.makespan_ns, 4 * 0.2e9);
    b = bound_of("sleep time=200ms", SCHED_DYNAMIC, 12, 10, 1, MANY_CPUS);
    ck_assert_double_eq(b.speedup, 6.0);
    b = bound_of("sleep time=200ms", SCHED_POOL, 12, 10, 0, MANY_CPUS);
    ck_assert_double_eq(b.speedup, 6.0);
}
END_TEST

START_TEST(the_article_s_other_lists)
{
    ck_assert_double_eq(units(200, 8, 7), 28); /* 29 chunks, four rounds of 7 */
    ck_assert_double_eq(units(200, 8, 1), 25);
    ck_assert_double_eq(units(1000, 7, 1), 143);
    ck_assert_double_eq(units(5, 5, 1), 1);
    ck_assert_double_eq(units(4, 8, 1), 1);
    /* The default of Python's Pool for 200 tasks on 8 workers is a chunk of 7. */
    struct bound b = bound_of("sleep time=2s", SCHED_POOL, 200, 8, 0, MANY_CPUS);
    ck_assert_double_eq(b.makespan_ns, 56e9);
    ck_assert_double_eq_tol(b.speedup, 200.0 / 28, 1e-12);
}
END_TEST

START_TEST(awkward_sizes)
{
    struct bound b = bound_of("sleep", SCHED_DYNAMIC, 0, 4, 3, MANY_CPUS);
    ck_assert_double_eq(b.total_ns, 0);
    ck_assert_double_eq(b.makespan_ns, 0);
    ck_assert_double_eq(b.speedup, 4);
    ck_assert(b.exact);
    for (enum sched_kind kind = SCHED_STATIC; kind <= SCHED_TASKS; kind++)
        ck_assert_double_eq(bound_of("sleep shape=random", kind, 0, 4, 0, 1).makespan_ns, 0);
    ck_assert_double_eq(units(7, 3, 100), 7);  /* a chunk beyond the list */
    ck_assert_double_eq(units(3, 1000, 1), 1); /* more workers than tasks */
    ck_assert_double_eq(units(1, 1, 1), 1);
    b = bound_of("sleep shape=linear", SCHED_GUIDED, 1000, 1, 0, MANY_CPUS);
    ck_assert_double_eq_tol(b.speedup, 1, 1e-9);
}
END_TEST

START_TEST(static_blocks_of_a_ramp)
{
    /* Tasks 0..99 cost 0..99 (×time/49.5): the second of two blocks holds Σ 50..99 = 3725 of 4950.
     */
    struct bound b =
        bound_of("sleep time=49500ns shape=linear", SCHED_STATIC, 100, 2, 0, MANY_CPUS);
    ck_assert_double_eq_tol(b.total_ns, 4950e3, 1e-3);
    ck_assert_double_eq_tol(b.makespan_ns, 3725e3, 1e-3);
    ck_assert_double_eq_tol(b.speedup, 4950.0 / 3725, 1e-9);
    /* Round robin by ones: worker 1 has the odd ones, 2500. */
    b = bound_of("sleep time=49500ns shape=linear", SCHED_STATIC, 100, 2, 1, MANY_CPUS);
    ck_assert_double_eq_tol(b.makespan_ns, 2500e3, 1e-3);
}
END_TEST

START_TEST(one_long_task_first_or_last)
{
    /* A long task at the start is hidden behind the others, at the end it is not. */
    double costs[10] = {9, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct sched dynamic = sched_resolve(SCHED_DYNAMIC, 10, 2, 1);
    struct sched fixed = sched_resolve(SCHED_STATIC, 10, 2, 0);
    ck_assert_double_eq(bound_makespan(costs, &dynamic), 9);
    ck_assert_double_eq(bound_makespan(costs, &fixed), 13);
    costs[0] = 1;
    costs[9] = 9;
    ck_assert_double_eq(bound_makespan(costs, &dynamic), 13);
    struct bound b = bound_of("burn shape=one-long ratio=9", SCHED_DYNAMIC, 10, 2, 1, MANY_CPUS);
    ck_assert_double_eq_tol(b.speedup, 2.0, 1e-6);
}
END_TEST

/* Every rule against the naive simulation, on whole costs, whose sums are exact in any order. */
START_TEST(agrees_with_a_naive_simulation)
{
    struct rng rng;
    rng_seed(&rng, 7);
    double costs[200];
    for (int round = 0; round < 3000; round++) {
        uint64_t n = rng_below(&rng, 200);
        uint64_t most = 1 + rng_below(&rng, 1000);
        for (uint64_t i = 0; i < n; i++)
            costs[i] = (double)rng_below(&rng, most);
        struct sched_spec spec = complete((enum sched_kind)rng_below(&rng, SCHED_WF));
        struct sched sched =
            sched_make(&spec, n, (uint32_t)(1 + rng_below(&rng, 20)), rng_below(&rng, 12));
        double found = bound_makespan(costs, &sched), expected = naive_makespan(costs, &sched);
        ck_assert_msg(found == expected, "%s, %d tasks, %d workers, chunk %d: %g, not %g",
                      spec.rule->name, (int)n, (int)sched.workers, (int)sched.chunk, found,
                      expected);
    }
}
END_TEST

/* The closed form for equal tasks against the naive simulation, at all small sizes. */
START_TEST(equal_tasks_agree_with_a_naive_simulation)
{
    double costs[40];
    for (int i = 0; i < 40; i++)
        costs[i] = 1e9;
    for (enum sched_kind kind = SCHED_STATIC; kind < SCHED_WF; kind++) {
        for (uint64_t n = 0; n < 40; n++) {
            struct work work;
            ck_assert_int_eq(work_open(&work, "sleep time=1s", n, 1, NULL), 0);
            for (uint32_t workers = 1; workers < 12; workers++) {
                for (uint64_t chunk = 0; chunk < 14; chunk++) {
                    struct sched_spec spec = complete(kind);
                    struct sched sched = sched_make(&spec, n, workers, chunk);
                    struct bound b = compute(&work, &sched, 0, MANY_CPUS);
                    double expected = naive_makespan(costs, &sched);
                    ck_assert_msg(b.makespan_ns == expected,
                                  "rule %d, %d tasks, %d workers, chunk %d: %g, not %g", kind,
                                  (int)n, (int)workers, (int)chunk, b.makespan_ns, expected);
                }
            }
            work_close(&work);
        }
    }
}
END_TEST

/* The shapes, through the workload, against the naive simulation. */
START_TEST(shapes_agree_with_a_naive_simulation)
{
    static const char *const shapes[] = {"linear", "random", "one-long", "exponential", "bimodal"};
    enum { N = 333 };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        char spec[80];
        double costs[N];
        struct work work;
        snprintf(spec, sizeof spec, "sleep time=3ms shape=%s", shapes[k]);
        ck_assert_int_eq(work_open(&work, spec, N, 1, NULL), 0);
        for (uint64_t i = 0; i < N; i++) {
            struct workload_cost cost;
            work.def->cost(work.context, i, &cost);
            costs[i] = cost.ideal_ns;
        }
        for (enum sched_kind kind = SCHED_STATIC; kind < SCHED_WF; kind++) {
            for (uint64_t chunk = 0; chunk < 50; chunk += 7) {
                struct sched_spec rule = complete(kind);
                struct sched sched = sched_make(&rule, N, 5, chunk);
                struct bound b = compute(&work, &sched, 0, MANY_CPUS);
                ck_assert_double_eq(b.makespan_ns, naive_makespan(costs, &sched));
                ck_assert(b.exact && b.speedup >= 1 && b.speedup <= 5);
            }
        }
        work_close(&work);
    }
}
END_TEST

START_TEST(usable_cpus_limit_computing_but_not_waiting)
{
    struct bound b = bound_of("burn", SCHED_DYNAMIC, 100, 10, 1, 2);
    ck_assert_double_eq(b.speedup, 2);
    ck_assert(b.cpu_limited);
    ck_assert_double_eq(b.total_ns / b.makespan_ns, 10); /* each worker on a CPU of its own */
    b = bound_of("burn", SCHED_DYNAMIC, 100, 10, 1, 10);
    ck_assert_double_eq(b.speedup, 10);
    ck_assert(!b.cpu_limited);
    b = bound_of("sleep", SCHED_DYNAMIC, 100, 10, 1, 2);
    ck_assert_double_eq(b.speedup, 10);
    ck_assert(!b.cpu_limited);
    b = bound_of("null", SCHED_DYNAMIC, 100, 10, 1, 4);
    ck_assert_double_eq(b.speedup, 4);
    b = bound_of("null", SCHED_DYNAMIC, 100, 10, 1, 16);
    ck_assert_double_eq(b.speedup, 10);
    ck_assert_double_eq(b.total_ns, 0);
    b = bound_of("burn", SCHED_DYNAMIC, 100, 10, 1, 0); /* no fewer than one */
    ck_assert_double_eq(b.speedup, 1);
}
END_TEST

START_TEST(long_lists_of_equal_tasks_take_no_time)
{
    static const char *const specs[] = {"null", "burn", "square", "sleep time=1ms"};
    uint64_t n = UINT64_C(1000000000000);
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        struct work work;
        struct bound_costs costs;
        ck_assert_int_eq(work_open(&work, specs[k], n, 1, NULL), 0);
        bound_costs_ask(&costs, &work);
        ck_assert(costs.even && !costs.sums);
        for (enum sched_kind kind = SCHED_STATIC; kind <= SCHED_TASKS; kind++) {
            struct sched_spec rule = complete(kind);
            struct sched sched = sched_make(&rule, n, 8, 1);
            struct bound b = bound_compute(&costs, &sched, 0, MANY_CPUS);
            ck_assert_int_eq(b.exact, is_known(kind));
            ck_assert_msg(b.speedup > (kind == SCHED_RND ? 4 : 7) && b.speedup <= 8, "%s: %g",
                          sched_rule_of(kind)->name, b.speedup);
        }
        bound_costs_release(&costs);
        work_close(&work);
    }
}
END_TEST

/* A workload that counts how often it is asked, and of whose tasks the first is the longest. */
static uint64_t n_asked;

static void scripted_cost(const void *context, uint64_t index, struct workload_cost *cost)
{
    const uint64_t *n = context;
    n_asked++;
    *cost = (struct workload_cost){.ideal_ns = index == 0 ? (double)*n : 1 + (double)(index % 3)};
}

/* However long a list of unequal tasks is, some millions of costs are asked, once for all rules. */
START_TEST(long_lists_of_unequal_tasks_are_sampled)
{
    static const struct workload scripted = {.cost = scripted_cost};
    uint64_t n = UINT64_C(1) << 40;
    struct work work = {.def = &scripted, .context = &n, .n = n};
    struct bound_costs costs;
    n_asked = 0;
    bound_costs_ask(&costs, &work);
    /* Σ is n for the first and 2n for the rest: no schedule of many workers beats 3. */
    ck_assert_double_eq_tol(costs.total / (double)n, 3, 0.01);
    ck_assert_double_eq(costs.longest, (double)n);
    for (enum sched_kind kind = SCHED_STATIC; kind <= SCHED_TASKS; kind++) {
        for (uint64_t chunk = 0; chunk < 3; chunk++) {
            struct sched_spec rule = complete(kind);
            struct sched sched = sched_make(&rule, n, 8, chunk);
            struct bound b = bound_compute(&costs, &sched, 0, MANY_CPUS);
            ck_assert_msg(!b.exact && b.speedup <= 3.01 && b.speedup >= 1, "%s: %g",
                          sched_rule_of(kind)->name, b.speedup);
        }
    }
    ck_assert_uint_lt(n_asked, 10000000);
    /* Blocks, from sums over parts: of two the first has 2/3 of all. */
    struct sched halves = sched_resolve(SCHED_STATIC, n, 2, 0);
    struct bound b = bound_compute(&costs, &halves, 0, MANY_CPUS);
    ck_assert_double_eq_tol(b.speedup, 1.5, 0.01);
    bound_costs_release(&costs);
}
END_TEST

START_TEST(too_many_chunks_leave_an_upper_bound)
{
    struct bound b =
        bound_of("sleep time=1us shape=linear", SCHED_DYNAMIC, 2100000, 4, 1, MANY_CPUS);
    ck_assert(!b.exact);
    ck_assert_double_eq_tol(b.speedup, 4, 1e-9);
    /* One task is two sevenths of the whole: no schedule beats 3.5. */
    b = bound_of("sleep time=1ms shape=one-long ratio=1e6", SCHED_DYNAMIC, 2500001, 4, 1,
                 MANY_CPUS);
    ck_assert(!b.exact);
    ck_assert_double_eq_tol(b.speedup, 3.5, 1e-5);
    b = bound_of("sleep time=1us shape=linear", SCHED_DYNAMIC, 2100000, 4, 5, MANY_CPUS);
    ck_assert(b.exact);
    b = bound_of("sleep time=1us shape=linear", SCHED_STATIC, 2100000, 4, 1, MANY_CPUS);
    ck_assert(b.exact);
}
END_TEST

/* Where the chunks are not known, a task counts as one: no schedule is faster. */
START_TEST(unknown_chunks_leave_an_upper_bound)
{
    static const enum sched_kind kinds[] = {SCHED_WF,    SCHED_AF,   SCHED_BOLD,
                                            SCHED_STEAL, SCHED_AUTO, SCHED_TASKS};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        /* Ten tasks, the first of which is half of the whole. */
        struct bound b = bound_of("sleep shape=one-long ratio=9", kinds[k], 10, 4, 1, MANY_CPUS);
        ck_assert(!b.exact);
        ck_assert_double_eq_tol(b.speedup, 2, 1e-6);
        b = bound_of("sleep time=1s", kinds[k], 10, 4, 3, MANY_CPUS);
        ck_assert(!b.exact);
        ck_assert_double_eq(b.total_ns, 10e9);
        ck_assert_double_eq(b.makespan_ns, 3e9);
        b = bound_of("sleep time=1s", kinds[k], 3, 4, 1, MANY_CPUS);
        ck_assert_double_eq(b.makespan_ns, 1e9); /* the longest task */
        b = bound_of("burn", kinds[k], 100, 10, 1, 2);
        ck_assert(b.cpu_limited);
        ck_assert_double_eq(b.speedup, 2);
        /* One worker runs all, however they are cut. */
        b = bound_of("sleep time=1s shape=linear", kinds[k], 10, 1, 3, MANY_CPUS);
        ck_assert(b.exact);
        ck_assert_double_eq_tol(b.speedup, 1, 1e-9);
        ck_assert(bound_of("sleep", kinds[k], 0, 4, 1, MANY_CPUS).exact);
    }
    /* Sizes that hang on times which the cell will measure. */
    double costs[4] = {5, 1, 1, 1};
    struct sched fac = sched_resolve(SCHED_FAC, 4, 2, 0);
    ck_assert_double_eq(bound_makespan(costs, &fac), 5);
    struct sched_spec spec = complete(SCHED_FAC);
    spec.params.sd = 0;
    fac = sched_make(&spec, 4, 2, 0);
    ck_assert_double_eq(bound_makespan(costs, &fac), 6);
}
END_TEST

/* What is certain of chunks that are not known, in tasks of 1 s. */
START_TEST(unknown_chunks_of_equal_tasks)
{
    static const struct {
        enum sched_kind kind;
        uint64_t n, workers, chunk, makespan;
    } cases[] = {
        {SCHED_STEAL, 12, 10, 1, 2},   {SCHED_AF, 12, 10, 0, 2},
        {SCHED_TASKS, 20, 12, 1, 2},   {SCHED_TASKLOOP, 12, 10, 0, 2}, /* any grain size */
        {SCHED_AWF_C, 10, 4, 100, 10},                                 /* one chunk is certain */
        {SCHED_TASKS, 10, 4, 100, 10}, {SCHED_BOLD, 10, 4, 6, 6},      /* 6 and 4 */
        {SCHED_WF, 10, 4, 3, 3},       {SCHED_STEAL, 10, 4, 10, 3},    /* blocks of 3, 3, 2, 2 */
        {SCHED_AF, 200, 8, 7, 25},    /* 8 chunks of 25 keep to the least of 7, */
        {SCHED_TASKS, 200, 8, 7, 28}, /* but tasks have 7 each */
        {SCHED_TASKS, 17, 2, 8, 9},   /* 8, 8 and a short one */
        {SCHED_AF, 5, 8, 1, 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct bound b = bound_of("sleep time=1s", cases[k].kind, cases[k].n,
                                  (uint32_t)cases[k].workers, cases[k].chunk, MANY_CPUS);
        ck_assert_msg(b.makespan_ns == (double)cases[k].makespan * 1e9, "case %zu: %g s", k,
                      b.makespan_ns / 1e9);
    }
    /* One chunk of unlike tasks. */
    struct bound b = bound_of("sleep shape=linear", SCHED_AF, 10, 4, 100, MANY_CPUS);
    ck_assert(b.exact);
    ck_assert_double_eq(b.speedup, 1);
}
END_TEST

/* The least makespan of all ways to give whole tasks to workers. */
static double best_makespan(const double *costs, size_t n, double *busy, size_t workers)
{
    double best = INFINITY;
    if (n == 0) {
        best = 0;
        for (size_t w = 0; w < workers; w++)
            best = fmax(best, busy[w]);
        return best;
    }
    for (size_t w = 0; w < workers; w++) {
        busy[w] += costs[n - 1];
        best = fmin(best, best_makespan(costs, n - 1, busy, workers));
        busy[w] -= costs[n - 1];
    }
    return best;
}

/* No way to share out the tasks beats the bound, and no less is claimed than each part of it. */
START_TEST(unknown_chunks_against_all_assignments)
{
    struct rng rng;
    rng_seed(&rng, 11);
    for (int round = 0; round < 300; round++) {
        double costs[8], busy[4] = {0}, total = 0, longest = 0;
        uint64_t n = 1 + rng_below(&rng, 7), workers = 2 + rng_below(&rng, 2);
        for (uint64_t i = 0; i < n; i++) {
            costs[i] = 1 + (double)rng_below(&rng, 20);
            total += costs[i];
            longest = fmax(longest, costs[i]);
        }
        struct sched sched = sched_resolve(SCHED_STEAL, n, (uint32_t)workers, 0);
        double bound = bound_makespan(costs, &sched);
        ck_assert_double_le(bound, best_makespan(costs, n, busy, workers));
        ck_assert_double_ge(bound, fmax(longest, total / (double)workers));
    }
    /* Of five tasks on two workers somebody gets three: 3 + 3 + 3, where a half is 8. */
    double costs[5] = {3, 4, 3, 3, 3};
    struct sched sched = sched_resolve(SCHED_STEAL, 5, 2, 0);
    ck_assert_double_eq(bound_makespan(costs, &sched), 9);
}
END_TEST

/* Rules that cut a long list into single tasks are not walked to the end. */
START_TEST(endless_walks_are_cut_short)
{
    struct sched_spec spec = complete(SCHED_TAP);
    spec.params.sd = 1e15;
    struct work work;
    uint64_t n = UINT64_C(1000000000000);
    ck_assert_int_eq(work_open(&work, "sleep time=1ms", n, 1, NULL), 0);
    struct sched sched = sched_make(&spec, n, 8, 0);
    struct bound b = compute(&work, &sched, 0, MANY_CPUS);
    work_close(&work);
    ck_assert(!b.exact);
    ck_assert_double_eq(b.total_ns, 1e18);
    ck_assert_double_eq(b.speedup, 8);
}
END_TEST

/* 4 workers of which some only grant: the chunks are those of 4, run by the others. */
START_TEST(idle_workers_compute_nothing)
{
    static const double halving_ns[] = {3e6, 4e6, 6e6, 12e6};
    struct work work;
    ck_assert_int_eq(work_open(&work, "sleep time=1ms", 12, 1, NULL), 0);
    for (uint32_t idle = 0; idle < 4; idle++) {
        struct sched ones = sched_resolve(SCHED_DYNAMIC, 12, 4, 1);
        struct bound b = compute(&work, &ones, idle, MANY_CPUS);
        ck_assert_double_eq(b.speedup, 4 - idle);
        ck_assert_double_eq(b.total_ns, 12e6);
        struct sched fours = sched_resolve(SCHED_DYNAMIC, 12, 4, 4);
        b = compute(&work, &fours, idle, MANY_CPUS);
        ck_assert_double_eq(b.speedup, idle == 3 ? 1 : idle == 2 ? 1.5 : 3);
        /* Of 4: 2, 2, 2, 2, 1, 1, 1, 1. Of 2 the first would be 3. */
        struct sched halves = sched_resolve(SCHED_FAC2, 12, 4, 1);
        b = compute(&work, &halves, idle, MANY_CPUS);
        ck_assert_double_eq(b.makespan_ns, halving_ns[idle]);
        struct sched unknown = sched_resolve(SCHED_STEAL, 12, 4, 0);
        b = compute(&work, &unknown, idle, MANY_CPUS);
        ck_assert_double_eq(b.speedup, 4 - idle);
        ck_assert(b.exact == (idle == 3));
    }
    work_close(&work);
}
END_TEST

UNIT_MAIN("bound", five_tasks_on_two_workers, twelve_tasks_in_three_chunks_keep_three_workers_busy,
          the_article_s_other_lists, awkward_sizes, static_blocks_of_a_ramp,
          one_long_task_first_or_last, agrees_with_a_naive_simulation,
          equal_tasks_agree_with_a_naive_simulation, shapes_agree_with_a_naive_simulation,
          usable_cpus_limit_computing_but_not_waiting, long_lists_of_equal_tasks_take_no_time,
          long_lists_of_unequal_tasks_are_sampled, too_many_chunks_leave_an_upper_bound,
          unknown_chunks_leave_an_upper_bound, unknown_chunks_of_equal_tasks,
          unknown_chunks_against_all_assignments, endless_walks_are_cut_short,
          idle_workers_compute_nothing)
