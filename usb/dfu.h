/* SPDX-License-Identifier: MIT */
/* DFU 1.1 with ST's DfuSe extensions: requests in, commands to a memory out. Sans-IO: knows neither flash nor registers; time is
 * an argument. Nothing is ever waited for in a request: a command that takes time is dfuDNBUSY until its memory is done. */
/* Sources: USB DFU 1.1 §4.1, §6.1, annex A; ST AN3156 (DfuSe), UM0424 (memory string) */
#ifndef VCPBOOT_DFU_H
#define VCPBOOT_DFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DFU_TRANSFER_BYTES 2048U        /* wTransferSize, as ST's ROM loader has it */
#define DFU_LEAVE_MS 100U

enum dfu_status {                       /* bStatus, DFU 1.1 §6.1.2 */
    DFU_OK = 0x00, DFU_ERR_TARGET = 0x01, DFU_ERR_FILE = 0x02, DFU_ERR_WRITE = 0x03, DFU_ERR_ERASE = 0x04,
    DFU_ERR_CHECK_ERASED = 0x05, DFU_ERR_PROG = 0x06, DFU_ERR_VERIFY = 0x07, DFU_ERR_ADDRESS = 0x08, DFU_ERR_NOTDONE = 0x09,
    DFU_ERR_FIRMWARE = 0x0A, DFU_ERR_VENDOR = 0x0B, DFU_ERR_UNKNOWN = 0x0E, DFU_ERR_STALLEDPKT = 0x0F,
    DFU_PENDING = 0xFF,                 /* no bStatus: the memory is still at it */
};

enum dfu_state {                        /* bState, DFU 1.1 §6.1.2 */
    DFU_IDLE = 2, DFU_DNLOAD_SYNC = 3, DFU_DNBUSY = 4, DFU_DNLOAD_IDLE = 5, DFU_MANIFEST_SYNC = 6, DFU_MANIFEST = 7,
    DFU_UPLOAD_IDLE = 9, DFU_ERROR = 10,
};

enum dfu_command { DFU_WRITE, DFU_ERASE_ALL, DFU_LEAVE, DFU_POINT = 0x21, DFU_ERASE = 0x41 };  /* two as AN3156 numbers them */

struct dfu_job {
    enum dfu_command command;
    uint32_t addr;                      /* from the wire, unchecked; DFU_ERASE_ALL and DFU_LEAVE have none */
    const uint8_t *p;                   /* what DFU_WRITE writes, */
    uint32_t n;                         /* and how many bytes; the memory may count them down */
    uint32_t max_ms;                    /* the longest it may take: the memory says so */
};

struct dfu_memory {
    /* Begins a job, which stays valid until poll has told its end. DFU_PENDING (poll tells more), DFU_OK (done), or why not. */
    enum dfu_status (*begin)(void *ctx, struct dfu_job *job);
    /* What has become of a job that was pending. */
    enum dfu_status (*poll)(void *ctx, struct dfu_job *job);
    /* Copies at most *n bytes from addr, fewer at the memory's end; *n becomes how many. */
    enum dfu_status (*read)(void *ctx, uint32_t addr, uint8_t *out, size_t *n);
};

/* The owner allocates it; the fields are dfu.c's own. */
struct dfu {
    const struct dfu_memory *memory;
    void *ctx;
    enum dfu_state state;
    enum dfu_status status;             /* of the state dfuERROR */
    enum dfu_status outcome;            /* of the last job; DFU_PENDING: it runs */
    uint32_t pointer;
    struct dfu_job job;
    uint32_t now_ms, since_ms;          /* when the job began */
    uint32_t heard_ms;                  /* the last request */
    uint8_t data[DFU_TRANSFER_BYTES];
};

void dfu_init(struct dfu *d, const struct dfu_memory *memory, void *ctx, uint32_t pointer, uint32_t now_ms);
/* Looks after the command that runs. Call it often: requests take their time from here. */
void dfu_poll(struct dfu *d, uint32_t now_ms);
/* ms without a request. */
uint32_t dfu_idle_ms(const struct dfu *d);
/* dfuMANIFEST was reported DFU_LEAVE_MS ago: the client knows that the device leaves, and the answer is out. */
bool dfu_leaves(const struct dfu *d);

/* Binds a dfu (as `self`) to usb/usbd.h. String USB_STRING_FUNCTION of the identity is the memory string. */
struct usbd_function;
extern const struct usbd_function dfu_function;

#endif
