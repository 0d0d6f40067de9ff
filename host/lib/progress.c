/* SPDX-License-Identifier: MIT */
/* Telling the caller how far it is. */
/* Sources: DS8626 (STM32F407) Table 39 "Flash memory programming": typical times at x32 */
#include "host/lib/handle.h"

#include <stdio.h>

#include "update/status.h"

#define REPORT_MS 100U
#define BYTES_PER_MS 250U               /* a word in 16 us */
#define RESTART_MS 1500U                /* reset, enumeration, first answer */
#define TRUST_MS 500U                   /* from so much experience on, it corrects the table */

bool progress_cancelled(const struct vcpboot *v)
{
    return v->progress.stop || atomic_load(&v->cancelled);
}

int progress_say(struct vcpboot *v, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    struct progress *p = &v->progress;
    uint32_t now_ms = port_now_ms();
    bool due = phase != p->phase || (done == total && total != 0) || now_ms - p->at_ms >= REPORT_MS;

    if (p->fn && due) {
        p->phase = phase;
        p->at_ms = now_ms;
        if (p->fn(p->user, phase, done, total, rest_ms, text) != 0) p->stop = true;
    }
    return progress_cancelled(v) ? VCPBOOT_E_CANCELLED : VCPBOOT_OK;
}

int progress_text(struct vcpboot *v, int32_t phase, const char *text)
{
    return progress_say(v, phase, 0, 0, VCPBOOT_REST_UNKNOWN, text);
}

/* --- an update's stream ------------------------------------------------------------------------------------------------------ */

static uint32_t erase_ms(uint16_t sector_kb)
{
    return sector_kb <= 16U ? 250U : sector_kb <= 64U ? 550U : 1000U;
}

/* Erases of the planned sectors up to (not including) index, in ms. */
static uint32_t erases_ms(const struct native_hello *h, uint32_t sectors, size_t index)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < h->sectors && i < index; i++)
        if (sectors >> i & 1U) sum += erase_ms(h->sector_kb[i]);
    return sum;
}

/* Table time of what is behind us, and of all. */
static uint64_t table_ms(const struct client *c, size_t erased_before, uint32_t bytes)
{
    return erases_ms(&c->hello, c->transfer.what.sectors, erased_before) + bytes / BYTES_PER_MS;
}

/* How this device and this link compare with the table is measured while words are programmed: then every erase is either
 * behind us or ahead. During an erase its time so far counts. */
static uint32_t rest_ms(struct vcpboot *v, uint32_t done, uint32_t total)
{
    struct progress *p = &v->progress;
    const struct client *c = &v->client;
    bool erasing = c->status.phase == UPDATE_ERASING, programming = c->status.phase == UPDATE_PROGRAMMING;
    size_t behind = erasing ? c->status.sector : programming ? c->status.sector + 1U : c->hello.sectors;
    uint64_t whole = table_ms(c, c->hello.sectors, total), past = table_ms(c, behind, done);
    uint32_t now_ms = port_now_ms(), took = now_ms - p->started_ms;

    if (!erasing) p->erase_since_ms = now_ms;
    if (programming && past >= TRUST_MS && took >= TRUST_MS) p->pace_permille = (uint32_t)((uint64_t)took * 1000U / past);
    uint64_t rest = (whole > past ? whole - past : 0) * p->pace_permille / 1000U;
    uint32_t erased_for = now_ms - p->erase_since_ms;
    return (uint32_t)(rest > erased_for ? rest - erased_for : 0) + RESTART_MS;
}

void progress_begin_transfer(struct vcpboot *v)
{
    v->progress.started_ms = v->progress.erase_since_ms = port_now_ms();
    v->progress.pace_permille = 1000;
}

int progress_transfer(struct vcpboot *v)
{
    static const struct { int32_t phase; const char *text; } known[] = {
        [UPDATE_IDLE] = { VCPBOOT_PHASE_PROGRAM, "Programming" },
        [UPDATE_ERASING] = { VCPBOOT_PHASE_ERASE, "Erasing" },
        [UPDATE_PROGRAMMING] = { VCPBOOT_PHASE_PROGRAM, "Programming" },
        [UPDATE_VERIFYING] = { VCPBOOT_PHASE_VERIFY, "Verifying" },
        [UPDATE_COMMITTING] = { VCPBOOT_PHASE_COMMIT, "Committing" },
        [UPDATE_DONE] = { VCPBOOT_PHASE_COMMIT, "Committed" },
        [UPDATE_FAILED] = { VCPBOOT_PHASE_PROGRAM, "Failed" },
    };
    const struct client *c = &v->client;
    size_t phase = c->status.phase < sizeof known / sizeof known[0] ? c->status.phase : UPDATE_PROGRAMMING;
    uint32_t done = client_done_bytes(c), total = client_total_bytes(c);
    char text[64];

    if (phase == UPDATE_ERASING || phase == UPDATE_PROGRAMMING)
        (void)snprintf(text, sizeof text, "%s sector %u of %u", known[phase].text, c->status.sector + 1U, c->hello.sectors + 0U);
    else
        (void)snprintf(text, sizeof text, "%s", known[phase].text);
    return progress_say(v, known[phase].phase, done, total, rest_ms(v, done, total), text);
}
