/* Estimates with intervals. All times in the unit they come in; no global state.
 *
 * Source: Le Boudec, "Performance Evaluation of Computer and Communication Systems", 2010 (interval
 * of the median from order statistics); Hoefler & Belli, SC15 (rules 5-8); Kalibera & Jones, ISMM
 * 2013 (launches before repetitions).
 */
#ifndef POOLMARK_STATS_STATS_H
#define POOLMARK_STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* Fewer samples than this give no interval at 95 %: the widest one, [min, max] of 5, covers the
 * median with probability 1 - 2/2^5 = 93.75 %. */
enum { STATS_LEAST_FOR_INTERVAL = 6 };

struct interval {
    double low, high;
    bool known; /* false: too few samples; low and high are then NaN */
};

/* What an interval was made of. */
enum stats_method {
    STATS_NO_INTERVAL,
    STATS_RANKS,     /* order statistics of all samples */
    STATS_LAUNCHES,  /* order statistics of the launches' medians */
    STATS_BOOTSTRAP, /* launches drawn again, then repetitions within them */
};

const char *stats_method_name(enum stats_method method); /* "ranks", "launches", "bootstrap", "" */

struct estimate {
    size_t n;
    size_t n_launches;
    double median, mean, mad, min, max; /* mad: median absolute deviation from the median, unscaled.
                                           NaN when n = 0 or a value is not finite */
    struct interval median_ci;
    enum stats_method method;           /* of median_ci */
    double launch_low, launch_high;     /* smallest and largest median of a launch; NaN likewise */
};

/* Ranks (from 1) of the two order statistics of n samples that enclose the median with probability
 * at least `confidence`: the narrowest symmetric pair by the binomial distribution. For n = 100 and
 * 0.95: 40 and 61. Returns false when no pair does. */
bool stats_median_ranks(size_t n, double confidence, size_t *low, size_t *high);

/* Estimates from values[n]; launches[n] tells which launch each comes from (any numbers; NULL: all
 * one).
 *
 * The interval, launches first: with at least STATS_LEAST_FOR_INTERVAL launches the medians of the
 * launches are the independent observations, and the interval, that of their order statistics, is
 * for the median of a typical launch; it is widened to hold the median of all samples should that
 * lie outside (launches of unequal size). With fewer launches it is that of all samples, widened to
 * hold the median of every launch. This covers 95 % when launches are alike. Where they differ by
 * more than repetitions do, k launches cover no more than about 1 - 2/2^k (50 % for 2, 75 % for 3,
 * 87.5 % for 4, 93.75 % for 5), which no rank interval can better: whoever prints it says how many
 * launches it rests on.
 *
 * A value that is not finite leaves all figures NaN and the interval unknown (n and n_launches
 * count it all the same): which samples count is for the caller to decide, and to say. */
struct estimate stats_estimate(const double *values, const int *launches, size_t n);

/* The same with intervals of another confidence, for tables that compare many. */
struct estimate stats_estimate_at(const double *values, const int *launches, size_t n,
                                  double confidence);

/* How many times b[n_b] takes as long as a[n_a], two sets that were not taken side by side; all
 * values above 0. */
struct ratio {
    double ratio; /* NaN when one of them is empty or a value is not above 0 */
    struct interval ci;
    enum stats_method method;
    size_t units_a, units_b; /* independent observations that the interval rests on */
};

struct ratio stats_ratio(const double *a, const int *launches_a, size_t n_a, const double *b,
                         const int *launches_b, size_t n_b, double confidence);

/* What a sample looks like: p-values of three tests, each small when its statement fails; NaN when
 * there are too few values to tell. values stand in the order in which they were taken. */
struct diagnosis {
    double p_launches; /* launches are alike */
    double p_drift;    /* no trend over time */
    double p_modes;    /* one mode */
};

struct diagnosis stats_diagnose(const double *values, const int *launches, size_t n);

/* Half the width of the interval relative to the median; infinity when there is no interval, or one
 * of some width about a median of 0. */
double stats_relative_halfwidth(const struct estimate *e);

/* The p-quantile (0..1) of values[n], by linear interpolation
 * (gsl_stats_quantile_from_sorted_data). NaN when n = 0, p lies outside or a value is not finite.
 */
double stats_quantile(const double *values, size_t n, double p);

/* Karp & Flatt's serial fraction: (1/S - 1/P) / (1 - 1/P). NaN for P <= 1 or S <= 0. */
double stats_karp_flatt(double speedup, double workers);

/* Amdahl's serial fraction s fitted by least squares on 1/S = s + (1-s)/P over points (P_i, S_i):
 * the fit is linear through (1/P = 1, 1/S = 1). NaN when no P differs from 1, or some
 * P is below 1 or some S not above 0. Clamped to [0, 1]. */
double stats_amdahl_fit(const double *workers, const double *speedups, size_t n);

#endif
