/* SPDX-License-Identifier: MIT */
/* An application that gives a bootloader trouble: it crashes, starts a watchdog, or leaves the flash controller in a mess.
 * Linked like any application; which trouble is a word of its image, for the test to set before the image is sealed. */
#include "guest.h"

#include "sdk/vcpboot_app.h"

enum { IDLE, CONFIRM, CRASH, WATCHDOG, MESS, WATCHDOG_AND_ENTER };

#define STARTS (*(volatile uint32_t *)0x2001F000)       /* counted here, for the test to read */
#define STARTED 0x57A27000u                             /* with this on top: the RAM is noise after power-on and after a bootloader */
#define SETTINGS 0x0800C000u                            /* sector 3 */

/* IWDG, RM0090 §21.4 */
#define IWDG_KR REG(0x40003000)
#define IWDG_PR REG(0x40003004)
#define IWDG_RLR REG(0x40003008)

extern uint32_t guest_stack_top[];
void trouble_reset(void);

VCPBOOT_INFO("trouble", "1", VCPBOOT_CONFIRMS);

__attribute__((section(".trouble"), used)) const volatile uint32_t trouble = IDLE;

static void restart(void)
{
    SCB_AIRCR = 0x05FA0004u;
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    guest_stack_top, trouble_reset, restart, restart, restart, restart, restart, 0, 0, 0, 0, restart, restart, 0, restart, restart,
};

/* The shortest period there is: 85 us or so (table 107). PR and RLR land only while it runs. */
static void start_watchdog(void)
{
    IWDG_KR = 0xCCCC;
    IWDG_KR = 0x5555;
    IWDG_PR = 0;
    IWDG_RLR = 0;
    IWDG_KR = 0xAAAA;
}

/* Unlocked twice over, PG set, interrupts on, every error flag that a program can earn, and an operation under way. */
static void make_mess(void)
{
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
    FLASH_OPTKEYR = 0x08192A3B;
    FLASH_OPTKEYR = 0x4C5D6E7F;
    *(volatile uint32_t *)SETTINGS = 0;         /* without PG: PGSERR */
    FLASH_CR = 1u | 2u << 8 | 1u << 24 | 1u << 25;
    REG8(SETTINGS) = 0;                         /* not x32: PGPERR, and OPERR for ERRIE */
    REG(0x1FFF0000) = 0;                        /* system memory: WRPERR */
    REG(SETTINGS) = 0;
}

static void idle(void)
{
    for (;;)
        wfi();
}

void trouble_reset(void)
{
    STARTS = (STARTS & ~0xFFFu) == STARTED ? STARTS + 1 : STARTED + 1;
    switch (trouble) {
    case CONFIRM:
        (void)vcpboot_confirm();
        break;
    case CRASH:
        __builtin_trap();
    case WATCHDOG:
        start_watchdog();
        for (;;)
            ;
    case MESS:
        make_mess();
        vcpboot_enter(VCPBOOT_BOOTLOADER);
        break;
    case WATCHDOG_AND_ENTER:
        start_watchdog();
        vcpboot_enter(VCPBOOT_BOOTLOADER);
        break;
    default:
        break;
    }
    idle();
}
