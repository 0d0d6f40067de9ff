/* SPDX-License-Identifier: MIT */
/* What the sweep believes a power cut to leave is what one on the running board leaves. */
#include "tests/unit/cm.h"

#include <string.h>

#include "tests/sweep/world.h"

#define SEED_SHARE 97U

static struct world world;
static struct tape tape;
static struct chip_snapshot *ready;
static struct desk desk;

/* The update with its power cut at that operation, on the board; the operations count from here. */
static void cut(struct cells *left, uint64_t operation, enum cut_when when)
{
    struct flash_totals t;

    world.desk = desk;
    chip_restore(world.desk.chip, ready);
    t = flash_totals(chip_flash(world.desk.chip));
    flash_set_cut(chip_flash(world.desk.chip), (struct power_cut){ t.erases + t.words + operation, when });
    assert_true(desk_begin_update(&world.desk, world.new));
    while (desk_step(&world.desk)) {
    }
    assert_int_equal(chip_run_for(world.desk.chip, VTIME_MS(1)), CHIP_POWER_CUT);
    cells_of(left, world.desk.chip);
}

static void play(struct cells *c, size_t done)
{
    *c = tape.before;
    for (size_t i = 0; i < done; i++)
        cells_apply(c, &tape.op[i]);
}

static struct cells board, played;

TEST(a_cut_between_two_operations_leaves_what_the_tape_says)
{
    UNUSED_STATE;
    for (size_t share = 0; share <= SEED_SHARE; share += SEED_SHARE / 4U) {
        size_t done = (tape.count - 40U) * share / SEED_SHARE;

        cut(&board, done + 1U, CUT_BEFORE);
        play(&played, done);
        assert_memory_equal(&board, &played, sizeof board);
    }
}

TEST(a_cut_within_an_operation_differs_only_where_the_operation_works)
{
    const size_t places[] = { 0, 1, tape.count / 2U };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(places); i++) {
        const struct flash_operation *op = &tape.op[places[i]];
        uint32_t at = op->address - FLASH_MAIN_BASE;

        cut(&board, places[i] + 1U, CUT_DURING);
        play(&played, places[i]);
        assert_memory_equal(board.bytes, played.bytes, at);
        assert_memory_equal(board.bytes + at + op->bytes, played.bytes + at + op->bytes, TAPE_FLASH_BYTES - at - op->bytes);
        assert_int_not_equal(board.unstable[at / 4U], 0);
        cells_tear(&played, op, 0, 1);
        for (uint32_t word = at / 4U; word < (at + op->bytes) / 4U; word++)
            assert_int_equal(board.unstable[word], played.unstable[word]);
    }
}

static int setup(void **state)
{
    (void)state;
    world_open(&world, FIRMWARE_DIR, NULL);
    if (!world_ready(&world))
        return -1;
    ready = chip_snapshot_new();
    desk = world.desk;
    if (!chip_save(world.desk.chip, ready))
        return -1;
    tape_record(&tape, world.desk.chip);
    if (!desk_update(&world.desk, world.new))
        return -1;
    tape_stop(world.desk.chip);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chip_snapshot_free(ready);
    tape_free(&tape);
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_between_two_operations_leaves_what_the_tape_says),
        cmocka_unit_test(a_cut_within_an_operation_differs_only_where_the_operation_works),
    };

    return cmocka_run_group_tests_name("tape", tests, setup, teardown);
}
