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

static uint32_t rest_ms(const struct vcpboot *v, uint32_t done, uint32_t total)
{
    const struct client *c = &v->client;
    uint32_t sectors = c->transfer.what.sectors;
    size_t erased = c->status.phase == UPDATE_ERASING ? c->status.sector : c->status.sector + 1U;
    uint64_t past = erases_ms(&c->hello, sectors, erased) + done / BYTES_PER_MS;
    uint64_t whole = erases_ms(&c->hello, sectors, c->hello.sectors) + total / BYTES_PER_MS;
    uint64_t took = port_now_ms() - v->progress.started_ms;
    uint64_t rest = whole > past ? whole - past : 0;

    if (past >= TRUST_MS && took >= TRUST_MS) rest = rest * took / past;
    return (uint32_t)rest + RESTART_MS;
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
