/* SPDX-License-Identifier: MIT */
/* RTC: calendar and backup registers. */
#ifndef VCPBOARD_PERIPH_RTC_H
#define VCPBOARD_PERIPH_RTC_H

#include "board/chip.h"
#include "board/periph/pwr.h"
#include "board/periph/rcc.h"

struct rtc;

struct rtc *rtc_new(struct chip *c, struct rcc *rcc, struct pwr *pwr);
void rtc_free(struct rtc *r);

#endif
