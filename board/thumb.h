/* SPDX-License-Identifier: MIT */
/* What a basic block of Thumb-2 code costs on a Cortex-M4 with memory that never waits. */
#ifndef VCPBOARD_THUMB_H
#define VCPBOARD_THUMB_H

#include <stdbool.h>
#include <stdint.h>

/* Cycles that a taken branch adds: 1 + P, where P is the pipeline refill of 1 to 3; 2 is what linear targets see. */
#define THUMB_BRANCH_REFILL 2U

struct thumb_block {
    uint32_t cycles;                    /* without the refill of the branch that may end it */
    bool has_fp;                        /* contains an instruction that needs CPACR's CP10/CP11 */
};

/* code: the block's bytes, little-endian halfwords; bytes: its length. */
struct thumb_block thumb_scan(const uint8_t *code, uint32_t bytes);

#endif
