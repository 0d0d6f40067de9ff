/* SPDX-License-Identifier: MIT */
/* OTG_FS: what happens on the cable: transactions, reset, suspend, resume. */
/* Sources: RM0090 §34.5.2 "Peripheral states", §34.17.6, Table 204 "TRDT values"; USB 2.0 §8.5, §8.6; DS8626 Table 41 (48 MHz) */
#include <string.h>

#include "board/periph/otg_fs_priv.h"

#define RCC_AHB2ENR 0x34U
#define OTGFSEN 7U
#define PHY_HZ 48000000U
#define PHY_TOLERANCE_HZ 120000U        /* 0.25 %, USB 2.0 §7.1.11 */
#define AHB_MIN_HZ 14200000U            /* §34.16.2, "the AHB frequency must be higher than 14.2 MHz" */
#define IDLE_STEP VTIME_MS(3)
#define RWUSIG_MIN VTIME_MS(1)
#define RWUSIG_MAX VTIME_MS(15)

void otg_wire_poke_host(struct otg_fs *o)
{
    if (o->host != NULL)
        o->host->endpoint_changed(o->host->self);
}

/* --- clocks --------------------------------------------------------------------------------------------------------- */

static bool phy_clocked(struct otg_fs *o)
{
    const struct chip_clocks *clk = chip_clocks(o->chip);

    return chip_gate(o->chip, RCC_AHB2ENR, OTGFSEN) && !(o->pcgcctl & (PCGCCTL_STPPCLK | PCGCCTL_GATEHCLK))
           && clk->pll48_from_hse && clk->pll48_hz >= PHY_HZ - PHY_TOLERANCE_HZ && clk->pll48_hz <= PHY_HZ + PHY_TOLERANCE_HZ
           && clk->hclk_hz > AHB_MIN_HZ;
}

static void explain_silence(struct otg_fs *o)
{
    const struct chip_clocks *clk = chip_clocks(o->chip);

    if (!chip_gate(o->chip, RCC_AHB2ENR, OTGFSEN))
        chip_guest_error(o->chip, false, "OTG_FS: host traffic while OTGFSEN is 0 but the pull-up is on (RM0090 §7.3.11)");
    else if (o->pcgcctl & (PCGCCTL_STPPCLK | PCGCCTL_GATEHCLK))
        chip_guest_error(o->chip, false, "OTG_FS: host traffic while PCGCCTL stops the clock (RM0090 §34.16.5)");
    else if (clk->hclk_hz <= AHB_MIN_HZ)
        chip_guest_error(o->chip, false, "OTG_FS: AHB at %u Hz, it needs more than 14.2 MHz: no packet is answered (RM0090 §34.16.2)",
                         (unsigned)clk->hclk_hz);
    else
        chip_guest_error(o->chip, false, "OTG_FS: 48 MHz clock is %u Hz from the %s: outside USB's 0.25 %%, no packet is answered "
                         "(RM0090 §7.2.3)", (unsigned)clk->pll48_hz, clk->pll48_from_hse ? "HSE" : "HSI");
}

/* The turn-around that Table 204 asks for at this AHB frequency. */
static uint32_t trdt_needed(uint32_t hclk_hz)
{
    static const uint32_t above_khz[] = { 32000, 27500, 24000, 21800, 20000, 18500, 17200, 16000, 15000 };
    uint32_t trdt = 6;

    for (size_t i = 0; i < sizeof above_khz / sizeof above_khz[0]; i++, trdt++) {
        if (hclk_hz >= above_khz[i] * 1000U)
            break;
    }
    return trdt;
}

static bool turnaround_ok(struct otg_fs *o)
{
    uint32_t trdt = o->gusbcfg >> GUSBCFG_TRDT_SHIFT & GUSBCFG_TRDT_MASK;
    uint32_t needed = trdt_needed(chip_clocks(o->chip)->hclk_hz);

    if (trdt >= needed)
        return true;
    chip_guest_error(o->chip, false, "OTG_FS: TRDT = %u, this AHB clock needs %u: IN tokens are not answered (RM0090 Table 204)",
                     (unsigned)trdt, (unsigned)needed);
    return false;
}

/* --- suspend and resume --------------------------------------------------------------------------------------------- */

static void lines_active(struct otg_fs *o)
{
    o->active_at = chip_now(o->chip);
    o->early_suspend = false;
    o->suspended = false;
    if (!o->idle.armed)
        sched_after(chip_sched(o->chip), &o->idle, IDLE_STEP);
}

/* Looks every 3 ms whether the lines were idle meanwhile: ESUSP after 3 ms, USBSUSP after 6 (§34.5.2). */
static void idle_fire(void *self)
{
    struct otg_fs *o = self;
    vtime idle = chip_now(o->chip) - o->active_at;

    if (!otg_attached(o))
        return;
    if (!phy_clocked(o) || o->se0) {
        o->active_at = chip_now(o->chip);
        sched_after(chip_sched(o->chip), &o->idle, IDLE_STEP);
        return;
    }
    if (idle < IDLE_STEP) {
        sched_at(chip_sched(o->chip), &o->idle, o->active_at + IDLE_STEP);
        return;
    }
    if (!o->early_suspend) {
        o->early_suspend = true;
        o->gintsts |= GINT_ESUSP;
        sched_at(chip_sched(o->chip), &o->idle, o->active_at + 2U * IDLE_STEP);
    } else {
        o->suspended = true;            /* the next traffic arms the event again */
        o->gintsts |= GINT_USBSUSP;
    }
    otg_irq_update(o);
}

static void wake(struct otg_fs *o)
{
    o->gintsts |= GINT_WKUPINT;
    if (o->wakeup_line != NULL)
        o->wakeup_line(o->wakeup_owner);
}

static void wire_resume(void *self, bool k_state)
{
    struct otg_fs *o = self;

    if (k_state && (o->suspended || !phy_clocked(o)))
        wake(o);
    lines_active(o);
    otg_irq_update(o);
}

/* Remote wake-up: the application holds RWUSIG for 1 to 15 ms, §34.16.4. */
void otg_wire_rwusig(struct otg_fs *o, bool on)
{
    vtime now = chip_now(o->chip);
    vtime held = now - o->wakeup_from;

    if (on) {
        o->wakeup_from = now;
        if (!o->suspended)
            return;
        lines_active(o);
    } else if (held < RWUSIG_MIN || held > RWUSIG_MAX) {
        chip_guest_error(o->chip, false, "OTG_FS: RWUSIG held for %u us, it takes 1 to 15 ms (RM0090 §34.16.4, DCTL)",
                         (unsigned)(held / VTIME_US(1)));
    }
    if (o->host != NULL)
        o->host->wakeup(o->host->self, on);
}

/* --- address -------------------------------------------------------------------------------------------------------- */

/* The status stage of SET_ADDRESS still goes to the old address although DCFG.DAD must be written before it (§34.17.5): the
 * core takes DAD over when a status IN has been acknowledged. Written after that, it waits for the next one: on silicon a
 * late write is a device that never accepts its address. */
static void take_address(struct otg_fs *o)
{
    o->address = (uint8_t)(o->dcfg >> DCFG_DAD_SHIFT & DCFG_DAD_MASK);
}

void otg_wire_dad_written(struct otg_fs *o)
{
    if (o->address_free)
        take_address(o);
}

/* --- bus reset ------------------------------------------------------------------------------------------------------ */

/* The core does little: it deactivates the endpoints other than 0. Address, NAKs, FIFOs, toggles are the firmware's to
 * clear (§34.17.5, "Endpoint initialization on USB reset"). */
static void reset_seen(struct otg_fs *o)
{
    o->reset_unseen = false;
    o->in_reset = true;
    o->setup_open = false;
    o->address_free = true;
    for (unsigned n = 1; n < OTG_FS_ENDPOINTS; n++) {
        o->in[n].ctl &= ~EPCTL_USBAEP;
        o->out[n].ctl &= ~EPCTL_USBAEP;
    }
    for (unsigned n = 0; n < OTG_FS_ENDPOINTS; n++)
        o->in[n].in_flight = false;
    o->gintsts |= GINT_USBRST;
}

static void wire_reset(void *self, bool se0)
{
    struct otg_fs *o = self;

    o->se0 = se0;
    if (!phy_clocked(o)) {
        if (se0 && otg_attached(o))
            wake(o);
        o->reset_unseen = se0;
        otg_irq_update(o);
        return;
    }
    lines_active(o);
    if (se0) {
        reset_seen(o);
    } else if (o->in_reset) {           /* not if the core itself was reset meanwhile */
        o->in_reset = false;
        o->enumspd = ENUMSPD_FULL_SPEED;
        o->gintsts |= GINT_ENUMDNE;
    }
    otg_irq_update(o);
}

/* PCGCCTL has changed: a reset that began while the clock stood still is seen now. */
void otg_wire_clock_changed(struct otg_fs *o)
{
    if (o->reset_unseen && phy_clocked(o)) {
        lines_active(o);
        reset_seen(o);
    }
}

/* --- transactions --------------------------------------------------------------------------------------------------- */

static bool addressed(struct otg_fs *o, uint8_t address, uint8_t endpoint)
{
    if (!otg_attached(o) || o->se0)
        return false;
    if (!phy_clocked(o)) {
        explain_silence(o);
        return false;
    }
    lines_active(o);
    return o->address == address && endpoint < OTG_FS_ENDPOINTS;
}

/* The SETUP stage ends when the host moves on; only then is its "done" word stacked (§34.17.6, internal data flow 3). */
static bool ends_setup_stage(struct otg_fs *o, uint8_t endpoint)
{
    if (endpoint != 0 || !o->setup_open)
        return false;
    o->setup_open = false;
    otg_rx_push(o, PKTSTS_SETUP_DONE, 0, false, NULL, 0);
    return true;
}

static void count_setup(struct otg_out_ep *e)
{
    uint32_t stupcnt = e->tsiz >> EPTSIZ_STUPCNT_SHIFT & EPTSIZ_STUPCNT_MASK;

    if (stupcnt > 0)
        e->tsiz -= 1U << EPTSIZ_STUPCNT_SHIFT;
    else
        e->intr |= DOEPINT_B2BSTUP;
}

static enum wire_reply wire_setup(void *self, uint8_t address, uint8_t endpoint, const uint8_t packet[8])
{
    struct otg_fs *o = self;

    if (!addressed(o, address, endpoint) || endpoint != 0)
        return WIRE_NOTHING;
    otg_rx_push(o, PKTSTS_SETUP_DATA, 0, false, packet, 8);
    count_setup(&o->out[0]);
    o->setup_open = true;
    o->address_free = false;
    o->in[0].ctl = (o->in[0].ctl | EPCTL_NAKSTS) & ~EPCTL_STALL;
    o->in[0].intr |= DIEPINT_INEPNE;
    o->in[0].data1 = true;              /* both later stages begin with DATA1, USB 2.0 §8.5.3 */
    o->in[0].in_flight = false;
    o->out[0].ctl = (o->out[0].ctl | EPCTL_NAKSTS) & ~EPCTL_STALL;
    o->out[0].data1 = true;
    otg_irq_update(o);
    return WIRE_ACK;
}

static void accept_out(struct otg_fs *o, uint8_t endpoint, const struct wire_packet *p)
{
    struct otg_out_ep *e = &o->out[endpoint];
    bool is_short = p->bytes < otg_ep_packet_bytes(o, endpoint, false);
    bool last;

    otg_rx_push(o, PKTSTS_OUT_DATA, endpoint, p->data1, p->data, p->bytes);
    e->room -= (uint32_t)p->bytes;
    e->tsiz -= 1U << EPTSIZ_PKTCNT_SHIFT;
    e->data1 = !e->data1;
    last = otg_pktcnt(e->tsiz) == 0;
    if (last || is_short)
        e->ctl |= EPCTL_NAKSTS;
    if (is_short || (last && e->room == 0))
        otg_rx_push(o, PKTSTS_OUT_DONE, endpoint, false, NULL, 0);
    else if (last)
        chip_guest_error(o->chip, false, "OTG_FS: OUT endpoint %u: PKTCNT ran out before XFRSIZ, the transfer never completes "
                         "(RM0090 §34.17.6)", endpoint);
}

static enum wire_reply nak_out(struct otg_fs *o, uint8_t endpoint)
{
    o->out[endpoint].intr |= EPINT_NAK;
    if (endpoint == 0 && !(o->out[0].ctl & EPCTL_EPENA))
        o->out[0].intr |= DOEPINT_OTEPDIS;
    otg_irq_update(o);
    return WIRE_NAK;
}

static enum wire_reply wire_out(void *self, uint8_t address, uint8_t endpoint, const struct wire_packet *p)
{
    struct otg_fs *o = self;
    struct otg_out_ep *e;

    if (!addressed(o, address, endpoint))
        return WIRE_NOTHING;
    e = &o->out[endpoint];
    if (!(e->ctl & EPCTL_USBAEP) || p->bytes > otg_ep_packet_bytes(o, endpoint, false))
        return WIRE_NOTHING;
    if (ends_setup_stage(o, endpoint))
        return nak_out(o, endpoint);
    if (e->ctl & EPCTL_STALL)
        return WIRE_STALL;
    if ((e->ctl & EPCTL_NAKSTS) || !(e->ctl & EPCTL_EPENA) || (o->dctl & DCTL_GONSTS) || otg_pktcnt(e->tsiz) == 0)
        return nak_out(o, endpoint);
    if (p->data1 != e->data1)
        return WIRE_ACK;                /* the host missed our ACK: acknowledged again, and not taken again */
    if (!otg_rx_has_room(o, p->bytes))
        return nak_out(o, endpoint);
    if (p->bytes > e->room) {
        chip_guest_error(o->chip, true, "OTG_FS: OUT endpoint %u: packet of %u bytes, XFRSIZ has %u left (RM0090 §34.17.6)",
                         endpoint, (unsigned)p->bytes, (unsigned)e->room);
        return WIRE_NOTHING;
    }
    accept_out(o, endpoint, p);
    otg_irq_update(o);
    return WIRE_ACK;
}

static enum wire_reply nak_in(struct otg_fs *o, uint8_t endpoint, bool fifo_empty)
{
    o->in[endpoint].intr |= EPINT_NAK;
    if (fifo_empty && !(o->in[endpoint].ctl & EPCTL_NAKSTS))
        o->in[endpoint].intr |= DIEPINT_ITTXFE;
    otg_irq_update(o);
    return WIRE_NAK;
}

static enum wire_reply wire_in(void *self, uint8_t address, uint8_t endpoint, struct wire_packet *p)
{
    struct otg_fs *o = self;
    struct otg_in_ep *e;
    bool nothing;

    if (!addressed(o, address, endpoint))
        return WIRE_NOTHING;
    e = &o->in[endpoint];
    if (!(e->ctl & EPCTL_USBAEP) || !turnaround_ok(o))
        return WIRE_NOTHING;
    e->in_flight = false;
    if (ends_setup_stage(o, endpoint))
        return nak_in(o, endpoint, false);
    if (e->ctl & EPCTL_STALL)
        return WIRE_STALL;
    nothing = e->tx.packets == 0 && !e->zlp;
    if ((e->ctl & EPCTL_NAKSTS) || !(e->ctl & EPCTL_EPENA) || (o->dctl & DCTL_GINSTS) || nothing || otg_pktcnt(e->tsiz) == 0)
        return nak_in(o, endpoint, nothing);
    p->bytes = e->zlp ? 0 : otg_tx_head(o, endpoint, p->data);
    p->data1 = e->data1;
    e->in_flight = true;
    return WIRE_ACK;
}

static void in_acked(struct otg_fs *o, uint8_t endpoint)
{
    struct otg_in_ep *e = &o->in[endpoint];

    e->data1 = !e->data1;
    if (endpoint == 0 && e->zlp)
        take_address(o);
    if (!e->zlp && e->tx.packets > 0)
        otg_tx_drop_head(o, endpoint);
    e->zlp = false;
    if (otg_pktcnt(e->tsiz) > 0)
        e->tsiz -= 1U << EPTSIZ_PKTCNT_SHIFT;
    if (otg_pktcnt(e->tsiz) == 0 && otg_xfrsiz(e->tsiz) == 0) {
        e->ctl &= ~EPCTL_EPENA;
        e->intr |= EPINT_XFRC;
    }
}

static void wire_in_done(void *self, uint8_t endpoint, bool acked)
{
    struct otg_fs *o = self;
    struct otg_in_ep *e = &o->in[endpoint % OTG_FS_ENDPOINTS];

    if (!e->in_flight)
        return;                         /* a reset or a SETUP came in between */
    e->in_flight = false;
    if (acked)
        in_acked(o, endpoint);
    else if (endpoint == 0)
        e->intr |= DIEPINT_TOC;
    if (e->disable_waits)
        otg_in_disabled(o, endpoint);
    otg_irq_update(o);
}

/* EOPF comes at 80, 85, 90 or 95 % of the frame; nobody can tell, once it is set, that it would be set again. */
static void arm_frame_end(struct otg_fs *o)
{
    uint32_t percent = 80U + 5U * (o->dcfg >> DCFG_PFIVL_SHIFT & DCFG_PFIVL_MASK);

    if (!(o->gintsts & GINT_EOPF))
        sched_after(chip_sched(o->chip), &o->frame_end, VTIME_US(10) * percent);
}

static void frame_end_fire(void *self)
{
    struct otg_fs *o = self;

    o->gintsts |= GINT_EOPF;
    otg_irq_update(o);
}

static void wire_sof(void *self, uint16_t frame)
{
    struct otg_fs *o = self;

    if (!otg_attached(o) || !phy_clocked(o) || o->se0)
        return;
    lines_active(o);
    o->frame = frame;
    o->gintsts |= GINT_SOF;
    arm_frame_end(o);
    otg_irq_update(o);
}

/* The pull-up makes the line idle (J): from then on idle time counts, §34.5.2. */
void otg_wire_attach(struct otg_fs *o)
{
    if (!o->idle.armed && !o->suspended)
        lines_active(o);
}

/* The host looks at least once a frame: that is where a change of the pins is noticed. */
static bool wire_attached(void *self)
{
    struct otg_fs *o = self;
    bool attached = otg_attached(o);

    if (attached)
        otg_wire_attach(o);
    return attached;
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

void otg_wire_init(struct otg_fs *o)
{
    o->wire = (struct wire_device){ .self = o, .attached = wire_attached, .setup = wire_setup, .out = wire_out, .in = wire_in,
                                    .in_done = wire_in_done, .sof = wire_sof, .reset = wire_reset, .resume = wire_resume };
    o->idle = (struct sched_event){ .fire = idle_fire, .owner = o };
    o->frame_end = (struct sched_event){ .fire = frame_end_fire, .owner = o };
}

void otg_wire_stop(struct otg_fs *o)
{
    sched_cancel(chip_sched(o->chip), &o->idle);
    sched_cancel(chip_sched(o->chip), &o->frame_end);
}

/* After a reset of the core: nothing is known of the bus but what the lines show. */
void otg_wire_reset(struct otg_fs *o)
{
    otg_wire_stop(o);
    o->setup_open = false;
    o->suspended = false;
    o->early_suspend = false;
    o->reset_unseen = false;
    o->in_reset = false;
    o->enumspd = 0;
    o->frame = 0;
    o->address = 0;
    o->address_free = true;
}
