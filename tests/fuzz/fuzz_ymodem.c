/* SPDX-License-Identifier: MIT */
/* YMODEM and XMODEM to the device, YMODEM from it. */
#include "tests/fuzz/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static desk_op *const ops[] = { OPS_COMMON, OPS_YMODEM };

    desk_play(p, n, ops, COUNT(ops));
    return 0;
}
