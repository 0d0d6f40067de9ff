/* SPDX-License-Identifier: MIT */
/* Everybody on one port: takeover from one protocol by another. */
#include "tests/fuzz/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static desk_op *const ops[] = { OPS_COMMON, OPS_NATIVE, OPS_YMODEM, OPS_AN3155 };

    desk_play(p, n, ops, COUNT(ops));
    return 0;
}
