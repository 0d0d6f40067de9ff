/* SPDX-License-Identifier: MIT */
/* OTG_FS as a device controller: FIFO mode, no DMA (the FS core has none). */
/* Sources: RM0090 Rev 21 §34.13 (FIFOs), §34.16 (registers), §34.17 (programming model); §35.13.6-35.13.7 says the same of the
 * HS core in more words; ES0287 §2.12.1, §2.12.6 */
#include "hal/stm32f4/otg_fs.h"

#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/otg_fs_regs.h"
#include "hal/stm32f4/regs.h"
#include "hal/stm32f4/wait.h"
#include "image/bytes.h"

#define GLOBAL (&OTG_FS->GLOBAL)
#define DEVICE (&OTG_FS->DEVICE)
#define IN_EP OTG_FS->DIEP
#define OUT_EP OTG_FS->DOEP

/* Words. RX: 10 for SETUPs, 1 for the global NAK, 1 for each OUT endpoint's end, 17 for each packet: room for eight of them
 * (§34.13.1). TX1: eight packets, the most that a FIFO keeps apart (§34.17.6). */
#define RX_WORDS 160U
#define TX0_WORDS 16U
#define TX1_WORDS 128U
#define TX2_WORDS 16U
_Static_assert(RX_WORDS + TX0_WORDS + TX1_WORDS + TX2_WORDS <= OTG_FS_FIFO_WORDS, "the core does not check for overlap");
_Static_assert(TX1_WORDS * 4U >= DCD_SEND_MAX && TX0_WORDS * 4U >= DCD_PACKET_BYTES, "a send must fit the empty FIFO");

#define TRDT_AT_168_MHZ 6U              /* any AHB of 32 MHz or more (table 204) */
#define DCFG_RESERVED 0x02200000U       /* as reset leaves them */
#define FORCE_MODE_MS 25U               /* §34.16.2, FDMOD */
#define FORCE_MODE_MAX_MS 200U
#define CORE_POLLS 100000U              /* resets, flushes and disables take microseconds; this is milliseconds */
#define TURNS_PER_POLL 24U              /* events of one poll: the RX FIFO does not hold many more */

#define ALL_FLAGS 0xFFFFFFFFU           /* rc_w1 */
#define INTERRUPTS (OTG_GINTSTS_USBRST | OTG_GINTSTS_ENUMDNE | OTG_GINTSTS_USBSUSP | OTG_GINTSTS_WKUPINT | \
                    OTG_GINTSTS_RXFLVL | OTG_GINTSTS_IEPINT | OTG_GINTSTS_OEPINT)

static struct {
    dcd_event_fn *event;
    void *owner;
    uint8_t setup[8];
    bool setup_done;                    /* the entry that ends the SETUP stage has been popped, and no newer SETUP behind it */
} otg;

static void raise_event(enum dcd_event_type type, unsigned ep, const uint8_t *data, size_t n)
{
    struct dcd_event e = { .type = type, .ep = (uint8_t)ep, .n = (uint16_t)n, .data = data };

    otg.event(otg.owner, &e);
}

/* --- FIFOs ---------------------------------------------------------------------------------------------------------- */

static bool flush(uint32_t what)
{
    uint32_t bit = what & (OTG_GRSTCTL_RXFFLSH | OTG_GRSTCTL_TXFFLSH);

    if (!wait_for(&GLOBAL->GRSTCTL, OTG_GRSTCTL_AHBIDL, OTG_GRSTCTL_AHBIDL, CORE_POLLS)) return false;
    GLOBAL->GRSTCTL = what;
    return wait_for(&GLOBAL->GRSTCTL, bit, 0, CORE_POLLS);
}

/* All n bytes leave the FIFO, whatever they are; `cap` of them are kept. Both multiples of a word, or n is the end. */
static void read_fifo(uint8_t *out, size_t cap, size_t n)
{
    for (size_t at = 0; at < n; at += 4) {
        uint32_t word = OTG_FS_DFIFO(0);

        if (at + 4 <= cap) store_le32(out + at, word);
    }
}

/* The endpoint is enabled and its FIFO empty. */
static void write_fifo(unsigned ep, const uint8_t *p, size_t n)
{
    for (; n >= 4; n -= 4, p += 4) OTG_FS_DFIFO(ep) = load_le32(p);
    if (n != 0) {
        uint32_t word = 0;

        while (n-- != 0) word = word << 8 | p[n];
        OTG_FS_DFIFO(ep) = word;
    }
}

/* One entry of the receive FIFO. The ends of a SETUP stage and of a transfer raise DOEPINT.STUP and .XFRC by being popped. */
static void pop_entry(void)
{
    uint32_t status = GLOBAL->GRXSTSP;
    unsigned ep = OTG_GRXSTS_EPNUM(status);
    size_t n = OTG_GRXSTS_BCNT(status);
    uint8_t packet[DCD_PACKET_BYTES];

    switch (OTG_GRXSTS_PKTSTS(status)) {
    case OTG_PKTSTS_OUT_DATA:
        read_fifo(packet, sizeof packet, n);
        raise_event(DCD_OUT, ep, packet, n < sizeof packet ? n : sizeof packet);
        break;
    case OTG_PKTSTS_SETUP_DATA:
        read_fifo(otg.setup, sizeof otg.setup, n);
        otg.setup_done = false;
        break;
    case OTG_PKTSTS_SETUP_DONE:
        otg.setup_done = true;
        break;
    default:
        break;
    }
}

/* Changes bits of DxEPCTL without writing EPENA back: it is set by writing 1, and to set it again is to enable again. */
static void change(struct otg_ep *e, uint32_t clear, uint32_t set)
{
    e->CTL = (e->CTL & ~(clear | OTG_EPCTL_EPENA)) | set;
}

/* --- endpoints: operations of the table ------------------------------------------------------------------------------- */

/* §34.17.6 "IN endpoint disable". Stale bytes in the FIFO would lead the next transfer. */
static void cancel_in(uint8_t address)
{
    unsigned ep = address & ~DCD_IN;
    struct otg_ep *in = &IN_EP[ep];

    if ((in->CTL & OTG_EPCTL_EPENA) == 0) return;
    change(in, 0, OTG_EPCTL_SNAK);
    (void)wait_for(&in->INT, OTG_DIEPINT_INEPNE, OTG_DIEPINT_INEPNE, CORE_POLLS);
    if ((in->CTL & OTG_EPCTL_EPENA) != 0) {     /* else the last packet was acknowledged just now */
        change(in, 0, OTG_EPCTL_EPDIS | OTG_EPCTL_SNAK);
        (void)wait_for(&in->INT, OTG_EPINT_EPDISD, OTG_EPINT_EPDISD, CORE_POLLS);
    }
    in->INT = OTG_EPINT_XFRC | OTG_EPINT_EPDISD;
    (void)flush(OTG_GRSTCTL_TXFFLSH | OTG_GRSTCTL_TXFNUM(ep));
}

/* §34.17.6 "Disabling an OUT endpoint". Packets that are already in are delivered meanwhile. */
static void disable_out(unsigned ep)
{
    struct otg_ep *out = &OUT_EP[ep];

    if ((out->CTL & OTG_EPCTL_EPENA) == 0) return;
    DEVICE->DCTL |= OTG_DCTL_SGONAK;
    for (uint32_t polls = 0; polls < CORE_POLLS && (GLOBAL->GINTSTS & OTG_GINTSTS_GONAKEFF) == 0; polls++) {
        if ((GLOBAL->GINTSTS & OTG_GINTSTS_RXFLVL) != 0) pop_entry();
    }
    change(out, 0, OTG_EPCTL_EPDIS | OTG_EPCTL_SNAK);
    (void)wait_for(&out->INT, OTG_EPINT_EPDISD, OTG_EPINT_EPDISD, CORE_POLLS);
    out->INT = OTG_EPINT_XFRC | OTG_EPINT_EPDISD;
    DEVICE->DCTL |= OTG_DCTL_CGONAK;
}

static void otg_connect(bool on)
{
    if (on) DEVICE->DCTL &= ~OTG_DCTL_SDIS;
    else DEVICE->DCTL |= OTG_DCTL_SDIS;
}

/* Written whole: what DCFG reads back just after a write is not to be trusted (ES0287 §2.12.6). */
static void otg_set_address(uint8_t address)
{
    DEVICE->DCFG = DCFG_RESERVED | OTG_DCFG_DSPD_FS | OTG_DCFG_DAD(address);
}

static void otg_open(uint8_t address, enum dcd_transfer_type type, uint16_t packet_bytes)
{
    unsigned ep = address & ~DCD_IN;
    uint32_t ctl = OTG_EPCTL_SNAK | OTG_EPCTL_SD0PID | OTG_EPCTL_USBAEP | OTG_EPCTL_EPTYP(type) |
                   OTG_EPCTL_MPSIZ(packet_bytes);

    if ((address & DCD_IN) != 0) {
        IN_EP[ep].CTL = ctl | OTG_EPCTL_TXFNUM(ep);
        DEVICE->DAINTMSK |= OTG_DAINT_IN(ep);
    } else {
        OUT_EP[ep].CTL = ctl;
        DEVICE->DAINTMSK |= OTG_DAINT_OUT(ep);
    }
}

static void otg_close(uint8_t address)
{
    unsigned ep = address & ~DCD_IN;

    if ((address & DCD_IN) != 0) {
        cancel_in(address);
        change(&IN_EP[ep], OTG_EPCTL_USBAEP, 0);
        DEVICE->DAINTMSK &= ~OTG_DAINT_IN(ep);
    } else {
        disable_out(ep);
        change(&OUT_EP[ep], OTG_EPCTL_USBAEP, 0);
        DEVICE->DAINTMSK &= ~OTG_DAINT_OUT(ep);
    }
}

/* The hardware closes endpoints the moment that a bus reset begins, and the DCD_RESET that tells the stack may still be to come. */
static bool closed_by_reset(uint8_t ep, const struct otg_ep *e)
{
    return ep != 0 && (e->CTL & OTG_EPCTL_USBAEP) == 0;
}

static void otg_arm(uint8_t ep, uint16_t packets)
{
    uint32_t size = OTG_EPTSIZ_PKTCNT(packets) | packets * DCD_PACKET_BYTES;

    if (ep == 0) size |= OTG_DOEPTSIZ0_STUPCNT_3;
    if (closed_by_reset(ep, &OUT_EP[ep])) return;
    OUT_EP[ep].TSIZ = size;
    OUT_EP[ep].CTL |= OTG_EPCTL_EPENA | OTG_EPCTL_CNAK;
}

/* The FIFO is empty: whatever was sent before has been acknowledged or cancelled. So DTXFSTS need not be asked. */
static void otg_send(uint8_t ep, const uint8_t *p, size_t n)
{
    uint32_t packets = n == 0 ? 1U : (uint32_t)(n + DCD_PACKET_BYTES - 1) / DCD_PACKET_BYTES;

    if (closed_by_reset(ep, &IN_EP[ep])) return;
    IN_EP[ep].TSIZ = OTG_EPTSIZ_PKTCNT(packets) | (uint32_t)n;
    IN_EP[ep].CTL |= OTG_EPCTL_EPENA | OTG_EPCTL_CNAK;
    write_fifo(ep, p, n);
}

/* What is armed or under way stays so: STALL takes precedence, and it goes on when the halt is over (§34.17.6). */
static void stall_one(struct otg_ep *ep, bool on)
{
    if (on) change(ep, 0, OTG_EPCTL_STALL);
    else change(ep, OTG_EPCTL_STALL, OTG_EPCTL_SD0PID);
}

static void otg_stall(uint8_t address, bool on)
{
    unsigned ep = address & ~DCD_IN;

    if (ep == 0) {                      /* the core clears both at the next SETUP */
        change(&IN_EP[0], 0, OTG_EPCTL_STALL);
        change(&OUT_EP[0], 0, OTG_EPCTL_STALL);
    } else {
        stall_one((address & DCD_IN) != 0 ? &IN_EP[ep] : &OUT_EP[ep], on);
    }
}

const struct dcd otg_fs_dcd = {
    .connect = otg_connect, .set_address = otg_set_address, .open = otg_open, .close = otg_close,
    .arm = otg_arm, .send = otg_send, .cancel = cancel_in, .stall = otg_stall,
};

/* --- what happened ---------------------------------------------------------------------------------------------------- */

/* §34.17.5 "Endpoint initialization on USB reset" */
static void on_bus_reset(void)
{
    for (unsigned ep = 1; ep < OTG_FS_ENDPOINTS; ep++) {
        cancel_in((uint8_t)ep);
        disable_out(ep);
    }
    for (unsigned ep = 0; ep < OTG_FS_ENDPOINTS; ep++) {
        change(&OUT_EP[ep], OTG_EPCTL_STALL, OTG_EPCTL_SNAK);
        change(&IN_EP[ep], OTG_EPCTL_STALL, 0);
        IN_EP[ep].INT = ALL_FLAGS;
        OUT_EP[ep].INT = ALL_FLAGS;
    }
    (void)flush(OTG_GRSTCTL_TXFFLSH | OTG_GRSTCTL_TXFNUM_ALL);
    (void)flush(OTG_GRSTCTL_RXFFLSH);
    DEVICE->DAINTMSK = OTG_DAINT_IN(0) | OTG_DAINT_OUT(0);
    otg_set_address(0);
    OUT_EP[0].TSIZ = OTG_DOEPTSIZ0_STUPCNT_3;
    otg.setup_done = false;
    raise_event(DCD_RESET, 0, NULL, 0);
}

/* A SETUP that is waiting makes the one before it void: answering that would clear the NAK in front of the newer one, and words
 * get lost in the FIFO. */
static bool setup_is_void(void)
{
    return !otg.setup_done || ((GLOBAL->GINTSTS & OTG_GINTSTS_RXFLVL) != 0 &&
                               OTG_GRXSTS_PKTSTS(GLOBAL->GRXSTSR) == OTG_PKTSTS_SETUP_DATA);
}

static void on_setup(void)
{
    if (setup_is_void()) return;
    otg.setup_done = false;
    cancel_in(0);                       /* the data stage that this SETUP broke off */
    OUT_EP[0].TSIZ = OTG_DOEPTSIZ0_STUPCNT_3;   /* the core counts down and never restores it */
    raise_event(DCD_SETUP, 0, otg.setup, sizeof otg.setup);
}

static void on_out_endpoints(void)
{
    uint32_t pending = DEVICE->DAINT & DEVICE->DAINTMSK;

    for (unsigned ep = 0; ep < OTG_FS_ENDPOINTS; ep++) {
        uint32_t flags;

        if ((pending & OTG_DAINT_OUT(ep)) == 0) continue;
        flags = OUT_EP[ep].INT & (OTG_EPINT_XFRC | OTG_DOEPINT_STUP);
        OUT_EP[ep].INT = flags;
        if ((flags & OTG_EPINT_XFRC) != 0) raise_event(DCD_OUT_DONE, ep, NULL, 0);
        if ((flags & OTG_DOEPINT_STUP) != 0) on_setup();
    }
}

static void on_in_endpoints(void)
{
    uint32_t pending = DEVICE->DAINT & DEVICE->DAINTMSK;

    for (unsigned ep = 0; ep < OTG_FS_ENDPOINTS; ep++) {
        if ((pending & OTG_DAINT_IN(ep)) == 0) continue;
        IN_EP[ep].INT = OTG_EPINT_XFRC;
        raise_event(DCD_IN_DONE, ep, NULL, 0);
    }
}

/* The order matters. IN before anything received: the acknowledgement of a status stage is older than the SETUP behind it.
 * Ends of OUT transfers before the next entry is popped: they belong to the entry before. */
static void handle(uint32_t pending)
{
    GLOBAL->GINTSTS = pending & (OTG_GINTSTS_USBRST | OTG_GINTSTS_ENUMDNE | OTG_GINTSTS_USBSUSP | OTG_GINTSTS_WKUPINT);
    if ((pending & OTG_GINTSTS_USBRST) != 0) {
        on_bus_reset();
        return;
    }
    if ((pending & OTG_GINTSTS_ENUMDNE) != 0) change(&IN_EP[0], 3U, 0); /* MPSIZ 0: 64 bytes; full speed is all there is */
    if ((pending & OTG_GINTSTS_WKUPINT) != 0) raise_event(DCD_RESUME, 0, NULL, 0);
    if ((pending & OTG_GINTSTS_USBSUSP) != 0) raise_event(DCD_SUSPEND, 0, NULL, 0);
    if ((pending & OTG_GINTSTS_IEPINT) != 0) on_in_endpoints();
    if ((pending & OTG_GINTSTS_OEPINT) != 0) on_out_endpoints();
    else if ((pending & OTG_GINTSTS_RXFLVL) != 0) pop_entry();
}

void otg_fs_poll(void)
{
    for (unsigned turn = 0; turn < TURNS_PER_POLL; turn++) {
        uint32_t pending = GLOBAL->GINTSTS & INTERRUPTS;

        if (pending == 0) return;
        handle(pending);
    }
}

/* --- start-up (§34.17.1, §34.17.3) -------------------------------------------------------------------------------------- */

/* PA11 and PA12: alternate function 10, push-pull, fast. PA9 stays free: VBUS is not sensed. */
static void init_pins(void)
{
    struct gpio_regs *a = GPIO(0);

    RCC->AHB1ENR |= RCC_AHB1ENR_GPIO(0);
    (void)RCC->AHB1ENR;                 /* the first access after enabling may be lost without it (ES0182 §2.2.13) */
    a->AFR[1] = (a->AFR[1] & ~0x000FF000U) | GPIO_AF_OTG_FS << 12 | GPIO_AF_OTG_FS << 16;
    a->OSPEEDR |= GPIO_SPEED_VERY_HIGH << 22 | GPIO_SPEED_VERY_HIGH << 24;
    a->MODER = (a->MODER & ~(3U << 22 | 3U << 24)) | GPIO_MODE_AF << 22 | GPIO_MODE_AF << 24;
}

static bool reset_core(void)
{
    GLOBAL->GUSBCFG |= OTG_GUSBCFG_PHYSEL;
    if (!wait_for(&GLOBAL->GRSTCTL, OTG_GRSTCTL_AHBIDL, OTG_GRSTCTL_AHBIDL, CORE_POLLS)) return false;
    GLOBAL->GRSTCTL |= OTG_GRSTCTL_CSRST;
    return wait_for(&GLOBAL->GRSTCTL, OTG_GRSTCTL_CSRST, 0, CORE_POLLS) &&
           wait_for(&GLOBAL->GRSTCTL, OTG_GRSTCTL_AHBIDL, OTG_GRSTCTL_AHBIDL, CORE_POLLS);
}

/* The connector may have no ID wire: the mode is forced, not sensed. */
static bool force_device_mode(uint32_t (*now_ms)(void))
{
    uint32_t start = now_ms(), waited;

    GLOBAL->GUSBCFG = (GLOBAL->GUSBCFG & ~(OTG_GUSBCFG_TRDT_MASK | OTG_GUSBCFG_FHMOD)) | OTG_GUSBCFG_FDMOD |
                      OTG_GUSBCFG_TRDT(TRDT_AT_168_MHZ);
    do {
        waited = now_ms() - start;
        if (waited > FORCE_MODE_MAX_MS) return false;
    } while (waited <= FORCE_MODE_MS || (GLOBAL->GINTSTS & OTG_GINTSTS_CMOD) != 0);
    return true;
}

static void lay_out_fifos(void)
{
    uint32_t start = RX_WORDS;

    GLOBAL->GRXFSIZ = RX_WORDS;
    GLOBAL->DIEPTXF0 = TX0_WORDS << 16 | start;
    start += TX0_WORDS;
    GLOBAL->DIEPTXF[0] = TX1_WORDS << 16 | start;
    start += TX1_WORDS;
    GLOBAL->DIEPTXF[1] = TX2_WORDS << 16 | start;
}

bool otg_fs_init(dcd_event_fn *event, void *owner, uint32_t (*now_ms)(void))
{
    otg.event = event;
    otg.owner = owner;
    otg.setup_done = false;
    init_pins();
    RCC->AHB2ENR |= RCC_AHB2ENR_OTGFSEN;
    (void)RCC->AHB2ENR;
    if (!reset_core()) return false;
    GLOBAL->GCCFG = OTG_GCCFG_PWRDWN;   /* transceiver on. No VBUS is seen yet, so the pull-up stays off */
    if (!force_device_mode(now_ms)) return false;
    otg_connect(false);
    GLOBAL->GCCFG = OTG_GCCFG_PWRDWN | OTG_GCCFG_NOVBUSSENS;
    OTG_FS->PCGCCTL = 0;
    otg_set_address(0);
    lay_out_fifos();
    if (!flush(OTG_GRSTCTL_TXFFLSH | OTG_GRSTCTL_TXFNUM_ALL) || !flush(OTG_GRSTCTL_RXFFLSH)) return false;
    DEVICE->DIEPMSK = OTG_EPINT_XFRC;
    DEVICE->DOEPMSK = OTG_EPINT_XFRC | OTG_DOEPINT_STUP;
    DEVICE->DAINTMSK = 0;
    GLOBAL->GINTSTS = ALL_FLAGS;
    GLOBAL->GINTMSK = INTERRUPTS;
    return true;
}

void otg_fs_enable_irq(void)
{
    GLOBAL->GAHBCFG |= OTG_GAHBCFG_GINTMSK;
    otg_fs_unmask_irq();
}

void otg_fs_mask_irq(void)
{
    NVIC_ICER[OTG_FS_IRQ / 32U] = 1U << OTG_FS_IRQ % 32U;
    barrier_sync();
    barrier_fetch();
}

void otg_fs_unmask_irq(void)
{
    NVIC_ISER[OTG_FS_IRQ / 32U] = 1U << OTG_FS_IRQ % 32U;
}
