/* SPDX-License-Identifier: MIT */
/* A PC with a DfuSe client and a board, in one process and in virtual time. The client asks in the order of dfu-util 0.11
 * (dfuse.c: a command is "set address" or "erase", answered by dfuDNBUSY first; every block has its own "set address"). */
#ifndef VCPBOOT_TESTS_DFU_DESK_H
#define VCPBOOT_TESTS_DFU_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip_run.h"
#include "board/usbhost/usbhost.h"
#include "usb/dfu.h"

#define DFU_APP 0x08010000U
#define DFU_APP_BYTES 0x70000U

struct dfu_answer { unsigned status, state, poll_ms; };

struct dfu_desk {
    struct chip *chip;
    unsigned enumerated;                /* how often a device came */
    struct usbhost_device_info info;    /* the last one */
    bool there;
    unsigned answers;                   /* finished control requests */
    enum usbhost_result result;
    uint8_t reply[DFU_TRANSFER_BYTES];
    size_t reply_bytes;
    uint8_t serial_in[512];             /* what came by the COM port */
    size_t serial_bytes;
    vtime latency;                      /* from an answer to the PC's next request; 0: some 100 us */
    uint64_t bus_bytes;                 /* of data, both ways, by the serial port and in control requests */
};

/* A board with the bootloader and, unless NULL, an ELF file of the firmware build. o may be NULL; usb_cable is set by it. */
void dfu_desk_open(struct dfu_desk *d, const char *application, const struct chip_options *o);
/* The same with a chip that runs already; there: its port is there. */
void dfu_desk_attach(struct dfu_desk *d, struct chip *chip, bool there);
/* Checks that the device broke no rule of USB and of the chip. */
void dfu_desk_close(struct dfu_desk *d);
void dfu_desk_load(struct dfu_desk *d, const char *name);
void dfu_desk_run_ms(struct dfu_desk *d, unsigned ms);
/* A moment in which the PC looks whether something has come; an answer has come, and the PC thinks. */
void dfu_desk_look(struct dfu_desk *d);
void dfu_desk_think(struct dfu_desk *d);
/* Until the n-th device has come; false after ten seconds. */
bool dfu_desk_wait(struct dfu_desk *d, unsigned n);
/* From the serial port to another personality: the native REBOOT with that mailbox request, answered. */
void dfu_desk_reboot(struct dfu_desk *d, uint8_t request);
/* dfu_desk_open and dfu_desk_reboot, then wait for the DfuSe device. */
void dfu_desk_enter(struct dfu_desk *d, const char *application, const struct chip_options *o);

/* --- requests. control: false on STALL; the others fail the test on it. ------------------------------------------------- */
bool dfu_control(struct dfu_desk *d, uint8_t type, uint8_t request, uint16_t value, const uint8_t *data, uint16_t n);
struct dfu_answer dfu_get_status(struct dfu_desk *d);
bool dfu_dnload(struct dfu_desk *d, uint16_t block, const uint8_t *p, size_t n);
/* Returns the bytes that came, or -1 on STALL. */
int dfu_upload(struct dfu_desk *d, uint16_t block, size_t n);

/* --- what dfu-util does with them. The last GETSTATUS is returned. ------------------------------------------------------ */
struct dfu_answer dfu_command(struct dfu_desk *d, uint8_t code, uint32_t address);
/* Waits as long as bwPollTimeout says, as often as it is dfuDNBUSY; fails if one is busy longer than it said first. */
struct dfu_answer dfu_finish(struct dfu_desk *d);
struct dfu_answer dfu_write_block(struct dfu_desk *d, uint32_t address, const uint8_t *p, size_t n);
/* Erases every sector that the image touches, then writes it. */
struct dfu_answer dfu_write_image(struct dfu_desk *d, uint32_t address, const uint8_t *p, size_t n);
struct dfu_answer dfu_leave(struct dfu_desk *d);

#endif
