/* SPDX-License-Identifier: MIT */
/* OTG_FS, the full-speed USB core, in device mode and with the CPU moving the data (the F4's FS core has no DMA).
 *
 * Modelled: every register of RM0090 §34.16.2, .4 and .5, the 320 words of FIFO RAM, control, bulk and interrupt endpoints.
 * Not modelled, and said so when used: host mode, SRP/HNP, isochronous endpoints, test modes. */
/* Sources: RM0090 Rev 21 §34; ES0182 (OTG_FS items) */
#ifndef VCPBOARD_PERIPH_OTG_FS_H
#define VCPBOARD_PERIPH_OTG_FS_H

#include <stdbool.h>

#include "board/chip.h"
#include "board/usbhost/wire.h"

struct otg_fs;

struct otg_fs *otg_fs_new(struct chip *c);
void otg_fs_free(struct otg_fs *o);

/* Whether PA11 and PA12 are both in alternate function 10. Until a source is set they are taken to be; the transceiver
 * reaches the cable only while they are. The source is asked at every look at the line, so no change need be reported. */
void otg_fs_set_pins_source(struct otg_fs *o, bool (*connected)(void *owner), void *owner);

/* 5 V on PA9. The board leaves that pin unwired: false from the start. */
void otg_fs_set_vbus(struct otg_fs *o, bool wired_and_live);

/* The wake-up event that goes to EXTI line 18 (RM0090 §12.2.5): a resume is seen while the bus is suspended. */
void otg_fs_set_wakeup_line(struct otg_fs *o, void (*pulse)(void *owner), void *owner);

/* The cable: the device's end, and where to plug in a host. host NULL: unplugged. Both live as long as they are connected. */
const struct wire_device *otg_fs_wire(struct otg_fs *o);
void otg_fs_connect_host(struct otg_fs *o, const struct wire_host *host);

#endif
