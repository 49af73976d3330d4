/* Estimates: exact small cases. Whether intervals hold the truth is tried in test_coverage.c. */
#include "base/rng.h"
#include "simulate.h"
#include "stats/dip.h"
#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdint.h>

enum { SEED = 20240229 };

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
    /* [8, 14] covers 1 - 2/2^6 = 0.96875, [10, 13] covers 0.78125: (0.96875 - 0.95) / 0.1875 = 0.1
     * of the way in coverage is 5 * 0.1 / (1 + 4 * 0.1) = 5/14 of the way in length. */
    ck_assert_double_eq_tol(e.median_ci.low, 8 + 2 * 5.0 / 14, 1e-9);
    ck_assert_double_eq_tol(e.median_ci.high, 14 - 5.0 / 14, 1e-9);
    ck_assert_double_eq(e.median, 11.5);
    ck_assert_int_eq(e.method, STATS_RANKS);
    ck_assert_double_eq_tol(stats_relative_halfwidth(&e), (6 - 3 * 5.0 / 14) / 2 / 11.5, 1e-9);
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

START_TEST(interval_lies_between_pairs_of_ranks)
{
    double values[1000];
    for (int i = 0; i < 1000; i++)
        values[i] = i + 1;
    for (size_t n = 6; n <= 1000; n++) {
        size_t low, high;
        ck_assert(stats_median_ranks(n, 0.95, &low, &high));
        struct estimate e = stats_estimate(values, NULL, n);
        ck_assert_double_ge(e.median_ci.low, (double)low);
        ck_assert_double_lt(e.median_ci.low, (double)low + 1);
        ck_assert_double_eq_tol(e.median_ci.low + e.median_ci.high, (double)n + 1, 1e-9);
        struct estimate wide = stats_estimate_at(values, NULL, n, 0.99);
        ck_assert(wide.median_ci.known == (n >= 8));
        if (wide.median_ci.known)
            ck_assert_double_lt(wide.median_ci.low, e.median_ci.low);
    }
}
END_TEST

START_TEST(confidence_needs_so_many)
{
    ck_assert_uint_eq(stats_least_for(0.95), STATS_LEAST_FOR_INTERVAL);
    ck_assert_uint_eq(stats_least_for(0.5), 2);
    ck_assert_uint_eq(stats_least_for(0.75), 3);
    ck_assert_uint_eq(stats_least_for(1 - 1e-5), 18);
    ck_assert_uint_eq(stats_least_for(1), 0);
    ck_assert_uint_eq(stats_least_for(NAN), 0);
    double values[18];
    for (int i = 0; i < 18; i++)
        values[i] = i;
    ck_assert(stats_estimate_at(values, NULL, 18, 1 - 1e-5).median_ci.known);
    ck_assert(!stats_estimate_at(values, NULL, 17, 1 - 1e-5).median_ci.known);
    ck_assert(!stats_estimate_at(values, NULL, 18, 1).median_ci.known);
    ck_assert(!stats_estimate_at(values, NULL, 18, NAN).median_ci.known);
    ck_assert(!stats_estimate_at(values, NULL, 18, -1).median_ci.known);
    /* No confidence at all is the median. */
    struct estimate e = stats_estimate_at(values, NULL, 17, 0);
    ck_assert_double_eq(e.median_ci.low, e.median);
    ck_assert_double_eq(e.median_ci.high, e.median);
}
END_TEST

/* n_launches of 10 values each, alike but for the launches' shifts. */
static size_t shifted(int n_launches, const double *shifts, double *values, int *launches)
{
    static const double within[] = {-9, 7, -5, 3, -1, 1, -3, 5, -7, 9};
    size_t n = 0;
    for (int l = 0; l < n_launches; l++)
        for (int r = 0; r < 10; r++, n++) {
            values[n] = 1000 + shifts[l] + within[r];
            launches[n] = l;
        }
    return n;
}

START_TEST(launches_choose_the_method)
{
    static const double none[6] = {0}, differ[] = {0, 30, 60, 90, 120, 150};
    double values[60];
    int launches[60];
    for (int k = 1; k <= 6; k++) {
        size_t n = shifted(k, none, values, launches);
        struct estimate e = stats_estimate(values, launches, n);
        ck_assert_int_eq(e.method, k < 6 ? STATS_RANKS : STATS_LAUNCHES);
        ck_assert(isnan(stats_coverage(&e)) == (k == 1)); /* it knows of no other */
        ck_assert_int_eq(stats_coverage(&e) < 0.95, k > 1 && k < 6);
        n = shifted(k, differ, values, launches);
        e = stats_estimate(values, launches, n);
        ck_assert_int_eq(e.method, k == 1 ? STATS_RANKS : k < 6 ? STATS_BOOTSTRAP : STATS_LAUNCHES);
        if (k > 1) {
            /* However the launches lie, all their medians are inside, and for times 0 is not. */
            ck_assert_double_le(e.median_ci.low, k < 6 ? e.launch_low : e.median);
            ck_assert_double_ge(e.median_ci.high, k < 6 ? e.launch_high : e.median);
            ck_assert_double_gt(e.median_ci.low, 0);
        }
    }
    ck_assert_double_nan(stats_coverage(&(struct estimate){0}));
}
END_TEST

/* Two launches 100 apart: the median is drawn from the lower, from between, from the upper one with
 * 1/4, 1/2, 1/4; its standard error is half of the distance, and t of one degree of freedom 12.7.
 */
START_TEST(two_launches_that_differ_tell_little)
{
    static const double apart[] = {0, 100};
    double values[20];
    int launches[20];
    size_t n = shifted(2, apart, values, launches);
    for (size_t i = 0; i < n; i++)
        values[i] -= 2000; /* below 0: no logarithms */
    struct estimate e = stats_estimate(values, launches, n);
    ck_assert_double_eq(e.median, -950);
    ck_assert_double_eq_tol((e.median_ci.high - e.median_ci.low) / 2, 12.706 * 50, 12.706 * 10);
    /* Up to infinity is no interval. */
    for (size_t i = 0; i < n; i++)
        values[i] += 2000;
    e = stats_estimate_at(values, launches, n, 1 - 1e-5);
    ck_assert(!e.median_ci.known);
    ck_assert_int_eq(e.method, STATS_NO_INTERVAL);
}
END_TEST

START_TEST(few_launches_ask_for_much)
{
    /* Six launches cannot give 99 % by rank: with few they share what is left to do. */
    static const double none[6] = {0}, differ[] = {0, 30, 60, 90, 120, 150};
    double values[60];
    int launches[60];
    size_t n = shifted(6, none, values, launches);
    ck_assert_int_eq(stats_estimate_at(values, launches, n, 0.99).method, STATS_RANKS);
    n = shifted(6, differ, values, launches);
    struct estimate e = stats_estimate_at(values, launches, n, 0.99),
                    again = stats_estimate_at(values, launches, n, 0.99);
    ck_assert_int_eq(e.method, STATS_BOOTSTRAP);
    ck_assert_double_lt(e.median_ci.low, stats_estimate(values, launches, n).median_ci.low);
    ck_assert_double_eq(e.median_ci.low, again.median_ci.low);
}
END_TEST

START_TEST(equal_values_have_no_width)
{
    double sevens[60];
    int launches[60];
    for (int k = 1; k <= 10; k++) {
        for (int i = 0; i < 60; i++) {
            sevens[i] = 7;
            launches[i] = i % k;
        }
        struct estimate e = stats_estimate(sevens, launches, 60);
        ck_assert_double_eq(e.median_ci.low, 7);
        ck_assert_double_eq(e.median_ci.high, 7);
        struct ratio r = stats_ratio(sevens, launches, 60, sevens, launches, 60, 0.95);
        ck_assert_double_eq(r.ci.low, 1);
        ck_assert_double_eq(r.ci.high, 1);
        struct diagnosis d = stats_diagnose(sevens, launches, 60);
        ck_assert(k == 1 ? isnan(d.p_launches) : d.p_launches == 1);
        ck_assert_double_eq(d.p_drift, 1);
        ck_assert_double_eq(d.p_modes, 1);
        ck_assert_double_nan(d.p_normal);
    }
}
END_TEST

START_TEST(ratio_of_two_sets)
{
    double a[30], b[30];
    for (int i = 0; i < 30; i++) {
        a[i] = 100 + i;
        b[i] = 3 * a[i];
    }
    struct ratio r = stats_ratio(a, NULL, 30, b, NULL, 30, 0.95),
                 back = stats_ratio(b, NULL, 30, a, NULL, 30, 0.95);
    ck_assert_double_eq_tol(r.ratio, 3, 1e-12);
    ck_assert(r.ci.known);
    ck_assert_double_lt(r.ci.low, 3);
    ck_assert_double_gt(r.ci.high, 3);
    ck_assert_uint_eq(r.units_a, 30);
    ck_assert_int_eq(r.method, STATS_RANKS);
    ck_assert_double_eq_tol(back.ci.low, 1 / r.ci.high, 1e-12);
    ck_assert_double_eq_tol(back.ci.high, 1 / r.ci.low, 1e-12);
    /* Wider than either alone, narrower than both one after the other. */
    struct estimate e = stats_estimate(a, NULL, 30);
    ck_assert_double_lt(r.ci.low, 3 * e.median_ci.low / e.median);
    ck_assert_double_gt(r.ci.low, 3 * e.median_ci.low / e.median_ci.high);
    ck_assert_double_lt(stats_ratio(a, NULL, 30, b, NULL, 30, 0.999).ci.low, r.ci.low);
}
END_TEST

START_TEST(ratio_where_there_is_none)
{
    const double few[] = {1, 2, 3, 4, 5}, zero[] = {0, 1, 2, 3, 4, 5, 6}, poison[] = {1, NAN},
                 more[] = {1, 2, 3, 4, 5, 6, 7};
    struct ratio r = stats_ratio(few, NULL, 5, more, NULL, 7, 0.95);
    ck_assert_double_eq_tol(r.ratio, 4.0 / 3, 1e-12);
    ck_assert(!r.ci.known);
    ck_assert_double_nan(r.ci.low);
    ck_assert_int_eq(r.method, STATS_NO_INTERVAL);
    ck_assert_uint_eq(r.units_a, 5);
    ck_assert(stats_ratio(more, NULL, 7, more, NULL, 7, 0.95).ci.known);
    ck_assert(!stats_ratio(more, NULL, 7, more, NULL, 7, 0.99).ci.known);
    ck_assert_double_nan(stats_ratio(few, NULL, 0, more, NULL, 7, 0.95).ratio);
    ck_assert_double_nan(stats_ratio(more, NULL, 7, zero, NULL, 7, 0.95).ratio);
    ck_assert_double_nan(stats_ratio(poison, NULL, 2, more, NULL, 7, 0.95).ratio);
}
END_TEST

/* Twice the dip is how much more mass two intervals can hold than one can, less the same price for
 * their length (Mueller & Sawitzki, J. Am. Stat. Assoc. 86 (1991) 738-746): by trying them all. */
static double dip_by_trying(const double *x, int n)
{
    double most = 1;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            for (int count = 1; count <= n; count++) {
                double price = count / (x[j] - x[i]), one = 0, two = 0;
                for (int a = 0; a < n; a++)
                    for (int b = a; b < n; b++) {
                        double first = b - a + 1 - price * (x[b] - x[a]);
                        one = fmax(one, first);
                        for (int c = b + 1; c < n; c++)
                            for (int d = c; d < n; d++)
                                two = fmax(two, first + d - c + 1 - price * (x[d] - x[c]));
                    }
                most = fmax(most, two - one);
            }
    return most / (2 * n);
}

START_TEST(dip_is_the_excess_of_two_humps)
{
    struct rng rng;
    rng_seed(&rng, SEED);
    for (int study = 0; study < 60; study++) {
        int n = 4 + study % 5;
        double x[8] = {0};
        for (int i = 0; i < n; i++) {
            double value = study % 3 ? uniform(&rng) : two_humps(&rng);
            int at = i;
            for (; at > 0 && x[at - 1] > value; at--)
                x[at] = x[at - 1];
            x[at] = value;
        }
        ck_assert_double_eq_tol(dip_of(x, (size_t)n), dip_by_trying(x, n), 1e-9);
    }
}
END_TEST

START_TEST(dip_of_known_shapes)
{
    double even[1000], halves[1000];
    for (int i = 0; i < 1000; i++) {
        even[i] = i;
        halves[i] = i < 500 ? i : 1000000 + i;
    }
    ck_assert_double_eq_tol(dip_of(even, 1000), 0.0005, 1e-9);
    ck_assert_double_eq_tol(dip_of(halves, 1000), 0.25, 0.001);
    ck_assert_double_eq(dip_p_value(0.0005, 1000), 1);
    ck_assert_double_lt(dip_p_value(0.25, 1000), 1e-9);
    ck_assert_double_eq_tol(dip_p_value(0.5591 / 10, 100), 0.02, 0.002);
    /* Falls as the dip grows, within the table and beyond, at every size. */
    for (size_t n = DIP_LEAST; n < 3000000; n = n * 3 / 2)
        for (double scaled = 0.2, last = 1; scaled < 1.5; scaled += 0.01) {
            double p = dip_p_value(scaled / sqrt((double)n), n);
            ck_assert_double_le(p, last);
            ck_assert(p > 0 && p <= 1);
            last = p;
        }
}
END_TEST

START_TEST(diagnosis_of_plain_cases)
{
    static const double apart[] = {0, 30, 60};
    double values[60];
    int launches[60];
    size_t n = shifted(3, apart, values, launches);
    struct diagnosis d = stats_diagnose(values, launches, n);
    /* Ranks 1-10, 11-20, 21-30: H = 12/(30 31) (55² + 155² + 255²)/10 - 3 31 = 25.81, 2 freedoms.
     */
    ck_assert_double_eq_tol(d.p_launches, exp(-25.806451612903 / 2), 1e-12);
    ck_assert_double_gt(d.p_drift, 0.1); /* launches that grow are no drift within one */
    ck_assert_double_nan(stats_diagnose(values, NULL, n).p_launches);
    /* 1 ... 12: all 66 pairs ascend; variance 12 11 29 / 18. */
    for (int i = 0; i < 60; i++)
        values[i] = i;
    d = stats_diagnose(values, NULL, 12);
    ck_assert_double_eq_tol(d.p_drift, erfc(65 / sqrt(12 * 11 * 29 / 18.0) / sqrt(2)), 1e-12);
    ck_assert_double_gt(d.p_modes, 0.9);
    /* Three launches of 4, each ascending: 18 pairs, variance 3 4 3 13 / 18. */
    for (int i = 0; i < 12; i++) {
        launches[i] = i % 3;
        values[i] = i / 3 + 100.0 * (i % 3);
    }
    d = stats_diagnose(values, launches, 12);
    ck_assert_double_eq_tol(d.p_drift, erfc(17 / sqrt(3 * 4 * 3 * 13 / 18.0) / sqrt(2)), 1e-12);
    /* Too few to tell. */
    d = stats_diagnose(values, launches, 5);
    ck_assert_double_nan(d.p_launches);
    ck_assert_double_nan(d.p_drift);
    ck_assert_double_nan(d.p_modes);
    ck_assert_double_nan(d.p_normal);
    values[3] = NAN;
    ck_assert_double_nan(stats_diagnose(values, launches, 12).p_drift);
    ck_assert_double_nan(stats_diagnose(values, launches, 0).p_drift);
}
END_TEST

/* Two exact values far apart are two humps; neighbours on a coarse clock are one. */
START_TEST(ties_of_a_clock_are_no_humps)
{
    double far[40], near[40], odd[40];
    for (int i = 0; i < 40; i++) {
        far[i] = i % 2 ? 10 : 20;
        near[i] = i % 2 ? 1000 : 1001;
        odd[i] = 1000 + (i % 20 == 0 ? 30 : i % 3);
    }
    ck_assert_double_lt(stats_diagnose(far, NULL, 40).p_modes, 1e-4);
    ck_assert_double_gt(stats_diagnose(near, NULL, 40).p_modes, 0.5);
    ck_assert_double_gt(stats_diagnose(odd, NULL, 40).p_modes, 0.05);
}
END_TEST

START_TEST(several_quantiles_by_one_sort)
{
    const double values[] = {40, 10, 30, 20}, ps[] = {0, 0.5, 0.9, 1, -0.1, NAN};
    double quantiles[6];
    stats_quantiles(values, 4, ps, 6, quantiles);
    ck_assert_double_eq(quantiles[0], 10);
    ck_assert_double_eq(quantiles[1], 25);
    ck_assert_double_eq_tol(quantiles[2], 37, 1e-12);
    ck_assert_double_eq(quantiles[3], 40);
    ck_assert_double_nan(quantiles[4]);
    ck_assert_double_nan(quantiles[5]);
    stats_quantiles(values, 0, ps, 6, quantiles);
    ck_assert_double_nan(quantiles[1]);
    ck_assert_double_eq(stats_median(values, 4), 25);
    ck_assert_double_nan(stats_median(values, 0));
}
END_TEST

/* What gsl_stats_mad0 and a full sort would find. */
START_TEST(figures_of_many_agree_with_their_definitions)
{
    struct rng rng;
    rng_seed(&rng, SEED);
    for (size_t n = 1; n < 200; n++) {
        double values[200], deviations[200];
        for (size_t i = 0; i < n; i++)
            values[i] = n % 3 ? normal(&rng) : (double)rng_below(&rng, 5);
        struct estimate e = stats_estimate(values, NULL, n);
        ck_assert_double_eq(e.median, stats_median(values, n));
        for (size_t i = 0; i < n; i++)
            deviations[i] = fabs(values[i] - e.median);
        ck_assert_double_eq_tol(e.mad, stats_median(deviations, n), 1e-15);
    }
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
    ck_assert_double_ge(e.median_ci.low, 11);
    ck_assert_double_lt(e.median_ci.low, 12);
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
    draw_launches(&rng, 5, 12, &distributions[0], &effects[0], 1, values, launches);
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
          interval_lies_between_pairs_of_ranks, confidence_needs_so_many,
          launches_choose_the_method, two_launches_that_differ_tell_little,
          few_launches_ask_for_much, equal_values_have_no_width, ratio_of_two_sets,
          ratio_where_there_is_none, dip_is_the_excess_of_two_humps, dip_of_known_shapes,
          diagnosis_of_plain_cases, ties_of_a_clock_are_no_humps, several_quantiles_by_one_sort,
          figures_of_many_agree_with_their_definitions,
          interval_holds_the_median_of_unequal_launches, order_of_samples_does_not_matter,
          quantiles, karp_flatt_recovers_the_serial_fraction,
          amdahl_fit_recovers_the_serial_fraction, amdahl_fit_is_least_squares,
          amdahl_fit_of_odd_points)
