/* SPDX-License-Identifier: MIT */
/* Little-endian loads and stores at any alignment. */
#ifndef VCPBOOT_BYTES_H
#define VCPBOOT_BYTES_H

#include <stdint.h>

/* The compiler makes one load of four bytes by itself, but not one store: on the chip these are called everywhere, and a store
 * at any alignment is one instruction (PM0214 §3.3.5). */
#define BYTES_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint16_t load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
    if (BYTES_LITTLE_ENDIAN) {
        __builtin_memcpy(p, &v, sizeof v);
        return;
    }
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static inline void store_le16(uint8_t *p, uint16_t v)
{
    if (BYTES_LITTLE_ENDIAN) {
        __builtin_memcpy(p, &v, sizeof v);
        return;
    }
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

#endif
