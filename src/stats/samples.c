/* Samples put together by launch: see samples.h. One sort by merging serves three purposes: the
 * order, the median, and the number of pairs in descending order, which is what a test for a trend
 * counts. The launches, each sorted, are then merged.
 */
#include "stats/samples.h"

#include "base/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool samples_are_finite(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

double samples_median(const double *sorted, size_t n)
{
    return gsl_stats_median_from_sorted_data(sorted, 1, n);
}

/* Merges two neighbouring sorted runs; returns how many pairs (one of each) were descending. */
static double merge(double *values, size_t n_left, size_t n, double *scratch)
{
    if (n_left == 0 || n_left == n || values[n_left - 1] <= values[n_left])
        return 0;
    memcpy(scratch, values, n_left * sizeof *scratch);
    double descending = 0;
    size_t left = 0, right = n_left, to = 0;
    while (left < n_left && right < n) {
        if (scratch[left] <= values[right]) {
            values[to++] = scratch[left++];
        } else {
            descending += (double)(n_left - left);
            values[to++] = values[right++];
        }
    }
    memcpy(values + to, scratch + left, (n_left - left) * sizeof *scratch);
    return descending;
}

double samples_sort(double *values, size_t n, double *scratch)
{
    enum { SMALL = 16 };
    double descending = 0;
    if (n > SMALL) {
        size_t n_left = n / 2;
        descending += samples_sort(values, n_left, scratch);
        descending += samples_sort(values + n_left, n - n_left, scratch);
        return descending + merge(values, n_left, n, scratch);
    }
    for (size_t i = 1; i < n; i++) {
        double value = values[i];
        size_t to = i;
        for (; to > 0 && values[to - 1] > value; to--)
            values[to] = values[to - 1];
        values[to] = value;
        descending += (double)(i - to);
    }
    return descending;
}

/* Merges sorted runs, by halves. */
static void merge_runs(double *values, const size_t *starts, size_t n_runs, double *scratch)
{
    if (n_runs < 2)
        return;
    size_t n_left = n_runs / 2;
    merge_runs(values, starts, n_left, scratch);
    merge_runs(values + (starts[n_left] - starts[0]), starts + n_left, n_runs - n_left, scratch);
    merge(values, starts[n_left] - starts[0], starts[n_runs] - starts[0], scratch);
}

struct place {
    int launch;
    size_t at;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->launch != y->launch)
        return x->launch < y->launch ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Copies the values launch by launch, each in the order in which it was taken. */
static void group(struct samples *s, const double *values, const int *launches)
{
    bool together = true;
    for (size_t i = 1; launches && together && i < s->n; i++)
        together = launches[i - 1] <= launches[i];
    struct place *places = alloc_zeroed(s->n, sizeof *places);
    for (size_t i = 0; i < s->n; i++)
        places[i] = (struct place){launches ? launches[i] : 0, i};
    if (!together)
        qsort(places, s->n, sizeof *places, compare_places);
    for (size_t i = 0; i < s->n; i++) {
        s->grouped[i] = values[places[i].at];
        if (i == 0 || places[i].launch != places[i - 1].launch)
            s->starts[s->n_launches++] = i;
    }
    s->starts[s->n_launches] = s->n;
    free(places);
}

void samples_init(struct samples *s, const double *values, const int *launches, size_t n)
{
    *s = (struct samples){.n = n,
                          .sorted = alloc_zeroed(n, sizeof(double)),
                          .grouped = alloc_zeroed(n, sizeof(double)),
                          .starts = alloc_zeroed(n + 1, sizeof(size_t))};
    group(s, values, launches);
    s->medians = alloc_zeroed(s->n_launches, sizeof *s->medians);
    s->discordant = alloc_zeroed(s->n_launches, sizeof *s->discordant);
    for (size_t l = 0; l < s->n_launches; l++) {
        double *launch = s->grouped + s->starts[l];
        size_t size = s->starts[l + 1] - s->starts[l];
        s->discordant[l] = samples_sort(launch, size, s->sorted);
        s->medians[l] = samples_median(launch, size);
    }
    double *scratch = alloc_zeroed(n, sizeof *scratch);
    memcpy(s->sorted, s->grouped, n * sizeof *s->sorted);
    merge_runs(s->sorted, s->starts, s->n_launches, scratch);
    free(scratch);
}

void samples_release(struct samples *s)
{
    free(s->discordant);
    free(s->medians);
    free(s->starts);
    free(s->grouped);
    free(s->sorted);
}

size_t samples_below(const double *sorted, size_t n, double x)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t samples_up_to(const double *sorted, size_t n, double x)
{
    return samples_below(sorted, n, nextafter(x, INFINITY));
}

double samples_p_launches(const struct samples *s, size_t least)
{
    /* Launches that are too small are left out, of the ranks too. */
    size_t n = 0, n_groups = 0;
    double *pooled = alloc_zeroed(s->n, sizeof *pooled), *scratch = NULL;
    size_t *starts = alloc_zeroed(s->n_launches + 1, sizeof *starts);
    for (size_t l = 0; l < s->n_launches; l++) {
        size_t size = s->starts[l + 1] - s->starts[l];
        if (size < least)
            continue;
        memcpy(pooled + n, s->grouped + s->starts[l], size * sizeof *pooled);
        starts[n_groups++] = n;
        n += size;
    }
    starts[n_groups] = n;
    double p = NAN;
    if (n_groups >= 2) {
        scratch = alloc_zeroed(n, sizeof *scratch);
        double *groups = alloc_zeroed(n, sizeof *groups);
        memcpy(groups, pooled, n * sizeof *groups);
        merge_runs(pooled, starts, n_groups, scratch);
        double total = (double)n, between = 0, ties = 0;
        for (size_t g = 0; g < n_groups; g++) {
            double size = (double)(starts[g + 1] - starts[g]), ranks = 0;
            for (size_t i = starts[g]; i < starts[g + 1]; i++)
                ranks += (double)(samples_below(pooled, n, groups[i]) +
                                  samples_up_to(pooled, n, groups[i]) + 1) /
                         2;
            between += size * pow(ranks / size - (total + 1) / 2, 2);
        }
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && pooled[end] == pooled[i];)
                end++;
            double t = (double)(end - i);
            ties += t * t * t - t;
        }
        double correction = 1 - ties / (total * total * total - total);
        p = correction > 0 ? gsl_cdf_chisq_Q(between * 12 / (total * (total + 1)) / correction,
                                             (double)(n_groups - 1))
                           : 1; /* all values are equal */
        free(groups);
        free(scratch);
    }
    free(starts);
    free(pooled);
    return p;
}
