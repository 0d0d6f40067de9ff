/* SPDX-License-Identifier: MIT */
/* USART, asynchronous mode: frames on the line by bit time, flags with their two-step clearing, interrupts. */
/* Sources: RM0090 §30.3 "USART functional description", §30.6 "USART registers" */
#include "board/periph/usart.h"

#include <stdio.h>

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define USART_SR 0x00U
#define USART_SR_PE REG_BIT(0)
#define USART_SR_FE REG_BIT(1)
#define USART_SR_NF REG_BIT(2)
#define USART_SR_ORE REG_BIT(3)
#define USART_SR_IDLE REG_BIT(4)
#define USART_SR_RXNE REG_BIT(5)
#define USART_SR_TC REG_BIT(6)
#define USART_SR_TXE REG_BIT(7)
#define USART_SR_RC_W0 (REG_BIT(9) | REG_BIT(8) | USART_SR_TC | USART_SR_RXNE)
#define USART_SR_BY_READS (USART_SR_PE | USART_SR_FE | USART_SR_NF | USART_SR_ORE | USART_SR_IDLE)
#define USART_DR 0x04U
#define USART_BRR 0x08U
#define USART_CR1 0x0CU
#define USART_CR1_SBK REG_BIT(0)
#define USART_CR1_RWU REG_BIT(1)
#define USART_CR1_RE REG_BIT(2)
#define USART_CR1_TE REG_BIT(3)
#define USART_CR1_IDLEIE REG_BIT(4)
#define USART_CR1_RXNEIE REG_BIT(5)
#define USART_CR1_TCIE REG_BIT(6)
#define USART_CR1_TXEIE REG_BIT(7)
#define USART_CR1_PEIE REG_BIT(8)
#define USART_CR1_PS REG_BIT(9)
#define USART_CR1_PCE REG_BIT(10)
#define USART_CR1_M REG_BIT(12)
#define USART_CR1_UE REG_BIT(13)
#define USART_CR1_OVER8 REG_BIT(15)
#define USART_CR1_WRITABLE 0xBFFFU
#define USART_CR2 0x10U
#define USART_CR2_STOP 0x3000U
#define USART_CR2_STOP_2 0x2000U
#define USART_CR2_WRITABLE 0x7F6FU
#define USART_CR2_UNMODELLED 0x5F60U    /* LINEN, half stop bits, the clock pin, LIN break detection; ADD alone does nothing */
#define USART_CR3 0x14U
#define USART_CR3_EIE REG_BIT(0)
#define USART_CR3_ONEBIT REG_BIT(11)
#define USART_CR3_WRITABLE 0x0FFFU
#define USART_CR3_MODELLED (USART_CR3_EIE | USART_CR3_ONEBIT)
#define USART_GTPR 0x18U

/* What difference in baud rates a receiver stands: the smallest entries of the tables in §30.3.5, in thousandths. */
#define TOLERANCE_OVER16 30U
#define TOLERANCE_OVER8 18U

enum shifting { SHIFT_NOTHING, SHIFT_IDLE, SHIFT_FRAME, SHIFT_BREAK };

struct usart {
    struct chip *chip;
    unsigned number, irq;
    char name[8];
    struct periph periph;
    uint32_t sr, brr, cr1, cr2, cr3, gtpr;
    uint16_t tdr, rdr;
    bool sr_was_read;                   /* the first half of the clearing sequences: "a read of SR followed by ... DR" */
    enum shifting shifting;
    uint8_t shift;
    struct line_format shift_format;
    struct sched_event shifted, idle;
    struct line_end end;
    const struct line_end *peer;
    bool (*tx_pin)(void *owner, unsigned number);
    bool (*rx_pin)(void *owner, unsigned number);
    void (*drive)(void *owner, unsigned number, enum gpio_level level);
    void *pin_owner;
    vtime listens_since;                /* UE and RE are set since then */
};

static const struct {
    uint32_t base, gate_enr;
    unsigned gate_bit, irq;
} instances[] = {
    { 0x40011000, 0x44, 4, 37 },        /* USART1 */
    { 0x40004400, 0x40, 17, 38 },
    { 0x40004800, 0x40, 18, 39 },
};

static void update_irq(struct usart *u)
{
    bool level = ((u->cr1 & USART_CR1_TXEIE) != 0 && (u->sr & USART_SR_TXE) != 0) ||
                 ((u->cr1 & USART_CR1_TCIE) != 0 && (u->sr & USART_SR_TC) != 0) ||
                 ((u->cr1 & USART_CR1_RXNEIE) != 0 && (u->sr & (USART_SR_RXNE | USART_SR_ORE)) != 0) ||
                 ((u->cr1 & USART_CR1_IDLEIE) != 0 && (u->sr & USART_SR_IDLE) != 0) ||
                 ((u->cr1 & USART_CR1_PEIE) != 0 && (u->sr & USART_SR_PE) != 0);

    /* EIE belongs to reception by DMA alone (§30.6.6), so it raises nothing here. */
    chip_irq(u->chip, u->irq, level);
}

/* --- format and time ------------------------------------------------------------------------------------------------ */

/* BRR counts sixteenths of a bit, or eighths with OVER8, whose fraction has three bits (§30.3.4). */
static uint32_t clocks_per_bit(const struct usart *u)
{
    if ((u->cr1 & USART_CR1_OVER8) != 0)
        return (u->brr >> 4) * 8U + (u->brr & 7U);
    return u->brr;
}

static uint32_t kernel_hz(const struct usart *u)
{
    const struct chip_clocks *clk = chip_clocks(u->chip);

    return u->number == 1 ? clk->pclk2_hz : clk->pclk1_hz;
}

struct line_format usart_format(const struct usart *u)
{
    bool parity = (u->cr1 & USART_CR1_PCE) != 0;
    unsigned word = (u->cr1 & USART_CR1_M) != 0 ? 9 : 8;
    struct line_format f = {
        .data_bits = (uint8_t)(word - (parity ? 1U : 0U)),
        .stop_bits = (u->cr2 & USART_CR2_STOP) == USART_CR2_STOP_2 ? 2 : 1,
        .parity = !parity ? LINE_PARITY_NONE : (u->cr1 & USART_CR1_PS) != 0 ? LINE_PARITY_ODD : LINE_PARITY_EVEN,
    };

    if ((u->brr >> 4) != 0)             /* §30.3.4: a mantissa of 0 divides by nothing that works */
        f.baud = kernel_hz(u) / clocks_per_bit(u);
    return f;
}

static unsigned word_bits(const struct line_format *f)
{
    return line_frame_bits(f) - 1U - f->stop_bits;
}

static vtime frame_time(const struct usart *u)
{
    struct line_format f = usart_format(u);

    return ticks_time((uint64_t)line_frame_bits(&f) * clocks_per_bit(u), kernel_hz(u));
}

/* --- transmitter ---------------------------------------------------------------------------------------------------- */

static bool can_transmit(struct usart *u)
{
    const uint32_t on = USART_CR1_UE | USART_CR1_TE;

    return (u->cr1 & on) == on && usart_format(u).baud != 0;
}

static void shift_out(struct usart *u, enum shifting what)
{
    u->shifting = what;
    u->shift_format = usart_format(u);
    sched_after(chip_sched(u->chip), &u->shifted, frame_time(u));
}

/* The shift register is free: a break goes before data, data before rest. */
static void next_frame(struct usart *u)
{
    if (!can_transmit(u)) {
        u->shifting = SHIFT_NOTHING;
    } else if ((u->cr1 & USART_CR1_SBK) != 0) {
        shift_out(u, SHIFT_BREAK);
    } else if ((u->sr & USART_SR_TXE) == 0) {
        u->shift = (uint8_t)u->tdr;
        u->sr |= USART_SR_TXE;
        shift_out(u, SHIFT_FRAME);
    } else {
        u->shifting = SHIFT_NOTHING;
    }
}

static bool tx_connected(struct usart *u)
{
    if (u->tx_pin == NULL || u->tx_pin(u->pin_owner, u->number))
        return u->peer != NULL;
    chip_guest_error(u->chip, false, "%s: transmits, but no pin is switched to its TX (RM0090 §8.3.2)", u->name);
    return false;
}

static void frame_ended(void *self)
{
    struct usart *u = self;
    enum shifting what = u->shifting;
    uint8_t byte = u->shift;
    struct line_format format = u->shift_format;

    if (what == SHIFT_BREAK)
        u->cr1 &= ~USART_CR1_SBK;       /* §30.3.2: reset by hardware during the stop bit of the break */
    next_frame(u);
    if (what == SHIFT_FRAME && u->shifting == SHIFT_NOTHING && (u->sr & USART_SR_TXE) != 0)
        u->sr |= USART_SR_TC;
    update_irq(u);
    /* Last, for the peer may answer at once. */
    if (what == SHIFT_FRAME && tx_connected(u))
        u->peer->frame(u->peer->self, (uint8_t)(format.data_bits < 8 ? byte & 0x7FU : byte), &format);
    else if (what == SHIFT_BREAK && tx_connected(u) && u->peer->line_break != NULL)
        u->peer->line_break(u->peer->self);
}

/* §30.3.2: to reset TE during a transmission corrupts what is on the pin, "the current data being transmitted will be lost". */
static void lose_frame(struct usart *u)
{
    sched_cancel(chip_sched(u->chip), &u->shifted);
    u->shifting = SHIFT_NOTHING;
}

static void write_dr(struct usart *u, uint32_t value)
{
    if ((u->sr & USART_SR_TXE) == 0)
        chip_guest_error(u->chip, false, "%s_DR: written while TXE is 0: a byte is lost (RM0090 §30.3.2)", u->name);
    u->tdr = value & 0x1FFU;
    u->sr &= ~USART_SR_TXE;
    if (u->sr_was_read)
        u->sr &= ~USART_SR_TC;
    u->sr_was_read = false;
    if (u->shifting == SHIFT_NOTHING)
        next_frame(u);
    update_irq(u);
}

/* --- receiver ------------------------------------------------------------------------------------------------------- */

static bool can_receive(struct usart *u)
{
    const uint32_t on = USART_CR1_UE | USART_CR1_RE;

    return (u->cr1 & on) == on && usart_format(u).baud != 0 && (u->rx_pin == NULL || u->rx_pin(u->pin_owner, u->number));
}

static bool same_baud(const struct usart *u, uint32_t theirs, uint32_t own)
{
    uint32_t difference = theirs > own ? theirs - own : own - theirs;
    uint32_t tolerance = (u->cr1 & USART_CR1_OVER8) != 0 ? TOLERANCE_OVER8 : TOLERANCE_OVER16;

    return (uint64_t)difference * 1000U <= (uint64_t)own * tolerance;
}

static void receive(struct usart *u, uint32_t word, uint32_t errors)
{
    if ((u->sr & USART_SR_RXNE) != 0) {
        u->sr |= USART_SR_ORE;          /* RDR keeps the older byte (§30.3.3) */
    } else {
        u->rdr = (uint16_t)word;
        u->sr |= USART_SR_RXNE | errors;
    }
    sched_after(chip_sched(u->chip), &u->idle, frame_time(u));
    update_irq(u);
}

/* A receiver looks for a start bit only while it is enabled (§30.3.3). One that was switched on in mid-frame takes what falling
 * edge there still comes for it. */
enum heard { HEARD_ALL, HEARD_END, HEARD_NOTHING };

static enum heard heard(const struct usart *u, uint32_t bits, const struct line_format *sent_as)
{
    vtime began = chip_now(u->chip) - line_bits_time(sent_as, line_frame_bits(sent_as));

    if (u->listens_since <= began)
        return HEARD_ALL;
    for (unsigned bit = 1; bit < line_frame_bits(sent_as); bit++)
        if ((bits >> bit & 1U) == 0 && (bits >> (bit - 1U) & 1U) != 0 && began + line_bits_time(sent_as, bit) >= u->listens_since)
            return HEARD_END;
    return HEARD_NOTHING;
}

static void frame_arrived(void *self, uint8_t byte, const struct line_format *sent_as)
{
    struct usart *u = self;
    struct line_format own = usart_format(u);
    uint32_t bits = line_bits(byte, sent_as), word, errors = 0;
    enum heard part = heard(u, bits, sent_as);

    if (!can_receive(u) || part == HEARD_NOTHING)
        return;
    bits >>= 1;                         /* behind the start bit */
    if (part == HEARD_END || !same_baud(u, sent_as->baud, own.baud)) {
        bits = chip_random(u->chip) & 0x3FFU;   /* sampled at the wrong places: anything, and seen to be wrong */
        errors = USART_SR_FE | USART_SR_NF;
    }
    word = bits & (REG_BIT(word_bits(&own)) - 1U);
    if ((bits >> word_bits(&own) & 1U) == 0)
        errors |= USART_SR_FE;
    if (own.parity != LINE_PARITY_NONE && line_odd_ones(word) != (own.parity == LINE_PARITY_ODD))
        errors |= USART_SR_PE;
    receive(u, word, errors);
}

static void break_arrived(void *self)
{
    struct usart *u = self;

    if (can_receive(u))
        receive(u, 0, USART_SR_FE);     /* §30.3.3: "a break character is a framing error" */
}

static void level_changed(void *self, bool high)
{
    struct usart *u = self;

    if (u->drive != NULL)
        u->drive(u->pin_owner, u->number, high ? GPIO_HIGH : GPIO_LOW);
}

static void line_idle(void *self)
{
    struct usart *u = self;

    u->sr |= USART_SR_IDLE;
    update_irq(u);
}

static uint32_t read_dr(struct usart *u)
{
    u->sr &= ~USART_SR_RXNE;
    if (u->sr_was_read)
        u->sr &= ~USART_SR_BY_READS;
    u->sr_was_read = false;
    update_irq(u);
    return u->rdr;
}

/* --- the bus -------------------------------------------------------------------------------------------------------- */

static uint32_t usart_read(void *self, uint32_t off, unsigned width)
{
    struct usart *u = self;

    switch (reg_base(off)) {
    case USART_SR:
        u->sr_was_read = true;
        return reg_lanes(u->sr, off, width);
    case USART_DR:
        return reg_lanes(read_dr(u), off, width);
    case USART_BRR:
        return reg_lanes(u->brr, off, width);
    case USART_CR1:
        return reg_lanes(u->cr1, off, width);
    case USART_CR2:
        return reg_lanes(u->cr2, off, width);
    case USART_CR3:
        return reg_lanes(u->cr3, off, width);
    case USART_GTPR:
        return reg_lanes(u->gtpr, off, width);
    default:
        chip_unmodelled(u->chip, &u->periph, off, false, 0);
        return 0;
    }
}

static void check_format(struct usart *u)
{
    struct line_format f = usart_format(u);

    if ((u->cr1 & USART_CR1_UE) == 0 || (u->cr1 & (USART_CR1_TE | USART_CR1_RE)) == 0)
        return;
    if (f.data_bits > 8)                /* the line carries bytes */
        chip_unmodelled(u->chip, &u->periph, USART_CR1, true, u->cr1);
    if (f.baud == 0)
        chip_guest_error(u->chip, false, "%s: enabled with a USARTDIV below 1 in BRR (RM0090 §30.3.4)", u->name);
}

static void write_cr1(struct usart *u, uint32_t value)
{
    const uint32_t listens = USART_CR1_UE | USART_CR1_RE;
    bool could = can_transmit(u);

    if ((value & listens) == listens && (u->cr1 & listens) != listens)
        u->listens_since = chip_now(u->chip);
    if ((value & USART_CR1_RWU) != 0)
        chip_unmodelled(u->chip, &u->periph, USART_CR1, true, value);
    u->cr1 = value & USART_CR1_WRITABLE & ~USART_CR1_RWU;
    if ((u->cr1 & listens) != listens)
        sched_cancel(chip_sched(u->chip), &u->idle);
    check_format(u);
    if (u->shifting != SHIFT_NOTHING && !can_transmit(u))
        lose_frame(u);
    if (u->shifting == SHIFT_NOTHING && can_transmit(u)) {
        if (!could)
            shift_out(u, SHIFT_IDLE);   /* §30.3.2: TE sends an idle frame first */
        else
            next_frame(u);              /* SBK */
    }
    update_irq(u);
}

static void write_cr2(struct usart *u, uint32_t value)
{
    u->cr2 = value & USART_CR2_WRITABLE;
    if ((value & USART_CR2_UNMODELLED) != 0)
        chip_unmodelled(u->chip, &u->periph, USART_CR2, true, value);
}

static void write_cr3(struct usart *u, uint32_t value)
{
    u->cr3 = value & USART_CR3_WRITABLE;
    if ((u->cr3 & ~USART_CR3_MODELLED) != 0)
        chip_unmodelled(u->chip, &u->periph, USART_CR3, true, value);   /* DMA, hardware flow control, IrDA, smartcard */
}

static void usart_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct usart *u = self;

    value = reg_apb_word(value, width);
    switch (reg_base(off)) {
    case USART_SR:
        u->sr &= value | ~USART_SR_RC_W0;
        update_irq(u);
        break;
    case USART_DR:
        write_dr(u, value);
        break;
    case USART_BRR:
        u->brr = value & 0xFFFFU;
        check_format(u);
        break;
    case USART_CR1:
        write_cr1(u, value);
        break;
    case USART_CR2:
        write_cr2(u, value);
        break;
    case USART_CR3:
        write_cr3(u, value);
        break;
    case USART_GTPR:
        u->gtpr = value & 0xFFFFU;      /* IrDA and smartcard prescalers: nothing else looks at them */
        break;
    default:
        chip_unmodelled(u->chip, &u->periph, off, true, value);
        break;
    }
}

static void usart_reset(void *self, enum reset_cause why)
{
    struct usart *u = self;

    (void)why;
    sched_cancel(chip_sched(u->chip), &u->shifted);
    sched_cancel(chip_sched(u->chip), &u->idle);
    /* RM prints 0x00C000C0, but bits 31:10 are reserved: TC and TXE. */
    u->sr = USART_SR_TC | USART_SR_TXE;
    u->brr = u->cr1 = u->cr2 = u->cr3 = u->gtpr = 0;
    u->tdr = u->rdr = 0;
    u->sr_was_read = false;
    u->shifting = SHIFT_NOTHING;
    update_irq(u);
}

/* --- the board's side ----------------------------------------------------------------------------------------------- */

void usart_connect(struct usart *u, const struct line_end *peer)
{
    u->peer = peer;
    if (u->drive != NULL)
        u->drive(u->pin_owner, u->number, peer != NULL ? GPIO_HIGH : GPIO_FLOATING);   /* a line at rest is high (§30.3.1) */
}

const struct line_end *usart_end(const struct usart *u)
{
    return &u->end;
}

void usart_set_pins_source(struct usart *u, bool (*tx)(void *owner, unsigned number), bool (*rx)(void *owner, unsigned number),
                           void (*drive)(void *owner, unsigned number, enum gpio_level level), void *owner)
{
    u->tx_pin = tx;
    u->rx_pin = rx;
    u->drive = drive;
    u->pin_owner = owner;
}

struct usart *usart_new(struct chip *c, unsigned number)
{
    struct usart *u = xcalloc(1, sizeof *u);
    unsigned i = number - 1U;

    u->chip = c;
    u->number = number;
    u->irq = instances[i].irq;
    (void)snprintf(u->name, sizeof u->name, "USART%u", number % 10U);
    u->shifted = (struct sched_event){ .fire = frame_ended, .owner = u };
    u->idle = (struct sched_event){ .fire = line_idle, .owner = u };
    u->end = (struct line_end){ .self = u, .level = level_changed, .frame = frame_arrived, .line_break = break_arrived };
    u->periph = (struct periph){
        .name = u->name, .manual = "RM0090 §30.6", .base = instances[i].base, .bytes = 0x400,
        .gate_enr = instances[i].gate_enr, .gate_bit = instances[i].gate_bit,
        .self = u, .read = usart_read, .write = usart_write, .reset = usart_reset,
    };
    usart_reset(u, RESET_POWER);
    chip_attach(c, &u->periph);
    return u;
}

void usart_free(struct usart *u)
{
    sched_cancel(chip_sched(u->chip), &u->shifted);
    sched_cancel(chip_sched(u->chip), &u->idle);
    free(u);
}
