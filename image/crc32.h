/* SPDX-License-Identifier: MIT */
/* CRC-32 in the form of the STM32's CRC unit, by words and by bytes. */
/* Sources: RM0090 Rev 21 §4 "CRC calculation unit" */
#ifndef VCPBOOT_CRC32_H
#define VCPBOOT_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define CRC32_INIT 0xFFFFFFFFU

/* Bytewise, most significant bit first, no inversion at the end: CRC-32/MPEG-2. Frames of the native protocol. */
uint32_t crc32_bytes(uint32_t crc, const uint8_t *p, size_t n);
/* One word, as a write to CRC_DR does it. The seal. */
uint32_t crc32_word(uint32_t crc, uint32_t word);

#endif
