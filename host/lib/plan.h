/* SPDX-License-Identifier: MIT */
/* Which sectors an update must send: the image and the device's digests in, a bitmap out. Pure. */
#ifndef VCPBOOT_PLAN_H
#define VCPBOOT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/native.h"

struct plan {
    uint32_t sectors;                   /* to be sent, a bit each */
    bool same;                          /* the device holds this very image, head included */
    bool startable;                     /* only if same: its life word allows a start */
};

/* image: sealed, length a multiple of 4 and at least SEAL_MIN_BYTES. digest: as the device gave it for this length (the head's
 * first). Returns false if the digests are not as many as the length needs. */
bool plan_make(struct plan *out, const struct native_hello *h, const uint8_t *image, uint32_t length, const uint32_t *digest,
               size_t digests);

/* For a device that gives no digests, because reading is not allowed: all of the image. */
void plan_all_of_it(struct plan *out, const struct native_hello *h, uint32_t length);

/* The digests of an image (docs/SPEC.md section 5.4). */
uint32_t plan_digest_head(const uint8_t *image);
uint32_t plan_digest_sector(const uint8_t *image, uint32_t from, uint32_t to);

#endif
