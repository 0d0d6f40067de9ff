/* SPDX-License-Identifier: MIT */
/* CRC: the CRC-32 calculation unit. */
#ifndef VCPBOARD_PERIPH_CRC_H
#define VCPBOARD_PERIPH_CRC_H

#include "board/chip.h"

struct crc;

struct crc *crc_new(struct chip *c);
void crc_free(struct crc *u);

#endif
