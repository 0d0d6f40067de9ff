/* SPDX-License-Identifier: MIT */
/* The boot decision: facts in, verdict and reason out. Pure; compiled for the PC too (docs/SPEC.md section 2.2). */
#ifndef VCPBOOT_DECIDE_H
#define VCPBOOT_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/seal.h"

enum boot_reason {
    BOOT_START_SEALED = 0,
    BOOT_START_UNSEALED = 1,
    BOOT_STAY_REQUESTED = 2,
    BOOT_STAY_PIN = 3,
    BOOT_STAY_EMPTY = 4,
    BOOT_STAY_VECTORS = 5,
    BOOT_STAY_DAMAGED = 6,
    BOOT_STAY_UNSEALED = 7,
    BOOT_STAY_REVOKED = 8,
    BOOT_STAY_CRASH_LOOP = 9,
};

struct boot_facts {
    bool requested;                     /* a valid mailbox asked for the bootloader */
    bool pin;                           /* the pin is enabled and active */
    bool require_seal;                  /* policy */
    bool vectors_ok;                    /* seal_vectors_ok with the limit that fits the seal */
    bool crc_ok;                        /* only looked at if seal.kind is SEAL_PRESENT */
    struct seal_info seal;
};

struct boot_verdict {
    enum boot_reason reason;
    uint32_t life_bit;                  /* to be cleared in the life word before the start; 0: none */
};

struct boot_verdict boot_decide(const struct boot_facts *f);
/* What boot_decide would say if nobody had asked to stay: is there an application to go back to? */
struct boot_verdict boot_decide_unasked(const struct boot_facts *f);
static inline bool boot_starts(struct boot_verdict v) { return v.reason <= BOOT_START_UNSEALED; }

#endif
