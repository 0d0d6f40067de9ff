/* SPDX-License-Identifier: MIT */
/* The run loop: basic blocks are counted, stopped at deadlines, and interrupted where an exception is due. */
/* Sources: Arm DDI 0403 (ARMv7-M ARM) §B1.5 (exceptions, WFI); RM0090 §3.5 (wait states). What Unicorn 2.0.1 reports for each
 * event (intno 2 SVC, 7 BKPT, 8 EXC_RETURN; WFI ends a run without a stop) was found by trying. */
#include "board/cpu_internal.h"

#include <stdio.h>

#include "board/thumb.h"
#include "board/xalloc.h"

#define INTNO_SVC 2U
#define INTNO_BKPT 7U
#define INTNO_EXC_RETURN 8U
#define OPCODE_WFE 0xBF20U

uint32_t cpu_reg(struct cpu *cpu, int id)
{
    uint32_t v = 0;

    (void)uc_reg_read(cpu->uc, id, &v);
    return v;
}

void cpu_set_reg(struct cpu *cpu, int id, uint32_t value)
{
    (void)uc_reg_write(cpu->uc, id, &value);
}

struct exc_masks cpu_masks(struct cpu *cpu)
{
    return (struct exc_masks){ .primask = (cpu_reg(cpu, UC_ARM_REG_PRIMASK) & 1U) != 0,
                               .faultmask = (cpu_reg(cpu, UC_ARM_REG_FAULTMASK) & 1U) != 0,
                               .basepri = (uint8_t)cpu_reg(cpu, UC_ARM_REG_BASEPRI) };
}

struct cycle_clock *cpu_clock(struct cpu *cpu)
{
    return &cpu->clock;
}

struct scb *cpu_scb(struct cpu *cpu)
{
    return &cpu->scb;
}

struct spin *cpu_spin(struct cpu *cpu)
{
    return &cpu->spin;
}

uint32_t cpu_result(struct cpu *cpu)
{
    return cpu_reg(cpu, UC_ARM_REG_R0);
}

void cpu_describe(struct cpu *cpu, char *text, size_t size)
{
    (void)snprintf(text, size, "pc near 0x%08x lr 0x%08x sp 0x%08x r0 0x%08x r1 0x%08x r2 0x%08x r3 0x%08x xpsr 0x%08x",
                   (unsigned)cpu_reg(cpu, UC_ARM_REG_PC), (unsigned)cpu_reg(cpu, UC_ARM_REG_LR),
                   (unsigned)cpu_reg(cpu, UC_ARM_REG_SP), (unsigned)cpu_reg(cpu, UC_ARM_REG_R0),
                   (unsigned)cpu_reg(cpu, UC_ARM_REG_R1), (unsigned)cpu_reg(cpu, UC_ARM_REG_R2),
                   (unsigned)cpu_reg(cpu, UC_ARM_REG_R3), (unsigned)cpu_reg(cpu, UC_ARM_REG_XPSR));
}

void cpu_attention(struct cpu *cpu)
{
    cpu->attention = true;
    cpu->deadline = 0;
}

void cpu_settle(struct cpu *cpu)
{
    vtime next = sched_next(chip_sched(cpu->chip));

    if (next != cpu->event_at) {
        cpu->event_at = next;
        cpu->event_cycle = cycles_at(&cpu->clock, next);
    }
    if (cpu->attention || cpu->scb.nvic.candidate != EXC_NONE)
        cpu->deadline = 0;
    else
        cpu->deadline = cpu->event_cycle < cpu->slice_end ? cpu->event_cycle : cpu->slice_end;
}

void cpu_bus_fault_imprecise(struct cpu *cpu)
{
    scb_imprecise(&cpu->scb);
    cpu_settle(cpu);
}

static uint64_t true_deadline(const struct cpu *cpu)
{
    return cpu->event_cycle < cpu->slice_end ? cpu->event_cycle : cpu->slice_end;
}

/* A pending exception that the masks hold back keeps `deadline` at 0, so that the block after an unmask is looked at. */
static bool must_stop(struct cpu *cpu)
{
    if (cpu->attention || cpu->clock.count >= true_deadline(cpu))
        return true;
    if (cpu->scb.nvic.candidate != EXC_NONE) {
        struct exc_masks m = cpu_masks(cpu);

        return nvic_next(&cpu->scb.nvic, &m) != EXC_NONE;
    }
    return false;
}

/* The block that is about to start will be announced again when the CPU goes on. */
static void stop_before_block(struct cpu *cpu)
{
    cpu->stopped = true;
    (void)uc_emu_stop(cpu->uc);
}

static const struct block_cost *block_of(struct cpu *cpu, uint32_t address, uint32_t bytes)
{
    struct block_cost *b = &cpu->blocks[(address >> 1) % BLOCK_SLOTS];
    const uint8_t *code;

    if (b->address == address && b->bytes == bytes)
        return b;
    code = cpu_code(cpu, address, bytes);
    *b = (struct block_cost){ address, bytes, 1, false };
    if (code != NULL) {
        struct thumb_block t = thumb_scan(code, bytes);

        b->cycles = t.cycles;
        b->has_fp = t.has_fp;
    }
    cpu_note_executed(cpu, address, bytes);
    return b;
}

static void on_block(uc_engine *uc, uint64_t address64, uint32_t bytes, void *user)
{
    struct cpu *cpu = user;
    uint32_t address = (uint32_t)address64, flash;
    const struct block_cost *b;

    (void)uc;
    if (cpu->clock.count >= cpu->deadline && must_stop(cpu)) {
        stop_before_block(cpu);
        return;
    }
    b = block_of(cpu, address, bytes);
    if (b->has_fp && !scb_fpu_on(&cpu->scb)) {
        cpu->no_fpu = true;
        stop_before_block(cpu);
        return;
    }
    if (!cpu->config.no_skip && spin_due(&cpu->spin)) {
        if (!cpu_skip_waiting(cpu, address, true_deadline(cpu) - cpu->clock.count)) {
            stop_before_block(cpu);
            return;
        }
        if (cpu->clock.count >= cpu->deadline && must_stop(cpu)) {
            stop_before_block(cpu);
            return;
        }
    }
    if (address != cpu->linear_next)
        cpu->clock.count += THUMB_BRANCH_REFILL;
    flash = cpu_flash_address(cpu, address);
    if (flash != UINT32_MAX)
        flash_fetch(cpu->config.flash, flash, bytes, &cpu->clock.count);
    cpu->clock.count += b->cycles;
    cpu->linear_next = address + bytes;
}

static void on_interrupt(uc_engine *uc, uint32_t intno, void *user)
{
    struct cpu *cpu = user;

    cpu->intno = intno;
    (void)uc_emu_stop(uc);
}

static uint32_t halfword_at(struct cpu *cpu, uint32_t address)
{
    const uint8_t *p = cpu_code(cpu, address, 2);

    return p == NULL ? 0 : p[0] | (uint32_t)p[1] << 8;
}

static bool take_svc(struct cpu *cpu, uint32_t pc)
{
    struct exc_masks m = cpu_masks(cpu);

    if (nvic_group_priority(&cpu->scb.nvic, EXC_SVCALL) < nvic_execution_priority(&cpu->scb.nvic, &m))
        return cpu_enter(cpu, EXC_SVCALL, pc);
    return cpu_take_hardfault(cpu, HFSR_FORCED, pc);
}

/* Registers and external devices are execute-never for the core itself; elsewhere it is the bus that answers with an error. */
static bool fetch_fault(struct cpu *cpu, uint32_t pc)
{
    bool never = (pc >= 0x40000000U && pc < 0x60000000U) || pc >= 0xA0000000U;

    if (never)
        return cpu_take_fault(cpu, EXC_MEMMANAGE, CFSR_IACCVIOL, 0, pc);
    return cpu_take_fault(cpu, EXC_BUSFAULT, CFSR_IBUSERR, 0, pc);
}

static enum cpu_stop on_exception(struct cpu *cpu)
{
    uint32_t intno = cpu->intno, pc = cpu_reg(cpu, UC_ARM_REG_PC);
    bool alive;

    cpu->intno = NO_INTERRUPT;
    switch (intno) {
    case INTNO_SVC:
        alive = take_svc(cpu, pc);
        break;
    case INTNO_BKPT:
        if (cpu->config.result_bkpt && halfword_at(cpu, pc) == (0xBE00U | CPU_RESULT_BKPT))
            return CPU_RESULT;
        alive = cpu_take_hardfault(cpu, HFSR_DEBUGEVT, pc);
        break;
    case INTNO_EXC_RETURN:
        alive = cpu_exception_return(cpu, pc | 1U);
        break;
    default:                            /* prefetch abort */
        alive = fetch_fault(cpu, pc);
    }
    return alive ? CPU_DEADLINE : CPU_LOCKUP;
}

static enum cpu_stop on_error(struct cpu *cpu, uc_err err)
{
    uint32_t pc = cpu_reg(cpu, UC_ARM_REG_PC);
    bool thumb = (cpu_reg(cpu, UC_ARM_REG_XPSR) & 1U << 24) != 0, alive;

    switch (err) {
    case UC_ERR_FETCH_PROT:
    case UC_ERR_FETCH_UNMAPPED:
        alive = fetch_fault(cpu, pc);
        break;
    case UC_ERR_INSN_INVALID:
        if (thumb && halfword_at(cpu, pc) == OPCODE_WFE) {      /* a hint: going on at once is allowed */
            cpu_set_reg(cpu, UC_ARM_REG_PC, (pc + 2) | 1U);
            return CPU_DEADLINE;
        }
        alive = cpu_take_fault(cpu, EXC_USAGEFAULT, thumb ? CFSR_UNDEFINSTR : CFSR_INVSTATE, 0, pc);
        break;
    default:
        chip_guest_error(cpu->chip, true, "the CPU emulator gave up at 0x%08x: %s", (unsigned)pc, uc_strerror(err));
        alive = false;
    }
    return alive ? CPU_DEADLINE : CPU_LOCKUP;
}

/* Faults and interrupts that are due before the next instruction. */
static bool take_pending(struct cpu *cpu)
{
    struct exc_masks m;
    unsigned exc;

    if (cpu->fault.pending) {
        struct cpu_fault f = cpu->fault;

        cpu->fault.pending = false;
        return cpu_take_fault(cpu, f.exc, f.cfsr, f.address, cpu_reg(cpu, UC_ARM_REG_PC));
    }
    if (cpu->no_fpu) {
        cpu->no_fpu = false;
        return cpu_take_fault(cpu, EXC_USAGEFAULT, CFSR_NOCP, 0, cpu_reg(cpu, UC_ARM_REG_PC));
    }
    if (cpu->scb.nvic.candidate == EXC_NONE)
        return true;
    m = cpu_masks(cpu);
    exc = nvic_next(&cpu->scb.nvic, &m);
    if (exc == EXC_NONE)
        return true;
    return cpu_enter(cpu, exc, cpu_reg(cpu, UC_ARM_REG_PC));
}

static bool wakes(struct cpu *cpu)
{
    struct exc_masks m = cpu_masks(cpu);

    return nvic_wakes(&cpu->scb.nvic, &m);
}

bool cpu_sleeping(struct cpu *cpu)
{
    if (cpu->sleeping && wakes(cpu))
        cpu->sleeping = false;
    return cpu->sleeping;
}

void cpu_sleep_until(struct cpu *cpu, uint64_t cycle)
{
    if (cycle > cpu->clock.count) {
        cpu->clock.asleep += cycle - cpu->clock.count;
        cpu->clock.count = cycle;
    }
}

static enum cpu_stop run_once(struct cpu *cpu)
{
    uc_err err;

    cpu->stopped = false;
    err = uc_emu_start(cpu->uc, cpu_reg(cpu, UC_ARM_REG_PC) | 1U, 0, 0, 0);
    if (spin_on_trial(&cpu->spin)) {
        cpu_skip_undo(cpu);
        return CPU_DEADLINE;
    }
    spin_disturb(&cpu->spin);
    if (err != UC_ERR_OK)
        return on_error(cpu, err);
    if (cpu->intno != NO_INTERRUPT)
        return on_exception(cpu);
    if (!cpu->stopped)
        cpu->sleeping = true;           /* WFI */
    return CPU_DEADLINE;
}

enum cpu_stop cpu_run(struct cpu *cpu, uint64_t until)
{
    enum cpu_stop stop = CPU_DEADLINE;

    cpu->slice_end = until;
    cpu->attention = false;
    while (stop == CPU_DEADLINE) {
        cpu_apply_remap(cpu);
        if (cpu_sleeping(cpu))
            return CPU_ASLEEP;
        if (!take_pending(cpu))
            return CPU_LOCKUP;
        cpu_settle(cpu);
        if (cpu->attention)
            return CPU_ATTENTION;
        if (cpu->clock.count >= true_deadline(cpu))
            return CPU_DEADLINE;
        stop = run_once(cpu);
    }
    return stop;
}

void cpu_clock_changed(struct cpu *cpu)
{
    systick_clock_changed(&cpu->scb.systick);
    cpu->event_at = 0;                  /* the next event is at another cycle now */
    cpu_settle(cpu);
}

void cpu_hard_reset(struct cpu *cpu)
{
    static const int zeroed[] = { UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_CONTROL };
    const uint8_t *vectors;

    scb_reset(&cpu->scb);
    cpu->boot_wanted = BOOT_FLASH;      /* BOOT0 is tied low */
    cpu_apply_remap(cpu);
    cpu->sleeping = cpu->no_fpu = cpu->fault.pending = false;
    cpu->intno = NO_INTERRUPT;
    cpu_set_reg(cpu, UC_ARM_REG_XPSR, 0x01000000U);
    for (unsigned i = 0; i < sizeof zeroed / sizeof *zeroed; i++)
        cpu_set_reg(cpu, zeroed[i], 0);
    cpu_set_reg(cpu, UC_ARM_REG_APSR_NZCV, 0);
    cpu_set_reg(cpu, UC_ARM_REG_LR, UINT32_MAX);
    vectors = cpu_code(cpu, FLASH_MAIN_BASE, 8);
    cpu_set_reg(cpu, UC_ARM_REG_SP, (vectors[0] & 0xFCU) | (uint32_t)vectors[1] << 8 | (uint32_t)vectors[2] << 16 |
                                        (uint32_t)vectors[3] << 24);
    cpu_set_reg(cpu, UC_ARM_REG_PC, (vectors[4] | (uint32_t)vectors[5] << 8 | (uint32_t)vectors[6] << 16 |
                                     (uint32_t)vectors[7] << 24) | 1U);
    spin_init(&cpu->spin);
}

struct cpu *cpu_new(struct chip *c, const struct cpu_config *config)
{
    struct cpu *cpu = xcalloc(1, sizeof *cpu);
    uc_hook h;

    cpu->chip = c;
    cpu->config = *config;
    cpu->clock.hz = 16000000U;
    cpu->intno = NO_INTERRUPT;
    /* Not UC_MODE_MCLASS: with it, version 2.0.1 makes a Cortex-M33 whatever the model says. */
    if (uc_open(UC_ARCH_ARM, UC_MODE_THUMB, &cpu->uc) != UC_ERR_OK ||
        uc_ctl_set_cpu_model(cpu->uc, UC_CPU_ARM_CORTEX_M4) != UC_ERR_OK) {
        fputs("vcpboard: libunicorn has no Cortex-M4\n", stderr);
        abort();
    }
    scb_init(&cpu->scb, c, &cpu->clock);
    spin_init(&cpu->spin);
    cpu_mem_init(cpu);
    cpu_skip_init(cpu);
    (void)uc_hook_add(cpu->uc, &h, UC_HOOK_BLOCK, (void *)on_block, cpu, 1, 0);
    (void)uc_hook_add(cpu->uc, &h, UC_HOOK_INTR, (void *)on_interrupt, cpu, 1, 0);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (cpu == NULL)
        return;
    cpu_skip_free(cpu);
    (void)uc_close(cpu->uc);
    cpu_mem_free(cpu);
    free(cpu);
}
