/* SPDX-License-Identifier: MIT */
/* The board's USB device for a virtual machine: a usbredir host on a UNIX socket, as QEMU's usb-redir device expects one.
 *
 * The socket's other end stands for the PC: the cable's far end is plugged in while it is connected, and the board goes on
 * trying to connect while it is not. The device's transactions are those of the board's own bus, with its frames and times. */
/* Sources: usbredir protocol 0.7 (usb-redir-protocol.txt); usbredirparser.h */
#ifndef VCPBOARD_BRIDGE_USBREDIR_H
#define VCPBOARD_BRIDGE_USBREDIR_H

#include <stdbool.h>

#include "board/chip.h"

struct usbhost;
struct usbredir;

/* host: made with the option `forward`. NULL if `path` does not fit into a socket's address. */
struct usbredir *usbredir_new(struct chip *c, struct usbhost *host, const char *path);
void usbredir_free(struct usbredir *u);

/* The cable's near end: pulled out of the board, and put in again (as it is at first). */
void usbredir_plug(struct usbredir *u, bool plugged);

#endif
