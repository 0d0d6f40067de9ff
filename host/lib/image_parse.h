/* SPDX-License-Identifier: MIT */
/* The file formats: each reads a whole file in memory and hands its pieces to a span. Strict; nothing is trusted. */
#ifndef VCPBOOT_IMAGE_PARSE_H
#define VCPBOOT_IMAGE_PARSE_H

#include "host/lib/span.h"

/* Does the content look like it? */
bool elf_is(const uint8_t *p, size_t n);
bool hex_is(const uint8_t *p, size_t n);
bool dfu_is(const uint8_t *p, size_t n);        /* plain or DfuSe */
bool dfuse_is(const uint8_t *p, size_t n);

/* Both passes call this; VCPBOOT_OK or VCPBOOT_E_IMAGE. */
int elf_read(const uint8_t *p, size_t n, struct span *out, struct fault *f);
int hex_read(const uint8_t *p, size_t n, struct span *out, struct fault *f);
int dfuse_read(const uint8_t *p, size_t n, struct span *out, struct fault *f);  /* what stands in front of the suffix */

/* Checks the suffix of a DFU file; *content: bytes in front of it. Vendor and product ids say for which DFU device the file was
 * made, which nobody knows here: they are not looked at. */
int dfu_check_suffix(const uint8_t *p, size_t n, size_t *content, struct fault *f);

#endif
