/* SPDX-License-Identifier: MIT */
/* Flash operations: how long they take, what they do to the cells, and what is left when they are torn. */
/* Sources: RM0090 §3.6.2-§3.6.4, §3.9.10; DS8626 tables 39-42 (times); the option bytes' 350 ms were measured on silicon. */
#include "board/periph/flash_internal.h"

#include <string.h>

#define KIB(n) ((n) * 1024U)
#define FAST_ERASE VTIME_US(100)
#define FAST_PROGRAM VTIME_NS(100)
#define HCLK_MIN_HZ 1000000U            /* RM0090 §3.6.2 */

static const uint32_t sector_bytes[] = {
    KIB(16), KIB(16), KIB(16), KIB(16), KIB(64), KIB(128), KIB(128), KIB(128), KIB(128), KIB(128), KIB(128), KIB(128),
};

/* ms, by PSIZE x8, x16, x32; the maximum is twice the typical value in every row. */
static const uint16_t erase_ms_16k[] = { 400, 300, 250 };
static const uint16_t erase_ms_64k[] = { 1200, 700, 550 };
static const uint16_t erase_ms_128k[] = { 2000, 1300, 1000 };
static const uint16_t erase_ms_all[] = { 16000, 11000, 8000 };
#define PROGRAM_TYP VTIME_US(16)
#define PROGRAM_MAX VTIME_US(100)
#define OPTIONS_TYP VTIME_MS(350)

unsigned flash_sector_of(uint32_t address)
{
    uint32_t at = address - FLASH_MAIN_BASE;
    unsigned s = 0;

    while (s + 1 < sizeof sector_bytes / sizeof *sector_bytes && at >= sector_bytes[s])
        at -= sector_bytes[s++];
    return s;
}

uint32_t flash_sector_base(unsigned sector)
{
    uint32_t base = FLASH_MAIN_BASE;

    for (unsigned s = 0; s < sector; s++)
        base += sector_bytes[s];
    return base;
}

uint32_t flash_sector_bytes(unsigned sector)
{
    return sector_bytes[sector];
}

static vtime erase_time(const struct flash *f, const uint16_t *typ_ms)
{
    unsigned psize = CR_PSIZE(f->cr) > 2 ? 2 : CR_PSIZE(f->cr);
    vtime typ = VTIME_MS(typ_ms[psize]);

    if (f->o.timing == FLASH_FAST)
        return FAST_ERASE;
    return f->o.timing == FLASH_MAX ? 2 * typ : typ;
}

static vtime sector_time(const struct flash *f, unsigned sector)
{
    switch (sector_bytes[sector]) {
    case KIB(16):
        return erase_time(f, erase_ms_16k);
    case KIB(64):
        return erase_time(f, erase_ms_64k);
    default:
        return erase_time(f, erase_ms_128k);
    }
}

static vtime program_time(const struct flash *f)
{
    static const vtime times[] = { [FLASH_TYP] = PROGRAM_TYP, [FLASH_MAX] = PROGRAM_MAX, [FLASH_FAST] = FAST_PROGRAM };

    return times[f->o.timing];
}

static void begin(struct flash *f, struct op *op, vtime duration)
{
    struct sched *s = chip_sched(f->chip);
    uint64_t number = f->totals.erases + f->totals.words;
    bool cut = op->kind != OP_OPTIONS && f->o.cut.at_op != 0 && number == f->o.cut.at_op;

    if (chip_clocks(f->chip)->hclk_hz < HCLK_MIN_HZ)
        chip_guest_error(f->chip, false, "flash operation with HCLK below 1 MHz (RM0090 §3.6.2)");
    if (cut && f->o.cut.when == CUT_BEFORE) {
        f->o.power_fails(f->chip);
        return;
    }
    if (flash_fault_refuses(f, number)) {
        flash_error(f, SR_PGSERR);
        f->cr &= ~CR_STRT;
        return;
    }
    if (f->begins != NULL && op->kind != OP_OPTIONS && op->address - FLASH_MAIN_BASE < f->main_bytes)
        f->begins(f->begins_owner, &(struct flash_operation){ op->kind != OP_PROGRAM, op->address, op->bytes, op->value });
    f->op.kind = op->kind;
    f->op.address = op->address;
    f->op.bytes = op->bytes;
    f->op.value = op->value;
    f->op.start = chip_now(f->chip);
    f->op.end = f->op.start + duration;
    f->op.cut_after = cut && f->o.cut.when == CUT_AFTER;
    f->sr |= SR_BSY;
    if (flash_fault_begin(f, number))
        sched_at(s, &f->op.done, f->op.end);
    else
        f->op.end = VTIME_NEVER;
    if (cut && f->o.cut.when == CUT_DURING) {
        struct rng r = rng_stream(f->o.seed, number);

        sched_at(s, &f->op.cut, f->op.start + duration / 1024U * (rng_next(&r) % 1024U));
    }
}

static void end(struct flash *f)
{
    f->busy = flash_busy_time(f);
    f->op.kind = OP_NONE;
    f->sr &= ~SR_BSY;
}

void flash_start_program(struct flash *f, uint32_t address, uint32_t value, unsigned bytes)
{
    struct op op = { .kind = OP_PROGRAM, .address = address, .bytes = bytes, .value = value };

    f->totals.words++;
    flash_cache_write_through(f, address, value, bytes);
    chip_trace(f->chip, TRACE_FLASH, "program 0x%08x = 0x%0*x", (unsigned)address, (int)(2 * bytes), (unsigned)value);
    begin(f, &op, program_time(f));
}

static void start_mass_erase(struct flash *f)
{
    struct op op = { .kind = OP_MASS, .address = FLASH_MAIN_BASE, .bytes = f->main_bytes };
    uint32_t all = (1U << f->sectors) - 1U;

    if ((OPTCR_NWRP(f->options) & all) != all) {
        flash_error(f, SR_WRPERR);
        return;
    }
    f->totals.erases++;
    chip_trace(f->chip, TRACE_FLASH, "mass erase");
    begin(f, &op, erase_time(f, erase_ms_all));
}

static void start_sector_erase(struct flash *f)
{
    unsigned n = CR_SNB(f->cr);
    struct op op = { .kind = OP_SECTOR };

    if (n >= f->sectors || (OPTCR_NWRP(f->options) >> n & 1U) == 0) {
        flash_error(f, SR_WRPERR);
        return;
    }
    op.address = flash_sector_base(n);
    op.bytes = sector_bytes[n];
    f->totals.erases++;
    chip_trace(f->chip, TRACE_FLASH, "erase sector %u", n);
    begin(f, &op, sector_time(f, n));
}

void flash_start_erase(struct flash *f)
{
    if ((f->cr & (CR_MER | CR_SER)) == (CR_MER | CR_SER))
        chip_guest_error(f->chip, false, "FLASH_CR: STRT with MER and SER both set: the manual's revisions contradict each"
                         " other about it (RM0090 §3.9.6); nothing is erased");
    else if ((f->cr & (CR_MER | CR_SER)) == 0)
        chip_guest_error(f->chip, false, "FLASH_CR: STRT with neither SER nor MER is unpredictable (RM0090 §3.9.6)");
    else if (CR_PSIZE(f->cr) == 3)
        chip_guest_error(f->chip, false, "FLASH_CR: PSIZE x64 needs 8-9 V on VPP, which this board has not"
                         " (RM0090 §3.6.2); nothing is erased");
    else if ((f->cr & CR_MER) != 0)
        start_mass_erase(f);
    else
        start_sector_erase(f);
    if (f->op.kind == OP_NONE)
        f->cr &= ~CR_STRT;
}

void flash_start_options(struct flash *f)
{
    struct op op = { .kind = OP_OPTIONS, .value = f->optcr & OPTCR_FIELDS };
    vtime time = f->o.timing == FLASH_MAX ? 2 * OPTIONS_TYP : OPTIONS_TYP;
    bool regress = OPTCR_RDP(f->options) != RDP_LEVEL0 && OPTCR_RDP(f->optcr) == RDP_LEVEL0;

    if (OPTCR_RDP(f->options) == RDP_LEVEL2) {          /* irreversible: RM0090 §3.7.1 */
        flash_error(f, SR_WRPERR);
        f->optcr &= ~OPTCR_OPTSTRT;
        return;
    }
    if (regress)
        time += erase_time(f, erase_ms_all);
    chip_trace(f->chip, TRACE_FLASH, "program option bytes 0x%08x", (unsigned)op.value);
    begin(f, &op, f->o.timing == FLASH_FAST ? FAST_ERASE : time);
}

static void finish_options(struct flash *f)
{
    bool regress = OPTCR_RDP(f->options) != RDP_LEVEL0 && OPTCR_RDP(f->op.value) == RDP_LEVEL0;

    f->options = f->op.value;
    flash_refresh_option_view(f);
    if (regress) {
        memset(f->cells, 0xFF, f->main_bytes);
        flash_cells_changed(f, FLASH_MAIN_BASE, f->main_bytes);
        f->o.level_regressed(f->chip);
    }
    f->optcr &= ~OPTCR_OPTSTRT;
}

static void settle_erased(struct flash *f)
{
    if (f->op.address - FLASH_MAIN_BASE < f->main_bytes)
        memset(f->unstable + (f->op.address - FLASH_MAIN_BASE) / 4, 0, f->op.bytes / 4 * sizeof *f->unstable);
}

/* A bit that is programmed to 0 has had a whole pulse now; one that stays 1 has had none. */
static void settle_programmed(struct flash *f)
{
    uint32_t at = f->op.address - FLASH_MAIN_BASE;

    if (at < f->main_bytes)
        f->unstable[at / 4] &= ~(uint32_t)((~(uint64_t)f->op.value & ((1ULL << 8 * f->op.bytes) - 1U)) << 8 * (at % 4));
}

static void finish_program(struct flash *f)
{
    uint8_t *p = flash_cell_at(f, f->op.address);

    for (uint32_t i = 0; i < f->op.bytes; i++)
        p[i] &= (uint8_t)(f->op.value >> (8 * i));      /* programming only clears bits: no ECC, no check */
    settle_programmed(f);
    flash_cells_changed(f, f->op.address, f->op.bytes);
}

static void op_done(void *owner)
{
    struct flash *f = owner;

    switch (f->op.kind) {
    case OP_PROGRAM:
        finish_program(f);
        break;
    case OP_OPTIONS:
        finish_options(f);
        break;
    default:
        memset(flash_cell_at(f, f->op.address), 0xFF, f->op.bytes);
        settle_erased(f);
        flash_seen_erased(f, f->op.address, f->op.bytes);
        flash_cells_changed(f, f->op.address, f->op.bytes);
        f->cr &= ~CR_STRT;
    }
    flash_fault_settle(f);
    end(f);
    if ((f->cr & CR_EOPIE) != 0)
        f->sr |= SR_EOP;
    flash_update_irq(f);
    if (f->op.cut_after)
        f->o.power_fails(f->chip);
}

static void op_cut(void *owner)
{
    struct flash *f = owner;

    f->o.power_fails(f->chip);
}

void flash_op_init(struct flash *f)
{
    f->op.done.fire = op_done;
    f->op.cut.fire = op_cut;
    f->op.done.owner = f->op.cut.owner = f;
}

static void store_torn(struct flash *f, uint32_t address, struct torn_word t)
{
    flash_word_put(flash_cell_at(f, address), t.value);
    if (address - FLASH_MAIN_BASE < f->main_bytes)
        f->unstable[(address - FLASH_MAIN_BASE) / 4] |= t.unstable;
}

static void tear_program(struct flash *f, struct rng *r)
{
    uint32_t word = f->op.address & ~3U, old = flash_word_get(flash_cell_at(f, word));
    unsigned shift = 8 * (f->op.address & 3U);
    uint32_t mask = f->op.bytes == 4 ? UINT32_MAX : ((1U << (8 * f->op.bytes)) - 1U) << shift;
    vtime share = (chip_now(f->chip) - f->op.start) * 1024U / (f->op.end - f->op.start);

    store_torn(f, word, torn_program(r, old, old & (f->op.value << shift | ~mask),
                                     share >= 1024U ? UINT32_MAX : (uint32_t)(share << 22)));
    flash_cells_changed(f, word, 4);
}

/* The manual does not say what a torn option sector loads as. Here: as before, as it was to become, or every sector protected,
 * which is the worst for write protection. RDP and USER stay one of the two: a chip that fell to level 1 or 2 is past helping. */
static void tear_options(struct flash *f, struct rng *r)
{
    uint32_t fate = rng_word(r) % 3U;

    if (fate == 1)
        f->options = f->op.value;
    else if (fate == 2)
        f->options &= ~OPTCR_NWRP_MASK;
}

void flash_tear(struct flash *f)
{
    struct rng r = rng_stream(f->o.seed, ~(f->totals.erases + f->totals.words));

    if (f->op.kind == OP_NONE)
        return;
    if (f->op.kind == OP_PROGRAM) {
        tear_program(f, &r);
    } else if (f->op.kind == OP_OPTIONS) {
        tear_options(f, &r);
    } else {
        enum torn_look look = (enum torn_look)(rng_word(&r) % TORN_LOOKS);

        for (uint32_t at = f->op.address; at < f->op.address + f->op.bytes; at += 4)
            store_torn(f, at, torn_erase(&r, look, flash_word_get(flash_cell_at(f, at))));
        flash_cells_changed(f, f->op.address, f->op.bytes);
    }
    sched_cancel(chip_sched(f->chip), &f->op.done);
    sched_cancel(chip_sched(f->chip), &f->op.cut);
    end(f);
}
