/* SPDX-License-Identifier: MIT */
/* The registers of the STM32F405/407 that the firmware touches, under the manual's own names. */
/* Sources: RM0090 Rev 21 §3.9 FLASH, §4.4 CRC, §5.4 PWR, §7.3 RCC, §8.4 GPIO, §9.2 SYSCFG, §12.3 EXTI, §21.4 IWDG, §30.6 USART,
 * §34.16 OTG_FS, §38.6 DBGMCU, §39 signature; PM0214 §4.3 NVIC, §4.4 SCB; ARM DDI0403 §C1.8 DWT */
#ifndef VCPBOOT_REGS_H
#define VCPBOOT_REGS_H

#include <stddef.h>
#include <stdint.h>

/* --- FLASH (§3.9) --------------------------------------------------------------------------------------------------- */
struct flash_regs { volatile uint32_t ACR, KEYR, OPTKEYR, SR, CR, OPTCR; };
_Static_assert(offsetof(struct flash_regs, CR) == 0x10, "RM0090 table 18");
#define FLASH ((struct flash_regs *)0x40023C00U)

#define FLASH_ACR_LATENCY_7WS 7U
#define FLASH_ACR_LATENCY 7U            /* mask */
#define FLASH_ACR_PRFTEN (1U << 8)
#define FLASH_ACR_ICEN (1U << 9)
#define FLASH_ACR_DCEN (1U << 10)
#define FLASH_ACR_ICRST (1U << 11)
#define FLASH_ACR_DCRST (1U << 12)
#define FLASH_KEYR_KEY1 0x45670123U
#define FLASH_KEYR_KEY2 0xCDEF89ABU
#define FLASH_OPTKEYR_KEY1 0x08192A3BU
#define FLASH_OPTKEYR_KEY2 0x4C5D6E7FU
#define FLASH_SR_EOP (1U << 0)
#define FLASH_SR_OPERR (1U << 1)
#define FLASH_SR_WRPERR (1U << 4)
#define FLASH_SR_PGAERR (1U << 5)
#define FLASH_SR_PGPERR (1U << 6)
#define FLASH_SR_PGSERR (1U << 7)
#define FLASH_SR_BSY (1U << 16)
#define FLASH_SR_ERRORS (FLASH_SR_OPERR | FLASH_SR_WRPERR | FLASH_SR_PGAERR | FLASH_SR_PGPERR | FLASH_SR_PGSERR)
#define FLASH_CR_PG (1U << 0)
#define FLASH_CR_SER (1U << 1)
#define FLASH_CR_SNB(n) ((uint32_t)(n) << 3)
#define FLASH_CR_PSIZE(n) ((uint32_t)(n) << 8)
#define FLASH_CR_STRT (1U << 16)
#define FLASH_CR_LOCK (1U << 31)
#define FLASH_OPTCR_OPTLOCK (1U << 0)
#define FLASH_OPTCR_OPTSTRT (1U << 1)
#define FLASH_OPTCR_NWRP(sectors) ((uint32_t)(sectors) << 16)   /* a bit for each sector; 0 protects it */

/* --- CRC (§4.4) ----------------------------------------------------------------------------------------------------- */
struct crc_regs { volatile uint32_t DR, IDR, CR; };
#define CRC ((struct crc_regs *)0x40023000U)
#define CRC_CR_RESET (1U << 0)

/* --- RCC (§7.3) ----------------------------------------------------------------------------------------------------- */
struct rcc_regs {
    volatile uint32_t CR, PLLCFGR, CFGR, CIR, AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved_1c;
    volatile uint32_t APB1RSTR, APB2RSTR, reserved_28[2], AHB1ENR, AHB2ENR, AHB3ENR, reserved_3c;
    volatile uint32_t APB1ENR, APB2ENR, reserved_48[2], AHB1LPENR, AHB2LPENR, AHB3LPENR, reserved_5c;
    volatile uint32_t APB1LPENR, APB2LPENR, reserved_68[2], BDCR, CSR;
};
_Static_assert(offsetof(struct rcc_regs, AHB1ENR) == 0x30, "RM0090 table 34");
_Static_assert(offsetof(struct rcc_regs, APB2ENR) == 0x44, "RM0090 table 34");
_Static_assert(offsetof(struct rcc_regs, CSR) == 0x74, "RM0090 table 34");
#define RCC ((struct rcc_regs *)0x40023800U)

#define RCC_CR_HSEON (1U << 16)
#define RCC_CR_HSERDY (1U << 17)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_PLLCFGR_RESET 0x24003010U
#define RCC_PLLCFGR_RESERVED 0x20000000U        /* to be kept as reset leaves it */
#define RCC_PLLCFGR_M(n) (n)
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 6)
#define RCC_PLLCFGR_P_2 (0U << 16)
#define RCC_PLLCFGR_SRC_HSE (1U << 22)
#define RCC_PLLCFGR_Q(n) ((uint32_t)(n) << 24)
#define RCC_CFGR_SW 3U
#define RCC_CFGR_SW_HSI 0U
#define RCC_CFGR_SW_PLL 2U
#define RCC_CFGR_SWS (3U << 2)
#define RCC_CFGR_SWS_HSI (0U << 2)
#define RCC_CFGR_SWS_PLL (2U << 2)
#define RCC_CFGR_PPRE1_DIV4 (5U << 10)
#define RCC_CFGR_PPRE2_DIV4 (5U << 13)
#define RCC_AHB1ENR_CRCEN (1U << 12)
#define RCC_AHB1ENR_GPIO(port) (1U << (port))
#define RCC_AHB2ENR_OTGFSEN (1U << 7)
#define RCC_APB2ENR_USART1EN (1U << 4)
#define RCC_APB2ENR_SYSCFGEN (1U << 14)
#define RCC_CSR_SFTRSTF (1U << 28)
#define RCC_CSR_LSION (1U << 0)
#define RCC_CSR_LSIRDY (1U << 1)

/* --- SYSCFG (§9.2) -------------------------------------------------------------------------------------------------- */
#define SYSCFG_MEMRMP (*(volatile uint32_t *)0x40013800U)
#define SYSCFG_MEMRMP_SYSTEM 1U

/* --- GPIO (§8.4) ---------------------------------------------------------------------------------------------------- */
struct gpio_regs { volatile uint32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2]; };
_Static_assert(offsetof(struct gpio_regs, AFR) == 0x20, "RM0090 table 39");
#define GPIO_PORTS 9U                   /* A to I */
#define GPIO(port) ((struct gpio_regs *)(0x40020000U + 0x400U * (port)))
#define GPIO_PULL_UP 1U
#define GPIO_PULL_DOWN 2U
#define GPIO_MODE_AF 2U
#define GPIO_SPEED_VERY_HIGH 3U
#define GPIO_AF_USART1 7U
#define GPIO_AF_OTG_FS 10U

/* --- EXTI (§12.3) --------------------------------------------------------------------------------------------------- */
struct exti_regs { volatile uint32_t IMR, EMR, RTSR, FTSR, SWIER, PR; };
#define EXTI ((struct exti_regs *)0x40013C00U)

/* --- USART (§30.6) -------------------------------------------------------------------------------------------------- */
struct usart_regs { volatile uint32_t SR, DR, BRR, CR1, CR2, CR3, GTPR; };
#define USART1 ((struct usart_regs *)0x40011000U)
#define USART_SR_PE (1U << 0)
#define USART_SR_FE (1U << 1)
#define USART_SR_NF (1U << 2)
#define USART_SR_RXNE (1U << 5)
#define USART_SR_TC (1U << 6)
#define USART_SR_TXE (1U << 7)
#define USART_CR1_RE (1U << 2)
#define USART_CR1_TE (1U << 3)
#define USART_CR1_PCE (1U << 10)
#define USART_CR1_M (1U << 12)
#define USART_CR1_UE (1U << 13)

/* --- IWDG (§21.4) --------------------------------------------------------------------------------------------------- */
struct iwdg_regs { volatile uint32_t KR, PR, RLR, SR; };
#define IWDG ((struct iwdg_regs *)0x40003000U)
#define IWDG_KR_UNLOCK 0x5555U
#define IWDG_KR_RELOAD 0xAAAAU
#define IWDG_PR_DIV256 6U
#define IWDG_RLR_MAX 0xFFFU
#define IWDG_SR_PVU (1U << 0)
#define IWDG_SR_RVU (1U << 1)

/* --- debug and electronic signature (§38.6, §39) ---------------------------------------------------------------------- */
#define DBGMCU_IDCODE (*(const volatile uint32_t *)0xE0042000U)
#define UNIQUE_ID ((const volatile uint32_t *)0x1FFF7A10U)
#define FLASH_SIZE_KB (*(const volatile uint16_t *)0x1FFF7A22U)

/* --- core (PM0214 §4, DDI0403 §C1) --------------------------------------------------------------------------------------- */
#define SCB_VTOR (*(volatile uint32_t *)0xE000ED08U)
#define SCB_AIRCR (*(volatile uint32_t *)0xE000ED0CU)
#define SCB_AIRCR_VECTKEY (0x05FAU << 16)
#define SCB_AIRCR_SYSRESETREQ (1U << 2)
#define NVIC_ISER ((volatile uint32_t *)0xE000E100U)
#define NVIC_ICER ((volatile uint32_t *)0xE000E180U)
#define DEMCR (*(volatile uint32_t *)0xE000EDFCU)
#define DEMCR_TRCENA (1U << 24)
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000U)
#define DWT_CTRL_CYCCNTENA (1U << 0)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004U)

#endif
