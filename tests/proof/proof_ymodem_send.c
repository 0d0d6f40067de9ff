/* SPDX-License-Identifier: MIT */
/* Eva over proto/ymodem_send.c: any calls in any order. */
/* Assumptions: the sender is static, thus zero at first; size is a multiple of 4, as ymodem_send.h wants it; the output buffer is initialized;
 * input comes in pieces of at most INPUT_MAX bytes. */
#include "proto/ymodem_send.h"
#include "tests/proof/any.h"

#define INPUT_MAX 4096U
static uint32_t any_word(uint32_t at) { (void)at; return any_u32(); }
static uint32_t any_size(void) { return any_u32() & ~3U; }
int main(void)
{
    static struct ym_sender y;
    uint8_t in[INPUT_MAX], out[YM_WIRE_MAX];
    any_bytes(out, sizeof out);

    ym_send_init(&y, any_u32(), any_size(), any_u32());
    while (any_bool()) {
        any_bytes(in, sizeof in);
        switch (any_upto(3)) {
        case 0: (void)ym_send_feed(&y, in, any_upto(INPUT_MAX), any_u32()); break;
        case 1: ym_send_output(&y, out, any_word, any_u32()); break;
        case 2: ym_send_over(&y); break;
        default: ym_send_init(&y, any_u32(), any_size(), any_u32()); break;
        }
    }
    return 0;
}
