/* SPDX-License-Identifier: MIT */
/* The two halves of the bootloader: the decision at reset, which runs from flash, and the updater, which runs from SRAM. */
#ifndef VCPBOOT_BOOT_H
#define VCPBOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/decide.h"

#define BOOT_VERSION 0x000100U          /* 0.1.0: major, minor, patch in bytes 2, 1, 0 */
#define BOOT_VERSION_TEXT "0.1.0"

/* Why the updater runs. */
struct boot_outcome {
    enum boot_reason reason;
    bool dfu;                           /* the request was for the DfuSe personality */
    bool startable;                     /* an application would start if nobody had asked to stay: there is one to go back to */
};

/* Reads and clears the mailbox, judges the application, and starts it: then it does not return, and the chip is as reset left
 * it. Otherwise says why the updater must run. Lives on the stack alone: .data and .bss are not there yet. */
struct boot_outcome boot_decision(void);

/* Serves updates until the next reset. Everything it needs is in SRAM: it never fetches from flash. */
_Noreturn void updater_run(struct boot_outcome why);

#endif
