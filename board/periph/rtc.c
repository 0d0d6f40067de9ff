/* SPDX-License-Identifier: MIT */
/* RTC: backup registers, write protection, and a calendar that runs when RTCCLK does. */
/* Sources: RM0090 §26.3 "RTC functional description", §26.6 "RTC registers" */
#include "board/periph/rtc.h"

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define RTC_BASE 0x40002800U
#define RTC_TR 0x00U
#define RTC_TR_WRITABLE 0x007F7F7FU
#define RTC_DR 0x04U
#define RTC_DR_RESET 0x00002101U
#define RTC_DR_WRITABLE 0x00FFFF3FU
#define RTC_DR_YEAR 0x00FF0000U
#define RTC_CR 0x08U
#define RTC_CR_BYPSHAD REG_BIT(5)
#define RTC_CR_BKP REG_BIT(18)
#define RTC_CR_MODELLED (RTC_CR_BYPSHAD | RTC_CR_BKP)
#define RTC_ISR 0x0CU
#define RTC_ISR_INITS REG_BIT(4)
#define RTC_ISR_RSF REG_BIT(5)
#define RTC_ISR_INITF REG_BIT(6)
#define RTC_ISR_INIT REG_BIT(7)
#define RTC_ISR_ALARM_WRITE 0x3U        /* ALRAWF ALRBWF: cleared in initialization mode */
#define RTC_ISR_RESET 0x7U
#define RTC_PRER 0x10U
#define RTC_PRER_RESET 0x007F00FFU
#define RTC_PRER_WRITABLE 0x007F7FFFU
#define RTC_WUTR 0x14U
#define RTC_WUTR_RESET 0xFFFFU
#define RTC_CALIBR 0x18U
#define RTC_ALRMAR 0x1CU
#define RTC_ALRMBR 0x20U
#define RTC_WPR 0x24U
#define RTC_SSR 0x28U
#define RTC_SHIFTR 0x2CU
#define RTC_TSTR 0x30U
#define RTC_TSDR 0x34U
#define RTC_TSSSR 0x38U
#define RTC_CALR 0x3CU
#define RTC_TAFCR 0x40U
#define RTC_ALRMASSR 0x44U
#define RTC_ALRMBSSR 0x48U
#define RTC_BKP0R 0x50U
#define RTC_BKP19R 0x9CU
#define BACKUP_REGISTERS 20U

#define SYNC_CYCLES 2U                  /* of RTCCLK, the upper bound: §26.3.2, §26.3.5 */
#define RESTART_CYCLES 4U               /* §26.3.5: counting goes on four RTCCLK after INIT was cleared */

enum wpr_state { WPR_LOCKED, WPR_FIRST_KEY, WPR_OPEN };

struct calendar {
    uint32_t ssr, tr, dr;
};

struct rtc {
    struct chip *chip;
    struct rcc *rcc;
    struct pwr *pwr;
    struct periph periph;
    uint32_t tr, dr, cr, isr, prer;
    uint32_t bkp[BACKUP_REGISTERS];
    enum wpr_state wpr;
    bool initialising;                  /* INITF is on its way, or up: the calendar stands still */
    uint32_t rtcclk_hz;                 /* 0: stopped */
    vtime second_at;                    /* when the present second began */
    bool shadow_locked;                 /* SSR or TR was read, DR not yet (§26.3.6) */
    struct calendar shadow;
    struct sched_event second, synced, init;
};

/* --- the calendar --------------------------------------------------------------------------------------------------- */

static unsigned from_bcd(uint32_t bcd)
{
    return (unsigned)((bcd >> 4 & 0xFU) * 10U + (bcd & 0xFU));
}

static uint32_t to_bcd(unsigned n)
{
    return (n / 10U << 4 | n % 10U) & 0xFFU;
}

static unsigned days_in(unsigned month, unsigned year)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (month < 1 || month > 12)
        return 31;
    return days[month - 1] + (month == 2 && year % 4U == 0 ? 1U : 0U);          /* 2000 to 2099 */
}

static void next_day(struct rtc *r)
{
    unsigned day = from_bcd(r->dr & 0x3FU), month = from_bcd(r->dr >> 8 & 0x1FU), year = from_bcd(r->dr >> 16 & 0xFFU);
    unsigned weekday = r->dr >> 13 & 7U;

    weekday = weekday % 7U + 1U;
    if (++day > days_in(month, year)) {
        day = 1;
        if (++month > 12) {
            month = 1;
            year = (year + 1U) % 100U;
        }
    }
    r->dr = to_bcd(year) << 16 | weekday << 13 | to_bcd(month) << 8 | to_bcd(day);
}

static void next_second(struct rtc *r)
{
    unsigned second = from_bcd(r->tr & 0x7FU), minute = from_bcd(r->tr >> 8 & 0x7FU), hour = from_bcd(r->tr >> 16 & 0x3FU);

    if (++second >= 60) {
        second = 0;
        if (++minute >= 60) {
            minute = 0;
            if (++hour >= 24) {
                hour = 0;
                next_day(r);
            }
        }
    }
    r->tr = to_bcd(hour) << 16 | to_bcd(minute) << 8 | to_bcd(second);
}

static uint32_t prediv_a(const struct rtc *r)
{
    return (r->prer >> 16 & 0x7FU) + 1U;
}

static uint32_t prediv_s(const struct rtc *r)
{
    return (r->prer & 0x7FFFU) + 1U;
}

static bool counting(const struct rtc *r)
{
    return r->rtcclk_hz != 0 && !r->initialising;
}

static void start_second(struct rtc *r, vtime at)
{
    r->second_at = at;
    sched_at(chip_sched(r->chip), &r->second, at + ticks_time((uint64_t)prediv_a(r) * prediv_s(r), r->rtcclk_hz));
}

static void second_passed(void *self)
{
    struct rtc *r = self;

    next_second(r);
    start_second(r, chip_now(r->chip));
}

/* The synchronous prescaler counts down from PREDIV_S (§26.6.11). */
static uint32_t live_ssr(const struct rtc *r)
{
    vtime now = chip_now(r->chip);
    uint64_t gone;

    if (!counting(r) || now < r->second_at)
        return prediv_s(r) - 1U;
    gone = ticks_in(now - r->second_at, r->rtcclk_hz) / prediv_a(r);
    return gone >= prediv_s(r) ? 0 : prediv_s(r) - 1U - (uint32_t)gone;
}

static void copy_to_shadow(struct rtc *r)
{
    r->shadow = (struct calendar){ .ssr = live_ssr(r), .tr = r->tr, .dr = r->dr };
}

static void await_sync(struct rtc *r, vtime from)
{
    r->isr &= ~RTC_ISR_RSF;
    sched_cancel(chip_sched(r->chip), &r->synced);
    if (counting(r) && (r->cr & RTC_CR_BYPSHAD) == 0)
        sched_at(chip_sched(r->chip), &r->synced, from + ticks_time(SYNC_CYCLES, r->rtcclk_hz));
}

static void synced(void *self)
{
    struct rtc *r = self;

    r->isr |= RTC_ISR_RSF;
    r->shadow_locked = false;
}

/* While RSF is up the copy is made every two RTCCLK, so the shadow registers are as good as live; before, they hold what
 * the last reset put there. Reading SSR or TR freezes the later ones until DR is read (§26.3.6). */
static uint32_t read_calendar(struct rtc *r, uint32_t off)
{
    if ((r->cr & RTC_CR_BYPSHAD) != 0)
        return off == RTC_SSR ? live_ssr(r) : off == RTC_TR ? r->tr : r->dr;
    if ((r->isr & RTC_ISR_RSF) != 0 && !r->shadow_locked)
        copy_to_shadow(r);
    r->shadow_locked = off != RTC_DR;
    return off == RTC_SSR ? r->shadow.ssr : off == RTC_TR ? r->shadow.tr : r->shadow.dr;
}

/* --- initialization mode -------------------------------------------------------------------------------------------- */

static void stop_counting(struct rtc *r)
{
    sched_cancel(chip_sched(r->chip), &r->second);
    sched_cancel(chip_sched(r->chip), &r->synced);
}

static void init_entered(void *self)
{
    struct rtc *r = self;

    stop_counting(r);
    r->initialising = true;
    r->isr = (r->isr & ~(RTC_ISR_RSF | RTC_ISR_ALARM_WRITE)) | RTC_ISR_INITF;
}

static void start_counting(struct rtc *r)
{
    vtime at = chip_now(r->chip);

    if (!counting(r))
        return;
    at += ticks_time(RESTART_CYCLES, r->rtcclk_hz);
    start_second(r, at);
    await_sync(r, at);
}

static void leave_init(struct rtc *r)
{
    bool was_initialising = r->initialising;

    sched_cancel(chip_sched(r->chip), &r->init);
    r->initialising = false;
    r->isr = (r->isr & ~RTC_ISR_INITF) | RTC_ISR_ALARM_WRITE;
    if (was_initialising)
        start_counting(r);
}

static void enter_init(struct rtc *r)
{
    if (r->rtcclk_hz != 0)              /* without RTCCLK there is no edge to synchronise with, and INITF never comes */
        sched_after(chip_sched(r->chip), &r->init, ticks_time(SYNC_CYCLES, r->rtcclk_hz));
}

static void write_isr(struct rtc *r, uint32_t value)
{
    uint32_t changed = (r->isr ^ value) & RTC_ISR_INIT;

    if (r->wpr != WPR_OPEN)
        return;                         /* bits 13:8, outside the protection, are flags that nothing sets here */
    r->isr ^= changed;
    if ((changed & value) != 0)
        enter_init(r);
    else if (changed != 0)
        leave_init(r);
    if ((value & RTC_ISR_RSF) == 0 && (r->isr & RTC_ISR_RSF) != 0)
        await_sync(r, chip_now(r->chip));
}

static void clock_changed(void *self)
{
    struct rtc *r = self;
    uint32_t hz = rcc_rtcclk_hz(r->rcc);

    if (hz == r->rtcclk_hz)
        return;
    stop_counting(r);
    sched_cancel(chip_sched(r->chip), &r->init);
    r->rtcclk_hz = hz;
    start_counting(r);
    if ((r->isr & (RTC_ISR_INIT | RTC_ISR_INITF)) == RTC_ISR_INIT)
        enter_init(r);
}

/* --- the bus -------------------------------------------------------------------------------------------------------- */

/* Alarms, calibration, shift, timestamp, tamper: they stay at 0, their reset value, because only a 0 is accepted. */
static bool is_unused(uint32_t off)
{
    switch (off) {
    case RTC_CALIBR:
    case RTC_ALRMAR:
    case RTC_ALRMBR:
    case RTC_SHIFTR:
    case RTC_TSTR:
    case RTC_TSDR:
    case RTC_TSSSR:
    case RTC_CALR:
    case RTC_TAFCR:
    case RTC_ALRMASSR:
    case RTC_ALRMBSSR:
        return true;
    default:
        return false;
    }
}

static uint32_t rtc_read(void *self, uint32_t off, unsigned width)
{
    struct rtc *r = self;
    uint32_t at = reg_base(off);

    if (at >= RTC_BKP0R && at <= RTC_BKP19R)
        return reg_lanes(r->bkp[(at - RTC_BKP0R) / 4U], off, width);
    switch (at) {
    case RTC_SSR:
    case RTC_TR:
    case RTC_DR:
        return reg_lanes(read_calendar(r, at), off, width);
    case RTC_CR:
        return reg_lanes(r->cr, off, width);
    case RTC_ISR:
        return reg_lanes(r->isr | ((r->dr & RTC_DR_YEAR) != 0 ? RTC_ISR_INITS : 0), off, width);
    case RTC_PRER:
        return reg_lanes(r->prer, off, width);
    case RTC_WUTR:
        return reg_lanes(RTC_WUTR_RESET, off, width);
    case RTC_WPR:
        return 0;                       /* write-only */
    default:
        if (!is_unused(at))
            chip_unmodelled(r->chip, &r->periph, off, false, 0);
        return 0;
    }
}

static void write_wpr(struct rtc *r, uint32_t key)
{
    if (key == 0xCAU)
        r->wpr = WPR_FIRST_KEY;
    else
        r->wpr = key == 0x53U && r->wpr == WPR_FIRST_KEY ? WPR_OPEN : WPR_LOCKED;
}

static void write_cr(struct rtc *r, uint32_t value)
{
    uint32_t before = r->cr;

    if ((value & ~(before | RTC_CR_MODELLED)) != 0)
        chip_unmodelled(r->chip, &r->periph, RTC_CR, true, value);      /* alarms, wake-up timer, timestamp, outputs */
    r->cr = value & RTC_CR_MODELLED;
    if (((before ^ r->cr) & RTC_CR_BYPSHAD) != 0)
        await_sync(r, chip_now(r->chip));
}

static void write_init_only(struct rtc *r, uint32_t *reg, uint32_t value)
{
    if ((r->isr & RTC_ISR_INITF) != 0)
        *reg = value;
    else
        chip_guest_error(r->chip, false,
                         "RTC: TR, DR or PRER written outside initialization mode; ignored (RM0090 §26.3.5)");
}

static void write_protected(struct rtc *r, uint32_t off, uint32_t value)
{
    switch (off) {
    case RTC_TR:
        write_init_only(r, &r->tr, value & RTC_TR_WRITABLE);
        break;
    case RTC_DR:
        write_init_only(r, &r->dr, value & RTC_DR_WRITABLE);
        break;
    case RTC_CR:
        write_cr(r, value);
        break;
    case RTC_PRER:
        write_init_only(r, &r->prer, value & RTC_PRER_WRITABLE);
        break;
    case RTC_WUTR:
        if (value != RTC_WUTR_RESET)
            chip_unmodelled(r->chip, &r->periph, off, true, value);
        break;
    case RTC_SSR:
        break;                          /* read-only */
    default:
        if (value != 0 || !is_unused(off))
            chip_unmodelled(r->chip, &r->periph, off, true, value);
        break;
    }
}

static void rtc_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct rtc *r = self;

    if (width != 4) {
        chip_guest_error(r->chip, false, "RTC: %u-bit write at 0x%02X; ignored, only words (RM0090 §26.6)", 8U * width,
                         (unsigned)off);
        return;
    }
    if (!pwr_dbp(r->pwr)) {
        chip_guest_error(r->chip, false, "RTC: written at 0x%02X while PWR_CR.DBP is 0; ignored (RM0090 §26.3.5)",
                         (unsigned)off);
        return;
    }
    if (off >= RTC_BKP0R && off <= RTC_BKP19R)
        r->bkp[(off - RTC_BKP0R) / 4U] = value;
    else if (off == RTC_WPR)
        write_wpr(r, value & 0xFFU);
    else if (off == RTC_ISR)
        write_isr(r, value);
    else if (r->wpr == WPR_OPEN || off == RTC_TAFCR)
        write_protected(r, off, value);
    else
        chip_guest_error(r->chip, false, "RTC: written at 0x%02X without the keys in RTC_WPR; ignored (RM0090 §26.3.5)",
                         (unsigned)off);
}

/* --- resets --------------------------------------------------------------------------------------------------------- */

static void reset_shadow(struct rtc *r)
{
    r->shadow = (struct calendar){ .dr = RTC_DR_RESET };
    r->shadow_locked = false;
}

static void backup_reset(void *self)
{
    struct rtc *r = self;

    stop_counting(r);
    sched_cancel(chip_sched(r->chip), &r->init);
    r->tr = r->cr = 0;
    r->dr = RTC_DR_RESET;
    r->isr = RTC_ISR_RESET;
    r->prer = RTC_PRER_RESET;
    r->wpr = WPR_LOCKED;
    r->initialising = false;
    for (unsigned i = 0; i < BACKUP_REGISTERS; i++)
        r->bkp[i] = 0;
    reset_shadow(r);
    start_counting(r);
}

/* §26.3.7: a system reset takes only the shadow registers and INIT, INITF and RSF; the calendar runs on. */
static void rtc_reset(void *self, enum reset_cause why)
{
    struct rtc *r = self;

    if (why == RESET_POWER) {
        backup_reset(r);
        return;
    }
    r->isr &= ~(RTC_ISR_INIT | RTC_ISR_RSF);
    leave_init(r);
    if ((r->cr & RTC_CR_BYPSHAD) == 0)
        reset_shadow(r);
    await_sync(r, chip_now(r->chip));
}

struct rtc *rtc_new(struct chip *c, struct rcc *rcc, struct pwr *pwr)
{
    struct rtc *r = xcalloc(1, sizeof *r);

    r->chip = c;
    r->rcc = rcc;
    r->pwr = pwr;
    r->second = (struct sched_event){ .fire = second_passed, .owner = r };
    r->synced = (struct sched_event){ .fire = synced, .owner = r };
    r->init = (struct sched_event){ .fire = init_entered, .owner = r };
    r->periph = (struct periph){
        .name = "RTC", .manual = "RM0090 §26.6", .base = RTC_BASE, .bytes = 0x400,
        .self = r, .read = rtc_read, .write = rtc_write, .reset = rtc_reset,
    };
    backup_reset(r);
    rcc_set_backup_listener(rcc, clock_changed, backup_reset, r);
    chip_attach(c, &r->periph);
    return r;
}

void rtc_free(struct rtc *r)
{
    stop_counting(r);
    sched_cancel(chip_sched(r->chip), &r->init);
    rcc_set_backup_listener(r->rcc, NULL, NULL, NULL);
    free(r);
}
