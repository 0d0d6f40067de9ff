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
#include "image/bytes.h"

/* The slowest of the tables is 4 s, a 128 KB sector at x8. Twice, and it is no longer a slow flash. A run of words takes a tenth of a
 * second at most, and the option bytes are erased and programmed as a sector of 16 KB. */
#define TIMEOUT_MS 8000U
#define LOOKS 64U                       /* at BSY in one poll: 3 us, so that the end of a word is seen at once */
#define ALL_ONES 0xFFFFFFFFU
#define WORD_BYTES 4U

static struct {
    uint32_t began_ms;
    uint32_t addr, word;                /* what is under way, and what is to be read there when it has ended */
    uint32_t at;                        /* bytes of the word that have been stored */
    uint32_t next_addr, next_word;      /* the word behind it, if it is ready */
    bool ready;
    const uint8_t *rest;                /* those behind that */
    size_t left;
    uint32_t words;                     /* begun since reset */
    uint8_t psize;
} op;

void flash_use_psize(unsigned psize)
{
    op.psize = (uint8_t)flash_ctl_psize(psize);
}

void flash_stop(void)
{
    op.left = 0;
    op.ready = false;
}

static void begin(uint32_t addr, uint32_t word, uint32_t now_ms)
{
    op.began_ms = now_ms;
    op.addr = addr;
    op.word = word;
    op.at = WORD_BYTES;
    flash_stop();
    flash_ctl_unlock();
}

void flash_erase_begin(uint32_t sector_addr, uint32_t now_ms)
{
    uint32_t cr = FLASH_CR_SER | FLASH_CR_SNB(flash_ctl_sector_number(sector_addr)) | FLASH_CR_PSIZE(op.psize);

    begin(sector_addr, ALL_ONES, now_ms);
    FLASH->CR = cr;
    FLASH->CR = cr | FLASH_CR_STRT;
    barrier_sync();
}

/* The width of the store must be PSIZE's, or PGPERR. */
static void start_piece(void)
{
    uint32_t addr = op.addr + op.at, value = op.word >> 8U * op.at;

    switch (op.psize) {
    case FLASH_PSIZE_X8: *(volatile uint8_t *)addr = (uint8_t)value; break;
    case FLASH_PSIZE_X16: *(volatile uint16_t *)addr = (uint16_t)value; break;
    default: *(volatile uint32_t *)addr = value; break;
    }
    barrier_sync();                     /* the store has reached the controller before BSY is looked at */
    op.at += 1U << op.psize;
}

/* Finds the next word: while the flash is busy with the one before. */
static void prepare(void)
{
    while (!op.ready && op.left != 0) {
        op.left--;
        op.next_addr += WORD_BYTES;
        op.next_word = load_le32(op.rest);
        op.rest += WORD_BYTES;
        op.ready = op.next_word != ALL_ONES;
    }
}

static void next_word(void)
{
    op.addr = op.next_addr;
    op.word = op.next_word;
    op.ready = false;
    op.words++;
    op.at = 0;
}

/* The first poll finds a word that is whole, and goes on behind it. */
void flash_program_begin(uint32_t addr, const uint8_t *p, size_t words, uint32_t now_ms)
{
    begin(addr, flash_read(addr), now_ms);
    op.next_addr = addr - WORD_BYTES;
    op.rest = p;
    op.left = words;
    FLASH->CR = FLASH_CR_PG | FLASH_CR_PSIZE(op.psize);
}

static enum flash_result end(enum flash_result result)
{
    FLASH->CR = 0;                      /* PG off: a stray store must not reach the array */
    FLASH->OPTCR |= FLASH_OPTCR_OPTLOCK;
    return result;
}

enum flash_result flash_poll(uint32_t now_ms)
{
    unsigned looks = LOOKS;
    uint32_t sr;

    prepare();
    do {
        sr = FLASH->SR;
    } while ((sr & FLASH_SR_BSY) != 0 && --looks != 0);
    if (looks == 0) return now_ms - op.began_ms > TIMEOUT_MS ? FLASH_E_TIMEOUT : FLASH_BUSY;
    if ((sr & FLASH_SR_ERRORS) != 0) return end(flash_ctl_result(sr));
    if (op.at == WORD_BYTES) {
        if (flash_read(op.addr) != op.word) return end(FLASH_E_WRONG);
        if (!op.ready) return end(FLASH_OK);
        next_word();
    }
    start_piece();
    return FLASH_BUSY;
}

uint32_t flash_address(void)
{
    return op.addr;
}

uint32_t flash_words(void)
{
    return op.words;
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

    begin(FLASH_BASE, flash_read(FLASH_BASE), now_ms);
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
