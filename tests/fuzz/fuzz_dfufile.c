/* SPDX-License-Identifier: MIT */
/* .dfu files, plain and DfuSe: as they are, or with a suffix that is made right. */
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/fuzz/file.h"
#include "tests/unit/wire.h"

#define SUFFIX_BYTES 16U

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
        store_le32(file + n + sizeof start, dfu_suffix_crc(file, n + sizeof start));
        n += SUFFIX_BYTES;
    }
    file_try(file, n, "firmware.dfu");
    free(file);
    return 0;
}
