/* Estimates: exact small cases, and intervals tried on data whose truth is known.
 *
 * The simulations are seeded, so they pass or fail alike on every machine. */
#include "base/rng.h"
#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdint.h>

enum { SEED = 20240229, MOST_VALUES = 1000 };

/* In (0, 1), so that its logarithm is finite. */
static double uniform(struct rng *rng)
{
    return ((double)(rng_next(rng) >> 11) + 0.5) * 0x1.0p-53;
}

static double normal(struct rng *rng)
{
    return sqrt(-2 * log(uniform(rng))) * cos(6.283185307179586 * uniform(rng));
}

static double log_normal(struct rng *rng)
{
    return exp(normal(rng));
}

static double exponential(struct rng *rng)
{
    return -log(uniform(rng));
}

static const struct distribution {
    const char *name;
    double (*draw)(struct rng *);
    double median;
} distributions[] = {
    {"normal", normal, 0},
    {"log-normal", log_normal, 1},
    {"exponential", exponential, 0.6931471805599453},
    {"uniform", uniform, 0.5},
};

/* Three standard errors of a share p seen in n studies. */
static double sampling_error(double p, int n)
{
    return 3 * sqrt(p * (1 - p) / n);
}

static bool holds(struct interval interval, double truth)
{
    return interval.known && interval.low <= truth && truth <= interval.high;
}

START_TEST(ranks_of_known_sizes)
{
    static const struct {
        size_t n, low, high;
    } known[] = {{6, 1, 6},   {7, 1, 7},    {8, 1, 8},    {9, 2, 8},
                 {20, 6, 15}, {50, 18, 33}, {70, 27, 44}, {100, 40, 61}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t low = 0, high = 0;
        ck_assert(stats_median_ranks(known[i].n, 0.95, &low, &high));
        ck_assert_uint_eq(low, known[i].low);
        ck_assert_uint_eq(high, known[i].high);
    }
}
END_TEST

START_TEST(ranks_need_six_samples)
{
    size_t low = 77, high = 77;
    for (size_t n = 0; n < STATS_LEAST_FOR_INTERVAL; n++)
        ck_assert(!stats_median_ranks(n, 0.95, &low, &high));
    ck_assert_uint_eq(low, 77);
    ck_assert_uint_eq(high, 77);
    ck_assert(stats_median_ranks(STATS_LEAST_FOR_INTERVAL, 0.95, &low, &high));
}
END_TEST

START_TEST(ranks_where_the_confidence_is_met_exactly)
{
    /* [min, max] of n covers with probability 1 - 2/2^n exactly. */
    for (int n = 2; n <= 40; n++) {
        size_t low = 0, high = 0;
        ck_assert(stats_median_ranks((size_t)n, 1 - ldexp(2, -n), &low, &high));
        ck_assert_uint_eq(low, 1);
        ck_assert_uint_eq(high, (size_t)n);
    }
    size_t low, high;
    ck_assert(!stats_median_ranks(100, 1, &low, &high));
    ck_assert(!stats_median_ranks(100, NAN, &low, &high));
}
END_TEST

START_TEST(ranks_are_monotone)
{
    size_t last_low = 1, last_high = 6;
    for (size_t n = 6; n < 3000; n++) {
        size_t low, high, wider_low, wider_high;
        ck_assert(stats_median_ranks(n, 0.95, &low, &high));
        ck_assert_uint_eq(low + high, n + 1);
        ck_assert_uint_ge(low, last_low);
        ck_assert_uint_le(low, last_low + 1);
        ck_assert_uint_ge(high, last_high);
        if (stats_median_ranks(n, 0.99, &wider_low, &wider_high))
            ck_assert_uint_le(wider_low, low);
        last_low = low;
        last_high = high;
    }
    /* A million samples: about n/2 -+ 0.98 sqrt(n). */
    size_t low, high;
    ck_assert(stats_median_ranks(1000000, 0.95, &low, &high));
    ck_assert_uint_ge(low, 499018);
    ck_assert_uint_le(low, 499022);
}
END_TEST

START_TEST(estimate_of_nothing)
{
    struct estimate e = stats_estimate(NULL, NULL, 0);
    ck_assert_uint_eq(e.n, 0);
    ck_assert_uint_eq(e.n_launches, 0);
    ck_assert_double_nan(e.median);
    ck_assert_double_nan(e.mean);
    ck_assert_double_nan(e.mad);
    ck_assert_double_nan(e.min);
    ck_assert_double_nan(e.max);
    ck_assert_double_nan(e.launch_low);
    ck_assert_double_nan(e.launch_high);
    ck_assert(!e.median_ci.known);
    ck_assert_double_nan(e.median_ci.low);
    ck_assert_double_nan(e.median_ci.high);
    ck_assert(isinf(stats_relative_halfwidth(&e)));
}
END_TEST

START_TEST(estimate_of_one)
{
    const double value = 42;
    struct estimate e = stats_estimate(&value, NULL, 1);
    ck_assert_uint_eq(e.n, 1);
    ck_assert_uint_eq(e.n_launches, 1);
    ck_assert_double_eq(e.median, 42);
    ck_assert_double_eq(e.mean, 42);
    ck_assert_double_eq(e.mad, 0);
    ck_assert_double_eq(e.min, 42);
    ck_assert_double_eq(e.max, 42);
    ck_assert_double_eq(e.launch_low, 42);
    ck_assert_double_eq(e.launch_high, 42);
    ck_assert(!e.median_ci.known);
    ck_assert(isinf(stats_relative_halfwidth(&e)));
}
END_TEST

START_TEST(estimate_of_few)
{
    const double odd[] = {9, 1, 2, 4, 4}, even[] = {8, 1, 3, 2};
    struct estimate e = stats_estimate(odd, NULL, 5);
    ck_assert_double_eq(e.median, 4);
    ck_assert_double_eq(e.mean, 4);
    ck_assert_double_eq(e.mad, 2); /* deviations 5 3 2 0 0 */
    ck_assert_double_eq(e.min, 1);
    ck_assert_double_eq(e.max, 9);
    ck_assert(!e.median_ci.known);
    ck_assert_double_eq(odd[0], 9);
    e = stats_estimate(even, NULL, 4);
    ck_assert_double_eq(e.median, 2.5);
    ck_assert_double_eq(e.mean, 3.5);
    ck_assert_double_eq(e.mad, 1); /* deviations 5.5 1.5 0.5 0.5 */
}
END_TEST

START_TEST(estimate_of_six_spans_them)
{
    const double values[] = {12, 10, 11, 14, 13, 8};
    struct estimate e = stats_estimate(values, NULL, 6);
    ck_assert(e.median_ci.known);
    ck_assert_double_eq(e.median_ci.low, 8);
    ck_assert_double_eq(e.median_ci.high, 14);
    ck_assert_double_eq(e.median, 11.5);
    ck_assert_double_eq_tol(stats_relative_halfwidth(&e), 3 / 11.5, 1e-15);
}
END_TEST

START_TEST(halfwidth_of_equal_values_is_zero)
{
    const double sevens[] = {7, 7, 7, 7, 7, 7}, zeros[6] = {0},
                 around_zero[] = {-2, -1, 0, 0, 1, 2};
    struct estimate e = stats_estimate(sevens, NULL, 6);
    ck_assert_double_eq(stats_relative_halfwidth(&e), 0);
    ck_assert_double_eq(e.mad, 0);
    e = stats_estimate(zeros, NULL, 6);
    ck_assert_double_eq(stats_relative_halfwidth(&e), 0);
    e = stats_estimate(around_zero, NULL, 6);
    ck_assert(isinf(stats_relative_halfwidth(&e)));
}
END_TEST

START_TEST(estimate_with_values_that_are_not_finite)
{
    const double poison[] = {NAN, INFINITY, -INFINITY};
    for (size_t p = 0; p < 3; p++) {
        double values[12];
        int launches[12];
        for (int i = 0; i < 12; i++) {
            values[i] = i;
            launches[i] = i % 4;
        }
        values[5] = poison[p];
        struct estimate e = stats_estimate(values, launches, 12);
        ck_assert_uint_eq(e.n, 12);
        ck_assert_uint_eq(e.n_launches, 4);
        ck_assert_double_nan(e.median);
        ck_assert_double_nan(e.mean);
        ck_assert_double_nan(e.mad);
        ck_assert_double_nan(e.min);
        ck_assert_double_nan(e.max);
        ck_assert_double_nan(e.launch_low);
        ck_assert(!e.median_ci.known);
        ck_assert_double_nan(stats_quantile(values, 12, 0.5));
    }
}
END_TEST

/* The interval covers the median of any distribution with the probability of its ranks. */
START_TEST(interval_covers_the_median)
{
    enum { STUDIES = 4000 };
    static const struct {
        size_t n;
        double coverage;
    } sizes[] = {{6, 0.96875}, {9, 0.9609375}, {20, 0.9586105}, {50, 0.9671604}};
    const struct distribution *d = &distributions[_i];
    struct rng rng;
    rng_seed(&rng, SEED + (uint64_t)_i);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int covered = 0;
        for (int study = 0; study < STUDIES; study++) {
            double values[50];
            for (size_t i = 0; i < sizes[s].n; i++)
                values[i] = d->draw(&rng);
            struct estimate e = stats_estimate(values, NULL, sizes[s].n);
            ck_assert(e.median_ci.known);
            covered += holds(e.median_ci, d->median);
        }
        double share = (double)covered / STUDIES, expected = sizes[s].coverage;
        ck_assert_msg(share >= 0.95 - sampling_error(0.95, STUDIES) && share <= 0.995,
                      "%s, n = %zu: the interval covers %g", d->name, sizes[s].n, share);
        ck_assert_msg(fabs(share - expected) <= sampling_error(expected, STUDIES),
                      "%s, n = %zu: covers %g, its ranks say %g", d->name, sizes[s].n, share,
                      expected);
    }
}
END_TEST

/* n_launches × reps values whose launches differ by N(0, 1) and whose repetitions by N(0, spread²):
 * the true median is 0. */
static void draw_launches(struct rng *rng, int n_launches, int reps, double spread, double *values,
                          int *launches)
{
    for (int l = 0, i = 0; l < n_launches; l++) {
        double shift = normal(rng);
        for (int r = 0; r < reps; r++, i++) {
            values[i] = shift + spread * normal(rng);
            launches[i] = 1000 - 7 * l; /* any numbers, in any order */
        }
    }
}

START_TEST(launches_are_the_observations)
{
    enum { STUDIES = 1000, REPS = 10 };
    static const int n_launches[] = {6, 7, 8, 10, 20};
    static const double expected[] = {0.96875, 0.984375, 0.9921875, 0.9785156, 0.9586105};
    struct rng rng;
    rng_seed(&rng, SEED + 100 + (uint64_t)_i);
    int n = n_launches[_i] * REPS, covered = 0, covered_pooled = 0;
    for (int study = 0; study < STUDIES; study++) {
        double values[MOST_VALUES];
        int launches[MOST_VALUES];
        draw_launches(&rng, n_launches[_i], REPS, 0.2, values, launches);
        struct estimate e = stats_estimate(values, launches, (size_t)n);
        struct estimate pooled = stats_estimate(values, NULL, (size_t)n);
        ck_assert_uint_eq(e.n_launches, (size_t)n_launches[_i]);
        ck_assert_uint_eq(pooled.n_launches, 1);
        ck_assert_double_eq(e.median, pooled.median);
        ck_assert(holds(e.median_ci, e.median));
        covered += holds(e.median_ci, 0);
        covered_pooled += holds(pooled.median_ci, 0);
    }
    double share = (double)covered / STUDIES, share_pooled = (double)covered_pooled / STUDIES;
    ck_assert_msg(share >= 0.94, "%d launches cover %g", n_launches[_i], share);
    /* As wide as the ranks of the launches ask for, and no wider. */
    ck_assert_msg(share <= expected[_i] + sampling_error(expected[_i], STUDIES),
                  "%d launches cover %g", n_launches[_i], share);
    /* What the launches are for: without them the interval promises far too much. */
    ck_assert_msg(share_pooled <= 0.80, "pooled, %d launches cover %g", n_launches[_i],
                  share_pooled);
}
END_TEST

START_TEST(launches_that_are_alike_cost_no_coverage)
{
    enum { STUDIES = 2000, LAUNCHES = 9, REPS = 5, N = LAUNCHES * REPS };
    struct rng rng;
    rng_seed(&rng, SEED + 200);
    int covered = 0;
    for (int study = 0; study < STUDIES; study++) {
        double values[N];
        int launches[N];
        for (int i = 0; i < N; i++) {
            values[i] = normal(&rng);
            launches[i] = i % LAUNCHES;
        }
        struct estimate e = stats_estimate(values, launches, N);
        covered += holds(e.median_ci, 0);
    }
    double share = (double)covered / STUDIES;
    ck_assert_msg(share >= 0.95 - sampling_error(0.95, STUDIES) && share <= 0.995, "covers %g",
                  share);
}
END_TEST

/* Two to five launches: as good as k observations can be, and no launch is left outside. */
START_TEST(few_launches_widen_the_interval)
{
    enum { STUDIES = 1000, REPS = 10 };
    struct rng rng;
    rng_seed(&rng, SEED + 300 + (uint64_t)_i);
    int n = _i * REPS, covered = 0;
    for (int study = 0; study < STUDIES; study++) {
        double values[MOST_VALUES];
        int launches[MOST_VALUES];
        draw_launches(&rng, _i, REPS, 0.2, values, launches);
        struct estimate e = stats_estimate(values, launches, (size_t)n);
        struct estimate pooled = stats_estimate(values, NULL, (size_t)n);
        ck_assert(e.median_ci.known);
        ck_assert_double_le(e.median_ci.low, fmin(pooled.median_ci.low, e.launch_low));
        ck_assert_double_ge(e.median_ci.high, fmax(pooled.median_ci.high, e.launch_high));
        for (int l = 0; l < _i; l++) {
            double median = stats_quantile(values + l * REPS, REPS, 0.5);
            ck_assert_double_ge(median, e.launch_low);
            ck_assert_double_le(median, e.launch_high);
        }
        covered += holds(e.median_ci, 0);
    }
    double share = (double)covered / STUDIES, least = 1 - ldexp(2, -_i);
    ck_assert_msg(share >= least - sampling_error(least, STUDIES), "%d launches cover %g", _i,
                  share);
}
END_TEST

START_TEST(interval_holds_the_median_of_unequal_launches)
{
    /* Eight launches of one fast repetition each, and one of a hundred slow ones. */
    double values[108];
    int launches[108];
    for (int i = 0; i < 108; i++) {
        values[i] = i < 8 ? 10 + i : 100 + i;
        launches[i] = i < 8 ? i : 8;
    }
    struct estimate e = stats_estimate(values, launches, 108);
    ck_assert_uint_eq(e.n_launches, 9);
    ck_assert_double_eq(e.median, 153.5);
    ck_assert_double_eq(e.launch_low, 10);
    ck_assert_double_eq(e.launch_high, 157.5);
    ck_assert_double_eq(e.median_ci.low, 11);
    ck_assert_double_eq(e.median_ci.high, 153.5);
}
END_TEST

START_TEST(order_of_samples_does_not_matter)
{
    enum { N = 60 };
    double values[N], shuffled[N];
    int launches[N], shuffled_launches[N];
    size_t order[N];
    struct rng rng;
    rng_seed(&rng, SEED);
    draw_launches(&rng, 6, 10, 1, values, launches);
    for (size_t i = 0; i < N; i++)
        order[i] = i;
    rng_shuffle(&rng, order, N);
    for (size_t i = 0; i < N; i++) {
        shuffled[i] = values[order[i]];
        shuffled_launches[i] = launches[order[i]];
    }
    struct estimate a = stats_estimate(values, launches, N);
    struct estimate b = stats_estimate(shuffled, shuffled_launches, N);
    ck_assert_double_eq(a.median, b.median);
    ck_assert_double_eq(a.mean, b.mean);
    ck_assert_double_eq(a.mad, b.mad);
    ck_assert_double_eq(a.median_ci.low, b.median_ci.low);
    ck_assert_double_eq(a.median_ci.high, b.median_ci.high);
    ck_assert_double_eq(a.launch_low, b.launch_low);
    ck_assert_double_eq(a.launch_high, b.launch_high);
}
END_TEST

START_TEST(quantiles)
{
    const double values[] = {40, 10, 30, 20}, one = 5;
    ck_assert_double_eq(stats_quantile(values, 4, 0), 10);
    ck_assert_double_eq(stats_quantile(values, 4, 1), 40);
    ck_assert_double_eq(stats_quantile(values, 4, 0.5), 25);
    ck_assert_double_eq_tol(stats_quantile(values, 4, 0.9), 37, 1e-12);
    ck_assert_double_eq(stats_quantile(&one, 1, 0.3), 5);
    ck_assert_double_nan(stats_quantile(values, 0, 0.5));
    ck_assert_double_nan(stats_quantile(values, 4, -0.1));
    ck_assert_double_nan(stats_quantile(values, 4, 1.1));
    ck_assert_double_nan(stats_quantile(values, 4, NAN));
}
END_TEST

static double amdahl(double serial, double workers)
{
    return 1 / (serial + (1 - serial) / workers);
}

START_TEST(karp_flatt_recovers_the_serial_fraction)
{
    static const double serial[] = {0, 0.1, 0.7, 1};
    for (size_t s = 0; s < 4; s++)
        for (int p = 2; p <= 1024; p *= 2)
            ck_assert_double_eq_tol(stats_karp_flatt(amdahl(serial[s], p), p), serial[s], 1e-12);
    ck_assert_double_lt(stats_karp_flatt(5, 4), 0); /* superlinear */
    ck_assert_double_nan(stats_karp_flatt(1, 1));
    ck_assert_double_nan(stats_karp_flatt(1, 0.5));
    ck_assert_double_nan(stats_karp_flatt(0, 4));
    ck_assert_double_nan(stats_karp_flatt(-1, 4));
    ck_assert_double_nan(stats_karp_flatt(NAN, 4));
}
END_TEST

START_TEST(amdahl_fit_recovers_the_serial_fraction)
{
    static const double serial[] = {0, 0.1, 0.7, 1}, workers[] = {1, 2, 3, 4, 8, 12, 64};
    for (size_t s = 0; s < 4; s++) {
        double speedups[7];
        for (size_t i = 0; i < 7; i++)
            speedups[i] = amdahl(serial[s], workers[i]);
        ck_assert_double_eq_tol(stats_amdahl_fit(workers, speedups, 7), serial[s], 1e-12);
        ck_assert_double_eq_tol(stats_amdahl_fit(workers + 1, speedups + 1, 1), serial[s], 1e-12);
    }
}
END_TEST

START_TEST(amdahl_fit_is_least_squares)
{
    /* 1/S - 1/P = s (1 - 1/P): (x, y) = (1/2, 0.1), (3/4, 0.05), so s = (0.05 + 0.0375) / 0.8125.
     */
    const double workers[] = {2, 4}, speedups[] = {1 / 0.6, 1 / 0.3};
    ck_assert_double_eq_tol(stats_amdahl_fit(workers, speedups, 2), 0.0875 / 0.8125, 1e-12);
}
END_TEST

START_TEST(amdahl_fit_of_odd_points)
{
    const double ones[] = {1, 1}, workers[] = {2, 4}, too_good[] = {2.5, 5}, slower[] = {0.5, 0.4};
    const double zero[] = {1.5, 0}, unknown[] = {1.5, NAN}, below[] = {0.5, 4};
    ck_assert_double_eq(stats_amdahl_fit(workers, too_good, 2), 0);
    ck_assert_double_eq(stats_amdahl_fit(workers, slower, 2), 1);
    ck_assert_double_nan(stats_amdahl_fit(ones, ones, 2));
    ck_assert_double_nan(stats_amdahl_fit(ones, ones, 0));
    ck_assert_double_nan(stats_amdahl_fit(workers, zero, 2));
    ck_assert_double_nan(stats_amdahl_fit(workers, unknown, 2));
    ck_assert_double_nan(stats_amdahl_fit(below, too_good, 2));
}
END_TEST

UNIT_MAIN("stats", ranks_of_known_sizes, ranks_need_six_samples,
          ranks_where_the_confidence_is_met_exactly, ranks_are_monotone, estimate_of_nothing,
          estimate_of_one, estimate_of_few, estimate_of_six_spans_them,
          halfwidth_of_equal_values_is_zero, estimate_with_values_that_are_not_finite,
          UNIT_LOOP(interval_covers_the_median, 0, 4),
          UNIT_LOOP(launches_are_the_observations, 0, 5), launches_that_are_alike_cost_no_coverage,
          UNIT_LOOP(few_launches_widen_the_interval, 2, 6),
          interval_holds_the_median_of_unequal_launches, order_of_samples_does_not_matter,
          quantiles, karp_flatt_recovers_the_serial_fraction,
          amdahl_fit_recovers_the_serial_fraction, amdahl_fit_is_least_squares,
          amdahl_fit_of_odd_points)
