/* SPDX-License-Identifier: MIT */
/* The flash controller: one erase or one word at a time, started here, finished by polls. Runs from SRAM: BSY stalls every fetch
 * from flash (RM0090 §3.6.3). */
/* Sources: RM0090 Rev 21 §3.6 "Erase and program operations", §3.7.2 "Programming user option bytes", §3.9; DS8626 Rev 12
 * tables 39-42 (times) */
#include "update/flash.h"

#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/flash_ctl.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

/* The slowest of the tables is 4 s, a 128 KB sector at x8, and 100 us for a piece of a word. Twice, and a
 * hundred times, that is no longer a slow flash. The option bytes are erased and programmed as a sector of 16 KB. */
#define ERASE_TIMEOUT_MS 8000U
#define PROGRAM_TIMEOUT_MS 10U

static struct {
    uint32_t began_ms, timeout_ms;
    uint32_t addr, word;                /* the pieces of a word that are still to be programmed */
    uint8_t pieces;
    uint8_t psize;
} op;

void flash_use_psize(unsigned psize)
{
    op.psize = (uint8_t)flash_ctl_psize(psize);
}

static void start_clock(uint32_t now_ms, uint32_t timeout_ms)
{
    op.began_ms = now_ms;
    op.timeout_ms = timeout_ms;
}

void flash_erase_begin(uint32_t sector_addr, uint32_t now_ms)
{
    uint32_t cr = FLASH_CR_SER | FLASH_CR_SNB(flash_ctl_sector_number(sector_addr)) | FLASH_CR_PSIZE(op.psize);

    op.pieces = 0;
    start_clock(now_ms, ERASE_TIMEOUT_MS);
    flash_ctl_unlock();
    FLASH->CR = cr;
    FLASH->CR = cr | FLASH_CR_STRT;
    barrier_sync();
}

static void start_piece(void)
{
    flash_ctl_store(op.addr, op.word, op.psize);
    op.addr += 1U << op.psize;
    op.word >>= (8U << op.psize) & 31U; /* x32 has one piece only: nothing is left to shift */
    op.pieces--;
}

void flash_program_begin(uint32_t addr, uint32_t word, uint32_t now_ms)
{
    op.addr = addr;
    op.word = word;
    op.pieces = (uint8_t)(4U >> op.psize);
    start_clock(now_ms, PROGRAM_TIMEOUT_MS);
    flash_ctl_unlock();
    start_piece();
}

enum flash_result flash_poll(uint32_t now_ms)
{
    uint32_t sr = FLASH->SR;

    if ((sr & FLASH_SR_BSY) != 0) return now_ms - op.began_ms > op.timeout_ms ? FLASH_E_TIMEOUT : FLASH_BUSY;
    if ((sr & FLASH_SR_ERRORS) == 0 && op.pieces != 0) {
        start_clock(now_ms, PROGRAM_TIMEOUT_MS);
        start_piece();
        return FLASH_BUSY;
    }
    FLASH->CR = 0;                      /* PG off: a stray store must not reach the array */
    FLASH->OPTCR |= FLASH_OPTCR_OPTLOCK;
    return flash_ctl_result(sr);
}

/* The nWRP bits of the area's sectors. */
static uint32_t nwrp(const struct flash_area *area, uint32_t sectors)
{
    sectors &= ((uint32_t)1 << area->count) - 1U;
    return FLASH_OPTCR_NWRP(sectors << flash_ctl_sector_number(area->sector[0].addr));
}

/* All of the option bytes are written anew (§3.7.2): RDP and USER as OPTCR has loaded them at the last reset. */
void flash_protect_begin(const struct flash_area *area, uint32_t sectors, uint32_t now_ms)
{
    uint32_t optcr = (FLASH->OPTCR & ~FLASH_OPTCR_OPTLOCK) | nwrp(area, ~sectors);

    op.pieces = 0;
    start_clock(now_ms, ERASE_TIMEOUT_MS);
    flash_ctl_unlock();
    if ((FLASH->OPTCR & FLASH_OPTCR_OPTLOCK) != 0) {
        FLASH->OPTKEYR = FLASH_OPTKEYR_KEY1;
        FLASH->OPTKEYR = FLASH_OPTKEYR_KEY2;
    }
    optcr &= ~nwrp(area, sectors);
    FLASH->OPTCR = optcr;
    FLASH->OPTCR = optcr | FLASH_OPTCR_OPTSTRT;
    barrier_sync();
}

uint32_t flash_protected(const struct flash_area *area)
{
    uint32_t protectable = nwrp(area, ~(uint32_t)0);

    return (~FLASH->OPTCR & protectable) / (protectable & (0U - protectable));
}

uint32_t flash_status_register(void)
{
    return FLASH->SR & FLASH_SR_ERRORS; /* the flags stay until the next operation clears them */
}

void flash_finish(void)
{
    flash_ctl_lock();
}
