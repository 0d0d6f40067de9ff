/* SPDX-License-Identifier: MIT */
/* update/: what an update does to the flash, and in which order. */
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/update_rig.h"

static uint8_t image[RIG_BYTES];
static struct update_rig rig;

static int open_rig(void **state)
{
    (void)state;
    memset(image, 0xFF, sizeof image);
    rig_image(image, 1);
    rig_open(&rig, "");
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static const struct update_status *status(void)
{
    return session_status(&rig.session);
}

/* --- it works ----------------------------------------------------------------------------------------------------- */

TEST(a_sealed_image_ends_up_in_flash_whatever_the_size_of_its_blocks)
{
    static const size_t blocks[] = { 4, 12, 64, 68, 128, 1000, 1024 };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        rig_image(image, (uint32_t)i);
        assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, blocks[i]), UPDATE_OK);
        assert_int_equal(status()->phase, UPDATE_DONE);
        assert_int_equal(status()->done, RIG_IMAGE);
        assert_int_equal(status()->next, RIG_IMAGE);
        assert_true(rig_holds(&rig, image, RIG_IMAGE));
        assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
        assert_false(session_active(&rig.session));
    }
}

TEST(the_initial_sp_is_the_last_word_and_the_head_comes_behind_everything_else)
{
    uint32_t last;

    UNUSED_STATE;
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_OK);
    last = rig.flash.ops - 1;
    assert_int_equal(rig.flash.log[last].addr, RIG_BASE);
    for (uint32_t i = 0; i < last; i++) {
        bool head = rig.flash.log[i].kind == FAKE_PROGRAM && rig.flash.log[i].addr < RIG_BASE + SEAL_HEAD_BYTES;

        assert_int_equal(head, i >= last - 14);         /* 16 words, the SP apart, the life word stays blank */
    }
}

TEST(the_first_sector_is_erased_before_anything_else_happens)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 3);
    assert_int_equal(rig.flash.log[0].kind, FAKE_ERASE);
    assert_int_equal(rig.flash.log[0].addr, RIG_BASE);
    assert_int_equal(status()->erases, 3);
    assert_int_equal(status()->words, rig.flash.words);
}

TEST(the_first_erase_begins_with_the_head_and_not_with_the_data)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    assert_int_equal(session_write(&rig.session, 0, image, SEAL_HEAD_BYTES), UPDATE_OK);
    assert_int_equal(status()->phase, UPDATE_ERASING);
    rig_poll(&rig);
    assert_int_equal(rig.flash.ops, 1);
    assert_int_equal(rig.flash.log[0].kind, FAKE_ERASE);
}

TEST(a_chip_as_it_left_the_factory_is_not_erased_and_words_of_all_ones_are_not_programmed)
{
    UNUSED_STATE;
    memset(image + 1024, 0xFF, 2048);
    rig_reseal(image);
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 0);
    for (uint32_t i = 0; i < rig.flash.ops; i++)
        assert_true(rig.flash.log[i].word != 0xFFFFFFFFU);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

/* Its erase may have been cut short. */
TEST(where_anything_has_been_written_a_sector_that_reads_blank_is_erased_too)
{
    UNUSED_STATE;
    memset(image + 64, 0xFF, RIG_IMAGE - 64);       /* what the first sector is given says nothing about the others */
    store_le32(image + 4096, 0x12345678U);
    rig_reseal(image);
    rig.flash.array[RIG_BYTES - 1] = 0;     /* the last byte of the last sector: found all the same */
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 3);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

TEST(sectors_behind_the_image_are_left_alone)
{
    UNUSED_STATE;
    rig_raw(image, 1000, NULL);
    memset(rig.flash.array, 0x55, RIG_BYTES);
    assert_int_equal(rig_update(&rig, image, 1000, 1000, 128), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 1);
    assert_int_equal(rig.flash.array[1024], 0x55);
}

TEST(an_image_may_fill_the_area_to_its_last_word)
{
    UNUSED_STATE;
    rig_raw(image, RIG_BYTES, NULL);
    assert_int_equal(rig_update(&rig, image, RIG_BYTES, RIG_BYTES, 1024), UPDATE_OK);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
    assert_memory_equal(rig.flash.array + 64, image + 64, RIG_BYTES - 64);
}

/* --- raw images and streams without a length ---------------------------------------------------------------------- */

static void check_sealed_by_device(uint32_t n, uint8_t flags, uint32_t info_at)
{
    struct seal_head h;
    struct seal_info seal;

    seal_head_load(&h, rig.flash.array);
    seal_parse(&seal, &h, &rig_where);
    assert_int_equal(seal.kind, SEAL_PRESENT);
    assert_int_equal(seal.length, (n + 3U) & ~3U);
    assert_int_equal(seal.flags, flags);
    assert_int_equal(seal.info_offset, info_at);
    assert_int_equal(seal.life, LIFE_FRESH);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
    assert_memory_equal(rig.flash.array + 0x38, image + 0x38, n - 0x38);
    assert_memory_equal(rig.flash.array, image, 0x1C);
}

TEST(a_raw_image_of_any_length_is_sealed_with_what_its_info_block_says)
{
    UNUSED_STATE;
    for (uint32_t n = 4400; n < 4406; n++) {
        rig_raw(image, n, "pump");
        assert_int_equal(rig_update(&rig, image, n, n, 1024), UPDATE_OK);
        check_sealed_by_device(n, SEAL_FLAG_CONFIRMS, 2000);
    }
}

TEST(a_raw_image_without_an_info_block_is_sealed_without_flags)
{
    UNUSED_STATE;
    rig_raw(image, 4403, NULL);
    assert_int_equal(rig_update(&rig, image, 4403, 4403, 128), UPDATE_OK);
    check_sealed_by_device(4403, 0, 0);
}

TEST(a_broken_info_block_is_passed_over_for_the_next_whole_one)
{
    UNUSED_STATE;
    rig_raw(image, 4400, "pump");
    memcpy(image + 1000, image + 2000, 12);
    image[1000 + 14] = 0xFF;            /* its first entry runs past its end */
    image[1000 + 15] = 0xFF;
    assert_int_equal(rig_update(&rig, image, 4400, 4400, 1024), UPDATE_OK);
    check_sealed_by_device(4400, SEAL_FLAG_CONFIRMS, 2000);
}

TEST(an_image_full_of_broken_info_blocks_does_not_make_a_poll_long)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    for (uint32_t at = 64; at + 16 <= 4400; at += 16)       /* 512 bytes are announced, the first entry is too long */
        memcpy(image + at, "VCPBINFO\0\x02\x01\0\x01\0\xFF\xFF", 16);
    assert_int_equal(rig_update(&rig, image, 4400, 4400, 1024), UPDATE_OK);    /* rig_poll measures every poll */
    check_sealed_by_device(4400, 0, 0);
}

TEST(an_info_block_that_the_end_of_the_image_cuts_is_not_there)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    memcpy(image + 4400 - 12, "VCPBINFO\x08\0\x01\0", 12);
    assert_int_equal(rig_update(&rig, image, 4400, 4400, 1024), UPDATE_OK);
    check_sealed_by_device(4400, 0, 0);
}

TEST(a_raw_stream_without_a_length_ends_where_it_ends)
{
    UNUSED_STATE;
    rig_raw(image, 4352, "pump");
    assert_int_equal(rig_update(&rig, image, 4352, SESSION_LENGTH_UNKNOWN, 128), UPDATE_OK);
    check_sealed_by_device(4352, SEAL_FLAG_CONFIRMS, 2000);
}

TEST(a_sealed_stream_without_a_length_may_fill_up_its_last_block)
{
    UNUSED_STATE;
    memset(image + RIG_IMAGE, 0x1A, sizeof image - RIG_IMAGE);
    assert_int_equal(rig_update(&rig, image, 5 * 1024, SESSION_LENGTH_UNKNOWN, 1024), UPDATE_OK);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
    assert_int_equal(rig.flash.array[RIG_IMAGE], 0xFF);
    assert_int_equal(status()->next, RIG_IMAGE);
}

TEST(an_image_that_is_shorter_than_its_first_block_works_too)
{
    UNUSED_STATE;
    memset(image, 0x1A, sizeof image);
    make_image(image, &(struct image_recipe){ .base = RIG_BASE, .bytes = 72, .sealed = true });
    assert_int_equal(rig_update(&rig, image, 128, SESSION_LENGTH_UNKNOWN, 128), UPDATE_OK);
    assert_true(rig_holds(&rig, image, 72));
    assert_int_equal(rig.flash.array[72], 0xFF);
}

TEST(anything_but_padding_behind_a_sealed_stream_fails_it)
{
    UNUSED_STATE;
    memset(image + RIG_IMAGE, 0x1A, sizeof image - RIG_IMAGE);
    image[5 * 1024 - 1] = 0x1B;
    assert_int_equal(rig_update(&rig, image, 5 * 1024, SESSION_LENGTH_UNKNOWN, 1024), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(status()->phase, UPDATE_FAILED);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

TEST(a_whole_block_of_padding_fails_a_sealed_stream)
{
    UNUSED_STATE;
    memset(image + RIG_IMAGE, 0x1A, sizeof image - RIG_IMAGE);
    session_begin(&rig.session, SESSION_LENGTH_UNKNOWN, SESSION_ALL_SECTORS);
    assert_int_equal(rig_send(&rig, image, 0, RIG_IMAGE + 108, 128), UPDATE_OK);
    assert_int_equal(status()->next, RIG_IMAGE);
    assert_int_equal(session_write(&rig.session, RIG_IMAGE, image + RIG_IMAGE, 128), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(status()->phase, UPDATE_FAILED);
}

TEST(a_stream_that_is_too_short_is_not_an_image)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    assert_int_equal(rig_update(&rig, image, 64, SESSION_LENGTH_UNKNOWN, 64), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(status()->phase, UPDATE_FAILED);
    rig_restart(&rig);
    assert_int_equal(rig_update(&rig, image, 40, SESSION_LENGTH_UNKNOWN, 40), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

TEST(a_raw_stream_whose_reset_vector_lies_behind_its_end_is_not_committed)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    store_le32(image + 4, RIG_BASE + 4401);
    assert_int_equal(rig_update(&rig, image, 4400, SESSION_LENGTH_UNKNOWN, 1000), UPDATE_E_IMAGE_VECTORS);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

TEST(sectors_that_are_not_planned_are_passed_over_and_not_touched)
{
    UNUSED_STATE;
    memcpy(rig.flash.array + 64, image + 64, RIG_IMAGE - 64);
    memset(rig.flash.array + 1024, 0, 2048);
    session_begin(&rig.session, RIG_IMAGE, 0x2);
    assert_int_equal(rig_send(&rig, image, 0, 64, 64), UPDATE_OK);
    assert_int_equal(status()->next, 1024);
    assert_int_equal(rig_send(&rig, image, 1024, 3072, 1024), UPDATE_OK);
    assert_int_equal(status()->next, RIG_IMAGE);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 1);
    assert_int_equal(status()->done, 2048 + 64);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

TEST(an_empty_plan_commits_what_a_cut_before_the_commit_left)
{
    UNUSED_STATE;
    memcpy(rig.flash.array + 64, image + 64, RIG_IMAGE - 64);
    session_begin(&rig.session, RIG_IMAGE, 0);
    assert_int_equal(rig_send(&rig, image, 0, 64, 64), UPDATE_OK);
    assert_int_equal(status()->next, RIG_IMAGE);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(rig.flash.words, 15);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(the_crc_tells_if_a_sector_that_was_left_out_is_not_right)
{
    UNUSED_STATE;
    memcpy(rig.flash.array + 64, image + 64, RIG_IMAGE - 64);
    rig.flash.array[RIG_IMAGE - 1] ^= 0x10;
    session_begin(&rig.session, RIG_IMAGE, 0x2);
    rig_send(&rig, image, 0, 64, 64);
    rig_send(&rig, image, 1024, 3072, 1024);
    assert_int_equal(rig_finish(&rig), UPDATE_E_IMAGE_CRC);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

TEST(a_block_must_not_cross_into_a_sector_that_is_not_planned)
{
    UNUSED_STATE;
    session_begin(&rig.session, RIG_IMAGE, 0x1);
    rig_send(&rig, image, 0, 64, 64);
    assert_int_equal(session_write(&rig.session, 64, image + 64, 964), UPDATE_E_RANGE);
    assert_int_equal(session_write(&rig.session, 64, image + 64, 960), UPDATE_OK);
    rig_restart(&rig);
    session_begin(&rig.session, RIG_IMAGE, 0x2);
    assert_int_equal(session_write(&rig.session, 0, image, 68), UPDATE_E_RANGE);
}

/* --- checks at the end -------------------------------------------------------------------------------------------- */

TEST(every_flipped_byte_of_a_sealed_image_keeps_the_head_out_of_the_flash)
{
    UNUSED_STATE;
    for (uint32_t at = 64; at < RIG_IMAGE; at += 37) {
        rig_restart(&rig);
        image[at] ^= 0x40;
        assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_E_IMAGE_CRC);
        assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
        image[at] ^= 0x40;
    }
}

TEST(an_image_for_another_product_is_not_committed)
{
    UNUSED_STATE;
    rig.session.product = "pumps";
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_E_IMAGE_PRODUCT);
    rig.session.product = "pum";
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_E_IMAGE_PRODUCT);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    rig.session.product = "pump";
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_OK);
}

TEST(an_image_without_a_product_does_not_fit_a_device_that_wants_one)
{
    UNUSED_STATE;
    rig.session.product = "pump";
    rig_raw(image, 4400, NULL);
    assert_int_equal(rig_update(&rig, image, 4400, 4400, 1024), UPDATE_E_IMAGE_PRODUCT);
    rig_raw(image, 4400, "pump");
    assert_int_equal(rig_update(&rig, image, 4400, 4400, 1024), UPDATE_OK);
}

TEST(a_seal_that_points_to_something_else_has_no_product)
{
    UNUSED_STATE;
    rig.session.product = "pump";
    store_le32(image + SEAL_AT_FORMAT, 1U | (RIG_IMAGE / 4U - 1U) << 12);
    rig_reseal(image);
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024), UPDATE_E_IMAGE_PRODUCT);
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

static uint32_t digest_by_hand(const uint8_t *p, uint32_t from, uint32_t to, uint32_t without)
{
    uint32_t crc = 0xFFFFFFFFU;

    for (uint32_t at = from; at + 4U <= to; at += 4U) {
        if (at == without)
            continue;
        crc ^= load_le32(p + at);
        for (int i = 0; i < 32; i++)
            crc = (crc & 0x80000000U) != 0 ? crc << 1 ^ 0x04C11DB7U : crc << 1;
    }
    return crc;
}

TEST(digests_are_those_of_the_spec)
{
    UNUSED_STATE;
    memcpy(rig.flash.array, image, sizeof image);
    assert_int_equal(session_digest_head(&rig.session), digest_by_hand(image, 0, 64, SEAL_AT_LIFE));
    assert_int_equal(session_digest_sector(&rig.session, 0, RIG_IMAGE), digest_by_hand(image, 64, 1024, 1));
    assert_int_equal(session_digest_sector(&rig.session, 1, RIG_IMAGE), digest_by_hand(image, 1024, 3072, 1));
    assert_int_equal(session_digest_sector(&rig.session, 2, RIG_IMAGE), digest_by_hand(image, 3072, RIG_IMAGE, 1));
}

TEST(digests_of_nothing_are_the_start_value)
{
    UNUSED_STATE;
    assert_int_equal(session_digest_sector(&rig.session, 0, 64), 0xFFFFFFFFU);
    assert_int_equal(session_digest_sector(&rig.session, 2, 3072), 0xFFFFFFFFU);
    assert_int_equal(session_digest_sector(&rig.session, 2, 4), 0xFFFFFFFFU);
    assert_int_equal(session_digest_sector(&rig.session, 3, RIG_BYTES), 0xFFFFFFFFU);
}

TEST(starts_of_the_application_do_not_change_the_heads_digest)
{
    uint32_t fresh;

    UNUSED_STATE;
    memcpy(rig.flash.array, image, RIG_IMAGE);
    fresh = session_digest_head(&rig.session);
    rig.flash.array[SEAL_AT_LIFE] = 0xFE;
    assert_int_equal(session_digest_head(&rig.session), fresh);
    rig.flash.array[SEAL_AT_CRC] ^= 1;
    assert_int_not_equal(session_digest_head(&rig.session), fresh);
}

/* --- the real chip ------------------------------------------------------------------------------------------------ */

TEST(an_image_of_448_kb_fits_the_sectors_of_the_f407ve)
{
    static const struct flash_sector sectors[] = {
        { 0x08010000U, 65536 }, { 0x08020000U, 131072 }, { 0x08040000U, 131072 }, { 0x08060000U, 131072 },
    };
    static const struct flash_area area = { sectors, COUNT(sectors) };
    static const struct seal_area where = { 0x08010000U, 458752, seal_ram_f407, 2 };
    static uint8_t big[458752];
    static struct session s;
    struct fake_flash flash;

    UNUSED_STATE;
    make_image(big, &(struct image_recipe){ .base = 0x08010000U, .bytes = sizeof big, .sealed = true, .seed = 9 });
    fake_flash_open(&flash, &area);
    memset(flash.array, 0, flash.bytes);
    session_init(&s, &area, &where, "");
    session_begin(&s, sizeof big, 0xF);
    while (session_status(&s)->phase != UPDATE_DONE) {
        uint32_t next = session_status(&s)->next;

        assert_int_not_equal(session_poll(&s, 0), UPDATE_FAILED);
        if (session_ready(&s) && next < sizeof big)
            session_write(&s, next, big + next, 1024);
        else if (session_ready(&s))
            session_finish(&s);
    }
    assert_memory_equal(flash.array, big, sizeof big);
    assert_int_equal(flash.erases, 4);
    assert_true(flash.words <= 114688 && flash.words > 114600);
    assert_int_equal(flash.violations, 0);
    fake_flash_close(&flash);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(a_sealed_image_ends_up_in_flash_whatever_the_size_of_its_blocks),
        RIGGED(the_initial_sp_is_the_last_word_and_the_head_comes_behind_everything_else),
        RIGGED(the_first_sector_is_erased_before_anything_else_happens),
        RIGGED(the_first_erase_begins_with_the_head_and_not_with_the_data),
        RIGGED(a_chip_as_it_left_the_factory_is_not_erased_and_words_of_all_ones_are_not_programmed),
        RIGGED(where_anything_has_been_written_a_sector_that_reads_blank_is_erased_too),
        RIGGED(sectors_behind_the_image_are_left_alone),
        RIGGED(an_image_may_fill_the_area_to_its_last_word),
        RIGGED(a_raw_image_of_any_length_is_sealed_with_what_its_info_block_says),
        RIGGED(a_raw_image_without_an_info_block_is_sealed_without_flags),
        RIGGED(a_broken_info_block_is_passed_over_for_the_next_whole_one),
        RIGGED(an_image_full_of_broken_info_blocks_does_not_make_a_poll_long),
        RIGGED(an_info_block_that_the_end_of_the_image_cuts_is_not_there),
        RIGGED(a_raw_stream_without_a_length_ends_where_it_ends),
        RIGGED(a_sealed_stream_without_a_length_may_fill_up_its_last_block),
        RIGGED(an_image_that_is_shorter_than_its_first_block_works_too),
        RIGGED(anything_but_padding_behind_a_sealed_stream_fails_it),
        RIGGED(a_whole_block_of_padding_fails_a_sealed_stream),
        RIGGED(a_stream_that_is_too_short_is_not_an_image),
        RIGGED(a_raw_stream_whose_reset_vector_lies_behind_its_end_is_not_committed),
        RIGGED(sectors_that_are_not_planned_are_passed_over_and_not_touched),
        RIGGED(an_empty_plan_commits_what_a_cut_before_the_commit_left),
        RIGGED(the_crc_tells_if_a_sector_that_was_left_out_is_not_right),
        RIGGED(a_block_must_not_cross_into_a_sector_that_is_not_planned),
        RIGGED(every_flipped_byte_of_a_sealed_image_keeps_the_head_out_of_the_flash),
        RIGGED(an_image_for_another_product_is_not_committed),
        RIGGED(an_image_without_a_product_does_not_fit_a_device_that_wants_one),
        RIGGED(a_seal_that_points_to_something_else_has_no_product),
        RIGGED(digests_are_those_of_the_spec),
        RIGGED(digests_of_nothing_are_the_start_value),
        RIGGED(starts_of_the_application_do_not_change_the_heads_digest),
        cmocka_unit_test(an_image_of_448_kb_fits_the_sectors_of_the_f407ve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
