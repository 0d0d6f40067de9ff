/* SPDX-License-Identifier: MIT */
/* What every client puts on the wire or into a file, made by code that shares nothing with what is tested. */
#ifndef VCPBOOT_TESTS_WIRE_H
#define VCPBOOT_TESTS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define YMODEM_FRAME_BYTES(size) ((size) + 5U)          /* SOH or STX, number, its complement; CRC */
#define YMODEM_FRAME_MAX YMODEM_FRAME_BYTES(1024U)

/* size: 128 or 1024. n bytes of p (no more than size), filled up with pad. Returns the bytes of the frame. */
size_t ymodem_frame(uint8_t *out, uint8_t number, const uint8_t *p, size_t n, size_t size, uint8_t pad);
/* AN3155: all bytes XORed, from `start` on. */
uint8_t an3155_checksum(uint8_t start, const uint8_t *p, size_t n);
/* The CRC of a .dfu file's suffix: DFU 1.1 annex B. */
uint32_t dfu_suffix_crc(const uint8_t *p, size_t n);

#endif
