/* SPDX-License-Identifier: MIT */
/* What rcc.c (the registers) and rcc_clock.c (the clocks behind them) share. */
/* Sources: RM0090 §7.3 "RCC registers" */
#ifndef VCPBOARD_PERIPH_RCC_INTERNAL_H
#define VCPBOARD_PERIPH_RCC_INTERNAL_H

#include "board/periph/rcc.h"
#include "board/periph/reg.h"

#define RCC_CR 0x00U
#define RCC_CR_HSION REG_BIT(0)
#define RCC_CR_HSIRDY REG_BIT(1)
#define RCC_CR_HSEON REG_BIT(16)
#define RCC_CR_HSERDY REG_BIT(17)
#define RCC_CR_HSEBYP REG_BIT(18)
#define RCC_CR_CSSON REG_BIT(19)
#define RCC_CR_PLLON REG_BIT(24)
#define RCC_CR_PLLRDY REG_BIT(25)
#define RCC_CR_PLLI2SON REG_BIT(26)
#define RCC_CR_PLLI2SRDY REG_BIT(27)
#define RCC_PLLCFGR 0x04U
#define RCC_PLLCFGR_PLLSRC REG_BIT(22)
#define RCC_CFGR 0x08U
#define RCC_CFGR_SW 0x3U
#define RCC_CFGR_SWS 0xCU
#define RCC_CIR 0x0CU
#define RCC_RSTR_FIRST 0x10U            /* AHB1 AHB2 AHB3 - APB1 APB2: 0x10 to 0x24, then ENR at +0x20, LPENR at +0x40 */
#define RCC_ENR_FIRST 0x30U
#define RCC_LPENR_FIRST 0x50U
#define RCC_BUSES 6U                    /* the fourth word of each group is reserved */
#define RCC_BDCR 0x70U
#define RCC_BDCR_LSEON REG_BIT(0)
#define RCC_BDCR_LSERDY REG_BIT(1)
#define RCC_BDCR_LSEBYP REG_BIT(2)
#define RCC_BDCR_RTCSEL 0x300U
#define RCC_BDCR_RTCEN REG_BIT(15)
#define RCC_BDCR_BDRST REG_BIT(16)
#define RCC_CSR 0x74U
#define RCC_CSR_LSION REG_BIT(0)
#define RCC_CSR_LSIRDY REG_BIT(1)
#define RCC_CSR_RMVF REG_BIT(24)
#define RCC_CSR_FLAGS 0xFE000000U
#define RCC_SSCGR 0x80U
#define RCC_PLLI2SCFGR 0x84U

/* In the order of CIR's bits, so that the number of an oscillator is the number of its flag there. */
enum rcc_source { RCC_LSI, RCC_LSE, RCC_HSI, RCC_HSE, RCC_PLL, RCC_PLLI2S, RCC_SOURCES };

struct rcc_oscillator {
    struct rcc *rcc;
    enum rcc_source which;
    struct sched_event settled;         /* the RDY flag follows the ON bit */
};

struct rcc_gate {                       /* one enable register whose newest bits have not reached their gates yet */
    struct rcc *rcc;
    unsigned bus;
    struct sched_event open;
};

struct rcc {
    struct chip *chip;
    struct pwr *pwr;
    struct periph periph;
    struct rcc_options options;

    uint32_t cr, pllcfgr, cfgr, cir, bdcr, csr, sscgr, plli2scfgr;
    uint32_t rstr[RCC_BUSES], enr[RCC_BUSES], lpenr[RCC_BUSES];
    struct rcc_oscillator osc[RCC_SOURCES];
    struct sched_event switched;        /* SWS follows SW */
    struct rcc_gate gate[RCC_BUSES];
    bool lsi_forced;

    unsigned (*latency)(void *owner);
    void *latency_owner;
    struct rcc_listener *listeners;
    void (*backup_changed)(void *owner);
    void (*backup_reset)(void *owner);
    void *backup_owner;
};

/* rcc_clock.c */
void rcc_clock_init(struct rcc *r);
void rcc_clock_reset(struct rcc *r);                    /* back to the HSI, at once */
void rcc_clock_stop_events(struct rcc *r);
bool rcc_ready(const struct rcc *r, enum rcc_source s);
bool rcc_in_use(const struct rcc *r, enum rcc_source s);        /* drives SYSCLK, directly or through the PLL */
void rcc_switch_oscillator(struct rcc *r, enum rcc_source s);   /* to be called after its ON bit changed */
void rcc_try_switch(struct rcc *r);                     /* to be called after SW changed or a source became ready */
void rcc_retune(struct rcc *r);                         /* recomputes every clock, tells everybody, checks the limits */

/* rcc.c */
void rcc_update_irq(struct rcc *r);
void rcc_backup_clock_changed(struct rcc *r);

#endif
