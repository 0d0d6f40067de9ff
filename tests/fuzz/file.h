/* SPDX-License-Identifier: MIT */
/* What must hold for every file that the PC side takes for an image. */
#ifndef VCPBOOT_FUZZ_FILE_H
#define VCPBOOT_FUZZ_FILE_H

#include "tests/fuzz/fuzz.h"

/* Loads and seals it. It is refused with a sentence, or it is a sealed image that is loaded again as it is. */
void file_try(const uint8_t *p, size_t n, const char *name);

#endif
