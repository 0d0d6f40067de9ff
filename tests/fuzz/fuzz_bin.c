/* SPDX-License-Identifier: MIT */
/* Raw and sealed images: as they are, or with length and CRC of the seal made right. */
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "image/seal.h"
#include "tests/fuzz/file.h"
#include "tests/unit/make_image.h"

#define FIX_CRC 1U                      /* flags of the first byte */
#define FIX_LENGTH 2U

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct input in = { p, n };
    uint8_t flags = take8(&in);
    uint8_t *copy = malloc(in.n + 1U);  /* as large as it is, so that ASan sees the first byte beyond */

    FUZZ_CHECK(copy != NULL);
    if (in.n != 0) memcpy(copy, in.p, in.n);
    if (in.n >= SEAL_MIN_BYTES && (flags & FIX_LENGTH) != 0) store_le32(copy + SEAL_AT_LENGTH, (uint32_t)in.n);
    if (in.n >= SEAL_MIN_BYTES && (flags & FIX_CRC) != 0)
        store_le32(copy + SEAL_AT_CRC, make_image_crc(copy, (uint32_t)in.n & ~3U));
    file_try(copy, in.n, "firmware.bin");
    free(copy);
    return 0;
}
