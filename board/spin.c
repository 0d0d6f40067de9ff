/* SPDX-License-Identifier: MIT */
/* Wait-loop detection by comparing passes. */
#include "board/spin.h"

#include <string.h>

#define BACKOFF_MIN 256U
#define BACKOFF_MAX 16384U
#define ALIKE_PASSES 3U
#define TRIAL_PASSES 2U                 /* flags of a comparison may be looked at in the pass behind it */
#define SPARE_PASSES 4U                 /* not skipped, so that a trial is over before the next event */
#define MISSES_MAX 8U
#define UNKNOWN UINT64_MAX

static uint64_t fold(uint64_t hash, uint32_t v)
{
    hash = (hash ^ v) * 0x9E3779B97F4A7C15U;
    return hash ^ (hash >> 29);
}

static void miss(struct spin *s)
{
    if (++s->misses <= MISSES_MAX)
        return;
    s->watching = false;
    s->backoff = s->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : s->backoff * 2;
    s->rest_blocks = s->backoff;
}

static void fold_block(struct spin *s, uint32_t address)
{
    s->now.way = fold(s->now.way, address);
    s->ways[s->blocks] = s->now.way;
}

static void begin_pass(struct spin *s, uint32_t address, uint64_t cycles)
{
    memset(&s->now, 0, sizeof s->now);
    s->anchor = address;
    s->blocks = 0;
    s->pass_start = cycles;
    fold_block(s, address);
}

/* The block at which the passes of a loop may begin, if it is in one. */
static void set_anchor(struct spin *s, uint32_t address, const uint32_t *regs, uint64_t cycles)
{
    memset(&s->last, 0, sizeof s->last);
    memcpy(s->regs, regs, sizeof s->regs);
    s->equal_passes = 0;
    s->trial.run = 0;
    begin_pass(s, address, cycles);
}

void spin_init(struct spin *s)
{
    memset(s, 0, sizeof *s);
    s->backoff = BACKOFF_MIN;
    s->rest_blocks = BACKOFF_MIN;
    s->trial.too_many = UNKNOWN;
}

static bool quiet(const struct spin_pass *p)
{
    return p->polled && !p->wrote && !p->disturbed;
}

static bool alike(const struct spin_pass *a, const struct spin_pass *b)
{
    return quiet(a) && quiet(b) && a->way == b->way && a->timed == b->timed && a->cycles == b->cycles && a->cycles != 0;
}

static bool is_model(const struct spin *s)
{
    const struct spin_model *m = &s->model;

    return m->known && quiet(&s->now) && s->now.timed == m->timed && s->now.way == m->way && s->now.cycles == m->cycles;
}

/* What a register gained in two passes in a row it will gain in the next; what it did not is no count. */
static void learn(struct spin *s, const uint32_t *regs)
{
    struct spin_model *m = &s->model;

    for (unsigned i = 0; i < SPIN_GENERAL; i++) {
        uint32_t gain = regs[i] - s->regs[i];

        m->gain[i] = gain == s->gain[i] ? gain : 0;
    }
    m->known = true;
    m->banned = false;
    m->pages = 0;
    m->trials = 0;
    m->timed = s->now.timed;
    m->way = s->now.way;
    m->cycles = s->now.cycles;
    m->blocks = s->blocks + 1;
    memcpy(m->ways, s->ways, m->blocks * sizeof *m->ways);
    s->trial.run = s->trial.last_run = 0;
}

static void note_gains(struct spin *s, const uint32_t *regs)
{
    for (unsigned i = 0; i < SPIN_GENERAL; i++) {
        s->gain[i] = regs[i] - s->regs[i];
        s->regs[i] = regs[i];
    }
}

static enum spin_verdict judge(struct spin *s, const uint32_t *regs)
{
    s->equal_passes = alike(&s->last, &s->now) ? s->equal_passes + 1 : 0;
    if (!is_model(s)) {
        if (s->equal_passes + 1 < ALIKE_PASSES)
            return SPIN_GO_ON;
        learn(s, regs);
    }
    return s->model.banned ? SPIN_GO_ON : SPIN_TRY;
}

static uint64_t passes_done(const struct spin_trial *t)
{
    return t->on ? t->passes + TRIAL_PASSES : 1;
}

/* How long the loop runs if no event ends it: the next time it may well be as long. */
static void count_run(struct spin *s)
{
    struct spin_trial *t = &s->trial;

    if (is_model(s)) {
        t->run += passes_done(t);
        return;
    }
    if (t->run != 0 && !s->now.disturbed)
        t->last_run = t->run;
    t->run = 0;
}

static void end_trial(struct spin *s)
{
    struct spin_trial *t = &s->trial;
    uint64_t done = passes_done(t);

    t->on = false;
    if (!is_model(s))
        t->too_many = UNKNOWN;
    else if (t->too_many != UNKNOWN)
        t->too_many -= done < t->too_many ? done : t->too_many;
}

enum spin_verdict spin_accept(struct spin *s, const uint32_t *regs, uint64_t cycles)
{
    enum spin_verdict verdict = judge(s, regs);

    count_run(s);
    end_trial(s);
    s->last = s->now;
    if (verdict == SPIN_TRY) {
        s->misses = 0;
        s->backoff = BACKOFF_MIN;
    } else {
        miss(s);
    }
    note_gains(s, regs);
    begin_pass(s, s->anchor, cycles);
    return verdict;
}

void spin_ban(struct spin *s)
{
    s->model.banned = true;
}

/* A register that grows as the time does may be compared with a time, which stays over once it is over. One that counts passes may be
 * waited for to be equal to something, and would be beyond it: down to zero, as compilers count, or who knows what. */
static uint64_t passes_to_count(const struct spin *s)
{
    uint64_t most = UINT64_MAX;

    for (unsigned i = 0; i < SPIN_GENERAL; i++) {
        uint32_t gain = s->model.gain[i], down = 0U - gain;

        if (gain == 0 || gain == (uint32_t)s->model.cycles)
            continue;
        if (gain < down)
            return 0;                   /* it grows */
        if (s->regs[i] / down < most)
            most = s->regs[i] / down;
    }
    return most;
}

uint64_t spin_passes(struct spin *s, uint64_t left, uint64_t cycles)
{
    struct spin_trial *t = &s->trial;
    uint64_t passes = left / s->model.cycles, to_count = passes_to_count(s);

    passes = passes < to_count ? passes : to_count;
    passes = passes > SPARE_PASSES && !s->model.banned ? passes - SPARE_PASSES : 0;
    if (t->run < t->last_run && passes + TRIAL_PASSES > t->last_run - t->run)
        passes = t->last_run - t->run > TRIAL_PASSES ? t->last_run - t->run - TRIAL_PASSES : 0;
    if (passes > t->too_many / 2)
        passes = t->too_many / 2;
    t->again = false;
    t->failed = false;
    t->executed = 0;
    t->passes = passes;
    t->on = passes != 0;
    memcpy(t->regs, s->regs, sizeof t->regs);
    for (unsigned i = 0; i < SPIN_GENERAL; i++)
        s->regs[i] += (uint32_t)passes * s->model.gain[i];
    begin_pass(s, s->anchor, cycles + passes * s->model.cycles);
    return passes;
}

/* The registers are those before the skip again. */
void spin_undone(struct spin *s, uint64_t cycles)
{
    memcpy(s->regs, s->trial.regs, sizeof s->regs);
    s->watching = true;
    s->trial.on = false;
    s->trial.again = true;
    s->trial.too_many = s->trial.passes;
    begin_pass(s, s->anchor, cycles);
}

/* The CPU is at the anchor again. */
static enum spin_verdict end_pass(struct spin *s, const uint32_t *regs, uint64_t cycles)
{
    s->now.cycles = cycles - s->pass_start;
    if (!s->trial.on)
        return spin_accept(s, regs, cycles);
    if (!is_model(s))
        return SPIN_UNDO;
    if (++s->trial.executed == TRIAL_PASSES)
        return SPIN_TRIED;
    note_gains(s, regs);
    begin_pass(s, s->anchor, cycles);
    return SPIN_GO_ON;
}

static bool on_the_way(const struct spin *s)
{
    return s->blocks < s->model.blocks && s->now.way == s->model.ways[s->blocks];
}

enum spin_verdict spin_block(struct spin *s, uint32_t address, const uint32_t *regs, uint64_t cycles)
{
    if (s->trial.again)
        return SPIN_TRY;                /* the CPU stands at the anchor */
    if (s->trial.failed && s->trial.on)
        return SPIN_UNDO;
    if (!s->watching) {
        s->watching = true;
        s->misses = 0;
        set_anchor(s, address, regs, cycles);
        return SPIN_GO_ON;
    }
    if (address == s->anchor)
        return end_pass(s, regs, cycles);
    if (++s->blocks > SPIN_BLOCKS_MAX) {
        set_anchor(s, address, regs, cycles);   /* perhaps this block is in a loop that the other one is not in */
        miss(s);
        return SPIN_GO_ON;
    }
    fold_block(s, address);
    return s->trial.on && !on_the_way(s) ? SPIN_UNDO : SPIN_GO_ON;
}

void spin_mmio_read(struct spin *s, uint32_t address, uint32_t value, bool is_counter)
{
    if (!s->watching)
        return;
    s->now.polled = true;
    s->now.timed |= is_counter;
    s->now.way = fold(s->now.way, address);
    s->now.way = fold(s->now.way, is_counter ? 0 : value);
}

void spin_load(struct spin *s, uint32_t address)
{
    s->now.way = fold(s->now.way, address);
}

void spin_mmio_write(struct spin *s)
{
    s->now.wrote = true;
}

void spin_refresh(struct spin *s)
{
    s->now.polled = s->now.timed = true;
}

void spin_disturb(struct spin *s)
{
    s->now.disturbed = true;
    s->trial.on = s->trial.again = false;
    s->trial.too_many = UNKNOWN;
}
