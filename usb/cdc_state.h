/* SPDX-License-Identifier: MIT */
/* The shape of a cdc, for whoever allocates it; the fields are cdc.c's own. */
#ifndef VCPBOOT_CDC_STATE_H
#define VCPBOOT_CDC_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usb/cdc.h"
#include "usb/dcd.h"
#include "usb/ring.h"

struct cdc {
    const struct dcd *dcd;              /* NULL until the PC has chosen the configuration */
    struct ring rx, tx;
    bool armed, sending;
    bool empty_packet_due;              /* the last packet was a full one: the PC must be told that nothing follows */
    bool dtr;
    uint32_t dtr_rises, line_coding_sets;
    struct cdc_line_coding line;
};

#endif
