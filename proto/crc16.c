/* SPDX-License-Identifier: MIT */
/* CRC-16 of XMODEM and YMODEM (polynomial 0x1021, start 0), bit by bit: it has little to do, and a table costs flash. */
#include "proto/ymodem.h"

#define POLYNOMIAL 0x1021U

uint16_t ym_crc16(uint16_t crc, const uint8_t *p, size_t n)
{
    uint32_t high = (uint32_t)crc << 16;        /* so that the bit that is shifted out is the sign */

    for (size_t i = 0; i < n; i++) {
        high ^= (uint32_t)p[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++) high = high << 1 ^ ((high >> 31) * (POLYNOMIAL << 16));
    }
    return (uint16_t)(high >> 16);
}
