/* SPDX-License-Identifier: MIT */
/* One storm: some minutes of a hostile PC, thrown by a seed. */
#include "board/chip_internal.h"
#include "tests/storm/storm.h"

#define RNG_STORM 0x53544F52U
#define ACTIONS_MIN 3U
#define ACTIONS_MORE 10U
#define ARRIVALS_MAX 3U                 /* each costs half a second of unpacking */
#define LONGEST VTIME_MS(120000)
#define FULL_ONCE_IN 16U

typedef void act(struct storm *s);
static act *const serial_acts[] = { act_native, act_native, act_native_update, act_native_update, act_an, act_an, act_an_update,
                                    act_an_update, act_ymodem, act_ymodem, act_receive, act_console, act_usb, act_usb, act_usb, act_usb };
static act *const dfu_acts[] = { act_dfu, act_dfu, act_dfu, act_dfu_update, act_dfu_update, act_usb, act_usb, act_usb };

/* After every step: has an application been started, and was it one? */
static void watch(void *owner)
{
    struct storm *s = owner;
    uint32_t vtor = cpu_scb(s->pc.chip->cpu)->vtor;

    if (vtor == s->vtor) return;
    s->vtor = vtor;
    s->app_runs = vtor == APP_BASE;
    if (!s->app_runs) return;
    s->tally[T_STARTS]++;
    tell(s, "an application starts");
    if (!judge_whole(flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET)) bad(s, "an application started that is not whole");
}

/* What a port is for whoever opens it: nobody is in the middle of anything. */
static void reopen(struct storm *s)
{
    pc_drop_output(&s->pc);
    (void)pc_line(&s->pc, 115200, false);
    (void)pc_line(&s->pc, 115200, true);
    pc_read(&s->pc, true);
}

static void act_once(struct storm *s)
{
    s->tally[T_ACTIONS]++;
    if (s->app_runs) {
        if (chance(s, 8)) (void)touch(s);
        else act_usb(s);
    } else if (s->pc.info.pid == DFU_PID) {
        dfu_acts[upto(s, sizeof dfu_acts / sizeof *dfu_acts)](s);
    } else {
        if (!chance(s, 3)) reopen(s);
        serial_acts[upto(s, sizeof serial_acts / sizeof *serial_acts)](s);
    }
}

static void count(struct storm *s)
{
    const struct pc_counts *c = &s->pc.counts;
    struct flash_totals t = flash_totals(chip_flash(s->pc.chip));

    s->tally[T_RUNS]++;
    s->tally[T_OUT_PACKETS] += c->out_packets;
    s->tally[T_IN_PACKETS] += c->in_packets;
    s->tally[T_CONTROLS] += c->controls;
    s->tally[T_STALLS] += c->stalls;
    s->tally[T_ABORTED] += c->aborted;
    s->tally[T_RAW] += c->raw;
    s->tally[T_BYTES_IN] += c->bytes_in;
    s->tally[T_ERASES] += t.erases - s->erases_before;
    s->tally[T_WORDS] += t.words - s->words_before;
}

bool storm_run(struct storm *s, uint64_t seed)
{
    vtime end = chip_now(s->pc.chip) + LONGEST;
    unsigned arrivals = s->pc.arrivals + ARRIVALS_MAX;
    bool ok;

    s->rng = rng_stream(seed, RNG_STORM);
    s->pc.look = watch;
    s->pc.owner = s;
    s->vtor = cpu_scb(s->pc.chip->cpu)->vtor;
    new_image(s, true);
    for (unsigned left = ACTIONS_MIN + upto(s, ACTIONS_MORE); left > 0; left--) {
        if (s->bad[0] != '\0' || s->pc.arrivals > arrivals || chip_now(s->pc.chip) > end || !ready(s)) break;
        act_once(s);
        if (chance(s, 200)) (void)pause_ms(s, upto(s, 6000));
    }
    if (s->pc.chip->end == CHIP_POWER_CUT) {
        s->tally[T_CUTS]++;
        s->cut_hit = true;
    }
    tell(s, "the storm is over");
    ok = judge(s, chance(s, s->cut_hit ? FULL_ONCE_IN / 2 : FULL_ONCE_IN));
    count(s);
    return ok;
}
