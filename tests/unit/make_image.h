/* SPDX-License-Identifier: MIT */
/* Images for the unit tests. The seal is made here from docs/SPEC.md, not by image/seal.c. */
#ifndef VCPBOOT_MAKE_IMAGE_H
#define VCPBOOT_MAKE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_recipe {
    uint32_t base, bytes;               /* sealed: a multiple of 4 */
    uint32_t seed;                      /* of what stands behind the head */
    bool sealed;
    uint8_t flags;
    const char *product;                /* NULL: no info block */
    uint32_t info_at;                   /* where the info block stands, if there is one */
};

/* Fills out[0..r->bytes). */
void make_image(uint8_t *out, const struct image_recipe *r);
/* The seal's CRC over n bytes, bit by bit. */
uint32_t make_image_crc(const uint8_t *p, uint32_t n);

#endif
