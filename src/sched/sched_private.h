/* Arithmetic that the files of sched.h share. */
#ifndef POOLMARK_SCHED_SCHED_PRIVATE_H
#define POOLMARK_SCHED_SCHED_PRIVATE_H

#include <math.h>
#include <stdint.h>

static inline uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* ceil(x) in [1, most]; 1 for what is no number. */
static inline uint64_t ceil_within(double x, uint64_t most)
{
    if (!(x > 1) || most < 1)
        return 1;
    return x >= (double)most ? most : (uint64_t)ceil(x);
}

static inline uint64_t clamp_size(uint64_t size, uint64_t low, uint64_t high)
{
    if (size < low)
        size = low;
    return size < high ? size : high;
}

#endif
