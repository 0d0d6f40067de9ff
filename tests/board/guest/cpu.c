/* SPDX-License-Identifier: MIT */
/* Interrupts, SysTick, sleep, stacks and resets, each case leaving a trail of what ran in which order. */
#include "guest.h"

#define TRAIL GUEST_ARGS[16]
#define OUT_A GUEST_ARGS[17]
#define OUT_B GUEST_ARGS[18]
#define OUT_C GUEST_ARGS[19]

enum { CASE_NEST, CASE_SAME_PRIORITY, CASE_ORDER, CASE_BASEPRI, CASE_TAIL_CHAIN, CASE_SUBPRIORITY, CASE_PSP, CASE_SYSTICK,
       CASE_WFI, CASE_PRIMASK_WFI, CASE_SOFT_RESET, CASE_BITBAND, CASE_POLL, CASE_TIMED_POLL, CASE_SLEEP_ON_EXIT, CASE_UNMODELLED,
       CASE_FAULTMASK, CASE_ALIGN, CASE_COUNT, CASE_RAM_POLL, CASE_PLL, CASE_BACKUP_SRAM, CASE_NO_TRACE,
       CASE_TIMED_COUNT, CASE_TIMED_WORK, CASE_TIMED_TICKS, CASE_SPEED };

static volatile uint32_t action = UINT32_MAX, ticks, first_tick, last_tick;

static void step(uint32_t nibble)
{
    TRAIL = TRAIL << 4 | nibble;
}

static void pend(uint32_t irq)
{
    NVIC_ISPR(0) = 1u << irq;
    dsb();
}

void guest_irq0(void)
{
    step(1);
    OUT_C = DWT_CYCCNT;
    if (action == CASE_NEST || action == CASE_SAME_PRIORITY || action == CASE_SUBPRIORITY)
        pend(1);
    step(2);
    OUT_A = DWT_CYCCNT;
}

void guest_irq1(void)
{
    OUT_B = DWT_CYCCNT;
    step(3);
}

void guest_irq2(void)
{
    step(4);
}

void guest_systick(void)
{
    last_tick = DWT_CYCCNT;
    if (ticks++ == 0)
        first_tick = last_tick;
}

void guest_svcall(void)
{
    step(5);
    SCB_ICSR = 1u << 28;                /* PendSV */
}

void guest_pendsv(void)
{
    uint32_t lr;

    __asm__ volatile("mov %0, lr" : "=r"(lr));
    OUT_A = lr;
    step(6);
}

static void setup(uint8_t p0, uint8_t p1, uint8_t p2)
{
    NVIC_IPR8(0) = p0;
    NVIC_IPR8(1) = p1;
    NVIC_IPR8(2) = p2;
    NVIC_ISER(0) = 7;
    cycles_start();
}

static uint32_t nest(uint32_t which, uint8_t p0, uint8_t p1)
{
    setup(p0, p1, 0xF0);
    action = which;
    pend(0);
    step(0xF);
    return TRAIL;
}

static uint32_t order(void)
{
    setup(0x80, 0x40, 0x80);
    irq_disable();
    pend(2);
    pend(0);
    pend(1);
    irq_enable();
    dsb();
    return TRAIL;
}

static uint32_t basepri(void)
{
    uint32_t mask = 0x50, none = 0;

    setup(0x80, 0x40, 0xF0);
    __asm__ volatile("msr basepri, %0" ::"r"(mask));
    pend(0);
    pend(1);
    step(0xE);
    __asm__ volatile("msr basepri, %0" ::"r"(none));
    dsb();
    step(0xF);
    return TRAIL;
}

/* irq0 and irq1 pend together: from the end of one handler to the start of the other. */
static uint32_t tail_chain(void)
{
    setup(0x40, 0x80, 0xF0);
    irq_disable();
    pend(0);
    pend(1);
    irq_enable();
    dsb();
    return OUT_B - OUT_A;
}

static uint32_t psp(void)
{
    static uint32_t stack[64];
    uint32_t top = (uint32_t)(stack + 64), before, after;

    SCB_SHPR8(14) = 0xF0;
    __asm__ volatile("msr psp, %2\n mov r4, #2\n msr control, r4\n isb\n mov %0, sp\n svc 0\n mov %1, sp\n mov r4, #0\n"
                     " msr control, r4\n isb"
                     : "=&r"(before), "=&r"(after) : "r"(top) : "r4", "memory");
    OUT_B = before == top && after == top;
    return TRAIL;
}

static uint32_t systick(void)
{
    cycles_start();
    SYST_RVR = 16000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    while (ticks < 101)
        ;
    OUT_A = last_tick - first_tick;
    SYST_CSR = 0;
    return ticks;
}

static uint32_t sleep_ticks(void)
{
    cycles_start();
    SYST_RVR = 16000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    while (ticks < 100)
        wfi();
    OUT_A = DWT_CYCCNT;
    return ticks;
}

/* A masked interrupt ends the sleep, and runs only when it is unmasked. */
static uint32_t primask_wfi(void)
{
    SYST_RVR = 16000 - 1;
    SYST_CVR = 0;
    irq_disable();
    SYST_CSR = 7;
    wfi();
    OUT_A = ticks;
    irq_enable();
    dsb();
    return ticks;
}

static uint32_t soft_reset(void)
{
    if (GUEST_ARGS[1]++ == 0) {
        RCC_AHB1ENR |= 1;
        SCB_AIRCR = 0x05FA0004;
        for (;;)
            ;
    }
    OUT_A = RCC_AHB1ENR;
    return RCC_CSR;
}

static uint32_t bitband(void)
{
    static volatile uint32_t word;

    word = 0x100;
    REG(0x22000000 + ((uint32_t)&word - 0x20000000) * 32 + 5 * 4) = 1;
    OUT_A = REG(0x22000000 + ((uint32_t)&word - 0x20000000) * 32 + 8 * 4);
    REG(0x42000000 + 0x23830 * 32 + 4 * 4) = 1;         /* RCC_AHB1ENR bit 4 */
    OUT_B = RCC_AHB1ENR >> 4 & 1;
    return word;
}

/* Waits for COUNTFLAG without interrupts, with a pass count that must come out the same however time passes. */
static uint32_t poll(void)
{
    uint32_t passes = 0;

    cycles_start();
    SYST_RVR = 1600000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 5;
    if (GUEST_ARGS[1]) {
        while (!(SYST_CSR & 0x10000))
            passes++;
    } else {
        while (!(SYST_CSR & 0x10000))
            ;
    }
    OUT_A = DWT_CYCCNT;
    return passes;
}

static uint32_t timed_poll(void)
{
    uint32_t start;

    cycles_start();
    start = DWT_CYCCNT;
    while (DWT_CYCCNT - start < 16000000)
        ;
    return DWT_CYCCNT - start;
}

/* How many passes fit into a time: their number is in a register. */
static uint32_t timed_count(void)
{
    uint32_t start, passes = 0;

    cycles_start();
    start = DWT_CYCCNT;
    while (DWT_CYCCNT - start < 1600000)
        passes++;
    return passes;
}

/* Work in RAM, piece by piece, and a look at the clock behind each. */
static uint32_t timed_work(void)
{
    static volatile uint32_t piece[64], next;
    uint32_t start;

    cycles_start();
    start = DWT_CYCCNT;
    while (DWT_CYCCNT - start < 160000) {
        uint32_t at = next;

        piece[at & 63] = at;
        next = at + 1;
    }
    return next + piece[63];
}

/* As a firmware's main loop has it: milliseconds counted in RAM, a copy of the counter beside them, and an end by the milliseconds. */
static uint32_t timed_ticks(void)
{
    static volatile uint32_t counted, looked, ms;

    cycles_start();
    counted = DWT_CYCCNT;
    while (ms < 50) {
        looked = DWT_CYCCNT;
        if (looked - counted >= 16000) {
            counted += 16000;
            ms++;
        }
    }
    OUT_A = DWT_CYCCNT;
    return looked;
}

static uint32_t ram_poll(void)
{
    cycles_start();
    SYST_RVR = 1600000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    while (ticks == 0)
        ;
    return DWT_CYCCNT;
}

static uint32_t sleep_on_exit(void)
{
    SYST_RVR = 16000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    SCB_SCR = 2;
    wfi();
    return 0xDEAD;                      /* thread mode never goes on */
}

static uint32_t faultmask(void)
{
    setup(0x00, 0x40, 0xF0);
    __asm__ volatile("cpsid f" ::: "memory");
    pend(0);
    step(0xE);
    __asm__ volatile("cpsie f" ::: "memory");
    dsb();
    return TRAIL;
}

/* An exception at SP % 8 == 4 pads the frame, and takes the padding off again. */
static uint32_t align(void)
{
    uint32_t before, after;

    __asm__ volatile("sub sp, #4\n mov %0, sp\n svc 0\n mov %1, sp\n add sp, #4" : "=&r"(before), "=&r"(after) :: "memory");
    OUT_B = before == after;
    return TRAIL;
}

/* A loop of known instructions: what a million passes cost. */
static RAMCODE uint32_t count(void)
{
    uint32_t n = 1000000, start;

    cycles_start();
    start = DWT_CYCCNT;
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(n));
    return DWT_CYCCNT - start;
}

static uint32_t unmodelled(void)
{
    RCC_APB2ENR |= 1u << 8;             /* ADC1 */
    return REG(0x40012008);
}

/* 168 MHz from the 8 MHz crystal, as CubeMX sets it up: time of one million HCLK cycles is what the test looks at. */
static uint32_t pll(void)
{
    RCC_APB1ENR |= 1u << 28;
    (void)RCC_APB1ENR;
    RCC_CR |= 1u << 16;
    while (!(RCC_CR & 1u << 17))
        ;
    FLASH_ACR = 0x705;
    while ((FLASH_ACR & 7) != 5)
        ;
    RCC_PLLCFGR = 8 | 336 << 6 | 0 << 16 | 1 << 22 | 7 << 24;
    RCC_CR |= 1u << 24;
    while (!(RCC_CR & 1u << 25))
        ;
    RCC_CFGR = 5 << 10 | 4 << 13;
    RCC_CFGR |= 2;
    while ((RCC_CFGR >> 2 & 3) != 2)
        ;
    return count();
}

#define BKPSRAM REG(0x40024000)

/* Three writes: without the clock, without DBP, with both. */
static uint32_t backup_sram(void)
{
    BKPSRAM = 0x11111111;
    OUT_A = BKPSRAM;
    RCC_AHB1ENR |= 1u << 18;
    RCC_APB1ENR |= 1u << 28;
    (void)RCC_APB1ENR;
    BKPSRAM = 0x22222222;
    OUT_B = BKPSRAM == 0x22222222;
    REG(0x40007000) |= 1u << 8;         /* PWR_CR.DBP */
    BKPSRAM = 0x33333333;
    return BKPSRAM;
}

/* DWT without DEMCR.TRCENA. */
static uint32_t no_trace(void)
{
    uint32_t start;

    DWT_CTRL |= 1;
    start = DWT_CYCCNT;
    for (volatile uint32_t i = 0; i < 100; i++)
        ;
    return DWT_CYCCNT - start;
}

/* For measuring the board's own speed by hand: args[1] rounds of a mix of loads, stores, branches and arithmetic. */
static uint32_t speed(void)
{
    static uint8_t data[4096];
    uint32_t crc = 0;

    (void)pll();
    for (uint32_t round = 0; round < GUEST_ARGS[1]; round++) {
        for (uint32_t i = 0; i < sizeof data; i++) {
            crc ^= data[i] + i;
            crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
            data[i] = (uint8_t)crc;
        }
    }
    return crc;
}

uint32_t guest_main(uint32_t which)
{
    switch (which) {
    case CASE_NEST: return nest(which, 0x80, 0x40);
    case CASE_SAME_PRIORITY: return nest(which, 0x80, 0x80);
    case CASE_ORDER: return order();
    case CASE_BASEPRI: return basepri();
    case CASE_TAIL_CHAIN: return tail_chain();
    case CASE_SUBPRIORITY:
        SCB_AIRCR = 0x05FA0000 | 5 << 8;                /* bits 7:6 preempt, 5:4 do not */
        return nest(which, 0x60, 0x40);
    case CASE_PSP: return psp();
    case CASE_SYSTICK: return systick();
    case CASE_WFI: return sleep_ticks();
    case CASE_PRIMASK_WFI: return primask_wfi();
    case CASE_SOFT_RESET: return soft_reset();
    case CASE_BITBAND: return bitband();
    case CASE_POLL: return poll();
    case CASE_TIMED_POLL: return timed_poll();
    case CASE_SLEEP_ON_EXIT: return sleep_on_exit();
    case CASE_UNMODELLED: return unmodelled();
    case CASE_FAULTMASK: return faultmask();
    case CASE_ALIGN: return align();
    case CASE_COUNT: return count();
    case CASE_RAM_POLL: return ram_poll();
    case CASE_PLL: return pll();
    case CASE_BACKUP_SRAM: return backup_sram();
    case CASE_NO_TRACE: return no_trace();
    case CASE_TIMED_COUNT: return timed_count();
    case CASE_TIMED_WORK: return timed_work();
    case CASE_TIMED_TICKS: return timed_ticks();
    case CASE_SPEED: return speed();
    default: return 0;
    }
}
