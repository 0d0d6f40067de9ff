/* SPDX-License-Identifier: MIT */
/* What an update needs of a flash. On the chip: hal/stm32f4/flash.c and crc.c. On the PC: tests/unit/fake_flash.c. */
#ifndef VCPBOOT_UPDATE_FLASH_H
#define VCPBOOT_UPDATE_FLASH_H

#include <stddef.h>
#include <stdint.h>

#define FLASH_SECTORS_MAX 24U

struct flash_sector { uint32_t addr, bytes; };

/* The sectors of one region, ascending and contiguous. */
struct flash_area {
    const struct flash_sector *sector;
    size_t count;
};

enum flash_result {
    FLASH_OK = 0,
    FLASH_BUSY = 1,                     /* under way: ask again */
    FLASH_E_FAILED = 2,                 /* the controller set an error flag */
    FLASH_E_PROTECTED = 3,              /* WRPERR */
    FLASH_E_TIMEOUT = 4,                /* BSY never cleared */
    FLASH_E_WRONG = 5,                  /* no flag, and the word reads back as something else */
};

/* One operation at a time; each begin is followed by flash_poll until it is no longer FLASH_BUSY. Begin clears stale error flags and
 * does not wait; poll waits for some microseconds at most. Addresses come from a flash_area: the callee does not check them again. */
void flash_erase_begin(uint32_t sector_addr, uint32_t now_ms);
/* A run of words, the lowest first; p: their bytes, little-endian, the caller's until the end. A word of all ones is passed over: an
 * erase leaves just that. Each other is read back, past the caches, before the next one begins. */
void flash_program_begin(uint32_t addr, const uint8_t *p, size_t words, uint32_t now_ms);
/* No further word of the run is begun; what is under way still ends by flash_poll. */
void flash_stop(void);
enum flash_result flash_poll(uint32_t now_ms);
uint32_t flash_address(void);           /* of the sector or the word that was begun last */
uint32_t flash_words(void);             /* how many words have been begun since reset */
/* Sets the write protection of the area's sectors (option bytes nWRP, RM0090 §3.9.10): a bit for each, bit 0 = the area's first;
 * what lies outside of the area keeps its own. The area has one sector at least. Begin and poll as above; takes effect at once.
 * flash_protected tells what is set. */
void flash_protect_begin(const struct flash_area *area, uint32_t sectors, uint32_t now_ms);
uint32_t flash_protected(const struct flash_area *area);
uint32_t flash_status_register(void);   /* FLASH_SR as the last failed operation left it */

/* The array itself, past every cache: 4-aligned. */
uint32_t flash_read(uint32_t addr);

/* The CRC unit. One computation at a time: reset, then words and blocks in any mix, the value so far is returned. */
void flash_crc_reset(void);
uint32_t flash_crc_word(uint32_t word);
uint32_t flash_crc_block(uint32_t addr, size_t words);

#endif
