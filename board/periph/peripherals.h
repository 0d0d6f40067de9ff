/* SPDX-License-Identifier: MIT */
/* The ordinary peripherals as one set, wired to each other: everything but the CPU's own, FLASH and OTG_FS. */
#ifndef VCPBOARD_PERIPH_PERIPHERALS_H
#define VCPBOARD_PERIPH_PERIPHERALS_H

#include <stdbool.h>

#include "board/chip.h"
#include "board/periph/crc.h"
#include "board/periph/dbgmcu.h"
#include "board/periph/exti.h"
#include "board/periph/gpio.h"
#include "board/periph/iwdg.h"
#include "board/periph/pwr.h"
#include "board/periph/rcc.h"
#include "board/periph/rtc.h"
#include "board/periph/syscfg.h"
#include "board/periph/tim.h"
#include "board/periph/unmodelled.h"
#include "board/periph/usart.h"
#include "board/periph/wwdg.h"

#define PERIPHERALS_USARTS 3U
#define PERIPHERALS_TIMERS 6U           /* TIM2 to TIM7 */

struct peripherals {
    struct pwr *pwr;
    struct rcc *rcc;
    struct gpio *gpio;
    struct exti *exti;
    struct syscfg *syscfg;
    struct crc *crc;
    struct rtc *rtc;
    struct iwdg *iwdg;
    struct wwdg *wwdg;
    struct dbgmcu *dbgmcu;
    struct unmodelled *unmodelled;
    struct usart *usart[PERIPHERALS_USARTS];
    struct tim *tim[PERIPHERALS_TIMERS];
};

/* Left to the caller, who has FLASH and OTG_FS: rcc_set_latency_source(), iwdg_start_by_option(), usart_connect(). */
struct peripherals *peripherals_new(struct chip *c, const struct rcc_options *clocks);
void peripherals_free(struct peripherals *p);

/* For otg_fs_set_pins_source() and otg_fs_set_wakeup_line(), with the set as the owner. */
bool peripherals_usb_pins(void *peripherals);
void peripherals_usb_wakeup(void *peripherals);

#endif
