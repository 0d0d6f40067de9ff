/* SPDX-License-Identifier: MIT */
/* YMODEM sender, sans-IO: a receiver's bytes and time in; one file, block by block, out (docs/SPEC.md section 6). */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); reference client: lrzsz rb */
#ifndef VCPBOOT_YMODEM_SEND_H
#define VCPBOOT_YMODEM_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ymodem.h"

#define YM_WIRE_MAX (3U + YM_BLOCK_MAX + 2U)
#define YM_SEND_NAME "application.bin"

typedef uint32_t ym_word(uint32_t at);  /* four bytes of the file, as load_le32 would see them */

/* State; the owner allocates it. Nothing is kept of the file: a block that must be sent again is read again. */
struct ym_sender {
    uint32_t start, size;               /* of the file, in the reader's terms; multiples of 4 */
    uint32_t offset;                    /* of the block that is due or under way */
    uint32_t last_ms;
    uint8_t state;
    bool due;                           /* something is to be sent; otherwise the receiver has the word */
    bool streaming;                     /* called with 'G': the receiver acknowledges nothing but the EOT */
};
/* Waits for a receiver's call: 'C' or 'G', for a minute. */
void ym_send_init(struct ym_sender *y, uint32_t start, uint32_t size, uint32_t now_ms);
/* Returns bytes taken. It stops in front of a byte with which no receiver goes on: CAN, or somebody else has taken over. */
size_t ym_send_feed(struct ym_sender *y, const uint8_t *in, size_t n, uint32_t now_ms);
/* What is due, composed into out (YM_WIRE_MAX bytes); returns how many bytes, 0: nothing. Gives up after too long a silence. */
size_t ym_send_output(struct ym_sender *y, uint8_t *out, ym_word *word, uint32_t now_ms);
/* All is said, for better or worse: to be asked behind each output, and no more is to be fed then. */
bool ym_send_over(const struct ym_sender *y);

#endif
