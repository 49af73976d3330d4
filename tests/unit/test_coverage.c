/* Do the intervals hold? Estimates of simulated samples whose truth is known, thousands of each
 * kind: how often the interval holds the truth, how often it says "different" of what is alike, and
 * how often the diagnosis is alarmed.
 *
 * build/tests/unit/test_coverage --table prints the tables of docs/measurement.md, from many more
 * studies (some minutes).
 */
#include "base/rng.h"
#include "simulate.h"
#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
enum { STUDIES = 600, PAIRS = 2000, TABLE = 4000 };
#else
enum { STUDIES = 10000, PAIRS = 2000, TABLE = 40000 };
#endif

enum { SEED = 20240229, MOST_VALUES = 1000 };

static bool holds(struct interval interval, double truth)
{
    return interval.known && interval.low <= truth && truth <= interval.high;
}

/* --- one kind of sample, many times
 * ---------------------------------------------------------------- */

struct kind {
    const struct distribution *distribution, *effect;
    int launches, reps;
    double size; /* of the effect, in deviations of a repetition */
};

struct coverage {
    double all;       /* share of studies whose interval held the truth */
    double bootstrap; /* share of studies in which launches were seen to differ */
    double warned;    /* of these, the share whose interval held the truth */
    double length;    /* mean length of the interval */
};

static struct coverage measure(const struct kind *kind, int studies, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    int held = 0, differed = 0, held_warned = 0;
    double length = 0;
    for (int study = 0; study < studies; study++) {
        double values[MOST_VALUES];
        int launches[MOST_VALUES];
        size_t n = draw_launches(&rng, kind->launches, kind->reps, kind->distribution, kind->effect,
                                 kind->size, values, launches);
        struct estimate e = stats_estimate(values, launches, n);
        bool differ = e.method == STATS_BOOTSTRAP, held_it = holds(e.median_ci, TRUTH);
        held += held_it;
        differed += differ;
        held_warned += differ && held_it;
        length += e.median_ci.high - e.median_ci.low;
    }
    return (struct coverage){(double)held / studies, (double)differed / studies,
                             differed ? (double)held_warned / differed : NAN, length / studies};
}

/* Within one of a hundred of what is promised, and chance. */
static void expect_share(double share, double promised, int studies, const char *what)
{
    double off = 0.01 + sampling_error(promised, studies);
    ck_assert_msg(fabs(share - promised) <= off, "%s: %g, not %g +- %g", what, share, promised,
                  off);
}

static const int sizes[] = {6, 10, 15, 30, 100};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

START_TEST(intervals_of_independent_samples_hold)
{
    const struct distribution *d = &distributions[_i / N_SIZES];
    int n = sizes[_i % N_SIZES], studies = n < 100 ? STUDIES : STUDIES / 4;
    struct coverage c = measure(&(struct kind){.distribution = d, .launches = 1, .reps = n},
                                studies, SEED + (uint64_t)_i);
    char what[64];
    snprintf(what, sizeof what, "%s, n = %d", d->name, n);
    expect_share(c.all, 0.95, studies, what);
    ck_assert_double_eq(c.bootstrap, 0);
}
END_TEST

static const struct {
    int launches, reps;
} alike[] = {{2, 10}, {3, 3}, {3, 10}, {5, 10}, {6, 3}, {6, 10}, {10, 10}};
enum { N_ALIKE = sizeof alike / sizeof *alike };

/* Launches that are alike are taken to differ in one study of five, by design; that costs width and
 * makes the interval hold the truth a little too often, never too seldom. */
START_TEST(intervals_of_alike_launches_hold)
{
    const struct distribution *d = &distributions[_i % N_DISTRIBUTIONS];
    struct kind kind = {.distribution = d,
                        .launches = alike[_i / N_DISTRIBUTIONS].launches,
                        .reps = alike[_i / N_DISTRIBUTIONS].reps};
    int studies = STUDIES / 8;
    struct coverage c = measure(&kind, studies, SEED + 100 + (uint64_t)_i);
    char what[64];
    snprintf(what, sizeof what, "%s, %d x %d", d->name, kind.launches, kind.reps);
    bool few = kind.launches < STATS_LEAST_FOR_INTERVAL;
    expect_share(c.all, few ? 0.96 : 0.95, studies, what);
    ck_assert_double_le(c.bootstrap, few ? 0.3 : 0);
}
END_TEST

static const int few_launches[] = {2, 3, 4, 5, 6, 10};
static const double effect_sizes[] = {0.2, 0.5, 1, 2, 5, 20};
enum {
    N_FEW = sizeof few_launches / sizeof *few_launches,
    N_EFFECT_SIZES = sizeof effect_sizes / sizeof *effect_sizes
};

/* As stats_coverage says; and once the difference is seen, the interval is as good as promised. */
START_TEST(intervals_of_differing_launches_hold)
{
    /* Every other size will do here. */
    const struct distribution *effect = &effects[_i / (N_EFFECT_SIZES / 2)];
    double size = effect_sizes[_i % (N_EFFECT_SIZES / 2) * 2 + 1];
    int studies = STUDIES / 20;
    for (int k = 0; k < N_FEW; k++) {
        struct kind kind = {&distributions[0], effect, few_launches[k], 10, size};
        struct coverage c = measure(&kind, studies, SEED + 200 + (uint64_t)(_i * N_FEW + k));
        struct estimate e = {.median_ci = {0, 0, true}, .n_launches = (size_t)few_launches[k]};
        double least = stats_coverage(&e);
        /* Where launches are of two kinds, repetitions blur what a typical one is. */
        if (effect->draw == now_and_then)
            least = 0.8;
        double off = 0.01 + sampling_error(least, studies);
        ck_assert_msg(c.all >= least - off, "%s x %g, %d launches: %g", effect->name, size,
                      kind.launches, c.all);
        if (c.bootstrap > 0.3)
            ck_assert_msg(c.warned >= 0.93 - sampling_error(0.95, (int)(studies * c.bootstrap)),
                          "%s x %g, %d launches seen to differ: %g", effect->name, size,
                          kind.launches, c.warned);
    }
}
END_TEST

/* --- A/A: the same thing twice
 * ---------------------------------------------------------------------- */

/* Times of one pass: what both sides share (drift of the machine), and noise of their own. */
static double side(struct rng *rng)
{
    return exp(0.05 * normal(rng));
}

enum way { PAIRED, UNPAIRED };

static const struct design {
    enum way way;
    int launches, reps;
    double differ; /* spread of launches, in that of samples */
} designs[] = {{PAIRED, 1, 30, 0},   {PAIRED, 3, 10, 0},   {PAIRED, 6, 10, 0},
               {PAIRED, 10, 10, 0},  {UNPAIRED, 1, 30, 0}, {UNPAIRED, 3, 10, 0},
               {UNPAIRED, 6, 10, 0}, {UNPAIRED, 10, 10, 0}},
  differing[] = {{PAIRED, 1, 30, 0.5},   {PAIRED, 1, 30, 1},     {PAIRED, 3, 10, 0.5},
                 {PAIRED, 6, 10, 0.5},   {UNPAIRED, 1, 30, 0.5}, {UNPAIRED, 1, 30, 1},
                 {UNPAIRED, 3, 10, 0.5}, {UNPAIRED, 6, 10, 0.5}};
enum {
    N_DESIGNS = sizeof designs / sizeof *designs,
    N_DIFFERING = sizeof differing / sizeof *differing
};

/* The share of `pairs` comparisons of a thing with itself that find a difference. */
static double rejected(const struct design *d, int pairs, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    int n_rejected = 0;
    for (int pair = 0; pair < pairs; pair++) {
        double a[MOST_VALUES], b[MOST_VALUES], ratios[MOST_VALUES];
        int launches[MOST_VALUES];
        size_t n = 0;
        for (int l = 0; l < d->launches; l++) {
            double of_a = d->differ > 0 ? pow(side(&rng), d->differ) : 1,
                   of_b = d->differ > 0 ? pow(side(&rng), d->differ) : 1;
            for (int r = 0; r < d->reps; r++, n++) {
                double shared = d->way == PAIRED ? 1 + 0.2 * sin(0.3 * (double)n) : 1;
                a[n] = shared * of_a * side(&rng);
                b[n] = shared * of_b * side(&rng);
                ratios[n] = b[n] / a[n];
                launches[n] = l;
            }
        }
        struct interval ci;
        if (d->way == PAIRED)
            ci = stats_estimate(ratios, launches, n).median_ci;
        else
            ci = stats_ratio(a, launches, n, b, launches, n, 0.95).ci;
        n_rejected += !holds(ci, 1);
    }
    return (double)n_rejected / pairs;
}

/* Over 2,000 pairs 5 +- 1 % and chance; over three times as many the chance is small beside the 1
 * %.
 */
START_TEST(alike_is_called_different_in_one_of_twenty)
{
    const struct design *d = &designs[_i];
    bool small = (int)STUDIES < (int)PAIRS;
    int pairs = small ? STUDIES : PAIRS, rounds = small ? 1 : 3;
    double sum = 0;
    for (int round = 0; round < rounds; round++)
        sum += rejected(d, pairs, SEED + 300 + (uint64_t)round);
    double off = small ? 0.01 + sampling_error(0.05, pairs) : 0.01;
    ck_assert_msg(fabs(sum / rounds - 0.05) <= off, "%s, %d x %d: rejects %g",
                  d->way == PAIRED ? "paired" : "unpaired", d->launches, d->reps, sum / rounds);
}
END_TEST

/* What launches differ by is in no single one: from it alone many a thing differs from itself. */
START_TEST(one_launch_tells_nothing_of_others)
{
    const struct design *d = &differing[_i];
    int pairs = STUDIES / 20;
    double share = rejected(d, pairs, SEED + 400 + (uint64_t)_i);
    double least = d->launches > 1 ? 0 : (d->differ < 1 ? 0.35 : 0.6) - sampling_error(0.5, pairs);
    double most = d->launches > 1 ? 1 - 0.86 + sampling_error(0.14, pairs) : 1;
    ck_assert_msg(least <= share && share <= most, "%d x %d: rejects %g", d->launches, d->reps,
                  share);
}
END_TEST

/* A table of many comparisons asks for more confidence of each, and gets it. */
START_TEST(more_confidence_is_kept_too)
{
    static const int n_launches[] = {1, 3, 6};
    int studies = STUDIES / 8, reps = n_launches[_i] == 1 ? 30 : 10, missed = 0, ratio_missed = 0;
    struct rng rng;
    rng_seed(&rng, SEED + 600 + (uint64_t)_i);
    for (int study = 0; study < studies; study++) {
        double a[MOST_VALUES], b[MOST_VALUES];
        int launches[MOST_VALUES];
        size_t n = (size_t)(n_launches[_i] * reps);
        for (size_t i = 0; i < n; i++) {
            a[i] = side(&rng);
            b[i] = side(&rng);
            launches[i] = (int)i / reps;
        }
        missed += !holds(stats_estimate_at(a, launches, n, 0.99).median_ci, 1);
        ratio_missed += !holds(stats_ratio(a, launches, n, b, launches, n, 0.99).ci, 1);
    }
    double off = 0.005 + sampling_error(0.01, studies);
    ck_assert_msg(fabs((double)missed / studies - 0.01) <= off, "misses %d", missed);
    ck_assert_msg(fabs((double)ratio_missed / studies - 0.01) <= off, "misses %d", ratio_missed);
}
END_TEST

/* --- the diagnosis
 * ------------------------------------------------------------------------------------ */

enum { LAUNCHES_TEST, DRIFT_TEST, MODES_TEST, NORMAL_TEST, N_TESTS };

struct alarms {
    double at[N_TESTS]; /* shares of studies with p < 0.01 */
};

/* What makes value i of n: its own draw, or one that depends on time. */
struct course {
    const struct distribution *distribution;
    double trend;       /* from the first to the last of a launch, in deviations */
    double memory;      /* share of a value's noise that comes from the one before */
    double tick;        /* of the clock; 0: none */
    double hump, share; /* a second hump that far away, with so many of the samples */
    double launches;    /* deviation of launches */
};

static struct alarms alarmed(const struct course *course, int n_launches, int reps, int studies,
                             uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    struct alarms alarms = {{0}};
    for (int study = 0; study < studies; study++) {
        double values[MOST_VALUES], noise = 0;
        int launches[MOST_VALUES];
        size_t n = 0;
        for (int l = 0; l < n_launches; l++) {
            double shift = course->launches > 0 ? course->launches * normal(&rng) : 0;
            for (int r = 0; r < reps; r++, n++) {
                noise = course->memory * noise + sqrt(1 - course->memory * course->memory) *
                                                     course->distribution->draw(&rng);
                values[n] = TRUTH + shift + noise + course->trend * r / reps;
                if (course->share > 0 && uniform(&rng) < course->share)
                    values[n] += course->hump;
                if (course->tick > 0)
                    values[n] = course->tick * floor(values[n] / course->tick);
                launches[n] = l;
            }
        }
        struct diagnosis d = stats_diagnose(values, launches, n);
        const double p[N_TESTS] = {d.p_launches, d.p_drift, d.p_modes, d.p_normal};
        for (int t = 0; t < N_TESTS; t++)
            alarms.at[t] += p[t] < 0.01;
    }
    for (int t = 0; t < N_TESTS; t++)
        alarms.at[t] /= studies;
    return alarms;
}

static const struct distribution *const plain[] = {&distributions[0], &distributions[1],
                                                   &distributions[2], &distributions[3]};
enum { N_PLAIN = sizeof plain / sizeof *plain };

/* Nothing is wrong: one alarm in a hundred, by whichever test, on a coarse clock too. */
START_TEST(a_quiet_machine_raises_no_alarm)
{
    struct course course = {.distribution = plain[_i % N_PLAIN], .tick = _i < N_PLAIN ? 0 : 0.5};
    static const int reps[] = {3, 10, 30};
    int studies = STUDIES / 10;
    for (int r = 0; r < 3; r++) {
        struct alarms alarms =
            alarmed(&course, 3 + r, reps[r], studies, SEED + 400 + (uint64_t)(10 * _i + r));
        for (int t = 0; t < NORMAL_TEST; t++)
            ck_assert_msg(alarms.at[t] <= 0.01 + sampling_error(0.01, studies),
                          "%s, %d x %d, test %d: %g", course.distribution->name, 3 + r, reps[r], t,
                          alarms.at[t]);
        if (course.distribution->draw == normal && course.tick == 0)
            ck_assert_double_le(alarms.at[NORMAL_TEST], 0.015 + sampling_error(0.01, studies));
    }
}
END_TEST

/* What each test is for, it finds in most cases. */
START_TEST(a_restless_machine_does)
{
    static const struct {
        struct course course;
        int launches, reps, test;
        double least;
    } cases[] = {
        {{.trend = 4}, 1, 30, DRIFT_TEST, 0.97},       /* while the machine warms up */
        {{.trend = 4}, 3, 10, DRIFT_TEST, 0.95},       /* in each launch anew */
        {{.trend = 2}, 3, 30, DRIFT_TEST, 0.95},       /* less, but longer */
        {{.launches = 2}, 3, 10, LAUNCHES_TEST, 0.75}, /* launches that differ */
        {{.launches = 5}, 3, 10, LAUNCHES_TEST, 0.9},
        {{.memory = 0.9}, 3, 30, LAUNCHES_TEST, 0.75}, /* wandering about */
        {{.hump = 8, .share = 0.5}, 1, 30, MODES_TEST, 0.85},
        {{.hump = 5, .share = 0.5}, 1, 100, MODES_TEST, 0.9},
        {{.hump = 10, .share = 0.3}, 3, 30, MODES_TEST, 0.9},
    };
    int studies = STUDIES / 10;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct course course = cases[c].course;
        course.distribution = &distributions[0];
        double share = alarmed(&course, cases[c].launches, cases[c].reps, studies, SEED + 500 + c)
                           .at[cases[c].test];
        double least = cases[c].least;
        ck_assert_msg(share >= least - sampling_error(least, studies), "case %zu: %g", c, share);
    }
}
END_TEST

/* --- the tables of docs/measurement.md
 * ------------------------------------------------------------- */

static void print_independent(void)
{
    puts("| n |  6 | 10 | 15 | 30 | 100 |\n|---|--:|--:|--:|--:|--:|");
    for (int d = 0; d < N_DISTRIBUTIONS; d++) {
        printf("| %s |", distributions[d].name);
        for (int i = 0; i < N_SIZES; i++) {
            struct kind kind = {.distribution = &distributions[d], .launches = 1, .reps = sizes[i]};
            printf(" %.1f |", 100 * measure(&kind, TABLE, SEED + (uint64_t)i).all);
        }
        puts("");
    }
}

static void print_alike(void)
{
    printf("\n| launches x repetitions |");
    for (int i = 0; i < N_ALIKE; i++)
        printf(" %d x %d |", alike[i].launches, alike[i].reps);
    puts("\n|---|--:|--:|--:|--:|--:|--:|--:|");
    for (int d = 0; d < N_DISTRIBUTIONS; d++) {
        printf("| %s |", distributions[d].name);
        for (int i = 0; i < N_ALIKE; i++) {
            struct kind kind = {.distribution = &distributions[d],
                                .launches = alike[i].launches,
                                .reps = alike[i].reps};
            printf(" %.1f |", 100 * measure(&kind, TABLE / 2, SEED + (uint64_t)i).all);
        }
        puts("");
    }
}

static void print_differing(void)
{
    puts("\n| launches differ by | size | 2 | 3 | 4 | 5 | 6 | 10 |\n"
         "|---|--:|--:|--:|--:|--:|--:|--:|");
    for (int e = 0; e < N_EFFECTS; e++)
        for (int s = 0; s < N_EFFECT_SIZES; s++) {
            printf("| %s | %g |", effects[e].name, effect_sizes[s]);
            for (int k = 0; k < N_FEW; k++) {
                struct kind kind = {&distributions[0], &effects[e], few_launches[k], 10,
                                    effect_sizes[s]};
                struct coverage c = measure(&kind, TABLE / 5, SEED + (uint64_t)(10 * s + k));
                printf(" %.1f", 100 * c.all);
                if (kind.launches < STATS_LEAST_FOR_INTERVAL)
                    printf(" (%.0f)", 100 * c.bootstrap);
                printf(" |");
            }
            puts("");
            fflush(stdout);
        }
}

static void print_rejected_of(const struct design *d)
{
    enum { SEEDS = 20 };
    double sum = 0, least = 1, most = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double share = rejected(d, PAIRS, SEED + 1000 + 10 * seed);
        sum += share;
        least = fmin(least, share);
        most = fmax(most, share);
    }
    printf("| %s | %d x %d", d->way == PAIRED ? "side by side" : "apart", d->launches, d->reps);
    if (d->differ > 0)
        printf(", differing by %g", d->differ);
    printf(" | %.1f | %.1f | %.1f |\n", 100 * sum / SEEDS, 100 * least, 100 * most);
    fflush(stdout);
}

static void print_rejected(void)
{
    puts("\n| A/A | samples of each | mean | least | most |\n|---|---|--:|--:|--:|");
    for (int i = 0; i < N_DESIGNS; i++)
        print_rejected_of(&designs[i]);
    for (int i = 0; i < N_DIFFERING; i++)
        print_rejected_of(&differing[i]);
}

static void print_alarms(void)
{
    static const struct {
        const char *what;
        struct course course;
    } courses[] = {
        {"nothing: normal", {.distribution = &distributions[0]}},
        {"nothing: log-normal", {.distribution = &distributions[1]}},
        {"nothing: exponential", {.distribution = &distributions[2]}},
        {"nothing: uniform", {.distribution = &distributions[3]}},
        {"nothing: normal, on a clock that ticks each 0.5", {&distributions[0], .tick = 0.5}},
        {"each launch drifts by 2 from first to last", {&distributions[0], .trend = 2}},
        {"each launch drifts by 4 from first to last", {&distributions[0], .trend = 4}},
        {"noise that wanders (0.9 of it from the sample before)",
         {&distributions[0], .memory = 0.9}},
        {"launches differ by 1", {&distributions[0], .launches = 1}},
        {"launches differ by 5", {&distributions[0], .launches = 5}},
        {"half of the samples slower by 5", {&distributions[0], .hump = 5, .share = 0.5}},
        {"three of ten slower by 5", {&distributions[0], .hump = 5, .share = 0.3}},
        {"half of the samples slower by 10", {&distributions[0], .hump = 10, .share = 0.5}},
        {"three of ten slower by 10", {&distributions[0], .hump = 10, .share = 0.3}},
    };
    puts("\n| what is wrong | launches differ | drift | several modes | not normal |\n"
         "|---|--:|--:|--:|--:|");
    for (size_t c = 0; c < sizeof courses / sizeof *courses; c++) {
        struct alarms few = alarmed(&courses[c].course, 3, 10, TABLE / 10, SEED + c),
                      many = alarmed(&courses[c].course, 3, 30, TABLE / 10, SEED + 100 + c);
        printf("| %s |", courses[c].what);
        for (int t = 0; t < N_TESTS; t++)
            printf(" %.1f, %.1f |", 100 * few.at[t], 100 * many.at[t]);
        puts("");
        fflush(stdout);
    }
}

static int print_tables(void)
{
    print_independent();
    print_alike();
    print_differing();
    print_rejected();
    print_alarms();
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--table") == 0)
        return print_tables();
    const TTest *const tests[] = {
        UNIT_LOOP(intervals_of_independent_samples_hold, 0, N_DISTRIBUTIONS * N_SIZES),
        UNIT_LOOP(intervals_of_alike_launches_hold, 0, N_DISTRIBUTIONS * N_ALIKE),
        UNIT_LOOP(intervals_of_differing_launches_hold, 0, N_EFFECTS * (N_EFFECT_SIZES / 2)),
        UNIT_LOOP(alike_is_called_different_in_one_of_twenty, 0, N_DESIGNS),
        UNIT_LOOP(one_launch_tells_nothing_of_others, 0, N_DIFFERING),
        UNIT_LOOP(more_confidence_is_kept_too, 0, 3),
        UNIT_LOOP(a_quiet_machine_raises_no_alarm, 0, 2 * N_PLAIN),
        a_restless_machine_does,
    };
    return unit_run("coverage", tests, sizeof tests / sizeof *tests);
}
