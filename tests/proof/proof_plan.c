/* SPDX-License-Identifier: MIT */
/* Eva over update/: any calls in any order, over a flash and a CRC unit that return anything. */
/* Assumptions: the area is the F407's (sectors 4 to 7); the product is "" or has 31 characters; session_peek is asked for
 * words of the area.
 *
 * The alarms that are left are false; Eva keeps no relation between two fields.
 *
 * session_store's memcpy and block[n++]: check_block has let pass n in 1..1024 only, and n % 4 is not 0 where a byte is added: n < 1024.
 * cut_padding: block_at < end <= at < status.next, which is block_at + n: session_write has just set both; n <= 1024.
 * step_write and bytes.h (load_le32 at step_write only): block_pos < block_bytes <= 1024, and block_pos is a multiple of 4: it begins as
 * in_head, whole words, and grows by 4.
 * check_word: what it gets is the base (a sector's address) plus an offset that the caller built of multiples of 4: offset % 4 checked by
 * check_block and session_put; cursor, blank_to, at: from 0 or 64 in steps of 4; info_offset: words times 4; sectors' own addresses.
 * info.c: module info proves the loop invariants, and value[len - 1].
 * verify.c product[want]: both products end in a zero. memcmp: done if have == want, and info_text has written that many bytes. */
#include "tests/proof/any.h"
#include "update/session.h"

#define BASE 0x08010000U
#define BYTES 0x70000U

static const struct flash_sector sectors[] = {
    { 0x08010000, 0x10000 }, { 0x08020000, 0x20000 }, { 0x08040000, 0x20000 }, { 0x08060000, 0x20000 },
};
static const struct flash_area area = { sectors, 4 };
static const struct seal_area where = { BASE, BYTES, seal_ram_f407, 2 };
static struct session s;
static uint8_t block[SESSION_BLOCK_MAX + 8];

/* Beside run-time errors: only whole words are programmed and read. */
static void check_word(uint32_t addr)
{
    //@ assert addr % 4 == 0;
    (void)addr;
}

void flash_erase_begin(uint32_t sector_addr, uint32_t now_ms) { (void)now_ms; check_word(sector_addr); }
void flash_program_begin(uint32_t addr, const uint8_t *p, size_t words, uint32_t now_ms)
{
    //@ assert words > 0 && \valid_read(p + (0 .. 4 * words - 1));
    (void)p;
    (void)now_ms;
    check_word(addr + 4U * (uint32_t)words);
    check_word(addr);
}
void flash_stop(void) { }
enum flash_result flash_poll(uint32_t now_ms) { (void)now_ms; return (enum flash_result)any_upto(FLASH_E_WRONG); }
uint32_t flash_address(void) { return any_u32(); }
uint32_t flash_words(void) { return any_u32(); }
void flash_protect_begin(const struct flash_area *a, uint32_t bits, uint32_t now_ms) { (void)a; (void)bits; (void)now_ms; }
uint32_t flash_protected(const struct flash_area *a) { (void)a; return any_u32(); }
uint32_t flash_status_register(void) { return any_u32(); }
uint32_t flash_read(uint32_t addr) { check_word(addr); return any_u32(); }
void flash_crc_reset(void) { }
uint32_t flash_crc_word(uint32_t word) { (void)word; return any_u32(); }
uint32_t flash_crc_block(uint32_t addr, size_t words)
{
    (void)words;
    check_word(addr);
    return any_u32();
}

static void any_call(void)
{
    switch (any_upto(14)) {
    case 0: (void)session_begin(&s, any_u32(), any_u32()); break;
    case 1: (void)session_ready(&s); break;
    case 2: (void)session_write(&s, any_u32(), block, any_upto(sizeof block)); break;
    case 3: (void)session_finish(&s); break;
    case 4: session_abort(&s); break;
    case 5: session_protect(&s, any_u32(), any_u32()); break;
    case 6: (void)plan_sector_of(&s, any_u32()); break;
    case 7: session_open(&s); break;
    case 8: (void)session_erase(&s, any_u32()); break;
    case 9: (void)session_put(&s, any_u32(), block, any_upto(sizeof block)); break;
    case 10: (void)session_peek(&s, any_upto(BYTES / 4 - 1) * 4); break;
    case 11: (void)session_digest_head(&s); break;
    case 12: (void)session_digest_sector(&s, any_u32(), any_u32()); break;
    case 13: (void)session_active(&s); break;
    default: (void)session_poll(&s, any_u32()); break;
    }
}

int main(void)
{
    session_init(&s, &area, &where, any_bool() ? "" : "a product with the longest name");
    while (any_bool()) {
        any_bytes(block, sizeof block);
        any_call();
    }
    return 0;
}
