/* SPDX-License-Identifier: MIT */
/* The descriptors of the CubeMX virtual COM port, byte for byte, with an identity that the maker chooses. */
/* Sources: STM32CubeF4 USB device library, CDC class and its desc template (values only); USB 2.0 §9.6; CDC 1.10 §5.2.3 */
#ifndef VCPBOOT_DESCRIPTORS_H
#define VCPBOOT_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

#define USB_DEVICE_DESCRIPTOR_BYTES 18U
#define USB_CONFIG_DESCRIPTOR_BYTES 67U
#define USB_STRING_CHARS_MAX 31U        /* longer strings of the identity are cut: each then takes at most one packet */
#define USB_FUNCTION_CHARS_MAX 71U      /* the same for the function's own */
#define USB_STRING_DESCRIPTOR_MAX (2U + 2U * USB_FUNCTION_CHARS_MAX)
#define USB_UID_BYTES 12U
#define USB_SERIAL_DIGITS 12U

#define VCP_EP_DATA 1U                  /* bulk, both directions */
#define VCP_EP_NOTIFY 2U                /* interrupt IN; never says anything */
#define VCP_NOTIFY_BYTES 8U

enum usb_string { USB_STRING_LANGUAGES = 0, USB_STRING_MANUFACTURER = 1, USB_STRING_PRODUCT = 2, USB_STRING_SERIAL = 3,
                  USB_STRING_FUNCTION = 4 };

/* Everything it points to outlives the stack. Strings: ASCII, at most USB_STRING_CHARS_MAX characters. */
struct usb_identity {
    uint16_t vid, pid;
    const char *manufacturer, *product;
    const char *function;               /* USB_STRING_FUNCTION, at most USB_FUNCTION_CHARS_MAX; NULL: there is none */
    const uint8_t *uid;                 /* USB_UID_BYTES: the chip's unique id, three words little endian */
};

extern const uint8_t usb_config_descriptor[USB_CONFIG_DESCRIPTOR_BYTES];

/* device_class: bDeviceClass and bDeviceSubClass, which are the same number for both functions. */
void usb_device_descriptor(uint8_t out[USB_DEVICE_DESCRIPTOR_BYTES], const struct usb_identity *id, uint8_t device_class);
/* Returns the descriptor's length, 0 if there is no such string (0xEE, Microsoft's probe, among them). */
size_t usb_string_descriptor(uint8_t out[USB_STRING_DESCRIPTOR_MAX], uint8_t index, const struct usb_identity *id);
/* Most significant digit first, exactly that many. base: 10 or 16. */
void usb_number(char *out, size_t digits, uint32_t value, uint32_t base);
/* ST's rule, so that the PC keeps the COM number: the sum of UID words 0 and 2 in eight hex digits, then the upper half of word 1
 * in four. */
void usb_serial_digits(char out[USB_SERIAL_DIGITS], const uint8_t uid[USB_UID_BYTES]);

#endif
