/* SPDX-License-Identifier: MIT */
/* Which protocol begins with this byte? Asked at frame boundaries only (docs/DESIGN.md "Protocol detection"). */
#ifndef VCPBOOT_DETECT_H
#define VCPBOOT_DETECT_H

#include <stdint.h>

enum detect {
    DETECT_NOTHING,                     /* junk, to be dropped: ModemManager's "AT", a terminal's echo */
    DETECT_NATIVE,
    DETECT_YMODEM,
    DETECT_AN3155,                      /* 0x7F; its commands are known only after that */
};

enum detect detect(uint8_t byte);

#endif
