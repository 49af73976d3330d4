/* Samples as dots: see samples.h. */
#include "report/samples.h"

#include "base/alloc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In a figure; a vector picture holds each of them. Every point has some, whatever their number. */
enum { MOST_DOTS = 6000, LEAST_OF_POINT = 24 };

struct dot {
    const struct observation *sample;
    double spread;
    bool counts;
};

static int compare_taken(const void *a, const void *b)
{
    uint64_t x = ((const struct dot *)a)->sample->order, y = ((const struct dot *)b)->sample->order;
    return x < y ? -1 : x > y;
}

/* Those that count first, by time. */
static int compare_times(const void *a, const void *b)
{
    const struct dot *x = a, *y = b;
    if (x->counts != y->counts)
        return x->counts ? -1 : 1;
    return x->sample->ns < y->sample->ns ? -1 : x->sample->ns > y->sample->ns;
}

static void write_dot(FILE *to, size_t point, const struct dot *dot,
                      const struct summary_point *base)
{
    double ratio = base ? summary_ratio(base, dot->sample) : NAN;
    fprintf(to, "%zu,%.9f,", point, dot->sample->ns / 1e9);
    if (isfinite(ratio))
        fprintf(to, "%.9g", ratio);
    fprintf(to, ",%d,%.4f,%d\n", dot->counts, dot->spread, dot->sample->disturbances != 0);
}

/* Writes `most` of dots[n], evenly spaced. Returns how many those are. */
static size_t write_evenly(FILE *to, size_t point, const struct dot *dots, size_t n, size_t most,
                           const struct summary_point *base)
{
    size_t shown = n < most ? n : most;
    for (size_t i = 0; i < shown; i++)
        write_dot(to, point, &dots[shown > 1 ? i * (n - 1) / (shown - 1) : 0], base);
    return shown;
}

static void write_point(FILE *to, const struct summary *s, size_t i, size_t most, struct dots *dots)
{
    const struct summary_point *p = &s->points[i], *base = summary_base(s, p);
    base = base == p ? NULL : base; /* its ratio to itself is 1 and tells nothing */
    size_t n = p->n + p->n_set_aside;
    struct dot *all = alloc_zeroed(n ? n : 1, sizeof *all);
    for (size_t k = 0; k < n; k++)
        all[k] = (struct dot){.sample = &p->observations[k], .counts = k < p->n};
    qsort(all, n, sizeof *all, compare_taken);
    for (size_t k = 0; k < n; k++)
        all[k].spread = ((double)k + 0.5) / (double)n - 0.5;
    qsort(all, n, sizeof *all, compare_times);
    dots->n += write_evenly(to, i + 1, all, p->n, most, base);
    dots->n_aside += write_evenly(to, i + 1, all + p->n, p->n_set_aside, most, base);
    dots->of += n;
    free(all);
}

int samples_write(const struct summary *s, const char *experiment, const char *folder,
                  struct dots *dots, struct err *err)
{
    size_t n_points = 0;
    *dots = (struct dots){0};
    snprintf(dots->path, sizeof dots->path, "%.4000s/plots/%s-samples.csv", folder, experiment);
    for (size_t i = 0; i < s->n; i++)
        n_points += strcmp(s->points[i].point.experiment, experiment) == 0;
    size_t most = n_points ? MOST_DOTS / n_points : 0;
    FILE *to = fopen(dots->path, "w");
    if (!to)
        return err_set(err, "%s cannot be written: %s", dots->path, strerror(errno));
    fputs("point,time_s,speedup,counts,spread,disturbed\n", to);
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->points[i].point.experiment, experiment) == 0)
            write_point(to, s, i, most < LEAST_OF_POINT ? LEAST_OF_POINT : most, dots);
    dots->n += dots->n_aside;
    bool failed = ferror(to);
    failed = fclose(to) != 0 || failed;
    return failed ? err_set(err, "%s could not be written to its end", dots->path) : 0;
}
