/* SPDX-License-Identifier: MIT */
/* Files into and out of the flash: ELF and binary images, and the state file. */
#ifndef VCPBOARD_LOAD_H
#define VCPBOARD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip_run.h"

#define LOAD_TEXT_BYTES 300U

struct load_result {
    char error[LOAD_TEXT_BYTES];        /* a sentence; "" when all went well */
    uint32_t first, last;               /* lowest and highest flash address written */
    uint32_t bytes;
};

/* spec is FILE or FILE@ADDRESS. An ELF file brings its own addresses (the physical ones of its PT_LOAD segments), anything
 * else is a binary image for ADDRESS, by default 0x08000000. Everything must lie in flash. False: see error. */
bool load_image(struct chip *c, const char *spec, struct load_result *r);
/* The raw flash array; beside it, in PATH.options, the option bytes as FLASH_OPTCR shows them, if they are not what a new chip
 * has. A file that does not exist is a blank flash, and no error; *found tells. */
bool load_state(struct chip *c, const char *path, bool *found, struct load_result *r);
/* Each file is written beside the old one and renamed over it, so that a crash leaves one of the two whole. */
bool save_state(struct chip *c, const char *path, struct load_result *r);

#endif
