/* SPDX-License-Identifier: MIT */
/* AN3155's device side, with a real session over the fake flash: whole conversations, refusals, silence, other clients. */
#include <string.h>

#include "boot/mailbox.h"
#include "image/bytes.h"
#include "tests/unit/cm.h"
#include "tests/unit/serve_rig.h"

#define FILE_BYTES 0x6A00U
#define BLOCK 256U
#define COMMAND_MS 500U                 /* stm32flash waits so long for the answer to a command, */
#define WRITE_MS 1000U                  /* to a block */
#define ERASE_MS 35000U                 /* and to an erase */
#define FLASH_START 0x08000000U
#define SECTOR_4 (1U << 4)              /* the application's first; 5 and 6 are the rig's others */

static struct rig rig;
static uint8_t file[RIG_AREA_BYTES];

static void open_device(uint32_t capabilities)
{
    rig_open(&rig, capabilities);
    rig.serve.set.self.dev_id = 0x0413;
    rig_image(file, FILE_BYTES, 7, false);
    serve_opened(&rig.serve, rig.now_ms);
}

static int setup(void **state)
{
    (void)state;
    open_device(NATIVE_CAP_UPDATE | NATIVE_CAP_READ);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* --- the client --------------------------------------------------------------------------------------------------------- */

static int ask(const void *bytes, size_t n, uint32_t ms)
{
    rig_put(&rig, bytes, n);
    return rig_get(&rig, ms);
}

static int init(void)
{
    return ask("\x7F", 1, COMMAND_MS);
}

static int command(enum an_command c)
{
    uint8_t frame[] = { an_codes[c], (uint8_t)~an_codes[c] };

    return ask(frame, 2, COMMAND_MS);
}

static int address(uint32_t at)
{
    uint8_t frame[] = { (uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at, 0 };

    frame[4] = frame[0] ^ frame[1] ^ frame[2] ^ frame[3];
    return ask(frame, 5, WRITE_MS);
}

/* Bytes and the XOR of them. */
static int summed(const uint8_t *bytes, size_t n, uint32_t ms)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) sum ^= bytes[i];
    rig_put(&rig, bytes, n);
    return ask(&sum, 1, ms);
}

static void assert_says(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) assert_int_equal(rig_get(&rig, COMMAND_MS), ((const uint8_t *)bytes)[i]);
}

/* As every client does it: 0x7F, then a question. */
static void connect(void)
{
    assert_int_equal(init(), AN_ACK);
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
    assert_says("\x31\x00\x00\x79", 4);
}

/* A NACK at any stage is the answer. */
static int put(uint32_t at, const uint8_t *p, size_t n)
{
    uint8_t frame[1 + BLOCK];
    int c = command(AN_WRITE);

    if (c == AN_ACK) c = address(at);
    if (c != AN_ACK) return c;
    frame[0] = (uint8_t)(n - 1);
    memcpy(frame + 1, p, n);
    return summed(frame, n + 1, WRITE_MS);
}

static int get(uint32_t at, uint8_t *out, size_t n)
{
    uint8_t length[] = { (uint8_t)(n - 1), (uint8_t)~(n - 1) };
    int c = command(AN_READ);

    if (c == AN_ACK) c = address(at);
    if (c == AN_ACK) c = ask(length, 2, COMMAND_MS);
    for (size_t i = 0; c == AN_ACK && i < n; i++) {
        int byte = rig_get(&rig, COMMAND_MS);

        assert_true(byte >= 0);
        out[i] = (uint8_t)byte;
    }
    return c;
}

static int erase_all(void)
{
    assert_int_equal(command(AN_ERASE), AN_ACK);
    return ask("\xFF\xFF\x00", 3, ERASE_MS);
}

static int erase(uint32_t sectors)
{
    uint8_t frame[2 + 2 * 32] = { 0 };
    size_t n = 2;

    for (unsigned i = 0; i < 32; i++) {
        if ((sectors >> i & 1U) != 0) {
            frame[n + 1] = (uint8_t)i;
            n += 2;
        }
    }
    frame[1] = (uint8_t)(n / 2 - 2);
    assert_int_equal(command(AN_ERASE), AN_ACK);
    return summed(frame, n, ERASE_MS);
}

static int go(uint32_t at)
{
    int c = command(AN_GO);

    return c == AN_ACK ? address(at) : c;
}

/* As stm32flash -w -v does it: block by block, each read back. */
static void put_file(uint32_t from, uint32_t to)
{
    uint8_t back[BLOCK];

    for (uint32_t at = from; at < to; at += BLOCK) {
        assert_int_equal(put(RIG_BASE + at, file + at, BLOCK), AN_ACK);
        assert_int_equal(get(RIG_BASE + at, back, BLOCK), AN_ACK);
        assert_memory_equal(back, file + at, BLOCK);
    }
}

static bool leaves(uint8_t *request)
{
    rig_run(&rig, SERVE_REBOOT_MS + 1);
    return serve_leaves(&rig.serve, rig.now_ms, true, request);
}

/* --- whole conversations ----------------------------------------------------------------------------------------------------- */

TEST(it_says_what_it_is_as_the_chips_own_loader_does)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
    assert_says("\x31\x00\x00\x79", 4);
    assert_int_equal(command(AN_GET), AN_ACK);
    assert_says("\x0B\x31\x00\x01\x02\x11\x21\x31\x44\x63\x73\x82\x92\x79", 14);
    assert_int_equal(command(AN_GET_ID), AN_ACK);
    assert_says("\x01\x04\x13\x79", 4);
    assert_int_equal(rig_get(&rig, 100), -1);
}

TEST(a_raw_image_is_sealed_and_started_by_go)
{
    uint8_t request = 9;

    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
    assert_false(serve_startable(&rig.serve));
    assert_int_equal(go(RIG_BASE), AN_ACK);
    assert_memory_equal(rig.flash.array, file, SEAL_AT_MAGIC);
    assert_int_equal(load_le32(rig.flash.array + SEAL_AT_MAGIC), SEAL_MAGIC);
    assert_int_equal(load_le32(rig.flash.array + SEAL_AT_LENGTH), FILE_BYTES);
    assert_memory_equal(rig.flash.array + SEAL_HEAD_BYTES, file + SEAL_HEAD_BYTES, FILE_BYTES - SEAL_HEAD_BYTES);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_NONE);
}

TEST(a_sealed_image_is_committed_before_its_last_block_is_acknowledged)
{
    uint8_t request = 9;

    UNUSED_STATE;
    rig_image(file, FILE_BYTES, 7, true);
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_memory_equal(rig.flash.array, file, FILE_BYTES);
    rig_run(&rig, 1);
    assert_true(serve_startable(&rig.serve));
    assert_false(leaves(&request));
    assert_int_equal(go(FLASH_START), AN_ACK);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_NONE);
}

TEST(a_sealed_image_for_another_product_is_refused_with_its_last_block)
{
    UNUSED_STATE;
    rig.session.product = "pump";
    rig_image(file, FILE_BYTES, 7, true);
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES - BLOCK);
    assert_int_equal(put(RIG_BASE + FILE_BYTES - BLOCK, file + FILE_BYTES - BLOCK, BLOCK), AN_NACK);
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
    assert_int_equal(go(RIG_BASE), AN_NACK);
}

TEST(go_starts_what_is_there)
{
    uint8_t request = 9;

    UNUSED_STATE;
    rig.serve.startable = true;
    connect();
    assert_int_equal(go(RIG_BASE), AN_ACK);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_NONE);
}

TEST(go_is_refused_where_nothing_may_run_and_while_there_is_nothing)
{
    static const uint32_t elsewhere[] = { 0x20000000, 0x20003000, 0x1FFF0000, RIG_BASE + 4, RIG_BASE - 4, 0x08004000, 0 };
    uint8_t request;

    UNUSED_STATE;
    connect();
    assert_int_equal(go(RIG_BASE), AN_NACK);
    assert_int_equal(erase_all(), AN_ACK);
    assert_int_equal(go(RIG_BASE), AN_NACK);
    rig.serve.startable = true;
    for (size_t i = 0; i < COUNT(elsewhere); i++) assert_int_equal(go(elsewhere[i]), AN_NACK);
    assert_false(leaves(&request));
}

/* --- connections ------------------------------------------------------------------------------------------------------------- */

TEST(a_second_init_is_refused_and_a_later_one_is_a_new_connection)
{
    UNUSED_STATE;
    assert_int_equal(init(), AN_ACK);
    assert_int_equal(init(), AN_NACK);
    assert_int_equal(init(), AN_NACK);
    assert_int_equal(command(AN_GET_ID), AN_ACK);
    rig_run(&rig, 10);
    rig_drain(&rig);
    assert_int_equal(init(), AN_ACK);
}

TEST(an_init_that_was_left_alone_is_answered_anew)
{
    UNUSED_STATE;
    assert_int_equal(init(), AN_ACK);
    rig_run(&rig, SERVE_SILENCE_MS + 1);
    assert_int_equal(init(), AN_ACK);
}

TEST(a_new_connection_drops_the_update_of_the_last_one)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_int_equal(init(), AN_ACK);
    assert_int_equal(go(RIG_BASE), AN_NACK);
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
}

TEST(commands_are_unknown_before_anybody_has_connected)
{
    UNUSED_STATE;
    assert_int_equal(command(AN_GET), -1);
}

TEST(junk_and_wrong_complements_are_refused_and_the_next_command_works)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(ask("AT", 2, COMMAND_MS), AN_NACK);
    assert_int_equal(ask("\x43\xBC", 2, COMMAND_MS), AN_NACK);
    assert_int_equal(ask("\x11\x11", 2, COMMAND_MS), AN_NACK);
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
}

TEST(what_changes_the_flash_is_no_first_command_and_none_behind_junk)
{
    static const enum an_command changes[] = { AN_ERASE, AN_WRITE_PROTECT, AN_WRITE_UNPROTECT, AN_READOUT_UNPROTECT };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(changes); i++) {
        rig_close(&rig);
        open_device(NATIVE_CAP_UPDATE);
        assert_int_equal(init(), AN_ACK);
        assert_int_equal(command(changes[i]), AN_NACK);
        assert_int_equal(ask("AT", 2, COMMAND_MS), AN_NACK);
        assert_int_equal(command(changes[i]), AN_NACK);
        assert_int_equal(ask("\x43\xBC", 2, COMMAND_MS), AN_NACK);       /* unknown, but no junk */
        assert_int_equal(command(changes[i]), AN_ACK);
    }
}

TEST(a_client_that_was_silent_for_minutes_goes_on)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, 0x1000);
    rig_run(&rig, 300000);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
    put_file(0x1000, FILE_BYTES);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(half_a_frame_is_dropped_after_5_s)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(command(AN_WRITE), AN_ACK);
    assert_int_equal(ask("\x08\x01", 2, SERVE_SILENCE_MS - 1), -1);
    assert_int_equal(rig.serve.client, SERVE_AN3155);
    rig_run(&rig, 2);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
}

TEST(the_wait_for_an_erase_is_no_silence)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    rig.flash.busy_polls = 7000U * 250U;        /* 7 s a sector */
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    rig.flash.busy_polls = 1;
    assert_int_equal(rig.flash.erases, 3);
    rig_run(&rig, 1);
    assert_int_equal(rig.serve.client, SERVE_AN3155);
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
}

TEST(bytes_that_come_while_a_sector_is_erased_wait_for_their_turn)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    rig.flash.busy_polls = 100U * 250U;
    connect();
    assert_int_equal(command(AN_ERASE), AN_ACK);
    rig_put(&rig, "\xFF\xFF\x00\x01\xFE", 5);
    assert_says("\x79\x79\x31\x00\x00\x79", 6);
}

/* --- memory ------------------------------------------------------------------------------------------------------------------- */

TEST(what_is_written_outside_of_the_application_is_refused_behind_its_address)
{
    static const uint32_t outside[] = { FLASH_START, 0x08004000, RIG_BASE - 4, RIG_BASE + RIG_AREA_BYTES, 0x20000000, 0x1FFFC000,
                                        0x1FFF7A10, 0xFFFFFFFC, 0 };

    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    for (size_t i = 0; i < COUNT(outside); i++) {
        assert_int_equal(command(AN_WRITE), AN_ACK);
        assert_int_equal(address(outside[i]), AN_NACK);
    }
    assert_int_equal(put(RIG_BASE + RIG_AREA_BYTES - 4, file, 8), AN_NACK);
    assert_int_equal(put(RIG_BASE + RIG_AREA_BYTES - 8, file, 8), AN_ACK);
    assert_int_equal(rig.flash.words, 2);
}

TEST(a_write_must_be_aligned_and_of_whole_words)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    assert_int_equal(put(RIG_BASE + 2, file, 4), AN_NACK);
    assert_int_equal(put(RIG_BASE + 0x100, file, 3), AN_NACK);
    assert_int_equal(put(RIG_BASE + 0x100, file, 1), AN_NACK);
    assert_int_equal(rig.flash.words, 0);
    assert_int_equal(put(RIG_BASE + 0x100, file + 0x100, 4), AN_ACK);
}

TEST(a_write_with_a_wrong_checksum_is_refused_and_may_come_again)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    assert_int_equal(command(AN_WRITE), AN_ACK);
    assert_int_equal(address(RIG_BASE), AN_ACK);
    assert_int_equal(ask("\x03\x01\x02\x03\x04\x00", 6, WRITE_MS), AN_NACK);
    assert_int_equal(rig.flash.words, 0);
    put_file(0, FILE_BYTES);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(a_write_onto_an_application_that_was_not_erased_is_refused)
{
    UNUSED_STATE;
    memcpy(rig.flash.array, file, FILE_BYTES);
    rig.serve.startable = true;
    connect();
    assert_int_equal(put(RIG_BASE + 0x7000, file, 4), AN_NACK);
    assert_int_equal(rig.flash.ops, 0);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(after_a_word_that_failed_nothing_is_written_until_an_erase)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, 0x400);
    rig.flash.fail_at = rig.flash.ops + 3;
    rig.flash.fail_result = FLASH_E_FAILED;
    assert_int_equal(put(RIG_BASE + 0x400, file + 0x400, BLOCK), AN_NACK);
    assert_int_equal(put(RIG_BASE + 0x400, file + 0x400, BLOCK), AN_NACK);
    assert_int_equal(go(RIG_BASE), AN_NACK);
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(any_bytes_of_the_application_may_be_read)
{
    uint8_t back[BLOCK];

    UNUSED_STATE;
    memcpy(rig.flash.array, file, FILE_BYTES);
    connect();
    for (unsigned at = 0; at < 9; at++) {
        for (size_t n = 1; n <= BLOCK; n += 51) {
            assert_int_equal(get(RIG_BASE + 0x100 + at, back, n), AN_ACK);
            assert_memory_equal(back, file + 0x100 + at, n);
        }
    }
    assert_int_equal(get(RIG_BASE + RIG_AREA_BYTES - 1, back, 1), AN_ACK);
    assert_int_equal(get(RIG_BASE + RIG_AREA_BYTES - 1, back, 2), AN_NACK);
}

TEST(what_is_read_outside_of_the_application_is_refused_behind_its_address)
{
    static const uint32_t outside[] = { FLASH_START, 0x08004000, RIG_BASE - 1, RIG_BASE + RIG_AREA_BYTES, 0x20000000, 0x1FFF0000,
                                        0x1FFF7A0F, 0x1FFF7A24, 0x1FFFBFFF, 0x1FFFC010, 0x40023C00, 0xE000ED00, 0xFFFFFFFF, 0 };

    UNUSED_STATE;
    connect();
    for (size_t i = 0; i < COUNT(outside); i++) {
        assert_int_equal(command(AN_READ), AN_ACK);
        assert_int_equal(address(outside[i]), AN_NACK);
    }
    assert_int_equal(command(AN_READ), AN_ACK);
    assert_int_equal(address(0x1FFFC000), AN_ACK);
    assert_int_equal(ask("\x10\xEF", 2, COMMAND_MS), AN_NACK);          /* a byte more than there is */
}

TEST(where_reading_is_not_allowed_the_command_is_refused_as_under_rdp)
{
    UNUSED_STATE;
    rig_close(&rig);
    open_device(NATIVE_CAP_UPDATE);
    connect();
    assert_int_equal(command(AN_READ), AN_NACK);
    assert_int_equal(command(AN_WRITE), AN_ACK);
}

TEST(an_answer_waits_until_there_is_room_for_the_longest)
{
    UNUSED_STATE;
    connect();
    rig_drain(&rig);
    rig.room = AN_BLOCK_MAX;
    assert_int_equal(command(AN_READ), -1);
    rig_drain(&rig);
    assert_int_equal(rig_get(&rig, COMMAND_MS), AN_ACK);
}

/* --- erasing -------------------------------------------------------------------------------------------------------------------- */

TEST(sectors_are_those_of_the_chip_and_those_that_do_not_exist_are_passed_over)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    connect();
    assert_int_equal(erase(SECTOR_4), AN_ACK);
    assert_int_equal(rig.flash.erases, 1);
    assert_int_equal(rig.flash.log[0].addr, RIG_BASE);
    assert_int_equal(erase(0xFFFFFFE0U), AN_ACK);
    assert_int_equal(rig.flash.erases, 3);
    assert_int_equal(erase(0x100), AN_ACK);
    assert_int_equal(rig.flash.erases, 3);
}

/* The rig's flash becomes one sector of 8 KB at the base. */
static void move_to(struct flash_sector *sector, struct flash_area *area, struct seal_area *where, uint32_t base)
{
    *sector = (struct flash_sector){ base, 0x2000 };
    *area = (struct flash_area){ sector, 1 };
    *where = (struct seal_area){ base, 0x2000, seal_ram_f407, 2 };
    fake_flash_close(&rig.flash);
    fake_flash_open(&rig.flash, area);
    memset(rig.flash.array, 0, 0x2000);
    session_init(&rig.session, area, where, "");
    rig.serve.set.area = area;
    rig.serve.set.where = where;
}

TEST(sectors_are_counted_from_the_start_of_the_flash_wherever_the_application_begins)
{
    static const struct { uint32_t base; unsigned number; } places[] = {
        { 0x08004000, 1 }, { 0x08008000, 2 }, { 0x0800C000, 3 }, { 0x08010000, 4 }, { 0x08020000, 5 }, { 0x08040000, 6 },
        { 0x08060000, 7 }, { 0x080E0000, 11 },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct flash_sector sector;
        struct flash_area area;
        struct seal_area where;

        move_to(&sector, &area, &where, places[i].base);
        serve_opened(&rig.serve, rig.now_ms);
        connect();
        assert_int_equal(erase(1U << (places[i].number - 1)), AN_NACK);
        assert_int_equal(erase(1U << (places[i].number + 1)), AN_ACK);
        assert_int_equal(rig.flash.erases, 0);
        assert_int_equal(erase(1U << places[i].number), AN_ACK);
        assert_int_equal(rig.flash.erases, 1);
    }
}

TEST(a_list_with_a_sector_below_the_application_erases_nothing)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    connect();
    for (unsigned i = 0; i < 4; i++) assert_int_equal(erase(SECTOR_4 | 1U << i), AN_NACK);
    assert_int_equal(rig.flash.erases, 0);
}

TEST(an_erase_that_would_leave_the_old_head_is_refused)
{
    UNUSED_STATE;
    memcpy(rig.flash.array, file, FILE_BYTES);
    connect();
    assert_int_equal(erase(SECTOR_4 << 1), AN_NACK);
    assert_int_equal(rig.flash.erases, 0);
}

TEST(bank_erases_and_reserved_ones_are_refused)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    connect();
    for (unsigned low = 0xF0; low < 0xFF; low++) {
        uint8_t frame[] = { 0xFF, (uint8_t)low, (uint8_t)(0xFF ^ low) };

        assert_int_equal(command(AN_ERASE), AN_ACK);
        assert_int_equal(ask(frame, 3, ERASE_MS), AN_NACK);
    }
    assert_int_equal(rig.flash.erases, 0);
}

TEST(an_erase_that_fails_is_refused)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    rig.flash.fail_at = 2;
    rig.flash.fail_result = FLASH_E_FAILED;
    connect();
    assert_int_equal(erase_all(), AN_NACK);
    assert_int_equal(erase_all(), AN_ACK);
}

TEST(a_device_without_an_application_area_erases_and_protects_nothing)
{
    static const struct flash_area none = { NULL, 0 };
    static const struct seal_area nowhere = { 0, 0, seal_ram_f407, 2 };

    UNUSED_STATE;
    rig.serve.set.area = rig.session.area = &none;
    rig.serve.set.where = rig.session.where = &nowhere;
    connect();
    for (unsigned c = AN_ERASE; c < AN_COMMANDS; c++) assert_int_equal(command((enum an_command)c), AN_NACK);
    assert_int_equal(put(RIG_BASE, file, 4), AN_NACK);
    assert_int_equal(go(RIG_BASE), AN_NACK);
    assert_int_equal(rig.flash.ops, 0);
}

/* --- protection ------------------------------------------------------------------------------------------------------------------- */

TEST(write_protect_sets_the_applications_sectors_that_are_named_and_no_others)
{
    uint8_t request = 9;

    UNUSED_STATE;
    connect();
    assert_int_equal(command(AN_WRITE_PROTECT), AN_ACK);
    assert_int_equal(summed((const uint8_t *)"\x03\x00\x04\x06\x0B", 5, ERASE_MS), AN_ACK);
    assert_int_equal(rig.flash.protection, 0x5);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_BOOTLOADER);
}

TEST(write_unprotect_sets_none)
{
    uint8_t request = 9;

    UNUSED_STATE;
    rig.flash.protection = 0x7;
    connect();
    assert_int_equal(command(AN_WRITE_UNPROTECT), AN_ACK);
    assert_int_equal(rig_get(&rig, ERASE_MS), AN_ACK);
    assert_int_equal(rig.flash.protection, 0);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_BOOTLOADER);
}

TEST(a_protection_that_cannot_be_set_is_refused)
{
    uint8_t request;

    UNUSED_STATE;
    rig.flash.fail_at = 1;
    rig.flash.fail_result = FLASH_E_FAILED;
    connect();
    assert_int_equal(command(AN_WRITE_PROTECT), AN_ACK);
    assert_int_equal(summed((const uint8_t *)"\x00\x04", 2, ERASE_MS), AN_NACK);
    assert_false(leaves(&request));
}

TEST(readout_protect_is_refused)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(command(AN_READOUT_PROTECT), AN_NACK);
    assert_int_equal(rig.flash.ops, 0);
}

TEST(readout_unprotect_erases_the_application_and_stays)
{
    uint8_t request = 9;

    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    connect();
    assert_int_equal(command(AN_READOUT_UNPROTECT), AN_ACK);
    assert_int_equal(rig_get(&rig, ERASE_MS), AN_ACK);
    assert_int_equal(rig.flash.erases, 3);
    assert_true(leaves(&request));
    assert_int_equal(request, MAILBOX_BOOTLOADER);
}

/* --- other clients ------------------------------------------------------------------------------------------------------------------ */

/* Half of an update, and nobody there any more. */
static void leave_half(void)
{
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, 0x2000);
    assert_int_equal(command(AN_WRITE), AN_ACK);
    rig_run(&rig, SERVE_SILENCE_MS + 1);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
    assert_true(session_active(&rig.session));
}

TEST(a_native_update_works_behind_a_client_that_has_gone)
{
    UNUSED_STATE;
    leave_half();
    rig_image(file, FILE_BYTES, 9, true);
    assert_int_equal(rig_hello(&rig).app_base, RIG_BASE);
    assert_false(session_active(&rig.session));
    assert_int_equal(rig_update(&rig, file, FILE_BYTES).err, UPDATE_OK);
    assert_memory_equal(rig.flash.array, file, FILE_BYTES);
}

TEST(a_native_request_is_heard_at_once_between_commands_and_behind_half_of_one)
{
    UNUSED_STATE;
    assert_int_equal(init(), AN_ACK);
    assert_int_equal(rig_hello(&rig).app_base, RIG_BASE);
    connect();
    assert_int_equal(rig_hello(&rig).app_base, RIG_BASE);
    connect();
    assert_int_equal(ask("\x31", 1, 100), -1);
    assert_int_equal(rig_hello(&rig).app_base, RIG_BASE);
    assert_int_equal(init(), AN_ACK);
}

TEST(a_ymodem_sender_works_behind_a_client_that_has_gone)
{
    UNUSED_STATE;
    leave_half();
    rig_image(file, FILE_BYTES, 9, true);
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_memory_equal(rig.flash.array, file, FILE_BYTES);
}

TEST(the_next_client_on_a_port_that_is_opened_anew_need_not_wait)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, 0x2000);
    assert_int_equal(command(AN_WRITE), AN_ACK);
    serve_opened(&rig.serve, rig.now_ms);
    assert_false(session_active(&rig.session));
    assert_int_equal(rig_hello(&rig).app_base, RIG_BASE);
    connect();
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(a_port_that_is_opened_anew_in_mid_erase_works)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_AREA_BYTES);
    rig.flash.busy_polls = 700U * 250U;
    connect();
    assert_int_equal(command(AN_ERASE), AN_ACK);
    assert_int_equal(ask("\xFF\xFF\x00", 3, 100), -1);
    serve_opened(&rig.serve, rig.now_ms);
    assert_int_equal(init(), -1);               /* the flash still erases: the answer comes when it is done */
    assert_int_equal(rig_get(&rig, 1000), AN_ACK);
    assert_int_equal(init(), AN_NACK);
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
    assert_says("\x31\x00\x00\x79", 4);
    rig.flash.busy_polls = 3;
    assert_int_equal(erase_all(), AN_ACK);
    put_file(0, FILE_BYTES);
    assert_int_equal(go(RIG_BASE), AN_ACK);
}

TEST(no_call_for_a_ymodem_sender_disturbs_a_client)
{
    UNUSED_STATE;
    connect();
    assert_int_equal(command(AN_GET_VERSION), AN_ACK);
    rig_run(&rig, 10);
    rig_drain(&rig);
    rig_run(&rig, 60000);
    assert_int_equal(rig_drain(&rig), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(it_says_what_it_is_as_the_chips_own_loader_does),
        CASE(a_raw_image_is_sealed_and_started_by_go),
        CASE(a_sealed_image_is_committed_before_its_last_block_is_acknowledged),
        CASE(a_sealed_image_for_another_product_is_refused_with_its_last_block),
        CASE(go_starts_what_is_there),
        CASE(go_is_refused_where_nothing_may_run_and_while_there_is_nothing),
        CASE(a_second_init_is_refused_and_a_later_one_is_a_new_connection),
        CASE(an_init_that_was_left_alone_is_answered_anew),
        CASE(a_new_connection_drops_the_update_of_the_last_one),
        CASE(commands_are_unknown_before_anybody_has_connected),
        CASE(junk_and_wrong_complements_are_refused_and_the_next_command_works),
        CASE(what_changes_the_flash_is_no_first_command_and_none_behind_junk),
        CASE(a_client_that_was_silent_for_minutes_goes_on),
        CASE(half_a_frame_is_dropped_after_5_s),
        CASE(the_wait_for_an_erase_is_no_silence),
        CASE(bytes_that_come_while_a_sector_is_erased_wait_for_their_turn),
        CASE(what_is_written_outside_of_the_application_is_refused_behind_its_address),
        CASE(a_write_must_be_aligned_and_of_whole_words),
        CASE(a_write_with_a_wrong_checksum_is_refused_and_may_come_again),
        CASE(a_write_onto_an_application_that_was_not_erased_is_refused),
        CASE(after_a_word_that_failed_nothing_is_written_until_an_erase),
        CASE(any_bytes_of_the_application_may_be_read),
        CASE(what_is_read_outside_of_the_application_is_refused_behind_its_address),
        CASE(where_reading_is_not_allowed_the_command_is_refused_as_under_rdp),
        CASE(an_answer_waits_until_there_is_room_for_the_longest),
        CASE(sectors_are_those_of_the_chip_and_those_that_do_not_exist_are_passed_over),
        CASE(sectors_are_counted_from_the_start_of_the_flash_wherever_the_application_begins),
        CASE(a_list_with_a_sector_below_the_application_erases_nothing),
        CASE(an_erase_that_would_leave_the_old_head_is_refused),
        CASE(bank_erases_and_reserved_ones_are_refused),
        CASE(an_erase_that_fails_is_refused),
        CASE(a_device_without_an_application_area_erases_and_protects_nothing),
        CASE(write_protect_sets_the_applications_sectors_that_are_named_and_no_others),
        CASE(write_unprotect_sets_none),
        CASE(a_protection_that_cannot_be_set_is_refused),
        CASE(readout_protect_is_refused),
        CASE(readout_unprotect_erases_the_application_and_stays),
        CASE(a_native_update_works_behind_a_client_that_has_gone),
        CASE(a_native_request_is_heard_at_once_between_commands_and_behind_half_of_one),
        CASE(a_ymodem_sender_works_behind_a_client_that_has_gone),
        CASE(the_next_client_on_a_port_that_is_opened_anew_need_not_wait),
        CASE(a_port_that_is_opened_anew_in_mid_erase_works),
        CASE(no_call_for_a_ymodem_sender_disturbs_a_client),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
