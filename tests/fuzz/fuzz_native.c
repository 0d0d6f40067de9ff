/* SPDX-License-Identifier: MIT */
/* The native protocol's device side. */
#include "tests/fuzz/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static desk_op *const ops[] = { OPS_COMMON, OPS_NATIVE };

    desk_play(p, n, ops, COUNT(ops));
    return 0;
}
