/* SPDX-License-Identifier: MIT */
/* One byte into the flash, from a program that runs from flash and has no state. */
/* Sources: RM0090 Rev 21 §3.6.4 "Programming"; DS8626 Rev 12 table 40 */
#include "hal/stm32f4/flash_ctl.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/wait.h"

#define PROGRAM_POLLS 20000U            /* the fetch of the next poll stalls until BSY falls: a few are enough, this is the bound */

enum flash_result flash_program_byte(uint32_t addr, uint8_t value)
{
    enum flash_result result = FLASH_E_TIMEOUT;

    flash_ctl_unlock();
    FLASH->CR = FLASH_CR_PG | FLASH_CR_PSIZE(FLASH_PSIZE_X8);
    *(volatile uint8_t *)addr = value;
    barrier_sync();                     /* the store has reached the controller before BSY is looked at */
    if (wait_for(&FLASH->SR, FLASH_SR_BSY, 0, PROGRAM_POLLS)) result = flash_ctl_result(FLASH->SR);
    flash_ctl_lock();
    return result;
}
