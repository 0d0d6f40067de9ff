/* SPDX-License-Identifier: MIT */
/* The power is cut at random flash operations of an update of the ARM ELF. Whatever is left, the unit must be alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/load.h"
#include "image/bytes.h"
#include "tests/e2e/desk.h"
#include "tests/e2e/edge.h"

#define POINTS 200U
#define EDGE_POINTS 60U                 /* the first ten and the last ten operations, three ways each */
#define WORKERS 2U                      /* the machine that runs the tests has two cores */
#define SETTINGS_OFFSET 0x4000U
#define APP_OFFSET 0x10000U
#define NEAR 400U                       /* operations of one look: from here on the update is followed by a child */
#define LIFE_END (SEAL_AT_LIFE + 4U)

enum outcome { OUT_BOOTLOADER, OUT_OLD, OUT_NEW, OUT_BAD };

struct story {
    struct desk desk;
    struct vcpboot_image *old, *new;
    uint8_t lower[APP_OFFSET];          /* bootloader and settings, before */
};

static struct vcpboot_image *load_sealed(const char *name)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };
    char path[512];

    snprintf(path, sizeof path, "%s/%s", FIRMWARE_DIR, name);
    assert_int_equal(image_from_file(&image, path, &f), 0);
    assert_int_equal(image_seal(image, DESK_APP_BASE, DESK_APP_BYTES, &f), 0);
    return image;
}

/* A board with settings, whose old application got there by an update, as in the field; ready for the next update. */
static void begin(struct story *s)
{
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .timing = FLASH_FAST, .seed = 1, .unstable_bits = true };
    struct load_result r;
    uint8_t settings[APP_OFFSET - SETTINGS_OFFSET];

    s->old = load_sealed("demo-1.0.0.elf");
    s->new = load_sealed("demo-2.0.0.elf");
    desk_open(&s->desk, &o);
    assert_true(load_image(s->desk.chip, FIRMWARE_DIR "/vcpboot.elf", &r));
    edge_set_psize(s->desk.chip);
    for (size_t i = 0; i < sizeof settings; i++)
        settings[i] = (uint8_t)(i * 7U + i / 251U);
    assert_true(flash_probe_write(chip_flash(s->desk.chip), FLASH_MAIN_BASE + SETTINGS_OFFSET, settings, sizeof settings));
    assert_true(desk_update(&s->desk, s->old));
    memcpy(s->lower, flash_cells(chip_flash(s->desk.chip)), sizeof s->lower);
    assert_true(desk_enter_bootloader(&s->desk));
}

static void end(struct story *s)
{
    desk_close(&s->desk);
    image_free(s->old);
    image_free(s->new);
}

/* Is this image in flash, the life word aside? */
static bool holds(struct story *s, const struct vcpboot_image *image)
{
    const uint8_t *app = flash_cells(chip_flash(s->desk.chip)) + APP_OFFSET;

    return memcmp(app, image->bytes, SEAL_AT_LIFE) == 0 &&
           memcmp(app + LIFE_END, image->bytes + LIFE_END, image->length - LIFE_END) == 0;
}

static enum outcome after_restart(struct story *s)
{
    chip_power_cycle(s->desk.chip);
    s->desk.port = false;
    if (!desk_hello(&s->desk))
        return OUT_BAD;
    if (s->desk.client.hello.mode == 0)
        return OUT_BOOTLOADER;
    if (holds(s, s->new))
        return OUT_NEW;
    return holds(s, s->old) ? OUT_OLD : OUT_BAD;
}

static bool recovers(struct story *s, enum outcome out)
{
    if (out != OUT_BOOTLOADER && !desk_enter_bootloader(&s->desk))
        return false;
    return desk_update(&s->desk, s->new) && holds(s, s->new) &&
           memcmp(flash_cells(chip_flash(s->desk.chip)), s->lower, sizeof s->lower) == 0;
}

static uint64_t operations(struct story *s)
{
    struct flash_totals t = flash_totals(chip_flash(s->desk.chip));

    return t.erases + t.words;
}

/* In a child: the rest of the update up to the cut, and what comes of it. */
static enum outcome cut_and_recover(struct story *s, const struct power_cut *cut)
{
    bool rebooting = false;
    enum outcome out;

    flash_set_cut(chip_flash(s->desk.chip), *cut);
    while (desk_step(&s->desk)) {
        if (operations(s) > cut->at_op)
            return OUT_BAD;             /* the power was to be cut here */
        if (s->desk.client.state == CLIENT_DONE && !rebooting) {
            rebooting = true;           /* the last operations are the new application's: its start is counted and confirmed */
            desk_begin_reboot(&s->desk);
        }
    }
    out = after_restart(s);
    return out != OUT_BAD && recovers(s, out) ? out : OUT_BAD;
}

static int by_number(const void *a, const void *b)
{
    const struct power_cut *x = a, *y = b;

    return x->at_op < y->at_op ? -1 : x->at_op > y->at_op;
}

/* Random operations of the update, and those at its two ends, where the old head goes and the new one comes: each of these is
 * cut before, in the middle and after. */
static void choose(struct power_cut point[POINTS], uint64_t first, uint64_t count)
{
    srand(20261123);
    for (unsigned i = 0; i < POINTS; i++) {
        uint64_t at = ((uint64_t)rand() << 16 ^ (uint64_t)rand()) % count;

        if (i < EDGE_POINTS)
            at = i / 3U % 2U == 0 ? i / 6U : count - 1U - i / 6U;
        point[i] = (struct power_cut){ first + 1U + at, (enum cut_when)(i % 3U) };
    }
    qsort(point, POINTS, sizeof *point, by_number);
}

struct tally { unsigned count[OUT_BAD + 1], running; };

static void reap(struct tally *t)
{
    int status;

    assert_true(wait(&status) > 0);
    t->count[WIFEXITED(status) && WEXITSTATUS(status) < OUT_BAD ? WEXITSTATUS(status) : OUT_BAD]++;
    t->running--;
}

static void cut_in_child(struct story *s, const struct power_cut *cut, struct tally *t)
{
    pid_t child;

    if (t->running == WORKERS)
        reap(t);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        enum outcome out = cut_and_recover(s, cut);

        if (out == OUT_BAD)
            fprintf(stderr, "power cut at operation %llu: %s\n", (unsigned long long)cut->at_op, chip_last_error(s->desk.chip));
        _exit((int)out);
    }
    t->running++;
}

/* How many operations the whole update has: counted by a child that does it. */
static uint64_t count_operations(struct story *s)
{
    int pipes[2], status;
    uint64_t first = operations(s), count = 0;
    pid_t child;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool ok = desk_update(&s->desk, s->new);

        count = operations(s) - first;
        _exit(ok && write(pipes[1], &count, sizeof count) == (ssize_t)sizeof count ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(pipes[0], &count, sizeof count), sizeof count);
    close(pipes[0]);
    close(pipes[1]);
    return count;
}

static void any_power_cut_leaves_a_unit_that_lives_and_updates(void **state)
{
    static struct story s;
    struct power_cut point[POINTS];
    uint64_t count;
    struct tally t = { 0 };

    (void)state;
    begin(&s);
    count = count_operations(&s);
    choose(point, operations(&s), count);
    assert_true(desk_begin_update(&s.desk, s.new));
    for (unsigned i = 0; i < POINTS; i++) {
        while (operations(&s) + NEAR < point[i].at_op)
            assert_true(desk_step(&s.desk));
        cut_in_child(&s, &point[i], &t);
    }
    while (t.running > 0)
        reap(&t);
    printf("%llu operations; cut at %u: %u in the bootloader, %u with the old application, %u with the new one, %u bad\n",
           (unsigned long long)count, POINTS, t.count[OUT_BOOTLOADER], t.count[OUT_OLD], t.count[OUT_NEW], t.count[OUT_BAD]);
    assert_int_equal(t.count[OUT_BAD], 0);
    assert_true(t.count[OUT_BOOTLOADER] > POINTS / 2);
    assert_true(t.count[OUT_OLD] > 0);          /* cut before the very first erase */
    assert_true(t.count[OUT_NEW] > 0);          /* cut behind the very last word */
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(any_power_cut_leaves_a_unit_that_lives_and_updates) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
