/* Estimates with intervals, and tests of what they assume. All times in the unit they come in; no
 * global state: the same samples always give the same figures.
 *
 * Sources: Le Boudec, "Performance Evaluation of Computer and Communication Systems", 2010, and
 * Hettmansperger & Sheather 1986 (interval of the median from order statistics); Hoefler & Belli,
 * SC15 (rules 5-8); Kalibera & Jones, ISMM 2013 (launches before repetitions). How often the
 * intervals hold the truth is measured in tests/unit/test_coverage.c and stands in
 * docs/measurement.md.
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
    enum stats_method method;       /* of median_ci */
    double launch_low, launch_high; /* smallest and largest median of a launch; NaN likewise */
};

/* Ranks (from 1) of the two order statistics of n samples that enclose the median with probability
 * at least `confidence`: the narrowest symmetric pair by the binomial distribution. For n = 100 and
 * 0.95: 40 and 61. Returns false when no pair does. */
bool stats_median_ranks(size_t n, double confidence, size_t *low, size_t *high);

/* The fewest independent values that give an interval of this confidence by rank: 6 for 0.95; 0
 * where none do (confidence outside [0, 1)). */
size_t stats_least_for(double confidence);

/* Estimates from values[n]; launches[n] tells which launch each comes from (any numbers; NULL: all
 * one). Intervals of the median with 95 % confidence:
 *
 * - STATS_LAUNCHES, with at least STATS_LEAST_FOR_INTERVAL launches: their medians are the
 *   independent observations, and the interval, from their order statistics, is for the median of a
 *   typical launch. It is widened to hold the median of all samples should that lie outside
 *   (launches of unequal size).
 * - STATS_RANKS, with fewer launches that are alike (or one): from the order statistics of all
 *   samples. Alike means that the test of Kruskal and Wallis gives p >= 0.1.
 * - STATS_BOOTSTRAP, with fewer launches that differ: t times the standard error of the median by
 *   the hierarchical bootstrap, t with (launches - 1) degrees of freedom; never narrower than by
 *   rank. Two launches that differ tell little, and give a wide interval. See stats_coverage.
 *
 * From order statistics means: between the pair of ranks that covers more than is asked for and the
 * next pair inside, by Hettmansperger & Sheather's interpolation, which makes up for the coarse
 * steps of small samples. It needs n >= STATS_LEAST_FOR_INTERVAL.
 *
 * A value that is not finite leaves all figures NaN and the interval unknown (n and n_launches
 * count it all the same): which samples count is for the caller to decide, and to say.
 *
 * Ratios that were paired sample by sample are values like others: order statistics of ratios are
 * those of their logarithms, so give them as they are. */
struct estimate stats_estimate(const double *values, const int *launches, size_t n);

/* The same with intervals of another confidence, up to 1 - 1e-5, for tables that compare many.
 * Where the launches are enough for 95 % but too few for this confidence (stats_least_for), the
 * interval is made as with fewer launches. Where samples that are alike are too few, it is unknown.
 */
struct estimate stats_estimate_at(const double *values, const int *launches, size_t n,
                                  double confidence);

/* The same where launches count as alike only when the test gives p >= p_alike: above 1 they never
 * do. A table of many points knows more of launches than each point does. */
struct estimate stats_estimate_if(const double *values, const int *launches, size_t n,
                                  double confidence, double p_alike);

/* The p-value of that test; NaN with one launch, or where a value is not finite. */
double stats_p_launches(const double *values, const int *launches, size_t n);

/* How often an interval of so many launches holds the truth, where launches differ and 95 % are
 * asked for, in the worst case of the simulations: less than 0.95 with 2 to 5 launches, since
 * differences are then overlooked now and then. NaN without an interval, and with one launch, which
 * knows of no other: what it covers depends on how much they differ. */
double stats_coverage(const struct estimate *e);

/* How many times b[n_b] takes as long as a[n_a], two sets that were not taken side by side; all
 * values above 0. The interval is made of those of both medians at the same confidence, as two
 * independent errors (Welch & Satterthwaite, on the logarithms): so launches come first on either
 * side. It is unknown where that of either median is: without launches that differ, where there are
 * fewer than stats_least_for(confidence) samples on a side. */
struct ratio {
    double ratio; /* NaN when one of them is empty or a value is not above 0 */
    struct interval ci;
    enum stats_method method; /* bootstrap if either side's is; else launches if either's is */
    size_t units_a, units_b;  /* independent observations that the interval rests on */
};

struct ratio stats_ratio(const double *a, const int *launches_a, size_t n_a, const double *b,
                         const int *launches_b, size_t n_b, double confidence);

/* The same, with p_alike as in stats_estimate_if. */
struct ratio stats_ratio_if(const double *a, const int *launches_a, size_t n_a, const double *b,
                            const int *launches_b, size_t n_b, double confidence, double p_alike);

/* What a sample looks like: p-values of four tests, each small when its statement fails; NaN when
 * there are too few values to tell. values stand in the order in which they were taken. Values that
 * are all equal are alike, without trend and of one mode. */
struct diagnosis {
    double p_launches; /* launches are alike: Kruskal & Wallis, over launches of 3 values or more;
                          two of them at least */
    double p_drift;    /* no trend over time within launches: Mann & Kendall, stratified by launch;
                          launches of 3 or more, 6 values in all */
    double p_modes;  /* one mode: Hartigan & Hartigan's dip, against the uniform distribution, which
                        is the hardest case; values that are equal are spread over the tick of the
                        clock; 10 values. Launches that differ make humps, too */
    double p_normal; /* a normal distribution: Anderson & Darling; 8 values, not all equal. No
                        interval here rests on it */
};

struct diagnosis stats_diagnose(const double *values, const int *launches, size_t n);

/* Half the width of the interval relative to the median; infinity when there is no interval, or one
 * of some width about a median of 0. */
double stats_relative_halfwidth(const struct estimate *e);

/* The p-quantile (0..1) of values[n], by linear interpolation
 * (gsl_stats_quantile_from_sorted_data). NaN when n = 0, p lies outside or a value is not finite.
 */
double stats_quantile(const double *values, size_t n, double p);
double stats_median(const double *values, size_t n);

/* Several quantiles by one sort: quantiles[i] is the ps[i]-quantile. */
void stats_quantiles(const double *values, size_t n, const double *ps, size_t n_ps,
                     double *quantiles);

/* Karp & Flatt's serial fraction: (1/S - 1/P) / (1 - 1/P). NaN for P <= 1 or S <= 0. */
double stats_karp_flatt(double speedup, double workers);

/* Amdahl's serial fraction s fitted by least squares on 1/S = s + (1-s)/P over points (P_i, S_i):
 * the fit is linear through (1/P = 1, 1/S = 1). NaN when no P differs from 1, or some
 * P is below 1 or some S not above 0. Clamped to [0, 1]. */
double stats_amdahl_fit(const double *workers, const double *speedups, size_t n);

#endif
