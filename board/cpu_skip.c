/* SPDX-License-Identifier: MIT */
/* Skips the passes of waiting loops that spin.c has found, and takes a skip back that went too far. */
#include "board/cpu_internal.h"

#include <string.h>

#include "board/xalloc.h"

#define AT_SP SPIN_GENERAL
#define REGISTERS (SPIN_GENERAL + 1U)
#define DEAD_BYTES 256U                 /* below SP: leftovers of calls that have returned */
#define PAGE_BYTES 4096U
#define SRAM_PAGES (SRAM_BYTES / PAGE_BYTES)
#define PAGES (SRAM_PAGES + CCM_BYTES / PAGE_BYTES)
#define ALL_PAGES ((1ULL << PAGES) - 1U)
#define TRIALS_FULL 4U
#define TRIALS_UNTIL_FULL 256U

static const int ids[REGISTERS] = {
    UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R4, UC_ARM_REG_R5, UC_ARM_REG_R6, UC_ARM_REG_R7,
    UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11, UC_ARM_REG_R12, UC_ARM_REG_SP,
};

static void read_registers(struct cpu *cpu, uint32_t regs[REGISTERS])
{
    int plain[REGISTERS];               /* not const: Unicorn asks for a plain pointer */
    void *values[REGISTERS];

    memcpy(plain, ids, sizeof ids);
    for (unsigned i = 0; i < REGISTERS; i++) {
        regs[i] = 0;
        values[i] = &regs[i];
    }
    (void)uc_reg_read_batch(cpu->uc, plain, values, REGISTERS);
}

static uint8_t *page_of(struct cpu *cpu, unsigned page)
{
    return page < SRAM_PAGES ? cpu->sram + page * PAGE_BYTES : cpu->ccm + (page - SRAM_PAGES) * PAGE_BYTES;
}

static uint32_t page_base(unsigned page)
{
    return page < SRAM_PAGES ? SRAM_BASE + page * PAGE_BYTES : CCM_BASE + (page - SRAM_PAGES) * PAGE_BYTES;
}

/* A loop that reads no counter does the same in every pass, with the same few pages; that it does is looked at again from time to
 * time. What another one does depends on the time, even before it takes another way. */
static uint64_t pages_to_save(const struct spin_model *m)
{
    return m->timed || m->trials < TRIALS_FULL || m->trials % TRIALS_UNTIL_FULL == 0 ? ALL_PAGES : m->pages;
}

static void take_checkpoint(struct cpu *cpu)
{
    struct cpu_checkpoint *p = &cpu->checkpoint;

    (void)uc_context_save(cpu->uc, p->regs);
    p->pages = pages_to_save(&cpu->spin.model);
    for (unsigned i = 0; i < PAGES; i++) {
        if ((p->pages >> i & 1U) != 0)
            memcpy(p->ram + i * PAGE_BYTES, page_of(cpu, i), PAGE_BYTES);
    }
    p->count = cpu->clock.count;
    p->linear_next = cpu->linear_next;
    p->now = chip_now(cpu->chip);
}

static void skip_on_trial(struct cpu *cpu, uint64_t left)
{
    const struct spin_model *m = &cpu->spin.model;
    bool again = cpu->spin.trial.again;
    uint64_t passes = spin_passes(&cpu->spin, left, cpu->clock.count);

    if (passes == 0)
        return;
    if (!again)
        take_checkpoint(cpu);
    cpu->clock.count += passes * m->cycles;
    for (unsigned i = 0; i < SPIN_GENERAL; i++) {
        if (m->gain[i] != 0)
            cpu_set_reg(cpu, ids[i], cpu_reg(cpu, ids[i]) + (uint32_t)passes * m->gain[i]);
    }
}

/* A copy of the cycle counter grows by as much as time has passed. */
static bool grew_with_time(const uint8_t *now, const uint8_t *before, uint32_t cycles)
{
    uint32_t a, b;

    memcpy(&a, before, sizeof a);
    memcpy(&b, now, sizeof b);
    return a == b || b - a == cycles;
}

static bool got_nothing(const uint8_t *now, const uint8_t *before, uint32_t base, uint32_t sp, uint32_t cycles)
{
    for (uint32_t at = 0; at < PAGE_BYTES; at += 4) {
        if (sp - (base + at) - 1U >= DEAD_BYTES && !grew_with_time(now + at, before + at, cycles))
            return false;
    }
    return true;
}

static bool ram_got_nothing(struct cpu *cpu, uint32_t sp)
{
    struct spin_model *m = &cpu->spin.model;
    const struct cpu_checkpoint *p = &cpu->checkpoint;
    uint32_t cycles = m->timed ? (uint32_t)(cpu->clock.count - p->count) : 0;

    for (unsigned i = 0; i < PAGES; i++) {
        const uint8_t *now = page_of(cpu, i), *before = p->ram + i * PAGE_BYTES;

        if ((p->pages >> i & 1U) == 0 || memcmp(now, before, PAGE_BYTES) == 0)
            continue;
        m->pages |= 1ULL << i;
        if (!got_nothing(now, before, page_base(i), sp, cycles))
            return false;
    }
    return true;
}

static enum spin_verdict judge_trial(struct cpu *cpu, const uint32_t regs[REGISTERS])
{
    cpu->spin.model.trials++;
    if (ram_got_nothing(cpu, regs[AT_SP]))
        return spin_accept(&cpu->spin, regs, cpu->clock.count);
    spin_ban(&cpu->spin);
    return SPIN_UNDO;
}

bool cpu_skip_waiting(struct cpu *cpu, uint32_t address, uint64_t left)
{
    uint32_t regs[REGISTERS];
    bool needed = spin_needs_registers(&cpu->spin, address);
    enum spin_verdict verdict;

    if (needed)
        read_registers(cpu, regs);
    verdict = spin_block(&cpu->spin, address, needed ? regs : NULL, cpu->clock.count);
    if (verdict == SPIN_TRIED)
        verdict = judge_trial(cpu, regs);
    if (verdict == SPIN_TRY)
        skip_on_trial(cpu, left);
    return verdict != SPIN_UNDO;
}

/* Code in RAM is not among what a waiting loop changes, so Unicorn's translations stay good. */
void cpu_skip_undo(struct cpu *cpu)
{
    struct cpu_checkpoint *p = &cpu->checkpoint;

    (void)uc_context_restore(cpu->uc, p->regs);
    cpu_set_reg(cpu, UC_ARM_REG_PC, cpu->spin.anchor | 1U);
    for (unsigned i = 0; i < PAGES; i++) {
        if ((p->pages >> i & 1U) != 0)
            memcpy(page_of(cpu, i), p->ram + i * PAGE_BYTES, PAGE_BYTES);
    }
    cpu->clock.count = p->count;
    cpu->linear_next = p->linear_next;
    cpu->intno = NO_INTERRUPT;
    cpu->no_fpu = cpu->fault.pending = false;
    sched_rewind(chip_sched(cpu->chip), p->now);
    spin_undone(&cpu->spin, p->count);
}

void cpu_skip_init(struct cpu *cpu)
{
    (void)uc_context_alloc(cpu->uc, &cpu->checkpoint.regs);
    cpu->checkpoint.ram = xcalloc(PAGES, PAGE_BYTES);
}

void cpu_skip_free(struct cpu *cpu)
{
    (void)uc_context_free(cpu->checkpoint.regs);
    free(cpu->checkpoint.ram);
}
