/* SPDX-License-Identifier: MIT */
/* OTG_FS as a device controller. Polled by a bootloader, or driven by OTG_FS_IRQHandler in an application. */
/* Sources: RM0090 Rev 21 §34.17; §35.13.6-35.13.7 (the same core) */
#ifndef VCPBOOT_OTG_FS_H
#define VCPBOOT_OTG_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "usb/dcd.h"

extern const struct dcd otg_fs_dcd;

/* Pins, clock gate, core reset, FIFOs; stays disconnected until otg_fs_dcd.connect(true). Needs 48 MHz from the PLL and an AHB
 * above 14.2 MHz. Takes 25 ms or more (RM0090 §34.16.2, FDMOD); now_ms must advance meanwhile. False: the core did not answer. */
bool otg_fs_init(dcd_event_fn *event, void *owner, uint32_t (*now_ms)(void));

/* Handles what has happened, events included; bounded. Polled use: call it often. Interrupt use: it is the body of
 * OTG_FS_IRQHandler (line 67). */
void otg_fs_poll(void);

/* Interrupt use. All calls into the stack (usbd, cdc) from outside of the handler stand between mask and unmask: they touch the
 * same state, and a FIFO write that is interrupted by another endpoint register access corrupts the FIFO (ES0287 §2.12.1). */
void otg_fs_enable_irq(void);
void otg_fs_mask_irq(void);
void otg_fs_unmask_irq(void);

#endif
