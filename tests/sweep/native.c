/* SPDX-License-Identifier: MIT */
/* The next update, by the native protocol: its plan for every point, its rest for every group of points. */
#include "tests/sweep/native.h"

#include <string.h>

#include "board/periph/flash_fault.h"
#include "board/rng.h"
#include "host/lib/plan.h"
#include "image/bytes.h"
#include "update/status.h"

#define ANSWER VTIME_MS(5000)
#define UPDATE VTIME_MS(60000)
#define SECTORS 4U

static const uint32_t sector_end[SECTORS] = { 0x10000, 0x30000, 0x50000, 0x70000 };

static uint32_t now_ms(const struct world *w)
{
    return (uint32_t)(chip_now(w->desk.chip) / VTIME_MS(1));
}

static uint32_t sector_from(unsigned i)
{
    return i == 0 ? SEAL_HEAD_BYTES : sector_end[i - 1U];
}

static uint32_t sector_to(const struct world *w, unsigned i)
{
    return sector_end[i] < w->new->length ? sector_end[i] : w->new->length;
}

uint32_t native_sector_bit(const struct flash_operation *op)
{
    unsigned i = 0;

    if (!op->erase || op->address < DESK_APP_BASE)
        return 0;
    while (op->address - DESK_APP_BASE >= sector_end[i])
        i++;
    return 1U << i;
}

void native_begin(struct native_sweep *s, struct world *w, unsigned follow_every)
{
    memset(s, 0, sizeof *s);
    s->w = w;
    s->follow_every = follow_every;
    s->digest[0] = plan_digest_head(w->new->bytes);
    for (unsigned i = 0; i < SECTORS; i++)
        s->digest[i + 1U] = plan_digest_sector(w->new->bytes, sector_from(i), sector_to(w, i));
}

/* --- the plan --------------------------------------------------------------------------------------------------------------- */

static bool head_blank(const struct cells *c)
{
    for (uint32_t at = 0; at < SEAL_HEAD_BYTES; at++)
        if (c->bytes[WORLD_APP + at] != 0xFF)
            return false;
    return true;
}

static bool undecided(const struct cells *c, unsigned i)
{
    for (uint32_t at = i == 0 ? 0 : sector_from(i); at < sector_end[i]; at += 4U)
        if (c->unstable[(WORLD_APP + at) / 4U] != 0)
            return true;
    return false;
}

/* Right is what the new image has; neither more nor less than the rest is to be sent, and of what the cut update had begun one
 * sector at the most. */
static const char *check_plan(struct native_sweep *s, const struct cells *c, uint32_t sectors, uint32_t begun)
{
    struct world *w = s->w;
    bool marginal = false;

    for (unsigned i = 0; i < SECTORS; i++) {
        uint32_t from = sector_from(i), to = sector_to(w, i);
        bool right = memcmp(c->bytes + WORLD_APP + from, w->new->bytes + from, to - from) == 0;
        bool planned = (sectors >> i & 1U) != 0;

        if (i == 0 && !head_blank(c))
            right = false;              /* the head goes only with its sector */
        if (undecided(c, i))
            marginal |= right && !planned;
        else if (planned != !right)
            return planned ? "a sector that is right would be sent again" : "a sector that is wrong would not be sent";
    }
    s->marginal += marginal;
    sectors &= begun;
    return (sectors & (sectors - 1U)) != 0 ? "more than one sector would be sent twice" : NULL;
}

static bool ask_digests(struct world *w)
{
    client_digest(&w->desk.client, now_ms(w), w->new->length);
    return desk_run(&w->desk, ANSWER) == CLIENT_DONE;
}

/* libvcpboot's own plan, or the same from digests of the image that were computed once. */
static bool make_plan(struct native_sweep *s, uint32_t *sectors, bool own)
{
    const struct client *pc = &s->w->desk.client;
    struct plan plan;
    uint32_t differs = 0;

    if (own) {
        if (!plan_make(&plan, &pc->hello, s->w->new->bytes, s->w->new->length, pc->digest, pc->digests))
            return false;
        *sectors = plan.sectors;
        return true;
    }
    for (unsigned i = 0; i < SECTORS; i++)
        differs |= (uint32_t)(pc->digest[i + 1U] != s->digest[i + 1U]) << i;
    *sectors = differs;
    return pc->digests == SECTORS + 1U;
}

/* --- the update ------------------------------------------------------------------------------------------------------------- */

static void start_update(struct native_sweep *s, uint32_t sectors)
{
    struct client_update what = { .image = s->w->new->bytes, .length = s->w->new->length, .sectors = sectors };

    client_update(&s->w->desk.client, now_ms(s->w), &what);
}

/* Up to the first word: the first sector has been erased. */
static bool to_first_word(struct world *w, struct flash_totals began)
{
    vtime end = chip_now(w->desk.chip) + ANSWER;

    while (flash_totals(chip_flash(w->desk.chip)).words == began.words)
        if (w->desk.client.state != CLIENT_BUSY || chip_now(w->desk.chip) >= end || !desk_step(&w->desk))
            return false;
    return true;
}

static uint64_t words_of(const struct world *w, uint32_t sectors)
{
    uint64_t words = 0;

    for (uint32_t at = 0; at < w->new->length; at += 4U) {
        unsigned i = 0;

        while (at >= sector_end[i])
            i++;
        words += (at < SEAL_HEAD_BYTES || (sectors >> i & 1U) != 0) && load_le32(w->new->bytes + at) != UINT32_MAX;
    }
    return words;
}

static unsigned count_bits(uint32_t v)
{
    unsigned n = 0;

    for (; v != 0; v &= v - 1U)
        n++;
    return n;
}

static bool restarted(struct world *w)
{
    desk_begin_reboot(&w->desk);
    if (desk_run(&w->desk, ANSWER) != CLIENT_DONE)
        return false;
    for (vtime end = chip_now(w->desk.chip) + ANSWER; w->desk.port;)
        if (chip_now(w->desk.chip) >= end || !desk_step(&w->desk))
            return false;
    return desk_hello(&w->desk) && w->desk.client.hello.mode == 1;
}

/* The rest of an update that is under way, and whether it cost what it should. */
static const char *finish(struct native_sweep *s, uint32_t sectors, struct flash_totals began)
{
    struct world *w = s->w;
    struct flash_totals now;

    s->followed++;
    if (desk_run(&w->desk, UPDATE) != CLIENT_DONE)
        return "the next update failed";
    now = flash_totals(chip_flash(w->desk.chip));
    if (now.erases - began.erases != count_bits(sectors))
        return "the next update erased more or less than its plan says";
    if (now.words - began.words != words_of(w, sectors))
        return "the next update programmed more or less than its plan says";
    if (!world_holds(w, w->new))
        return "the next update reported success, but the flash holds something else";
    if (!world_lower_intact(w))
        return "the next update changed bootloader or settings";
    return restarted(w) ? NULL : "the new application did not start after the next update";
}

/* Undecided cells in a sector that reads right are seen by nobody: the update may go wrong, or the start after it; never may something
 * start that is not whole, and the update after that one must mend it. */
static const char *mend(struct native_sweep *s)
{
    const char *complaint;

    s->refused++;
    for (unsigned i = 0; i < 2U; i++) {
        chip_power_cycle(s->w->desk.chip);
        s->w->desk.port = false;
        if (!desk_hello(&s->w->desk))
            return "nobody answers after an update over undecided cells";
        if (s->w->desk.client.hello.mode == 1 && !desk_enter_bootloader(&s->w->desk))
            return "the application does not give way after an update over undecided cells";
        if (desk_update(&s->w->desk, s->w->new) && world_holds(s->w, s->w->new) && point_lasts(s->w, &complaint))
            return NULL;
    }
    return "undecided cells outlive two further updates";
}

static const char *follow(struct native_sweep *s, uint32_t sectors, struct flash_totals began, bool marginal)
{
    const char *complaint = finish(s, sectors, began);

    if (complaint == NULL)
        (void)point_lasts(s->w, &complaint);
    return complaint != NULL && marginal ? mend(s) : complaint;
}

/* --- groups ----------------------------------------------------------------------------------------------------------------- */

/* The PC's half of the state, but for the digests that it was told. */
static bool same_pc(const struct client *a, const struct client *b)
{
    return a->state == b->state && a->type == b->type && a->seq == b->seq && a->step == b->step &&
           a->tries_left == b->tries_left && a->asked_ms == b->asked_ms && a->sent_bytes == b->sent_bytes &&
           a->frame_bytes == b->frame_bytes && a->frame_at == b->frame_at &&
           memcmp(a->frame, b->frame, a->frame_bytes) == 0 &&
           memcmp(&a->transfer, &b->transfer, sizeof a->transfer) == 0;
}

static void found_group(struct native_sweep *s, uint32_t sectors, enum mood mood, struct flash_totals began)
{
    struct native_group *g = &s->group[s->groups];

    if (s->groups == NATIVE_GROUPS)
        return;
    g->chip = chip_snapshot_new();
    if (!chip_save(s->w->desk.chip, g->chip)) {
        chip_snapshot_free(g->chip);
        return;
    }
    g->sectors = sectors;
    g->mood = mood;
    g->desk = s->w->desk;
    g->now = chip_now(s->w->desk.chip);
    g->began = began;
    g->points = 1;
    s->groups++;
}

static void mark_byte(struct native_group *g, const uint8_t *at)
{
    for (size_t m = 0; m < g->marks && m < NATIVE_MARKS; m++)
        if (g->mark[m] == at)
            return;
    if (g->marks < NATIVE_MARKS)
        g->mark[g->marks] = (uint8_t *)(uintptr_t)at;           /* in the chip's own memory, which is not const */
    g->marks++;
}

static void mark(void *group, const uint8_t *now, const uint8_t *then, size_t bytes)
{
    struct native_group *g = group;

    (void)then;
    for (size_t i = 0; i < bytes && g->marks <= NATIVE_MARKS; i++)
        mark_byte(g, now + i);
}

/* Is the chip where the group's first point was, but for a few bytes? These are noted then. */
static bool joins(struct native_group *g, struct world *w)
{
    struct native_group with = *g;

    if (chip_now(w->desk.chip) != g->now || !same_pc(&w->desk.client, &g->desk.client) || !chip_compare(w->desk.chip, g->chip, mark, &with) ||
        with.marks > NATIVE_MARKS)
        return false;
    *g = with;
    g->points++;
    return true;
}

static bool joins_any(struct native_sweep *s, uint32_t sectors, enum mood mood)
{
    for (size_t i = s->groups; i-- > 0;)
        if (s->group[i].sectors == sectors && s->group[i].mood == mood && joins(&s->group[i], s->w))
            return true;
    return false;
}

static const char *recover(struct native_sweep *s, const struct cells *c, enum mood mood, uint32_t begun)
{
    struct world *w = s->w;
    struct flash_totals began;
    uint32_t sectors;
    size_t marginal = s->marginal;
    const char *complaint;

    if (!ask_digests(w))
        return "no digests";
    if (!make_plan(s, &sectors, !head_blank(c) || s->points % s->follow_every == 0))
        return "no plan";
    complaint = check_plan(s, c, sectors, begun);
    if (complaint != NULL)
        return complaint;
    began = flash_totals(chip_flash(w->desk.chip));
    start_update(s, sectors);
    if (sectors == 0 || s->points % s->follow_every == 0 || s->marginal != marginal)
        return follow(s, sectors, began, s->marginal != marginal);
    if (!to_first_word(w, began))
        return "the next update does not begin";
    if (joins_any(s, sectors, mood))
        return NULL;
    found_group(s, sectors, mood, began);
    return follow(s, sectors, began, false);
}

enum outcome native_point(struct native_sweep *s, const struct cells *c, enum mood mood, uint32_t begun, const char **complaint)
{
    enum outcome out = point_start(s->w, c, mood, complaint);

    s->points++;
    if (out == OUT_BAD)
        return OUT_BAD;
    if (out != OUT_BOOTLOADER && !desk_enter_bootloader(&s->w->desk)) {
        *complaint = "the application does not give way to the bootloader";
        return OUT_BAD;
    }
    *complaint = recover(s, c, mood, begun);
    return *complaint == NULL ? out : OUT_BAD;
}

/* --- without a power cut ------------------------------------------------------------------------------------------------------ */

static bool up_to(struct world *w, uint64_t operations)
{
    vtime end = chip_now(w->desk.chip) + UPDATE;
    struct flash_totals now = flash_totals(chip_flash(w->desk.chip));

    for (operations += now.erases + now.words; now.erases + now.words < operations; now = flash_totals(chip_flash(w->desk.chip)))
        if (w->desk.client.state != CLIENT_BUSY || chip_now(w->desk.chip) >= end || !desk_step(&w->desk))
            return false;
    return true;
}

bool native_abandoned(struct native_sweep *s, const struct tape *t, uint64_t operations, const char **complaint)
{
    struct world *w = s->w;
    struct flash_totals began;
    uint32_t sectors, begun = 0;

    *complaint = "an abandoned update does not come as far as it should";
    if (!world_ready(w) || !ask_digests(w) || !make_plan(s, &sectors, true))
        return false;
    start_update(s, sectors);
    if (!up_to(w, operations))
        return false;
    desk_reopen(&w->desk);              /* the PC's program has died, and another one begins */
    if (!desk_hello(&w->desk) || !ask_digests(w) || !make_plan(s, &sectors, true))
        return false;
    for (uint64_t i = 0; i < operations; i++)
        begun |= native_sector_bit(&t->op[i]);
    cells_of(&s->cells, w->desk.chip);
    *complaint = check_plan(s, &s->cells, sectors, begun);
    if (*complaint != NULL)
        return false;
    began = flash_totals(chip_flash(w->desk.chip));
    start_update(s, sectors);
    *complaint = follow(s, sectors, began, false);
    return *complaint == NULL;
}

/* The first word of the second sector does not take what is written: the update must say so, and with a flash that is as new again it
 * must succeed. */
bool native_weak_cell(struct native_sweep *s, const char **complaint)
{
    struct world *w = s->w;
    const struct flash_fault weak = { .kind = FLASH_FAULT_WEAK_WORD, .at = DESK_APP_BASE + sector_end[0] };
    const struct native_status *said = &w->desk.client.status;
    uint32_t sectors;

    *complaint = "a cell that does not take its word: the update does not tell its address";
    if (!world_ready(w) || !ask_digests(w) || !make_plan(s, &sectors, true) ||
        !flash_add_fault(chip_flash(w->desk.chip), &weak))
        return false;
    start_update(s, sectors);
    if (desk_run(&w->desk, UPDATE) != CLIENT_FAILED || said->err != UPDATE_E_PROGRAM || said->next != weak.at)
        return false;
    flash_clear_faults(chip_flash(w->desk.chip));
    *complaint = "a cell that does not take its word: the update after that one fails";
    return desk_update(&w->desk, w->new) && point_lasts(w, complaint);
}

bool native_end(struct native_sweep *s, const char **complaint)
{
    struct rng r = rng_stream(s->points, 1);

    *complaint = NULL;
    for (size_t i = 0; i < s->groups && *complaint == NULL; i++) {
        struct native_group *g = &s->group[i];

        s->w->desk = g->desk;
        chip_restore(s->w->desk.chip, g->chip);
        for (size_t m = 0; m < g->marks; m++)
            *g->mark[m] = (uint8_t)rng_word(&r);
        if (finish(s, g->sectors, g->began) != NULL || !point_lasts(s->w, complaint))
            *complaint = "points that should be alike are not: what differs between them matters";
    }
    for (size_t i = 0; i < s->groups; i++)
        chip_snapshot_free(s->group[i].chip);
    return *complaint == NULL;
}
