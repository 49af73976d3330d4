/* Samples put together by launch, and sorted: what estimates and tests of them begin with. */
#ifndef POOLMARK_STATS_SAMPLES_H
#define POOLMARK_STATS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
    size_t n, n_launches;
    double *sorted;     /* all of them, ascending */
    double *grouped;    /* launch by launch, ascending within each */
    size_t *starts;     /* [n_launches + 1]: where in `grouped` each launch begins */
    double *medians;    /* [n_launches]: of each launch, in the order of `starts` */
    double *discordant; /* [n_launches]: pairs of a launch whose later value is the smaller one */
};

/* Puts values[n], which are finite and stand in the order in which they were taken, together by
 * launches[n] (NULL: all one). n >= 1. Everything is copied; release it. */
void samples_init(struct samples *s, const double *values, const int *launches, size_t n);
void samples_release(struct samples *s);

/* Sorts values[n] ascending, with room for as many at scratch; returns the number of pairs that
 * stood in descending order. */
double samples_sort(double *values, size_t n, double *scratch);

/* The median of sorted[n]; n >= 1. */
double samples_median(const double *sorted, size_t n);

bool samples_are_finite(const double *values, size_t n);

/* Number of values of sorted[n] that are below x, or that are not above it. */
size_t samples_below(const double *sorted, size_t n, double x);
size_t samples_up_to(const double *sorted, size_t n, double x);

/* The p-value of the statement that all launches have one distribution (Kruskal & Wallis, J. Am.
 * Stat. Assoc. 47 (1952) 583-621, ties corrected, by the chi-square approximation), from launches
 * of at least `least` values each. NaN where fewer than two launches have as many. */
double samples_p_launches(const struct samples *s, size_t least);

#endif
