/* SPDX-License-Identifier: MIT */
/* What a device says of itself, read strictly: every violation of USB 2.0 chapter 9 or CDC is one line of report. */
/* Sources: USB 2.0 §9.6; USB CDC 1.2 §5.2.3; PSTN 1.2 §5.3.2 (ACM functional descriptor) */
#ifndef VCPBOARD_USBHOST_DESCRIPTOR_H
#define VCPBOARD_USBHOST_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USB_DT_DEVICE 1U
#define USB_DT_CONFIG 2U
#define USB_DT_STRING 3U
#define USB_DT_INTERFACE 4U
#define USB_DT_ENDPOINT 5U
#define USB_DT_DEVICE_QUALIFIER 6U
#define USB_DT_CS_INTERFACE 0x24U
#define USB_DEVICE_BYTES 18U
#define USB_CONFIG_BYTES 9U

struct usb_device_desc {
    uint16_t bcd_usb, vid, pid, bcd_device;
    uint8_t class, max_packet0, configurations;
    uint8_t i_manufacturer, i_product, i_serial;
};

struct usb_endpoint {
    uint8_t address;                    /* 0: there is none */
    uint8_t interval;
    uint16_t max_packet;
};

struct usb_config {
    uint8_t value, attributes, interfaces;
    uint16_t total_bytes;
    bool cdc_acm;                       /* a communication interface of the ACM kind with its data interface is there */
    uint8_t control_interface, data_interface;
    struct usb_endpoint notify, in, out;
};

/* Each line of complaint, without a newline. */
struct desc_report {
    void *owner;
    void (*line)(void *owner, const char *text);
};

/* false: unusable. A violation that a host can live with is reported, and the answer is still true. */
bool desc_parse_device(const uint8_t *d, size_t bytes, struct usb_device_desc *out, const struct desc_report *r);
bool desc_parse_config(const uint8_t *d, size_t bytes, struct usb_config *out, const struct desc_report *r);

/* A string descriptor as UTF-8, always terminated; false if it is no proper one. */
bool desc_parse_string(const uint8_t *d, size_t bytes, char *text, size_t size, const struct desc_report *r);

#endif
