/* SPDX-License-Identifier: MIT */
/* Bytes as they are, and a person's keys: detection and the console. */
#include "tests/fuzz/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static desk_op *const ops[] = { OPS_COMMON };

    desk_play(p, n, ops, COUNT(ops));
    return 0;
}
