/* SPDX-License-Identifier: MIT */
/* The DfuSe personality of the updater: what it needs in SRAM instead of the serial port's rings. */
#ifndef VCPBOOT_MAIN_DFU_H
#define VCPBOOT_MAIN_DFU_H

#include "boot/config.h"
#include "boot/serve_dfu.h"
#include "usb/descriptors.h"
#include "usb/dfu.h"

struct main_dfu {
    struct serve_dfu memory;            /* session, area, where, erase_max_ms, startable: the owner fills them in */
    struct dfu dfu;
    char layout[USB_FUNCTION_CHARS_MAX + 1];
};

/* Fills in the rest, and of the identity what makes it the personality's. */
void main_dfu_init(struct main_dfu *d, const struct config *config, struct usb_identity *id, uint32_t now_ms);

#endif
