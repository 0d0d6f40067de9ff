/* SPDX-License-Identifier: MIT */
/* The whole procedure of an update, and of a comparison. */
/* Sources: docs/SPEC.md section 5 */
#include "host/lib/handle.h"

#include <stdio.h>
#include <string.h>

#include "image/info.h"
#include "update/status.h"

#define RESUMES_MAX 20U                 /* losses of the connection in one update before we give up */
#define SETTLE_MS 2000U                 /* beyond an erase: an update that was left behind ends within this time */
#define ASK_AGAIN_MS 100U

/* --- is it for this device? -------------------------------------------------------------------------------------------------- */

static int check_product(struct vcpboot *v, const struct vcpboot_image *image, uint32_t flags)
{
    const struct native_hello *h = &v->client.hello;
    char installed[32];

    if ((flags & VCPBOOT_FORCE) || image->product[0] == '\0') return VCPBOOT_OK;
    if (info_text(h->entries, h->entries_bytes, INFO_PRODUCT, installed, sizeof installed) == 0) return VCPBOOT_OK;
    if (strcmp(installed, image->product) == 0) return VCPBOOT_OK;
    return fault_set(&v->fault, VCPBOOT_E_IMAGE,
                     "%s is for the product \"%s\", but the device holds \"%s\": take the right file, or insist with --force.",
                     image->name, image->product, installed);
}

/* An application need not know where it lives (0); the bootloader does. */
static int check_for_device(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags)
{
    const struct native_hello *h = &v->client.hello;
    int code = check_product(v, image, flags);

    if (code != VCPBOOT_OK || h->app_base == 0 || h->app_bytes == 0) return code;
    return image_seal(image, h->app_base, h->app_bytes, &v->fault);
}

/* What a failure must not leave behind: a device that ran its application and now waits in the bootloader for nothing. */
static int put_back(struct vcpboot *v, enum seen before, int code)
{
    struct fault why = v->fault;

    if (before != SEEN_BOOTLOADER && v->port && !progress_cancelled(v)) (void)device_start_application(v, false);
    v->fault = why;
    return code;
}

/* Meets the device, checks the image for it as early as possible, and ends in the bootloader. */
static int prepare(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags, enum seen *before)
{
    int code = device_meet(v, before);

    if (code == VCPBOOT_OK && *before == SEEN_APPLICATION) code = check_for_device(v, image, flags);
    if (code == VCPBOOT_OK) code = device_enter_bootloader(v, *before);
    if (code != VCPBOOT_OK) return code;
    code = check_for_device(v, image, flags);
    if (code == VCPBOOT_OK && (v->client.hello.sectors == 0 || (v->client.hello.capabilities & NATIVE_CAP_UPDATE) == 0))
        code = fault_set(&v->fault, VCPBOOT_E_REFUSED,
                         "The device's bootloader does not offer updates: is this the right port?");
    return code == VCPBOOT_OK ? code : put_back(v, *before, code);
}

/* --- what differs? -------------------------------------------------------------------------------------------------------------- */

/* By the device itself, with a status. */
static bool refused(const struct vcpboot *v, int code)
{
    return code == VCPBOOT_E_REFUSED && v->client.failure == CLIENT_E_REFUSED;
}

static bool refused_with(const struct vcpboot *v, int code, uint8_t err)
{
    return refused(v, code) && v->client.status.err == err;
}

/* A client that was killed may have left an update behind; while it is open there are no digests. */
static int get_digests(struct vcpboot *v, uint32_t length)
{
    uint32_t since = port_now_ms(), patience_ms = v->client.hello.erase_max_ms + SETTLE_MS;

    for (;;) {
        client_digest(&v->client, port_now_ms(), length);
        int code = link_request(v);
        uint8_t err = v->client.status.err;
        bool occupied = refused(v, code) && (err == UPDATE_E_STATE || err == UPDATE_E_BUSY);
        if (!occupied || port_now_ms() - since > patience_ms) return code;
        client_abort(&v->client, port_now_ms());
        code = link_request(v);
        if (code != VCPBOOT_OK && code != VCPBOOT_E_REFUSED) return code;
        code = link_nap(v, ASK_AGAIN_MS);
        if (code != VCPBOOT_OK) return code;
        fault_clear(&v->fault);
    }
}

static int compare(struct vcpboot *v, const struct vcpboot_image *image, struct plan *plan)
{
    int code = progress_text(v, VCPBOOT_PHASE_COMPARE, "Comparing");

    if (code == VCPBOOT_OK) code = get_digests(v, image->length);
    if (code != VCPBOOT_OK) return code;
    if (plan_make(plan, &v->client.hello, image->bytes, image->length, v->client.digest, v->client.digests)) return VCPBOOT_OK;
    return fault_set(&v->fault, VCPBOOT_E_REFUSED,
                     "The device's sectors do not make up its application area: update vcpboot on this PC.");
}

/* --- sending ----------------------------------------------------------------------------------------------------------------------- */

static int send_planned(struct vcpboot *v, const struct vcpboot_image *image, uint32_t sectors)
{
    const struct client_update what = { .image = image->bytes, .length = image->length, .sectors = sectors };

    v->streaming = v->begun = true;
    progress_begin_transfer(v);
    v->client.sent_bytes = 0;
    client_update(&v->client, port_now_ms(), &what);
    int code = link_request(v);
    v->report.sent_bytes += v->client.sent_bytes;
    v->streaming = false;
    return code;
}

static int send_image(struct vcpboot *v, const struct vcpboot_image *image, const struct plan *plan)
{
    uint32_t sectors = plan->sectors;
    int code = send_planned(v, image, sectors);

    /* A head that looks blank by its digest may have a used life word. */
    if (refused_with(v, code, UPDATE_E_STATE) && (sectors & 1U) == 0) {
        sectors |= 1U;
        code = send_planned(v, image, sectors);
    }
    /* Without an update on the device it was reset behind our back; silence in mid-stream is worth a new start, too. */
    if (refused_with(v, code, UPDATE_E_STATE) || code == LINK_SILENT) code = LINK_LOST;
    return code;
}

static void count(struct vcpboot *v, const struct vcpboot_image *image, const struct plan *plan)
{
    uint32_t differs = client_planned_bytes(&v->client.hello, plan->sectors, 0, image->length);

    v->report.image_bytes = image->length;
    if (v->report.resumes == 0) v->report.skipped_bytes = image->length - differs;
}

static void take_version(struct vcpboot *v)
{
    const struct native_hello *h = &v->client.hello;

    if (v->client.hello_known) (void)info_text(h->entries, h->entries_bytes, INFO_VERSION, v->report.version, sizeof v->report.version);
}

/* From wherever the device is to the running application. LINK_LOST if the connection broke before the commit. */
static int attempt(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags)
{
    enum seen before;
    struct plan plan;
    int code = prepare(v, image, flags, &before);

    if (code == VCPBOOT_OK) code = compare(v, image, &plan);
    if (refused_with(v, code, UPDATE_E_DENIED)) {
        fault_clear(&v->fault);
        plan_all_of_it(&plan, &v->client.hello, image->length);
        code = VCPBOOT_OK;
    }
    if (code != VCPBOOT_OK) return code;
    count(v, image, &plan);
    v->report.up_to_date = plan.startable && v->report.sent_bytes == 0;
    if (!plan.startable) code = send_image(v, image, &plan);
    if (code != VCPBOOT_OK) return code;
    v->committed = true;
    code = device_start_application(v, (flags & VCPBOOT_NO_WAIT) == 0);
    if (code == VCPBOOT_OK && (flags & VCPBOOT_NO_WAIT) == 0) take_version(v);
    return code;
}

static int cancelled(struct vcpboot *v)
{
    if (v->committed)
        return fault_set(&v->fault, VCPBOOT_E_CANCELLED,
                         "Cancelled while the application starts: the image is in the device, whole and verified.");
    if (!v->begun) return VCPBOOT_E_CANCELLED;
    return fault_set(&v->fault, VCPBOOT_E_CANCELLED,
                     "Cancelled: the device stays in the bootloader, and the next update goes on from there.");
}

int update_run(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags)
{
    v->report = (struct vcpboot_report){ .size = sizeof v->report };
    for (;;) {
        int code = attempt(v, image, flags);
        if (code == LINK_SILENT) code = LINK_LOST;
        if (code == VCPBOOT_E_CANCELLED) return cancelled(v);
        if (code != LINK_LOST) return code;
        if (v->report.resumes == RESUMES_MAX)
            return fault_set(&v->fault, VCPBOOT_E_LOST,
                             "The connection broke %u times: check the cable, then repeat the same command; it goes on from "
                             "there.",
                             RESUMES_MAX);
        v->report.resumes++;
        code = device_find_again(v);
        if (code != VCPBOOT_OK) return code;
    }
}

/* --- comparing only ------------------------------------------------------------------------------------------------------------------ */

static int judge(struct vcpboot *v, const struct vcpboot_image *image, const struct plan *plan)
{
    const struct native_hello *h = &v->client.hello;
    unsigned wrong = 0, sectors = 0;
    uint32_t at = 0;

    if (plan->same) return VCPBOOT_OK;
    for (size_t i = 0; i < h->sectors && at < image->length; i++, sectors++) {
        wrong += plan->sectors >> i & 1U;
        at += h->sector_kb[i] * 1024U;
    }
    return fault_set(&v->fault, VCPBOOT_E_DIFFERS,
                     "The device holds something else than %s: %u of %u sectors would be written. 'vcpboot update' installs it.",
                     image->name, wrong, sectors);
}

int verify_run(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags)
{
    enum seen before;
    struct plan plan;
    int code = prepare(v, image, flags | VCPBOOT_FORCE, &before);

    if (code == VCPBOOT_OK) code = compare(v, image, &plan);
    if (code != VCPBOOT_OK) return code;
    code = judge(v, image, &plan);
    if (before == SEEN_BOOTLOADER) return code;

    struct fault why = v->fault;
    int back = device_start_application(v, (flags & VCPBOOT_NO_WAIT) == 0);
    if (code == VCPBOOT_OK) return back;
    v->fault = why;
    return code;
}
