/* SPDX-License-Identifier: MIT */
/* The Cortex-M4: instructions by Unicorn, everything around them (memory map, cycles, exceptions, sleep) by us. */
#ifndef VCPBOARD_CPU_H
#define VCPBOARD_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip.h"
#include "board/cycles.h"
#include "board/mmio.h"
#include "board/periph/flash.h"
#include "board/scb.h"

#define SRAM_BASE 0x20000000U
#define SRAM_BYTES 0x20000U             /* SRAM1 112 KB and SRAM2 16 KB, contiguous: RM0090 §2.3.1 */
#define CCM_BASE 0x10000000U
#define CCM_BYTES 0x10000U              /* data only: no fetch, no DMA */

struct cpu;

enum boot_memory { BOOT_FLASH = 0, BOOT_SYSTEM = 1, BOOT_FSMC = 2, BOOT_SRAM = 3 };

struct cpu_config {
    struct mmio *mmio;
    struct flash *flash;
    bool no_skip;                       /* wait loops are executed, not skipped */
    bool result_bkpt;                   /* BKPT CPU_RESULT_BKPT ends the run and yields r0, for test programs */
};
#define CPU_RESULT_BKPT 0x7EU

struct cpu *cpu_new(struct chip *c, const struct cpu_config *config);
void cpu_free(struct cpu *cpu);

struct cycle_clock *cpu_clock(struct cpu *cpu);
struct scb *cpu_scb(struct cpu *cpu);
struct mmio_cpu cpu_mmio(struct cpu *cpu);
struct spin *cpu_spin(struct cpu *cpu);

void cpu_hard_reset(struct cpu *cpu);        /* SP and PC from the vector table at 0, everything else as at reset */
void cpu_fill_ram(struct cpu *cpu, struct rng *r);      /* what SRAM and CCM hold after power-on */
void cpu_remap(struct cpu *cpu, enum boot_memory m);    /* takes effect at the next block */

enum cpu_stop { CPU_DEADLINE, CPU_ATTENTION, CPU_ASLEEP, CPU_RESULT, CPU_LOCKUP };
/* Runs until cycle `until`, the next event, sleep, or cpu_attention(). */
enum cpu_stop cpu_run(struct cpu *cpu, uint64_t until);
void cpu_attention(struct cpu *cpu);    /* stop at the next block: a reset, the end of the run */
bool cpu_sleeping(struct cpu *cpu);     /* in WFI, and nothing pending ends it */
void cpu_sleep_until(struct cpu *cpu, uint64_t cycle);
void cpu_settle(struct cpu *cpu);       /* to be called after events fired outside an access: deadlines may have moved */
uint32_t cpu_result(struct cpu *cpu);   /* r0 */

void cpu_clock_changed(struct cpu *cpu);                /* cpu_clock()'s hz is another */

void cpu_bus_fault_imprecise(struct cpu *cpu);
/* The flash's content changed: decoded code is forgotten. */
void cpu_code_changed(struct cpu *cpu, uint32_t address, uint32_t bytes);

/* For board/snapshot.c: the registers, and whether a block of the chip's memory stays as it is when `from` is put back. */
struct cpu_context;
struct cpu_context *cpu_context_new(struct cpu *cpu);
void cpu_context_free(struct cpu_context *x);
void cpu_context_save(struct cpu *cpu, struct cpu_context *x);
void cpu_context_restore(struct cpu *cpu, const struct cpu_context *x);
bool cpu_context_same(struct cpu *cpu, const struct cpu_context *x);      /* r0-r12, sp, lr, pc, xPSR, PRIMASK */
bool cpu_caches(const struct cpu *cpu, const void *at);      /* a block, or a byte of one, that only makes the emulation faster */
bool cpu_keeps(struct cpu *cpu, const void *block, const uint8_t *from);

uint8_t *cpu_ram(struct cpu *cpu, uint32_t address, size_t bytes);      /* SRAM or CCM; NULL if not wholly inside one */
/* One line of registers for a message. */
void cpu_describe(struct cpu *cpu, char *text, size_t size);

#endif
