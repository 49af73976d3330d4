/* Cost shapes: see shape.h. */
#include "work/shape.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>

static const double most_ratio = 1e6;

/* Longer lists are not summed: beyond, the mean of what is drawn is that of its distribution to
 * within chance, and a list of 2^40 tasks would take hours before each run. */
static const uint64_t most_summed = UINT64_C(1) << 24;

/* The weight before it is scaled to mean 1. */
static double raw_weight(const struct shape *shape, uint64_t index)
{
    switch (shape->kind) {
    case SHAPE_CONSTANT:
        break;
    case SHAPE_LINEAR:
        return (double)index;
    case SHAPE_RANDOM:
        return rng_mix_unit(shape->seed, index);
    case SHAPE_ONE_LONG:
        return index == 0 ? shape->ratio : 1;
    case SHAPE_EXPONENTIAL:
        return -log1p(-rng_mix_unit(shape->seed, index));
    case SHAPE_BIMODAL:
        return rng_mix_unit(shape->seed, index) < shape->share ? shape->ratio : 1;
    }
    return 1;
}

/* Σ of the raw weights of n tasks, in blocks, so that the rounding errors of 10^8 additions do not
 * pile up in one large sum. */
static double raw_sum(const struct shape *shape, uint64_t n)
{
    const uint64_t block = 8192;
    double sum = 0;
    for (uint64_t first = 0; first < n; first += block) {
        uint64_t end = n - first < block ? n : first + block;
        double part = 0;
        for (uint64_t i = first; i < end; i++)
            part += raw_weight(shape, i);
        sum += part;
    }
    return sum;
}

/* n times the mean of the distribution that the raw weights are drawn from. */
static double expected_sum(const struct shape *shape, uint64_t n)
{
    double mean = shape->kind == SHAPE_RANDOM    ? 0.5
                  : shape->kind == SHAPE_BIMODAL ? 1 + shape->share * (shape->ratio - 1)
                                                 : 1;
    return (double)n * mean;
}

int shape_init(struct shape *shape, const struct workload_value *values, uint64_t n, char *error,
               size_t error_size)
{
    *shape = (struct shape){
        .kind = (enum shape_kind)values[SHAPE_AT_KIND].count,
        .seed = values[SHAPE_AT_SEED].count,
        .ratio = values[SHAPE_AT_RATIO].real,
        .share = values[SHAPE_AT_SHARE].real,
        .unit = 1,
    };
    if (!(shape->ratio >= 1 && shape->ratio <= most_ratio)) {
        snprintf(error, error_size,
                 "parameter ratio (default 10): %g is not allowed; allowed: 1 to %.0f",
                 shape->ratio, most_ratio);
        return -1;
    }
    if (!(shape->share >= 0 && shape->share <= 1)) {
        snprintf(error, error_size,
                 "parameter share (default 0.1): %g is not allowed; allowed: 0 to 1", shape->share);
        return -1;
    }
    double sum;
    switch (shape->kind) {
    case SHAPE_CONSTANT:
        return 0;
    case SHAPE_LINEAR:
        sum = (double)n * ((double)n - 1) / 2;
        break;
    case SHAPE_ONE_LONG:
        sum = (double)n - 1 + shape->ratio;
        break;
    default:
        sum = n <= most_summed ? raw_sum(shape, n) : expected_sum(shape, n);
    }
    /* A single task of weight 0 (linear, n = 1) cannot be scaled to mean 1: it becomes plain. */
    if (n > 0 && sum > 0)
        shape->unit = (double)n / sum;
    else
        shape->kind = SHAPE_CONSTANT;
    return 0;
}

double shape_weight(const struct shape *shape, uint64_t index)
{
    return raw_weight(shape, index) * shape->unit;
}

uint64_t shape_count(const struct shape *shape, uint64_t mean, uint64_t index)
{
    if (shape->kind == SHAPE_CONSTANT)
        return mean < SHAPE_MOST ? mean : SHAPE_MOST;
    double count = nearbyint((double)mean * shape_weight(shape, index));
    return count < (double)SHAPE_MOST ? (uint64_t)count : SHAPE_MOST;
}
