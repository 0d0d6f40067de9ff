/* SPDX-License-Identifier: MIT */
/* Finds loops that only wait for a peripheral, so that virtual time can jump instead of being executed.
 *
 * Three passes of a loop in a row that took the same blocks in the same number of cycles, read the same values from the peripherals
 * (running counters aside: DWT_CYCCNT, SysTick, a timer), loaded from the same places of the flash, wrote to no peripheral (feeding
 * the watchdog aside), and were met by no event: then whole passes are skipped on trial, up to the next event. What the registers
 * gained in each of the three they gain in each skipped one. The next two are executed. If one takes another way, or they leave
 * anything in RAM but copies of the cycle counter, the skip is undone, and fewer passes are skipped, until the pass that takes
 * another way is the first to be executed. So a delay ends at its very cycle, and a loop that gets something done is not skipped.
 *
 * Exact, cycle for cycle, if a loop that would take another way in one of the skipped passes still would at their end: a time that
 * is over stays over. */
#ifndef VCPBOARD_SPIN_H
#define VCPBOARD_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_GENERAL 13U                /* r0-r12 */
#define SPIN_BLOCKS_MAX 400U            /* a firmware's whole main loop fits */

struct spin_pass {
    uint64_t way;                       /* hash of blocks, of values read, and of places loaded from */
    uint64_t cycles;
    bool polled, timed, wrote, disturbed;
};

/* A pass as it was three times. */
struct spin_model {
    bool known, banned;                 /* it gets something done */
    bool timed;
    uint64_t way, cycles;
    uint32_t blocks;
    uint64_t ways[SPIN_BLOCKS_MAX + 1U];        /* the hash at the beginning of each block */
    uint32_t gain[SPIN_GENERAL];
    uint64_t pages;                     /* the owner's: of the RAM, those that it has seen changing */
    unsigned trials;
};

struct spin_trial {
    bool on, failed;
    uint64_t passes;                    /* skipped */
    unsigned executed;                  /* behind them */
    uint32_t regs[SPIN_GENERAL];        /* in front of them */
    uint64_t too_many;                  /* the first pass behind so many takes another way; all ones: not known */
    uint64_t run, last_run;             /* passes in a row so far, and when the loop ended by itself for the last time */
    bool again;                         /* undone: the CPU stands at the anchor, as before the skip */
};

struct spin {
    bool watching;
    uint32_t rest_blocks;               /* blocks to go until the next attempt */
    uint32_t backoff;
    uint32_t anchor;                    /* address of the block at which a pass begins */
    uint32_t blocks;                    /* in this pass */
    uint64_t pass_start;                /* cycles */
    struct spin_pass now, last;
    uint64_t ways[SPIN_BLOCKS_MAX + 1U];
    uint32_t regs[SPIN_GENERAL], gain[SPIN_GENERAL];    /* at the anchor; in the last pass */
    struct spin_model model;
    struct spin_trial trial;
    unsigned equal_passes, misses;
};

enum spin_verdict {
    SPIN_GO_ON,
    SPIN_TRY,                           /* skip spin_passes() of s->model.cycles, add its gains, and be ready to undo that */
    SPIN_TRIED,                         /* the pass on trial is over: look at the RAM; then spin_accept() or spin_ban() */
    SPIN_UNDO                           /* back to where SPIN_TRY was told; then call spin_undone() */
};

void spin_init(struct spin *s);
/* Called at the beginning of a block when it is due. regs are the CPU's at that point, or NULL if !spin_needs_registers(). */
enum spin_verdict spin_block(struct spin *s, uint32_t address, const uint32_t *regs, uint64_t cycles);
enum spin_verdict spin_accept(struct spin *s, const uint32_t *regs, uint64_t cycles);  /* SPIN_GO_ON or SPIN_TRY */
void spin_ban(struct spin *s);          /* the skip must be undone, and this loop is not skipped again */
/* How many passes to skip on trial if `left` cycles are left until the next event; 0: none, go on. */
uint64_t spin_passes(struct spin *s, uint64_t left, uint64_t cycles);
void spin_undone(struct spin *s, uint64_t cycles);
void spin_load(struct spin *s, uint32_t address);       /* of data, from the flash */
void spin_mmio_read(struct spin *s, uint32_t address, uint32_t value, bool is_counter);
void spin_mmio_write(struct spin *s);
void spin_refresh(struct spin *s);      /* the watchdog was fed: the one write that waiting loops make */
/* Something happened that the loop may not know of: an event fired, an exception was taken. */
void spin_disturb(struct spin *s);

static inline bool spin_on_trial(const struct spin *s)
{
    return s->trial.on;
}

/* Something that cannot be undone is about to happen: not if it must not, because the pass is one on trial. */
static inline bool spin_forbids(struct spin *s)
{
    s->trial.failed |= s->trial.on;
    return s->trial.on;
}

static inline bool spin_needs_registers(const struct spin *s, uint32_t address)
{
    return !s->watching || address == s->anchor || s->blocks >= SPIN_BLOCKS_MAX;
}

/* True once every few thousand blocks: time to look. */
static inline bool spin_due(struct spin *s)
{
    return s->watching || --s->rest_blocks == 0;
}

#endif
