/* SPDX-License-Identifier: MIT */
/* What may start after a power cut, and what must. */
#include "tests/sweep/point.h"

#define LASTING_TRIES 32U

/* Every cell of the image is as it should be, and no other reading is possible. */
static bool whole(const struct cells *c, const struct vcpboot_image *image)
{
    for (uint32_t at = 0; at < image->length; at++)
        if ((at < SEAL_AT_LIFE || at >= SEAL_AT_LIFE + 4U) && c->bytes[WORLD_APP + at] != image->bytes[at])
            return false;
    for (uint32_t at = 0; at < image->length; at += 4U)
        if (c->unstable[(WORLD_APP + at) / 4U] != 0)
            return false;
    return true;
}

enum outcome point_start(struct world *w, const struct cells *c, enum mood mood, const char **complaint)
{
    bool alive = world_start(w, c, mood), application = world_started_application(w);
    bool old = world_holds(w, w->old), new = world_holds(w, w->new);

    *complaint = NULL;
    if (application && !old && !new)
        *complaint = "something started that is no whole image";
    else if (!alive)
        *complaint = "nobody answers on the port";
    else if (application != (w->desk.client.hello.mode == 1))
        *complaint = "the answer is not from who is running";
    else if (!application && (whole(c, w->old) || whole(c, w->new)))
        *complaint = "a whole application was not started";
    else if (!world_lower_intact(w))
        *complaint = "bootloader or settings have changed";
    if (*complaint != NULL)
        return OUT_BAD;
    return !application ? OUT_BOOTLOADER : new ? OUT_NEW : OUT_OLD;
}

bool point_lasts(struct world *w, const char **complaint)
{
    struct chip *chip = w->desk.chip;
    bool seen[MOODS] = { false };

    for (unsigned i = 0; i < LASTING_TRIES && !(seen[MOOD_QUIET] && seen[MOOD_RESTLESS]); i++) {
        chip_power_cycle(chip);
        w->desk.port = false;
        seen[flash_restless(chip_flash(chip)) ? MOOD_RESTLESS : MOOD_QUIET] = true;
        if (!desk_hello(&w->desk) || w->desk.client.hello.mode != 1 || !world_holds(w, w->new)) {
            *complaint = "the repaired application does not start again";
            return false;
        }
    }
    return true;
}
