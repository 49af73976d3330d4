/* What the built-in workloads share: the shapes in which the costs of tasks differ, and the closed
 * forms that check their sums.
 *
 * A shape gives each of n tasks a weight; the weights have mean 1, so that n tasks hold the same
 * work in every shape and only its distribution over them differs. A weight is pure in (parameters,
 * n, index), takes O(1) time and no memory, and so every worker computes its own.
 */
#ifndef POOLMARK_WORK_SHAPE_H
#define POOLMARK_WORK_SHAPE_H

#include "work/workload.h"

#include <stdint.h>

enum shape_kind {
    SHAPE_CONSTANT,    /* 1 each */
    SHAPE_LINEAR,      /* in proportion to the index: 0 for task 0, about 2 for the last */
    SHAPE_RANDOM,      /* uniform between 0 and 2 */
    SHAPE_ONE_LONG,    /* task 0 is `ratio` times as long as each other */
    SHAPE_EXPONENTIAL, /* -ln(1 - u), u uniform between 0 and 1 */
    SHAPE_BIMODAL,     /* a `share` of the tasks, at random, is `ratio` times as long as the rest */
};

/* The parameters of a shape, to be put into the parameter table of a workload. */
/* clang-format off */
#define SHAPE_PARAMS                                                                               \
    {"shape", WORKLOAD_CHOICE, "constant", "constant,linear,random,one-long,exponential,bimodal",  \
     "how the tasks differ; the mean stays"},                                                      \
    {"seed", WORKLOAD_COUNT, "1", NULL, "seed of everything drawn at random"},                     \
    {"ratio", WORKLOAD_REAL, "10", NULL,                                                           \
     "one-long, bimodal: length of a long task over a short one, 1 to 1000000"},                   \
    {"share", WORKLOAD_REAL, "0.1", NULL, "bimodal: fraction of the tasks that are long, 0 to 1"}
/* clang-format on */

/* Where they are, counted from the first of them. */
enum { SHAPE_AT_KIND, SHAPE_AT_SEED, SHAPE_AT_RATIO, SHAPE_AT_SHARE };

struct shape {
    enum shape_kind kind;
    uint64_t seed;
    double ratio, share;
    double unit; /* weight = raw weight × unit, which makes the mean 1 */
};

/* Makes the shape of n tasks from the values of SHAPE_PARAMS. O(n) where weights are drawn at
 * random and n is at most 16,777,216, beyond which their mean is 1 to within chance; else O(1).
 * Returns 0, or -1 with a sentence in error[error_size]. */
int shape_init(struct shape *shape, const struct workload_value *values, uint64_t n, char *error,
               size_t error_size);

/* The weight of one task. */
double shape_weight(const struct shape *shape, uint64_t index);

/* mean × weight, rounded to a whole number of at most SHAPE_MOST. */
uint64_t shape_count(const struct shape *shape, uint64_t mean, uint64_t index);

/* 10^18 ns are 31 years; a deadline so far from now still fits in 64 bits. */
#define SHAPE_MOST UINT64_C(1000000000000000000)

/* --- closed forms, modulo 2^64, for n <= 2^63 ------------------------------------------------- */

/* Σ i for i < n. */
static inline uint64_t sum_indices(uint64_t n)
{
    return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

/* Σ i² for i < n: (n-1) n (2n-1) / 6, each factor divided before a product can wrap. */
static inline uint64_t sum_squares(uint64_t n)
{
    if (n == 0)
        return 0;
    uint64_t a = n - 1, b = n, c = 2 * n - 1;
    if (b % 2 == 0)
        b /= 2;
    else
        a /= 2;
    switch (n % 3) {
    case 0:
        b /= 3;
        break;
    case 1:
        a /= 3;
        break;
    default:
        c /= 3;
    }
    return a * b * c;
}

#endif
