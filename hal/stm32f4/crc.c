/* SPDX-License-Identifier: MIT */
/* Reading the array: a word, or the CRC unit's value over many, at four AHB cycles each. */
/* Sources: RM0090 Rev 21 §4.3, §4.4 */
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

/* The updater runs with the caches off, and the boot decision reads nothing that was programmed since the reset. */
uint32_t flash_read(uint32_t addr)
{
    return *(const volatile uint32_t *)addr;
}

void flash_crc_reset(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_CRCEN;
    (void)RCC->AHB1ENR;                 /* the first access after enabling may be lost without it (ES0182 §2.2.13) */
    CRC->CR = CRC_CR_RESET;
}

void flash_crc_off(void)
{
    CRC->CR = CRC_CR_RESET;
    RCC->AHB1ENR &= ~RCC_AHB1ENR_CRCEN;
}

uint32_t flash_crc_word(uint32_t word)
{
    CRC->DR = word;
    return CRC->DR;
}

/* Four words at a time are one line of the flash, and one LDM: loads and the unit's four cycles a word overlap. */
uint32_t flash_crc_block(uint32_t addr, size_t words)
{
    const uint32_t *p = (const uint32_t *)addr;

    for (; words >= 4; words -= 4, p += 4) {
        uint32_t a = p[0], b = p[1], c = p[2], d = p[3];

        CRC->DR = a;
        CRC->DR = b;
        CRC->DR = c;
        CRC->DR = d;
    }
    for (; words != 0; words--) CRC->DR = *p++;
    return CRC->DR;
}
