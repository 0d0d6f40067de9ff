/* SPDX-License-Identifier: MIT */
/* The FLASH interface registers: keys, locks, error flags, and which store starts an operation. */
/* Sources: RM0090 §3.6 (sequences), §3.8 (OTP), §3.9 (registers); the pair PGSERR|PGPERR on a store without PG, and
 * WRPERR on system memory, were measured on silicon. */
#include "board/periph/flash_internal.h"

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define FLASH_IRQ 4U
#define KEY1 0x45670123U
#define KEY2 0xCDEF89ABU
#define OPTKEY1 0x08192A3BU
#define OPTKEY2 0x4C5D6E7FU

enum { REG_ACR = 0x00, REG_KEYR = 0x04, REG_OPTKEYR = 0x08, REG_SR = 0x0C, REG_CR = 0x10, REG_OPTCR = 0x14 };

#define ACR_LATENCY 0x7U
#define ACR_PRFTEN (1U << 8)
#define ACR_ICEN (1U << 9)
#define ACR_DCEN (1U << 10)
#define ACR_ICRST (1U << 11)
#define ACR_DCRST (1U << 12)

void flash_update_irq(struct flash *f)
{
    bool eop = (f->sr & SR_EOP) != 0 && (f->cr & CR_EOPIE) != 0;
    bool error = (f->sr & SR_OPERR) != 0 && (f->cr & CR_ERRIE) != 0;

    chip_irq(f->chip, FLASH_IRQ, eop || error);
}

/* OPERR appears only while ERRIE is set, like EOP with EOPIE. */
void flash_error(struct flash *f, uint32_t flags)
{
    f->sr |= flags;
    if ((f->cr & CR_ERRIE) != 0)
        f->sr |= SR_OPERR;
    chip_trace(f->chip, TRACE_FLASH, "error: SR = 0x%x", (unsigned)f->sr);
    flash_update_irq(f);
}

static uint32_t read_acr(const struct flash *f)
{
    return f->art.latency | (f->art.prften ? ACR_PRFTEN : 0) | (f->art.icen ? ACR_ICEN : 0) | (f->art.dcen ? ACR_DCEN : 0);
}

static void write_acr(struct flash *f, uint32_t v)
{
    /* A cache can be reset only while it is disabled: by its state before this write and after it. */
    if ((v & ACR_ICRST) != 0 && (v & ACR_ICEN) == 0 && !f->art.icen)
        flash_reset_icache(f);
    if ((v & ACR_DCRST) != 0 && (v & ACR_DCEN) == 0 && !f->art.dcen)
        art_set_clear(&f->art.dcache);
    f->art.prften = (v & ACR_PRFTEN) != 0;
    f->art.icen = (v & ACR_ICEN) != 0;
    f->art.dcen = (v & ACR_DCEN) != 0;
    if (f->art.latency != (v & ACR_LATENCY)) {
        f->art.latency = v & ACR_LATENCY;
        f->o.latency_changed(f->chip);
    }
}

/* True when the second key completes the sequence. A wrong key, or a key while unlocked, locks until the next reset. */
static bool write_key(struct flash *f, struct key *k, bool locked, uint32_t v, const uint32_t keys[2])
{
    if (k->dead || !locked || v != keys[k->step]) {
        k->dead = true;
        k->step = 0;
        chip_bus_fault(f->chip, f->regs.base + (k == &f->key ? REG_KEYR : REG_OPTKEYR));
        return false;
    }
    k->step = (k->step + 1) % 2;
    return k->step == 0;
}

/* False: a reset or the power's end comes first, or BSY never falls. */
static bool wait_not_busy(struct flash *f)
{
    if (f->op.kind != OP_NONE)
        chip_stall_until(f->chip, f->op.end);
    return f->op.kind == OP_NONE && f->powered;
}

static void write_cr(struct flash *f, uint32_t v)
{
    if (!wait_not_busy(f) || (f->cr & CR_LOCK) != 0)    /* RM0090 §3.9.6: a write while BSY stalls the AHB */
        return;
    f->cr = (v & (CR_WRITABLE | CR_LOCK)) | (f->cr & CR_STRT);
    if ((v & CR_STRT) != 0)
        flash_start_erase(f);
    flash_update_irq(f);
}

static void write_optcr(struct flash *f, uint32_t v)
{
    if (!wait_not_busy(f) || (f->optcr & OPTCR_OPTLOCK) != 0)
        return;
    f->optcr = v & (OPTCR_FIELDS | OPTCR_OPTLOCK | OPTCR_OPTSTRT);
    if ((v & OPTCR_OPTSTRT) != 0)
        flash_start_options(f);
}

static uint32_t flash_read(void *self, uint32_t off, unsigned width)
{
    struct flash *f = self;
    uint32_t v = 0;

    switch (reg_base(off)) {
    case REG_ACR:
        v = read_acr(f);
        break;
    case REG_KEYR:
    case REG_OPTKEYR:
        break;                          /* write-only: read 0 */
    case REG_SR:
        v = f->sr;
        break;
    case REG_CR:
        v = f->cr;
        break;
    case REG_OPTCR:
        v = f->optcr;
        break;
    default:
        chip_unmodelled(f->chip, &f->regs, off, false, 0);
    }
    return reg_lanes(v, off, width);
}

static void flash_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    static const uint32_t keys[2] = { KEY1, KEY2 }, optkeys[2] = { OPTKEY1, OPTKEY2 };
    struct flash *f = self;

    switch (reg_base(off)) {
    case REG_ACR:
        write_acr(f, reg_ahb_word(read_acr(f), off, value, width));
        break;
    case REG_KEYR:
        if (write_key(f, &f->key, (f->cr & CR_LOCK) != 0, value, keys))
            f->cr &= ~CR_LOCK;
        break;
    case REG_OPTKEYR:
        if (write_key(f, &f->optkey, (f->optcr & OPTCR_OPTLOCK) != 0, value, optkeys))
            f->optcr &= ~OPTCR_OPTLOCK;
        break;
    case REG_SR:
        f->sr &= ~(reg_ahb_word(0, off, value, width) & SR_RC_W1);
        flash_update_irq(f);
        break;
    case REG_CR:
        write_cr(f, reg_ahb_word(f->cr, off, value, width));
        break;
    case REG_OPTCR:
        write_optcr(f, reg_ahb_word(f->optcr, off, value, width));
        break;
    default:
        chip_unmodelled(f->chip, &f->regs, off, true, value);
    }
}

static bool otp_locked(struct flash *f, uint32_t address)
{
    uint32_t block = (address - OTP_BASE) / OTP_BLOCK_BYTES;

    return block < OTP_BLOCKS && *flash_cell_at(f, OTP_LOCK_BASE + block) == 0;
}

static bool is_write_protected(struct flash *f, uint32_t address)
{
    if (address - FLASH_MAIN_BASE < f->main_bytes)
        return (OPTCR_NWRP(f->options) >> flash_sector_of(address) & 1U) == 0;
    if (address - OTP_BASE < OTP_LOCK_BASE + OTP_BLOCKS - OTP_BASE)
        return otp_locked(f, address);
    return true;                        /* system memory, unique ID, option bytes */
}

void flash_store(struct flash *f, uint32_t address, unsigned bytes, uint64_t value)
{
    if (!wait_not_busy(f))
        return;
    if ((f->cr & CR_PG) == 0) {
        flash_error(f, SR_PGSERR | SR_PGPERR);
    } else if (is_write_protected(f, address)) {
        flash_error(f, SR_WRPERR);
    } else if (CR_PSIZE(f->cr) == 3) {
        chip_guest_error(f->chip, false, "FLASH_CR: PSIZE x64 needs 8-9 V on VPP, which this board has not (RM0090 §3.6.2)");
        flash_error(f, SR_PGPERR);
    } else if (bytes != 1U << CR_PSIZE(f->cr) || address % bytes != 0) {
        flash_error(f, SR_PGPERR);
    } else {
        flash_start_program(f, address, (uint32_t)value, bytes);
    }
}

/* A system reset during an operation leaves the cells as undefined as a power loss does (RM0090 §3.6). */
static void flash_reset(void *self, enum reset_cause why)
{
    struct flash *f = self;

    (void)why;
    flash_tear(f);
    flash_fault_settle(f);
    art_reset(&f->art);
    flash_reset_icache(f);
    f->key = f->optkey = (struct key){ 0, false };
    f->sr = flash_fault_reset_flags(f);
    f->cr = CR_LOCK;
    f->optcr = f->options | OPTCR_OPTLOCK;
    flash_refresh_option_view(f);
}

void flash_set_options(struct flash *f, uint32_t optcr)
{
    f->options = optcr & OPTCR_FIELDS;
    flash_refresh_option_view(f);
}

uint32_t flash_get_options(const struct flash *f)
{
    return f->options;
}

static uint32_t factory_options(struct chip *c)
{
    return chip_is_vet6(c) ? 0x00FFAAECU : 0x0FFFAAECU;
}

bool flash_has_factory_options(const struct flash *f)
{
    return f->options == factory_options(f->chip);
}

bool flash_wdg_sw(const struct flash *f)
{
    return (f->options & OPTCR_WDG_SW) != 0;
}

unsigned flash_latency(const struct flash *f)
{
    return f->art.latency;
}

bool flash_busy(const struct flash *f)
{
    return f->op.kind != OP_NONE;
}

void flash_set_cut(struct flash *f, struct power_cut cut)
{
    f->o.cut = cut;
}

struct flash_totals flash_totals(const struct flash *f)
{
    return f->totals;
}

vtime flash_busy_time(const struct flash *f)
{
    return f->busy + (flash_busy(f) ? chip_now(f->chip) - f->op.start : 0);
}

void flash_power_off(struct flash *f)
{
    flash_tear(f);
    flash_fault_settle(f);
    f->powered = false;
}

struct flash *flash_new(struct chip *c, const struct flash_options *o)
{
    struct flash *f = xcalloc(1, sizeof *f);

    f->chip = c;
    f->o = *o;
    f->sectors = chip_is_vet6(c) ? 8 : 12;
    f->main_bytes = chip_is_vet6(c) ? 512U * 1024U : 1024U * 1024U;
    f->options = factory_options(c);
    flash_mem_init(f);
    flash_op_init(f);
    flash_refresh_option_view(f);
    f->regs = (struct periph){ .name = "FLASH", .manual = "RM0090 §3.9", .base = 0x40023C00U, .bytes = 0x400U,
                               .self = f, .read = flash_read, .write = flash_write, .reset = flash_reset };
    chip_attach(c, &f->regs);
    return f;
}

void flash_free(struct flash *f)
{
    if (f != NULL) {
        flash_clear_faults(f);
        flash_mem_free(f);
    }
    free(f);
}
