/* SPDX-License-Identifier: MIT */
/* The application's side of the protocol, on a stand-in for the few registers that it touches, against the device's and the
 * PC's own code for the mailbox, the frames and the info block. */
#include <string.h>

#include "boot/mailbox.h"
#include "image/bytes.h"
#include "image/info.h"
#include "image/seal.h"
#include "proto/native.h"
#include "proto/ymodem.h"
#include "tests/unit/cm.h"

/* --- the chip ------------------------------------------------------------------------------------------------------------- */

#define APP 0x08010000U
#define CR_RESET 0x80000000U

static struct {
    struct { uint32_t addr, word; } cell[48];
    size_t cells;
    uint32_t sr, cr;
    unsigned keys, unlocks, bytes_programmed;
    bool protected_sector, stuck;
    bool masked, masked_first, reset;
    uint32_t pending;                   /* the address handed out last: a store may have gone there */
    uint32_t shown;                     /* what stood there */
    union { uint32_t word; uint16_t half; uint8_t byte; } port;
    jmp_buf after_reset;
} chip;

static uint32_t *cell(uint32_t addr)
{
    for (size_t i = 0; i < chip.cells; i++) {
        if (chip.cell[i].addr == addr) {
            return &chip.cell[i].word;
        }
    }
    assert_true(chip.cells < sizeof chip.cell / sizeof chip.cell[0]);
    chip.cell[chip.cells].addr = addr;
    chip.cell[chip.cells].word = 0;
    return &chip.cell[chip.cells++].word;
}

static uint32_t peek(uint32_t addr)
{
    return *cell(addr);
}

static void poke(uint32_t addr, uint32_t word)
{
    *cell(addr) = word;
}

static bool in_flash(uint32_t addr)
{
    return addr >= 0x08000000U && addr < 0x08080000U;
}

/* RM0090 §3.6.4: only with PG, unlocked, and by the width that PSIZE says; bits only ever go from one to zero. */
static void program(uint32_t addr, uint8_t value)
{
    unsigned shift = 8 * (addr & 3U);

    if ((chip.cr & 0x80000301U) != 1U) {
        chip.sr |= 0x80U;
    } else if (chip.protected_sector) {
        chip.sr |= 0x10U;
    } else {
        poke(addr & ~3U, peek(addr & ~3U) & ~((uint32_t)(uint8_t)~value << shift));
        chip.bytes_programmed++;
    }
}

static void key(uint32_t value)
{
    chip.keys = value == 0x45670123U ? 1 : value == 0xCDEF89ABU && chip.keys == 1 ? 2 : 99;
    assert_true(chip.keys != 99);       /* a wrong key locks the flash until the next reset */
    if (chip.keys == 2) {
        chip.unlocks++;
        chip.cr &= ~CR_RESET;
    }
}

/* Carries out the store that went to the last address handed out, if there was one. */
static void settle(void)
{
    uint32_t addr = chip.pending;

    chip.pending = 0;
    if (addr == 0 || chip.port.word == chip.shown) {
        return;
    }
    switch (addr) {
    case 0x40023C04U: key(chip.port.word); break;
    case 0x40023C0CU: chip.sr &= ~(chip.port.word & 0xF2U); break;
    case 0x40023C10U:
        assert_true((chip.cr & CR_RESET) == 0);     /* a locked CR ignores writes: it would be a mistake to rely on one */
        chip.cr = chip.port.word;
        break;
    case 0xE000ED0CU:
        chip.reset = chip.port.word == 0x05FA0004U;
        break;
    default:
        if (in_flash(addr)) {
            program(addr, chip.port.byte);
        } else {
            chip.masked_first = chip.masked_first || (chip.masked && addr == MAILBOX_ADDRESS);
            poke(addr, chip.port.word);
        }
    }
}

static void *reg(uint32_t addr, unsigned bytes)
{
    settle();
    chip.port.word = addr == 0x40023C0CU ? chip.sr | (chip.stuck ? 0x10000U : 0)
                   : addr == 0x40023C10U ? chip.cr
                   : addr == 0xE000ED0CU ? 0xFA050000U
                   : peek(addr & ~3U) >> (8 * (addr & 3U));
    chip.port.word &= bytes == 1 ? 0xFFU : bytes == 2 ? 0xFFFFU : 0xFFFFFFFFU;
    chip.shown = chip.port.word;
    chip.pending = addr;
    return &chip.port;
}

#define VCPBOOT_REG32(address) (*(volatile uint32_t *)reg((address), 4))
#define VCPBOOT_REG16(address) (*(volatile uint16_t *)reg((address), 2))
#define VCPBOOT_REG8(address) (*(volatile uint8_t *)reg((address), 1))
#define VCPBOOT_BARRIER() settle()
#define VCPBOOT_MASK_INTERRUPTS() (chip.masked = true)
#define VCPBOOT_AWAIT_RESET() longjmp(chip.after_reset, 1)

#include "sdk/vcpboot_app.c"

VCPBOOT_INFO("test product", "4.5.6", VCPBOOT_CONFIRMS);

static int setup(void **state)
{
    (void)state;
    memset(&chip, 0, sizeof chip);
    memset(&touch, 0, sizeof touch);
    chip.cr = CR_RESET;
    poke(0xE000ED08U, APP);
    poke(0xE0042000U, 0x10076413U);
    poke(0x1FFF7A20U, 512U << 16);
    for (uint32_t i = 0; i < 3; i++) {
        poke(0x1FFF7A10U + 4 * i, 0x11223340U + i);
    }
    return 0;
}

static void install_sealed(void)
{
    poke(APP + SEAL_AT_MAGIC, SEAL_MAGIC);
    poke(APP + SEAL_AT_LENGTH, 0x12340U);
    poke(APP + SEAL_AT_CRC, 0xCAFEF00DU);
    poke(APP + SEAL_AT_LIFE, LIFE_FRESH & ~LIFE_START_1);
}

/* True if f resets into the bootloader. */
static bool resets(void (*f)(uint32_t), uint32_t argument)
{
    if (setjmp(chip.after_reset) != 0) {
        settle();
        return chip.reset;
    }
    f(argument);
    settle();
    return false;
}

static enum mailbox_request mailbox(void)
{
    struct mailbox m = { peek(MAILBOX_ADDRESS), peek(MAILBOX_ADDRESS + 4), peek(MAILBOX_ADDRESS + 8), peek(MAILBOX_ADDRESS + 12) };

    return mailbox_read(&m);
}

/* --- into the bootloader ------------------------------------------------------------------------------------------------------ */

TEST(enter_leaves_a_request_that_the_bootloader_believes)
{
    static const uint32_t requests[] = { VCPBOOT_BOOTLOADER, VCPBOOT_DFU, VCPBOOT_ROM };
    static const enum mailbox_request read[] = { MAILBOX_BOOTLOADER, MAILBOX_DFU, MAILBOX_ROM };

    for (size_t i = 0; i < 3; i++) {
        setup(state_unused);
        assert_true(resets(vcpboot_enter, requests[i]));
        assert_int_equal(mailbox(), read[i]);
    }
}

TEST(enter_masks_interrupts_before_it_overwrites_the_start_of_ram)
{
    UNUSED_STATE;
    assert_true(resets(vcpboot_enter, VCPBOOT_BOOTLOADER));
    assert_true(chip.masked_first);
}

TEST(opening_at_1200_baud_and_closing_enters_the_bootloader_100_ms_later)
{
    uint32_t start = 0xFFFFFFD0U;       /* the counter wraps in between */

    UNUSED_STATE;
    vcpboot_line_coding(1200);
    assert_false(vcpboot_control_line(true));
    assert_false(resets(vcpboot_poll, start - 1));
    assert_true(vcpboot_control_line(false));
    for (uint32_t ms = 0; ms < 100; ms++) {
        assert_false(resets(vcpboot_poll, start + ms));
    }
    assert_true(resets(vcpboot_poll, start + 100));
    assert_int_equal(mailbox(), MAILBOX_BOOTLOADER);
}

TEST(closing_at_another_rate_does_nothing)
{
    UNUSED_STATE;
    vcpboot_control_line(true);
    vcpboot_line_coding(1200);
    vcpboot_line_coding(115200);
    assert_false(vcpboot_control_line(false));
    assert_false(resets(vcpboot_poll, 0));
    assert_false(resets(vcpboot_poll, 1000));
}

TEST(setting_1200_baud_while_closed_does_nothing)
{
    UNUSED_STATE;
    vcpboot_line_coding(1200);
    assert_false(vcpboot_control_line(false));
    assert_false(resets(vcpboot_poll, 0));
    assert_false(resets(vcpboot_poll, 1000));
}

/* --- I work ------------------------------------------------------------------------------------------------------------------- */

TEST(confirm_clears_the_confirmed_bit_and_no_other)
{
    UNUSED_STATE;
    install_sealed();
    assert_int_equal(vcpboot_confirm(), VCPBOOT_OK);
    settle();
    assert_int_equal(peek(APP + SEAL_AT_LIFE), LIFE_FRESH & ~LIFE_START_1 & ~LIFE_CONFIRMED);
    assert_true(seal_confirmed(peek(APP + SEAL_AT_LIFE)));
    assert_int_equal(chip.cr, CR_RESET);        /* locked again */
    assert_int_equal(chip.sr, 0);
}

TEST(confirm_works_with_stale_error_flags_and_leaves_an_unlocked_flash_unlocked)
{
    UNUSED_STATE;
    install_sealed();
    chip.sr = 0xF0U;
    chip.cr = 0x200U;
    assert_int_equal(vcpboot_confirm(), VCPBOOT_OK);
    settle();
    assert_true(seal_confirmed(peek(APP + SEAL_AT_LIFE)));
    assert_int_equal(chip.cr, 0x200U);
    assert_int_equal(chip.unlocks, 0);
}

TEST(confirm_again_touches_nothing)
{
    UNUSED_STATE;
    install_sealed();
    vcpboot_confirm();
    assert_int_equal(vcpboot_confirm(), VCPBOOT_OK);
    settle();
    assert_int_equal(chip.bytes_programmed, 1);
    assert_int_equal(chip.unlocks, 1);
}

TEST(confirm_without_a_seal_touches_nothing)
{
    UNUSED_STATE;
    assert_int_equal(vcpboot_confirm(), VCPBOOT_UNSEALED);
    settle();
    assert_int_equal(chip.unlocks, 0);
}

TEST(confirm_reports_what_the_flash_refuses)
{
    UNUSED_STATE;
    install_sealed();
    chip.protected_sector = true;
    assert_int_equal(vcpboot_confirm(), VCPBOOT_FLASH_FAILED);
    settle();
    assert_int_equal(chip.cr, CR_RESET);
    chip.protected_sector = false;
    chip.cr = 1;                        /* the application programs something itself */
    assert_int_equal(vcpboot_confirm(), VCPBOOT_FLASH_BUSY);
    chip.cr = CR_RESET;
    chip.stuck = true;
    assert_int_equal(vcpboot_confirm(), VCPBOOT_FLASH_BUSY);
    settle();
    assert_int_equal(chip.bytes_programmed, 0);
}

/* --- who is asking ---------------------------------------------------------------------------------------------------------------- */

static size_t question(uint8_t out[64], uint8_t type, uint8_t seq)
{
    return native_encode(out, 64, type, seq, NULL, 0);
}

TEST(hello_is_answered_as_the_pc_reads_it)
{
    uint8_t in[64], out[VCPBOOT_ANSWER_BYTES];
    struct native_rx rx;
    struct native_frame f;
    struct native_hello h;
    char text[40];
    size_t n = question(in, NATIVE_HELLO, 77);

    UNUSED_STATE;
    install_sealed();
    assert_int_equal(vcpboot_answer(in, n, out, sizeof out), VCPBOOT_ANSWER_BYTES);
    native_rx_init(&rx);
    native_rx_feed(&rx, out, sizeof out, 0);
    assert_true(native_rx_frame(&rx, &f));
    assert_int_equal(f.type, NATIVE_HELLO | NATIVE_ANSWER);
    assert_int_equal(f.seq, 77);
    assert_true(native_get_hello(&h, f.payload, f.length));
    assert_int_equal(h.status, 0);
    assert_int_equal(h.version, NATIVE_VERSION);
    assert_int_equal(h.mode, 1);
    assert_int_equal(h.capabilities, 0);
    assert_int_equal(h.dev_id, 0x413);
    assert_int_equal(h.rev_id, 0x1007);
    assert_int_equal(h.app_base, APP);
    assert_int_equal(h.flash_kb, 512);
    assert_int_equal(h.image_bytes, 0x12340U);
    assert_int_equal(h.image_crc, 0xCAFEF00DU);
    assert_int_equal(h.life, LIFE_FRESH & ~LIFE_START_1);
    assert_int_equal(load_le32(h.uid), 0x11223340U);
    assert_int_equal(load_le32(h.uid + 8), 0x11223342U);
    assert_int_equal(h.sectors, 0);
    info_text(h.entries, h.entries_bytes, INFO_PRODUCT, text, sizeof text);
    assert_string_equal(text, "test product");
    info_text(h.entries, h.entries_bytes, INFO_VERSION, text, sizeof text);
    assert_string_equal(text, "4.5.6");
}

TEST(an_unsealed_application_says_so_by_zeros)
{
    uint8_t in[64], out[VCPBOOT_ANSWER_BYTES];
    struct native_hello h;
    size_t n = question(in, NATIVE_HELLO, 1);

    UNUSED_STATE;
    poke(APP + SEAL_AT_LENGTH, 0xFFFFFFFFU);
    assert_int_equal(vcpboot_answer(in, n, out, sizeof out), VCPBOOT_ANSWER_BYTES);
    assert_true(native_get_hello(&h, out + NATIVE_HEADER_BYTES, sizeof out - NATIVE_HEADER_BYTES - NATIVE_TRAILER_BYTES));
    assert_int_equal(h.image_bytes, 0);
    assert_int_equal(h.life, 0);
}

TEST(what_is_no_hello_belongs_to_the_application)
{
    uint8_t in[64], out[VCPBOOT_ANSWER_BYTES];
    size_t n = question(in, NATIVE_HELLO, 1);

    UNUSED_STATE;
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(vcpboot_answer(in, cut, out, sizeof out), 0);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        in[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(vcpboot_answer(in, n, out, sizeof out), 0);
        in[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(vcpboot_answer(in, n, out, sizeof out - 1), 0);
    assert_int_equal(vcpboot_answer((const uint8_t *)"version\r\n\0\0\0\0", 13, out, sizeof out), 0);
    assert_int_equal(vcpboot_answer(in, question(in, NATIVE_ABORT, 1), out, sizeof out), 0);
    /* a HELLO with a payload that looks like the end of one without */
    n = question(in, NATIVE_HELLO, 1);
    in[4] = 4;
    store_le16(in + 6, ym_crc16(0, in, 6));
    store_le32(in + 8, crc32_bytes(in + 2, 6));
    assert_int_equal(vcpboot_answer(in, n, out, sizeof out), 0);
    assert_int_equal(vcpboot_answer(in, question(in, NATIVE_HELLO | NATIVE_ANSWER, 1), out, sizeof out), 0);
}

TEST(the_info_block_is_found_in_an_image)
{
    uint8_t image[512] = { 0 };
    const uint8_t *entries;
    size_t n;
    char text[40];

    UNUSED_STATE;
    memcpy(image + 128, &vcpboot_info, sizeof vcpboot_info);
    assert_int_equal(info_find(image, sizeof image), 128);
    n = info_check(image, sizeof image, 128);
    assert_int_equal(n, VCPBOOT_INFO_ENTRIES_BYTES);
    entries = image + 128 + INFO_HEADER_BYTES;
    assert_int_equal(info_text(entries, n, INFO_PRODUCT, text, sizeof text), 12);
    assert_string_equal(text, "test product");
    assert_int_equal(info_flags(entries, n), SEAL_FLAG_CONFIRMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(enter_leaves_a_request_that_the_bootloader_believes, setup),
        cmocka_unit_test_setup(enter_masks_interrupts_before_it_overwrites_the_start_of_ram, setup),
        cmocka_unit_test_setup(opening_at_1200_baud_and_closing_enters_the_bootloader_100_ms_later, setup),
        cmocka_unit_test_setup(closing_at_another_rate_does_nothing, setup),
        cmocka_unit_test_setup(setting_1200_baud_while_closed_does_nothing, setup),
        cmocka_unit_test_setup(confirm_clears_the_confirmed_bit_and_no_other, setup),
        cmocka_unit_test_setup(confirm_works_with_stale_error_flags_and_leaves_an_unlocked_flash_unlocked, setup),
        cmocka_unit_test_setup(confirm_again_touches_nothing, setup),
        cmocka_unit_test_setup(confirm_without_a_seal_touches_nothing, setup),
        cmocka_unit_test_setup(confirm_reports_what_the_flash_refuses, setup),
        cmocka_unit_test_setup(hello_is_answered_as_the_pc_reads_it, setup),
        cmocka_unit_test_setup(an_unsealed_application_says_so_by_zeros, setup),
        cmocka_unit_test_setup(what_is_no_hello_belongs_to_the_application, setup),
        cmocka_unit_test_setup(the_info_block_is_found_in_an_image, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
