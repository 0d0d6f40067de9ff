/* SPDX-License-Identifier: MIT */
/* The flash of the unit tests. */
#include "tests/unit/fake_flash.h"

#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"

#define SR_OF_FAILURE 0x80U             /* PGSERR: any error flag does */
#define SR_WRPERR 0x10U
#define ALL_ONES 0xFFFFFFFFU

static struct fake_flash *the_flash;    /* flash_* have no handle: there is one flash in a chip */

void fake_flash_open(struct fake_flash *f, const struct flash_area *area)
{
    memset(f, 0, sizeof *f);
    f->area = area;
    f->base = area->sector[0].addr;
    for (size_t i = 0; i < area->count; i++)
        f->bytes += area->sector[i].bytes;
    f->array = malloc(f->bytes);
    if (f->array == NULL)
        abort();
    memset(f->array, 0xFF, f->bytes);
    the_flash = f;
}

void fake_flash_close(struct fake_flash *f)
{
    free(f->array);
    free(f->log);
    the_flash = NULL;
}

void fake_flash_restart(struct fake_flash *f)
{
    struct fake_flash kept = { .area = f->area, .base = f->base, .bytes = f->bytes, .array = f->array, .log = f->log,
                               .log_cap = f->log_cap, .on_begin = f->on_begin, .protection = f->protection,
                               .windows = f->windows, .window_count = f->window_count,
                               .words_begun = f->words_begun };

    *f = kept;
}

void fake_flash_load(struct fake_flash *f, uint32_t addr, const uint8_t *p, size_t n)
{
    memcpy(f->array + (addr - f->base), p, n);
}

static uint32_t next_random(struct fake_flash *f)
{
    f->seed = f->seed * 1664525U + 1013904223U;
    return f->seed >> 8 ^ f->seed << 16;
}

static bool inside(const struct fake_flash *f, uint32_t addr)
{
    return addr % 4U == 0 && addr >= f->base && addr - f->base < f->bytes;
}

static bool in_window(const struct fake_flash *f, uint32_t addr)
{
    for (size_t i = 0; i < f->window_count; i++)
        if (addr - f->windows[i].addr < f->windows[i].bytes)
            return true;
    return false;
}

static const struct flash_sector *sector_at(const struct fake_flash *f, uint32_t addr)
{
    for (size_t i = 0; i < f->area->count; i++)
        if (f->area->sector[i].addr == addr)
            return &f->area->sector[i];
    return NULL;
}

/* --- what an operation does to the cells -------------------------------------------------------------------------- */

/* torn: every cell that was to change has changed or not. */
static void do_program(struct fake_flash *f, bool torn)
{
    uint8_t *cell = f->array + (f->op.addr - f->base);
    uint32_t kept = torn ? next_random(f) : 0;

    store_le32(cell, load_le32(cell) & (f->op.word | kept));
}

static void do_erase(struct fake_flash *f, bool torn)
{
    const struct flash_sector *s = sector_at(f, f->op.addr);
    uint8_t *cell = f->array + (s->addr - f->base);
    uint32_t how_far = torn ? next_random(f) % 4U : 0;

    for (uint32_t at = 0; at < s->bytes; at += 4U) {
        uint32_t raised = !torn ? 0xFFFFFFFFU : how_far == 0 ? 0 : how_far == 3U ? next_random(f) | next_random(f) : next_random(f);

        store_le32(cell + at, load_le32(cell + at) | raised);
    }
}

static uint32_t all_sectors(const struct fake_flash *f)
{
    return ((uint32_t)1 << f->area->count) - 1U;
}

/* torn: the old protection, the new one, or all of it. */
static void do_protect(struct fake_flash *f, bool torn)
{
    const uint32_t outcomes[] = { f->op.word, f->protection, all_sectors(f) };

    f->protection = outcomes[torn ? next_random(f) % 3U : 0];
}

static void apply(struct fake_flash *f, bool torn)
{
    static void (*const does[])(struct fake_flash *f, bool torn) = {
        [FAKE_ERASE] = do_erase, [FAKE_PROGRAM] = do_program, [FAKE_PROTECT] = do_protect,
    };

    does[f->op.kind](f, torn);
}

static bool well_formed(const struct fake_flash *f, const struct fake_op *op)
{
    switch (op->kind) {
    case FAKE_PROGRAM: return inside(f, op->addr);
    case FAKE_ERASE: return sector_at(f, op->addr) != NULL;
    default: return true;
    }
}

static bool hits_protection(const struct fake_flash *f, const struct fake_op *op)
{
    size_t i = 0;

    while (i + 1 < f->area->count && op->addr >= f->area->sector[i + 1].addr)
        i++;
    return op->kind != FAKE_PROTECT && (f->protection >> i & 1U) != 0;
}

static void refuse(struct fake_flash *f, enum flash_result result, uint32_t status_register)
{
    f->result = result;
    f->status_register = status_register;
}

static void begin(struct fake_op op)
{
    struct fake_flash *f = the_flash;

    if (f->dead)
        return;
    if (f->running || !well_formed(f, &op)) {
        f->violations++;
        return;
    }
    if (f->ops == f->log_cap) {
        f->log_cap = f->log_cap * 2 + 64;
        f->log = realloc(f->log, f->log_cap * sizeof *f->log);
        if (f->log == NULL)
            abort();
    }
    f->log[f->ops++] = op;
    f->erases += op.kind == FAKE_ERASE;
    f->words += op.kind == FAKE_PROGRAM;
    f->protections += op.kind == FAKE_PROTECT;
    if (f->on_begin != NULL)
        f->on_begin(f, &op);
    f->op = op;
    f->running = true;
    f->polls_left = f->busy_polls;
    f->result = FLASH_OK;
    f->status_register = 0;
    if (f->ops == f->cut_at) {
        apply(f, true);
        f->dead = true;
    } else if (f->ops == f->fail_at) {
        refuse(f, f->fail_result, SR_OF_FAILURE);
    } else if (hits_protection(f, &op)) {
        refuse(f, FLASH_E_PROTECTED, SR_WRPERR);
    } else {
        apply(f, false);
        if (f->ops == f->lie_at && op.kind != FAKE_PROTECT)
            f->array[op.addr - f->base] ^= 0x01;
    }
}

/* --- update/flash.h ----------------------------------------------------------------------------------------------- */

void flash_erase_begin(uint32_t sector_addr, uint32_t now_ms)
{
    (void)now_ms;
    begin((struct fake_op){ FAKE_ERASE, sector_addr, 0xFFFFFFFFU });
}

/* False: no word is left. */
static bool begin_word(struct fake_flash *f)
{
    for (; f->run.left != 0 && !f->dead; f->run.left--, f->run.addr += 4U, f->run.p += 4) {
        struct fake_op op = { FAKE_PROGRAM, f->run.addr, load_le32(f->run.p) };

        if (op.word == ALL_ONES)
            continue;
        f->words_begun++;
        begin(op);
        f->run.left--;
        f->run.addr += 4U;
        f->run.p += 4;
        return true;
    }
    return false;
}

void flash_program_begin(uint32_t addr, const uint8_t *p, size_t words, uint32_t now_ms)
{
    struct fake_flash *f = the_flash;

    (void)now_ms;
    f->violations += f->running && !f->dead;
    f->run.addr = addr;
    f->run.p = p;
    f->run.left = words;
    f->result = FLASH_OK;
    (void)begin_word(f);
}

void flash_stop(void)
{
    the_flash->run.left = 0;
}

uint32_t flash_address(void)
{
    return the_flash->op.addr;
}

uint32_t flash_words(void)
{
    return the_flash->words_begun;
}

void flash_protect_begin(const struct flash_area *area, uint32_t sectors, uint32_t now_ms)
{
    (void)now_ms;
    the_flash->violations += area->count == 0;
    begin((struct fake_op){ FAKE_PROTECT, 0, sectors & all_sectors(the_flash) });
}

uint32_t flash_protected(const struct flash_area *area)
{
    the_flash->violations += area->count == 0 || the_flash->running;
    return the_flash->protection;
}

enum flash_result flash_poll(uint32_t now_ms)
{
    struct fake_flash *f = the_flash;

    (void)now_ms;
    if (f->dead)
        return FLASH_BUSY;
    if (f->running && f->polls_left > 0) {
        f->polls_left--;
        return FLASH_BUSY;
    }
    f->running = false;
    if (f->result != FLASH_OK || f->op.kind != FAKE_PROGRAM)
        return f->result;
    if (load_le32(f->array + (f->op.addr - f->base)) != f->op.word)
        return FLASH_E_WRONG;
    return begin_word(f) ? FLASH_BUSY : FLASH_OK;
}

uint32_t flash_status_register(void)
{
    return the_flash->status_register;
}

uint32_t flash_read(uint32_t addr)
{
    struct fake_flash *f = the_flash;

    f->reads++;
    if (f->running || !inside(f, addr)) {
        f->violations += !f->dead && (f->running || !in_window(f, addr));
        return 0;
    }
    return load_le32(f->array + (addr - f->base));
}

/* Bit by bit, so that it shares nothing with image/crc32.c. */
static void crc_add(struct fake_flash *f, uint32_t word)
{
    f->crc ^= word;
    for (int i = 0; i < 32; i++)
        f->crc = (f->crc & 0x80000000U) != 0 ? f->crc << 1 ^ 0x04C11DB7U : f->crc << 1;
}

void flash_crc_reset(void)
{
    the_flash->crc = 0xFFFFFFFFU;
}

uint32_t flash_crc_word(uint32_t word)
{
    crc_add(the_flash, word);
    return the_flash->crc;
}

uint32_t flash_crc_block(uint32_t addr, size_t words)
{
    the_flash->crc_words += (uint32_t)words;
    for (size_t i = 0; i < words; i++) {
        crc_add(the_flash, flash_read(addr + (uint32_t)(4 * i)));
        the_flash->reads--;             /* reads counts those of flash_read alone */
    }
    return the_flash->crc;
}
