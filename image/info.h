/* SPDX-License-Identifier: MIT */
/* The info block inside an image: product, version, flags (docs/SPEC.md section 2.1). */
#ifndef VCPBOOT_INFO_H
#define VCPBOOT_INFO_H

#include <stddef.h>
#include <stdint.h>

#define INFO_PRODUCT 1U
#define INFO_VERSION 2U
#define INFO_COUNTER 3U
#define INFO_KEY_ID 4U
#define INFO_SIGNATURE 5U
#define INFO_FLAGS 6U

#define INFO_MAGIC_LO 0x42504356U       /* "VCPB" */
#define INFO_MAGIC_HI 0x4F464E49U       /* "INFO" */
#define INFO_HEADER_BYTES 12U
#define INFO_ENTRIES_MAX 512U

/* The first whole info block in p, at a 4-aligned offset behind the head; 0 if there is none. n: bytes of the image. */
uint32_t info_find(const uint8_t *p, size_t n);
/* Checks the block at offset in p[0..n): returns the bytes of its entries, 0 if it is not whole. */
size_t info_check(const uint8_t *p, size_t n, uint32_t offset);
/* Walks entries (what stands behind the header): the value of the first entry of that type, its length in *len; NULL if none. */
const uint8_t *info_entry(const uint8_t *entries, size_t n, uint16_t type, size_t *len);
/* Copies a text entry (product, version) without trailing zeros, always terminated; returns its length, 0 if absent. */
size_t info_text(const uint8_t *entries, size_t n, uint16_t type, char *out, size_t cap);
/* The INFO_FLAGS entry's bits 7:0, 0 if absent. */
uint8_t info_flags(const uint8_t *entries, size_t n);

#endif
