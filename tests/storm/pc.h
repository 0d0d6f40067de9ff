/* SPDX-License-Identifier: MIT */
/* A PC that keeps no rule: any packet on any endpoint, any control request, broken off or not; and it remembers what it heard.
 * It sits on the virtual host's bus and leaves to that host only the port and the address. */
#ifndef VCPBOOT_STORM_PC_H
#define VCPBOOT_STORM_PC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip_run.h"
#include "board/usbhost/forward.h"

#define PC_PACKETS 2048U                /* queued for the serial port */
#define PC_PACKET_BYTES 64U
#define PC_RAW_MAX 8U
#define PC_DATA_IN 0x81U
#define PC_DATA_OUT 0x01U

struct bytes { uint8_t *p; size_t n, room; };

/* One transaction as it goes on the wire. */
struct pc_raw { enum bus_token token; uint8_t address, endpoint; bool data1; uint8_t n; uint8_t data[PC_PACKET_BYTES]; };

struct pc_counts { uint64_t out_packets, in_packets, controls, stalls, aborted, raw, bytes_in; };

struct pc {
    struct chip *chip;
    bool there, opened;                 /* the device has its address; DTR was raised since */
    unsigned arrivals;
    struct usbhost_device_info info;
    struct usbhost_forward usb;
    void (*look)(void *owner);          /* called after every step */
    void *owner;

    struct bus_pipe out, in, raw;
    struct { uint8_t n, data[PC_PACKET_BYTES]; } packet[PC_PACKETS];
    unsigned first, queued, out_errors, in_errors;
    bool out1, reading;
    struct pc_raw script[PC_RAW_MAX];
    unsigned script_n, script_at, naks;
    struct control_request *request;    /* the one that is waited for */
    bool answered;
    enum urb_status status;
    uint8_t reply[CONTROL_DATA_MAX];
    size_t reply_bytes;

    struct bytes came, control_came, went;      /* all that the device sent and took, in order */
    size_t taken;                       /* of came: what a client has looked at */
    bool loose;                         /* packets beside the stream went to the serial port: `went` is not its order */
    struct pc_counts counts;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_free(struct bytes *b);

/* Plugs itself into a chip that was made with usb_cable and usb_forward. */
void pc_init(struct pc *pc, struct chip *chip);
void pc_free(struct pc *pc);

/* False: the board has ended. */
bool pc_run(struct pc *pc, vtime duration);
/* Until a device that came after `arrivals` others is there. */
bool pc_wait_arrival(struct pc *pc, unsigned arrivals, unsigned ms);

/* --- the serial port: bulk data in packets of 64 and a last one ---------------------------------------------------------- */
void pc_write(struct pc *pc, const uint8_t *p, size_t n);
void pc_packet(struct pc *pc, const uint8_t *p, size_t n);      /* one packet of 0 to 64 bytes */
void pc_drop_output(struct pc *pc);
void pc_read(struct pc *pc, bool on);
/* Until so many bytes came that nobody has looked at; false after ms. */
bool pc_wait_bytes(struct pc *pc, size_t n, unsigned ms);
/* Until everything written has been taken. */
bool pc_wait_sent(struct pc *pc, unsigned ms);
static inline size_t pc_unread(const struct pc *pc) { return pc->came.n - pc->taken; }
static inline const uint8_t *pc_unread_at(const struct pc *pc) { return pc->came.p + pc->taken; }
static inline void pc_forget(struct pc *pc) { pc->taken = pc->came.n; }

/* --- control --------------------------------------------------------------------------------------------------------------- */
/* Waits for its end, or breaks it off after the time. True: URB_OK; pc->status tells more, reply holds what came. */
bool pc_control(struct pc *pc, const uint8_t setup[8], const uint8_t *data, vtime patience);
bool pc_request(struct pc *pc, uint8_t type, uint8_t request, uint16_t value, uint16_t index, const uint8_t *data, uint16_t n);
/* SET_CONFIGURATION, line coding, DTR, as a driver and a program do it. */
bool pc_open(struct pc *pc);
bool pc_line(struct pc *pc, uint32_t baud, bool dtr);
/* Transactions one after the other, whatever the device says to them. */
void pc_raw(struct pc *pc, const struct pc_raw *txn, unsigned n);

#endif
