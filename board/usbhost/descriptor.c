/* SPDX-License-Identifier: MIT */
/* Descriptors, read strictly. */
/* Sources: USB 2.0 §9.6.1 (device), §9.6.3 (configuration), §9.6.5, §9.6.6, §9.6.7, §5.5.3, §5.7.3, §5.8.3; CDC 1.2 §5.2.3 */
#include "board/usbhost/descriptor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLASS_CDC 0x02U
#define CLASS_CDC_DATA 0x0AU
#define SUBCLASS_ACM 0x02U
#define CDC_HEADER 0x00U
#define CDC_UNION 0x06U
#define INTERFACES_MAX 16U
#define ATTR_RESERVED_ONE 0x80U
#define ATTR_RESERVED_ZERO 0x1FU
#define XFER_TYPE_MASK 0x03U
#define XFER_BULK 2U
#define XFER_INTERRUPT 3U

struct parse {
    const struct desc_report *report;
    struct usb_config *out;
    uint8_t class, subclass, number;    /* the interface being read */
    uint8_t endpoints_said, endpoints_seen;
    uint32_t interfaces;                /* bit n: interface n was there */
    uint32_t endpoints;                 /* bit n: OUT n, bit 16 + n: IN n */
    uint8_t control_interface, union_data;
    bool have_control, have_union, have_header;
    struct usb_endpoint data_in, data_out;
};

__attribute__((format(printf, 2, 3)))
static void say(const struct desc_report *r, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->line(r->owner, text);
}

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* --- device ---------------------------------------------------------------------------------------------------------- */

static bool control_packet_ok(uint8_t bytes)
{
    return bytes == 8 || bytes == 16 || bytes == 32 || bytes == 64;
}

bool desc_parse_device(const uint8_t *d, size_t bytes, struct usb_device_desc *out, const struct desc_report *r)
{
    if (bytes < USB_DEVICE_BYTES || d[0] != USB_DEVICE_BYTES || d[1] != USB_DT_DEVICE) {
        say(r, "device descriptor: %u bytes, bLength %u, type %u", (unsigned)bytes, bytes > 0 ? d[0] : 0, bytes > 1 ? d[1] : 0);
        return false;
    }
    *out = (struct usb_device_desc){ .bcd_usb = le16(d + 2), .class = d[4], .max_packet0 = d[7], .vid = le16(d + 8),
                                     .pid = le16(d + 10), .bcd_device = le16(d + 12), .i_manufacturer = d[14],
                                     .i_product = d[15], .i_serial = d[16], .configurations = d[17] };
    if (!control_packet_ok(out->max_packet0)) {
        say(r, "device descriptor: bMaxPacketSize0 is %u, not 8, 16, 32 or 64", out->max_packet0);
        return false;
    }
    if (out->configurations == 0) {
        say(r, "device descriptor: bNumConfigurations is 0");
        return false;
    }
    if (out->bcd_usb < 0x0100 || out->bcd_usb > 0x0210)
        say(r, "device descriptor: bcdUSB is %04X", out->bcd_usb);
    return true;
}

/* --- configuration --------------------------------------------------------------------------------------------------- */

static void close_interface(struct parse *p)
{
    if (p->endpoints_seen != p->endpoints_said)
        say(p->report, "interface %u: bNumEndpoints is %u, %u are there", p->number, p->endpoints_said, p->endpoints_seen);
    p->endpoints_seen = p->endpoints_said = 0;
}

static void on_interface(struct parse *p, const uint8_t *d)
{
    close_interface(p);
    p->number = d[2];
    p->endpoints_said = d[4];
    p->class = d[5];
    p->subclass = d[6];
    if (d[2] >= p->out->interfaces || d[2] >= INTERFACES_MAX) {
        say(p->report, "interface number %u, but bNumInterfaces is %u", d[2], p->out->interfaces);
        return;
    }
    if (d[3] == 0 && (p->interfaces & 1U << d[2]))
        say(p->report, "interface %u is there twice", d[2]);
    p->interfaces |= 1U << d[2];
    if (p->class == CLASS_CDC && p->subclass == SUBCLASS_ACM && !p->have_control) {
        p->have_control = true;
        p->control_interface = d[2];
    }
}

static void on_cdc_functional(struct parse *p, const uint8_t *d)
{
    if (p->class != CLASS_CDC)
        return;
    if (d[2] == CDC_HEADER)
        p->have_header = true;
    else if (!p->have_header)
        say(p->report, "interface %u: the CDC header is not the first functional descriptor", p->number);
    if (d[2] == CDC_UNION && d[0] >= 5 && p->number == p->control_interface) {
        if (d[3] != p->number)
            say(p->report, "interface %u: the union's bControlInterface is %u", p->number, d[3]);
        p->have_union = true;
        p->union_data = d[4];
    }
}

static void check_endpoint(const struct parse *p, const uint8_t *d)
{
    unsigned type = d[3] & XFER_TYPE_MASK;
    uint16_t packet = le16(d + 4);

    if ((d[2] & 0x70U) != 0 || (d[2] & 0x0FU) == 0)
        say(p->report, "endpoint address 0x%02X", d[2]);
    if (p->endpoints & 1U << ((d[2] & 0x0FU) + (d[2] & 0x80U ? 16U : 0U)))
        say(p->report, "endpoint 0x%02X is there twice", d[2]);
    if (type == XFER_BULK && !(packet == 8 || packet == 16 || packet == 32 || packet == 64))
        say(p->report, "bulk endpoint 0x%02X: wMaxPacketSize is %u, not 8, 16, 32 or 64", d[2], packet);
    if (type == XFER_INTERRUPT && (packet == 0 || packet > 64))
        say(p->report, "interrupt endpoint 0x%02X: wMaxPacketSize is %u, not 1 to 64", d[2], packet);
    if (type == XFER_INTERRUPT && d[6] == 0)
        say(p->report, "interrupt endpoint 0x%02X: bInterval is 0", d[2]);
}

static void on_endpoint(struct parse *p, const uint8_t *d)
{
    struct usb_endpoint ep = { .address = d[2], .interval = d[6], .max_packet = (uint16_t)(le16(d + 4) & 0x7FFU) };
    unsigned type = d[3] & XFER_TYPE_MASK;

    check_endpoint(p, d);
    p->endpoints_seen++;
    p->endpoints |= 1U << ((d[2] & 0x0FU) + (d[2] & 0x80U ? 16U : 0U));
    if (ep.max_packet == 0 || ep.max_packet > 64)
        return;
    if (p->class == CLASS_CDC && type == XFER_INTERRUPT && (d[2] & 0x80U) && p->number == p->control_interface)
        p->out->notify = ep;
    if (p->class == CLASS_CDC_DATA && type == XFER_BULK && (!p->have_union || p->number == p->union_data)) {
        if (d[2] & 0x80U)
            p->data_in = ep;
        else
            p->data_out = ep;
        p->out->data_interface = p->number;
    }
}

static bool length_ok(const struct parse *p, const uint8_t *d)
{
    static const struct { uint8_t type, bytes; } known[] = { { USB_DT_INTERFACE, 9 }, { USB_DT_ENDPOINT, 7 } };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (d[1] == known[i].type && d[0] != known[i].bytes) {
            say(p->report, "descriptor of type %u: bLength is %u, not %u", d[1], d[0], known[i].bytes);
            return false;
        }
    }
    return d[1] != USB_DT_CS_INTERFACE || d[0] >= 3;
}

static void walk(struct parse *p, const uint8_t *d, size_t bytes)
{
    size_t at = d[0];

    while (at < bytes) {
        const uint8_t *e = d + at;

        if (bytes - at < 2 || e[0] < 2 || e[0] > bytes - at) {
            say(p->report, "configuration descriptor: a descriptor at byte %u does not fit", (unsigned)at);
            break;
        }
        if (length_ok(p, e)) {
            if (e[1] == USB_DT_INTERFACE)
                on_interface(p, e);
            else if (e[1] == USB_DT_ENDPOINT)
                on_endpoint(p, e);
            else if (e[1] == USB_DT_CS_INTERFACE)
                on_cdc_functional(p, e);
        }
        at += e[0];
    }
    close_interface(p);
}

static void conclude(struct parse *p)
{
    struct usb_config *c = p->out;

    for (unsigned n = 0; n < c->interfaces && n < INTERFACES_MAX; n++) {
        if (!(p->interfaces & 1U << n))
            say(p->report, "interface %u of %u is missing", n, c->interfaces);
    }
    if (!p->have_control)
        return;
    c->control_interface = p->control_interface;
    c->in = p->data_in;
    c->out = p->data_out;
    if (!p->have_header)
        say(p->report, "CDC interface %u has no header functional descriptor", p->control_interface);
    if (!p->have_union)
        say(p->report, "CDC interface %u has no union functional descriptor", p->control_interface);
    c->cdc_acm = c->in.address != 0 && c->out.address != 0;
    if (!c->cdc_acm)
        say(p->report, "CDC interface %u: no data interface with a bulk endpoint each way", p->control_interface);
}

bool desc_parse_config(const uint8_t *d, size_t bytes, struct usb_config *out, const struct desc_report *r)
{
    struct parse p = { .report = r, .out = out };

    memset(out, 0, sizeof *out);
    if (bytes < USB_CONFIG_BYTES || d[0] != USB_CONFIG_BYTES || d[1] != USB_DT_CONFIG) {
        say(r, "configuration descriptor: %u bytes, bLength %u, type %u", (unsigned)bytes, bytes > 0 ? d[0] : 0,
            bytes > 1 ? d[1] : 0);
        return false;
    }
    out->total_bytes = le16(d + 2);
    out->interfaces = d[4];
    out->value = d[5];
    out->attributes = d[7];
    if (out->value == 0) {
        say(r, "configuration descriptor: bConfigurationValue is 0");
        return false;
    }
    if (!(d[7] & ATTR_RESERVED_ONE) || (d[7] & ATTR_RESERVED_ZERO))
        say(r, "configuration descriptor: bmAttributes is 0x%02X: bit 7 must be 1, bits 4 to 0 must be 0", d[7]);
    if (d[8] > 250)
        say(r, "configuration descriptor: bMaxPower is %u mA, more than 500", 2U * d[8]);
    if (bytes == USB_CONFIG_BYTES)
        return true;                    /* the first look, only for wTotalLength */
    if (out->total_bytes != bytes)
        say(r, "configuration descriptor: wTotalLength is %u, %u bytes came", out->total_bytes, (unsigned)bytes);
    walk(&p, d, bytes);
    conclude(&p);
    return true;
}

/* --- strings --------------------------------------------------------------------------------------------------------- */

static size_t put_utf8(char *text, uint16_t unit)
{
    if (unit < 0x80) {
        text[0] = (char)unit;
        return 1;
    }
    if (unit < 0x800) {
        text[0] = (char)(0xC0 | unit >> 6);
        text[1] = (char)(0x80 | (unit & 0x3F));
        return 2;
    }
    text[0] = (char)(0xE0 | unit >> 12);
    text[1] = (char)(0x80 | (unit >> 6 & 0x3F));
    text[2] = (char)(0x80 | (unit & 0x3F));
    return 3;
}

bool desc_parse_string(const uint8_t *d, size_t bytes, char *text, size_t size, const struct desc_report *r)
{
    size_t at = 0;

    text[0] = '\0';
    if (bytes < 2 || d[1] != USB_DT_STRING || d[0] != bytes || bytes % 2U != 0) {
        say(r, "string descriptor: %u bytes, bLength %u, type %u", (unsigned)bytes, bytes > 0 ? d[0] : 0, bytes > 1 ? d[1] : 0);
        return false;
    }
    for (size_t i = 2; i + 1 < bytes && size - at > 3; i += 2)
        at += put_utf8(text + at, le16(d + i));
    text[at] = '\0';
    return true;
}
