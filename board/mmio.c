/* SPDX-License-Identifier: MIT */
/* MMIO dispatch: clock gates, bit-band aliases, and accesses that hit nothing. */
/* Sources: RM0090 §2.3 (memory map, bit-banding), §7.2 (a block without its clock reads 0); Arm DDI 0403 §B3.1. */
#include "board/mmio.h"

#define BITBAND_PERIPH 0x42000000U
#define BITBAND_BYTES 0x02000000U
#define PERIPH_BASE 0x40000000U
#define TIM_CNT 0x24U
#define DWT_CYCCNT 0xE0001004U
#define SYSTICK_VAL 0xE000E018U
#define IWDG_KR 0x40003000U
#define IWDG_REFRESH 0xAAAAU
#define RTC_SSR 0x40002828U
#define WWDG_CR 0x40002C00U

/* Timers by base address, RM0090 table 1: TIM1-5, 8-14. Their CNT runs by itself. */
static const uint32_t timer_bases[] = {
    0x40000000, 0x40000400, 0x40000800, 0x40000C00, 0x40001000, 0x40001400, 0x40001800, 0x40001C00, 0x40002000,
    0x40010000, 0x40010400, 0x40014000, 0x40014400, 0x40014800,
};

/* Reading these changes something: USART_DR, the OTG_FS status pop, and its FIFO windows (RM0090 §30.6.2, §34.16). */
static bool read_has_effect(uint32_t address)
{
    switch (address & ~3U) {
    case 0x40011004: case 0x40011404: case 0x40004404: case 0x40004804: case 0x40004C04: case 0x40005004:
    case 0x50000020:
        return true;
    default:
        return address - 0x50001000U < 0x1F000U;
    }
}

static bool is_counter(uint32_t address)
{
    if (address == DWT_CYCCNT || address == SYSTICK_VAL || address == RTC_SSR || address == WWDG_CR)
        return true;
    for (unsigned i = 0; i < sizeof timer_bases / sizeof *timer_bases; i++) {
        if ((address & ~3U) == timer_bases[i] + TIM_CNT)
            return true;
    }
    return false;
}

static const struct periph *find(struct mmio *b, uint32_t address)
{
    if (b->count != 0 && address - b->periph[b->last]->base < b->periph[b->last]->bytes)
        return b->periph[b->last];
    for (unsigned i = 0; i < b->count; i++) {
        if (address - b->periph[i]->base < b->periph[i]->bytes) {
            b->last = i;
            return b->periph[i];
        }
    }
    return NULL;
}

static bool clocked(struct mmio *b, const struct periph *p, uint32_t address)
{
    if (p->gate_enr == 0 || chip_gate(b->chip, p->gate_enr, p->gate_bit))
        return true;
    chip_guest_error(b->chip, false, "%s (0x%08x) is used without its clock: RCC offset 0x%02x bit %u is 0 (RM0090 §7.2, §7.3)",
                     p->name, (unsigned)address, (unsigned)p->gate_enr, p->gate_bit);
    return false;
}

static uint32_t alias_target(uint32_t address)
{
    return PERIPH_BASE + ((address - BITBAND_PERIPH) >> 5 & ~3U);
}

static unsigned alias_bit(uint32_t address)
{
    return (address - BITBAND_PERIPH) >> 2 & 31U;
}

static uint32_t read_block(struct mmio *b, uint32_t address, unsigned width)
{
    const struct periph *p = find(b, address);
    uint32_t value;

    if (p == NULL) {
        b->up.fault(b->up.cpu, address, false);
        return 0;
    }
    if (!clocked(b, p, address) || (read_has_effect(address) && spin_forbids(b->spin)))
        return 0;
    value = p->read(p->self, address - p->base, width);
    chip_trace(b->chip, TRACE_MMIO, "%s+0x%03x -> 0x%0*x", p->name, (unsigned)(address - p->base), (int)(2 * width),
               (unsigned)value);
    spin_mmio_read(b->spin, address, value, is_counter(address));
    if (read_has_effect(address))
        spin_mmio_write(b->spin);
    return value;
}

static void write_block(struct mmio *b, uint32_t address, uint32_t value, unsigned width)
{
    const struct periph *p = find(b, address);

    if (address == IWDG_KR && value == IWDG_REFRESH)
        spin_refresh(b->spin);
    else if (spin_forbids(b->spin))
        return;
    else
        spin_mmio_write(b->spin);
    if (p == NULL) {
        b->up.fault(b->up.cpu, address, true);
        return;
    }
    if (!clocked(b, p, address))
        return;
    chip_trace(b->chip, TRACE_MMIO, "%s+0x%03x <- 0x%0*x", p->name, (unsigned)(address - p->base), (int)(2 * width),
               (unsigned)value);
    p->write(p->self, address - p->base, value, width);
}

uint32_t mmio_read(struct mmio *b, uint32_t address, unsigned width)
{
    uint32_t value;

    b->up.sync(b->up.cpu);
    if (address - BITBAND_PERIPH < BITBAND_BYTES)
        value = read_block(b, alias_target(address), 4) >> alias_bit(address) & 1U;
    else
        value = read_block(b, address, width);
    b->up.settle(b->up.cpu);
    return value;
}

void mmio_write(struct mmio *b, uint32_t address, uint32_t value, unsigned width)
{
    b->up.sync(b->up.cpu);
    if (address - BITBAND_PERIPH < BITBAND_BYTES) {
        uint32_t target = alias_target(address), bit = 1U << alias_bit(address);
        uint32_t old = read_block(b, target, 4);

        write_block(b, target, (value & 1U) != 0 ? old | bit : old & ~bit, 4);
    } else {
        write_block(b, address, value, width);
    }
    b->up.settle(b->up.cpu);
}

void mmio_attach(struct mmio *b, const struct periph *p)
{
    if (b->count < MMIO_PERIPHS_MAX)
        b->periph[b->count++] = p;
}

void mmio_reset_all(struct mmio *b, enum reset_cause why)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (b->periph[i]->reset != NULL)
            b->periph[i]->reset(b->periph[i]->self, why);
    }
}

void mmio_reset_by_rstr(struct mmio *b, uint32_t rstr_offset, uint32_t value)
{
    for (unsigned i = 0; i < b->count; i++) {
        const struct periph *p = b->periph[i];

        if (p->gate_enr == rstr_offset + 0x20U && (value >> p->gate_bit & 1U) != 0 && p->reset != NULL)
            p->reset(p->self, RESET_SOFTWARE);
    }
}

void mmio_connect(struct mmio *b, struct spin *s, const struct mmio_cpu *up)
{
    b->spin = s;
    b->up = *up;
}
