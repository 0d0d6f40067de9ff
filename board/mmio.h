/* SPDX-License-Identifier: MIT */
/* Register accesses: from an address to the peripheral that owns it. */
#ifndef VCPBOARD_MMIO_H
#define VCPBOARD_MMIO_H

#include "board/chip.h"
#include "board/spin.h"

#define MMIO_PERIPHS_MAX 96U

/* What MMIO needs from the CPU. */
struct mmio_cpu {
    void (*sync)(void *cpu);                            /* virtual time catches up with the instruction stream */
    void (*settle)(void *cpu);                          /* after an access: interrupts and deadlines may have changed */
    void (*fault)(void *cpu, uint32_t address, bool write);
    void *cpu;
};

struct mmio {
    struct chip *chip;
    struct spin *spin;
    struct mmio_cpu up;
    const struct periph *periph[MMIO_PERIPHS_MAX];
    unsigned count, last;
    uint32_t enr[32];                   /* gates, by RCC offset / 4 */
};

void mmio_connect(struct mmio *b, struct spin *s, const struct mmio_cpu *up);       /* b->chip is set already */
void mmio_attach(struct mmio *b, const struct periph *p);
/* 0x40000000 and up, the bit-band alias of the peripherals included. */
uint32_t mmio_read(struct mmio *b, uint32_t address, unsigned width);
void mmio_write(struct mmio *b, uint32_t address, uint32_t value, unsigned width);
void mmio_reset_all(struct mmio *b, enum reset_cause why);
void mmio_reset_by_rstr(struct mmio *b, uint32_t rstr_offset, uint32_t value);

#endif
