/* SPDX-License-Identifier: MIT */
/* How an access narrower than a word reaches a 32-bit register. */
/* Sources: RM0090 §2.1.11 "AHB/APB bridges" */
#ifndef VCPBOARD_PERIPH_REG_H
#define VCPBOARD_PERIPH_REG_H

#include <stdint.h>

#define REG_BIT(n) (1U << (n))

/* The offset of the register that holds byte `off`. */
static inline uint32_t reg_base(uint32_t off)
{
    return off & ~3U;
}

static inline uint32_t reg_width_mask(unsigned width)
{
    return width >= 4 ? 0xFFFFFFFFU : REG_BIT(8U * width) - 1U;
}

/* What a load of `width` bytes at `off` sees of its register. */
static inline uint32_t reg_lanes(uint32_t word, uint32_t off, unsigned width)
{
    return word >> (8U * (off & 3U)) & reg_width_mask(width);
}

/* AHB registers have byte lanes: the rest of the register keeps `old` (0 where writing a 0 means "no effect"). */
static inline uint32_t reg_ahb_word(uint32_t old, uint32_t off, uint32_t value, unsigned width)
{
    uint32_t shift = 8U * (off & 3U);
    uint32_t mask = reg_width_mask(width) << shift;

    return (old & ~mask) | (value << shift & mask);
}

/* APB registers have none: the bridge repeats the byte or half-word over the whole word. */
static inline uint32_t reg_apb_word(uint32_t value, unsigned width)
{
    switch (width) {
    case 1:
        return (value & 0xFFU) * 0x01010101U;
    case 2:
        return (value & 0xFFFFU) * 0x00010001U;
    default:
        return value;
    }
}

#endif
