/* SPDX-License-Identifier: MIT */
/* The USB device's virtual COM port as a pty: LINK is there while the device is configured, as /dev/ttyACM0 would be. */
#ifndef VCPBOARD_BRIDGE_VCP_H
#define VCPBOARD_BRIDGE_VCP_H

#include "board/chip.h"
#include "board/usbhost/usbhost.h"

struct vcp_bridge;

/* Becomes the host's client. Opening LINK raises DTR and RTS, closing drops them once all data has gone; the line coding
 * follows the terminal's settings. Data from the device are fetched only while LINK is open, and no faster than they are
 * read. When the device leaves, whoever has LINK open sees a hang-up. */
struct vcp_bridge *vcp_bridge_new(struct chip *c, struct usbhost *host, const char *link);
void vcp_bridge_free(struct vcp_bridge *b);

#endif
