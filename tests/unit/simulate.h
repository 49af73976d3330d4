/* Samples of known truth, for tests of estimates: seeded, so that they are alike on every machine.
 */
#ifndef POOLMARK_TESTS_SIMULATE_H
#define POOLMARK_TESTS_SIMULATE_H

#include "base/rng.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* In (0, 1), so that its logarithm is finite. */
static inline double uniform(struct rng *rng)
{
    return ((double)(rng_next(rng) >> 11) + 0.5) * 0x1.0p-53;
}

static inline double normal(struct rng *rng)
{
    return sqrt(-2 * log(uniform(rng))) * cos(6.283185307179586 * uniform(rng));
}

static inline double log_normal(struct rng *rng)
{
    return exp(normal(rng));
}

static inline double exponential(struct rng *rng)
{
    return -log(uniform(rng));
}

/* Seven of ten in one hump, the others 10 standard deviations further. */
static inline double two_humps(struct rng *rng)
{
    return (uniform(rng) < 0.3 ? 10 : 0) + normal(rng);
}

/* Student's t with 3 degrees of freedom: far out now and then. */
static inline double heavy(struct rng *rng)
{
    double a = normal(rng), b = normal(rng), c = normal(rng);
    return normal(rng) / sqrt((a * a + b * b + c * c) / 3);
}

/* Three of ten launches are slower by two, as by where their memory lies. */
static inline double now_and_then(struct rng *rng)
{
    return uniform(rng) < 0.3 ? 2 : 0;
}

struct distribution {
    const char *name;
    double (*draw)(struct rng *);
    double median;
};

static const struct distribution distributions[] = {
    {"normal", normal, 0},
    {"log-normal", log_normal, 1},
    {"exponential", exponential, 0.6931471805599453},
    {"uniform", uniform, 0.5},
    {"two humps", two_humps, 0.5659488219328631},
};

enum { N_DISTRIBUTIONS = sizeof distributions / sizeof *distributions };

/* How launches differ. */
static const struct distribution effects[] = {
    {"normal", normal, 0},
    {"exponential", exponential, 0.6931471805599453},
    {"heavy tails", heavy, 0},
    {"now and then", now_and_then, 0},
};

enum { N_EFFECTS = sizeof effects / sizeof *effects };

/* What all simulated times vary about: far from 0, as times are. */
static const double TRUTH = 1000;

/* n_launches of `reps` values each, drawn about launches that differ by `size` times an effect
 * (NULL: not at all); the median is TRUTH. The labels are any numbers, in any order. Returns the
 * number of values. */
static inline size_t draw_launches(struct rng *rng, int n_launches, int reps,
                                   const struct distribution *d, const struct distribution *effect,
                                   double size, double *values, int *launches)
{
    size_t n = 0;
    for (int l = 0; l < n_launches; l++) {
        double shift = effect ? size * (effect->draw(rng) - effect->median) : 0;
        for (int r = 0; r < reps; r++, n++) {
            values[n] = TRUTH + shift + d->draw(rng) - d->median;
            launches[n] = 1000 - 7 * l;
        }
    }
    return n;
}

/* How many standard errors a share seen in n studies may be off, for a right estimate to fail by
 * chance less than once in a million times. */
static inline double sampling_error(double p, int n)
{
    return 5 * sqrt(p * (1 - p) / n);
}

#endif
