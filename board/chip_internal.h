/* SPDX-License-Identifier: MIT */
/* The chip from inside: shared by chip.c, its messages (report.c) and its real-time side (pace.c). */
#ifndef VCPBOARD_CHIP_INTERNAL_H
#define VCPBOARD_CHIP_INTERNAL_H

#include "board/chip_run.h"
#include "board/cpu.h"
#include "board/mmio.h"
#include "board/periph/bkpsram.h"
#include "board/periph/otg_fs.h"
#include "board/periph/peripherals.h"
#include "board/rng.h"
#include "board/usbhost/usbhost.h"
#include "board/xalloc.h"

struct report_line {
    char *text;
    struct report_line *next;
};

struct pace {
    bool started;
    uint64_t wall_start_ns;
    vtime paced_start;
    vtime polled_at;
};

struct chip {
    struct chip_options o;
    struct sched sched;
    struct chip_clocks clocks;
    struct cpu *cpu;
    struct mmio mmio;
    struct flash *flash;
    struct peripherals *periph;
    struct bkpsram *bkpsram;
    struct otg_fs *otg;
    struct usbhost *usbhost;            /* NULL: nothing is plugged in */
    struct rng rng;
    struct chip_fd *fds;
    struct pace pace;
    struct report_line *reports;        /* newest first */
    unsigned report_count;
    bool powered, reset_wanted;
    struct xalloc_log *memory;           /* all of the above, for chip_save */
    bool hung;                          /* in a bus access that never ends: only a reset helps */
    enum reset_cause reset_cause;
    enum chip_end end;
};

void chip_finish(struct chip *c, enum chip_end end);    /* the first end counts */

/* report.c */
void report_free(struct chip *c);

/* pace.c: serves the watched fds, and in real time waits until the wall clock has caught up with virtual time. */
void pace_poll(struct chip *c);
void pace_wait(struct chip *c);         /* waits only: during a stall nothing may touch the peripherals */

#endif
