/* SPDX-License-Identifier: MIT */
/* RCC: oscillators, PLLs, the clock tree, clock gates, peripheral resets and reset flags. */
#ifndef VCPBOARD_PERIPH_RCC_H
#define VCPBOARD_PERIPH_RCC_H

#include <stdbool.h>
#include <stdint.h>

#include "board/chip.h"
#include "board/periph/pwr.h"

struct rcc;

struct rcc_options {
    uint32_t hse_hz;                    /* the crystal on OSC_IN; 0: none fitted, HSERDY never comes */
    uint32_t lse_hz;                    /* the watch crystal; 0: none fitted */
    uint32_t lsi_hz;                    /* 17,000 to 47,000 on silicon (DS8626 §5.3.9); 0 means the typical 32,000 */
    /* The erratum "delay after an RCC peripheral clock enabling" (ES0182): the gate opens two bus clocks after the write
     * to the enable register, so an access right behind it is lost unless the register is read back in between. */
    bool enr_latency;
};

/* Somebody whose rate hangs on the clocks: told after every change, with chip_clocks() already new. */
struct rcc_listener {
    void (*changed)(void *owner);
    void *owner;
    struct rcc_listener *next;
};

struct rcc *rcc_new(struct chip *c, struct pwr *pwr, const struct rcc_options *options);
void rcc_free(struct rcc *r);

/* The flash interface's wait states. Until a source is set, wait states are not checked. */
void rcc_set_latency_source(struct rcc *r, unsigned (*latency)(void *owner), void *owner);
/* To be called when the wait states change: looks whether HCLK is still allowed, and reports a guest error if not. */
void rcc_check_limits(struct rcc *r);

void rcc_listen(struct rcc *r, struct rcc_listener *l);         /* l must live as long as the chip */
/* The backup domain's resident (the RTC): `changed` when RTCCLK starts, stops or changes, `reset` on BDRST. */
void rcc_set_backup_listener(struct rcc *r, void (*changed)(void *owner), void (*reset)(void *owner), void *owner);

uint32_t rcc_rtcclk_hz(const struct rcc *r);    /* 0: RTCEN is off, no source is chosen, or it is not ready */
uint32_t rcc_lsi_hz(const struct rcc *r);       /* the LSI's true frequency, running or not */
/* A running IWDG holds the LSI on whatever LSION says (RM0090 §7.2.9); a reset lets go of it. */
void rcc_force_lsi(struct rcc *r);

#endif
