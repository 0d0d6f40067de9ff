/* SPDX-License-Identifier: MIT */
/* CRC-16 of XMODEM and YMODEM (polynomial 0x1021, start 0), by a table of 16 entries: four bits a step. */
#include "proto/ymodem.h"

/* table[i]: what the top four bits i turn into when they are shifted out. */
static const uint16_t table[16] = {
    0x0000U, 0x1021U, 0x2042U, 0x3063U, 0x4084U, 0x50A5U, 0x60C6U, 0x70E7U,
    0x8108U, 0x9129U, 0xA14AU, 0xB16BU, 0xC18CU, 0xD1ADU, 0xE1CEU, 0xF1EFU,
};

uint16_t ym_crc16(uint16_t crc, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc = (uint16_t)(crc << 4 ^ table[crc >> 12 ^ p[i] >> 4]);
        crc = (uint16_t)(crc << 4 ^ table[crc >> 12 ^ (p[i] & 0xFU)]);
    }
    return crc;
}
