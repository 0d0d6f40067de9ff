/* SPDX-License-Identifier: MIT */
/* Exception entry and return: stacking, EXC_RETURN, tail-chaining, lockup. */
/* Sources: Arm DDI 0403 (ARMv7-M ARM) §B1.5.6-§B1.5.8 (entry, stack alignment, return), §B1.5.12 (tail-chaining),
 * §B1.5.15 (lockup); Arm DDI 0439 §3.9.1 (12 cycles to enter, 6 to tail-chain, with memory that never waits). */
#include "board/cpu_internal.h"

#define ENTRY_CYCLES 12U
#define TAIL_CHAIN_CYCLES 6U
#define RETURN_CYCLES 10U
#define FRAME_WORDS 8U
#define FP_FRAME_WORDS 26U
#define CONTROL_NPRIV 1U
#define CONTROL_SPSEL 2U
#define CONTROL_FPCA 4U
#define XPSR_T (1U << 24)
#define XPSR_PADDED (1U << 9)
#define XPSR_IT 0x0600FC00U
#define XPSR_EXCEPTION 0x1FFU
#define EXC_RETURN_PSP (1U << 2)
#define EXC_RETURN_THREAD (1U << 3)
#define EXC_RETURN_NO_FP (1U << 4)
#define FPCCR_ASPEN (1U << 31)
#define CCR_STKALIGN (1U << 9)
#define SCR_SLEEPONEXIT (1U << 1)

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Unicorn 2.0.1 does not rebuild its translation flags on a write to xPSR, but does on one to the APSR. */
static void write_xpsr(struct cpu *cpu, uint32_t v)
{
    cpu_set_reg(cpu, UC_ARM_REG_XPSR, v);
    cpu_set_reg(cpu, UC_ARM_REG_APSR_NZCV, cpu_reg(cpu, UC_ARM_REG_APSR_NZCV));
}

bool cpu_lockup(struct cpu *cpu, const char *why, uint32_t pc)
{
    char where[200];

    cpu_describe(cpu, where, sizeof where);
    chip_guest_error(cpu->chip, true, "the CPU is locked up: %s at 0x%08x while no fault handler can run"
                     " (CFSR 0x%08x, HFSR 0x%08x, BFAR 0x%08x)\n  %s", why, (unsigned)pc, (unsigned)cpu->scb.cfsr,
                     (unsigned)cpu->scb.hfsr, (unsigned)cpu->scb.bfar, where);
    return false;
}

/* Vectors come by the I-Code bus, so they wait and stall like a fetch. */
static bool read_vector(struct cpu *cpu, unsigned exc, uint32_t *vector)
{
    uint32_t address = cpu->scb.vtor + 4 * exc, flash = cpu_flash_address(cpu, address);
    const uint8_t *p;

    if (flash != UINT32_MAX)
        flash_fetch(cpu->config.flash, flash, 4, &cpu->clock.count);
    p = cpu_code(cpu, address, 4);
    if (p == NULL)
        p = cpu_ram(cpu, address, 4);
    if (p != NULL)
        *vector = get32(p);
    return p != NULL;
}

/* Handler mode, with LR and PC for the exception. CONTROL goes first: in thread mode it also switches SP back to MSP. */
static bool start_handler(struct cpu *cpu, unsigned exc, uint32_t exc_return)
{
    uint32_t vector, xpsr = cpu_reg(cpu, UC_ARM_REG_XPSR);

    if (!read_vector(cpu, exc, &vector)) {
        cpu->scb.hfsr |= HFSR_VECTTBL;
        return cpu_lockup(cpu, "the vector table (VTOR) lies where there is no memory", cpu->scb.vtor);
    }
    nvic_activate(&cpu->scb.nvic, exc);
    cpu_set_reg(cpu, UC_ARM_REG_CONTROL, cpu_reg(cpu, UC_ARM_REG_CONTROL) & CONTROL_NPRIV);
    write_xpsr(cpu, (xpsr & ~(XPSR_EXCEPTION | XPSR_IT)) | XPSR_T | exc);
    cpu_set_reg(cpu, UC_ARM_REG_LR, exc_return);
    cpu_set_reg(cpu, UC_ARM_REG_PC, vector | 1U);
    chip_trace(cpu->chip, TRACE_IRQ, "exception %u -> 0x%08x", exc, (unsigned)vector);
    if ((vector & 1U) == 0)
        return cpu_take_fault(cpu, EXC_USAGEFAULT, CFSR_INVSTATE, 0, vector);
    return true;
}

static void stack_fp(struct cpu *cpu, uint8_t *frame)
{
    for (int i = 0; i < 16; i++)
        put32(frame + 4 * (8 + i), cpu_reg(cpu, UC_ARM_REG_S0 + i));
    put32(frame + 4 * 24, cpu_reg(cpu, UC_ARM_REG_FPSCR));
}

static void stack_core(struct cpu *cpu, uint8_t *frame, uint32_t return_pc, uint32_t xpsr)
{
    static const int ids[] = { UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR };

    for (unsigned i = 0; i < 6; i++)
        put32(frame + 4 * i, cpu_reg(cpu, ids[i]));
    put32(frame + 24, return_pc & ~1U);
    put32(frame + 28, xpsr);
}

static void report_hardfault(struct cpu *cpu, uint32_t pc)
{
    chip_guest_error(cpu->chip, false, "HardFault at 0x%08x (CFSR 0x%08x, HFSR 0x%08x, BFAR 0x%08x)", (unsigned)pc,
                     (unsigned)cpu->scb.cfsr, (unsigned)cpu->scb.hfsr, (unsigned)cpu->scb.bfar);
}

bool cpu_enter(struct cpu *cpu, unsigned exc, uint32_t return_pc)
{
    uint32_t control = cpu_reg(cpu, UC_ARM_REG_CONTROL), xpsr = cpu_reg(cpu, UC_ARM_REG_XPSR);
    uint32_t sp = cpu_reg(cpu, UC_ARM_REG_SP);
    bool thread = (xpsr & XPSR_EXCEPTION) == 0;
    bool psp = thread && (control & CONTROL_SPSEL) != 0;
    bool fp = (control & CONTROL_FPCA) != 0 && (cpu->scb.fpccr & FPCCR_ASPEN) != 0;
    uint32_t words = fp ? FP_FRAME_WORDS : FRAME_WORDS;
    bool pad = (fp || (cpu->scb.ccr & CCR_STKALIGN) != 0) && (sp & 4U) != 0;
    uint32_t frame = sp - 4 * words - (pad ? 4 : 0);
    uint8_t *memory = cpu_ram(cpu, frame, 4 * words);

    if (exc == EXC_HARDFAULT)
        report_hardfault(cpu, return_pc);
    if (memory == NULL || (sp & 3U) != 0) {
        cpu->scb.cfsr |= CFSR_STKERR;
        return cpu_lockup(cpu, "the exception frame does not fit: SP points outside the RAM", return_pc);
    }
    stack_core(cpu, memory, return_pc, (xpsr & ~XPSR_PADDED) | (pad ? XPSR_PADDED : 0));
    if (fp)
        stack_fp(cpu, memory);
    cpu_set_reg(cpu, UC_ARM_REG_SP, frame);
    cpu->clock.count += ENTRY_CYCLES;
    spin_disturb(&cpu->spin);
    return start_handler(cpu, exc, 0xFFFFFFE1U | (thread ? EXC_RETURN_THREAD : 0) | (psp ? EXC_RETURN_PSP : 0) |
                                       (fp ? 0 : EXC_RETURN_NO_FP));
}

bool cpu_take_hardfault(struct cpu *cpu, uint32_t hfsr, uint32_t pc)
{
    struct exc_masks m = cpu_masks(cpu);
    unsigned exc = scb_hardfault(&cpu->scb, hfsr, &m);

    return exc == EXC_NONE ? cpu_lockup(cpu, "a fault", pc) : cpu_enter(cpu, exc, pc);
}

bool cpu_take_fault(struct cpu *cpu, unsigned exc, uint32_t cfsr, uint32_t address, uint32_t pc)
{
    struct exc_masks m = cpu_masks(cpu);

    exc = scb_fault(&cpu->scb, exc, cfsr, address, &m);
    return exc == EXC_NONE ? cpu_lockup(cpu, "a fault", pc) : cpu_enter(cpu, exc, pc);
}

/* The returning exception is over, and the frame it should have taken off is kept for the UsageFault. */
static bool refuse_return(struct cpu *cpu, unsigned exc, uint32_t exc_return)
{
    struct exc_masks m;

    if (exc != EXC_NONE && exc < EXC_COUNT)
        nvic_deactivate(&cpu->scb.nvic, exc);
    m = cpu_masks(cpu);
    exc = scb_fault(&cpu->scb, EXC_USAGEFAULT, CFSR_INVPC, 0, &m);
    if (exc == EXC_NONE)
        return cpu_lockup(cpu, "a return by a value that is no EXC_RETURN", exc_return);
    return start_handler(cpu, exc, exc_return);
}

static void unstack_core(struct cpu *cpu, const uint8_t *frame)
{
    static const int ids[] = { UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR };

    for (unsigned i = 0; i < 6; i++)
        cpu_set_reg(cpu, ids[i], get32(frame + 4 * i));
}

static void unstack_fp(struct cpu *cpu, const uint8_t *frame)
{
    for (int i = 0; i < 16; i++)
        cpu_set_reg(cpu, UC_ARM_REG_S0 + i, get32(frame + 4 * (8 + i)));
    cpu_set_reg(cpu, UC_ARM_REG_FPSCR, get32(frame + 4 * 24));
}

static bool unstack(struct cpu *cpu, uint32_t exc_return)
{
    bool psp = (exc_return & EXC_RETURN_PSP) != 0, fp = (exc_return & EXC_RETURN_NO_FP) == 0;
    bool thread = (exc_return & EXC_RETURN_THREAD) != 0;
    uint32_t frame = cpu_reg(cpu, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP);
    uint32_t words = fp ? FP_FRAME_WORDS : FRAME_WORDS, npriv = cpu_reg(cpu, UC_ARM_REG_CONTROL) & CONTROL_NPRIV;
    const uint8_t *memory = cpu_ram(cpu, frame, 4 * words);
    uint32_t xpsr, pc;

    if (memory == NULL)
        return cpu_lockup(cpu, "an exception returns with SP outside the RAM", frame);
    xpsr = get32(memory + 28);
    pc = get32(memory + 24);
    if (thread != ((xpsr & XPSR_EXCEPTION) == 0))       /* integrity check, Arm DDI 0403 §B1.5.8 */
        return refuse_return(cpu, EXC_NONE, exc_return);
    unstack_core(cpu, memory);
    if (fp)
        unstack_fp(cpu, memory);
    frame += 4 * words + ((xpsr & XPSR_PADDED) != 0 ? 4 : 0);
    write_xpsr(cpu, (xpsr & ~XPSR_PADDED) | XPSR_T);
    cpu_set_reg(cpu, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP, frame);
    cpu_set_reg(cpu, UC_ARM_REG_CONTROL, npriv | (psp ? CONTROL_SPSEL : 0) | (fp ? CONTROL_FPCA : 0));
    cpu_set_reg(cpu, UC_ARM_REG_PC, pc | 1U);
    cpu->clock.count += RETURN_CYCLES;
    if ((xpsr & XPSR_T) == 0)
        return cpu_take_fault(cpu, EXC_USAGEFAULT, CFSR_INVSTATE, 0, pc);
    cpu->sleeping = thread && (cpu->scb.scr & SCR_SLEEPONEXIT) != 0;
    return true;
}

static bool valid_exc_return(uint32_t v)
{
    uint32_t kind = v & 0xFU;

    return (v | 0x1FU) == UINT32_MAX && (kind == 0x1 || kind == 0x9 || kind == 0xD);
}

bool cpu_exception_return(struct cpu *cpu, uint32_t exc_return)
{
    unsigned exc = cpu_reg(cpu, UC_ARM_REG_XPSR) & XPSR_EXCEPTION, next;
    struct exc_masks m;

    if (!valid_exc_return(exc_return) || exc >= EXC_COUNT || !cpu->scb.nvic.active[exc])
        return refuse_return(cpu, exc, exc_return);
    nvic_deactivate(&cpu->scb.nvic, exc);
    if (exc != EXC_NMI)
        cpu_set_reg(cpu, UC_ARM_REG_FAULTMASK, 0);
    m = cpu_masks(cpu);
    next = nvic_next(&cpu->scb.nvic, &m);
    chip_trace(cpu->chip, TRACE_IRQ, "return from exception %u%s", exc, next != EXC_NONE ? ", tail-chained" : "");
    spin_disturb(&cpu->spin);
    if (next != EXC_NONE) {
        cpu->clock.count += TAIL_CHAIN_CYCLES;
        return start_handler(cpu, next, exc_return);
    }
    return unstack(cpu, exc_return);
}
