/* SPDX-License-Identifier: MIT */
/* Which exception may run: pending, active and enabled bits, priorities and masks. The registers at 0xE000E100 too. */
#ifndef VCPBOARD_NVIC_H
#define VCPBOARD_NVIC_H

#include <stdbool.h>
#include <stdint.h>

#define NVIC_LINES 82U                  /* RM0090 table 61 */

enum {
    EXC_NONE = 0, EXC_RESET = 1, EXC_NMI = 2, EXC_HARDFAULT = 3, EXC_MEMMANAGE = 4, EXC_BUSFAULT = 5, EXC_USAGEFAULT = 6,
    EXC_SVCALL = 11, EXC_DEBUGMON = 12, EXC_PENDSV = 14, EXC_SYSTICK = 15, EXC_IRQ0 = 16, EXC_COUNT = 16 + NVIC_LINES
};

#define PRIORITY_THREAD 256             /* below every exception */

/* The CPU's special registers that hold exceptions back. */
struct exc_masks {
    bool primask, faultmask;
    uint8_t basepri;
};

struct nvic {
    bool pending[EXC_COUNT], active[EXC_COUNT], enabled[EXC_COUNT], level[EXC_COUNT];
    uint8_t priority[EXC_COUNT];        /* upper four bits implemented */
    unsigned prigroup;
    unsigned candidate;                 /* the pending and enabled exception that would run first, or EXC_NONE */
};

void nvic_reset(struct nvic *n);
void nvic_pend(struct nvic *n, unsigned exc, bool pending);
void nvic_line(struct nvic *n, unsigned line, bool level);      /* a rising level pends; a high one pends again on return */
void nvic_enable(struct nvic *n, unsigned exc, bool enabled);
void nvic_set_priority(struct nvic *n, unsigned exc, uint8_t priority);
void nvic_set_prigroup(struct nvic *n, unsigned prigroup);

/* The priority at which the CPU runs now: by the active exceptions, then boosted by the masks. */
int nvic_execution_priority(const struct nvic *n, const struct exc_masks *m);
int nvic_group_priority(const struct nvic *n, unsigned exc);
/* The exception that preempts what runs now, or EXC_NONE. */
unsigned nvic_next(const struct nvic *n, const struct exc_masks *m);
/* Would the candidate end a WFI? PRIMASK does not count for that (Arm DDI 0403 §B1.5.17). */
bool nvic_wakes(const struct nvic *n, const struct exc_masks *m);
void nvic_activate(struct nvic *n, unsigned exc);
void nvic_deactivate(struct nvic *n, unsigned exc);
unsigned nvic_active_count(const struct nvic *n);

/* NVIC registers, off relative to 0xE000E000 within 0x100..0x4EF. False if there is no such register. */
bool nvic_read(const struct nvic *n, uint32_t off, uint32_t *word);
bool nvic_write(struct nvic *n, uint32_t off, uint32_t value, uint32_t byte_mask);

#endif
