/* SPDX-License-Identifier: MIT */
/* The harshest reading of "contents not guaranteed" that a firmware has to live with. */
/* Sources: RM0090 §3.6.3 and §3.6.4: a reset or power loss during an operation leaves the cells undefined. */
#include "board/fault.h"

struct torn_word torn_program(struct rng *r, uint32_t old, uint32_t target, uint32_t done)
{
    struct torn_word t = { old, old & ~target };

    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t mask = 1U << bit;

        if ((t.unstable & mask) != 0 && rng_word(r) <= done)
            t.value &= ~mask;
    }
    return t;
}

struct torn_word torn_erase(struct rng *r, uint32_t old)
{
    switch (rng_word(r) % 3U) {
    case 0:
        return (struct torn_word){ old, 0 };
    case 1:
        return (struct torn_word){ UINT32_MAX, 0 };
    default:
        return (struct torn_word){ rng_word(r), UINT32_MAX };
    }
}
