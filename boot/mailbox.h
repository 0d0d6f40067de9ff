/* SPDX-License-Identifier: MIT */
/* The mailbox: 16 bytes of RAM that survive a software reset (docs/SPEC.md section 3). Pure; compiled for the PC too. */
#ifndef VCPBOOT_MAILBOX_H
#define VCPBOOT_MAILBOX_H

#include <stdint.h>

#define MAILBOX_ADDRESS 0x20000000U
#define MAILBOX_MAGIC 0x4D504356U       /* "VCPM" */

enum mailbox_request { MAILBOX_NONE = 0, MAILBOX_BOOTLOADER = 1, MAILBOX_DFU = 2, MAILBOX_ROM = 3 };

struct mailbox { uint32_t magic, request, inverse, crc; };

enum mailbox_request mailbox_read(const struct mailbox *m);     /* MAILBOX_NONE unless every field fits */
void mailbox_write(struct mailbox *m, enum mailbox_request request);
void mailbox_clear(struct mailbox *m);

#endif
