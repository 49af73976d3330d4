/* What a sample looks like: see stats_diagnose in stats.h. Each test is cheap beside a sort, and
 * none is alarmed by values that are all equal, nor by a clock that ticks coarsely.
 */
#include "stats/stats.h"

#include "base/alloc.h"
#include "stats/dip.h"
#include "stats/samples.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A launch says something of launches, or of time, from this many values on. */
enum { LEAST_OF_LAUNCH = 3, LEAST_FOR_DRIFT = 6, LEAST_FOR_NORMAL = 8 };

/* No clock that is fit for timing ticks more coarsely than this share of what it times: what lies
 * further apart are two values, not one between two ticks. */
static const double COARSEST_TICK = 0.05;

/* Mann & Kendall's test for a trend, one statistic for all launches: the sum over launches of
 * concordant less discordant pairs, so that launches that differ are no trend. Ties reduce the
 * variance (Kendall, Rank Correlation Methods). */
static double p_drift(const struct samples *s)
{
    double sum = 0, variance = 0;
    size_t n = 0;
    for (size_t l = 0; l < s->n_launches; l++) {
        const double *launch = s->grouped + s->starts[l];
        size_t size = s->starts[l + 1] - s->starts[l];
        if (size < LEAST_OF_LAUNCH)
            continue;
        double m = (double)size, tied_pairs = 0;
        n += size;
        variance += m * (m - 1) * (2 * m + 5) / 18;
        for (size_t i = 0, end; i < size; i = end) {
            for (end = i + 1; end < size && launch[end] == launch[i];)
                end++;
            double t = (double)(end - i);
            tied_pairs += t * (t - 1) / 2;
            variance -= t * (t - 1) * (2 * t + 5) / 18;
        }
        sum += m * (m - 1) / 2 - tied_pairs - 2 * s->discordant[l];
    }
    if (n < LEAST_FOR_DRIFT)
        return NAN;
    /* The sum moves in steps of 2 where nothing is tied: half of one is the usual correction. */
    double far = fabs(sum) - 1;
    return far > 0 && variance > 0 ? 2 * gsl_cdf_ugaussian_Q(far / sqrt(variance)) : 1;
}

/* Spreads values that are equal evenly over a tick of the clock, the smallest distance between two
 * that differ: they are equal because the clock is coarse. */
static void spread_ties(double *sorted, size_t n)
{
    double tick = INFINITY, median = fabs(samples_median(sorted, n));
    for (size_t i = 1; i < n; i++)
        if (sorted[i] > sorted[i - 1])
            tick = fmin(tick, sorted[i] - sorted[i - 1]);
    if (median > 0)
        tick = fmin(tick, COARSEST_TICK * median);
    for (size_t i = 0, end; i < n; i = end) {
        double value = sorted[i];
        for (end = i + 1; end < n && sorted[end] == value;)
            end++;
        double t = (double)(end - i);
        for (size_t j = i; j < end; j++)
            sorted[j] = value + tick * (((double)(j - i) + 0.5) / t - 0.5);
    }
}

static double p_modes(const struct samples *s)
{
    if (s->n < DIP_LEAST)
        return NAN;
    if (s->sorted[0] == s->sorted[s->n - 1])
        return 1;
    double *spread = alloc_zeroed(s->n, sizeof *spread);
    memcpy(spread, s->sorted, s->n * sizeof *spread);
    spread_ties(spread, s->n);
    double p = dip_p_value(dip_of(spread, s->n), s->n);
    free(spread);
    return p;
}

/* Anderson & Darling's test with mean and deviation estimated; p-values by D'Agostino & Stephens,
 * Goodness-of-Fit Techniques (1986), table 4.9. */
static double p_normal(const struct samples *s)
{
    double n = (double)s->n;
    if (s->n < LEAST_FOR_NORMAL || s->sorted[0] == s->sorted[s->n - 1])
        return NAN;
    double mean = gsl_stats_mean(s->sorted, 1, s->n), sd = gsl_stats_sd_m(s->sorted, 1, s->n, mean),
           sum = 0;
    if (!(sd > 0))
        return NAN;
    for (size_t i = 0; i < s->n; i++) {
        /* Far out the logarithm is kept finite: such a sample is not normal anyway. */
        double below = gsl_cdf_ugaussian_P((s->sorted[i] - mean) / sd),
               above = gsl_cdf_ugaussian_Q((s->sorted[s->n - 1 - i] - mean) / sd);
        sum += (2 * (double)i + 1) * (log(fmax(below, 1e-300)) + log(fmax(above, 1e-300)));
    }
    double a = (-n - sum / n) * (1 + 0.75 / n + 2.25 / (n * n));
    if (a < 0.2)
        return 1 - exp(-13.436 + 101.14 * a - 223.73 * a * a);
    if (a < 0.34)
        return 1 - exp(-8.318 + 42.796 * a - 59.938 * a * a);
    if (a < 0.6)
        return exp(0.9177 - 4.279 * a - 1.38 * a * a);
    /* The parabola turns upward at a = 153: nothing is that far from normal with p above 0. */
    return a < 100 ? exp(1.2937 - 5.709 * a + 0.0186 * a * a) : 0;
}

struct diagnosis stats_diagnose(const double *values, const int *launches, size_t n)
{
    struct diagnosis d = {NAN, NAN, NAN, NAN};
    if (n == 0 || !samples_are_finite(values, n))
        return d;
    struct samples s;
    samples_init(&s, values, launches, n);
    d.p_launches = samples_p_launches(&s, LEAST_OF_LAUNCH);
    d.p_drift = p_drift(&s);
    d.p_modes = p_modes(&s);
    d.p_normal = p_normal(&s);
    samples_release(&s);
    return d;
}
