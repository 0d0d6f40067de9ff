/* SPDX-License-Identifier: MIT */
/* The boards that storms begin on: enumerated, opened, and just waiting for the first byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/load.h"
#include "board/periph/flash.h"
#include "host/lib/image_file.h"
#include "image/bytes.h"
#include "proto/native.h"
#include "tests/storm/storm.h"

#define SETTINGS 0x08004000U            /* noise: what comes back of it can be told from everything else */
#define POLICY 0x0800004CU
#define NO_READ 2U
#define ARRIVAL_MS 3000U
#define REBOOT_AS_DFU 2U

/* At the typical times a flash is busy while the PC goes on; at the fast ones a storm gets further. */
const struct scene scenes[] = {
    { "serial, application", false, true, false, FLASH_FAST },
    { "DfuSe, application, no-read", true, true, true, FLASH_FAST },
    { "serial, application, no-read", false, true, true, FLASH_FAST },
    { "serial, empty", false, false, false, FLASH_FAST },
    { "DfuSe, application", true, true, false, FLASH_FAST },
    { "serial, application, slow flash", false, true, false, FLASH_TYP },
    { "serial, empty, no-read", false, false, true, FLASH_FAST },
    { "DfuSe, empty, slow flash", true, false, false, FLASH_TYP },
};
const unsigned scene_count = sizeof scenes / sizeof *scenes;

static bool failed(const char *what)
{
    fprintf(stderr, "storm: %s\n", what);
    return false;
}

/* Another build than the one at hand, for a look at firmware that is known to be bad. */
static const char *firmware(const char *name)
{
    static char path[512];
    const char *folder = getenv("VCPBOOT_FIRMWARE_BUILD");

    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : FIRMWARE_DIR, name);
    return path;
}

static bool load_demo(struct image *to)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };
    bool ok = image_from_file(&image, firmware("demo-1.0.0.elf"), &f) == 0 && image_seal(image, APP_BASE, APP_BYTES, &f) == 0;

    if (ok) {
        to->n = image->length;
        to->p = malloc(image->length);
        if (to->p == NULL) abort();
        memcpy(to->p, image->bytes, image->length);
    }
    image_free(image);
    return ok || failed("no demo-1.0.0.elf: build the preset `firmware` first");
}

static bool fill_flash(struct storm *s)
{
    struct flash *f = chip_flash(s->pc.chip);
    uint8_t settings[APP_BASE - SETTINGS], policy[4] = { 0 };
    struct load_result r;

    if (!load_image(s->pc.chip, firmware("vcpboot.elf"), &r)) return failed(r.error);
    noise(s, settings, sizeof settings);
    store_le32(policy, s->scene->no_read ? NO_READ : 0);
    return flash_probe_write(f, SETTINGS, settings, sizeof settings) && flash_probe_write(f, POLICY, policy, sizeof policy) &&
           (!s->scene->app || (load_demo(&s->installed) && flash_probe_write(f, APP_BASE, s->installed.p, s->installed.n)));
}

static bool become_dfu(struct storm *s)
{
    static const uint8_t request = REBOOT_AS_DFU;
    unsigned arrivals = s->pc.arrivals;

    return native_say(s, NATIVE_REBOOT, &request, 1, true) && native_hear(s, NATIVE_REBOOT, 100) == 0 &&
           pc_wait_arrival(&s->pc, arrivals, ARRIVAL_MS) && s->pc.info.pid == DFU_PID && pc_open(&s->pc);
}

static bool bring_up(struct storm *s)
{
    if (!pc_wait_arrival(&s->pc, 0, ARRIVAL_MS) || !pc_open(&s->pc)) return failed("the board does not enumerate");
    if (s->scene->app && !touch(s)) return failed("the demo does not enter the bootloader");
    if (s->scene->dfu && !become_dfu(s)) return failed("no DfuSe device came");
    return pause_ms(s, 5);
}

static void remember(struct storm *s)
{
    struct flash *f = chip_flash(s->pc.chip);
    struct flash_totals t = flash_totals(f);

    memcpy(s->lower, flash_cells(f), sizeof s->lower);
    memcpy(s->system, flash_view(f, FLASH_SYS_BASE), sizeof s->system);
    s->options = flash_get_options(f);
    s->erases_before = t.erases;
    s->words_before = t.words;
    pc_forget(&s->pc);
    s->pc.went.n = s->pc.came.n = s->pc.control_came.n = s->pc.taken = 0;
    s->pc.counts = (struct pc_counts){ 0 };
}

bool scene_open(struct storm *s, const struct scene *scene, bool trace)
{
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .timing = scene->timing, .seed = 1, .unstable_bits = true,
                              .usb_cable = true, .usb_forward = true, .log = trace ? stderr : NULL };
    static uint64_t nobody_counts[T_COUNT];

    memset(s, 0, sizeof *s);
    s->scene = scene;
    s->tally = nobody_counts;
    s->rng = rng_stream(1, 0);
    pc_init(&s->pc, chip_new(&o));
    if (!fill_flash(s) || !bring_up(s)) return false;
    remember(s);
    s->trace = trace;
    return true;
}

void scene_close(struct storm *s)
{
    chip_free(s->pc.chip);
    pc_free(&s->pc);
    free(s->installed.p);
    free(s->secret);
}
