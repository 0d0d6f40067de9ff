/* SPDX-License-Identifier: MIT */
/* The bootloader's serve over a guarded flash, and a script that says what the PC does: bytes, time, an opening, room for answers.
 * A script is two bytes for guard_open, one for desk_play, and steps; a step is a byte (bit 7: the next one follows at once) and what its
 * operation takes. */
#ifndef VCPBOOT_FUZZ_DESK_H
#define VCPBOOT_FUZZ_DESK_H

#include "boot/serve.h"
#include "tests/fuzz/guard.h"

#define DESK_QUEUE_BYTES 16384U

struct desk {
    struct guard guard;                 /* first */
    struct serve serve;
    struct serve_wire wire;
    uint32_t now_ms;
    size_t to_n, to_pos;                /* of to_device */
    size_t room, room_each;             /* what the device may still write; what it gets behind each step */
    uint32_t said;                      /* bytes */
    unsigned polls;                     /* of the flash, at most, between two looks at the port */
    uint8_t last, menu;                 /* the last byte that went to the device; the last '4' among keys */
    struct native_rx rx;                /* what the device answers, if somebody listens */
    bool listening, answered;
    uint8_t seq;
    uint8_t number;                     /* YMODEM: of the next block */
    uint32_t at;                        /* YMODEM, AN3155: offset in the image that is sent next */
    uint8_t to_device[DESK_QUEUE_BYTES];        /* last: not cleared in front of each script */
};

typedef void desk_op(struct desk *d, struct input *in);

/* Plays a whole script. Then whatever was said before, a PC that opens the port and asks must get its answer. */
void desk_play(const uint8_t *p, size_t n, desk_op *const *ops, size_t count);

/* For the operations. What does not fit the queue is lost. */
void desk_put(struct desk *d, const uint8_t *p, size_t n);
void desk_settle(struct desk *d);       /* until the device has nothing more to do */
void desk_wait(struct desk *d, uint32_t ms);

/* desk_ops.c: what every script may say. */
desk_op op_raw, op_key, op_time, op_open, op_room, op_fault, op_cut, op_image;
/* desk_native.c: whole frames, their CRCs right. */
desk_op op_frame, op_request, op_begin, op_data_next, op_data_at, op_data_all;
/* desk_ymodem.c: blocks, their CRCs right. */
desk_op op_header, op_block, op_block_raw, op_file, op_close, op_receiver;
/* desk_an3155.c: parts of commands, their checksums right. */
desk_op op_an_command, op_an_address, op_an_count, op_an_part, op_an_read, op_an_write, op_an_write_all, op_an_erase, op_an_protect;

#define OPS_COMMON op_raw, op_key, op_time, op_open, op_room, op_fault, op_cut, op_image
#define OPS_NATIVE op_frame, op_request, op_begin, op_data_next, op_data_at, op_data_all
#define OPS_YMODEM op_header, op_block, op_block_raw, op_file, op_close, op_receiver
#define OPS_AN3155 op_an_command, op_an_address, op_an_count, op_an_part, op_an_read, op_an_write, op_an_write_all, op_an_erase, \
                   op_an_protect

#endif
