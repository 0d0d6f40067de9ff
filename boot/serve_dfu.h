/* SPDX-License-Identifier: MIT */
/* The memory behind the DfuSe personality: its commands (usb/dfu.h) over one update session, its limits those of the application
 * area. Knows no register and no USB; compiled for the PC too (docs/SPEC.md "DfuSe"). */
#ifndef VCPBOOT_SERVE_DFU_H
#define VCPBOOT_SERVE_DFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "update/session.h"
#include "usb/descriptors.h"
#include "usb/dfu.h"

#define SERVE_DFU_COMMIT_MS 100U        /* the longest search for the info block, CRC over 1 MB and head together */

/* The owner allocates it and fills it in. Pointers outlive it. */
struct serve_dfu {
    struct session *session;            /* already bound to `area` and `where` */
    const struct flash_area *area;
    const struct seal_area *where;
    uint32_t erase_max_ms, write_max_ms;        /* the longest that a sector and DFU_TRANSFER_BYTES may take */
    bool readable;                      /* policy */
    bool startable;                     /* there is an application to go back to: kept up to date */
};

extern const struct dfu_memory serve_dfu_memory;        /* its ctx is a struct serve_dfu */

/* The memory string: "@Internal Flash  /0x08010000/01*064Kg,03*128Kg"; f instead of g: not readable. */
void serve_dfu_layout(const struct serve_dfu *m, char text[USB_FUNCTION_CHARS_MAX + 1]);

#endif
