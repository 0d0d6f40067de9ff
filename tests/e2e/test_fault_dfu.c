/* SPDX-License-Identifier: MIT */
/* A broken flash, a bus that sleeps and data behind the end, by DfuSe, on the ARM ELF. Bus resets: test_firmware_dfu.c. */
#include "tests/unit/cm.h"

#include <string.h>

#include "board/periph/flash_fault.h"
#include "image/bytes.h"
#include "tests/e2e/dfu_desk.h"
#include "tests/unit/make_image.h"

#define BYTES 0x3000U
#define WORD_AT 0x1004U
#define SLEEP_MS 3000U

static struct dfu_desk d;
static uint8_t image[BYTES];

static int open_board(void **state)
{
    const struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 17, .timing = FLASH_FAST, .log = stderr };
    const struct image_recipe recipe = { .base = DFU_APP, .bytes = BYTES, .seed = 6, .sealed = true };

    (void)state;
    make_image(image, &recipe);
    dfu_desk_enter(&d, NULL, &o);
    return 0;
}

static int close_board(void **state)
{
    (void)state;
    dfu_desk_close(&d);
    return 0;
}

static void add(enum flash_fault_kind kind, uint64_t at)
{
    assert_true(flash_add_fault(chip_flash(d.chip), &(struct flash_fault){ kind, at, 0 }));
}

static void fails_with(enum dfu_status status)
{
    struct dfu_answer a = dfu_write_image(&d, DFU_APP, image, BYTES);

    assert_int_equal(a.state, DFU_ERROR);
    assert_int_equal(a.status, status);
    assert_int_equal(load_le32(flash_cells(chip_flash(d.chip)) + 0x10000), 0xFFFFFFFFU);        /* no initial SP: nothing starts */
    flash_clear_faults(chip_flash(d.chip));
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));  /* CLRSTATUS */
}

TEST(a_word_that_will_not_program_is_errprog)
{
    UNUSED_STATE;
    assert_int_not_equal(load_le32(image + WORD_AT), 0xFFFFFFFFU);
    add(FLASH_FAULT_WEAK_WORD, DFU_APP + WORD_AT);
    fails_with(DFU_ERR_PROG);
}

TEST(a_sector_that_nothing_erases_is_errerase)
{
    UNUSED_STATE;
    add(FLASH_FAULT_STUCK_ZERO, DFU_APP + 0x20);
    fails_with(DFU_ERR_ERASE);
}

TEST(after_these_a_download_that_the_bus_sleeps_through_goes_on_and_data_behind_its_end_change_nothing)
{
    const uint8_t junk[64] = { 0 };
    struct dfu_answer a;

    UNUSED_STATE;
    a = dfu_write_image(&d, DFU_APP, image, BYTES / 2);
    assert_int_equal(a.state, DFU_DNLOAD_IDLE);
    usbhost_suspend(chip_usbhost(d.chip));
    dfu_desk_run_ms(&d, SLEEP_MS);
    assert_true(usbhost_suspended(chip_usbhost(d.chip)));
    usbhost_resume(chip_usbhost(d.chip));
    dfu_desk_run_ms(&d, 50);
    for (uint32_t at = BYTES / 2; at < BYTES; at += DFU_TRANSFER_BYTES)
        a = dfu_write_block(&d, DFU_APP + at, image + at, DFU_TRANSFER_BYTES);
    assert_int_equal(a.state, DFU_DNLOAD_IDLE);
    assert_int_equal(dfu_leave(&d).state, DFU_MANIFEST);
    (void)dfu_dnload(&d, 3, junk, sizeof junk);
    assert_memory_equal(flash_cells(chip_flash(d.chip)) + 0x10000, image, BYTES);
}

/* Last: the flash stays busy until the power is off. */
TEST(a_flash_that_stays_busy_is_errwrite)
{
    const uint8_t erase[5] = { 0x41, 0x00, 0x00, 0x01, 0x08 };
    struct flash_totals t;
    struct dfu_answer a;

    UNUSED_STATE;
    assert_true(flash_probe_write(chip_flash(d.chip), DFU_APP, (const uint8_t[]){ 0xFF, 0xFF, 0xFF, 0xFF }, 4));
    chip_power_cycle(d.chip);           /* noise for an application: without its first word it does not start */
    assert_true(dfu_desk_wait(&d, d.enumerated + 1));
    dfu_desk_reboot(&d, 2);
    assert_true(dfu_desk_wait(&d, d.enumerated + 1));
    t = flash_totals(chip_flash(d.chip));
    add(FLASH_FAULT_STUCK_BUSY, t.erases + t.words + 1);
    assert_true(dfu_dnload(&d, 0, erase, sizeof erase));
    a = dfu_get_status(&d);
    for (unsigned i = 0; i < 10 && a.state == DFU_DNBUSY; i++) {        /* told after 8 s */
        dfu_desk_run_ms(&d, 1000);
        a = dfu_get_status(&d);
    }
    assert_int_equal(a.state, DFU_ERROR);
    assert_int_equal(a.status, DFU_ERR_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_will_not_program_is_errprog),
        cmocka_unit_test(a_sector_that_nothing_erases_is_errerase),
        cmocka_unit_test(after_these_a_download_that_the_bus_sleeps_through_goes_on_and_data_behind_its_end_change_nothing),
        cmocka_unit_test(a_flash_that_stays_busy_is_errwrite),
    };
    return cmocka_run_group_tests_name("fault_dfu", tests, open_board, close_board);
}
