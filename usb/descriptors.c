/* SPDX-License-Identifier: MIT */
/* The descriptors of the CubeMX virtual COM port: constant bytes, patched with the identity. */
/* Sources: STM32CubeF4 USB device library, CDC class and its desc template (values only); USB 2.0 §9.6; CDC 1.10 §5.2.3 */
#include "usb/descriptors.h"

#include <string.h>

#include "image/bytes.h"

#define DESC_DEVICE 0x01U
#define DESC_STRING 0x03U
#define LANGUAGE_US_ENGLISH 0x0409U

static const uint8_t device_template[USB_DEVICE_DESCRIPTOR_BYTES] = {
    18, DESC_DEVICE,
    0x00, 0x02,                         /* bcdUSB 2.00 */
    0, 0, 0x00,                         /* bDeviceClass, bDeviceSubClass: patched; no protocol */
    64,                                 /* bMaxPacketSize0 */
    0, 0, 0, 0,                         /* idVendor, idProduct: patched */
    0x00, 0x02,                         /* bcdDevice 2.00 */
    USB_STRING_MANUFACTURER, USB_STRING_PRODUCT, USB_STRING_SERIAL,
    1,                                  /* bNumConfigurations */
};

const uint8_t usb_config_descriptor[USB_CONFIG_DESCRIPTOR_BYTES] = {
    /* configuration: 67 bytes, 2 interfaces, self-powered, 100 mA */
    0x09, 0x02, 0x43, 0x00, 0x02, 0x01, 0x00, 0xC0, 0x32,
    /* interface 0: communication, ACM, AT commands */
    0x09, 0x04, 0x00, 0x00, 0x01, 0x02, 0x02, 0x01, 0x00,
    0x05, 0x24, 0x00, 0x10, 0x01,       /* header: CDC 1.10 */
    0x05, 0x24, 0x01, 0x00, 0x01,       /* call management: none, data interface 1 */
    0x04, 0x24, 0x02, 0x02,             /* ACM: line coding, control lines, serial state */
    0x05, 0x24, 0x06, 0x00, 0x01,       /* union: 0 controls 1 */
    0x07, 0x05, 0x82, 0x03, 0x08, 0x00, 0x10,   /* EP2 IN, interrupt, 8 bytes, every 16 ms */
    /* interface 1: data */
    0x09, 0x04, 0x01, 0x00, 0x02, 0x0A, 0x00, 0x00, 0x00,
    0x07, 0x05, 0x01, 0x02, 0x40, 0x00, 0x00,   /* EP1 OUT, bulk, 64 bytes */
    0x07, 0x05, 0x81, 0x02, 0x40, 0x00, 0x00,   /* EP1 IN, bulk, 64 bytes */
};

void usb_device_descriptor(uint8_t out[USB_DEVICE_DESCRIPTOR_BYTES], const struct usb_identity *id, uint8_t device_class)
{
    memcpy(out, device_template, sizeof device_template);
    out[4] = device_class;
    out[5] = device_class;
    store_le16(out + 8, id->vid);
    store_le16(out + 10, id->pid);
}

void usb_number(char *out, size_t digits, uint32_t value, uint32_t base)
{
    while (digits-- != 0) {
        out[digits] = "0123456789ABCDEF"[value % base];
        value /= base;
    }
}

void usb_serial_digits(char out[USB_SERIAL_DIGITS], const uint8_t uid[USB_UID_BYTES])
{
    usb_number(out, 8, load_le32(uid) + load_le32(uid + 8), 16);
    usb_number(out + 8, 4, load_le32(uid + 4) >> 16, 16);
}

static size_t finish_string(uint8_t *out, size_t bytes)
{
    out[0] = (uint8_t)bytes;
    out[1] = DESC_STRING;
    return bytes;
}

/* UTF-16LE of at most `max` ASCII characters, up to a zero. */
static size_t text_string(uint8_t *out, const char *text, size_t max)
{
    size_t n = 2;

    for (size_t i = 0; i < max && text[i] != '\0'; i++) {
        out[n++] = (uint8_t)text[i];
        out[n++] = 0;
    }
    return finish_string(out, n);
}

size_t usb_string_descriptor(uint8_t out[USB_STRING_DESCRIPTOR_MAX], uint8_t index, const struct usb_identity *id)
{
    char serial[USB_SERIAL_DIGITS];

    switch (index) {
    case USB_STRING_LANGUAGES:
        store_le16(out + 2, LANGUAGE_US_ENGLISH);
        return finish_string(out, 4);
    case USB_STRING_MANUFACTURER:
        return text_string(out, id->manufacturer, USB_STRING_CHARS_MAX);
    case USB_STRING_PRODUCT:
        return text_string(out, id->product, USB_STRING_CHARS_MAX);
    case USB_STRING_SERIAL:
        usb_serial_digits(serial, id->uid);
        return text_string(out, serial, sizeof serial);
    case USB_STRING_FUNCTION:
        return id->function != NULL ? text_string(out, id->function, USB_FUNCTION_CHARS_MAX) : 0;
    default:
        return 0;
    }
}
