/* SPDX-License-Identifier: MIT */
/* OTG_FS: the endpoint registers, and what popping the receive FIFO does to them. */
/* Sources: RM0090 §34.16.4 (registers), §34.17.5 "Device programming model", §34.17.6 "Operational model" */
#include <string.h>

#include "board/periph/otg_fs_priv.h"

#define IN_CTL_STORED (EPCTL_MPSIZ_MASK | EPCTL_USBAEP | 3U << EPCTL_EPTYP_SHIFT | EPCTL_STALL \
                       | EPCTL_TXFNUM_MASK << EPCTL_TXFNUM_SHIFT)
#define OUT_CTL_STORED (EPCTL_MPSIZ_MASK | EPCTL_USBAEP | 3U << EPCTL_EPTYP_SHIFT | EPCTL_SNPM | EPCTL_STALL)
#define IN0_CTL_STORED (3U | EPCTL_TXFNUM_MASK << EPCTL_TXFNUM_SHIFT)   /* STALL is set-only, USBAEP reads 1 */
#define OUT0_CTL_STORED EPCTL_SNPM
#define BULK_PACKET_MAX 64U             /* full speed, USB 2.0 §5.8.3 */

unsigned otg_ep_packet_bytes(const struct otg_fs *o, unsigned ep, bool in)
{
    uint32_t ctl = in || ep == 0 ? o->in[ep].ctl : o->out[ep].ctl;
    unsigned bytes = ctl & EPCTL_MPSIZ_MASK;

    if (ep == 0)
        return BULK_PACKET_MAX >> (ctl & 3U);
    return bytes > BULK_PACKET_MAX ? BULK_PACKET_MAX : bytes;
}

uint32_t otg_ep_daint(const struct otg_fs *o)
{
    uint32_t daint = 0;

    for (unsigned n = 0; n < OTG_FS_ENDPOINTS; n++) {
        bool fifo = (o->diepempmsk & 1U << n) && otg_tx_empty_enough(o, n);

        if ((o->in[n].intr & o->diepmsk) || fifo)
            daint |= 1U << n;
        if (o->out[n].intr & o->doepmsk)
            daint |= 0x10000U << n;
    }
    return daint;
}

/* --- what the receive FIFO tells ------------------------------------------------------------------------------------ */

void otg_out_done_popped(struct otg_fs *o, unsigned ep)
{
    o->out[ep].ctl &= ~EPCTL_EPENA;
    o->out[ep].intr |= EPINT_XFRC;
}

void otg_setup_done_popped(struct otg_fs *o, unsigned ep)
{
    o->out[ep].ctl &= ~EPCTL_EPENA;
    o->out[ep].intr |= DOEPINT_STUP;
}

void otg_out_data_read(struct otg_fs *o, unsigned ep, uint32_t bytes)
{
    struct otg_out_ep *e = &o->out[ep];

    e->tsiz -= bytes < otg_xfrsiz(e->tsiz) ? bytes : otg_xfrsiz(e->tsiz);
}

static void out_disabled(struct otg_out_ep *e)
{
    e->ctl &= ~(EPCTL_EPENA | EPCTL_EPDIS);
    e->intr |= EPINT_EPDISD;
    e->disable_waits = false;
}

void otg_global_nak_popped(struct otg_fs *o)
{
    if (!(o->dctl & DCTL_GONSTS))
        return;
    o->gintsts |= GINT_GONAKEFF;
    for (unsigned n = 1; n < OTG_FS_ENDPOINTS; n++) {
        if (o->out[n].disable_waits)
            out_disabled(&o->out[n]);
    }
}

void otg_in_disabled(struct otg_fs *o, unsigned ep)
{
    struct otg_in_ep *e = &o->in[ep];

    e->ctl &= ~(EPCTL_EPENA | EPCTL_EPDIS);
    e->intr |= EPINT_EPDISD;
    e->disable_waits = false;
}

/* --- enabling ------------------------------------------------------------------------------------------------------- */

/* What both directions must have right before EPENA; the core itself checks none of it. */
static void check_enable(struct otg_fs *o, unsigned ep, bool in, uint32_t ctl, uint32_t tsiz)
{
    const char *dir = in ? "IN" : "OUT";
    uint32_t mpsiz = ctl & EPCTL_MPSIZ_MASK;

    if (ep == 0)
        return;
    if (!(ctl & EPCTL_USBAEP))
        chip_guest_error(o->chip, false, "OTG_FS: %s endpoint %u enabled while USBAEP is 0 (RM0090 §34.17.5)", dir, ep);
    if ((ctl >> EPCTL_EPTYP_SHIFT & 3U) == EPTYP_ISOCHRONOUS)
        chip_guest_error(o->chip, true, "OTG_FS: isochronous %s endpoint %u: not modelled (RM0090 §34.17.6)", dir, ep);
    if (mpsiz == 0 || mpsiz > BULK_PACKET_MAX)
        chip_guest_error(o->chip, true, "OTG_FS: %s endpoint %u: MPSIZ = %u, full speed takes 1 to 64 (USB 2.0 §5.8.3)", dir,
                         ep, (unsigned)mpsiz);
    if (otg_pktcnt(tsiz) == 0)
        chip_guest_error(o->chip, false, "OTG_FS: %s endpoint %u enabled with PKTCNT = 0 (RM0090 §34.17.6)", dir, ep);
}

static void enable_in(struct otg_fs *o, unsigned ep)
{
    struct otg_in_ep *e = &o->in[ep];
    uint32_t xfrsiz = otg_xfrsiz(e->tsiz);
    uint32_t pktcnt = otg_pktcnt(e->tsiz);

    check_enable(o, ep, true, e->ctl, e->tsiz);
    if ((e->ctl >> EPCTL_TXFNUM_SHIFT & EPCTL_TXFNUM_MASK) != ep)
        chip_guest_error(o->chip, true, "OTG_FS: IN endpoint %u with TXFNUM other than %u: not modelled (RM0090 §34.16.4)", ep, ep);
    if (!(e->ctl & EPCTL_NAKSTS) && xfrsiz > pktcnt * otg_ep_packet_bytes(o, ep, true))
        chip_guest_error(o->chip, false, "OTG_FS: IN endpoint %u: XFRSIZ = %u does not fit PKTCNT = %u (RM0090 §34.17.6)", ep,
                         (unsigned)xfrsiz, (unsigned)pktcnt);
    e->zlp = xfrsiz == 0 && pktcnt > 0;
    e->ctl |= EPCTL_EPENA;
}

static void enable_out(struct otg_fs *o, unsigned ep)
{
    struct otg_out_ep *e = &o->out[ep];

    check_enable(o, ep, false, e->ctl, e->tsiz);
    e->room = otg_xfrsiz(e->tsiz);
    e->ctl |= EPCTL_EPENA;
}

/* "The application must wait for the Endpoint disabled interrupt ... must set this bit only if Endpoint enable is already
 * set": without EPENA nothing happens, and no EPDISD comes. */
static void disable_in(struct otg_fs *o, unsigned ep)
{
    struct otg_in_ep *e = &o->in[ep];

    if (!(e->ctl & EPCTL_EPENA))
        return;
    e->ctl |= EPCTL_EPDIS;
    e->disable_waits = e->in_flight;
    if (!e->disable_waits)
        otg_in_disabled(o, ep);
}

static void disable_out(struct otg_fs *o, unsigned ep)
{
    struct otg_out_ep *e = &o->out[ep];

    if (ep == 0) {
        chip_guest_error(o->chip, false, "OTG_FS: EPDIS on OUT endpoint 0, which cannot be disabled (RM0090 §34.16.4, DOEPCTL0)");
        return;
    }
    if (!(e->ctl & EPCTL_EPENA))
        return;
    e->ctl |= EPCTL_EPDIS;
    if (o->gintsts & GINT_GONAKEFF) {
        out_disabled(e);
        return;
    }
    chip_guest_error(o->chip, false, "OTG_FS: OUT endpoint %u: EPDIS before GONAKEFF; it waits for that (RM0090 §34.17.6)", ep);
    e->disable_waits = true;
}

/* --- control registers ---------------------------------------------------------------------------------------------- */

static uint32_t nak_bits(uint32_t ctl, uint32_t value)
{
    if (value & EPCTL_CNAK)
        ctl &= ~EPCTL_NAKSTS;
    if (value & EPCTL_SNAK)
        ctl |= EPCTL_NAKSTS;
    return ctl;
}

static bool toggle_bits(bool data1, unsigned ep, uint32_t value)
{
    if (ep == 0)
        return data1;
    if (value & EPCTL_SD0PID)
        data1 = false;
    if (value & EPCTL_SODDFRM)
        data1 = true;
    return data1;
}

static void write_diepctl(struct otg_fs *o, unsigned ep, uint32_t value)
{
    struct otg_in_ep *e = &o->in[ep];
    uint32_t stored = ep == 0 ? IN0_CTL_STORED : IN_CTL_STORED;

    e->ctl = (e->ctl & ~stored) | (value & stored);
    if (ep == 0)
        e->ctl |= EPCTL_USBAEP | (value & EPCTL_STALL);
    e->ctl = nak_bits(e->ctl, value);
    if (value & EPCTL_CNAK)
        e->intr &= ~DIEPINT_INEPNE;
    if (value & EPCTL_SNAK)
        e->intr |= DIEPINT_INEPNE;
    e->data1 = toggle_bits(e->data1, ep, value);
    if (value & EPCTL_EPDIS)
        disable_in(o, ep);
    else if (value & EPCTL_EPENA)
        enable_in(o, ep);
}

/* Whether a SETUP packet or its end sits unread in the receive FIFO or is still to be stacked. */
static bool setup_pending(const struct otg_fs *o)
{
    return o->setup_open || o->rx.setup_words > 0;
}

static void write_doepctl(struct otg_fs *o, unsigned ep, uint32_t value)
{
    struct otg_out_ep *e = &o->out[ep];
    uint32_t stored = ep == 0 ? OUT0_CTL_STORED : OUT_CTL_STORED;

    if (ep == 0 && (value & EPCTL_CNAK) && setup_pending(o))
        chip_guest_error(o->chip, false, "OTG_FS: CNAK on OUT endpoint 0 before the SETUP-done entry was popped: popping it "
                         "clears EPENA again (RM0090 §34.17.6)");
    e->ctl = (e->ctl & ~stored) | (value & stored);
    if (ep == 0)
        e->ctl |= EPCTL_USBAEP | (value & EPCTL_STALL);
    e->ctl = nak_bits(e->ctl, value);
    e->data1 = toggle_bits(e->data1, ep, value);
    if (value & EPCTL_EPDIS)
        disable_out(o, ep);
    else if (value & EPCTL_EPENA)
        enable_out(o, ep);
}

static void write_diepint(struct otg_fs *o, unsigned ep, uint32_t value)
{
    o->in[ep].intr &= ~(value & DIEPINT_RC_W1);
}

static void write_doepint(struct otg_fs *o, unsigned ep, uint32_t value)
{
    o->out[ep].intr &= ~(value & DOEPINT_RC_W1);
}

static void in_write(struct otg_fs *o, unsigned ep, uint32_t reg, uint32_t off, uint32_t value)
{
    switch (reg) {
    case OTG_EP_CTL:
        write_diepctl(o, ep, value);
        break;
    case OTG_EP_INT:
        write_diepint(o, ep, value);
        break;
    case OTG_EP_TSIZ:
        o->in[ep].tsiz = value & (ep == 0 ? DIEPTSIZ0_MASK : EPTSIZ_MASK);
        break;
    case OTG_EP_DTXFSTS:
        break;                          /* read-only */
    default:
        chip_unmodelled(o->chip, &o->periph, off, true, value);
        break;
    }
}

static void out_write(struct otg_fs *o, unsigned ep, uint32_t reg, uint32_t off, uint32_t value)
{
    switch (reg) {
    case OTG_EP_CTL:
        write_doepctl(o, ep, value);
        break;
    case OTG_EP_INT:
        write_doepint(o, ep, value);
        break;
    case OTG_EP_TSIZ:
        o->out[ep].tsiz = value & (ep == 0 ? DOEPTSIZ0_MASK : EPTSIZ_MASK);
        break;
    default:
        chip_unmodelled(o->chip, &o->periph, off, true, value);
        break;
    }
}

/* --- access --------------------------------------------------------------------------------------------------------- */

static void disturb_open_packets(struct otg_fs *o)
{
    for (unsigned n = 0; n < OTG_FS_ENDPOINTS; n++) {
        if (o->in[n].tx.open_words > 0)
            o->in[n].tx.disturbed = true;
    }
}

static unsigned endpoint_of(uint32_t off)
{
    return (off & 0x1FFU) / OTG_EP_STRIDE;
}

void otg_ep_write(struct otg_fs *o, uint32_t off, uint32_t value)
{
    unsigned ep = endpoint_of(off < OTG_OUT_EP_FIRST ? off - OTG_IN_EP_FIRST : off - OTG_OUT_EP_FIRST);

    if (ep >= OTG_FS_ENDPOINTS) {
        chip_unmodelled(o->chip, &o->periph, off, true, value);
        return;
    }
    disturb_open_packets(o);
    if (off < OTG_OUT_EP_FIRST)
        in_write(o, ep, off % OTG_EP_STRIDE, off, value);
    else
        out_write(o, ep, off % OTG_EP_STRIDE, off, value);
    otg_irq_update(o);
    otg_wire_poke_host(o);
}

static uint32_t in_read(struct otg_fs *o, unsigned ep, uint32_t reg, uint32_t off)
{
    const struct otg_in_ep *e = &o->in[ep];

    switch (reg) {
    case OTG_EP_CTL:
        return e->ctl | (ep != 0 && e->data1 ? EPCTL_DPID : 0);
    case OTG_EP_INT:
        return e->intr | (otg_tx_empty_enough(o, ep) ? DIEPINT_TXFE : 0);
    case OTG_EP_TSIZ:
        return e->tsiz;
    case OTG_EP_DTXFSTS:
        return otg_tx_depth(o, ep) > e->tx.words ? otg_tx_depth(o, ep) - e->tx.words : 0;
    default:
        chip_unmodelled(o->chip, &o->periph, off, false, 0);
        return 0;
    }
}

static uint32_t out_read(struct otg_fs *o, unsigned ep, uint32_t reg, uint32_t off)
{
    const struct otg_out_ep *e = &o->out[ep];

    switch (reg) {
    case OTG_EP_CTL:
        return ep == 0 ? e->ctl | (o->in[0].ctl & 3U) : e->ctl | (e->data1 ? EPCTL_DPID : 0);
    case OTG_EP_INT:
        return e->intr | DOEPINT_BIT7;
    case OTG_EP_TSIZ:
        return e->tsiz;
    default:
        chip_unmodelled(o->chip, &o->periph, off, false, 0);
        return 0;
    }
}

uint32_t otg_ep_read(struct otg_fs *o, uint32_t off)
{
    unsigned ep = endpoint_of(off < OTG_OUT_EP_FIRST ? off - OTG_IN_EP_FIRST : off - OTG_OUT_EP_FIRST);

    if (ep >= OTG_FS_ENDPOINTS) {
        chip_unmodelled(o->chip, &o->periph, off, false, 0);
        return 0;
    }
    disturb_open_packets(o);
    if (off < OTG_OUT_EP_FIRST)
        return in_read(o, ep, off % OTG_EP_STRIDE, off);
    return out_read(o, ep, off % OTG_EP_STRIDE, off);
}

void otg_ep_reset(struct otg_fs *o)
{
    memset(o->in, 0, sizeof o->in);
    memset(o->out, 0, sizeof o->out);
    o->in[0].ctl = EPCTL_USBAEP;        /* the table prints 0 for DIEPCTL0, the text of USBAEP "always 1" */
    o->out[0].ctl = EPCTL_USBAEP;
}
