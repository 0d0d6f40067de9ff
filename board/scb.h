/* SPDX-License-Identifier: MIT */
/* The private peripheral bus: System Control Block, fault status, SysTick and NVIC registers (0xE000E000), DWT (0xE0001000). */
#ifndef VCPBOARD_SCB_H
#define VCPBOARD_SCB_H

#include "board/chip.h"
#include "board/cycles.h"
#include "board/nvic.h"
#include "board/systick.h"

/* CFSR, Arm DDI 0403 §B3.2.15 */
#define CFSR_IACCVIOL (1U << 0)
#define CFSR_IBUSERR (1U << 8)
#define CFSR_PRECISERR (1U << 9)
#define CFSR_IMPRECISERR (1U << 10)
#define CFSR_STKERR (1U << 12)
#define CFSR_BFARVALID (1U << 15)
#define CFSR_UNDEFINSTR (1U << 16)
#define CFSR_INVSTATE (1U << 17)
#define CFSR_INVPC (1U << 18)
#define CFSR_NOCP (1U << 19)

#define HFSR_VECTTBL (1U << 1)
#define HFSR_FORCED (1U << 30)
#define HFSR_DEBUGEVT (1U << 31)

struct scb {
    struct chip *chip;
    struct cycle_clock *clock;
    struct nvic nvic;
    struct systick systick;
    struct periph scs, dwt, itm;
    uint32_t vtor, scr, ccr, cfsr, hfsr, dfsr, mmfar, bfar, cpacr, actlr, fpccr, fpcar, fpdscr, demcr;
    uint32_t dwt_ctrl, cyccnt_base;     /* CYCCNT = awake cycles - base */
    uint32_t cyccnt_held;
};

void scb_init(struct scb *s, struct chip *c, struct cycle_clock *k);    /* attaches its blocks */
void scb_reset(struct scb *s);

/* A synchronous fault: records cfsr_bits, and the address where it has one. Returns the exception to take at once, or
 * EXC_NONE if none can be taken: the CPU locks up. */
unsigned scb_fault(struct scb *s, unsigned exc, uint32_t cfsr_bits, uint32_t address, const struct exc_masks *m);
/* HardFault for a cause of its own (vector read, BKPT without debugger), or EXC_NONE for lockup. */
unsigned scb_hardfault(struct scb *s, uint32_t hfsr_bits, const struct exc_masks *m);
/* An imprecise bus fault: pends, and is taken when priorities allow. */
void scb_imprecise(struct scb *s);
bool scb_fpu_on(const struct scb *s);                   /* CPACR gives CP10 and CP11 full access */

#endif
