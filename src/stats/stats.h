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

struct estimate {
    size_t n;
    size_t n_launches;
    double median, mean, mad, min, max; /* mad: median absolute deviation from the median, unscaled.
                                           NaN when n = 0 or a value is not finite */
    struct interval median_ci;          /* 95 % */
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
