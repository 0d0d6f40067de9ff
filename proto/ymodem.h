/* SPDX-License-Identifier: MIT */
/* YMODEM and XMODEM receiver, sans-IO: bytes and time in; replies, a header, blocks and an end out (docs/SPEC.md section 6). */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); reference clients: lrzsz sb and sx, Tera Term */
#ifndef VCPBOOT_YMODEM_H
#define VCPBOOT_YMODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YM_SOH 0x01U
#define YM_STX 0x02U
#define YM_EOT 0x04U
#define YM_ACK 0x06U
#define YM_NAK 0x15U
#define YM_CAN 0x18U
#define YM_CRC 0x43U                    /* 'C' */
#define YM_STREAM 0x47U                 /* 'G': YMODEM-g, blocks without ACKs */
#define YM_PAD 0x1AU
#define YM_CANS 4U                      /* to be noticed: lrzsz looks for two in a row, in some places for two pairs */

#define YM_BLOCK_MAX 1024U
#define YM_NAME_MAX 64U

enum ym_event {
    YM_NONE,                            /* feed more, or tick */
    YM_FILE,                            /* block 0: name and size are known. Or XMODEM's block 1: neither is. Answer ym_accept or
                                           ym_reject */
    YM_BLOCK,                           /* a data block, cut to the file's size. Answer ym_taken (or ym_reject) */
    YM_END,                             /* the file's EOT: all blocks are in. Answer ym_accept (commit done) or ym_reject */
    YM_DONE,                            /* the batch is over, its file accepted; stays until ym_init */
    YM_CANCELLED,                       /* by the sender, by ym_reject, after too many errors or too long a silence; stays too */
};

struct ym_file { char name[YM_NAME_MAX]; uint32_t size; bool has_size; };

/* State; the owner allocates it. Fields are the machine's own except those marked. name: "" in XMODEM, and only there. */
struct ym {
    uint8_t buf[3 + YM_BLOCK_MAX + 2];
    uint16_t have, want, crc;
    uint8_t state, event, expected, cans;
    uint8_t errors, silences;           /* in a row */
    bool in_batch;                      /* read: false until block 0 of a file was accepted */
    bool purging;                       /* a damaged block: wait until the line is quiet, then complain */
    bool streaming;                     /* written, right behind ym_init: the sender was called with 'G' */
    bool answered;                      /* the owner took its time: silence counts from the next look at the clock */
    uint32_t received;                  /* bytes of the file so far */
    uint32_t last_ms;
    struct ym_file file;                /* read after YM_FILE */
    uint8_t out[16];
    uint8_t out_len;
};
/* Waits for a sender. Says nothing yet: ym_tick calls with 'C' a second later, then once a second for a minute. An owner who calls
 * himself ticks from the first byte on. */
void ym_init(struct ym *y, uint32_t now_ms);
/* Returns bytes taken: all, unless an event waits for its answer, or the batch is over. */
size_t ym_feed(struct ym *y, const uint8_t *in, size_t n, uint32_t now_ms);
void ym_tick(struct ym *y, uint32_t now_ms);            /* repeats 'C' or NAK, gives up */
/* The event that waits, if any. block/len are set for YM_BLOCK and stay valid until the answer. */
enum ym_event ym_poll(struct ym *y, const uint8_t **block, size_t *len);
void ym_accept(struct ym *y);
void ym_taken(struct ym *y);
/* Sends CANs; the batch is over. YM_CANCELLED comes as soon as the sender is quiet: until then ticks and bytes are still welcome,
 * since lrzsz's sb answers a refused EOT with another EOT, ten times, and wants to hear CAN each time. */
void ym_reject(struct ym *y);
/* Bytes for the wire; returns how many were copied. */
size_t ym_output(struct ym *y, uint8_t *out, size_t cap);
/* Could this be the first byte of a sender's block? (SOH, STX) */
bool ym_starts_with(uint8_t byte);

uint16_t ym_crc16(uint16_t crc, const uint8_t *p, size_t n);

#endif
