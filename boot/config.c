/* SPDX-License-Identifier: MIT */
/* The config block as it is built: the CubeMX VCP's identity, the application behind the small sectors. */
/* Sources: docs/SPEC.md section 4; identity: ST's CubeMX template of the CDC class */
#include "boot/config.h"

#define ALL_ONES_8 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF

/* A maker may patch it after the link, so nothing may be computed from it at build time: this file is compiled without LTO. */
const struct config boot_config __attribute__((section(".config"), used)) = {
    .magic = CONFIG_MAGIC,
    .format = CONFIG_FORMAT,
    .length = CONFIG_BYTES,
    .app_base = 0x08010000U,
    .policy = 0,
    .hse_hz = 8000000U,
    .idle_exit_ms = 30000U,
    .usb_vid = 0x0483U,
    .usb_pid = 0x5740U,
    .pin_port = 0,
    .pin_number = 0,
    .psize = 2,
    .manufacturer = "STMicroelectronics",
    .product = "STM32 Virtual ComPort",
    .image_product = "",
    .dfu_vid = 0x0483U,                 /* as ST's own loader: every driver and client knows it */
    .dfu_pid = 0xDF11U,
    .reserved = { 0xFF, 0xFF, 0xFF, 0xFF, ALL_ONES_8, ALL_ONES_8, ALL_ONES_8, ALL_ONES_8, ALL_ONES_8, ALL_ONES_8, ALL_ONES_8 },
};
