/* SPDX-License-Identifier: MIT */
/* The updater: one polled loop of USB, protocols and flash, all of it in SRAM. */
/* Sources: docs/DESIGN.md "Everything from RAM"; DS8626 Rev 12 table 40 (erase times) */
#include "boot/boot.h"

#include <string.h>

#include "boot/config.h"
#include "boot/mailbox.h"
#include "boot/main_dfu.h"
#include "boot/ports.h"
#include "boot/serve.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/otg_fs.h"
#include "hal/stm32f4/usart.h"
#include "update/session.h"
#include "usb/cdc_state.h"
#include "usb/usbd.h"

#define RX_RING_BYTES 65536U            /* what the PC sends while a sector is erased */
#define TX_RING_BYTES 2048U             /* the longest answer and more */
#define WINDOW_BYTES (60U * 1024U)      /* image bytes in flight: with their frames they fit the ring */
#define USART_WINDOW_BYTES 1024U         /* one DATA frame: nothing holds back a sender there while a sector is erased */
#define DETACH_MS 100U                  /* how long the pull-up stays off, so that the PC notices the new enumeration */
#define DFU_MARGIN_MS 2U                /* an erase begins a pass after its command, and both ends are told in whole ms */
#define FLASH_TURNS 8U                  /* of 3 us each: more than a word takes, less than a UART has between two bytes */

static struct updater {
    struct config config;               /* a copy: the PC may ask for a string while a sector is erased */
    struct chip_id chip;
    struct flash_area area;
    struct seal_area where;
    struct usb_identity identity;
    struct usbd usbd;
    struct cdc cdc;
    struct session session;
    struct serve serve;
    struct ports ports;
    struct serve_setup setup;
    uint32_t openings;
    bool as_dfu;                        /* the DfuSe personality instead of the serial port */
    union {                             /* which needs no rings */
        uint8_t rx[RX_RING_BYTES];
        struct main_dfu dfu;
    };
    uint8_t tx[TX_RING_BYTES];
} u;

static size_t vcp_read(void *ctx, uint8_t *out, size_t cap)
{
    (void)ctx;
    return cdc_read(&u.cdc, out, cap);
}

static size_t vcp_write(void *ctx, const uint8_t *p, size_t n)
{
    (void)ctx;
    return cdc_write(&u.cdc, p, n);
}

static size_t vcp_room(void *ctx)
{
    (void)ctx;
    return cdc_writable(&u.cdc);
}

enum { PORT_VCP, PORT_USART };

static const struct port ports[PORTS] = {
    [PORT_VCP] = { { vcp_read, vcp_write, vcp_room, NULL }, WINDOW_BYTES },
    [PORT_USART] = { { usart_read, usart_write, usart_room, NULL }, USART_WINDOW_BYTES },
};

/* Longest erase of a 128 KB sector in ms by PSIZE, and what is told to the PC if a maker's config says nonsense: the slowest. */
static uint32_t erase_max_ms(unsigned psize)
{
    static const uint16_t by_psize[] = { 4000, 2600, 2000 };

    return by_psize[psize < sizeof by_psize / sizeof by_psize[0] ? psize : 0];
}

static void introduce(void)
{
    struct native_hello *h = &u.setup.self;

    h->capabilities = NATIVE_CAP_UPDATE | NATIVE_CAP_DFU;
    if ((u.config.policy & CONFIG_NO_READ) == 0) {
        h->capabilities |= NATIVE_CAP_READ | NATIVE_CAP_ROM;        /* ST's loader reads whatever it is asked for */
    }
    h->boot_version = BOOT_VERSION;
    h->dev_id = u.chip.dev_id;
    h->rev_id = u.chip.rev_id;
    h->flash_kb = u.chip.flash_kb;
    memcpy(h->uid, u.chip.uid, sizeof h->uid);
    h->window = WINDOW_BYTES;
    h->erase_max_ms = erase_max_ms(u.config.psize);
    h->idle_exit_ms = u.config.idle_exit_ms;
}

static void start_serving(struct boot_outcome why)
{
    struct serve_setup *setup = &u.setup;

    if (!chip_area(u.config.app_base, &u.area, &u.where)) {
        u.area.count = 0;              /* a base that is no sector's start: every update is refused, HELLO shows why */
    }
    setup->session = &u.session;
    setup->area = &u.area;
    setup->where = &u.where;
    setup->wire = &u.ports.active.wire;
    setup->reason = why.reason;
    setup->startable = why.startable;
    introduce();
    u.ports.port = ports;
    ports_use(&u.ports, PORT_VCP);
    session_init(&u.session, &u.area, &u.where, u.config.image_product);
    serve_init(&u.serve, setup, time_ms());
}

static void wait_ms(uint32_t ms)
{
    uint32_t since = time_ms();

    while (time_ms() - since < ms) {
        watchdog_feed();
    }
}

static void become_dfu(bool startable)
{
    struct serve_dfu *m = &u.dfu.memory;

    m->session = &u.session;
    m->area = &u.area;
    m->where = &u.where;
    m->erase_max_ms = erase_max_ms(u.config.psize) + DFU_MARGIN_MS;
    m->startable = startable;
    main_dfu_init(&u.dfu, &u.config, &u.identity, time_ms());
    usbd_init(&u.usbd, &otg_fs_dcd, &u.identity, &dfu_function, &u.dfu.dfu);
}

static void become_vcp(void)
{
    cdc_init(&u.cdc, u.rx, sizeof u.rx, u.tx, sizeof u.tx);
    usbd_init(&u.usbd, &otg_fs_dcd, &u.identity, &cdc_function, &u.cdc);
}

static void start_usb(struct boot_outcome why)
{
    u.identity = (struct usb_identity){ .vid = u.config.usb_vid, .pid = u.config.usb_pid,
                                         .manufacturer = u.config.manufacturer, .product = u.config.product,
                                         .uid = u.chip.uid };
    u.as_dfu = why.dfu;
    if (why.dfu) {
        become_dfu(why.startable);
    } else {
        become_vcp();
    }
    if (!otg_fs_init(usbd_event, &u.usbd, time_ms)) {
        core_reset();
    }
    wait_ms(DETACH_MS);
    usbd_connect(&u.usbd, true);
}

_Noreturn static void leave(uint8_t request)
{
    usbd_connect(&u.usbd, false);
    wait_ms(DETACH_MS);
    if (request != MAILBOX_NONE) {
        mailbox_write((struct mailbox *)MAILBOX_ADDRESS, (enum mailbox_request)request);
    }
    core_reset();
}

static bool pin_holds(void)
{
    return (u.config.policy & CONFIG_PIN) != 0 &&
           pin_active(u.config.pin_port, u.config.pin_number, (u.config.policy & CONFIG_PIN_HIGH) != 0);
}

static bool idle_too_long(uint32_t idle_ms, bool startable)
{
    return u.config.idle_exit_ms != 0 && idle_ms >= u.config.idle_exit_ms && startable && !pin_holds();
}

/* What was written for the one who had the port before is nothing for the one who opens it now. */
static void note_opening(uint32_t now_ms)
{
    if (cdc_dtr_rises(&u.cdc) != u.openings) {
        u.openings = cdc_dtr_rises(&u.cdc);
        cdc_drop_output(&u.cdc);
        ports_use(&u.ports, PORT_VCP);
        serve_opened(&u.serve, now_ms);
    }
}

/* Before the serve looks, so that it answers where the bytes came from. */
static void follow_ports(void)
{
    bool nobody;

    if ((u.config.policy & CONFIG_USART1) == 0) {
        return;
    }
    nobody = serve_free(&u.serve);
    usart_poll(nobody);
    if (nobody) {
        ports_follow(&u.ports, (unsigned)(cdc_readable(&u.cdc) != 0) << PORT_VCP | (unsigned)usart_readable() << PORT_USART);
    }
    serve_window(&u.serve, u.ports.active.window);
}

/* A word takes 16 us (DS8626 table 40), and everything else in a pass fits behind its start: so wait here for its end, and the
 * next one starts at once. A third of an update is spent in this loop. It is left right behind the start of a word that
 * takes its time; one that is over at the next poll is followed by another. */
static void work_flash(uint32_t now_ms)
{
    const struct update_status *st = session_status(&u.session);
    bool began = false, under_way = false;

    for (unsigned turn = 0; turn < FLASH_TURNS && !under_way; turn++) {
        uint32_t words = st->words;

        session_poll(&u.session, now_ms);
        under_way = (began && st->words == words) || st->phase != UPDATE_PROGRAMMING || session_ready(&u.session);
        began = st->words != words;
    }
}

static void serve_as_dfu(uint32_t now_ms)
{
    struct dfu *dfu = &u.dfu.dfu;

    dfu_poll(dfu, now_ms);
    if (dfu_leaves(dfu) || idle_too_long(dfu_idle_ms(dfu), u.dfu.memory.startable)) {
        leave(MAILBOX_NONE);
    }
}

static void serve_as_vcp(uint32_t now_ms)
{
    uint8_t request = MAILBOX_NONE;

    note_opening(now_ms);
    follow_ports();
    serve_poll(&u.serve, now_ms);
    if (serve_leaves(&u.serve, now_ms, cdc_sent(&u.cdc) && usart_sent(), &request) ||
        idle_too_long(serve_idle_ms(&u.serve, now_ms), serve_startable(&u.serve))) {
        leave(request);
    }
}

static void pass(void)
{
    uint32_t now_ms = time_ms();

    otg_fs_poll();
    if (u.as_dfu) {
        serve_as_dfu(now_ms);
    } else {
        serve_as_vcp(now_ms);
    }
    work_flash(now_ms);
    watchdog_feed();
}

_Noreturn void updater_run(struct boot_outcome why)
{
    u.config = boot_config;
    watchdog_stretch();
    clock_usb(u.config.hse_hz);         /* without its crystal the updater still runs, only USB may not: nothing better is left */
    time_init();
    chip_id_read(&u.chip);
    flash_use_psize(u.config.psize);
    start_serving(why);
    start_usb(why);
    if ((u.config.policy & CONFIG_USART1) != 0) {
        usart_init();
    }
    for (;;) {
        pass();
    }
}
