/* SPDX-License-Identifier: MIT */
/* A config block as a maker may have patched it, within docs/SPEC.md section 4: what USB and the update make of it. */
#include <stdio.h>
#include <string.h>

#include "boot/main_dfu.h"
#include "image/bytes.h"
#include "tests/fuzz/bus.h"
#include "tests/fuzz/guard.h"
#include "usb/cdc_state.h"

#define STRINGS 8U

static const uint8_t uid[USB_UID_BYTES] = { 1, 2, 3 };

/* The product's name ends with a zero (docs/SPEC.md section 4); everything else is as it comes. */
static void take_config(struct config *c, struct input *in)
{
    uint8_t *bytes = (uint8_t *)c;
    size_t got;
    const uint8_t *p = take(in, sizeof *c, &got);

    memset(c, 0, sizeof *c);
    if (got != 0) memcpy(bytes, p, got);
    c->image_product[sizeof c->image_product - 1U] = '\0';
}

/* What the PC reads of it is well formed, whatever the texts are. */
static void enumerate(void)
{
    uint8_t reply[BUS_REPLY_MAX];
    size_t n;

    for (uint16_t i = 0; i < STRINGS; i++) {
        if (!bus_control(0x80, 6, (uint16_t)(0x0300U | i), 0x0409, NULL, 255, reply, &n)) continue;
        FUZZ_CHECK(n >= 2 && reply[0] == n && reply[1] == 3 && n % 2U == 0);
    }
    FUZZ_CHECK(bus_control(0x80, 6, 0x0200, 0, NULL, 255, reply, &n) && n == load_le16(reply + 2));
}

static void as_dfu(const struct config *c, struct usb_identity *id, struct guard *g)
{
    static struct main_dfu m;
    struct usbd usbd;

    memset(&m, 0, sizeof m);
    m.memory = (struct serve_dfu){ .session = &g->session, .area = &guard_area, .where = &guard_where, .erase_max_ms = 2000 };
    main_dfu_init(&m, c, id, 0);
    FUZZ_CHECK(m.memory.readable == ((c->policy & CONFIG_NO_READ) == 0) && m.memory.write_max_ms != 0);
    FUZZ_CHECK(memchr(m.layout, '\0', sizeof m.layout) != NULL);
    bus_open(&usbd, id, &dfu_function, &m.dfu);
    bus_configure();
    enumerate();
}

static void as_vcp(struct usb_identity *id)
{
    static uint8_t rx[64], tx[64];
    struct cdc cdc;
    struct usbd usbd;

    cdc_init(&cdc, rx, sizeof rx, tx, sizeof tx);
    bus_open(&usbd, id, &cdc_function, &cdc);
    bus_configure();
    enumerate();
}

/* An image for the product that the config names passes, for another one not. */
static void update(const struct config *c, struct guard *g)
{
    bool fits = c->image_product[0] == '\0' || strcmp(c->image_product, GUARD_PRODUCT) == 0;

    guard_choose_image(g, 0);
    g->product = c->image_product;
    g->flash.protection = 0;
    session_init(&g->session, &guard_area, &guard_where, c->image_product);
    session_open(&g->session);
    FUZZ_CHECK(session_erase(&g->session, SESSION_ALL_SECTORS) == UPDATE_OK);
    for (uint32_t at = 0, n; at < g->image_bytes; at += n) {
        while (!session_ready(&g->session)) session_poll(&g->session, 0);
        n = g->image_bytes - at < SESSION_BLOCK_MAX ? g->image_bytes - at : SESSION_BLOCK_MAX;
        FUZZ_CHECK(session_put(&g->session, at, g->image + at, n) == UPDATE_OK);
    }
    while (session_active(&g->session)) session_poll(&g->session, 0);
    guard_check(g);
    FUZZ_CHECK((session_status(&g->session)->phase == UPDATE_DONE) == fits);
    FUZZ_CHECK(boot_starts(g->verdict) == fits);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct guard g;
    struct input in = { p, n };
    struct config c;
    struct usb_identity id;

    guard_open(&g, &(struct input){ NULL, 0 });
    take_config(&c, &in);
    id = (struct usb_identity){ .vid = c.usb_vid, .pid = c.usb_pid, .manufacturer = c.manufacturer, .product = c.product, .uid = uid };
    as_vcp(&id);
    as_dfu(&c, &id, &g);
    update(&c, &g);
    guard_close(&g);
    return 0;
}
