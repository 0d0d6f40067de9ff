/* SPDX-License-Identifier: MIT */
/* What an update did to the flash, operation by operation, and what the flash holds if the power goes at any of them. */
#ifndef VCPBOOT_TESTS_TAPE_H
#define VCPBOOT_TESTS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip_run.h"

#define TAPE_FLASH_BYTES 0x80000U       /* an STM32F407VE */
#define TAPE_TORN_WAYS 4U               /* how an operation is torn: of an erase its look, of a word how many of its bits have fallen */

/* Main flash without power: what it holds, and the bits that nobody knows. */
struct cells {
    uint8_t bytes[TAPE_FLASH_BYTES];
    uint32_t unstable[TAPE_FLASH_BYTES / 4];
};

struct tape {
    struct cells before;
    struct flash_operation *op;
    size_t count, room;
};

/* From here to tape_stop the chip's flash operations are noted. */
void tape_record(struct tape *t, struct chip *c);
void tape_stop(struct chip *c);
void tape_free(struct tape *t);

void cells_of(struct cells *out, struct chip *c);
/* The operation is done / was cut short. The same seed and way tear it the same way. */
void cells_apply(struct cells *c, const struct flash_operation *op);
void cells_tear(struct cells *c, const struct flash_operation *op, unsigned way, uint64_t seed);

#endif
