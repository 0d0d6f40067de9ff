/* SPDX-License-Identifier: MIT */
/* CRC: polynomial 0x04C11DB7 over whole words, first bit is bit 31, four AHB clocks a word. */
/* Sources: RM0090 §4.3 "CRC functional description", §4.4 "CRC registers" */
#include "board/periph/crc.h"

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define CRC_BASE 0x40023000U
#define CRC_DR 0x00U
#define CRC_IDR 0x04U
#define CRC_CR 0x08U
#define CRC_CR_RESET REG_BIT(0)
#define CRC_POLYNOMIAL 0x04C11DB7U
#define CRC_INIT 0xFFFFFFFFU
#define CRC_CYCLES 4U
#define ACCESS_CYCLES 2U                /* what the CPU counts for a load or store at least: board/thumb.c */

struct crc {
    struct chip *chip;
    struct periph periph;
    uint32_t dr;
    uint8_t idr;
    vtime busy_until, last_access;
    uint32_t table[256];                /* eight steps of the polynomial division at once */
};

static uint32_t shifted(uint32_t crc, unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++)
        crc = (crc & 0x80000000U) != 0 ? crc << 1 ^ CRC_POLYNOMIAL : crc << 1;
    return crc;
}

static uint32_t crc_of_word(const struct crc *u, uint32_t crc, uint32_t word)
{
    crc ^= word;
    for (unsigned byte = 0; byte < 4; byte++)
        crc = crc << 8 ^ u->table[crc >> 24];
    return crc;
}

static vtime cycles(const struct crc *u, unsigned n)
{
    return ticks_time(n, chip_clocks(u->chip)->hclk_hz);
}

/* §4.3: a write or read that comes while a word is being worked on waits on the bus. The CPU counts the cycles of a whole basic block
 * before its accesses: if no time has passed since the last one, this access's own cycles have run beside the unit's. */
static void wait_until_idle(struct crc *u)
{
    vtime beside = chip_now(u->chip) == u->last_access ? cycles(u, ACCESS_CYCLES) : 0;

    if (u->busy_until > chip_now(u->chip) + beside)
        chip_stall_until(u->chip, u->busy_until - beside);
    u->last_access = chip_now(u->chip);
}

static uint32_t crc_read(void *self, uint32_t off, unsigned width)
{
    struct crc *u = self;

    switch (reg_base(off)) {
    case CRC_DR:
        wait_until_idle(u);
        return reg_lanes(u->dr, off, width);
    case CRC_IDR:
        return reg_lanes(u->idr, off, width);
    case CRC_CR:
        return 0;                       /* RESET clears itself */
    default:
        chip_unmodelled(u->chip, &u->periph, off, false, 0);
        return 0;
    }
}

static void write_dr(struct crc *u, uint32_t value, unsigned width)
{
    if (width != 4) {
        chip_guest_error(u->chip, true, "CRC_DR: %u-bit write, only 32-bit ones have a meaning (RM0090 §4.3)", 8U * width);
        return;
    }
    wait_until_idle(u);
    u->dr = crc_of_word(u, u->dr, value);
    u->busy_until = chip_now(u->chip) + cycles(u, CRC_CYCLES);
}

static void crc_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct crc *u = self;

    switch (reg_base(off)) {
    case CRC_DR:
        write_dr(u, value, width);
        break;
    case CRC_IDR:
        u->idr = (uint8_t)reg_ahb_word(u->idr, off, value, width);
        break;
    case CRC_CR:
        if ((reg_ahb_word(0, off, value, width) & CRC_CR_RESET) != 0)
            u->dr = CRC_INIT;           /* IDR stays: §4.4.2 */
        break;
    default:
        chip_unmodelled(u->chip, &u->periph, off, true, value);
        break;
    }
}

static void crc_reset(void *self, enum reset_cause why)
{
    struct crc *u = self;

    (void)why;
    u->dr = CRC_INIT;
    u->idr = 0;
    u->busy_until = u->last_access = 0;
}

struct crc *crc_new(struct chip *c)
{
    struct crc *u = xcalloc(1, sizeof *u);

    u->chip = c;
    for (uint32_t i = 0; i < 256; i++)
        u->table[i] = shifted(i << 24, 8);
    u->periph = (struct periph){
        .name = "CRC", .manual = "RM0090 §4.4", .base = CRC_BASE, .bytes = 0x400,
        .gate_enr = 0x30, .gate_bit = 12,
        .self = u, .read = crc_read, .write = crc_write, .reset = crc_reset,
    };
    crc_reset(u, RESET_POWER);
    chip_attach(c, &u->periph);
    return u;
}

void crc_free(struct crc *u)
{
    free(u);
}
