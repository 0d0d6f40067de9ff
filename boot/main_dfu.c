/* SPDX-License-Identifier: MIT */
/* The DfuSe personality of the updater: the config's part of it. */
/* Sources: docs/SPEC.md section 4, "DfuSe"; DS8626 Rev 12 table 40 (programming: 100 us at most, whatever the width) */
#include "boot/main_dfu.h"

#define WRITE_MAX_MS_X32 (DFU_TRANSFER_BYTES / 4U / 10U + 3U)        /* and what the loop needs between two words */
#define PSIZE_X32 2U

void main_dfu_init(struct main_dfu *d, const struct config *config, struct usb_identity *id, uint32_t now_ms)
{
    struct serve_dfu *m = &d->memory;

    m->write_max_ms = WRITE_MAX_MS_X32 << (config->psize <= PSIZE_X32 ? PSIZE_X32 - config->psize : PSIZE_X32);
    m->readable = (config->policy & CONFIG_NO_READ) == 0;
    serve_dfu_layout(m, d->layout);
    id->vid = config->dfu_vid;
    id->pid = config->dfu_pid;
    id->function = d->layout;
    dfu_init(&d->dfu, &serve_dfu_memory, m, m->where->base, now_ms);
}
