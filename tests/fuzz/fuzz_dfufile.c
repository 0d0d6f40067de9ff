/* SPDX-License-Identifier: MIT */
/* .dfu files, plain and DfuSe: as they are, or with a suffix that is made right. */
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/fuzz/file.h"

#define SUFFIX_BYTES 16U

/* DFU 1.1 annex B, four bits at a time. */
static uint32_t crc32(const uint8_t *p, size_t n)
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

/* The first byte: 0 as it is; otherwise which version the suffix has. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const uint16_t versions[] = { 0x0100, 0x011A, 0x0110 };
    struct input in = { p, n };
    uint8_t how = take8(&in), *file = malloc(in.n + SUFFIX_BYTES);
    uint16_t version = versions[how % 3U];
    const uint8_t start[] = { 0, 0, 0, 0, 0, 0, (uint8_t)version, (uint8_t)(version >> 8), 'U', 'F', 'D', SUFFIX_BYTES };

    FUZZ_CHECK(file != NULL);
    if (in.n != 0) memcpy(file, in.p, in.n);
    n = in.n;
    if (how != 0) {
        memcpy(file + n, start, sizeof start);
        store_le32(file + n + sizeof start, crc32(file, n + sizeof start));
        n += SUFFIX_BYTES;
    }
    file_try(file, n, "firmware.dfu");
    free(file);
    return 0;
}
