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

struct torn_word torn_erase(struct rng *r, enum torn_look look, uint32_t old)
{
    if (look == TORN_MIXED)
        look = (enum torn_look)(1U + rng_word(r) % (TORN_LOOKS - 1U));
    switch (look) {
    case TORN_OLD:
        return (struct torn_word){ old, UINT32_MAX };
    case TORN_BLANK:
        return (struct torn_word){ UINT32_MAX, UINT32_MAX };
    default:
        return (struct torn_word){ rng_word(r), UINT32_MAX };
    }
}
