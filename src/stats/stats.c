/* Estimates with intervals: see stats.h.
 *
 * Design: every function works on a sorted copy of its own, since the caller's values stand in the
 * order in which they were measured. GSL aborts the program on a domain error, so each call is
 * preceded by the check that makes one impossible.
 */
#include "stats/stats.h"

#include "base/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double CONFIDENCE = 0.95;

static const struct interval UNKNOWN = {NAN, NAN, false};

static bool all_finite(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static double *sorted_copy(const double *values, size_t n)
{
    double *copy = alloc_zeroed(n, sizeof *copy);
    memcpy(copy, values, n * sizeof *copy);
    gsl_sort(copy, 1, n);
    return copy;
}

bool stats_median_ranks(size_t n, double confidence, size_t *low, size_t *high)
{
    if (n == 0 || n > UINT_MAX || !(confidence >= 0) || confidence >= 1)
        return false;
    /* The pair (l, n+1-l) misses the median with probability 2 P(B <= l-1), B binomial (n, 1/2),
     * which grows with l: find the largest l that stays within the allowed risk. The factor
     * forgives the rounding of the distribution where the risk is met exactly. */
    double risk = (1 - confidence) * (1 + 1e-12);
    size_t fits = 0, above = (n + 1) / 2 + 1;
    while (above - fits > 1) {
        size_t l = fits + (above - fits) / 2;
        if (2 * gsl_cdf_binomial_P((unsigned)(l - 1), 0.5, (unsigned)n) <= risk)
            fits = l;
        else
            above = l;
    }
    if (fits == 0)
        return false;
    *low = fits;
    *high = n + 1 - fits;
    return true;
}

const char *stats_method_name(enum stats_method method)
{
    static const char *const names[] = {
        [STATS_NO_INTERVAL] = "",
        [STATS_RANKS] = "ranks",
        [STATS_LAUNCHES] = "launches",
        [STATS_BOOTSTRAP] = "bootstrap",
    };
    return names[method];
}

static struct interval median_interval(const double *sorted, size_t n, double confidence)
{
    size_t low, high;
    if (!stats_median_ranks(n, confidence, &low, &high))
        return UNKNOWN;
    return (struct interval){sorted[low - 1], sorted[high - 1], true};
}

static void widen(struct interval *interval, double low, double high)
{
    interval->low = fmin(interval->low, low);
    interval->high = fmax(interval->high, high);
}

struct labelled {
    int launch;
    double value;
};

static int compare_launches(const void *a, const void *b)
{
    const struct labelled *x = a, *y = b;
    return (x->launch > y->launch) - (x->launch < y->launch);
}

/* The medians of the launches, sorted, to be freed; launches may be NULL: all one. n >= 1. */
static double *launch_medians(const double *values, const int *launches, size_t n,
                              size_t *n_medians)
{
    struct labelled *samples = alloc_zeroed(n, sizeof *samples);
    double *grouped = alloc_zeroed(n, sizeof *grouped), *medians = alloc_zeroed(n, sizeof *medians);
    for (size_t i = 0; i < n; i++)
        samples[i] = (struct labelled){launches ? launches[i] : 0, values[i]};
    qsort(samples, n, sizeof *samples, compare_launches);
    for (size_t i = 0; i < n; i++)
        grouped[i] = samples[i].value;
    *n_medians = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && samples[end].launch == samples[first].launch;)
            end++;
        gsl_sort(grouped + first, 1, end - first);
        medians[(*n_medians)++] =
            gsl_stats_median_from_sorted_data(grouped + first, 1, end - first);
    }
    gsl_sort(medians, 1, *n_medians);
    free(grouped);
    free(samples);
    return medians;
}

struct estimate stats_estimate(const double *values, const int *launches, size_t n)
{
    return stats_estimate_at(values, launches, n, CONFIDENCE);
}

struct estimate stats_estimate_at(const double *values, const int *launches, size_t n,
                                  double confidence)
{
    struct estimate e = {
        .n = n,
        .median = NAN,
        .mean = NAN,
        .mad = NAN,
        .min = NAN,
        .max = NAN,
        .median_ci = UNKNOWN,
        .launch_low = NAN,
        .launch_high = NAN,
    };
    if (n == 0)
        return e;
    double *medians = launch_medians(values, launches, n, &e.n_launches);
    if (all_finite(values, n)) {
        double *sorted = sorted_copy(values, n), *work = alloc_zeroed(n, sizeof *work);
        e.median = gsl_stats_median_from_sorted_data(sorted, 1, n);
        e.mean = gsl_stats_mean(sorted, 1, n);
        e.mad = gsl_stats_mad0(sorted, 1, n, work);
        e.min = sorted[0];
        e.max = sorted[n - 1];
        e.launch_low = medians[0];
        e.launch_high = medians[e.n_launches - 1];
        if (e.n_launches >= STATS_LEAST_FOR_INTERVAL) {
            e.median_ci = median_interval(medians, e.n_launches, confidence);
            e.method = e.median_ci.known ? STATS_LAUNCHES : STATS_NO_INTERVAL;
            widen(&e.median_ci, e.median, e.median);
        } else if (n >= STATS_LEAST_FOR_INTERVAL) {
            e.median_ci = median_interval(sorted, n, confidence);
            e.method = e.median_ci.known ? STATS_RANKS : STATS_NO_INTERVAL;
            widen(&e.median_ci, e.launch_low, e.launch_high);
        }
        free(work);
        free(sorted);
    }
    free(medians);
    return e;
}

double stats_relative_halfwidth(const struct estimate *e)
{
    if (!e->median_ci.known)
        return INFINITY;
    double half = (e->median_ci.high - e->median_ci.low) / 2;
    /* Equal values are exact even where they are 0. */
    return half == 0 ? 0 : half / fabs(e->median);
}

double stats_quantile(const double *values, size_t n, double p)
{
    if (n == 0 || !(p >= 0 && p <= 1) || !all_finite(values, n))
        return NAN;
    double *sorted = sorted_copy(values, n);
    double quantile = gsl_stats_quantile_from_sorted_data(sorted, 1, n, p);
    free(sorted);
    return quantile;
}

/* Provisional. */
struct ratio stats_ratio(const double *a, const int *launches_a, size_t n_a, const double *b,
                         const int *launches_b, size_t n_b, double confidence)
{
    struct estimate x = stats_estimate_at(a, launches_a, n_a, 1 - (1 - confidence) / 2),
                    y = stats_estimate_at(b, launches_b, n_b, 1 - (1 - confidence) / 2);
    return (struct ratio){.ratio = y.median / x.median,
                          .ci = {y.median_ci.low / x.median_ci.high,
                                 y.median_ci.high / x.median_ci.low,
                                 x.median_ci.known && y.median_ci.known},
                          .method = STATS_RANKS,
                          .units_a = n_a,
                          .units_b = n_b};
}

/* Provisional. */
struct diagnosis stats_diagnose(const double *values, const int *launches, size_t n)
{
    (void)values, (void)launches, (void)n;
    return (struct diagnosis){NAN, NAN, NAN};
}

double stats_karp_flatt(double speedup, double workers)
{
    if (!(workers > 1) || !(speedup > 0))
        return NAN;
    return (1 / speedup - 1 / workers) / (1 - 1 / workers);
}

double stats_amdahl_fit(const double *workers, const double *speedups, size_t n)
{
    /* 1/S - 1/P = s (1 - 1/P): a line through the origin. */
    double *x = alloc_zeroed(n, sizeof *x), *y = alloc_zeroed(n, sizeof *y);
    double fraction = NAN, cov, residuals;
    bool informs = false, sound = true;
    for (size_t i = 0; i < n; i++) {
        sound = sound && workers[i] >= 1 && speedups[i] > 0;
        x[i] = 1 - 1 / workers[i];
        y[i] = 1 / speedups[i] - 1 / workers[i];
        informs = informs || x[i] > 0;
    }
    if (sound && informs) {
        gsl_fit_mul(x, 1, y, 1, n, &fraction, &cov, &residuals);
        fraction = fmin(1, fmax(0, fraction));
    }
    free(y);
    free(x);
    return fraction;
}
