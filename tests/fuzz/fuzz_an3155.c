/* SPDX-License-Identifier: MIT */
/* AN3155's device side. */
#include "tests/fuzz/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static desk_op *const ops[] = { OPS_COMMON, OPS_AN3155 };

    desk_play(p, n, ops, COUNT(ops));
    return 0;
}
