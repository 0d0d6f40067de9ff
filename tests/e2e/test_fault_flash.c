/* SPDX-License-Identifier: MIT */
/* A broken flash under the ARM ELF: every failure is told with its address, nothing half written starts, and what can be mended is
 * mended by the next update. */
#include "tests/unit/cm.h"

#include <string.h>

#include "board/periph/flash_fault.h"
#include "boot/decide.h"
#include "image/bytes.h"
#include "tests/e2e/trouble.h"
#include "update/status.h"

#define APP DESK_APP_BASE
#define SMALL 8192U                     /* in the first sector */
#define TWO_SECTORS 0x14000U            /* 16 KB of it in the second */
#define SECOND (APP + 0x10000U)
#define TIMEOUT VTIME_MS(60000)
#define PGSERR 0x80U
#define FACTORY 0x00FFAAECU             /* FLASH_OPTCR of a new chip (RM0090 §3.9.10) */
#define WDG_SW (1U << 5)
#define BODY_AT 0x1000U
#define WATCHDOG_MS 32000U              /* less than the 4096 counts of an LSI at 32 kHz, divided by 256, less what has gone by */
#define NWRP_SECTOR_4 (1U << 20)

/* One board for all tests, since it takes its time to unpack the updater: each of them finds a bootloader that waits, and leaves
 * one. */
static struct bench {
    struct desk desk;
    struct vcpboot_image *old, *new;
    bool tidy;                          /* the last test has left everything as it should */
} bench;

static int open_board(void **state)
{
    const struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 11, .timing = FLASH_FAST, .log = stderr };

    (void)state;
    trouble_open(&bench.desk, &o);
    return 0;
}

static int close_board(void **state)
{
    (void)state;
    trouble_close(&bench.desk);
    return 0;
}

static void fill(struct bench *b, uint32_t address, uint8_t value)
{
    uint8_t blank[DESK_APP_BYTES];

    memset(blank, value, sizeof blank);
    assert_true(flash_probe_write(chip_flash(b->desk.chip), address, blank, sizeof blank));
}

/* A blank chip, or one with an old application; the bootloader waits. */
static struct bench *open_bench(bool with_old, uint32_t bytes)
{
    struct bench *b = &bench;

    flash_clear_faults(chip_flash(b->desk.chip));
    fill(b, APP, 0xFF);
    b->old = trouble_image(TROUBLE_CONFIRM, TWO_SECTORS + 4U);
    b->new = trouble_image(TROUBLE_CONFIRM, bytes);
    if (!b->tidy)
        trouble_power_cycle(&b->desk);
    b->tidy = false;
    (void)trouble_reason(&b->desk);
    if (with_old)
        trouble_install(&b->desk, b->old);      /* behind the back of the bootloader that runs */
    return b;
}

static void close_bench(struct bench *b, bool waits)
{
    trouble_check(&b->desk);
    image_free(b->old);
    image_free(b->new);
    b->tidy = waits;
}

static struct flash *flash(void)
{
    return chip_flash(bench.desk.chip);
}

static void add(enum flash_fault_kind kind, uint64_t at, uint32_t bits)
{
    assert_true(flash_add_fault(flash(), &(struct flash_fault){ kind, at, bits }));
}

static uint64_t operations(void)
{
    struct flash_totals t = flash_totals(flash());

    return t.erases + t.words;
}

/* The update ends with that error; if it is the flash's, at that address and with those flags. */
static void fails_with(struct bench *b, enum update_err err, uint32_t address, uint32_t sr)
{
    b->desk.look = VTIME_MS(1);
    assert_true(desk_begin_update(&b->desk, b->new));
    assert_int_equal(desk_run(&b->desk, TIMEOUT), CLIENT_FAILED);
    b->desk.look = 0;
    assert_int_equal(b->desk.client.failure, CLIENT_E_REFUSED);
    assert_int_equal(b->desk.client.status.err, err);
    if (err >= UPDATE_E_ERASE && err <= UPDATE_E_BUSY && err != UPDATE_E_PROTECTED) {
        assert_int_equal(b->desk.client.status.next, address);
        assert_int_equal(b->desk.client.status.done, sr);
    }
}

/* The same chip without its fault, as after a night in which it has cooled down. */
static void the_next_update_works(struct bench *b)
{
    flash_clear_faults(flash());
    trouble_send(&b->desk, b->new);
    assert_true(trouble_would_start(&b->desk));
}

/* --- stuck BSY --------------------------------------------------------------------------------------------------------------- */

TEST(an_erase_that_never_ends_is_told_and_after_the_power_was_off_the_bootloader_is_back)
{
    struct bench *b = open_bench(true, SMALL);

    UNUSED_STATE;
    add(FLASH_FAULT_STUCK_BUSY, operations() + 1, 0);
    fails_with(b, UPDATE_E_BUSY, APP, 0);
    trouble_power_cycle(&b->desk);
    assert_in_range(trouble_reason(&b->desk), BOOT_STAY_EMPTY, BOOT_STAY_DAMAGED);
    the_next_update_works(b);
    close_bench(b, true);
}

/* Whoever asks a bootloader with a stuck flash what is installed hangs it, since a read waits for BSY. */
TEST(a_word_that_never_ends_is_told_and_a_watchdog_of_the_option_bytes_brings_a_bootloader_back_that_hangs_on_it)
{
    struct bench *b = open_bench(false, SMALL);
    unsigned arrivals;

    UNUSED_STATE;
    flash_set_options(flash(), FACTORY & ~WDG_SW);
    trouble_power_cycle(&b->desk);
    (void)trouble_reason(&b->desk);
    add(FLASH_FAULT_STUCK_BUSY, operations() + 1, 0);
    fails_with(b, UPDATE_E_BUSY, APP + SEAL_HEAD_BYTES, 0);
    arrivals = b->desk.arrivals;
    client_hello(&b->desk.client, 0, 1);
    trouble_run_ms(&b->desk, WATCHDOG_MS);
    assert_int_equal(b->desk.arrivals, arrivals);
    trouble_run_ms(&b->desk, 2000);
    assert_int_equal(b->desk.arrivals, arrivals + 1);
    assert_int_equal(trouble_reason(&b->desk), BOOT_STAY_EMPTY);
    the_next_update_works(b);
    flash_set_options(flash(), FACTORY);
    close_bench(b, false);
}

/* --- words and sectors --------------------------------------------------------------------------------------------------------- */

static uint32_t lowest_one(uint32_t v)
{
    return v & (0U - v);
}

static uint32_t image_word(const struct bench *b, uint32_t offset)
{
    return load_le32(b->new->bytes + offset);
}

/* Of body, seal and vectors, one after the other; a single cell each. */
static const uint32_t offsets[] = { SEAL_HEAD_BYTES + 4U, BODY_AT, SMALL - 4U, SEAL_AT_MAGIC, SEAL_AT_CRC, 4, 0 };

TEST(a_word_that_will_not_program_is_told_with_its_address_wherever_it_is)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        uint32_t zero = lowest_one(~image_word(b, offsets[i]));

        assert_int_not_equal(zero, 0);
        add(FLASH_FAULT_WEAK_WORD, APP + offsets[i], zero);
        fails_with(b, UPDATE_E_PROGRAM, APP + offsets[i], 0);
        assert_false(trouble_would_start(&b->desk));
        flash_clear_faults(flash());
    }
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(a_cell_that_no_erase_brings_back_is_told_with_its_address)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        bool head = offsets[i] < SEAL_HEAD_BYTES;       /* a head that is not blank behind its erase counts as an old one */

        add(FLASH_FAULT_STUCK_ZERO, APP + offsets[i], lowest_one(image_word(b, offsets[i])));
        fails_with(b, head ? UPDATE_E_ERASE : UPDATE_E_PROGRAM, head ? APP : APP + offsets[i], 0);
        assert_false(trouble_would_start(&b->desk));
        flash_clear_faults(flash());
    }
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(a_stuck_cell_of_the_life_word_commits_nothing_and_revokes_nothing)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    add(FLASH_FAULT_STUCK_ZERO, APP + SEAL_AT_LIFE, LIFE_REVOKED);
    fails_with(b, UPDATE_E_ERASE, APP, 0);
    assert_false(trouble_would_start(&b->desk));
    the_next_update_works(b);
    close_bench(b, true);
}

/* Such words are neither programmed nor read back. */
TEST(a_stuck_cell_where_the_image_has_all_ones_is_found_by_the_crc)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    assert_int_equal(image_word(b, TROUBLE_BLANK_AT), 0xFFFFFFFF);
    add(FLASH_FAULT_STUCK_ZERO, APP + TROUBLE_BLANK_AT, 0x100);
    fails_with(b, UPDATE_E_IMAGE_CRC, 0, 0);
    assert_false(trouble_would_start(&b->desk));
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(a_stuck_cell_behind_the_image_does_no_harm)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    add(FLASH_FAULT_STUCK_ZERO, APP + SMALL, 0);
    trouble_send(&b->desk, b->new);
    assert_true(trouble_would_start(&b->desk));
    close_bench(b, true);
}

TEST(a_first_sector_that_cannot_be_erased_ends_the_update_at_once_and_the_old_application_starts_again)
{
    struct bench *b = open_bench(true, SMALL);
    uint64_t before = operations();

    UNUSED_STATE;
    add(FLASH_FAULT_NO_ERASE, 4, 0);
    fails_with(b, UPDATE_E_ERASE, APP, 0);
    assert_int_equal(operations(), before + 1);
    assert_true(trouble_holds(&b->desk, b->old));
    assert_true(trouble_would_start(&b->desk));
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(another_sector_that_cannot_be_erased_is_told_and_nothing_starts)
{
    struct bench *b = open_bench(true, TWO_SECTORS);

    UNUSED_STATE;
    assert_int_not_equal(trouble_word(&b->desk, SECOND), 0xFFFFFFFFU);
    add(FLASH_FAULT_NO_ERASE, 5, 0);
    fails_with(b, UPDATE_E_ERASE, SECOND, 0);
    assert_false(trouble_would_start(&b->desk));
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(an_operation_that_the_controller_refuses_is_told_with_its_flags)
{
    struct bench *b = open_bench(true, SMALL);

    UNUSED_STATE;
    add(FLASH_FAULT_REFUSED, operations() + 1, 0);
    fails_with(b, UPDATE_E_ERASE, APP, PGSERR);
    assert_true(trouble_holds(&b->desk, b->old));
    add(FLASH_FAULT_REFUSED, operations() + 3, 0);      /* the erase, a word, and this one */
    fails_with(b, UPDATE_E_PROGRAM, APP + SEAL_HEAD_BYTES + 4U, PGSERR);
    assert_false(trouble_would_start(&b->desk));
    the_next_update_works(b);
    close_bench(b, true);
}

TEST(a_sector_that_somebody_has_protected_is_told_before_anything_is_erased_and_the_old_application_starts_again)
{
    struct bench *b = open_bench(true, SMALL);
    uint64_t before = operations();

    UNUSED_STATE;
    flash_set_options(flash(), FACTORY & ~NWRP_SECTOR_4);
    trouble_power_cycle(&b->desk);                      /* with which the protection takes effect */
    fill(b, APP, 0xFF);                                 /* so that the bootloader stays */
    (void)trouble_reason(&b->desk);
    trouble_install(&b->desk, b->old);
    fails_with(b, UPDATE_E_PROTECTED, 0, 0);
    assert_int_equal(operations(), before);
    assert_true(trouble_would_start(&b->desk));
    flash_set_options(flash(), FACTORY);
    close_bench(b, false);
}

/* --- what a reset or an application leaves ----------------------------------------------------------------------------------------- */

TEST(error_flags_that_outlive_a_reset_spoil_neither_an_update_nor_the_count_of_starts)
{
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    add(FLASH_FAULT_STALE_FLAGS, 0, 0);
    trouble_power_cycle(&b->desk);
    assert_int_equal(trouble_reason(&b->desk), BOOT_STAY_EMPTY);
    trouble_update(&b->desk, b->new);                   /* started once, and confirmed by the application */
    assert_int_equal(trouble_word(&b->desk, APP + SEAL_AT_LIFE), ~(LIFE_START_1 | LIFE_CONFIRMED));
    close_bench(b, false);
}

/* A reset locks the controller, clears its flags and ends what it does (RM0090 section 3.9): nothing is left to trip over. */
TEST(an_application_that_leaves_the_controller_unlocked_busy_and_full_of_errors_can_be_updated)
{
    struct vcpboot_image *mess = trouble_image(TROUBLE_MESS, SMALL);
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    trouble_install(&b->desk, mess);
    trouble_power_cycle(&b->desk);
    assert_int_equal(trouble_reason(&b->desk), BOOT_STAY_REQUESTED);
    the_next_update_works(b);
    image_free(mess);
    close_bench(b, true);
}

TEST(a_life_word_that_will_not_program_costs_the_count_and_not_the_application)
{
    struct vcpboot_image *idle = trouble_image(TROUBLE_IDLE, SMALL);
    struct bench *b = open_bench(false, SMALL);

    UNUSED_STATE;
    trouble_install(&b->desk, idle);
    add(FLASH_FAULT_WEAK_WORD, APP + SEAL_AT_LIFE, 0);
    for (unsigned i = 0; i < 5; i++) {
        trouble_power_cycle(&b->desk);
        trouble_run_ms(&b->desk, 50);
        assert_int_equal(trouble_starts(&b->desk), 1);
    }
    image_free(idle);
    close_bench(b, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erase_that_never_ends_is_told_and_after_the_power_was_off_the_bootloader_is_back),
        cmocka_unit_test(a_word_that_never_ends_is_told_and_a_watchdog_of_the_option_bytes_brings_a_bootloader_back_that_hangs_on_it),
        cmocka_unit_test(a_word_that_will_not_program_is_told_with_its_address_wherever_it_is),
        cmocka_unit_test(a_cell_that_no_erase_brings_back_is_told_with_its_address),
        cmocka_unit_test(a_stuck_cell_of_the_life_word_commits_nothing_and_revokes_nothing),
        cmocka_unit_test(a_stuck_cell_where_the_image_has_all_ones_is_found_by_the_crc),
        cmocka_unit_test(a_stuck_cell_behind_the_image_does_no_harm),
        cmocka_unit_test(a_first_sector_that_cannot_be_erased_ends_the_update_at_once_and_the_old_application_starts_again),
        cmocka_unit_test(another_sector_that_cannot_be_erased_is_told_and_nothing_starts),
        cmocka_unit_test(an_operation_that_the_controller_refuses_is_told_with_its_flags),
        cmocka_unit_test(a_sector_that_somebody_has_protected_is_told_before_anything_is_erased_and_the_old_application_starts_again),
        cmocka_unit_test(error_flags_that_outlive_a_reset_spoil_neither_an_update_nor_the_count_of_starts),
        cmocka_unit_test(an_application_that_leaves_the_controller_unlocked_busy_and_full_of_errors_can_be_updated),
        cmocka_unit_test(a_life_word_that_will_not_program_costs_the_count_and_not_the_application),
    };
    return cmocka_run_group_tests_name("fault_flash", tests, open_board, close_board);
}
