/* SPDX-License-Identifier: MIT */
/* The updater's vectors, which are in SRAM: a vector in flash cannot be fetched while the flash is busy. */
/* Sources: PM0214 §4.4.4 VTOR; RM0090 §3.6.3 */
#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

extern const char updater_vectors[];     /* boot/vcpboot.ld */

void core_use_ram_vectors(void)
{
    SCB_VTOR = (uint32_t)updater_vectors;
    barrier_sync();
}
