/* SPDX-License-Identifier: MIT */
/* The board's only source of randomness: splitmix64, the same for the same seed on every machine. */
#ifndef VCPBOARD_RNG_H
#define VCPBOARD_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15U;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static inline uint32_t rng_word(struct rng *r)
{
    return (uint32_t)(rng_next(r) >> 32);
}

/* A stream of its own for each purpose, so that one consumer does not move another's numbers. */
static inline struct rng rng_stream(uint64_t seed, uint64_t purpose)
{
    struct rng r = { seed ^ (purpose * 0xD1342543DE82EF95U) };

    (void)rng_next(&r);
    return r;
}

#endif
