/* SPDX-License-Identifier: MIT */
/* Steps on the flash controller that the driver and the boot decision share. No state but the controller's own. */
/* Sources: RM0090 Rev 21 §3.6, §3.9.5 */
#ifndef VCPBOOT_FLASH_CTL_H
#define VCPBOOT_FLASH_CTL_H

#include <stdint.h>

#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/regs.h"
#include "update/flash.h"

#define FLASH_PSIZE_X8 0U
#define FLASH_PSIZE_X16 1U
#define FLASH_PSIZE_X32 2U
#define FLASH_BASE 0x08000000U

/* x8 works at every supply: what a config that makes no sense gets. */
static inline unsigned flash_ctl_psize(unsigned psize)
{
    return psize <= FLASH_PSIZE_X32 ? psize : FLASH_PSIZE_X8;
}

/* Ready for an operation: unlocked, no stale flag. A NULL write by the application sets PGSERR, and a flag that stands makes
 * the next operation look failed. The keys only when locked: in any other state they are a bus error (§3.6.1). */
static inline void flash_ctl_unlock(void)
{
    if ((FLASH->CR & FLASH_CR_LOCK) != 0) {
        FLASH->KEYR = FLASH_KEYR_KEY1;
        FLASH->KEYR = FLASH_KEYR_KEY2;
    }
    FLASH->SR = FLASH_SR_ERRORS | FLASH_SR_EOP; /* rc_w1 */
}

static inline void flash_ctl_lock(void)
{
    FLASH->SR = FLASH_SR_ERRORS | FLASH_SR_EOP;
    FLASH->CR = FLASH_CR_LOCK;
}

/* What SR says when BSY has fallen. */
static inline enum flash_result flash_ctl_result(uint32_t sr)
{
    if ((sr & FLASH_SR_ERRORS) == 0) return FLASH_OK;
    return (sr & FLASH_SR_WRPERR) != 0 ? FLASH_E_PROTECTED : FLASH_E_FAILED;
}

/* 4 x 16 KB, 64 KB, then 128 KB each (table 5). */
static inline uint32_t flash_ctl_sector_number(uint32_t sector_addr)
{
    uint32_t offset = sector_addr - FLASH_BASE;

    if (offset < 0x10000U) return offset / 0x4000U;
    return 4U + offset / 0x20000U;
}

#endif
