/* The hierarchical bootstrap: see bootstrap.h.
 *
 * Design: it is computed rather than played. Which launches are drawn is one of few cases: five
 * launches give 126, each with a known probability. Given the case, the number of drawn repetitions
 * that are at most x is a sum of binomial numbers, one for each launch drawn, and the median is at
 * most x when this sum exceeds half; the normal distribution stands for the sum. So the
 * distribution of the median that endless drawing would lead to is had at any x, without a seed and
 * without its noise. With more launches than that, which are asked for here only when a table wants
 * more confidence than launches can give by rank, some cases are drawn, always the same.
 */
#include "stats/bootstrap.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_TO_LIST = 5, DRAWN_CASES = 256, MOST_STEPS = 64 };

struct bootstrap {
    const struct samples *samples;
    size_t n_cases, capacity;
    double *counts;  /* [case][launch]: how often it was drawn */
    double *weights; /* [case] */
    size_t weights_capacity;
    double *shares; /* [launch]: scratch */
};

static double *add_case(struct bootstrap *b, double weight)
{
    size_t k = b->samples->n_launches;
    b->counts = alloc_room(b->counts, b->n_cases, &b->capacity, k * sizeof *b->counts);
    b->weights = alloc_room(b->weights, b->n_cases, &b->weights_capacity, sizeof *b->weights);
    b->weights[b->n_cases] = weight;
    return b->counts + b->n_cases++ * k;
}

/* All ways to draw `left` more times from launches[at...]; `drawn` holds what came before. A case's
 * weight is multinomial: k! / (c1! c2! ...) / k^k. */
static void list_cases(struct bootstrap *b, double *drawn, size_t at, size_t left, double weight)
{
    size_t k = b->samples->n_launches;
    double ways = 1;
    for (size_t count = 0; count <= left; count++) {
        if (count > 0)
            ways /= (double)count;
        drawn[at] = (double)count;
        if (at + 1 < k) {
            list_cases(b, drawn, at + 1, left - count, weight * ways);
        } else if (count == left) {
            double *counts = add_case(b, weight * ways);
            for (size_t l = 0; l < k; l++)
                counts[l] = drawn[l];
        }
    }
}

static void draw_cases(struct bootstrap *b)
{
    size_t k = b->samples->n_launches;
    struct rng rng;
    rng_seed(&rng, k);
    for (size_t c = 0; c < DRAWN_CASES; c++) {
        double *counts = add_case(b, 1.0 / DRAWN_CASES);
        for (size_t l = 0; l < k; l++)
            counts[l] = 0;
        for (size_t draw = 0; draw < k; draw++)
            counts[rng_below(&rng, k)]++;
    }
}

/* The probability that the median of what is drawn is at most x. */
static double probability(const struct bootstrap *b, double x)
{
    const struct samples *s = b->samples;
    size_t k = s->n_launches;
    double p = 0;
    for (size_t l = 0; l < k; l++) {
        size_t size = s->starts[l + 1] - s->starts[l];
        b->shares[l] = (double)samples_up_to(s->grouped + s->starts[l], size, x) / (double)size;
    }
    for (size_t c = 0; c < b->n_cases; c++) {
        const double *counts = b->counts + c * k;
        double excess = 0, variance = 0;
        for (size_t l = 0; l < k; l++) {
            double drawn = counts[l] * (double)(s->starts[l + 1] - s->starts[l]);
            excess += drawn * (b->shares[l] - 0.5);
            variance += drawn * b->shares[l] * (1 - b->shares[l]);
        }
        /* Beyond six standard deviations there is nothing to compute. */
        if (excess * excess < 36 * variance)
            p += b->weights[c] * 0.5 * erfc(-excess / sqrt(2 * variance));
        else
            p += b->weights[c] * (excess > 0 ? 1 : excess < 0 ? 0 : 0.5);
    }
    return p;
}

/* The first of sorted[from ... to] where the probability reaches p; `to` at the latest. */
static size_t reach(const struct bootstrap *b, double p, size_t from, size_t to)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (probability(b, b->samples->sorted[middle]) < p)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The standard deviation of the distribution, over the samples where it rises, in steps of several
 * where these are many. */
static double spread(const struct bootstrap *b, double median)
{
    static const double NEVER = 1e-5;
    const double *sorted = b->samples->sorted;
    size_t last = b->samples->n - 1;
    bool relative = sorted[0] > 0;
    size_t from = reach(b, NEVER, 0, last), to = reach(b, 1 - NEVER, from, last);
    size_t step = (to - from) / MOST_STEPS + 1;
    double before = 0, mean = 0, square = 0;
    for (size_t i = from; before < 1; i += step) {
        double x = sorted[i < to ? i : to];
        double here = i < to ? probability(b, x) : 1;
        double y = relative ? log(x / median) : x - median;
        mean += (here - before) * y;
        square += (here - before) * y * y;
        before = here;
    }
    return sqrt(fmax(0, square - mean * mean));
}

double bootstrap_error(const struct samples *s, double median)
{
    struct bootstrap b = {.samples = s, .shares = alloc_zeroed(s->n_launches, sizeof(double))};
    double all = 1;
    for (size_t l = 1; l <= s->n_launches; l++)
        all *= (double)l / (double)s->n_launches;
    if (s->n_launches <= MOST_TO_LIST) {
        double drawn[MOST_TO_LIST];
        list_cases(&b, drawn, 0, s->n_launches, all);
    } else {
        draw_cases(&b);
    }
    double error = spread(&b, median);
    free(b.shares);
    free(b.weights);
    free(b.counts);
    return error;
}
