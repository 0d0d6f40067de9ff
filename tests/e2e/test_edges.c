/* SPDX-License-Identifier: MIT */
/* A full-size update by each protocol while the flash is as slow as the datasheet allows, and narrower than usual: every client gets
 * its answers in time, and the flash does exactly what it must. */
/* Sources: DS8626 Rev 12 tables 39 and 40 (a word is programmed in 2 pieces at x16, in 4 at x8, each 100 us at most) */
#include "tests/unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "board/load.h"
#include "image/bytes.h"
#include "tests/e2e/desk.h"
#include "tests/e2e/edge.h"
#include "tests/e2e/edge_pc.h"

#define APP_OFFSET (DFU_APP - FLASH_MAIN_BASE)
#define SECTORS 4U
#define UPDATE_TIMEOUT VTIME_MS(120000)
#define ANSWER_TIMEOUT VTIME_MS(15000)

struct edge { const char *timing, *psize; };

static const struct edge edges[] = { { "max", "8" }, { "max", "16" } };

static struct vcpboot_image *new_demo(bool sealed)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };

    assert_int_equal(image_from_file(&image, FIRMWARE_DIR "/demo-2.0.0.elf", &f), 0);
    if (sealed) assert_int_equal(image_seal(image, DFU_APP, DFU_APP_BYTES, &f), 0);
    return image;
}

/* Something that must be erased, and that is no application. */
static void fill(struct chip *c)
{
    memset(flash_cells(chip_flash(c)) + APP_OFFSET, 0x5A, DFU_APP_BYTES);
    flash_probe_sync(chip_flash(c));
}

/* Each of the sectors was erased once, and each word that is not blank was programmed once, in as many pieces as PSIZE asks for. */
static void assert_operations(struct chip *c)
{
    const uint8_t *app = flash_cells(chip_flash(c)) + APP_OFFSET;
    struct flash_totals t = flash_totals(chip_flash(c));
    uint64_t words = 0;

    for (size_t at = 0; at < DFU_APP_BYTES; at += 4) words += load_le32(app + at) != 0xFFFFFFFFU;
    assert_int_equal(t.erases, SECTORS);
    assert_int_equal(t.words, words * edge_pieces(c));
}

static void assert_installed(struct chip *c, const struct vcpboot_image *image)
{
    const uint8_t *app = flash_cells(chip_flash(c)) + APP_OFFSET;

    assert_memory_equal(app, image->bytes, SEAL_AT_MAGIC);
    assert_memory_equal(app + SEAL_HEAD_BYTES, image->bytes + SEAL_HEAD_BYTES, image->length - SEAL_HEAD_BYTES);
}

static void tell(struct chip *c, const char *protocol, const struct edge *e, vtime since)
{
    struct flash_totals t = flash_totals(chip_flash(c));

    print_message("%-9s x%-2s %s: %llu erases, %llu pieces of words, %.1f s\n", protocol, e->psize, e->timing,
                  (unsigned long long)t.erases, (unsigned long long)t.words, (double)(chip_now(c) - since) / 1e12);
}

/* --- native ----------------------------------------------------------------------------------------------------------------- */

static void native_at(const struct edge *e)
{
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 5, .log = stderr };
    struct vcpboot_image *image = new_demo(true);
    struct load_result r;
    struct desk d;
    vtime since;

    edge_choose(e->timing, e->psize);
    desk_open(&d, &o);
    assert_true(load_image(d.chip, FIRMWARE_DIR "/vcpboot.elf", &r));
    edge_set_psize(d.chip);
    fill(d.chip);
    assert_true(desk_begin_update(&d, image));
    since = chip_now(d.chip);
    assert_int_equal(desk_run(&d, UPDATE_TIMEOUT), CLIENT_DONE);
    assert_int_equal(d.client.sent_bytes, image->length - SEAL_HEAD_BYTES);     /* nobody lost his patience and sent again */
    assert_operations(d.chip);
    assert_installed(d.chip, image);
    tell(d.chip, "native", e, since);
    desk_begin_reboot(&d);
    assert_int_equal(desk_run(&d, ANSWER_TIMEOUT), CLIENT_DONE);
    while (d.port) assert_true(desk_step(&d));
    assert_true(desk_hello(&d));
    assert_int_equal(d.client.hello.mode, 1);
    assert_string_equal(chip_last_error(d.chip), "");
    desk_close(&d);
    image_free(image);
}

/* --- clients on the COM port, and DfuSe -------------------------------------------------------------------------------------- */

static void start(struct edge_pc *pc, const struct edge *e)
{
    edge_choose(e->timing, e->psize);
    memset(pc, 0, sizeof *pc);
    dfu_desk_open(&pc->desk, NULL, NULL);
    fill(pc->desk.chip);
    assert_true(dfu_desk_wait(&pc->desk, 1));
}

/* The application comes, and is the right one. */
static void end(struct edge_pc *pc, const struct vcpboot_image *image, unsigned enumerations)
{
    struct dfu_desk *d = &pc->desk;

    assert_installed(d->chip, image);
    assert_true(dfu_desk_wait(d, enumerations));
    usbhost_cdc_open(chip_usbhost(d->chip));
    usbhost_cdc_set_control_lines(chip_usbhost(d->chip), true, true);
    dfu_desk_run_ms(d, 5);
    d->serial_bytes = 0;
    assert_int_equal(usbhost_cdc_write(chip_usbhost(d->chip), (const uint8_t *)"version\r\n", 9), 9);
    dfu_desk_run_ms(d, 50);
    assert_memory_equal(d->serial_in, "demo 2.0.0\r\n", 12);
    if (pc->closest.what != NULL)
        print_message("          closest to its limit: %s, %u of %u ms\n", pc->closest.what, pc->closest.waited_ms, pc->closest.limit_ms);
    dfu_desk_close(d);
}

/* The narrowest alone, for the sake of ./check. */
static size_t edges_tried(void)
{
    return getenv("VCPBOOT_EDGE_FULL") != NULL ? COUNT(edges) : 1;
}

static void serial_at(const struct edge *e, const char *name, void (*client)(struct edge_pc *, const uint8_t *, size_t))
{
    struct vcpboot_image *image = new_demo(false);
    struct edge_pc pc;
    vtime since;

    start(&pc, e);
    since = chip_now(pc.desk.chip);
    client(&pc, image->bytes, image->length);
    assert_operations(pc.desk.chip);
    tell(pc.desk.chip, name, e, since);
    end(&pc, image, 2);
    image_free(image);
}

/* A command or a block, as the least patient client takes it: it sleeps for as long as the first answer says, and takes a second
 * dfuDNBUSY for a failure. */
static void finish_dfu(struct edge_pc *pc, const char *what, enum dfu_state state)
{
    struct dfu_answer a = dfu_get_status(&pc->desk);

    if (a.state == DFU_DNBUSY || a.state == DFU_MANIFEST_SYNC) {
        dfu_desk_run_ms(&pc->desk, a.poll_ms);
        a = dfu_get_status(&pc->desk);
    }
    if (a.state != state) fail_msg("%s: state %u, status %u after its poll time of %u ms", what, a.state, a.status, a.poll_ms);
}

static void command_dfu(struct edge_pc *pc, const char *what, uint8_t code, uint32_t address)
{
    uint8_t bytes[5] = { code };

    store_le32(bytes + 1, address);
    assert_true(dfu_dnload(&pc->desk, 0, bytes, sizeof bytes));
    finish_dfu(pc, what, DFU_DNLOAD_IDLE);
}

static void dfuse_at(const struct edge *e)
{
    struct vcpboot_image *image = new_demo(false);
    struct edge_pc pc;
    vtime since;

    start(&pc, e);
    dfu_desk_reboot(&pc.desk, 2);
    assert_true(dfu_desk_wait(&pc.desk, 2));
    since = chip_now(pc.desk.chip);
    for (uint32_t at = 0; at < DFU_APP_BYTES; at += at == 0 ? 0x10000U : 0x20000U) command_dfu(&pc, "an erase", 0x41, DFU_APP + at);
    for (uint32_t at = 0; at < image->length; at += DFU_TRANSFER_BYTES) {
        command_dfu(&pc, "an address", 0x21, DFU_APP + at);
        assert_true(dfu_dnload(&pc.desk, 2, image->bytes + at,
                               image->length - at < DFU_TRANSFER_BYTES ? image->length - at : DFU_TRANSFER_BYTES));
        finish_dfu(&pc, "a block", DFU_DNLOAD_IDLE);
    }
    command_dfu(&pc, "the address of leave", 0x21, DFU_APP);
    assert_true(dfu_dnload(&pc.desk, 2, NULL, 0));
    finish_dfu(&pc, "leave", DFU_MANIFEST);
    assert_operations(pc.desk.chip);
    tell(pc.desk.chip, "DfuSe", e, since);
    end(&pc, image, 3);
    image_free(image);
}

/* --- the cases ---------------------------------------------------------------------------------------------------------------- */

TEST(libvcpboot_gets_through_the_slowest_flash_without_sending_anything_twice)
{
    UNUSED_STATE;
    for (size_t i = 0; i < edges_tried(); i++) native_at(&edges[i]);
}

TEST(sb_gets_through_the_slowest_flash_within_its_timeouts)
{
    UNUSED_STATE;
    for (size_t i = 0; i < edges_tried(); i++) serial_at(&edges[i], "YMODEM", edge_sb);
}

TEST(stm32flash_gets_through_the_slowest_flash_within_its_timeouts)
{
    UNUSED_STATE;
    for (size_t i = 0; i < edges_tried(); i++) serial_at(&edges[i], "AN3155", edge_stm32flash);
}

TEST(a_dfuse_client_that_asks_only_twice_gets_through_the_slowest_flash)
{
    UNUSED_STATE;
    for (size_t i = 0; i < edges_tried(); i++) dfuse_at(&edges[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libvcpboot_gets_through_the_slowest_flash_without_sending_anything_twice),
        cmocka_unit_test(sb_gets_through_the_slowest_flash_within_its_timeouts),
        cmocka_unit_test(stm32flash_gets_through_the_slowest_flash_within_its_timeouts),
        cmocka_unit_test(a_dfuse_client_that_asks_only_twice_gets_through_the_slowest_flash),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
