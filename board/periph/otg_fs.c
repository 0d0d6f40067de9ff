/* SPDX-License-Identifier: MIT */
/* OTG_FS: global and device registers, interrupt line, resets, and whether the device shows on the cable. */
/* Sources: RM0090 §34.5.2, §34.16.2, §34.16.4, §34.16.5; ES0182 "Wrong software-read OTG_FS_DCFG register values" */
#include "board/periph/otg_fs.h"

#include <string.h>

#include "board/periph/otg_fs_priv.h"
#include "board/xalloc.h"

#define RCC_AHB2ENR 0x34U
#define OTGFSEN 7U
#define MODE_SETTLE VTIME_MS(25)        /* §34.16.2, GUSBCFG.FDMOD */
#define FLUSH_TIME VTIME_NS(170)        /* "8 clocks (slowest of PHY or AHB clock)" at 48 MHz, §34.16.2, GRSTCTL */
#define RESET_TIME VTIME_US(1)          /* "several clocks" */

/* --- interrupt ------------------------------------------------------------------------------------------------------ */

static uint32_t gintsts(const struct otg_fs *o)
{
    uint32_t daint = otg_ep_daint(o) & o->daintmsk;
    uint32_t sts = o->gintsts | GINT_NPTXFE | GINT_PTXFE;

    if (o->gotgint)
        sts |= GINT_OTGINT;
    if (o->rx.words > 0)
        sts |= GINT_RXFLVL;
    if (daint & 0xFFFFU)
        sts |= GINT_IEPINT;
    if (daint >> 16)
        sts |= GINT_OEPINT;
    return sts;
}

void otg_irq_update(struct otg_fs *o)
{
    chip_irq(o->chip, OTG_FS_IRQ, (o->gahbcfg & GAHBCFG_GINTMSK) && (gintsts(o) & o->gintmsk));
}

/* --- on the cable ---------------------------------------------------------------------------------------------------- */

static bool session_valid(const struct otg_fs *o)
{
    return (o->gccfg & GCCFG_NOVBUSSENS) || ((o->gccfg & GCCFG_VBUSBSEN) && o->vbus);
}

/* The pull-up hangs on register bits only: stopping the clocks leaves the device visible, and dead. */
bool otg_attached(struct otg_fs *o)
{
    return (o->gccfg & GCCFG_PWRDWN) && session_valid(o) && !(o->dctl & DCTL_SDIS)
           && !o->mode_settling && (o->pins == NULL || o->pins(o->pins_owner));
}

/* The session's beginning and end are interrupts of their own (§34.5.2, "Powered state"). */
static void session_update(struct otg_fs *o)
{
    bool valid = session_valid(o) && (o->gccfg & GCCFG_PWRDWN);

    if (valid && !o->session)
        o->gintsts |= GINT_SRQINT;
    if (!valid && o->session)
        o->gotgint |= GOTGINT_SEDET;
    o->session = valid;
}

void otg_line_update(struct otg_fs *o)
{
    bool attached;

    session_update(o);
    attached = otg_attached(o);
    if (attached != o->was_attached) {
        o->was_attached = attached;
        if (attached)
            otg_wire_attach(o);
        if (o->host != NULL)
            o->host->line_changed(o->host->self);
    }
    otg_irq_update(o);
}

/* --- resets ---------------------------------------------------------------------------------------------------------- */

/* CSRST keeps DCFG.DSPD and PCGCCTL by the manual; GCCFG, which is the board's own wrapper around the core, too: drivers
 * set it before CSRST and rely on it. */
static void core_reset(struct otg_fs *o)
{
    o->gotgint = 0;
    o->gahbcfg = 0;
    o->gusbcfg = GUSBCFG_RESET;
    o->gintsts = 0;
    o->gintmsk = 0;
    o->grxfsiz = GRXFSIZ_RESET;
    o->cid = CID_RESET;
    o->hptxfsiz = HPTXFSIZ_RESET;
    o->dieptxf[0] = DIEPTXF0_RESET;
    for (unsigned n = 1; n < OTG_FS_ENDPOINTS; n++)
        o->dieptxf[n] = DIEPTXF_RESET;
    o->dcfg = DCFG_RESET | (o->dcfg & DCFG_DSPD_MASK);
    o->dcfg_stale = false;
    o->dctl = 0;
    o->diepmsk = o->doepmsk = o->daintmsk = o->diepempmsk = 0;
    o->dvbusdis = DVBUSDIS_RESET;
    o->dvbuspulse = DVBUSPULSE_RESET;
    o->mode_settling = false;
    sched_cancel(chip_sched(o->chip), &o->mode_done);
    otg_ep_reset(o);
    otg_rx_flush(o);
    otg_wire_reset(o);
}

static void otg_reset(void *self, enum reset_cause why)
{
    struct otg_fs *o = self;

    (void)why;
    sched_cancel(chip_sched(o->chip), &o->busy_done);
    o->grstctl_busy = o->grstctl_txfnum = 0;
    o->gccfg = 0;
    o->pcgcctl = 0;
    o->dcfg = 0;
    o->session = false;
    core_reset(o);
    otg_line_update(o);
}

static void busy_done_fire(void *self)
{
    struct otg_fs *o = self;

    o->grstctl_busy = 0;
}

static void flush_tx(struct otg_fs *o, uint32_t fifo)
{
    for (unsigned n = 0; n < OTG_FS_ENDPOINTS; n++) {
        if (fifo == GRSTCTL_TXFNUM_ALL || fifo == n)
            otg_tx_flush(o, n);
    }
}

static void write_grstctl(struct otg_fs *o, uint32_t value)
{
    uint32_t acts = value & (GRSTCTL_CSRST | GRSTCTL_HSRST | GRSTCTL_RXFFLSH | GRSTCTL_TXFFLSH);

    if (o->grstctl_busy != 0 && acts != 0) {
        chip_guest_error(o->chip, false, "OTG_FS: GRSTCTL = 0x%08X while an earlier flush or reset is not done: ignored "
                         "(RM0090 §34.16.2)", (unsigned)value);
        return;
    }
    o->grstctl_txfnum = value >> GRSTCTL_TXFNUM_SHIFT & GRSTCTL_TXFNUM_MASK;
    if (acts == 0)
        return;
    o->grstctl_busy = acts;
    sched_after(chip_sched(o->chip), &o->busy_done, acts & (GRSTCTL_CSRST | GRSTCTL_HSRST) ? RESET_TIME : FLUSH_TIME);
    if (acts & GRSTCTL_RXFFLSH)
        otg_rx_flush(o);
    if (acts & GRSTCTL_TXFFLSH)
        flush_tx(o, o->grstctl_txfnum);
    if (acts & GRSTCTL_CSRST)
        core_reset(o);
    otg_line_update(o);
}

static uint32_t read_grstctl(const struct otg_fs *o)
{
    uint32_t idle = o->grstctl_busy & (GRSTCTL_CSRST | GRSTCTL_HSRST) ? 0 : GRSTCTL_AHBIDL;

    return idle | o->grstctl_busy | o->grstctl_txfnum << GRSTCTL_TXFNUM_SHIFT;
}

/* --- mode, device control --------------------------------------------------------------------------------------------- */

static void mode_done_fire(void *self)
{
    struct otg_fs *o = self;

    o->mode_settling = false;
    otg_line_update(o);
}

static void write_gusbcfg(struct otg_fs *o, uint32_t value)
{
    uint32_t before = o->gusbcfg;

    o->gusbcfg = (value & GUSBCFG_MASK) | GUSBCFG_PHYSEL;
    if (value & GUSBCFG_FHMOD)
        chip_guest_error(o->chip, true, "OTG_FS: FHMOD: host mode is not modelled (RM0090 §34.16.2, GUSBCFG)");
    if ((o->gusbcfg & GUSBCFG_FDMOD) && !(before & GUSBCFG_FDMOD)) {
        o->mode_settling = true;
        sched_after(chip_sched(o->chip), &o->mode_done, MODE_SETTLE);
        otg_line_update(o);
    }
}

static void global_naks(struct otg_fs *o, uint32_t value)
{
    if (value & DCTL_SGINAK) {
        o->dctl |= DCTL_GINSTS;
        o->gintsts |= GINT_GINAKEFF;
    }
    if (value & DCTL_CGINAK) {
        o->dctl &= ~DCTL_GINSTS;
        o->gintsts &= ~GINT_GINAKEFF;
    }
    if ((value & DCTL_SGONAK) && !(o->dctl & DCTL_GONSTS)) {
        o->dctl |= DCTL_GONSTS;
        otg_rx_global_nak(o);
    }
    if (value & DCTL_CGONAK) {
        o->dctl &= ~DCTL_GONSTS;
        o->gintsts &= ~GINT_GONAKEFF;
        o->rx.global_nak_waits = false;
    }
}

static void write_dctl(struct otg_fs *o, uint32_t value)
{
    uint32_t before = o->dctl;

    if (value & DCTL_TCTL_MASK)
        chip_guest_error(o->chip, true, "OTG_FS: DCTL.TCTL: test modes are not modelled (RM0090 §34.16.4)");
    o->dctl = (o->dctl & ~DCTL_STORED) | (value & DCTL_STORED);
    global_naks(o, value);
    if ((before ^ o->dctl) & DCTL_RWUSIG)
        otg_wire_rwusig(o, o->dctl & DCTL_RWUSIG);
    otg_line_update(o);
    otg_wire_poke_host(o);
}

static void write_dcfg(struct otg_fs *o, uint32_t value)
{
    o->dcfg_before = o->dcfg;
    o->dcfg_stale = true;
    o->dcfg = (DCFG_RESET & ~DCFG_MASK) | (value & DCFG_MASK);
    otg_wire_dad_written(o);
}

/* ES0182: the register reads wrong right after a write. Here the first read gives the value before it. */
static uint32_t read_dcfg(struct otg_fs *o)
{
    uint32_t value = o->dcfg_stale ? o->dcfg_before : o->dcfg;

    o->dcfg_stale = false;
    return value;
}

static uint32_t read_dsts(const struct otg_fs *o)
{
    return 0x10U | (o->suspended ? DSTS_SUSPSTS : 0) | o->enumspd << DSTS_ENUMSPD_SHIFT
           | (uint32_t)o->frame << DSTS_FNSOF_SHIFT;
}

/* --- dispatch --------------------------------------------------------------------------------------------------------- */

static uint32_t read_global(struct otg_fs *o, uint32_t off)
{
    switch (off) {
    case OTG_GOTGCTL: return GOTGCTL_CIDSTS | (o->session ? GOTGCTL_BSVLD : 0);
    case OTG_GOTGINT: return o->gotgint;
    case OTG_GAHBCFG: return o->gahbcfg;
    case OTG_GUSBCFG: return o->gusbcfg;
    case OTG_GRSTCTL: return read_grstctl(o);
    case OTG_GINTSTS: return gintsts(o);
    case OTG_GINTMSK: return o->gintmsk;
    case OTG_GRXSTSR: return otg_rx_peek(o);
    case OTG_GRXSTSP: return otg_rx_pop(o);
    case OTG_GRXFSIZ: return o->grxfsiz;
    case OTG_DIEPTXF0: return o->dieptxf[0];
    case OTG_HNPTXSTS: return HNPTXSTS_RESET;
    case OTG_GCCFG: return o->gccfg;
    case OTG_CID: return o->cid;
    case OTG_GSNPSID: return GSNPSID_VALUE;
    case OTG_GHWCFG1: return GHWCFG1_VALUE;
    case OTG_GHWCFG2: return GHWCFG2_VALUE;
    case OTG_GHWCFG3: return GHWCFG3_VALUE;
    case OTG_GHWCFG4: return GHWCFG4_VALUE;
    case OTG_HPTXFSIZ: return o->hptxfsiz;
    default: break;
    }
    if (off >= OTG_DIEPTXF1 && off <= OTG_DIEPTXF3)
        return o->dieptxf[1U + (off - OTG_DIEPTXF1) / 4U];
    chip_unmodelled(o->chip, &o->periph, off, false, 0);
    return 0;
}

static uint32_t read_device(struct otg_fs *o, uint32_t off)
{
    switch (off) {
    case OTG_DCFG: return read_dcfg(o);
    case OTG_DCTL: return o->dctl;
    case OTG_DSTS: return read_dsts(o);
    case OTG_DIEPMSK: return o->diepmsk;
    case OTG_DOEPMSK: return o->doepmsk;
    case OTG_DAINT: return otg_ep_daint(o);
    case OTG_DAINTMSK: return o->daintmsk;
    case OTG_DVBUSDIS: return o->dvbusdis;
    case OTG_DVBUSPULSE: return o->dvbuspulse;
    case OTG_DIEPEMPMSK: return o->diepempmsk;
    case OTG_PCGCCTL: return o->pcgcctl | (o->pcgcctl & PCGCCTL_STPPCLK ? PCGCCTL_PHYSUSP : 0);
    default: break;
    }
    chip_unmodelled(o->chip, &o->periph, off, false, 0);
    return 0;
}

static void write_global(struct otg_fs *o, uint32_t off, uint32_t value)
{
    switch (off) {
    case OTG_GOTGCTL: break;            /* SRP and HNP requests: this device makes none, the rest is read-only */
    case OTG_GOTGINT: o->gotgint &= ~(value & GOTGINT_MASK); break;
    case OTG_GAHBCFG: o->gahbcfg = value & GAHBCFG_MASK; break;
    case OTG_GUSBCFG: write_gusbcfg(o, value); break;
    case OTG_GRSTCTL: write_grstctl(o, value); break;
    case OTG_GINTSTS: o->gintsts &= ~(value & GINT_RC_W1); break;
    case OTG_GINTMSK: o->gintmsk = value & GINTMSK_MASK; break;
    case OTG_GRXFSIZ: o->grxfsiz = value & 0xFFFFU; break;
    case OTG_DIEPTXF0: o->dieptxf[0] = value; break;
    case OTG_GCCFG: o->gccfg = value & GCCFG_MASK; otg_line_update(o); break;
    case OTG_CID: o->cid = value; break;
    case OTG_HPTXFSIZ: o->hptxfsiz = value; break;
    case OTG_GRXSTSR: case OTG_GRXSTSP: case OTG_HNPTXSTS: case OTG_GSNPSID: break;     /* read-only */
    default:
        if (off >= OTG_DIEPTXF1 && off <= OTG_DIEPTXF3)
            o->dieptxf[1U + (off - OTG_DIEPTXF1) / 4U] = value;
        else if (off <= OTG_DIEPTXF3 || off > OTG_DIEPTXF15)    /* drivers clear all that the core family can have */
            chip_unmodelled(o->chip, &o->periph, off, true, value);
        break;
    }
}

static void write_pcgcctl(struct otg_fs *o, uint32_t value)
{
    o->pcgcctl = value & (PCGCCTL_STPPCLK | PCGCCTL_GATEHCLK);
    otg_wire_clock_changed(o);
}

static void write_device(struct otg_fs *o, uint32_t off, uint32_t value)
{
    switch (off) {
    case OTG_DCFG: write_dcfg(o, value); break;
    case OTG_DCTL: write_dctl(o, value); break;
    case OTG_DSTS: case OTG_DAINT: break;               /* read-only */
    case OTG_DIEPMSK: o->diepmsk = value & DIEPMSK_MASK; break;
    case OTG_DOEPMSK: o->doepmsk = value & DOEPMSK_MASK; break;
    case OTG_DAINTMSK: o->daintmsk = value & DAINTMSK_MASK; break;
    case OTG_DVBUSDIS: o->dvbusdis = value & 0xFFFFU; break;
    case OTG_DVBUSPULSE: o->dvbuspulse = value & 0xFFFU; break;
    case OTG_DIEPEMPMSK: o->diepempmsk = value & 0xFU; break;
    case OTG_PCGCCTL: write_pcgcctl(o, value); break;
    default: chip_unmodelled(o->chip, &o->periph, off, true, value); break;
    }
}

enum region { REGION_GLOBAL, REGION_HOST, REGION_DEVICE, REGION_ENDPOINT, REGION_FIFO };

static enum region region_of(uint32_t off)
{
    if (off >= OTG_FIFO_FIRST)
        return REGION_FIFO;
    if (off >= OTG_IN_EP_FIRST && off < OTG_EP_END)
        return REGION_ENDPOINT;
    if (off >= OTG_HOST_END)
        return REGION_DEVICE;
    return off >= OTG_HOST_FIRST ? REGION_HOST : REGION_GLOBAL;
}

static bool access_ok(struct otg_fs *o, uint32_t off, unsigned width)
{
    if (width == 4)
        return true;
    chip_guest_error(o->chip, true, "OTG_FS: %u-byte access to offset 0x%X: 32 bits only (RM0090 §34.16)", width, (unsigned)off);
    return false;
}

/* A host-mode register in device mode: the access is ignored and MMIS says so (§34.16.2, GINTSTS). */
static void mode_mismatch(struct otg_fs *o)
{
    o->gintsts |= GINT_MMIS;
    otg_irq_update(o);
}

static uint32_t otg_read(void *self, uint32_t off, unsigned width)
{
    struct otg_fs *o = self;

    if (!access_ok(o, off, width))
        return 0;
    switch (region_of(off)) {
    case REGION_GLOBAL:
        return read_global(o, off);
    case REGION_HOST:
        mode_mismatch(o);
        return 0;
    case REGION_DEVICE:
        return read_device(o, off);
    case REGION_ENDPOINT:
        return otg_ep_read(o, off);
    case REGION_FIFO:
        if (off / OTG_FIFO_STRIDE <= OTG_FS_ENDPOINTS)
            return otg_rx_read(o);      /* every window reads the one receive FIFO */
        break;
    }
    chip_unmodelled(o->chip, &o->periph, off, false, 0);
    return 0;
}

static void otg_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct otg_fs *o = self;

    if (!access_ok(o, off, width))
        return;
    switch (region_of(off)) {
    case REGION_GLOBAL:
        write_global(o, off, value);
        otg_irq_update(o);
        return;
    case REGION_HOST:
        mode_mismatch(o);
        return;
    case REGION_DEVICE:
        write_device(o, off, value);
        otg_irq_update(o);
        return;
    case REGION_ENDPOINT:
        otg_ep_write(o, off, value);
        return;
    case REGION_FIFO:
        if (off / OTG_FIFO_STRIDE <= OTG_FS_ENDPOINTS) {
            otg_tx_write(o, off / OTG_FIFO_STRIDE - 1U, value);
            return;
        }
        break;
    }
    chip_unmodelled(o->chip, &o->periph, off, true, value);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

struct otg_fs *otg_fs_new(struct chip *c)
{
    struct otg_fs *o = xcalloc(1, sizeof *o);

    o->chip = c;
    o->busy_done = (struct sched_event){ .fire = busy_done_fire, .owner = o };
    o->mode_done = (struct sched_event){ .fire = mode_done_fire, .owner = o };
    o->periph = (struct periph){ .name = "OTG_FS", .manual = "RM0090 §34.16", .base = OTG_FS_BASE, .bytes = OTG_FS_BYTES,
                                 .gate_enr = RCC_AHB2ENR, .gate_bit = OTGFSEN, .self = o, .read = otg_read, .write = otg_write,
                                 .reset = otg_reset };
    otg_wire_init(o);
    chip_attach(c, &o->periph);
    otg_reset(o, RESET_POWER);
    return o;
}

void otg_fs_free(struct otg_fs *o)
{
    if (o == NULL)
        return;
    sched_cancel(chip_sched(o->chip), &o->busy_done);
    sched_cancel(chip_sched(o->chip), &o->mode_done);
    otg_wire_stop(o);
    free(o);
}

void otg_fs_set_pins_source(struct otg_fs *o, bool (*connected)(void *owner), void *owner)
{
    o->pins = connected;
    o->pins_owner = owner;
    otg_line_update(o);
}

void otg_fs_set_vbus(struct otg_fs *o, bool wired_and_live)
{
    o->vbus = wired_and_live;
    otg_line_update(o);
}

void otg_fs_set_wakeup_line(struct otg_fs *o, void (*pulse)(void *owner), void *owner)
{
    o->wakeup_line = pulse;
    o->wakeup_owner = owner;
}

const struct wire_device *otg_fs_wire(struct otg_fs *o)
{
    return &o->wire;
}

void otg_fs_connect_host(struct otg_fs *o, const struct wire_host *host)
{
    o->host = host;
    otg_line_update(o);
}
