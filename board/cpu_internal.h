/* SPDX-License-Identifier: MIT */
/* The CPU from inside: shared by its run loop (cpu.c), its memory map (cpu_mem.c) and its exceptions (cpu_exc.c). */
#ifndef VCPBOARD_CPU_INTERNAL_H
#define VCPBOARD_CPU_INTERNAL_H

#include <unicorn/unicorn.h>

#include "board/cpu.h"
#include "board/spin.h"

#define BLOCK_SLOTS 8192U
#define LINE_BYTES 16U                  /* of main flash and SRAM: `executed` has an entry for each */
#define NO_INTERRUPT UINT32_MAX
#define ALIAS_BYTES 0x100000U           /* the window at 0 that MEM_MODE switches */

struct block_cost {
    uint32_t address, bytes, cycles;
    bool has_fp;
};

struct cpu_fault {
    bool pending;
    unsigned exc;
    uint32_t cfsr, address;
};

struct filler {                         /* an address range without memory behind it */
    struct cpu *cpu;
    uint32_t base;
};

/* Where a skip on trial began: all that a pass of a waiting loop can change. */
struct cpu_checkpoint {
    uc_context *regs;
    uint8_t *ram;                       /* SRAM, then CCM */
    uint64_t pages;                     /* which of it are saved, a bit for each */
    uint64_t count;
    uint32_t linear_next;
    vtime now;
};

struct cpu {
    uc_engine *uc;
    struct chip *chip;
    struct cpu_config config;
    struct scb scb;
    struct spin spin;
    struct cpu_checkpoint checkpoint;
    struct cycle_clock clock;
    uint8_t *sram, *ccm;
    struct filler fillers[9];
    enum boot_memory boot, boot_wanted;

    uint64_t deadline;                  /* cycle at which the next block must not start; 0 asks for a closer look */
    uint64_t slice_end, event_cycle;
    vtime event_at;                     /* event_cycle's event */
    bool attention, sleeping, stopped, no_fpu;
    uint32_t intno;
    struct cpu_fault fault;
    uint32_t linear_next;               /* where the block before ended: a start elsewhere is a taken branch */
    struct block_cost *blocks;          /* BLOCK_SLOTS of them */
    bool *executed;                     /* per 16 bytes of main flash, then of SRAM: decoded since it last changed */
};

uint32_t cpu_reg(struct cpu *cpu, int id);
void cpu_set_reg(struct cpu *cpu, int id, uint32_t value);
struct exc_masks cpu_masks(struct cpu *cpu);

/* cpu_mem.c */
void cpu_mem_init(struct cpu *cpu);
void cpu_mem_free(struct cpu *cpu);
void cpu_apply_remap(struct cpu *cpu);
/* The canonical flash address behind `address`, or UINT32_MAX if it is not in flash, directly or by the alias. */
uint32_t cpu_flash_address(const struct cpu *cpu, uint32_t address);
const uint8_t *cpu_code(struct cpu *cpu, uint32_t address, uint32_t bytes);     /* NULL if nothing executable is there */
void cpu_forget_blocks(struct cpu *cpu);
/* Where `executed` keeps an address; UINT32_MAX if code there never changes behind Unicorn's back. */
uint32_t cpu_executed_index(const struct cpu *cpu, uint32_t address);
void cpu_note_executed(struct cpu *cpu, uint32_t address, uint32_t bytes);

/* cpu_skip.c */
void cpu_skip_init(struct cpu *cpu);
void cpu_skip_free(struct cpu *cpu);
/* At the beginning of a block, `left` cycles before the next event: lets time jump if the program only waits. False: stop the CPU,
 * a skip on trial must be undone. */
bool cpu_skip_waiting(struct cpu *cpu, uint32_t address, uint64_t left);
void cpu_skip_undo(struct cpu *cpu);    /* while the CPU stands */

/* cpu_exc.c */
bool cpu_enter(struct cpu *cpu, unsigned exc, uint32_t return_pc);      /* false: lockup */
bool cpu_exception_return(struct cpu *cpu, uint32_t exc_return);
bool cpu_take_fault(struct cpu *cpu, unsigned exc, uint32_t cfsr, uint32_t address, uint32_t pc);
bool cpu_take_hardfault(struct cpu *cpu, uint32_t hfsr, uint32_t pc);
bool cpu_lockup(struct cpu *cpu, const char *why, uint32_t pc);

#endif
