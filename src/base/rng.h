/* Seeded random numbers: xoshiro256** (Blackman & Vigna 2018), seeded by splitmix64. The same seed
 * gives the same order on every machine. Not for secrets. */
#ifndef POOLMARK_BASE_RNG_H
#define POOLMARK_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);

/* Uniform in [0, bound), without bias; bound >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Puts the numbers items[0..n-1] in random order (Fisher & Yates). */
void rng_shuffle(struct rng *rng, size_t *items, size_t n);

/* A stateless hash of 64 bits (the finaliser of splitmix64): equal inputs give equal outputs in
 * every worker, which is what a task that is pure in (parameters, index) needs. */
static inline uint64_t rng_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The hash of (seed, index) as a number in [0, 1). */
static inline double rng_mix_unit(uint64_t seed, uint64_t index)
{
    return (double)(rng_mix(rng_mix(seed) ^ index) >> 11) * 0x1.0p-53;
}

#endif
