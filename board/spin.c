/* SPDX-License-Identifier: MIT */
/* Wait-loop detection by comparing passes. */
#include "board/spin.h"

#include <string.h>

#define BACKOFF_MIN 256U
#define BACKOFF_MAX 16384U
#define PASS_BLOCKS_MAX 400U            /* a firmware's whole main loop fits */
#define TIMED_PASSES 3U
#define TIMED_SHARE 8U                  /* of what it has waited: a loop that ends at a time of its own is late by no more */
#define MISSES_MAX 8U

static uint64_t fold(uint64_t hash, uint32_t v)
{
    hash = (hash ^ v) * 0x9E3779B97F4A7C15U;
    return hash ^ (hash >> 29);
}

static void give_up(struct spin *s)
{
    s->watching = false;
    s->backoff = s->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : s->backoff * 2;
    s->rest_blocks = s->backoff;
}

static void begin_pass(struct spin *s, uint32_t address, uint64_t cycles)
{
    memset(&s->now, 0, sizeof s->now);
    s->anchor = address;
    s->have_anchor = true;
    s->blocks = 0;
    s->pass_start = cycles;
}

void spin_init(struct spin *s)
{
    memset(s, 0, sizeof *s);
    s->backoff = BACKOFF_MIN;
    s->rest_blocks = BACKOFF_MIN;
}

static void start_watching(struct spin *s)
{
    s->watching = true;
    s->have_anchor = false;
    s->equal_passes = 0;
    s->misses = 0;
    memset(&s->last, 0, sizeof s->last);
}

static bool quiet(const struct spin_pass *p)
{
    return !p->wrote && !p->disturbed;
}

static enum spin_verdict judge(struct spin *s)
{
    const struct spin_pass *a = &s->last, *b = &s->now;

    if (!quiet(a) || !quiet(b) || a->loose != b->loose || a->timed != b->timed) {
        s->equal_passes = 0;
        return SPIN_GO_ON;
    }
    s->equal_passes++;
    if (!b->timed)
        return a->exact == b->exact && a->cycles == b->cycles && a->cycles != 0 ? SPIN_SKIP_PASSES : SPIN_GO_ON;
    return s->equal_passes + 1 >= TIMED_PASSES ? SPIN_SKIP_STEP : SPIN_GO_ON;
}

/* The CPU is at the anchor again. */
static enum spin_verdict end_pass(struct spin *s, uint64_t cycles, uint64_t *span)
{
    enum spin_verdict verdict;

    s->now.cycles = cycles - s->pass_start;
    verdict = judge(s);
    s->last = s->now;
    if (s->equal_passes <= 1)
        s->equal_since = s->pass_start;
    *span = verdict == SPIN_SKIP_PASSES ? s->now.cycles : (cycles - s->equal_since) / TIMED_SHARE;
    if (verdict != SPIN_GO_ON) {
        s->misses = 0;
        s->backoff = BACKOFF_MIN;
    } else if (++s->misses > MISSES_MAX) {
        give_up(s);
    }
    return verdict;
}

enum spin_verdict spin_block(struct spin *s, uint32_t address, const uint32_t *regs, uint64_t cycles, uint64_t *span)
{
    enum spin_verdict verdict = SPIN_GO_ON;

    if (!s->watching)
        start_watching(s);
    if (!s->have_anchor) {
        begin_pass(s, address, cycles);
    } else if (address == s->anchor) {
        verdict = end_pass(s, cycles, span);
        begin_pass(s, address, cycles);
    } else if (++s->blocks > PASS_BLOCKS_MAX) {
        give_up(s);
    }
    s->now.loose = fold(s->now.loose, address);
    for (unsigned i = 0; regs != NULL && i < SPIN_REGISTERS; i++)
        s->now.exact = fold(s->now.exact, regs[i]);
    return verdict;
}

void spin_mmio_read(struct spin *s, uint32_t address, uint32_t value, bool is_counter)
{
    if (!s->watching)
        return;
    s->now.timed |= is_counter;
    s->now.loose = fold(s->now.loose, address);
    s->now.loose = fold(s->now.loose, is_counter ? 0 : value);
}

void spin_mmio_write(struct spin *s)
{
    s->now.wrote = true;
}

void spin_refresh(struct spin *s)
{
    s->now.timed = true;
}

void spin_disturb(struct spin *s)
{
    s->now.disturbed = true;
}
