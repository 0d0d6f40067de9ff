/* SPDX-License-Identifier: MIT */
/* A program for the command line: erases sector 4, programs 100 words there, then sleeps, or with the word at 0x0800FFFC
 * set to 0 reads where there is nothing. */
#include "guest.h"

static RAMCODE void wait(void)
{
    while (FLASH_SR & FLASH_BSY)
        ;
}

static RAMCODE void write_all(void)
{
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
    FLASH_CR = 2 | 4 << 3 | 2 << 8;
    FLASH_CR |= 1u << 16;
    wait();
    FLASH_CR = 1 | 2 << 8;
    for (uint32_t i = 0; i < 100; i++) {
        REG(0x08010000 + 4 * i) = i;
        wait();
    }
}

uint32_t guest_main(uint32_t which)
{
    (void)which;
    if (REG(0x0800FFFC) == 0)
        (void)REG(0x30000000);
    write_all();
    for (;;)
        wfi();
}
