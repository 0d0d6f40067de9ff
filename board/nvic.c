/* SPDX-License-Identifier: MIT */
/* The exception model of ARMv7-M, without the CPU: numbers in, the number to take out. */
/* Sources: Arm DDI 0403 (ARMv7-M ARM) §B1.5 "exception model", §B3.4 "NVIC"; PM0214 §4.3; RM0090 §12.1 (16 priorities). */
#include "board/nvic.h"

#include <string.h>

#define PRIORITY_BITS 0xF0U

enum { ISER = 0x100, ICER = 0x180, ISPR = 0x200, ICPR = 0x280, IABR = 0x300, IPR = 0x400, IPR_END = 0x4F0 };

int nvic_group_priority(const struct nvic *n, unsigned exc)
{
    static const int fixed[] = { [EXC_NONE] = PRIORITY_THREAD, [EXC_RESET] = -3, [EXC_NMI] = -2, [EXC_HARDFAULT] = -1 };

    if (exc <= EXC_HARDFAULT)
        return fixed[exc];
    return (int)(((unsigned)n->priority[exc] >> (n->prigroup + 1)) << (n->prigroup + 1));
}

/* Whole priority: decides the order among pending exceptions, subpriority included. */
static int whole_priority(const struct nvic *n, unsigned exc)
{
    return exc <= EXC_HARDFAULT ? nvic_group_priority(n, exc) : n->priority[exc];
}

static void choose(struct nvic *n)
{
    n->candidate = EXC_NONE;
    for (unsigned e = EXC_NMI; e < EXC_COUNT; e++) {
        if (!n->pending[e] || !n->enabled[e])
            continue;
        if (n->candidate == EXC_NONE || whole_priority(n, e) < whole_priority(n, n->candidate))
            n->candidate = e;           /* equal priorities: the lower number stays */
    }
}

void nvic_reset(struct nvic *n)
{
    bool level[EXC_COUNT];

    memcpy(level, n->level, sizeof level);              /* the lines belong to their owners, who drop them at their own reset */
    memset(n, 0, sizeof *n);
    memcpy(n->level, level, sizeof level);
    for (unsigned e = 0; e < EXC_IRQ0; e++)
        n->enabled[e] = e != EXC_MEMMANAGE && e != EXC_BUSFAULT && e != EXC_USAGEFAULT;
}

void nvic_pend(struct nvic *n, unsigned exc, bool pending)
{
    n->pending[exc] = pending;
    choose(n);
}

void nvic_line(struct nvic *n, unsigned line, bool level)
{
    unsigned exc = EXC_IRQ0 + line;

    if (line >= NVIC_LINES)
        return;
    if (level && !n->level[exc]) {
        n->pending[exc] = true;
        choose(n);
    }
    n->level[exc] = level;
}

void nvic_enable(struct nvic *n, unsigned exc, bool enabled)
{
    n->enabled[exc] = enabled;
    choose(n);
}

void nvic_set_priority(struct nvic *n, unsigned exc, uint8_t priority)
{
    n->priority[exc] = priority & PRIORITY_BITS;
    choose(n);
}

void nvic_set_prigroup(struct nvic *n, unsigned prigroup)
{
    n->prigroup = prigroup & 7U;
    choose(n);
}

int nvic_execution_priority(const struct nvic *n, const struct exc_masks *m)
{
    int lowest = PRIORITY_THREAD;

    for (unsigned e = EXC_NMI; e < EXC_COUNT; e++) {
        if (n->active[e] && nvic_group_priority(n, e) < lowest)
            lowest = nvic_group_priority(n, e);
    }
    if (m->basepri != 0) {
        int base = (int)(((unsigned)m->basepri >> (n->prigroup + 1)) << (n->prigroup + 1));

        lowest = base < lowest ? base : lowest;
    }
    if (m->primask && lowest > 0)
        lowest = 0;
    if (m->faultmask && lowest > -1)
        lowest = -1;
    return lowest;
}

unsigned nvic_next(const struct nvic *n, const struct exc_masks *m)
{
    if (n->candidate == EXC_NONE)
        return EXC_NONE;
    return nvic_group_priority(n, n->candidate) < nvic_execution_priority(n, m) ? n->candidate : EXC_NONE;
}

bool nvic_wakes(const struct nvic *n, const struct exc_masks *m)
{
    struct exc_masks open = *m;

    open.primask = false;
    return nvic_next(n, &open) != EXC_NONE;
}

void nvic_activate(struct nvic *n, unsigned exc)
{
    n->active[exc] = true;
    n->pending[exc] = false;
    choose(n);
}

void nvic_deactivate(struct nvic *n, unsigned exc)
{
    n->active[exc] = false;
    if (n->level[exc])
        n->pending[exc] = true;         /* the line is still high: Arm DDI 0403 §B3.4.1 */
    choose(n);
}

unsigned nvic_active_count(const struct nvic *n)
{
    unsigned count = 0;

    for (unsigned e = 0; e < EXC_COUNT; e++)
        count += n->active[e];
    return count;
}

static uint32_t bits_of(const bool *flags, uint32_t word)
{
    uint32_t v = 0;

    for (unsigned b = 0; b < 32; b++) {
        unsigned exc = EXC_IRQ0 + word * 32 + b;

        if (exc < EXC_COUNT && flags[exc])
            v |= 1U << b;
    }
    return v;
}

bool nvic_read(const struct nvic *n, uint32_t off, uint32_t *word)
{
    uint32_t index = (off & 0x7FU) / 4;

    *word = 0;
    if (off >= IPR && off < IPR_END) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned exc = EXC_IRQ0 + (off - IPR) + i;

            *word |= exc < EXC_COUNT ? (uint32_t)n->priority[exc] << (8 * i) : 0;
        }
        return true;
    }
    if (index >= 8)
        return false;
    switch (off & ~0x7FU) {
    case ISER:
    case ICER:
        *word = bits_of(n->enabled, index);
        return true;
    case ISPR:
    case ICPR:
        *word = bits_of(n->pending, index);
        return true;
    case IABR:
        *word = bits_of(n->active, index);
        return true;
    default:
        return false;
    }
}

static void set_flags(struct nvic *n, bool *flags, uint32_t word, uint32_t mask, bool value)
{
    for (unsigned b = 0; b < 32; b++) {
        unsigned exc = EXC_IRQ0 + word * 32 + b;

        if (exc < EXC_COUNT && (mask >> b & 1U) != 0)
            flags[exc] = value;
    }
    choose(n);
}

/* A level that is still high cannot be cleared away by ICPR. */
static void repend_levels(struct nvic *n)
{
    for (unsigned e = EXC_IRQ0; e < EXC_COUNT; e++) {
        if (n->level[e] && !n->active[e])
            n->pending[e] = true;
    }
    choose(n);
}

bool nvic_write(struct nvic *n, uint32_t off, uint32_t value, uint32_t byte_mask)
{
    uint32_t index = (off & 0x7FU) / 4;

    value &= byte_mask;
    if (off >= IPR && off < IPR_END) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned exc = EXC_IRQ0 + (off - IPR) + i;

            if (exc < EXC_COUNT && (byte_mask >> (8 * i) & 0xFFU) != 0)
                nvic_set_priority(n, exc, (uint8_t)(value >> (8 * i)));
        }
        return true;
    }
    if (index >= 8)
        return false;
    switch (off & ~0x7FU) {
    case ISER:
    case ICER:
        set_flags(n, n->enabled, index, value, (off & ~0x7FU) == ISER);
        return true;
    case ISPR:
    case ICPR:
        set_flags(n, n->pending, index, value, (off & ~0x7FU) == ISPR);
        repend_levels(n);
        return true;
    default:
        return (off & ~0x7FU) == IABR;
    }
}
