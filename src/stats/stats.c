/* Estimates with intervals: see stats.h.
 *
 * Design: every function works on sorted copies of its own (stats/samples.h), since the caller's
 * values stand in the order in which they were measured. GSL aborts the program on a domain error,
 * so each call is preceded by the check that makes one impossible.
 */
#include "stats/stats.h"

#include "base/alloc.h"
#include "stats/bootstrap.h"
#include "stats/samples.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

/* Two to five launches count as alike unless chance alone would make them differ as much with less
 * than this probability. A larger one would notice more of what makes intervals too narrow, and
 * widen more of those that are right: those of things that are alike hold the truth in more than
 * 96 % then. */
static const double P_ALIKE = 0.1;

static const struct interval UNKNOWN = {NAN, NAN, false};

/* What the ranks d and n + 1 - d miss the median with: 2 P(B <= d - 1), B binomial (n, 1/2). */
static double risk_of(size_t d, size_t n)
{
    return 2 * gsl_cdf_binomial_P((unsigned)(d - 1), 0.5, (unsigned)n);
}

bool stats_median_ranks(size_t n, double confidence, size_t *low, size_t *high)
{
    if (n == 0 || n > UINT_MAX || !(confidence >= 0) || confidence >= 1)
        return false;
    /* The risk grows with the rank: find the largest one that stays within what is allowed. The
     * factor forgives the rounding of the distribution where the risk is met exactly. */
    double risk = (1 - confidence) * (1 + 1e-12);
    size_t fits = 0, above = (n + 1) / 2 + 1;
    while (above - fits > 1) {
        size_t l = fits + (above - fits) / 2;
        if (risk_of(l, n) <= risk)
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

size_t stats_least_for(double confidence)
{
    if (!(confidence >= 0) || confidence >= 1)
        return 0;
    size_t n = 1;
    while (ldexp(2, -(int)n) > (1 - confidence) * (1 + 1e-12))
        n++;
    return n;
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

/* Where the interval of n values has its ends: *inward of the way from rank d to d + 1 at the low
 * end, likewise at the high one. The ranks d and n + 1 - d cover more than is asked for, the next
 * ones inside less: Hettmansperger & Sheather, Statist. Probab. Lett. 4 (1986) 75-79. */
static bool interval_ends(size_t n, double confidence, size_t *d, double *inward)
{
    size_t other;
    if (!stats_median_ranks(n, confidence, d, &other))
        return false;
    *inward = 0;
    if (*d + 1 <= n - *d) {
        double outer = risk_of(*d, n), inner = risk_of(*d + 1, n), from_low = (double)*d,
               from_high = (double)(n - *d);
        double share = fmax(0, (1 - confidence - outer) / (inner - outer));
        *inward = from_high * share / (from_low + (from_high - from_low) * share);
    }
    return true;
}

static struct interval median_interval(const double *sorted, size_t n, double confidence)
{
    size_t d;
    double inward;
    if (!interval_ends(n, confidence, &d, &inward))
        return UNKNOWN;
    const double *low = sorted + d - 1, *high = sorted + n - d;
    struct interval ci = {*low, *high, true};
    if (inward > 0) {
        ci.low += inward * (low[1] - low[0]);
        ci.high -= inward * (high[0] - high[-1]);
    }
    return ci;
}

static void widen(struct interval *interval, double low, double high)
{
    interval->low = fmin(interval->low, low);
    interval->high = fmax(interval->high, high);
}

/* The median of |value - median|: the deviations to the left and to the right of the median are
 * each in order already. */
static double deviation(const double *sorted, size_t n, double median)
{
    size_t right = samples_up_to(sorted, n, median), left = right;
    double last = 0, here = 0;
    for (size_t i = 0; i <= n / 2; i++) {
        last = here;
        bool from_left =
            left > 0 && (right == n || median - sorted[left - 1] <= sorted[right] - median);
        here = from_left ? median - sorted[--left] : sorted[right++] - median;
    }
    return n % 2 ? here : (last + here) / 2;
}

/* Launches that differ: the median and t times its standard error, by the hierarchical bootstrap.
 * k launches tell their spread with k - 1 degrees of freedom. Where all values are above 0, so is
 * the interval: errors are then relative. */
static struct interval bootstrap_interval(const struct samples *s, double median, double confidence)
{
    double t = gsl_cdf_tdist_Qinv((1 - confidence) / 2, (double)(s->n_launches - 1));
    double far = t * bootstrap_error(s, median);
    if (s->sorted[0] > 0)
        return (struct interval){median * exp(-far), median * exp(far), true};
    return (struct interval){median - far, median + far, true};
}

static void estimate_interval(struct estimate *e, const struct samples *s, double confidence,
                              double p_alike)
{
    if (s->n < STATS_LEAST_FOR_INTERVAL || !(confidence >= 0) || confidence >= 1)
        return;
    if (s->n_launches >= STATS_LEAST_FOR_INTERVAL) {
        double *medians = alloc_zeroed(s->n_launches, sizeof *medians),
               *scratch = alloc_zeroed(s->n_launches, sizeof *scratch);
        memcpy(medians, s->medians, s->n_launches * sizeof *medians);
        samples_sort(medians, s->n_launches, scratch);
        e->median_ci = median_interval(medians, s->n_launches, confidence);
        free(scratch);
        free(medians);
        if (e->median_ci.known) {
            e->method = STATS_LAUNCHES;
            widen(&e->median_ci, e->median, e->median);
            return;
        }
    }
    e->median_ci = median_interval(s->sorted, s->n, confidence);
    e->method = e->median_ci.known ? STATS_RANKS : STATS_NO_INTERVAL;
    /* NaN where there is one launch: no test. */
    if (samples_p_launches(s, 1) < p_alike) {
        struct interval wide = bootstrap_interval(s, e->median, confidence);
        if (e->median_ci.known)
            widen(&wide, e->median_ci.low, e->median_ci.high);
        /* Up to infinity says nothing: two launches, and confidence close to 1. */
        e->median_ci = isfinite(wide.high) ? wide : UNKNOWN;
        e->method = isfinite(wide.high) ? STATS_BOOTSTRAP : STATS_NO_INTERVAL;
    }
}

static size_t count_launches(const int *launches, size_t n)
{
    double *as_values = alloc_zeroed(n, sizeof *as_values);
    struct samples s;
    samples_init(&s, as_values, launches, n);
    size_t n_launches = s.n_launches;
    samples_release(&s);
    free(as_values);
    return n_launches;
}

static struct estimate estimate(const double *values, const int *launches, size_t n,
                                double confidence, double p_alike)
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
    if (!samples_are_finite(values, n)) {
        e.n_launches = count_launches(launches, n);
        return e;
    }
    struct samples s;
    samples_init(&s, values, launches, n);
    e.n_launches = s.n_launches;
    e.median = samples_median(s.sorted, n);
    e.mean = gsl_stats_mean(s.sorted, 1, n);
    e.mad = deviation(s.sorted, n, e.median);
    e.min = s.sorted[0];
    e.max = s.sorted[n - 1];
    gsl_stats_minmax(&e.launch_low, &e.launch_high, s.medians, 1, s.n_launches);
    estimate_interval(&e, &s, confidence, p_alike);
    samples_release(&s);
    return e;
}

struct estimate stats_estimate(const double *values, const int *launches, size_t n)
{
    return stats_estimate_at(values, launches, n, CONFIDENCE);
}

struct estimate stats_estimate_at(const double *values, const int *launches, size_t n,
                                  double confidence)
{
    return estimate(values, launches, n, confidence, P_ALIKE);
}

struct estimate stats_estimate_if(const double *values, const int *launches, size_t n,
                                  double confidence, double p_alike)
{
    return estimate(values, launches, n, confidence, p_alike);
}

double stats_p_launches(const double *values, const int *launches, size_t n)
{
    struct samples s;
    if (n == 0 || !samples_are_finite(values, n))
        return NAN;
    samples_init(&s, values, launches, n);
    double p = samples_p_launches(&s, 1);
    samples_release(&s);
    return p;
}

double stats_coverage(const struct estimate *e)
{
    /* The least that was seen over sizes of differences (tests/unit/test_coverage.c), by number of
     * launches. What is lacking are studies in which the difference was not noticed. */
    static const double differing[STATS_LEAST_FOR_INTERVAL] = {0, 0, 0.81, 0.86, 0.86, 0.86};
    if (!e->median_ci.known || e->n_launches < 2)
        return NAN;
    return e->n_launches < STATS_LEAST_FOR_INTERVAL ? differing[e->n_launches] : CONFIDENCE;
}

double stats_relative_halfwidth(const struct estimate *e)
{
    if (!e->median_ci.known)
        return INFINITY;
    double half = (e->median_ci.high - e->median_ci.low) / 2;
    /* Equal values are exact even where they are 0. */
    return half == 0 ? 0 : half / fabs(e->median);
}

/* How many independent observations an interval rests on. */
static size_t units_of(const struct estimate *e)
{
    return e->method == STATS_RANKS || e->method == STATS_NO_INTERVAL ? e->n : e->n_launches;
}

/* With how many degrees of freedom either half of an interval tells the error of its median.
 * Between two order statistics lie s of n + 1 spacings; of uniform values, and so of others as far
 * as they are uniform about the median, the square of their relative spread is (n + 1 - s) / (s (n
 * + 2)), which chi-square has with half its inverse. A half tells less than the whole, by a share
 * that was found by simulation. */
static double freedom_of(const struct estimate *e, double confidence)
{
    static const double HALF_TELLS = 0.65;
    size_t units = units_of(e), d;
    double n = (double)units, inward;
    if (e->method == STATS_BOOTSTRAP || !interval_ends(units, confidence, &d, &inward))
        return n - 1;
    double s = n + 1 - 2 * ((double)d + inward);
    return fmax(1, fmin(n - 1, HALF_TELLS * s * (n + 2) / (n + 1 - s) / 2));
}

/* Two independent errors, each given as the distance that t of its degrees of freedom makes of it,
 * together (Welch & Satterthwaite): their squares add, and so does what is known of them. */
static double together(double a, double freedom_a, double b, double freedom_b, double confidence)
{
    double tail = (1 - confidence) / 2, square_a = pow(a / gsl_cdf_tdist_Qinv(tail, freedom_a), 2),
           square_b = pow(b / gsl_cdf_tdist_Qinv(tail, freedom_b), 2), sum = square_a + square_b;
    if (!(sum > 0) || !isfinite(sum))
        return sum;
    double freedom =
        sum * sum / (square_a * square_a / freedom_a + square_b * square_b / freedom_b);
    return isfinite(freedom) ? sqrt(sum) * gsl_cdf_tdist_Qinv(tail, freedom) : hypot(a, b);
}

struct ratio stats_ratio(const double *a, const int *launches_a, size_t n_a, const double *b,
                         const int *launches_b, size_t n_b, double confidence)
{
    /* Two tests of launches, which together find a difference by chance as often as one. */
    return stats_ratio_if(a, launches_a, n_a, b, launches_b, n_b, confidence, P_ALIKE / 2);
}

struct ratio stats_ratio_if(const double *a, const int *launches_a, size_t n_a, const double *b,
                            const int *launches_b, size_t n_b, double confidence, double p_alike)
{
    struct estimate x = estimate(a, launches_a, n_a, confidence, p_alike),
                    y = estimate(b, launches_b, n_b, confidence, p_alike);
    struct ratio r = {
        .ratio = NAN, .ci = UNKNOWN, .units_a = units_of(&x), .units_b = units_of(&y)};
    if (!(x.min > 0 && y.min > 0))
        return r;
    r.ratio = y.median / x.median;
    if (!x.median_ci.known || !y.median_ci.known)
        return r;
    double of_x = freedom_of(&x, confidence), of_y = freedom_of(&y, confidence);
    double down = together(log(x.median_ci.high / x.median), of_x, log(y.median / y.median_ci.low),
                           of_y, confidence),
           up = together(log(x.median / x.median_ci.low), of_x, log(y.median_ci.high / y.median),
                         of_y, confidence);
    r.ci = (struct interval){r.ratio * exp(-down), r.ratio * exp(up), true};
    if (!isfinite(r.ci.high))
        r.ci = UNKNOWN;
    else
        r.method = x.method > y.method ? x.method : y.method;
    return r;
}

double stats_median(const double *values, size_t n)
{
    return stats_quantile(values, n, 0.5);
}

double stats_quantile(const double *values, size_t n, double p)
{
    double quantile;
    stats_quantiles(values, n, &p, 1, &quantile);
    return quantile;
}

void stats_quantiles(const double *values, size_t n, const double *ps, size_t n_ps,
                     double *quantiles)
{
    bool sound = n > 0 && samples_are_finite(values, n);
    double *sorted = NULL, *scratch = NULL;
    if (sound) {
        sorted = alloc_zeroed(n, sizeof *sorted);
        scratch = alloc_zeroed(n, sizeof *scratch);
        memcpy(sorted, values, n * sizeof *sorted);
        samples_sort(sorted, n, scratch);
    }
    for (size_t i = 0; i < n_ps; i++)
        quantiles[i] = sound && ps[i] >= 0 && ps[i] <= 1
                           ? gsl_stats_quantile_from_sorted_data(sorted, 1, n, ps[i])
                           : NAN;
    free(scratch);
    free(sorted);
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
