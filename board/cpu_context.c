/* SPDX-License-Identifier: MIT */
/* The CPU's part of a saved chip (board/snapshot.c): its registers, and which of its memory a program could never notice. */
#include "board/cpu_internal.h"

#include <stdio.h>
#include <string.h>

#include "board/xalloc.h"

#define REGISTERS 17U

struct cpu_context {
    uc_context *uc;
    enum boot_memory boot;
    uint32_t regs[REGISTERS];
};

static void read_all(struct cpu *cpu, uint32_t regs[REGISTERS])
{
    static const int ids[REGISTERS] = {
        UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R4, UC_ARM_REG_R5, UC_ARM_REG_R6,
        UC_ARM_REG_R7, UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11, UC_ARM_REG_R12, UC_ARM_REG_SP,
        UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_XPSR,
    };

    for (unsigned i = 0; i < REGISTERS; i++)
        regs[i] = cpu_reg(cpu, ids[i]);
}

struct cpu_context *cpu_context_new(struct cpu *cpu)
{
    struct cpu_context *x = xcalloc(1, sizeof *x);

    if (uc_context_alloc(cpu->uc, &x->uc) != UC_ERR_OK) {
        fputs("vcpboard: libunicorn cannot save its registers\n", stderr);
        abort();
    }
    return x;
}

void cpu_context_free(struct cpu_context *x)
{
    if (x == NULL)
        return;
    (void)uc_context_free(x->uc);
    free(x);
}

void cpu_context_save(struct cpu *cpu, struct cpu_context *x)
{
    cpu_apply_remap(cpu);
    spin_init(&cpu->spin);              /* what it knows of a loop lies in part where no snapshot reaches; skipping is exact */
    x->boot = cpu->boot;
    read_all(cpu, x->regs);
    (void)uc_context_save(cpu->uc, x->uc);
}

bool cpu_context_same(struct cpu *cpu, const struct cpu_context *x)
{
    uint32_t regs[REGISTERS];

    read_all(cpu, regs);
    return memcmp(regs, x->regs, sizeof regs) == 0;
}

/* Before the memory behind `cpu` is put back: it would say what the saved chip had at 0, not what Unicorn has mapped there. */
void cpu_context_restore(struct cpu *cpu, const struct cpu_context *x)
{
    cpu->boot_wanted = x->boot;
    cpu_apply_remap(cpu);
    (void)uc_context_restore(cpu->uc, x->uc);
}

/* Decoded code that will not be there any more is forgotten. */
static void replace(struct cpu *cpu, uint32_t base, const uint8_t *now, const uint8_t *then, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += LINE_BYTES) {
        if (cpu->executed[cpu_executed_index(cpu, base + at)] && memcmp(now + at, then + at, LINE_BYTES) != 0)
            cpu_code_changed(cpu, base + at, LINE_BYTES);
    }
}

static bool within(const void *at, const void *base, size_t bytes)
{
    return (uintptr_t)at - (uintptr_t)base < bytes;
}

bool cpu_caches(const struct cpu *cpu, const void *at)
{
    return at == cpu->executed || at == cpu->blocks || at == cpu->checkpoint.ram || within(at, &cpu->spin, sizeof cpu->spin) ||
           within(at, &cpu->checkpoint, sizeof cpu->checkpoint);
}

/* What was decoded since the chip was saved is decoded still. */
bool cpu_keeps(struct cpu *cpu, const void *block, const uint8_t *from)
{
    const uint8_t *view = flash_view(cpu->config.flash, FLASH_MAIN_BASE);

    if (block == cpu->sram)
        replace(cpu, SRAM_BASE, cpu->sram, from, SRAM_BYTES);
    else if (block == view)
        replace(cpu, FLASH_MAIN_BASE, view, from, flash_bytes(cpu->config.flash));
    return cpu_caches(cpu, block);
}
