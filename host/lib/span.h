/* SPDX-License-Identifier: MIT */
/* Pieces of an image with their addresses, put together in one run of bytes. Filled in two passes over the same file: the
 * first finds the bounds, the second copies. */
#ifndef VCPBOOT_SPAN_H
#define VCPBOOT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/fault.h"

#define SPAN_BYTES_MAX (2U * 1024U * 1024U)     /* the largest flash of the STM32F4 series */
#define SPAN_GAP 0xFFU                          /* what erased flash holds */

struct span {
    uint32_t first;                     /* lowest address */
    uint64_t end;                       /* one past the highest */
    bool any;
    uint8_t *bytes;                     /* NULL in the first pass */
    uint8_t *used;                      /* a flag for each byte: written already */
};

/* Takes n bytes that belong at addr. Returns VCPBOOT_OK or VCPBOOT_E_IMAGE. */
int span_add(struct span *s, uint64_t addr, const uint8_t *p, size_t n, struct fault *f);
/* Between the passes: checks the bounds and allocates. */
int span_allocate(struct span *s, struct fault *f);
void span_free(struct span *s);

#endif
