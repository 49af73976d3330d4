/* Comparing two runs: operands, which points are matched, what is told of them, and how often it is
 * told wrongly; and what two runs differ in. No files. */
#include "unit.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "report/compare.h"
#include "report/factors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct err err;

/* --- making runs --------------------------------------------------------------------------------
 */

static struct point plain(const char *backend, uint64_t workers)
{
    struct point p = {.experiment = "e",
                      .workload = "burn iterations=10",
                      .scale = 1,
                      .tasks = 64,
                      .schedule = "dynamic",
                      .dispatch = "ticket",
                      .chunk = 1,
                      .chunk_auto = 1,
                      .workers = workers,
                      .ranks = 1,
                      .threads = 1,
                      .bind = "none"};
    text_copy(p.backend, sizeof p.backend, backend);
    if (strcmp(backend, "seq") == 0) {
        strcpy(p.schedule, "none");
        strcpy(p.dispatch, "none");
        p.chunk = 64;
    }
    if (strcmp(backend, "openmp") == 0) {
        strcpy(p.dispatch, "native");
        p.threads = workers;
    }
    return p;
}

static struct summary_point *add_point(struct summary *s, struct point point)
{
    s->points = alloc_room(s->points, s->n, &s->capacity, sizeof *s->points);
    s->points[s->n] = (struct summary_point){.point = point, .sorted = true};
    return &s->points[s->n++];
}

static void add_time(struct summary_point *p, uint32_t launch, uint32_t pass, double ns)
{
    p->observations = alloc_room(p->observations, p->n, &p->capacity, sizeof *p->observations);
    p->observations[p->n++] = (struct observation){.launch = launch, .pass = pass, .ns = ns};
}

/* launches x passes samples of about `ns`: spread evenly over +-1 %. */
static void add_times(struct summary_point *p, uint32_t launches, uint32_t passes, double ns)
{
    for (uint32_t l = 0; l < launches; l++)
        for (uint32_t k = 0; k < passes; k++)
            add_time(p, l, k, ns * (0.99 + 0.02 * ((l * 7 + k * 3) % 10) / 9));
}

/* A normal deviate, from two uniform ones (Box & Muller). */
static double normal(struct rng *rng)
{
    double u = ((double)(rng_next(rng) >> 11) + 1) * 0x1p-53,
           v = (double)(rng_next(rng) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static struct comparison comparison;
static struct part part_a, part_b;

/* Compares the parts that the operands name; all is in the variables above. */
static int compare(const char *a, const struct summary *of_a, const char *b,
                   const struct summary *of_b)
{
    *err.text = '\0';
    if (part_parse(&part_a, a, false, &err) != 0 || part_parse(&part_b, b, false, &err) != 0)
        return -1;
    if (part_choose(&part_a, of_a, &err) != 0 || part_choose(&part_b, of_b, &err) != 0)
        return -1;
    return comparison_make(&comparison, &part_a, &part_b, of_a == of_b, &err);
}

static void release(void)
{
    comparison_release(&comparison);
    part_release(&part_a);
    part_release(&part_b);
}

static bool passes;

/* What is told of passing, and whether it does. */
static const char *told(double percent)
{
    static char text[2048];
    FILE *to = fmemopen(text, sizeof text, "w");
    *text = '\0';
    passes = comparison_passes(&comparison, percent, to);
    fclose(to);
    return text;
}

static void assert_refused(int status, const char *words)
{
    ck_assert_int_eq(status, -1);
    ck_assert_msg(strstr(err.text, words) != NULL, "'%s' is not in: %s", words, err.text);
    part_release(&part_a);
    part_release(&part_b);
}

/* --- operands ----------------------------------------------------------------------------------
 */

START_TEST(operands_are_taken_apart)
{
    struct part p;
    ck_assert_int_eq(part_parse(&p, "results/x", false, &err), 0);
    ck_assert_str_eq(p.run, "results/x");
    ck_assert_uint_eq(p.n_filters, 0);
    ck_assert_int_eq(part_parse(&p, "x:backend=openmp:gomp,bind=0,2,workers=4", false, &err), 0);
    ck_assert_str_eq(p.run, "x");
    ck_assert_uint_eq(p.n_filters, 3);
    ck_assert_str_eq(p.filters[0].value, "openmp:gomp");
    ck_assert_str_eq(p.filters[1].value, "0,2");
    ck_assert_str_eq(p.filters[2].value, "4");
    ck_assert_int_eq(part_parse(&p, "a:b/c:schedule=fsc h=200ns", false, &err), 0);
    ck_assert_str_eq(p.run, "a:b/c");
    ck_assert_str_eq(p.filters[0].value, "fsc h=200ns");
    ck_assert_int_eq(part_parse(&p, "a:b=c", true, &err), 0); /* a folder of that name is there */
    ck_assert_str_eq(p.run, "a:b=c");
    ck_assert_int_eq(part_parse(&p, "x:chunk=", false, &err), 0); /* what no point has */
    static const char *const bad[][2] = {{":backend=seq", "a run is needed"},
                                         {"", "a run is needed"},
                                         {"x:colour=red", "unknown field 'colour'"},
                                         {"x:works=1", "did you mean 'workers'?"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(part_parse(&p, bad[i][0], false, &err), -1);
        ck_assert_msg(strstr(err.text, bad[i][1]) != NULL, "%s", err.text);
    }
    char text[600];
    memset(text, 'x', sizeof text);
    memcpy(text, "x:bind=", 7);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(part_parse(&p, text, false, &err), -1);
}
END_TEST

START_TEST(parts_hold_what_was_asked_for)
{
    struct summary s = {0};
    struct part p;
    struct point fsc = plain("procpool", 2);
    strcpy(fsc.schedule, "fsc h=200ns");
    add_times(add_point(&s, plain("procpool", 1)), 1, 6, 1e6);
    add_times(add_point(&s, plain("procpool", 2)), 1, 6, 1e6);
    add_times(add_point(&s, plain("openmp", 2)), 1, 6, 1e6);
    add_times(add_point(&s, fsc), 1, 6, 1e6);
    static const struct {
        const char *operand;
        int chosen; /* bits; -1: refused */
    } cases[] = {{"x", 15},
                 {"x:backend=procpool", 11},
                 {"x:backend=procpool,workers=2", 10},
                 {"x:schedule=fsc h=200ns", 8},
                 {"x:schedule=fsc", 8},
                 {"x:workload=burn", 15},
                 {"x:workload=burn iterations", -1},
                 {"x:fresh=no", 15},
                 {"x:fresh=0,scale=1.0", 15},
                 {"x:fresh=yes", -1},
                 {"x:workers=3", -1},
                 {"x:workers=two", -1},
                 {"x:backend=proc", -1},
                 {"x:backend=openmp,workers=1", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int chosen = 0;
        ck_assert_int_eq(part_parse(&p, cases[i].operand, false, &err), 0);
        if (part_choose(&p, &s, &err) != 0)
            chosen = -1;
        for (size_t k = 0; k < s.n && chosen >= 0; k++)
            chosen |= p.chosen[k] << k;
        ck_assert_msg(chosen == cases[i].chosen, "%s: %d: %s", cases[i].operand, chosen, err.text);
        part_release(&p);
    }
    summary_release(&s);
}
END_TEST

/* --- matching ----------------------------------------------------------------------------------
 */

START_TEST(points_of_two_runs_are_matched_by_their_factors)
{
    struct summary a = {0}, b = {0};
    add_times(add_point(&a, plain("seq", 1)), 3, 5, 4e6);
    add_times(add_point(&a, plain("procpool", 2)), 3, 5, 2e6);
    add_times(add_point(&a, plain("procpool", 4)), 3, 5, 1e6);
    add_times(add_point(&b, plain("procpool", 2)), 3, 5, 3e6);
    add_times(add_point(&b, plain("openmp", 2)), 3, 5, 1e6);
    add_times(add_point(&b, plain("seq", 1)), 3, 5, 4e6);
    ck_assert_msg(compare("a", &a, "b", &b) == 0, "%s", err.text);
    ck_assert_uint_eq(comparison.matching.n, 2);
    ck_assert_str_eq(comparison.items[0].match.a->point.backend, "seq"); /* bases first */
    ck_assert_ptr_eq(comparison.items[1].match.b, &b.points[0]);
    ck_assert_uint_eq(comparison.matching.n_only_a, 1);
    ck_assert_uint_eq(comparison.matching.n_only_b, 1);
    ck_assert_int_eq(comparison.items[0].verdict, VERDICT_SAME);
    ck_assert_int_eq(comparison.items[1].verdict, VERDICT_SLOWER);
    ck_assert(fabs(comparison.items[1].row.ratio - 1.5) < 1e-6);
    ck_assert_uint_eq(comparison.n_paired, 0);
    ck_assert(fabs(comparison.confidence - 0.975) < 1e-12);
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

START_TEST(parts_of_one_run_are_paired)
{
    struct summary s = {0};
    struct summary_point *p = add_point(&s, plain("procpool", 2));
    for (uint32_t i = 0; i < 12; i++)
        add_time(p, i / 4, i % 4, 1e6 * (1 + i)); /* drifts by far more than the effect */
    p = add_point(&s, plain("openmp", 2));
    for (uint32_t i = 0; i < 12; i++)
        if (i != 5) /* one has no partner */
            add_time(p, i / 4, i % 4, 1.02e6 * (1 + i));
    ck_assert_msg(compare("s:backend=procpool", &s, "s:backend=openmp", &s) == 0, "%s", err.text);
    ck_assert_uint_eq(comparison.matching.n, 1);
    ck_assert_uint_eq(comparison.items[0].row.pairs, 11);
    ck_assert(fabs(comparison.items[0].row.ratio - 1.02) < 1e-9);
    ck_assert_int_eq(comparison.items[0].verdict, VERDICT_SLOWER);
    ck_assert_str_eq(comparison.items[0].row.other, "backend=openmp, dispatch=native, threads=2");
    const struct compared *worst;
    ck_assert_uint_eq(comparison_exceeding(&comparison, 1, &worst), 1);
    ck_assert_ptr_eq(worst, &comparison.items[0]);
    ck_assert_uint_eq(comparison_exceeding(&comparison, 2.5, &worst), 0);
    release();
    /* In two runs that are alike to these nothing can be told. */
    struct summary other = {0};
    p = add_point(&other, plain("procpool", 2));
    for (uint32_t i = 0; i < 12; i++)
        add_time(p, i / 4, i % 4, 1.02e6 * (1 + i));
    ck_assert_int_eq(compare("s:backend=procpool", &s, "o", &other), 0);
    ck_assert_uint_eq(comparison.items[0].row.pairs, 0);
    ck_assert_int_eq(comparison.items[0].verdict, VERDICT_SAME);
    release();
    summary_release(&other);
    summary_release(&s);
}
END_TEST

START_TEST(what_is_ambiguous_or_has_nothing_in_common_is_refused)
{
    struct summary s = {0}, other = {0};
    struct point adaptive = plain("procpool", 2), elsewhere = plain("procpool", 2);
    strcpy(adaptive.schedule, "guided");
    add_times(add_point(&s, plain("seq", 1)), 3, 5, 4e6);
    add_times(add_point(&s, plain("procpool", 2)), 3, 5, 2e6);
    add_times(add_point(&s, adaptive), 3, 5, 2e6);
    add_times(add_point(&s, plain("openmp", 2)), 3, 5, 2e6);
    assert_refused(compare("s:backend=seq", &s, "s:backend=procpool", &s),
                   "as s:backend=procpool,schedule=dynamic");
    assert_refused(compare("s:backend=openmp", &s, "s:backend=openmp", &s), "with itself");
    assert_refused(compare("s", &s, "s:workers=2", &s), "with itself");
    elsewhere.tasks = 65;
    strcpy(elsewhere.bind, "close");
    add_times(add_point(&other, elsewhere), 3, 5, 2e6);
    assert_refused(compare("s", &s, "o", &other),
                   "differ in tasks (64 and 65), bind (none and close); to compare across: "
                   "s:tasks=64,bind=none o:tasks=65,bind=close");
    assert_refused(compare("s:tasks=64", &s, "o:tasks=65", &other), "bind (none and close)");
    /* The base has neither rule nor chunks: one point fits. */
    ck_assert_msg(compare("s:backend=seq", &s, "s:backend=openmp", &s) == 0, "%s", err.text);
    ck_assert_uint_eq(comparison.matching.n, 1);
    release();
    summary_release(&other);
    summary_release(&s);
}
END_TEST

START_TEST(of_several_that_fit_the_nearest_is_taken)
{
    struct summary s = {0};
    struct point ticket = plain("openmp", 2);
    strcpy(ticket.dispatch, "ticket");
    add_times(add_point(&s, plain("procpool", 2)), 3, 5, 2e6);
    add_times(add_point(&s, plain("openmp", 2)), 3, 5, 2e6);
    add_times(add_point(&s, ticket), 3, 5, 2e6);
    ck_assert_msg(compare("s:backend=procpool", &s, "s:backend=openmp", &s) == 0, "%s", err.text);
    ck_assert_ptr_eq(comparison.items[0].match.b, &s.points[2]);
    ck_assert_uint_eq(comparison.matching.n_only_b, 1);
    release();
    summary_release(&s);
}
END_TEST

START_TEST(lone_experiments_stand_for_one_another)
{
    struct summary a = {0}, b = {0};
    struct point x = plain("procpool", 2), y = x, z = x;
    strcpy(x.experiment, "old");
    strcpy(y.experiment, "new");
    strcpy(z.experiment, "third");
    add_times(add_point(&a, plain("procpool", 2)), 3, 5, 2e6);
    add_times(add_point(&a, x), 3, 5, 2e6);
    add_times(add_point(&b, plain("procpool", 2)), 3, 5, 2e6);
    add_times(add_point(&b, y), 3, 5, 2e6);
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_uint_eq(comparison.matching.n, 2);
    ck_assert_str_eq(comparison.matching.experiment_a, "old");
    ck_assert_str_eq(comparison.matching.experiment_b, "new");
    release();
    /* Of two it is not known which. */
    add_times(add_point(&b, z), 3, 5, 2e6);
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_uint_eq(comparison.matching.n, 1);
    ck_assert_ptr_null(comparison.matching.experiment_a);
    ck_assert_uint_eq(comparison.matching.n_only_a, 1);
    ck_assert_uint_eq(comparison.matching.n_only_b, 2);
    release();
    ck_assert_int_eq(compare("a:experiment=old", &a, "b:experiment=third", &b), 0);
    ck_assert_uint_eq(comparison.matching.n, 1);
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* A list of each number of tasks, its base and points of two backends; `step` -1: the other way
 * round. */
static void add_grid(struct summary *s, int step)
{
    enum { LISTS = 8, BACKENDS = 2, CHUNKS = 3, WORKERS = 4, N = BACKENDS * CHUNKS * WORKERS + 1 };
    for (int i = 0; i < LISTS * N; i++) {
        uint64_t k = (uint64_t)(step > 0 ? i : LISTS * N - 1 - i);
        struct point p = plain(k % N % BACKENDS ? "procpool" : "openmp", 1 + k % N / 2 % WORKERS);
        if (k % N == N - 1)
            p = plain("seq", 1);
        else
            p.chunk = 1 + k % N / BACKENDS / WORKERS;
        p.chunk_auto = 0;
        p.tasks = 100 + k / N;
        add_times(add_point(s, p), 2, 3, 1e6);
    }
}

/* Each finds its own, as if it were held against all. */
START_TEST(counterparts_are_found_among_many)
{
    static const struct {
        const char *a, *b;
        size_t n, only_b;
        unsigned differ;
    } cases[] = {{"a", "b", 200, 0, 0},
                 {"a:backend=procpool", "b:backend=openmp", 96, 0, FACTOR_BACKEND},
                 {"a:backend=seq", "b:backend=openmp,chunk=2,workers=3", 8, 0,
                  FACTOR_BACKEND | FACTOR_SCHEDULE | FACTOR_CHUNK | FACTOR_WORKERS},
                 {"a:backend=openmp,chunk=2,workers=3", "b:backend=seq", 8, 0,
                  FACTOR_BACKEND | FACTOR_SCHEDULE | FACTOR_CHUNK | FACTOR_WORKERS},
                 {"a:chunk=1,backend=openmp", "b:chunk=3,backend=openmp", 32, 0, FACTOR_CHUNK},
                 {"a:tasks=101", "b:tasks=107", 25, 0, FACTOR_TASKS},
                 {"a:workers=4,backend=openmp", "b:backend=openmp", 24, 72, FACTOR_WORKERS}};
    struct summary a = {0}, b = {0};
    add_grid(&a, 1);
    add_grid(&b, -1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(compare(cases[i].a, &a, cases[i].b, &b) == 0, "%s", err.text);
        ck_assert_uint_eq(comparison.matching.n, cases[i].n);
        ck_assert_uint_eq(comparison.matching.n_only_a, 0);
        ck_assert_uint_eq(comparison.matching.n_only_b, cases[i].only_b);
        for (size_t k = 0; k < cases[i].n; k++) {
            const struct match *m = &comparison.matching.items[k];
            ck_assert_uint_eq(factors_between(&m->a->point, &m->b->point) & ~cases[i].differ, 0);
        }
        release();
    }
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* --- verdicts ----------------------------------------------------------------------------------
 */

START_TEST(too_few_samples_are_told)
{
    struct summary a = {0}, b = {0};
    for (uint64_t w = 1; w <= 10; w++) {
        add_times(add_point(&a, plain("procpool", w)), 1, 8, 2e6);
        add_times(add_point(&b, plain("procpool", w)), 1, w == 10 ? 0 : 12, 3e6);
    }
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_uint_eq(comparison.n_tested, 9); /* one was not measured */
    ck_assert_int_eq(comparison.items[9].verdict, VERDICT_NOT_MEASURED);
    const struct compare_row *row = &comparison.items[0].row;
    ck_assert_str_eq(row->verdict, "too few samples");
    ck_assert(isnan(row->ratio_low));
    ck_assert(fabs(row->ratio - 1.5) < 0.02);
    ck_assert_uint_eq(row->have, 8);
    ck_assert_uint_eq(row->needed, 9); /* 2/2^9 <= 0.05/9 < 2/2^8 */
    ck_assert_str_eq(row->unit, "samples");
    const struct compared *worst;
    ck_assert_uint_eq(comparison_exceeding(&comparison, 5, &worst), 0);
    ck_assert_ptr_null(worst);
    release();
    /* A time of 0 has no ratio. */
    a.points[0].observations[3].ns = 0;
    ck_assert_int_eq(compare("a:workers=1", &a, "b:workers=1", &b), 0);
    ck_assert_int_eq(comparison.items[0].verdict, VERDICT_NO_RATIO);
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* Launches may differ, and one does not tell: nothing is claimed beyond it, and nothing fails. */
START_TEST(one_launch_is_told_as_one)
{
    struct summary a = {0}, b = {0};
    add_times(add_point(&a, plain("procpool", 2)), 3, 10, 2e6);
    add_times(add_point(&b, plain("procpool", 2)), 1, 30, 3e6);
    add_times(add_point(&b, plain("openmp", 2)), 1, 30, 2e6);
    const struct compared *worst;
    static const struct {
        const char *a, *b;
        enum verdict verdict;
    } cases[] = {{"a", "b:backend=procpool", VERDICT_SLOWER_HERE},
                 {"b:backend=procpool", "a", VERDICT_FASTER_HERE},
                 {"b:backend=openmp", "b:backend=procpool", VERDICT_SLOWER_HERE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(compare(cases[i].a, *cases[i].a == 'a' ? &a : &b, cases[i].b,
                                 *cases[i].b == 'a' ? &a : &b),
                         0);
        ck_assert_int_eq(comparison.items[0].verdict, cases[i].verdict);
        ck_assert_uint_eq(comparison.items[0].row.launches, 1);
        ck_assert_uint_eq(comparison.n_alone, 1);
        ck_assert_uint_eq(comparison.items[0].row.pairs, i == 2 ? 30 : 0);
        ck_assert_uint_eq(comparison_exceeding(&comparison, 0, &worst), 0);
        ck_assert_str_eq(told(0), "poolmark: of 1 point nothing can be told beyond one launch, "
                                  "which never fails: measure with --launches 2 or more\n");
        ck_assert(passes);
        release();
    }
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* What cannot be judged does not pass. */
START_TEST(what_cannot_be_judged_is_told_and_does_not_pass)
{
    struct summary a = {0}, b = {0};
    for (uint64_t w = 1; w <= 5; w++) {
        add_times(add_point(&a, plain("procpool", w)), 6, 3, 2e6);
        if (w < 5)
            add_times(add_point(&b, plain("procpool", w)), 6, w == 2 ? 0 : 3, 2e6);
    }
    ck_assert_int_eq(compare("a:workers=1", &a, "b:workers=1", &b), 0);
    ck_assert_str_eq(told(5), "");
    ck_assert(passes);
    release();
    b.points[0].n_failed = 2; /* one of them was taken again, and right */
    b.points[0].n_retaken = 1;
    b.points[2].observations[4].ns = 0;
    a.points[3].n = 0;
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_str_eq(
        told(5), "poolmark: failed in B: 1 point: e: procpool, 1 worker\n"
                 "poolmark: not measured in B: 1 point: e: procpool, 2 workers\n"
                 "poolmark: not measured in A: 1 point: e: procpool, 4 workers\n"
                 "poolmark: a time is 0, so there is no ratio: 1 point: e: procpool, 3 workers\n"
                 "poolmark: missing in B: 1 point: e: procpool, 5 workers\n");
    ck_assert(!passes);
    release();
    b.points[0].n_retaken = 2;
    ck_assert_int_eq(compare("a:workers=1", &a, "b:workers=1", &b), 0);
    ck_assert_str_eq(told(5), "");
    ck_assert(passes);
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

START_TEST(a_clock_that_differs_as_much_is_told)
{
    struct summary a = {0}, b = {0};
    add_times(add_point(&a, plain("procpool", 2)), 3, 5, 2.0e6);
    add_times(add_point(&b, plain("procpool", 2)), 3, 5, 2.2e6);
    a.points[0].n_chain = b.points[0].n_chain = 15;
    a.points[0].chain_ps_sum = 15 * 1000;
    static const struct {
        uint64_t chain;
        bool is_told;
    } cases[] = {{1000, false}, {1050, false}, {1101, true}, {1300, true}, {800, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.points[0].chain_ps_sum = 15 * cases[i].chain;
        ck_assert_int_eq(compare("a", &a, "b", &b), 0);
        ck_assert_int_eq(comparison.items[0].verdict, VERDICT_SLOWER);
        ck_assert_int_eq(strstr(comparison.items[0].row.flags, "clock") != NULL, cases[i].is_told);
        release();
    }
    /* A version that times the chain otherwise says nothing of the clock. */
    b.points[0].chain_ps_sum = 15 * 1300;
    b.points[0].n_chain_end = 15;
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_str_eq(comparison.items[0].row.flags, "");
    ck_assert(isnan(comparison.items[0].row.chain_ratio));
    release();
    a.points[0].n_chain_end = 15;
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    ck_assert_str_eq(comparison.items[0].row.flags, "clock");
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* What a simulated study is like; spreads are of the logarithms. */
struct study {
    bool paired;
    double effect;   /* B's times are A's times this */
    double launches; /* spread between launches, beside 0.05 within them */
};

/* Makes `tables` tables of 10 points, 3 launches of 5 samples; how many tables, and how many
 * points, have a verdict that is not "no difference shown". */
static void simulate(const struct study *study, size_t tables, uint64_t seed, size_t *told_tables,
                     size_t *told_points)
{
    enum { POINTS = 10, LAUNCHES = 3, PASSES = 5 };
    struct rng rng;
    rng_seed(&rng, seed);
    *told_tables = *told_points = 0;
    for (size_t t = 0; t < tables; t++) {
        struct summary a = {0}, b = {0}, *of_b = study->paired ? &a : &b;
        for (size_t i = 0; i < POINTS; i++)
            add_point(&a, plain("procpool", i + 1));
        for (size_t i = 0; i < POINTS; i++)
            add_point(of_b, plain("openmp", i + 1));
        for (size_t i = 0; i < POINTS; i++)
            for (uint32_t l = 0; l < LAUNCHES; l++) {
                double of_launch_a = exp(study->launches * normal(&rng)),
                       of_launch_b = exp(study->launches * normal(&rng)) * study->effect;
                for (uint32_t k = 0; k < PASSES; k++) {
                    /* What both share in a pass counts in neither when they are paired. */
                    double ns = study->paired ? 1e6 * exp(0.2 * normal(&rng)) : 1e6;
                    add_time(&a.points[i], l, k, ns * of_launch_a * exp(0.05 * normal(&rng)));
                    add_time(&of_b->points[study->paired ? POINTS + i : i], l, k,
                             ns * of_launch_b * exp(0.05 * normal(&rng)));
                }
            }
        ck_assert_msg(compare("a:backend=procpool", &a, "b:backend=openmp", of_b) == 0, "%s",
                      err.text);
        ck_assert_uint_eq(comparison.n_paired, study->paired ? POINTS : 0);
        size_t told = comparison.n_verdicts[VERDICT_FASTER] + comparison.n_verdicts[VERDICT_SLOWER];
        ck_assert_uint_eq(told + comparison.n_verdicts[VERDICT_SAME], POINTS);
        *told_points += told;
        *told_tables += told > 0;
        release();
        summary_release(&a);
        summary_release(&b);
    }
}

#if defined __SANITIZE_ADDRESS__
enum { TABLES = 60, MOST_FALSE = 10 }; /* 10 or more of 60 by chance: 2 in 1,000 at 5 % */
#else
enum { TABLES = 400, MOST_FALSE = 36 }; /* 36 or more of 400: 5 in 10,000 at 5 % */
#endif

static const struct study alike[] = {
    {false, 1, 0},
    {true, 1, 0},
    /* Launches that differ as much as samples do, and are few: what a point alone overlooks. */
    {false, 1, 0.05},
    {true, 1, 0.05},
};

START_TEST(tables_of_runs_that_are_alike_show_no_difference)
{
    size_t tables, points;
    simulate(&alike[_i], TABLES, 100 + (uint64_t)_i, &tables, &points);
    ck_assert_msg(tables < MOST_FALSE, "%zu of %d", tables, TABLES);
}
END_TEST

static const struct study different[] = {
    {false, 1.2, 0}, {true, 1.2, 0}, {false, 1 / 1.2, 0}, {true, 1 / 1.2, 0}};

START_TEST(differences_that_are_there_are_shown)
{
    size_t tables, points;
    simulate(&different[_i], TABLES / 10, 200 + (uint64_t)_i, &tables, &points);
    ck_assert_uint_gt(points, (size_t)TABLES * 75 / 100); /* of so many */
}
END_TEST

START_TEST(the_text_tells_what_it_has_no_room_for)
{
    struct summary a = {0}, b = {0};
    char *text = NULL;
    size_t size;
    for (uint64_t w = 1; w <= 2; w++) {
        add_times(add_point(&a, plain("procpool", w)), 2, 10, 2e6);
        add_times(add_point(&b, plain("procpool", w)), 2, 10, 3e6);
    }
    ck_assert_int_eq(compare("a", &a, "b", &b), 0);
    static const struct {
        int columns;
        const char *hidden; /* NULL: nothing */
    } cases[] = {
        {100, NULL}, {44, "\nnot shown: n, time B ("}, {30, "\nnot shown: n, time A, time B ("}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *to = open_memstream(&text, &size);
        comparison_write_text(&comparison, NULL, to, cases[i].columns, false);
        fclose(to);
        const char *hidden = strstr(text, "not shown");
        ck_assert_msg((hidden == NULL) == (cases[i].hidden == NULL), "%s", text);
        ck_assert_msg(!cases[i].hidden || strstr(text, cases[i].hidden), "%s", text);
        free(text);
    }
    release();
    summary_release(&a);
    summary_release(&b);
}
END_TEST

/* --- what differs ------------------------------------------------------------------------------
 */

/* "group name: a | b", sorted as they are, one after the other. */
static char *tell(struct differences *d)
{
    static char all[4096];
    size_t used = 0;
    *all = '\0';
    differences_sort(d);
    for (size_t i = 0; i < d->n; i++)
        used += (size_t)snprintf(
            all + used, sizeof all - used, "%s %s: %s | %s\n", d->items[i].group, d->items[i].name,
            d->items[i].a ? d->items[i].a : "-", d->items[i].b ? d->items[i].b : "-");
    differences_release(d);
    return all;
}

START_TEST(manifests_are_compared_key_by_key)
{
    struct differences d = {0};
    json_t *a = json_loads("{\"schema\":1,\"written\":\"now\",\"seed\":1,\"cflags\":\"-O2\","
                           "\"machine\":{\"cpu\":\"x\",\"pus\":2,\"memory_gib\":23.54057},"
                           "\"environment\":{\"OMP_A\":\"1\"},\"timing\":{\"cost_ns\":30},"
                           "\"news\":{\"list\":[1,2],\"deep\":{\"er\":true}},\"result\":null}",
                           0, NULL),
           *b = json_loads("{\"schema\":1,\"written\":\"then\",\"seed\":2,\"cflags\":\"-O3\","
                           "\"machine\":{\"cpu\":\"x\",\"pus\":4,\"memory_gib\":23.54061},"
                           "\"environment\":{\"OMP_B\":\"\"},\"timing\":{\"cost_ns\":31},"
                           "\"news\":{\"list\":[1,3],\"deep\":{\"er\":null}},"
                           "\"result\":{\"samples\":7},\"command\":[\"--out\"]}",
                           0, NULL);
    ck_assert(a && b);
    differences_of_manifests(&d, a, b);
    ck_assert_str_eq(tell(&d), "machine pus: 2 | 4\n"
                               "flags cflags: -O2 | -O3\n"
                               "environment OMP_A: 1 | -\n"
                               "environment OMP_B: - | \n"
                               "other news.list: [1,2] | [1,3]\n"
                               "other news.deep.er: true | none\n");
    differences_of_manifests(&d, a, a);
    ck_assert_str_eq(tell(&d), "");
    json_decref(a);
    json_decref(b);
}
END_TEST

START_TEST(configurations_are_compared_key_by_key)
{
    struct differences d = {0};
    static const char a[] = "# as run\n[defaults]\nseed = 1\nmax-seconds = 0\n\n[one]\ntitle = x\n"
                            "workload = burn iterations=1M\nreps = 5\nschedules = static,\n"
                            "    dynamic\n[gone]\nreps = 1\ntasks = 2\n",
                      b[] = "[defaults]\nseed = 2\nmax-seconds = 9\n[uno]\ntitle = y\n"
                            "workload =  burn   iterations=1M\nreps = 7\nschedules = static, "
                            "dynamic\nprecision = 2\n[added]\nreps = 1\ntasks = 2\n";
    differences_of_plans(&d, a, b, "one", "uno");
    ck_assert_str_eq(tell(&d), "configuration seed: 1 | 2\n"
                               "configuration [one / uno] reps: 5 | 7\n"
                               "configuration [gone]: an experiment | -\n"
                               "configuration [one / uno] precision: - | 2\n"
                               "configuration [added]: - | an experiment\n");
    differences_of_plans(&d, a, a, NULL, NULL);
    ck_assert_str_eq(tell(&d), "");
    differences_of_plans(&d, a, NULL, NULL, NULL);
    ck_assert_str_eq(tell(&d), "configuration plan.ini: there | -\n");
    differences_of_plans(&d, "= \n[\n]\nkey\n  more\n[x", "", NULL, NULL);
    tell(&d);
}
END_TEST

START_TEST(topologies_are_compared_by_what_they_hold)
{
    struct differences d = {0};
    static const char a[] =
        "<topology><object type=\"Machine\" os_index=\"0\" allowed_cpuset=\"0x3\" gp_index=\"1\">"
        "<info name=\"CPUModel\" value=\"x\"/><info name=\"ProcessName\" value=\"p\"/>"
        "<object type=\"L2Cache\" cache_size=\"1048576\"/>"
        "<object type=\"PU\" os_index=\"0\"/><object type=\"PU\" os_index=\"1\"/>";
    static const char b[] =
        "<topology><object type=\"Machine\" os_index=\"0\" allowed_cpuset=\"0x1\" gp_index=\"9\">"
        "<info name=\"CPUModel\" value=\"y\"/><info name=\"ProcessName\" value=\"q\"/>"
        "<object type=\"L2Cache\" cache_size=\"2097152\"/><object type=\"PU\" os_index=\"0\"/>";
    differences_of_topologies(&d, a, b);
    ck_assert_str_eq(tell(&d), "topology CPUModel x: 1 | -\n"
                               "topology L2Cache of 1024 KiB: 1 | -\n"
                               "topology PU: 2 | 1\n"
                               "topology allowed_cpuset: 0x3 | 0x1\n"
                               "topology CPUModel y: - | 1\n"
                               "topology L2Cache of 2048 KiB: - | 1\n");
    differences_of_topologies(&d, a, a);
    ck_assert_str_eq(tell(&d), "");
    /* Cut off anywhere it is read as far as it goes. */
    for (size_t n = 0; n < sizeof a; n++) {
        char cut[sizeof a];
        memcpy(cut, a, n);
        cut[n] = '\0';
        differences_of_topologies(&d, a, cut);
        tell(&d);
    }
}
END_TEST

UNIT_MAIN("compare", operands_are_taken_apart, parts_hold_what_was_asked_for,
          points_of_two_runs_are_matched_by_their_factors, parts_of_one_run_are_paired,
          what_is_ambiguous_or_has_nothing_in_common_is_refused,
          of_several_that_fit_the_nearest_is_taken, counterparts_are_found_among_many,
          the_text_tells_what_it_has_no_room_for, one_launch_is_told_as_one,
          what_cannot_be_judged_is_told_and_does_not_pass, lone_experiments_stand_for_one_another,
          too_few_samples_are_told, a_clock_that_differs_as_much_is_told,
          UNIT_LOOP(tables_of_runs_that_are_alike_show_no_difference, 0, 4),
          UNIT_LOOP(differences_that_are_there_are_shown, 0, 4), manifests_are_compared_key_by_key,
          configurations_are_compared_key_by_key, topologies_are_compared_by_what_they_hold)
