/* SPDX-License-Identifier: MIT */
/* What a PC may do to a device below every protocol: requests, packets, resets, sleep, pulled cables, failing power. */
/* Sources: USB 2.0 §8.5.3 (stages that are cut short or too long), §9.4 */
#include <string.h>

#include "board/periph/flash.h"
#include "board/usbhost/usbhost.h"
#include "image/bytes.h"
#include "tests/storm/storm.h"

#define ARRIVAL_MS 2500U
#define LOOK_MS 5U
#define RESETS_FOLLOWED 10U             /* one in so many: the way back into the bootloader costs half a second of unpacking */
#define TOUCH_BAUD 1200U

/* --- control --------------------------------------------------------------------------------------------------------------------- */

static void any_setup(struct storm *s, uint8_t p[8])
{
    static const uint8_t types[] = { 0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x21, 0xA1, 0x41, 0xC0 };

    noise(s, p, 8);
    if (!chance(s, 8)) p[0] = types[upto(s, sizeof types)];
    if (!chance(s, 8)) p[1] = (uint8_t)(chance(s, 4) ? 0x20 + upto(s, 4) : upto(s, 12));
    if (chance(s, 2)) p[2] = (uint8_t)upto(s, 4);
    if (chance(s, 2)) p[3] = (uint8_t)upto(s, 4);
    if (!chance(s, 4)) p[4] = (uint8_t)(chance(s, 2) ? 0 : chance(s, 2) ? 0x81 : 1);
    if (!chance(s, 8)) p[5] = 0;
    if (chance(s, 2)) p[7] = 0;
}

/* SET_ADDRESS moves the device away from the host's idea of it, until the next reset: now and then only. */
static void control(struct storm *s)
{
    uint8_t setup[8], data[CONTROL_DATA_MAX];

    any_setup(s, setup);
    if (setup[1] == 5 && (setup[0] & 0x7FU) == 0 && !chance(s, 8)) setup[1] = 6;
    noise(s, data, sizeof data);
    tell(s, "usb: SETUP %02X %02X %04X %04X %u", setup[0], setup[1], load_le16(setup + 2), load_le16(setup + 4), load_le16(setup + 6));
    (void)pc_control(&s->pc, setup, data, chance(s, 4) ? VTIME_US(1 + upto(s, 60)) : VTIME_MS(30));
}

/* A SETUP, and stages that do not belong to it; or tokens to any endpoint. */
static void raw(struct storm *s)
{
    struct pc_raw txn[PC_RAW_MAX];
    unsigned n = 1 + upto(s, PC_RAW_MAX);

    for (unsigned i = 0; i < n; i++) {
        struct pc_raw *t = &txn[i];

        *t = (struct pc_raw){ .token = (enum bus_token)upto(s, 3), .address = s->pc.usb.address, .data1 = chance(s, 2) };
        if (i == 0 && !chance(s, 4)) t->token = BUS_SETUP;
        if (!chance(s, 3)) t->endpoint = 0;
        else t->endpoint = (uint8_t)upto(s, 4);
        t->n = (uint8_t)(chance(s, 2) ? upto(s, PC_PACKET_BYTES + 1) : 8 * upto(s, 9));
        noise(s, t->data, sizeof t->data);
        if (t->token == BUS_SETUP) {
            t->endpoint = 0;
            t->n = 8;
            any_setup(s, t->data);
            if (t->data[1] == 5) t->data[1] = 6;
        }
    }
    tell(s, "usb: %u raw transactions, first %s", n, txn[0].token == BUS_SETUP ? "SETUP" : "IN or OUT");
    pc_raw(&s->pc, txn, n);
    (void)pause_us(s, 200 + upto(s, 3000));
}

static void halt(struct storm *s)
{
    uint8_t request = chance(s, 3) ? 3 : 1;
    uint16_t endpoint = chance(s, 2) ? PC_DATA_IN : PC_DATA_OUT;

    tell(s, "usb: %s halt of %02X", request == 3 ? "sets" : "clears", endpoint);
    if (!pc_request(&s->pc, 0x02, request, 0, endpoint, NULL, 0) || request == 3) return;
    if (endpoint == PC_DATA_OUT) s->pc.out1 = false;
    pc_read(&s->pc, true);
}

/* --- the stream --------------------------------------------------------------------------------------------------------------------- */

static void junk(struct storm *s)
{
    uint8_t p[4096];
    size_t n = chance(s, 2) ? upto(s, 65) : chance(s, 2) ? 64 * upto(s, 65) : upto(s, sizeof p);

    noise(s, p, n);
    tell(s, "usb: %u bytes of junk", (unsigned)n);
    if (n == 0) pc_packet(&s->pc, p, 0);
    pc_write(&s->pc, p, n);
    if (chance(s, 3)) pc_packet(&s->pc, p, 0);
    if (!chance(s, 3)) (void)pc_wait_sent(&s->pc, 100);
}

static void deaf(struct storm *s)
{
    tell(s, "usb: the PC does not read for a while");
    pc_read(&s->pc, false);
    (void)pause_ms(s, 1 + upto(s, 50));
    pc_read(&s->pc, true);
}

static void lines(struct storm *s)
{
    uint32_t baud = chance(s, 4) ? TOUCH_BAUD : rng_word(&s->rng);

    tell(s, "usb: %u baud, DTR falls and rises", (unsigned)baud);
    pc_drop_output(&s->pc);
    (void)pc_line(&s->pc, baud, false);
    if (!chance(s, 6)) (void)pc_line(&s->pc, baud, true);
}

/* --- the bus and the cable ------------------------------------------------------------------------------------------------------------- */

static void bus_reset(struct storm *s)
{
    tell(s, "usb: bus reset");
    s->tally[T_BUS_RESETS]++;
    usbhost_bus_reset(chip_usbhost(s->pc.chip));
    (void)pause_us(s, 10 + upto(s, 5000));
}

static void sleep_and_wake(struct storm *s)
{
    tell(s, "usb: suspend");
    s->tally[T_SUSPENDS]++;
    usbhost_suspend(chip_usbhost(s->pc.chip));
    (void)pause_ms(s, 1 + upto(s, 20));
    usbhost_resume(chip_usbhost(s->pc.chip));
    (void)pause_ms(s, 25);
}

static void unplug(struct storm *s)
{
    tell(s, "usb: unplugged");
    s->tally[T_UNPLUGS]++;
    usbhost_unplug(chip_usbhost(s->pc.chip));
    (void)pause_ms(s, 1 + upto(s, 10));
    usbhost_replug(chip_usbhost(s->pc.chip));
}

/* --- power ------------------------------------------------------------------------------------------------------------------------------ */

static void arm_cut(struct storm *s)
{
    struct flash_totals t = flash_totals(chip_flash(s->pc.chip));
    struct power_cut cut = { t.erases + t.words + 1 + (chance(s, 2) ? upto(s, 20) : upto(s, 1000)), (enum cut_when)upto(s, 3) };

    if (s->cut) return;
    tell(s, "power: will fail at flash operation %llu", (unsigned long long)cut.at_op);
    s->cut = true;
    flash_set_cut(chip_flash(s->pc.chip), cut);
}

static void power_cycle(struct storm *s)
{
    tell(s, "power: off and on");
    s->tally[T_POWER_CYCLES]++;
    s->cut = s->cut_hit = true;         /* whatever the flash was at is torn */
    chip_power_cycle(s->pc.chip);
    (void)pause_ms(s, 1);
}

/* --- one of them ------------------------------------------------------------------------------------------------------------------------- */

void act_usb(struct storm *s)
{
    static void (*const often[])(struct storm *) = { control, control, control, raw, raw, raw, junk, junk, halt, halt, deaf, lines };
    static void (*const seldom[])(struct storm *) = { bus_reset, sleep_and_wake, unplug, arm_cut };

    if (chance(s, 40)) {
        power_cycle(s);
    } else if (chance(s, 5)) {
        seldom[upto(s, sizeof seldom / sizeof *seldom)](s);
    } else if (chance(s, 16)) {
        static const uint8_t endpoints[] = { 0x01, 0x81, 0x80, 0x00 };

        usbhost_lose_handshakes(chip_usbhost(s->pc.chip), endpoints[upto(s, sizeof endpoints)], 1 + upto(s, 2));
    } else {
        often[upto(s, sizeof often / sizeof *often)](s);
    }
}

bool ready(struct storm *s)
{
    struct pc *pc = &s->pc;

    usbhost_resume(chip_usbhost(pc->chip));
    if (!pc->there && !s->calm && !s->app_runs && !chance(s, RESETS_FOLLOWED)) return false;
    for (unsigned i = 0; i < ARRIVAL_MS / LOOK_MS && !pc->there && !(s->app_runs && !is_demo(s)); i++)
        if (!pause_ms(s, LOOK_MS)) return false;
    if (!pc->there) return false;
    return pc->opened || pc_open(pc);
}

bool touch(struct storm *s)
{
    unsigned arrivals = s->pc.arrivals;

    tell(s, "the application is asked for the bootloader");
    return pc_line(&s->pc, TOUCH_BAUD, true) && pc_line(&s->pc, TOUCH_BAUD, false) && pc_wait_arrival(&s->pc, arrivals, ARRIVAL_MS) &&
           pc_open(&s->pc);
}
