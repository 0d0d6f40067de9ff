/* SPDX-License-Identifier: MIT */
/* Contracts of what the proven files call: image/bytes.h, the CRCs, memcpy and its kin. No proof: docs/PROOFS.md. */
#ifndef VCPBOOT_PROOF_BYTES_H
#define VCPBOOT_PROOF_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*@ requires \valid_read(p + (0 .. 1));
    assigns \nothing;
    ensures \result == p[0] + 256 * p[1]; */
static inline uint16_t load_le16(const uint8_t *p);
/*@ requires \valid_read(p + (0 .. 3));
    assigns \nothing; */
static inline uint32_t load_le32(const uint8_t *p);
/*@ requires \valid(p + (0 .. 1));
    assigns p[0 .. 1]; */
static inline void store_le16(uint8_t *p, uint16_t v);
/*@ requires \valid(p + (0 .. 3));
    assigns p[0 .. 3]; */
static inline void store_le32(uint8_t *p, uint32_t v);

/*@ requires n == 0 || \valid_read(p + (0 .. n - 1));
    assigns \result \from crc, p[0 .. n - 1]; */
uint16_t ym_crc16(uint16_t crc, const uint8_t *p, size_t n);
/*@ requires n == 0 || \valid_read(p + (0 .. n - 1));
    assigns \result \from crc, p[0 .. n - 1]; */
uint32_t crc32_bytes(uint32_t crc, const uint8_t *p, size_t n);

/* The C library's, as far as bytes are concerned (C11 7.24.2.1, 7.24.6.1). */
/*@ requires n == 0 || \valid(to + (0 .. n - 1));
    requires n == 0 || \valid_read(from + (0 .. n - 1));
    requires n == 0 || \separated(to + (0 .. n - 1), from + (0 .. n - 1));
    assigns to[0 .. n - 1] \from from[0 .. n - 1]; */
void copy_bytes(uint8_t *to, const uint8_t *from, size_t n);
/*@ requires n == 0 || \valid(to + (0 .. n - 1));
    assigns to[0 .. n - 1] \from value; */
void fill_bytes(uint8_t *to, int value, size_t n);
#define memcpy copy_bytes
#define memset fill_bytes

#endif
