/* SPDX-License-Identifier: MIT */
/* The config block at offset 0x40 of the bootloader (docs/SPEC.md section 4): what a maker changes without compiling. */
#ifndef VCPBOOT_CONFIG_H
#define VCPBOOT_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAGIC 0x43504356U        /* "VCPC" */
#define CONFIG_FORMAT 1U
#define CONFIG_BYTES 192U
#define CONFIG_OFFSET 0x40U             /* from the start of the bootloader */
#define CONFIG_REQUIRE_SEAL 0x1U
#define CONFIG_NO_READ 0x2U
#define CONFIG_PIN 0x4U
#define CONFIG_PIN_HIGH 0x8U
#define CONFIG_USART1 0x10U

struct config {
    uint32_t magic;
    uint16_t format, length;
    uint32_t app_base;
    uint32_t policy;
    uint32_t hse_hz;
    uint32_t idle_exit_ms;
    uint16_t usb_vid, usb_pid;
    uint8_t pin_port, pin_number;
    uint16_t psize;
    char manufacturer[32];
    char product[32];
    char image_product[32];
    uint16_t dfu_vid, dfu_pid;          /* of the DfuSe personality */
    uint8_t reserved[60];
};
_Static_assert(sizeof(struct config) == CONFIG_BYTES, "docs/SPEC.md section 4");
_Static_assert(offsetof(struct config, manufacturer) == 0x20, "docs/SPEC.md section 4");
_Static_assert(offsetof(struct config, dfu_vid) == 0x80, "docs/SPEC.md section 4");

extern const struct config boot_config; /* in flash, at CONFIG_OFFSET */

#endif
