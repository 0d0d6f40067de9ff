/* SPDX-License-Identifier: MIT */
/* What a proof's driver is made of: values of which nothing is known. */
#ifndef VCPBOOT_PROOF_ANY_H
#define VCPBOOT_PROOF_ANY_H

#include <__fc_builtin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint32_t any_upto(uint32_t most) { return Frama_C_unsigned_int_interval(0, most); }
static inline bool any_bool(void) { return any_upto(1) != 0; }
static inline uint8_t any_u8(void) { return (uint8_t)any_upto(UINT8_MAX); }
static inline uint16_t any_u16(void) { return (uint16_t)any_upto(UINT16_MAX); }
static inline uint32_t any_u32(void) { return any_upto(UINT32_MAX); }
static inline void any_bytes(uint8_t *p, size_t n) { Frama_C_make_unknown((char *)p, n); }

#endif
