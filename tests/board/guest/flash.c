/* SPDX-License-Identifier: MIT */
/* Flash operations as a program in SRAM does them: the test chooses which, and reads flags, times and contents. */
#include "guest.h"

/* Left for the test. */
#define OUT_SR GUEST_ARGS[16]
#define OUT_CYCLES GUEST_ARGS[17]
#define OUT_A GUEST_ARGS[18]
#define OUT_B GUEST_ARGS[19]

enum { CASE_PROGRAM, CASE_ERASE, CASE_CR_STALL, CASE_LOAD_STALL, CASE_FETCH_STALL, CASE_DCACHE, CASE_WRONG_KEY, CASE_NO_PG,
       CASE_IRQ, CASE_OPTIONS, CASE_MANY, CASE_STALE_DATA, CASE_BUSY_VECTOR, CASE_MASS, CASE_STALE_CODE,
       CASE_OPTIONS_LOCKED, CASE_WRONG_OPTKEY };

static RAMCODE void unlock(void)
{
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
}

static RAMCODE void wait(void)
{
    while (FLASH_SR & FLASH_BSY)
        ;
}

static RAMCODE void store(uint32_t address, uint32_t value, uint32_t width)
{
    if (width == 1)
        REG8(address) = (uint8_t)value;
    else if (width == 2)
        REG16(address) = (uint16_t)value;
    else
        REG(address) = value;
}

/* args: address, value, store width, PSIZE */
static RAMCODE uint32_t program(void)
{
    unlock();
    FLASH_CR = 1 | GUEST_ARGS[4] << 8;
    cycles_start();
    store(GUEST_ARGS[1], GUEST_ARGS[2], GUEST_ARGS[3]);
    wait();
    OUT_CYCLES = DWT_CYCCNT;
    OUT_SR = FLASH_SR;
    FLASH_CR = 0;
    return REG(GUEST_ARGS[1] & ~3u);
}

/* args: sector, PSIZE */
static RAMCODE uint32_t erase(void)
{
    unlock();
    cycles_start();
    FLASH_CR = 2 | GUEST_ARGS[1] << 3 | GUEST_ARGS[2] << 8;
    FLASH_CR |= 1u << 16;
    wait();
    OUT_CYCLES = DWT_CYCCNT;
    OUT_SR = FLASH_SR;
    return FLASH_CR;
}

static RAMCODE uint32_t mass(void)
{
    unlock();
    FLASH_CR = 4 | 2 << 8;
    FLASH_CR |= 1u << 16;
    wait();
    OUT_SR = FLASH_SR;
    guest_result(REG(0x08060000));      /* the way back through guest_main() may be gone */
}

static RAMCODE void start_erase(uint32_t sector)
{
    unlock();
    cycles_start();
    FLASH_CR = 2 | sector << 3 | 2 << 8;
    FLASH_CR |= 1u << 16;
}

static RAMCODE uint32_t cr_stall(void)
{
    start_erase(1);
    FLASH_CR = 0;
    return DWT_CYCCNT;
}

static RAMCODE uint32_t load_stall(void)
{
    start_erase(1);
    OUT_A = DWT_CYCCNT;
    OUT_B = REG(0x08010000);
    return DWT_CYCCNT;
}

/* Nothing but a fetch: no literal, no stack. */
static __attribute__((naked, noinline)) void in_flash(void)
{
    __asm__ volatile("bx lr");
}

static RAMCODE uint32_t fetch_stall(void)
{
    void (*volatile far)(void) = in_flash;

    start_erase(1);
    OUT_A = DWT_CYCCNT;
    far();
    return DWT_CYCCNT;
}

static RAMCODE void program_word(uint32_t address, uint32_t value)
{
    FLASH_CR = 1 | 2 << 8;
    REG(address) = value;
    wait();
    FLASH_CR = 0;
}

/* The same word twice: with DCEN the cache keeps what was written, the array holds the AND. */
static RAMCODE uint32_t dcache(void)
{
    uint32_t cached, flushed;

    unlock();
    FLASH_ACR = 1u << 10;
    program_word(0x08010000, 0xA5A5A5A5);
    OUT_A = REG(0x08010000);
    program_word(0x08010000, 0x5A5A5A5A);
    cached = REG(0x08010000);
    FLASH_ACR = 0;
    OUT_B = REG(0x08010000);
    FLASH_ACR = 1u << 12;
    FLASH_ACR = 1u << 10;
    flushed = REG(0x08010000);
    OUT_SR = FLASH_SR;
    return cached == 0x5A5A5A5A && flushed == 0;
}

static RAMCODE uint32_t stale_data(void)
{
    unlock();
    FLASH_ACR = 1u << 10;
    program_word(0x08010000, 0x12345678);
    OUT_A = REG(0x08010000);
    FLASH_CR = 2 | 4 << 3 | 2 << 8;
    FLASH_CR |= 1u << 16;
    wait();
    OUT_B = REG(0x08010000);
    FLASH_ACR = 0;
    FLASH_ACR = 1u << 12;
    FLASH_ACR = 1u << 10;
    return REG(0x08010000);
}

static RAMCODE uint32_t wrong_key(void)
{
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xDEADBEEF;
    dsb();
    return 0;
}

static RAMCODE uint32_t no_pg(void)
{
    FLASH_CR = GUEST_ARGS[1];           /* locked: nothing of it may stick */
    OUT_A = FLASH_CR;
    unlock();
    FLASH_CR = GUEST_ARGS[1];
    REG(0x08010000) = 0;
    OUT_SR = FLASH_SR;
    FLASH_SR = 0xF3;
    OUT_B = FLASH_SR;
    return REG(0x08010000);
}

static volatile uint32_t irqs, irq_sr;

RAMCODE void guest_irq4(void)
{
    irqs++;
    irq_sr = FLASH_SR;
    FLASH_SR = 0xF3;
}

static RAMCODE uint32_t irq(void)
{
    NVIC_ISER(0) = 1u << 4;
    unlock();
    FLASH_CR = 1 | 2 << 8 | 1u << 24 | 1u << 25;
    REG(0x08010000) = 0x11223344;
    while (irqs == 0)
        ;
    OUT_A = irq_sr;                     /* end of operation */
    REG8(0x08010004) = 0;               /* the wrong width */
    while (irqs == 1)
        ;
    OUT_B = irq_sr;                     /* error */
    return irqs;
}

/* args: new OPTCR fields, address to program afterwards */
static RAMCODE uint32_t options(void)
{
    FLASH_OPTKEYR = 0x08192A3B;
    FLASH_OPTKEYR = 0x4C5D6E7F;
    cycles_start();
    FLASH_OPTCR = GUEST_ARGS[1];
    FLASH_OPTCR |= 2;
    wait();
    OUT_CYCLES = DWT_CYCCNT;
    OUT_A = FLASH_OPTCR;
    OUT_B = REG(0x1FFFC008);
    unlock();
    program_word(GUEST_ARGS[2], 0);
    OUT_SR = FLASH_SR;
    return REG(GUEST_ARGS[2]);
}

/* args as above; no key */
static RAMCODE uint32_t options_locked(void)
{
    FLASH_OPTCR = GUEST_ARGS[1];
    FLASH_OPTCR |= 2;
    wait();
    OUT_A = FLASH_OPTCR;
    unlock();
    program_word(GUEST_ARGS[2], 0);
    OUT_SR = FLASH_SR;
    return REG(GUEST_ARGS[2]);
}

static RAMCODE uint32_t wrong_optkey(void)
{
    FLASH_OPTKEYR = 0x08192A3B;
    FLASH_OPTKEYR = 0x08192A3B;
    dsb();
    return 0;
}

/* args: first address, words: erases sector 4, then programs a pattern; for power cuts */
static RAMCODE uint32_t many(void)
{
    start_erase(4);
    wait();
    for (uint32_t i = 0; i < GUEST_ARGS[2]; i++)
        program_word(GUEST_ARGS[1] + 4 * i, 0x5A000000u + i);
    return FLASH_SR;
}

static RAMCODE void on_tick(void)
{
    OUT_A++;
}

/* Vectors and handler in SRAM: SysTick runs while a sector is erased. */
static RAMCODE uint32_t busy_vector(void)
{
    static uint32_t table[128] __attribute__((section(".ramvectors"), aligned(512)));

    for (uint32_t i = 0; i < 16; i++)
        table[i] = (uint32_t)on_tick;
    SCB_VTOR = (uint32_t)table;
    OUT_A = 0;
    SYST_RVR = 16000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    start_erase(1);
    wait();
    return OUT_A;
}

static RAMCODE uint32_t stale_code(void)
{
    uint32_t (*volatile far)(void) = (uint32_t (*)(void))0x08010001;

    unlock();
    FLASH_ACR = 1u << 9;
    program_word(0x08010000, 0x47702001);               /* movs r0, #1; bx lr */
    OUT_A = far();
    FLASH_CR = 2 | 4 << 3 | 2 << 8;
    FLASH_CR |= 1u << 16;
    wait();
    program_word(0x08010000, 0x47702002);
    if (GUEST_ARGS[1]) {
        FLASH_ACR = 0;
        FLASH_ACR = 1u << 11;
        FLASH_ACR = 1u << 9;
    }
    return far();
}

uint32_t guest_main(uint32_t which)
{
    static uint32_t (*const cases[])(void) = {
        [CASE_PROGRAM] = program, [CASE_ERASE] = erase, [CASE_CR_STALL] = cr_stall, [CASE_LOAD_STALL] = load_stall,
        [CASE_FETCH_STALL] = fetch_stall, [CASE_DCACHE] = dcache, [CASE_WRONG_KEY] = wrong_key, [CASE_NO_PG] = no_pg,
        [CASE_IRQ] = irq, [CASE_OPTIONS] = options, [CASE_MANY] = many, [CASE_STALE_DATA] = stale_data,
        [CASE_BUSY_VECTOR] = busy_vector, [CASE_MASS] = mass, [CASE_STALE_CODE] = stale_code,
        [CASE_OPTIONS_LOCKED] = options_locked, [CASE_WRONG_OPTKEY] = wrong_optkey,
    };

    return cases[which]();
}
