/* SPDX-License-Identifier: MIT */
/* ELF files. */
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    file_try(p, n, "firmware.elf");
    return 0;
}
