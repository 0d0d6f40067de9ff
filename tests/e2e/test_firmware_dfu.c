/* SPDX-License-Identifier: MIT */
/* The DfuSe personality of the ARM ELF on the virtual board, and the way into the system loader. */
#include "tests/unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "board/sched.h"
#include "boot/startup.h"
#include "host/lib/image_file.h"
#include "image/bytes.h"
#include "image/seal.h"
#include "tests/e2e/dfu_desk.h"
#include "tests/e2e/edge.h"
#include "tests/unit/make_image.h"

#define RAM_END 0x20020000U
#define IMAGE_BYTES 0x21804U            /* two sectors and a half block */
#define SET_ADDRESS 0x21U
#define ERASE 0x41U
#define FLASH_OFFSET (DFU_APP - FLASH_MAIN_BASE)
#define ROM_WORDS 0x2001F040U           /* what tests/board/guest/rom.c leaves */

static void assert_answer(struct dfu_answer a, enum dfu_state state, enum dfu_status status)
{
    assert_int_equal(a.state, state);
    assert_int_equal(a.status, status);
}

static uint8_t *new_image(bool sealed)
{
    uint8_t *p = malloc(IMAGE_BYTES);
    const struct image_recipe recipe = { .base = DFU_APP, .bytes = IMAGE_BYTES, .seed = 5, .sealed = sealed };

    assert_non_null(p);
    make_image(p, &recipe);
    return p;
}

static const uint8_t *app(struct dfu_desk *d)
{
    return flash_cells(chip_flash(d->chip)) + FLASH_OFFSET;
}

static bool starts(struct dfu_desk *d)
{
    return load_le32(app(d)) != 0xFFFFFFFFU;
}

/* The demo, sealed or as it comes from the linker. */
static struct vcpboot_image *demo(bool sealed)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };

    assert_int_equal(image_from_file(&image, FIRMWARE_DIR "/demo-2.0.0.elf", &f), 0);
    if (sealed) assert_int_equal(image_seal(image, DFU_APP, DFU_APP_BYTES, &f), 0);
    return image;
}

static void assert_is_vcp(const struct dfu_desk *d)
{
    assert_int_equal(d->info.pid, 0x5740);
    assert_true(d->info.cdc_acm);
}

TEST(it_enumerates_as_sts_loader_with_the_application_area_as_its_memory)
{
    static const char layout[] = "@Internal Flash  /0x08010000/01*064Kg,03*128Kg";
    static const uint8_t functional[] = { 9, 0x21, 0x0B, 0xFF, 0, 0x00, 0x08, 0x1A, 0x01 };
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    assert_int_equal(d.info.vid, 0x0483);
    assert_int_equal(d.info.pid, 0xDF11);
    assert_false(d.info.cdc_acm);
    assert_int_equal(strlen(d.info.serial), 12);
    assert_true(dfu_control(&d, 0x80, 6, 0x0200, NULL, 255));
    assert_int_equal(d.reply_bytes, 27);
    assert_memory_equal(d.reply + 9, ((const uint8_t[]){ 9, 4, 0, 0, 0, 0xFE, 1, 2, 4 }), 9);
    assert_memory_equal(d.reply + 18, functional, sizeof functional);
    assert_true(dfu_control(&d, 0x80, 6, 0x0304, NULL, 255));
    assert_int_equal(d.reply_bytes, 2 * sizeof layout);
    for (size_t i = 0; i < sizeof layout - 1; i++) assert_int_equal(d.reply[2 + 2 * i], layout[i]);
    assert_true(dfu_control(&d, 0x01, 11, 0, NULL, 0));         /* SET_INTERFACE 0, alternate 0 */
    assert_false(dfu_control(&d, 0x01, 11, 1, NULL, 0));
    assert_answer(dfu_get_status(&d), DFU_IDLE, DFU_OK);
    assert_int_equal(dfu_upload(&d, 0, 64), 3);
    assert_memory_equal(d.reply, ((const uint8_t[]){ 0x00, 0x21, 0x41 }), 3);
    dfu_desk_close(&d);
}

static void assert_stack_within_budget(struct dfu_desk *d)
{
    const uint8_t *stack = chip_ram(d->chip, RAM_END - STACK_BYTES, STACK_BYTES);
    size_t unused = 0;

    while (unused < STACK_BYTES && load_le32(stack + unused) == STACK_PAINT) unused += 4;
    assert_in_range(unused, 512, STACK_BYTES - 64);     /* a quarter in reserve; and it was painted at all */
}

static void install_and_start(bool sealed)
{
    struct vcpboot_image *image = demo(sealed);
    struct dfu_desk d;

    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image->bytes, image->length), DFU_DNLOAD_IDLE, DFU_OK);
    assert_int_equal(starts(&d), sealed);       /* a raw one waits for the word of its client */
    assert_answer(dfu_command(&d, SET_ADDRESS, DFU_APP), DFU_DNLOAD_IDLE, DFU_OK);
    assert_answer(dfu_leave(&d), DFU_MANIFEST, DFU_OK);
    assert_stack_within_budget(&d);
    assert_true(dfu_desk_wait(&d, 3));
    assert_is_vcp(&d);
    usbhost_cdc_open(chip_usbhost(d.chip));
    usbhost_cdc_set_control_lines(chip_usbhost(d.chip), true, true);
    dfu_desk_run_ms(&d, 5);
    d.serial_bytes = 0;
    assert_int_equal(usbhost_cdc_write(chip_usbhost(d.chip), (const uint8_t *)"version\r\n", 9), 9);
    dfu_desk_run_ms(&d, 50);
    assert_memory_equal(d.serial_in, "demo 2.0.0\r\n", 12);
    dfu_desk_close(&d);
    image_free(image);
}

TEST(a_raw_image_is_installed_by_leave_and_starts)
{
    UNUSED_STATE;
    install_and_start(false);
}

TEST(a_sealed_image_is_installed_by_its_last_block_and_starts)
{
    UNUSED_STATE;
    install_and_start(true);
}

TEST(upload_gives_back_what_was_written_before_and_after_the_commit)
{
    uint8_t *image = new_image(false);
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, IMAGE_BYTES), DFU_DNLOAD_IDLE, DFU_OK);
    assert_answer(dfu_command(&d, SET_ADDRESS, DFU_APP), DFU_DNLOAD_IDLE, DFU_OK);
    assert_true(dfu_control(&d, 0x21, 6, 0, NULL, 0));  /* ABORT */
    for (uint32_t at = 0; at < IMAGE_BYTES; at += DFU_TRANSFER_BYTES) {
        size_t n = IMAGE_BYTES - at < DFU_TRANSFER_BYTES ? IMAGE_BYTES - at : DFU_TRANSFER_BYTES;

        assert_int_equal(dfu_upload(&d, (uint16_t)(2 + at / DFU_TRANSFER_BYTES), DFU_TRANSFER_BYTES), DFU_TRANSFER_BYTES);
        assert_memory_equal(d.reply, image + at, n);
    }
    assert_true(dfu_control(&d, 0x21, 6, 0, NULL, 0));
    assert_answer(dfu_leave(&d), DFU_MANIFEST, DFU_OK);
    assert_memory_equal(app(&d) + SEAL_HEAD_BYTES, image + SEAL_HEAD_BYTES, IMAGE_BYTES - SEAL_HEAD_BYTES);
    dfu_desk_close(&d);
    free(image);
}

TEST(an_upload_ends_with_a_short_block_at_the_end_of_the_area)
{
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_command(&d, SET_ADDRESS, DFU_APP + DFU_APP_BYTES - 1000), DFU_DNLOAD_IDLE, DFU_OK);
    assert_true(dfu_control(&d, 0x21, 6, 0, NULL, 0));
    assert_int_equal(dfu_upload(&d, 2, DFU_TRANSFER_BYTES), 1000);
    assert_answer(dfu_get_status(&d), DFU_IDLE, DFU_OK);
    assert_int_equal(dfu_upload(&d, 3, DFU_TRANSFER_BYTES), -1);        /* behind the end */
    assert_answer(dfu_get_status(&d), DFU_ERROR, DFU_ERR_ADDRESS);
    dfu_desk_close(&d);
}

TEST(addresses_outside_of_the_application_are_refused_and_touch_nothing)
{
    static const uint32_t outside[] = { 0, 0x08000000, 0x0800FFFF, DFU_APP + DFU_APP_BYTES, 0x1FFF0000, 0x20000000, 0xFFFFFFFF };
    struct dfu_desk d;
    uint8_t *before = malloc(FLASH_OFFSET);
    const uint8_t block[DFU_TRANSFER_BYTES] = { 0 };

    UNUSED_STATE;
    assert_non_null(before);
    dfu_desk_enter(&d, NULL, NULL);
    memcpy(before, flash_cells(chip_flash(d.chip)), FLASH_OFFSET);
    for (size_t i = 0; i < COUNT(outside); i++) {
        static const uint8_t codes[] = { SET_ADDRESS, ERASE };

        for (size_t k = 0; k < COUNT(codes); k++) {
            assert_answer(dfu_command(&d, codes[k], outside[i]), DFU_ERROR, DFU_ERR_ADDRESS);
            assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));          /* CLRSTATUS */
            assert_answer(dfu_get_status(&d), DFU_IDLE, DFU_OK);
        }
    }
    assert_answer(dfu_command(&d, SET_ADDRESS, DFU_APP + DFU_APP_BYTES - 1024), DFU_DNLOAD_IDLE, DFU_OK);
    assert_true(dfu_dnload(&d, 2, block, sizeof block));        /* half of it would fit */
    assert_answer(dfu_finish(&d), DFU_ERROR, DFU_ERR_ADDRESS);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_true(dfu_dnload(&d, 0xFFFF, block, sizeof block));
    assert_answer(dfu_finish(&d), DFU_ERROR, DFU_ERR_ADDRESS);
    assert_memory_equal(before, flash_cells(chip_flash(d.chip)), FLASH_OFFSET);
    dfu_desk_close(&d);
    free(before);
}

TEST(get_status_is_answered_while_a_sector_is_erased_and_the_poll_time_covers_the_slowest_flash)
{
    const struct chip_options slow = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 3, .log = stderr, .timing = FLASH_MAX };
    const uint8_t erase[5] = { ERASE, 0x00, 0x00, 0x02, 0x08 };
    uint8_t dirty[0x20000] = { 0 };
    struct dfu_answer a;
    struct dfu_desk d;
    unsigned limit_ms;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, &slow);
    assert_true(flash_probe_write(chip_flash(d.chip), 0x08020000, dirty, sizeof dirty));
    assert_true(dfu_dnload(&d, 0, erase, sizeof erase));
    a = dfu_get_status(&d);
    assert_answer(a, DFU_DNBUSY, DFU_OK);
    limit_ms = (unsigned[]){ 2000, 2600, 4000 }[edge_pieces(d.chip) / 2];
    assert_in_range(a.poll_ms, limit_ms - 100, limit_ms + 2);
    for (unsigned i = 0; i < 10; i++) {
        struct dfu_answer next;

        dfu_desk_run_ms(&d, 100);
        next = dfu_get_status(&d);
        assert_answer(next, DFU_DNBUSY, DFU_OK);
        assert_true(next.poll_ms < a.poll_ms);
        a = next;
    }
    dfu_desk_run_ms(&d, a.poll_ms);
    assert_answer(dfu_get_status(&d), DFU_DNLOAD_IDLE, DFU_OK);
    assert_int_equal(load_le32(flash_cells(chip_flash(d.chip)) + 0x20000), 0xFFFFFFFFU);
    dfu_desk_close(&d);
}

TEST(without_reading_the_letter_says_so_and_upload_is_refused)
{
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_open(&d, NULL, NULL);
    assert_true(flash_probe_write(chip_flash(d.chip), 0x0800004C, (const uint8_t[]){ 0x02, 0, 0, 0 }, 4));      /* policy */
    assert_true(dfu_desk_wait(&d, 1));
    dfu_desk_reboot(&d, 2);
    assert_true(dfu_desk_wait(&d, 2));
    assert_true(dfu_control(&d, 0x80, 6, 0x0304, NULL, 255));
    assert_int_equal(d.reply[d.reply_bytes - 2], 'f');
    assert_int_equal(dfu_upload(&d, 2, 64), -1);
    assert_answer(dfu_get_status(&d), DFU_ERROR, DFU_ERR_VENDOR);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_command(&d, ERASE, DFU_APP), DFU_DNLOAD_IDLE, DFU_OK);
    dfu_desk_close(&d);
}

TEST(a_mass_erase_takes_the_application_area_and_nothing_else)
{
    uint8_t settings[0xC000], image[256];
    struct dfu_desk d;

    UNUSED_STATE;
    memset(settings, 0x5E, sizeof settings);
    memset(image, 0, sizeof image);
    dfu_desk_enter(&d, NULL, NULL);
    assert_true(flash_probe_write(chip_flash(d.chip), 0x08004000, settings, sizeof settings));
    assert_true(flash_probe_write(chip_flash(d.chip), DFU_APP, image, sizeof image));
    assert_true(flash_probe_write(chip_flash(d.chip), DFU_APP + DFU_APP_BYTES - sizeof image, image, sizeof image));
    assert_true(dfu_dnload(&d, 0, (const uint8_t[]){ ERASE }, 1));
    assert_answer(dfu_finish(&d), DFU_DNLOAD_IDLE, DFU_OK);
    for (uint32_t at = 0; at < DFU_APP_BYTES; at += 4) assert_int_equal(load_le32(app(&d) + at), 0xFFFFFFFFU);
    assert_memory_equal(flash_cells(chip_flash(d.chip)) + 0x4000, settings, sizeof settings);
    dfu_desk_close(&d);
}

TEST(leave_alone_goes_back_to_the_application_that_is_there)
{
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, "demo-1.0.0.elf", NULL);
    assert_answer(dfu_leave(&d), DFU_MANIFEST, DFU_OK);
    assert_true(dfu_desk_wait(&d, 3));
    assert_is_vcp(&d);
    assert_true(starts(&d));
    dfu_desk_close(&d);
}

TEST(leave_without_an_application_is_an_error_and_the_next_download_works)
{
    uint8_t *image = new_image(true);
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_leave(&d), DFU_ERROR, DFU_ERR_FIRMWARE);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_write_image(&d, DFU_APP, image, IMAGE_BYTES), DFU_DNLOAD_IDLE, DFU_OK);
    assert_true(starts(&d));
    dfu_desk_close(&d);
    free(image);
}

TEST(a_damaged_sealed_image_is_refused_at_leave_and_never_starts)
{
    uint8_t *image = new_image(true);
    struct dfu_desk d;

    UNUSED_STATE;
    image[0x1000] ^= 1;
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, IMAGE_BYTES), DFU_DNLOAD_IDLE, DFU_OK);
    assert_answer(dfu_leave(&d), DFU_ERROR, DFU_ERR_VERIFY);
    assert_false(starts(&d));
    image[0x1000] ^= 1;
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_write_image(&d, DFU_APP, image, IMAGE_BYTES), DFU_DNLOAD_IDLE, DFU_OK);
    assert_answer(dfu_leave(&d), DFU_MANIFEST, DFU_OK);
    dfu_desk_close(&d);
    free(image);
}

TEST(an_image_that_is_linked_elsewhere_is_no_target)
{
    uint8_t *image = new_image(false);
    struct dfu_desk d;

    UNUSED_STATE;
    store_le32(image + 4, 0x08000401U);
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, 0x1000), DFU_DNLOAD_IDLE, DFU_OK);
    assert_answer(dfu_leave(&d), DFU_ERROR, DFU_ERR_TARGET);
    assert_false(starts(&d));
    dfu_desk_close(&d);
    free(image);
}

TEST(writing_before_the_first_sector_is_erased_is_refused_and_the_old_application_stays)
{
    const uint8_t block[64] = { 0 };
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, "demo-1.0.0.elf", NULL);
    assert_answer(dfu_command(&d, ERASE, 0x08020000), DFU_ERROR, DFU_ERR_CHECK_ERASED);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_write_block(&d, 0x08040000, block, sizeof block), DFU_ERROR, DFU_ERR_CHECK_ERASED);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_leave(&d), DFU_MANIFEST, DFU_OK);
    dfu_desk_close(&d);
}

TEST(leave_in_the_middle_of_a_download_is_refused_and_starts_nothing)
{
    uint8_t *image = new_image(true);
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, "demo-1.0.0.elf", NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, 0x8000), DFU_DNLOAD_IDLE, DFU_OK);
    assert_int_equal(dfu_leave(&d).state, DFU_ERROR);
    dfu_desk_run_ms(&d, 31000);         /* nor does the idle time */
    assert_int_equal(d.enumerated, 2);
    assert_false(starts(&d));
    dfu_desk_close(&d);
    free(image);
}

TEST(a_power_cut_in_the_middle_leaves_nothing_that_starts_and_the_next_use_works)
{
    uint8_t *image = new_image(true);
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, "demo-1.0.0.elf", NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, 0x20000), DFU_DNLOAD_IDLE, DFU_OK);
    chip_power_cycle(d.chip);
    assert_true(dfu_desk_wait(&d, 3));
    assert_is_vcp(&d);                  /* a request does not outlive the power */
    dfu_desk_reboot(&d, 2);
    assert_true(dfu_desk_wait(&d, 4));
    assert_answer(dfu_leave(&d), DFU_ERROR, DFU_ERR_FIRMWARE);
    assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    assert_answer(dfu_write_image(&d, DFU_APP, image, IMAGE_BYTES), DFU_DNLOAD_IDLE, DFU_OK);
    assert_true(starts(&d));
    dfu_desk_close(&d);
    free(image);
}

TEST(a_bus_reset_in_mid_download_leaves_dfu_idle_and_the_download_can_go_on)
{
    uint8_t *image = new_image(true);
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    assert_answer(dfu_write_image(&d, DFU_APP, image, 0x20000), DFU_DNLOAD_IDLE, DFU_OK);
    usbhost_bus_reset(chip_usbhost(d.chip));
    assert_true(dfu_desk_wait(&d, 3));
    assert_answer(dfu_get_status(&d), DFU_IDLE, DFU_OK);
    for (uint32_t at = 0x20000; at < IMAGE_BYTES; at += DFU_TRANSFER_BYTES) {
        size_t n = IMAGE_BYTES - at < DFU_TRANSFER_BYTES ? IMAGE_BYTES - at : DFU_TRANSFER_BYTES;

        if (at >= 0x10000 && at % 0x20000 == 0x10000)
            assert_answer(dfu_command(&d, ERASE, DFU_APP + at), DFU_DNLOAD_IDLE, DFU_OK);
        assert_answer(dfu_write_block(&d, DFU_APP + at, image + at, n), DFU_DNLOAD_IDLE, DFU_OK);
    }
    assert_true(starts(&d));
    dfu_desk_close(&d);
    free(image);
}

TEST(any_class_request_ends_and_the_device_goes_on)
{
    uint32_t random = 1;
    uint8_t data[256] = { 0 };
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, NULL, NULL);
    for (unsigned round = 0; round < 400; round++) {
        uint8_t type, request;
        uint16_t value, n;

        random = random * 1664525U + 1013904223U;
        type = (random >> 24 & 1U) != 0 ? 0x21 : 0xA1;
        request = (uint8_t)(random >> 16 & 7U);
        value = (uint16_t)(random >> 8 & 3U);
        n = (uint16_t)(random >> 20 & 0xFFU);
        data[0] = (uint8_t)(random >> 28 & 1U ? ERASE : SET_ADDRESS);
        (void)dfu_control(&d, type, request, value, data, n);
        if (dfu_get_status(&d).state == DFU_ERROR) assert_true(dfu_control(&d, 0x21, 4, 0, NULL, 0));
    }
    dfu_desk_close(&d);
}

TEST(an_idle_dfu_device_with_an_application_goes_back_to_it)
{
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_enter(&d, "demo-1.0.0.elf", NULL);
    for (unsigned i = 0; i < 4; i++) {
        dfu_desk_run_ms(&d, 10000);
        (void)dfu_get_status(&d);       /* a request is a sign of life */
    }
    assert_int_equal(d.enumerated, 2);
    dfu_desk_run_ms(&d, 31000);
    assert_int_equal(d.enumerated, 3);
    assert_is_vcp(&d);
    dfu_desk_close(&d);
}

static uint32_t rom_word(struct dfu_desk *d, unsigned i)
{
    return load_le32(chip_ram(d->chip, ROM_WORDS + 4 * i, 4));
}

TEST(the_system_loader_finds_the_chip_as_an2606_asks)
{
    const struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 3, .log = stderr, .result_bkpt = true };
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_open(&d, "demo-1.0.0.elf", &o);
    dfu_desk_load(&d, "guest/rom.elf");
    /* The demo runs and answers no REBOOT: blank its first word, so that the bootloader stays, and put it back. */
    assert_true(flash_probe_write(chip_flash(d.chip), DFU_APP, (const uint8_t[]){ 0xFF, 0xFF, 0xFF, 0xFF }, 4));
    assert_true(dfu_desk_wait(&d, 1));
    dfu_desk_load(&d, "demo-1.0.0.elf");
    dfu_desk_reboot(&d, 3);
    assert_int_equal(chip_run_for(d.chip, VTIME_MS(2000)), CHIP_RESULT);
    assert_int_equal(chip_result(d.chip), 0x20F20000U);
    assert_int_equal(rom_word(&d, 0), 0x20003000U);             /* MSP: its own first word */
    assert_int_equal(rom_word(&d, 1), 0xFFFFFFFFU);             /* LR */
    assert_int_equal(rom_word(&d, 2), 0);                       /* PRIMASK: interrupts enabled */
    assert_int_equal(rom_word(&d, 3) & 0x01010001U, 1);         /* HSI on, HSE and PLL off */
    assert_int_equal(rom_word(&d, 4), 0);                       /* CFGR: HSI, no prescaler */
    assert_int_equal(rom_word(&d, 5), 1);                       /* MEMRMP: system memory at 0 */
    assert_int_equal(rom_word(&d, 6), 0);                       /* VTOR */
    assert_int_equal(rom_word(&d, 7) & 0xFFFF0001U, 0x1FFF0001U);       /* and there it is */
    dfu_desk_close(&d);
}

TEST(without_a_loader_in_system_memory_the_bootloader_stays_a_serial_port)
{
    struct dfu_desk d;

    UNUSED_STATE;
    dfu_desk_open(&d, NULL, NULL);
    assert_true(dfu_desk_wait(&d, 1));
    dfu_desk_load(&d, "demo-1.0.0.elf");
    dfu_desk_reboot(&d, 3);
    assert_true(dfu_desk_wait(&d, 2));
    assert_is_vcp(&d);
    dfu_desk_reboot(&d, 2);             /* it is the bootloader: it answers */
    dfu_desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_enumerates_as_sts_loader_with_the_application_area_as_its_memory),
        cmocka_unit_test(a_raw_image_is_installed_by_leave_and_starts),
        cmocka_unit_test(a_sealed_image_is_installed_by_its_last_block_and_starts),
        cmocka_unit_test(upload_gives_back_what_was_written_before_and_after_the_commit),
        cmocka_unit_test(an_upload_ends_with_a_short_block_at_the_end_of_the_area),
        cmocka_unit_test(addresses_outside_of_the_application_are_refused_and_touch_nothing),
        cmocka_unit_test(get_status_is_answered_while_a_sector_is_erased_and_the_poll_time_covers_the_slowest_flash),
        cmocka_unit_test(without_reading_the_letter_says_so_and_upload_is_refused),
        cmocka_unit_test(a_mass_erase_takes_the_application_area_and_nothing_else),
        cmocka_unit_test(leave_alone_goes_back_to_the_application_that_is_there),
        cmocka_unit_test(leave_without_an_application_is_an_error_and_the_next_download_works),
        cmocka_unit_test(a_damaged_sealed_image_is_refused_at_leave_and_never_starts),
        cmocka_unit_test(an_image_that_is_linked_elsewhere_is_no_target),
        cmocka_unit_test(writing_before_the_first_sector_is_erased_is_refused_and_the_old_application_stays),
        cmocka_unit_test(leave_in_the_middle_of_a_download_is_refused_and_starts_nothing),
        cmocka_unit_test(a_power_cut_in_the_middle_leaves_nothing_that_starts_and_the_next_use_works),
        cmocka_unit_test(a_bus_reset_in_mid_download_leaves_dfu_idle_and_the_download_can_go_on),
        cmocka_unit_test(any_class_request_ends_and_the_device_goes_on),
        cmocka_unit_test(an_idle_dfu_device_with_an_application_goes_back_to_it),
        cmocka_unit_test(the_system_loader_finds_the_chip_as_an2606_asks),
        cmocka_unit_test(without_a_loader_in_system_memory_the_bootloader_stays_a_serial_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
