/* The dip: see dip.h.
 *
 * A distribution with one mode is convex before it and concave after it. In the interval where the
 * mode may lie, the greatest convex minorant G and the least concave majorant L of the empirical
 * distribution F are drawn; where they are furthest apart, between two of their knots, the mode
 * must lie, if it is to be worth looking closer. What F differs from G before these knots and from
 * L after them, the dip must bear. The interval shrinks to the knots until G and L are no further
 * apart than what is borne already.
 *
 * Counts instead of shares: F jumps from i to i + 1 at sorted[i], so that G lies below the points
 * (sorted[i], i) and L above the points (sorted[i], i + 1).
 */
#include "stats/dip.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

struct hulls {
    const double *x;
    double *below, *above; /* G and L at each x of the interval */
    size_t *knots_below, *knots_above;
    size_t n_below, n_above;
};

/* The knots of the hull of the points (x[i], i), i in [first, last]: convex from below (sign 1) or
 * concave from above (sign -1; that the points lie 1 higher does not change its knots). Also its
 * height at each x. */
static size_t draw(const double *x, size_t first, size_t last, int sign, size_t *knots,
                   double *heights)
{
    size_t n = 0;
    for (size_t i = first; i <= last; i++) {
        /* The last knot goes while the slope to it is not below (above) the slope from it. */
        while (n >= 2) {
            size_t a = knots[n - 2], b = knots[n - 1];
            double turn = (double)(i - b) * (x[b] - x[a]) - (double)(b - a) * (x[i] - x[b]);
            if (sign * turn > 0)
                break;
            n--;
        }
        knots[n++] = i;
    }
    for (size_t k = 0; k + 1 < n; k++) {
        size_t a = knots[k], b = knots[k + 1];
        double slope = x[b] > x[a] ? (double)(b - a) / (x[b] - x[a]) : 0;
        for (size_t i = a; i < b; i++)
            heights[i] = (double)a + slope * (x[i] - x[a]);
    }
    heights[last] = (double)last;
    return n;
}

/* Where L and G are furthest apart; [*from, *to] are the knots around. */
static double furthest(const struct hulls *h, size_t *from, size_t *to)
{
    double most = 0;
    for (size_t b = 0, a = 0; b < h->n_below; b++) {
        size_t i = h->knots_below[b];
        while (h->knots_above[a] < i)
            a++;
        double apart = h->above[i] - h->below[i] + 1;
        if (apart > most) {
            most = apart;
            *from = i;
            *to = h->knots_above[a];
        }
    }
    for (size_t a = 0, b = 0; a < h->n_above; a++) {
        size_t i = h->knots_above[a];
        while (b + 1 < h->n_below && h->knots_below[b + 1] <= i)
            b++;
        double apart = h->above[i] - h->below[i] + 1;
        if (apart > most) {
            most = apart;
            *from = h->knots_below[b];
            *to = i;
        }
    }
    return most;
}

/* Quantiles of the dip of n uniform values, times sqrt(n), by the probability of exceeding them; by
 * simulation of a million samples each, of 400,000 for n = 200 and 500, 150,000 for 2,000 and
 * 40,000 for 10,000, where the product has almost ceased to change. */
enum { N_LEVELS = 15, N_SIZES = 10, LEVEL_OF_TAIL = 9 };

static const double levels[N_LEVELS] = {0.99, 0.9,  0.7,   0.5,   0.3,   0.2,    0.1,   0.05,
                                        0.02, 0.01, 0.005, 0.002, 0.001, 0.0003, 0.0001};

static const struct {
    double n, quantiles[N_LEVELS];
} table[N_SIZES] = {
    {10,
     {0.1929, 0.2465, 0.2856, 0.3091, 0.3475, 0.3756, 0.4125, 0.4416, 0.4767, 0.5046, 0.5280,
      0.5538, 0.5707, 0.5958, 0.6195}},
    {14,
     {0.2101, 0.2501, 0.2856, 0.3222, 0.3596, 0.3837, 0.4234, 0.4573, 0.4955, 0.5215, 0.5463,
      0.5758, 0.5953, 0.6301, 0.6579}},
    {20,
     {0.2122, 0.2540, 0.2954, 0.3281, 0.3689, 0.3952, 0.4348, 0.4702, 0.5113, 0.5398, 0.5655,
      0.5981, 0.6193, 0.6543, 0.6846}},
    {30,
     {0.2169, 0.2597, 0.3020, 0.3367, 0.3776, 0.4051, 0.4467, 0.4833, 0.5266, 0.5560, 0.5840,
      0.6185, 0.6441, 0.6831, 0.7149}},
    {50,
     {0.2222, 0.2667, 0.3096, 0.3456, 0.3877, 0.4161, 0.4589, 0.4966, 0.5421, 0.5732, 0.6021,
      0.6378, 0.6645, 0.7055, 0.7363}},
    {100,
     {0.2284, 0.2740, 0.3177, 0.3547, 0.3979, 0.4272, 0.4716, 0.5113, 0.5583, 0.5910, 0.6212,
      0.6597, 0.6853, 0.7297, 0.7649}},
    {200,
     {0.2335, 0.2794, 0.3241, 0.3617, 0.4058, 0.4355, 0.4808, 0.5211, 0.5691, 0.6027, 0.6344,
      0.6744, 0.6991, 0.7451, 0.7809}},
    {500,
     {0.2382, 0.2850, 0.3300, 0.3680, 0.4128, 0.4431, 0.4889, 0.5299, 0.5789, 0.6131, 0.6458,
      0.6871, 0.7134, 0.7619, 0.8027}},
    {2000,
     {0.2421, 0.2896, 0.3352, 0.3735, 0.4185, 0.4487, 0.4954, 0.5369, 0.5884, 0.6234, 0.6585,
      0.7004, 0.7285, 0.7781, 0.8295}},
    {10000,
     {0.2452, 0.2925, 0.3386, 0.3773, 0.4225, 0.4546, 0.5014, 0.5432, 0.5957, 0.6335, 0.6705,
      0.7172, 0.7446, 0.7879, 0.8265}},
};

double dip_of(const double *sorted, size_t n)
{
    struct hulls h = {.x = sorted,
                      .below = alloc_zeroed(n, sizeof(double)),
                      .above = alloc_zeroed(n, sizeof(double)),
                      .knots_below = alloc_zeroed(n, sizeof(size_t)),
                      .knots_above = alloc_zeroed(n, sizeof(size_t))};
    size_t first = 0, last = n - 1, from = 0, to = 0;
    double borne = 1; /* each jump is one */
    for (;;) {
        h.n_below = draw(sorted, first, last, 1, h.knots_below, h.below);
        h.n_above = draw(sorted, first, last, -1, h.knots_above, h.above);
        if (furthest(&h, &from, &to) <= borne)
            break;
        for (size_t i = first; i <= from; i++)
            borne = fmax(borne, (double)i + 1 - h.below[i]);
        for (size_t i = to; i <= last; i++)
            borne = fmax(borne, h.above[i] + 1 - (double)i);
        if (from == first && to == last)
            break;
        first = from;
        last = to;
    }
    free(h.knots_above);
    free(h.knots_below);
    free(h.above);
    free(h.below);
    return borne / (2 * (double)n);
}

/* The quantile of a level, between two rows of the table by the logarithm of n. */
static double quantile_of(size_t level, double n)
{
    size_t row = 1;
    while (row + 1 < N_SIZES && n > table[row].n)
        row++;
    double share = log(n / table[row - 1].n) / log(table[row].n / table[row - 1].n);
    share = fmin(1, fmax(0, share));
    return (1 - share) * table[row - 1].quantiles[level] + share * table[row].quantiles[level];
}

double dip_p_value(double dip, size_t n)
{
    double scaled = dip * sqrt((double)n), low = 0, high = quantile_of(0, (double)n);
    if (scaled <= high)
        return 1;
    size_t level = 0;
    while (scaled > high && ++level < N_LEVELS) {
        low = high;
        high = quantile_of(level, (double)n);
    }
    /* The logarithm of the probability falls about as the square; so it does beyond the table. */
    size_t from = level < N_LEVELS ? level - 1 : LEVEL_OF_TAIL,
           to = level < N_LEVELS ? level : N_LEVELS - 1;
    if (level == N_LEVELS) {
        low = quantile_of(from, (double)n);
        high = quantile_of(to, (double)n);
    }
    double share = (scaled * scaled - low * low) / (high * high - low * low);
    return levels[from] * pow(levels[to] / levels[from], share);
}
