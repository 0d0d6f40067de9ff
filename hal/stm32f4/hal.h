/* SPDX-License-Identifier: MIT */
/* What the bootloader asks of the chip, beside flash (update/flash.h) and USB (usb/dcd.h). The only room that names a register. */
#ifndef VCPBOOT_HAL_H
#define VCPBOOT_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/seal.h"
#include "update/flash.h"

/* --- identity ------------------------------------------------------------------------------------------------------- */
struct chip_id { uint16_t dev_id, rev_id, flash_kb; uint8_t uid[12]; };
void chip_id_read(struct chip_id *id);
/* Where an image may live: from base to the end of flash. False: base is not the start of a sector, or it is the bootloader's. */
bool chip_where(uint32_t base, struct seal_area *where);
/* The same, and the sectors there. */
bool chip_area(uint32_t base, struct flash_area *area, struct seal_area *where);

/* --- reset, core ------------------------------------------------------------------------------------------------------ */
bool reset_was_software(void);          /* RCC_CSR.SFTRSTF; flags are left as they are, for the application */
void core_use_ram_vectors(void);        /* VTOR to the updater's own table in SRAM */
_Noreturn void core_start(uint32_t base);       /* VTOR, MSP, jump: the chip is as reset left it */
#define ROM_BASE 0x1FFF0000U            /* system memory, with ST's loader (RM0090 §3.4 table 5) */
#define ROM_BYTES 0x7800U
#define RAM_BASE 0x20000000U
#define RAM_BYTES 0x20000U
_Noreturn void core_start_rom(uint32_t sp, uint32_t pc);        /* the same for that loader, which then stands at 0 as well */
_Noreturn void core_reset(void);

/* --- clocks ------------------------------------------------------------------------------------------------------------- */
/* For the CRC at boot: PLL on the HSI, flash caches on. False: the PLL did not lock; the HSI goes on at 16 MHz. */
bool clock_boot_fast(void);
void clock_boot_restore(void);          /* back to what reset left, caches off and flushed */
/* For the updater: 168 MHz from a crystal of hse_hz, 48 MHz for USB, flash caches off. False: no crystal; HSI instead, and USB
 * may not work. */
bool clock_usb(uint32_t hse_hz);

/* --- time: polled, no interrupt ------------------------------------------------------------------------------------------ */
void time_init(void);                   /* after clock_usb */
uint32_t time_ms(void);                 /* call at least once a second */

/* --- the CRC unit (update/flash.h) ---------------------------------------------------------------------------------------- */
void flash_crc_off(void);               /* after flash_crc_reset: as reset left it, its clock off */

/* --- odds and ends ---------------------------------------------------------------------------------------------------------- */
bool pin_active(unsigned port, unsigned number, bool high);     /* with the opposite pull; pin left as reset had it */
void watchdog_stretch(void);            /* if the IWDG runs already: longest period. Never starts it */
void watchdog_feed(void);
void flash_use_psize(unsigned psize);   /* 0 = x8, 1 = x16, 2 = x32: a promise about the supply (RM0090 §3.6.2) */
/* For the boot decision, which has no .bss and so no flash driver: programs one byte, waits for it (bounded), locks the
 * controller again. Bits can only be cleared, so a life word needs no erase. A byte (x8) works at every supply. */
enum flash_result flash_program_byte(uint32_t addr, uint8_t value);
void flash_finish(void);                /* locks the controller, clears its flags, as reset left it */

#endif
