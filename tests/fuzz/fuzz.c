/* SPDX-License-Identifier: MIT */
/* What every fuzz target has. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/* The fakes of the unit tests check by cmocka, which outside of a test would exit: abort is what shows the stack. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

uint8_t take8(struct input *in)
{
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

uint32_t take16(struct input *in)
{
    uint32_t low = take8(in);

    return low | (uint32_t)take8(in) << 8;
}

uint32_t take32(struct input *in)
{
    uint32_t low = take16(in);

    return low | take16(in) << 16;
}

const uint8_t *take(struct input *in, size_t n, size_t *got)
{
    const uint8_t *p = in->p;

    *got = n < in->n ? n : in->n;
    if (*got != 0) in->p += *got;
    in->n -= *got;
    return p;
}
