/* SPDX-License-Identifier: MIT */
/* Finds loops that only wait, so that virtual time can jump instead of being executed.
 *
 * A loop is skipped exactly when two passes in a row took the same blocks with the same registers at every block, read the
 * same values from the peripherals, wrote none, took the same number of cycles, and no event came in between: then every
 * further pass is the same too, up to the next event, and whole passes are skipped. The result is what executing them
 * gives, cycle for cycle. A loop that also reads a running counter (DWT_CYCCNT, SysTick, a timer) has no two equal passes;
 * it is skipped in steps after three passes that were equal but for the counter's value: by an eighth of what it has waited
 * already, so that a delay of its own is late by no more, by SPIN_TIMED_STEP_US at most, and never past an event. So is a loop
 * that feeds the watchdog, whose shortest time is 85 us (RM0090 §21.3). */
#ifndef VCPBOARD_SPIN_H
#define VCPBOARD_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_TIMED_STEP_US 20U
#define SPIN_REGISTERS 17U              /* r0-r12, sp, lr, xPSR, PRIMASK */

struct spin_pass {
    uint64_t exact, loose;              /* hashes with and without what counters yield */
    uint64_t cycles;
    bool timed, wrote, disturbed;
};

struct spin {
    bool watching;
    uint32_t rest_blocks;               /* blocks to go until the next attempt */
    uint32_t backoff;
    uint32_t anchor;                    /* address of the block at which a pass begins */
    uint32_t blocks;                    /* in this pass */
    uint64_t pass_start, equal_since;   /* cycles */
    struct spin_pass now, last;
    unsigned equal_passes, misses;
    bool have_anchor;
};

enum spin_verdict { SPIN_GO_ON, SPIN_SKIP_PASSES, SPIN_SKIP_STEP };

void spin_init(struct spin *s);
/* Called at the beginning of a block while watching. regs are the CPU's at that point, or NULL if !spin_needs_registers().
 * *span is the length of one pass for SPIN_SKIP_PASSES, and the most that may be skipped for SPIN_SKIP_STEP. */
enum spin_verdict spin_block(struct spin *s, uint32_t address, const uint32_t *regs, uint64_t cycles, uint64_t *span);
void spin_mmio_read(struct spin *s, uint32_t address, uint32_t value, bool is_counter);
void spin_mmio_write(struct spin *s);
void spin_refresh(struct spin *s);      /* the watchdog was fed: the one write that waiting loops make */
/* Something happened that the loop may not know of: an event fired, an exception was taken. */
void spin_disturb(struct spin *s);

/* A loop that reads a counter is not compared by its registers. */
static inline bool spin_needs_registers(const struct spin *s)
{
    return !s->watching || !s->last.timed;
}

/* True once every few thousand blocks: time to look. */
static inline bool spin_due(struct spin *s)
{
    return s->watching || --s->rest_blocks == 0;
}

#endif
