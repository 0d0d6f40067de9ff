/* SPDX-License-Identifier: MIT */
/* DBGMCU: the device's identity and the debugger's freeze bits. */
#ifndef VCPBOARD_PERIPH_DBGMCU_H
#define VCPBOARD_PERIPH_DBGMCU_H

#include "board/chip.h"

struct dbgmcu;

struct dbgmcu *dbgmcu_new(struct chip *c);
void dbgmcu_free(struct dbgmcu *d);

#endif
