/* SPDX-License-Identifier: MIT */
/* vcpboot, the application's side.
 *
 * Add this file and vcpboot_app.c to a firmware for the STM32F4. They need neither HAL nor CMSIS, no heap and no interrupt.
 * C99, or C++ (extern "C" below). sdk/README.md shows where the calls go in a CubeMX project.
 *
 *   VCPBOOT_INFO("my product", "1.2.3", VCPBOOT_CONFIRMS)     once, at file scope
 *   vcpboot_line_coding(baud)        in the USB request SET_LINE_CODING
 *   vcpboot_control_line(dtr)        in the USB request SET_CONTROL_LINE_STATE
 *   vcpboot_poll(now_ms)             in the main loop, or in a 1 ms interrupt
 *   vcpboot_answer(...)              first thing with every received packet
 *   vcpboot_confirm()                when the application knows that it works
 */
/* Sources: docs/SPEC.md sections 2, 3 and 5.3 */
#ifndef VCPBOOT_APP_H
#define VCPBOOT_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- who am I ----------------------------------------------------------------------------------------------------------
 *
 * VCPBOOT_INFO(product, version, flags) defines the info block. `vcpboot info` prints it, and `vcpboot update` refuses a
 * file whose product differs from the installed one's.
 *   product, version: string literals, UTF-8, at most 31 bytes; a longer one does not compile.
 *   flags: 0, or VCPBOOT_CONFIRMS.
 * The linker must keep the section .vcpboot_info: KEEP(*(.vcpboot_info)) (sdk/vcpboot_app.ld). */

/* The application calls vcpboot_confirm(). After three starts without that call, the bootloader keeps the control. */
#define VCPBOOT_CONFIRMS 0x01U

#define VCPBOOT_TEXT_BYTES 32

struct vcpboot_info {
    char magic[8];
    uint16_t bytes, format;
    uint16_t product_type, product_bytes;
    char product[VCPBOOT_TEXT_BYTES];
    uint16_t version_type, version_bytes;
    char version[VCPBOOT_TEXT_BYTES];
    uint16_t flags_type, flags_bytes;
    uint32_t flags;
};
#define VCPBOOT_INFO_HEADER_BYTES 12U
#define VCPBOOT_INFO_ENTRIES_BYTES 80U

extern const struct vcpboot_info vcpboot_info;

#define VCPBOOT_INFO(product_text, version_text, flag_bits)                                                                   \
    typedef char vcpboot_product_is_too_long[sizeof(product_text) <= VCPBOOT_TEXT_BYTES ? 1 : -1];                            \
    typedef char vcpboot_version_is_too_long[sizeof(version_text) <= VCPBOOT_TEXT_BYTES ? 1 : -1];                            \
    const struct vcpboot_info vcpboot_info __attribute__((used, section(".vcpboot_info"), aligned(4))) = {                    \
        { 'V', 'C', 'P', 'B', 'I', 'N', 'F', 'O' }, VCPBOOT_INFO_ENTRIES_BYTES, 1,                                            \
        1, VCPBOOT_TEXT_BYTES, product_text, 2, VCPBOOT_TEXT_BYTES, version_text, 6, 4, flag_bits                             \
    }

/* --- into the bootloader ------------------------------------------------------------------------------------------------- */

/* Requests of vcpboot_enter. */
#define VCPBOOT_BOOTLOADER 1U
#define VCPBOOT_DFU 2U                  /* as a DfuSe device, by default 0483:df11, for dfu-util and STM32CubeProgrammer */
#define VCPBOOT_ROM 3U                  /* not vcpboot at all: ST's own loader in system memory */

/* Resets into the bootloader. Does not return. Overwrites the first 16 bytes of SRAM (0x20000000): the last act of the
 * application, so whatever lives there is no longer needed. Save what must be saved, and let USB finish, before. */
void vcpboot_enter(uint32_t request);

/* The PC side asks for the bootloader by opening the port at 1200 baud and closing it again. These three see to it.
 * All of them are short, and may be called from an interrupt. */
void vcpboot_line_coding(uint32_t baud);
/* dtr: bit 0 of the request's wValue. True: the bootloader has been asked for and vcpboot_poll will enter it; the application
 * has about 100 ms to put its house in order. */
bool vcpboot_control_line(bool dtr);
/* now_ms: any millisecond counter, wrap-around included. Enters the bootloader 100 ms after it was asked for, so that the USB stack
 * can finish the transfer by which it was asked. Call it at least every few milliseconds. */
void vcpboot_poll(uint32_t now_ms);

/* --- I work ----------------------------------------------------------------------------------------------------------------- */

#define VCPBOOT_OK 0
#define VCPBOOT_UNSEALED (-1)           /* not installed by vcpboot (a debugger loaded it): there is nothing to confirm */
#define VCPBOOT_FLASH_BUSY (-2)         /* the application itself uses the flash controller: try again */
#define VCPBOOT_FLASH_FAILED (-3)       /* the bit could not be cleared: the sector is write-protected? */

/* Tells the bootloader that this firmware works, by clearing one bit of the life word in its own vector table; no erase.
 * The first call for an installed image takes up to 100 us, in which fetches from flash, interrupts included, wait; every
 * later one, also after a reset, does nothing and returns VCPBOOT_OK. Not from an interrupt that can interrupt the
 * application's own use of the flash controller. Works at any supply voltage: it programs one byte (PSIZE x8). */
int vcpboot_confirm(void);

/* --- who is asking ------------------------------------------------------------------------------------------------------------ */

#define VCPBOOT_ANSWER_BYTES 160U       /* what vcpboot_answer writes */

/* Is this packet the PC side's question "who are you"? in, n: a packet as USB delivered it. Returns the number of bytes that
 * it wrote to out (cap at least VCPBOOT_ANSWER_BYTES) and that are to be sent, or 0: the packet is not for vcpboot, the
 * application takes it. With it `vcpboot list`, `info` and `update` see which firmware runs. */
size_t vcpboot_answer(const uint8_t *in, size_t n, uint8_t *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
