/* SPDX-License-Identifier: MIT */
/* Which protocol begins with this byte: no two of them share a first byte. */
#include "proto/detect.h"

#include "proto/an3155.h"
#include "proto/native.h"
#include "proto/ymodem.h"

enum detect detect(uint8_t byte)
{
    if (byte == NATIVE_SYNC0)
        return DETECT_NATIVE;
    if (byte == AN_INIT)
        return DETECT_AN3155;
    return ym_starts_with(byte) ? DETECT_YMODEM : DETECT_NOTHING;
}
