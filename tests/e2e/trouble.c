/* SPDX-License-Identifier: MIT */
/* The board, the image and the looks at both. */
#include "tests/e2e/trouble.h"

#include "tests/unit/cm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/load.h"
#include "board/usbhost/usbhost.h"
#include "image/bytes.h"

#define AT_TROUBLE 0x40U                /* the word of the image that says which trouble: tests/board/guest/trouble.ld */
#define STARTS 0x2001F000U              /* where trouble.c counts, and what stands on top then */
#define STARTED 0x57A27U
#define LIFE_END (SEAL_AT_LIFE + 4U)
#define UPDATE_TIMEOUT VTIME_MS(60000)
#define START_MS 400U                   /* the answer, 100 ms each for the PC to read it and to see the device go, the decision */
#define DECISION_MS 50U                 /* the boot decision, the CRC over the largest image included */
#define ENDED 2                         /* exit status: the board has ended the run */
#define SETTINGS_AT 0x4000U
#define APP_AT 0x10000U
#define SECTOR_3_AT 0xC000U             /* trouble.c itself makes a mess there */

struct vcpboot_image *trouble_image(enum trouble what, uint32_t bytes)
{
    struct vcpboot_image *program = NULL, *image = NULL;
    struct fault f = { 0 };
    uint8_t *p = malloc(bytes);
    uint32_t random = bytes;

    assert_non_null(p);
    if (image_from_file(&program, FIRMWARE_DIR "/guest/trouble.elf", &f) != 0)
        fail_msg("%s (build the preset `firmware` first)", f.text);
    assert_true(program->length <= bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        random = random * 1664525U + 1013904223U;
        p[i] = (uint8_t)(random >> 24);
    }
    memcpy(p, program->bytes, program->length);
    store_le32(p + AT_TROUBLE, (uint32_t)what);
    store_le32(p + TROUBLE_BLANK_AT, 0xFFFFFFFFU);
    if (image_from_memory(&image, p, bytes, "trouble.bin", &f) != 0 || image_seal(image, DESK_APP_BASE, DESK_APP_BYTES, &f) != 0)
        fail_msg("%s", f.text);
    image_free(program);
    free(p);
    return image;
}

void trouble_open(struct desk *d, const struct chip_options *o)
{
    const struct chip_options usual = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 11, .log = stderr };
    struct load_result r;
    uint8_t settings[APP_AT - SETTINGS_AT];

    memset(settings, 0x5E, sizeof settings);
    desk_open(d, o != NULL ? o : &usual);
    if (!load_image(d->chip, FIRMWARE_DIR "/vcpboot.elf", &r))
        fail_msg("%s (build the preset `firmware` first)", r.error);
    assert_true(flash_probe_write(chip_flash(d->chip), FLASH_MAIN_BASE + SETTINGS_AT, settings, sizeof settings));
}

void trouble_check_usb_and_lower_sectors(struct desk *d)
{
    struct desk fresh;

    assert_int_equal(usbhost_violations(chip_usbhost(d->chip)), 0);
    trouble_open(&fresh, NULL);
    assert_memory_equal(flash_cells(chip_flash(d->chip)), flash_cells(chip_flash(fresh.chip)), SECTOR_3_AT);
    desk_close(&fresh);
}

void trouble_check(struct desk *d)
{
    assert_string_equal(chip_last_error(d->chip), "");
    trouble_check_usb_and_lower_sectors(d);
}

void trouble_close(struct desk *d)
{
    trouble_check(d);
    desk_close(d);
}

void trouble_install(struct desk *d, const struct vcpboot_image *image)
{
    assert_true(flash_probe_write(chip_flash(d->chip), DESK_APP_BASE, image->bytes, image->length));
}

void trouble_run_ms(struct desk *d, unsigned ms)
{
    vtime look = d->look, end = chip_now(d->chip) + VTIME_MS(ms);

    d->look = VTIME_MS(1);
    while (chip_now(d->chip) < end)
        assert_true(desk_step(d));
    d->look = look;
}

void trouble_power_cycle(struct desk *d)
{
    chip_power_cycle(d->chip);
    d->port = false;
    d->out_bytes = d->out_at = 0;
}

uint32_t trouble_starts(struct desk *d)
{
    uint32_t word = load_le32(chip_ram(d->chip, STARTS, 4));

    return word >> 12 == STARTED ? word & 0xFFFU : 0;
}

void trouble_forget_starts(struct desk *d)
{
    store_le32(chip_ram(d->chip, STARTS, 4), 0);
}

bool trouble_holds(struct desk *d, const struct vcpboot_image *image)
{
    const uint8_t *app = flash_cells(chip_flash(d->chip)) + APP_AT;

    return memcmp(app, image->bytes, SEAL_AT_LIFE) == 0 &&
           memcmp(app + LIFE_END, image->bytes + LIFE_END, image->length - LIFE_END) == 0;
}

uint32_t trouble_word(struct desk *d, uint32_t address)
{
    return load_le32(flash_cells(chip_flash(d->chip)) + (address - FLASH_MAIN_BASE));
}

bool trouble_would_start(struct desk *d)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        chip_power_cycle(d->chip);
        trouble_forget_starts(d);
        _exit(chip_run_for(d->chip, VTIME_MS(DECISION_MS)) == CHIP_RUNS ? trouble_starts(d) != 0 : ENDED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != ENDED);
    return WEXITSTATUS(status) == 1;
}

unsigned trouble_reason(struct desk *d)
{
    assert_true(desk_hello(d));
    assert_int_equal(d->client.hello.mode, 0);
    return d->client.hello.reason;
}

void trouble_send(struct desk *d, const struct vcpboot_image *image)
{
    assert_true(desk_begin_update(d, image));
    assert_int_equal(desk_run(d, UPDATE_TIMEOUT), CLIENT_DONE);
    assert_true(trouble_holds(d, image));
}

void trouble_update(struct desk *d, const struct vcpboot_image *image)
{
    trouble_send(d, image);
    trouble_forget_starts(d);
    desk_begin_reboot(d);
    assert_int_equal(desk_run(d, UPDATE_TIMEOUT), CLIENT_DONE);
    trouble_run_ms(d, START_MS);
    assert_int_not_equal(trouble_starts(d), 0);
}
