/* SPDX-License-Identifier: MIT */
/* What every fuzz target has: the input taken apart, and a check whose failure is a find. */
#ifndef VCPBOOT_FUZZ_H
#define VCPBOOT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One target a program; libFuzzer calls it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* An invariant of the product. Prints what is broken and aborts. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

/* The input, taken from its front. At its end: zeros. */
struct input { const uint8_t *p; size_t n; };
uint8_t take8(struct input *in);
uint32_t take16(struct input *in);
uint32_t take32(struct input *in);
/* At most n bytes; *got: how many there were. */
const uint8_t *take(struct input *in, size_t n, size_t *got);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
