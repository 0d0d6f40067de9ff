/* SPDX-License-Identifier: MIT */
/* Enumeration: a table of requests in Linux's order, each with what its answer must look like. */
/* Sources: USB 2.0 §9.1.2, §9.2.6.3 (SET_ADDRESS recovery 2 ms), §9.4, §9.6.2 (qualifier); Linux hub.c, "new scheme" */
#include <stdio.h>
#include <string.h>

#include "board/usbhost/usbhost_priv.h"

#define GET_DESCRIPTOR 6U
#define SET_ADDRESS 5U
#define SET_CONFIGURATION 9U
#define DEVICE_ADDRESS 5U               /* any but 0 */
#define ADDRESS_RECOVERY VTIME_MS(2)
#define LANGUAGE_ENGLISH_US 0x0409U
#define MS_OS_STRING 0xEEU
#define BCD_USB_2_00 0x0200U

enum verdict { STEP_NEXT, STEP_RESET, STEP_FAIL };

struct step {
    const char *name;
    bool (*wanted)(const struct usbhost *h);    /* NULL: always */
    void (*setup)(struct usbhost *h, uint8_t s[8]);
    enum verdict (*answer)(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes);
};

static void run_step(struct usbhost *h);

static void report_line(void *owner, const char *text)
{
    host_report(owner, "%s", text);
}

static struct desc_report reporter(struct usbhost *h)
{
    return (struct desc_report){ .owner = h, .line = report_line };
}

static void get_descriptor(uint8_t s[8], uint8_t type, uint8_t index, uint16_t language, uint16_t length)
{
    const uint8_t setup[8] = { 0x80, GET_DESCRIPTOR, index, type, (uint8_t)language, (uint8_t)(language >> 8),
                               (uint8_t)length, (uint8_t)(length >> 8) };

    memcpy(s, setup, sizeof setup);
}

/* --- device descriptor, address --------------------------------------------------------------------------------------- */

/* At the default address Linux asks for 64 bytes, to learn bMaxPacketSize0 from the first 8, and resets again. */
static void device64_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    get_descriptor(s, USB_DT_DEVICE, 0, 0, 64);
}

static enum verdict device64_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    if (status != URB_OK || bytes < 8 || d[1] != USB_DT_DEVICE)
        return STEP_FAIL;
    if (d[7] != 8 && d[7] != 16 && d[7] != 32 && d[7] != 64) {
        host_report(h, "device descriptor: bMaxPacketSize0 is %u, not 8, 16, 32 or 64", d[7]);
        return STEP_FAIL;
    }
    h->control.max_packet = d[7];
    return STEP_RESET;
}

static void address_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    memset(s, 0, 8);
    s[1] = SET_ADDRESS;
    s[2] = DEVICE_ADDRESS;
}

static enum verdict address_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    (void)d;
    (void)bytes;
    if (status != URB_OK)
        return STEP_FAIL;
    h->address = DEVICE_ADDRESS;
    h->control.address = DEVICE_ADDRESS;
    return STEP_NEXT;
}

static void device_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    get_descriptor(s, USB_DT_DEVICE, 0, 0, USB_DEVICE_BYTES);
}

static enum verdict device_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    struct desc_report r = reporter(h);

    if (status != URB_OK || !desc_parse_device(d, bytes, &h->device, &r))
        return STEP_FAIL;
    memcpy(h->device_raw, d, USB_DEVICE_BYTES);
    h->info.vid = h->device.vid;
    h->info.pid = h->device.pid;
    h->info.bcd_device = h->device.bcd_device;
    return STEP_NEXT;
}

/* --- qualifier: a device without high speed must STALL it, §9.6.2 ------------------------------------------------------ */

static bool qualifier_wanted(const struct usbhost *h)
{
    return h->device.bcd_usb >= BCD_USB_2_00;
}

static void qualifier_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    get_descriptor(s, USB_DT_DEVICE_QUALIFIER, 0, 0, 10);
}

static enum verdict qualifier_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    (void)d;
    (void)bytes;
    if (status == URB_OK)
        host_report(h, "a full-speed device answered GET_DESCRIPTOR(DEVICE_QUALIFIER) instead of STALL");
    return status == URB_OK || status == URB_STALL ? STEP_NEXT : STEP_FAIL;
}

/* --- configuration ------------------------------------------------------------------------------------------------------ */

static void config9_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    get_descriptor(s, USB_DT_CONFIG, 0, 0, USB_CONFIG_BYTES);
}

static enum verdict config9_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    struct desc_report r = reporter(h);

    if (status != URB_OK || !desc_parse_config(d, bytes, &h->config, &r))
        return STEP_FAIL;
    if (h->config.total_bytes < USB_CONFIG_BYTES || h->config.total_bytes > CONTROL_DATA_MAX) {
        host_report(h, "configuration descriptor: wTotalLength is %u", h->config.total_bytes);
        return STEP_FAIL;
    }
    return STEP_NEXT;
}

static void config_setup(struct usbhost *h, uint8_t s[8])
{
    get_descriptor(s, USB_DT_CONFIG, 0, 0, h->config.total_bytes);
}

static enum verdict config_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    struct desc_report r = reporter(h);

    if (status != URB_OK || !desc_parse_config(d, bytes, &h->config, &r))
        return STEP_FAIL;
    memcpy(h->config_raw, d, bytes);
    h->config_raw_bytes = bytes;
    h->info.cdc_acm = h->config.cdc_acm;
    return STEP_NEXT;
}

/* --- strings ------------------------------------------------------------------------------------------------------------ */

static bool languages_wanted(const struct usbhost *h)
{
    return h->device.i_manufacturer || h->device.i_product || h->device.i_serial;
}

static bool manufacturer_wanted(const struct usbhost *h) { return h->device.i_manufacturer != 0; }
static bool product_wanted(const struct usbhost *h) { return h->device.i_product != 0; }
static bool serial_wanted(const struct usbhost *h) { return h->device.i_serial != 0; }
static bool ms_os_wanted(const struct usbhost *h) { return h->options.probe_ms_os_string; }

static void string_setup(uint8_t s[8], uint8_t index, uint16_t language)
{
    get_descriptor(s, USB_DT_STRING, index, language, 255);
}

static void languages_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    string_setup(s, 0, 0);
}

static void manufacturer_setup(struct usbhost *h, uint8_t s[8])
{
    string_setup(s, h->device.i_manufacturer, LANGUAGE_ENGLISH_US);
}

static void product_setup(struct usbhost *h, uint8_t s[8])
{
    string_setup(s, h->device.i_product, LANGUAGE_ENGLISH_US);
}

static void serial_setup(struct usbhost *h, uint8_t s[8])
{
    string_setup(s, h->device.i_serial, LANGUAGE_ENGLISH_US);
}

static void ms_os_setup(struct usbhost *h, uint8_t s[8])
{
    (void)h;
    get_descriptor(s, USB_DT_STRING, MS_OS_STRING, 0, 18);
}

static enum verdict languages_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    if (status != URB_OK)
        return STEP_FAIL;
    if (bytes < 4 || d[0] != bytes || d[1] != USB_DT_STRING || (d[2] | d[3] << 8) != LANGUAGE_ENGLISH_US)
        host_report(h, "string descriptor 0: %u bytes, the first language is not 0x0409", (unsigned)bytes);
    return STEP_NEXT;
}

static enum verdict take_string(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes, const char *what,
                                char *text, size_t size)
{
    struct desc_report r = reporter(h);

    if (status == URB_OK)
        desc_parse_string(d, bytes, text, size, &r);
    else if (status == URB_STALL)
        host_report(h, "STALL to the %s string that the device descriptor names", what);
    else
        return STEP_FAIL;
    return STEP_NEXT;
}

static enum verdict manufacturer_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    return take_string(h, status, d, bytes, "manufacturer", h->info.manufacturer, sizeof h->info.manufacturer);
}

static enum verdict product_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    return take_string(h, status, d, bytes, "product", h->info.product, sizeof h->info.product);
}

static enum verdict serial_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    return take_string(h, status, d, bytes, "serial number", h->info.serial, sizeof h->info.serial);
}

static enum verdict ms_os_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    (void)h;
    (void)d;
    (void)bytes;
    return status == URB_OK || status == URB_STALL ? STEP_NEXT : STEP_FAIL;
}

/* --- and go --------------------------------------------------------------------------------------------------------------- */

static void configure_setup(struct usbhost *h, uint8_t s[8])
{
    memset(s, 0, 8);
    s[1] = SET_CONFIGURATION;
    s[2] = h->config.value;
}

static enum verdict configure_answer(struct usbhost *h, enum urb_status status, const uint8_t *d, size_t bytes)
{
    (void)h;
    (void)d;
    (void)bytes;
    return status == URB_OK ? STEP_NEXT : STEP_FAIL;
}

static const struct step steps[] = {
    { "GET_DESCRIPTOR(DEVICE) at address 0", NULL, device64_setup, device64_answer },
    { "SET_ADDRESS", NULL, address_setup, address_answer },
    { "GET_DESCRIPTOR(DEVICE)", NULL, device_setup, device_answer },
    { "GET_DESCRIPTOR(DEVICE_QUALIFIER)", qualifier_wanted, qualifier_setup, qualifier_answer },
    { "GET_DESCRIPTOR(CONFIGURATION), 9 bytes", NULL, config9_setup, config9_answer },
    { "GET_DESCRIPTOR(CONFIGURATION)", NULL, config_setup, config_answer },
    { "GET_DESCRIPTOR(STRING 0)", languages_wanted, languages_setup, languages_answer },
    { "GET_DESCRIPTOR(STRING), manufacturer", manufacturer_wanted, manufacturer_setup, manufacturer_answer },
    { "GET_DESCRIPTOR(STRING), product", product_wanted, product_setup, product_answer },
    { "GET_DESCRIPTOR(STRING), serial number", serial_wanted, serial_setup, serial_answer },
    { "GET_DESCRIPTOR(STRING 0xEE)", ms_os_wanted, ms_os_setup, ms_os_answer },
    { "SET_CONFIGURATION", NULL, configure_setup, configure_answer },
};
#define STEPS (sizeof steps / sizeof steps[0])
#define STEP_AFTER_ADDRESS 2U
#define STEPS_FORWARD 6U                /* up to the configuration descriptor */

static void finish(struct usbhost *h)
{
    h->configured = true;
    h->attempts = 0;
    chip_trace(h->chip, TRACE_USB, "usb: configured %04x:%04x \"%s\" \"%s\" \"%s\"%s", h->info.vid, h->info.pid,
               h->info.manufacturer, h->info.product, h->info.serial, h->info.cdc_acm ? ", CDC-ACM" : "");
    if (h->info.cdc_acm && !h->options.forward)
        cdc_bind(h);
    if (h->client.configured != NULL)
        h->client.configured(h->client.owner, &h->info);
}

static void step_done(void *owner, struct control_request *r, enum urb_status status)
{
    struct usbhost *h = owner;
    const struct step *step = &steps[h->step];
    char text[128];

    switch (step->answer(h, status, r->data, r->done)) {
    case STEP_NEXT:
        h->step++;
        if (h->step == STEP_AFTER_ADDRESS)
            sched_after(chip_sched(h->chip), &h->address_timer, ADDRESS_RECOVERY);
        else
            run_step(h);
        break;
    case STEP_RESET:
        h->step++;
        port_reset(h);
        break;
    case STEP_FAIL:
        snprintf(text, sizeof text, "%s: %s", step->name, status == URB_OK ? "unusable answer" : urb_status_text(status));
        port_transaction_error(h, text);
        break;
    }
}

static void address_settled(void *self)
{
    run_step(self);
}

static void run_step(struct usbhost *h)
{
    size_t end = h->options.forward ? STEPS_FORWARD : STEPS;
    uint8_t setup[8];

    while (h->step < end && steps[h->step].wanted != NULL && !steps[h->step].wanted(h))
        h->step++;
    if (h->step >= end) {
        finish(h);
        return;
    }
    steps[h->step].setup(h, setup);
    control_submit(&h->control, setup, NULL, h, step_done);
}

void enumerate_init(struct usbhost *h)
{
    h->address_timer = (struct sched_event){ .fire = address_settled, .owner = h };
}

void enumerate_first(struct usbhost *h)
{
    h->step = 0;
    h->address = 0;
    h->control.address = 0;
    h->control.max_packet = WIRE_MAX_PACKET;
    memset(&h->device, 0, sizeof h->device);
    memset(&h->config, 0, sizeof h->config);
    memset(&h->info, 0, sizeof h->info);
}

void enumerate_go_on(struct usbhost *h)
{
    run_step(h);
}

/* --- requests from outside -------------------------------------------------------------------------------------------------- */

static void user_done(void *owner, struct control_request *r, enum urb_status status)
{
    enum usbhost_result result = status == URB_OK ? USBHOST_OK : status == URB_STALL ? USBHOST_STALL : USBHOST_FAILED;

    if (r->user_complete != NULL)
        r->user_complete(owner, result, r->data, r->done);
}

bool usbhost_control(struct usbhost *h, const uint8_t setup[8], const uint8_t *data, void *owner,
                     void (*complete)(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes))
{
    if (!h->configured)
        return false;
    control_submit(&h->control, setup, data, owner, user_done)->user_complete = complete;
    return true;
}
