/* SPDX-License-Identifier: MIT */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); ST AN3155; USB DFU 1.1 annex B */
#include "tests/unit/wire.h"

#include <string.h>

#define SOH 0x01U
#define STX 0x02U
#define XMODEM_POLYNOMIAL 0x1021U

static uint16_t xmodem_crc(const uint8_t *p, size_t n)
{
    uint16_t crc = 0;

    for (size_t bit = 0; bit < 8U * n; bit++) {
        unsigned out = (unsigned)crc >> 15 ^ ((unsigned)p[bit / 8U] >> (7U - bit % 8U) & 1U);
        crc = (uint16_t)((unsigned)crc << 1 ^ (out ? XMODEM_POLYNOMIAL : 0));
    }
    return crc;
}

size_t ymodem_frame(uint8_t *out, uint8_t number, const uint8_t *p, size_t n, size_t size, uint8_t pad)
{
    out[0] = size == 128U ? SOH : STX;
    out[1] = number;
    out[2] = (uint8_t)~number;
    memset(out + 3, pad, size);
    if (n != 0) memcpy(out + 3, p, n);
    uint16_t crc = xmodem_crc(out + 3, size);
    out[3 + size] = (uint8_t)(crc >> 8);
    out[4 + size] = (uint8_t)crc;
    return YMODEM_FRAME_BYTES(size);
}

uint8_t an3155_checksum(uint8_t start, const uint8_t *p, size_t n)
{
    while (n-- != 0) start ^= *p++;
    return start;
}

/* Four bits at a time. */
uint32_t dfu_suffix_crc(const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = 0xFFFFFFFFU;

    for (size_t i = 0; i < n; i++) {
        crc = crc >> 4 ^ nibble[(crc ^ p[i]) & 15U];
        crc = crc >> 4 ^ nibble[(crc ^ (uint32_t)(p[i] >> 4)) & 15U];
    }
    return crc;
}
