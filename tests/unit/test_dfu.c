/* SPDX-License-Identifier: MIT */
/* usb/dfu.c: every state against every request, and what a client reads of them. */
#include "tests/unit/cm.h"

#include <string.h>

#include "image/bytes.h"
#include "usb/dfu.h"
#include "usb/usbd.h"

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT, REQUESTS };

#define POINTER 0x08010000U
#define MAX_MS 300U

/* A memory that does as it is told, and remembers. */
struct memory { enum dfu_status begins, polls, reads; struct dfu_job job; unsigned begun; uint32_t read_addr; size_t room; };

struct rig { struct dfu dfu; struct memory memory; uint8_t small[USBD_CONTROL_MAX]; uint8_t *data; size_t n; };

static enum dfu_status memory_begin(void *ctx, struct dfu_job *job)
{
    struct memory *m = ctx;

    job->max_ms = MAX_MS;
    m->job = *job;
    m->begun++;
    return m->begins;
}

static enum dfu_status memory_poll(void *ctx, struct dfu_job *job)
{
    (void)job;
    return ((struct memory *)ctx)->polls;
}

static enum dfu_status memory_read(void *ctx, uint32_t addr, uint8_t *out, size_t *n)
{
    struct memory *m = ctx;

    m->read_addr = addr;
    if (*n > m->room) *n = m->room;
    memset(out, 0x77, *n);
    return m->reads;
}

static const struct dfu_memory memory = { .begin = memory_begin, .poll = memory_poll, .read = memory_read };

static struct rig *rig_new(void)
{
    static struct rig r;

    memset(&r, 0, sizeof r);
    r.memory = (struct memory){ .begins = DFU_PENDING, .polls = DFU_PENDING, .room = 1U << 20 };
    dfu_init(&r.dfu, &memory, &r.memory, POINTER, 1000);
    dfu_function.configure(&r.dfu, NULL, true);
    return &r;
}

/* As usbd does it: an OUT data stage is asked for first. False: STALL. */
static bool ask(struct rig *r, uint8_t type, uint8_t request, uint16_t value, const uint8_t *p, uint16_t n)
{
    const struct usb_setup s = { type, request, value, 0, n };

    r->data = r->small;
    r->n = 0;
    if ((type & USB_REQUEST_IN) == 0 && n != 0) {
        r->data = dfu_function.accepts(&r->dfu, &s, r->small);
        if (r->data == NULL) return false;
        memcpy(r->data, p, n);
        r->n = n;
    }
    return dfu_function.request(&r->dfu, &s, &r->data, &r->n);
}

static bool request(struct rig *r, uint8_t code)
{
    static const uint16_t in_bytes[REQUESTS] = { [UPLOAD] = 64, [GETSTATUS] = 6, [GETSTATE] = 1 };

    return ask(r, in_bytes[code] != 0 ? 0xA1 : 0x21, code, 0, NULL, in_bytes[code]);
}

static bool dnload(struct rig *r, uint16_t block, const uint8_t *p, uint16_t n)
{
    return ask(r, 0x21, DNLOAD, block, p, n);
}

static void assert_status(struct rig *r, enum dfu_state state, enum dfu_status status, uint32_t poll_ms)
{
    assert_true(request(r, GETSTATUS));
    assert_int_equal(r->n, 6);
    assert_int_equal(r->data[4], state);
    assert_int_equal(r->data[0], status);
    assert_int_equal(load_le32(r->data + 1) & 0xFFFFFFU, poll_ms);
    assert_int_equal(r->data[5], 0);
}

static void finish(struct rig *r, enum dfu_status outcome)
{
    r->memory.polls = outcome;
    dfu_poll(&r->dfu, r->dfu.now_ms + 1);
    r->memory.polls = DFU_PENDING;
}

/* Brings a new device into a state by requests alone. */
static struct rig *in_state(enum dfu_state state)
{
    const uint8_t block[4] = { 1, 2, 3, 4 };
    struct rig *r = rig_new();

    switch (state) {
    case DFU_IDLE: break;
    case DFU_UPLOAD_IDLE: assert_true(ask(r, 0xA1, UPLOAD, 2, NULL, 64)); break;
    case DFU_ERROR: assert_false(request(r, DETACH)); break;
    case DFU_MANIFEST_SYNC:
    case DFU_MANIFEST:
        assert_true(dnload(r, 2, NULL, 0));
        finish(r, DFU_OK);
        if (state == DFU_MANIFEST) assert_true(request(r, GETSTATUS));
        break;
    default:
        assert_true(dnload(r, 2, block, sizeof block));
        if (state != DFU_DNLOAD_SYNC) assert_true(request(r, GETSTATUS));
        finish(r, DFU_OK);
        if (state == DFU_DNLOAD_IDLE) assert_true(request(r, GETSTATUS));
        break;
    }
    assert_true(request(r, GETSTATE));
    assert_int_equal(r->data[0], state);
    return r;
}

/* DFU 1.1 annex A.1, by hand. 0: STALL and dfuERROR; otherwise the state behind the request. DNLOAD is the zero-length one. */
static const struct { uint8_t state, behind[REQUESTS]; } table[] = {
    /*                     DETACH DNLOAD UPLOAD GETSTATUS CLRSTATUS GETSTATE ABORT */
    { DFU_IDLE,          { 0,     6,     2,     2,        0,        2,       2 } },     /* UPLOAD: a short answer ends it */
    { DFU_DNLOAD_SYNC,   { 0,     0,     0,     4,        0,        3,       2 } },
    { DFU_DNBUSY,        { 0,     0,     0,     5,        0,        4,       0 } },
    { DFU_DNLOAD_IDLE,   { 0,     6,     0,     5,        0,        5,       2 } },
    { DFU_MANIFEST_SYNC, { 0,     0,     0,     7,        0,        6,       2 } },
    { DFU_MANIFEST,      { 0,     0,     0,     7,        0,        7,       0 } },
    { DFU_UPLOAD_IDLE,   { 0,     0,     2,     9,        0,        9,       2 } },
    { DFU_ERROR,         { 0,     0,     0,     10,       2,        10,      0 } },
};

TEST(each_request_does_in_each_state_what_annex_a_says)
{
    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(table); i++) {
        for (uint8_t code = 0; code < REQUESTS; code++) {
            struct rig *r = in_state(table[i].state);
            unsigned behind = table[i].behind[code];

            assert_int_equal(request(r, code), behind != 0);
            if (behind == 0) behind = table[i].state == DFU_MANIFEST ? DFU_MANIFEST : DFU_ERROR;
            assert_true(request(r, GETSTATE));
            if (r->data[0] != behind) fail_msg("state %u, request %u: %u instead of %u", table[i].state, code, r->data[0], behind);
        }
    }
}

TEST(other_requests_are_stalled_and_change_nothing)
{
    static const struct usb_setup other[] = {
        { 0xA1, 0xFF, 0, 0, 6 }, { 0xA1, CLRSTATUS, 0, 0, 1 }, { 0x21, GETSTATUS, 0, 0, 0 },
        { 0xA1, GETSTATUS, 0, 1, 6 }, { 0xC1, GETSTATUS, 0, 0, 6 }, { 0xA2, GETSTATUS, 0, 0, 6 }, { 0x21, UPLOAD, 2, 0, 0 },
    };
    struct rig *r = rig_new();

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(other); i++) {
        uint8_t *data = r->small;
        size_t n = 0;

        assert_false(dfu_function.request(&r->dfu, &other[i], &data, &n));
        assert_status(r, DFU_IDLE, DFU_OK, 0);
    }
    assert_int_equal(r->memory.begun, 0);
}

TEST(a_command_is_busy_for_as_long_as_its_memory_is)
{
    const uint8_t erase[5] = { 0x41, 0x00, 0x00, 0x02, 0x08 };
    struct rig *r = rig_new();

    UNUSED_STATE;
    assert_true(dnload(r, 0, erase, sizeof erase));
    assert_int_equal(r->memory.job.command, DFU_ERASE);
    assert_int_equal(r->memory.job.addr, 0x08020000U);
    assert_status(r, DFU_DNBUSY, DFU_OK, MAX_MS);
    dfu_poll(&r->dfu, 1100);
    assert_status(r, DFU_DNBUSY, DFU_OK, MAX_MS - 100);
    dfu_poll(&r->dfu, 1000 + MAX_MS + 50);      /* longer than it should: it says so, and never 0 */
    assert_status(r, DFU_DNBUSY, DFU_OK, 1);
    finish(r, DFU_OK);
    assert_status(r, DFU_DNLOAD_IDLE, DFU_OK, 0);
}

TEST(what_is_done_at_once_is_busy_for_one_status)
{
    const uint8_t point[5] = { 0x21, 0x00, 0x08, 0x01, 0x08 };
    const uint8_t block[4] = { 1, 2, 3, 4 };
    struct rig *r = rig_new();

    UNUSED_STATE;
    r->memory.begins = DFU_OK;
    assert_true(dnload(r, 0, point, sizeof point));
    assert_status(r, DFU_DNBUSY, DFU_OK, 0);
    assert_status(r, DFU_DNLOAD_IDLE, DFU_OK, 0);
    assert_true(dnload(r, 5, block, sizeof block));     /* and from there the blocks are counted */
    assert_int_equal(r->memory.job.command, DFU_WRITE);
    assert_int_equal(r->memory.job.addr, 0x08010800U + 3U * DFU_TRANSFER_BYTES);
    assert_int_equal(r->memory.job.n, 4);
    assert_memory_equal(r->memory.job.p, block, 4);
}

TEST(a_refused_address_is_told_by_get_status_and_leaves_the_pointer)
{
    const uint8_t point[5] = { 0x21, 0x00, 0x00, 0x00, 0x20 };
    struct rig *r = rig_new();

    UNUSED_STATE;
    r->memory.begins = DFU_ERR_ADDRESS;
    assert_true(dnload(r, 0, point, sizeof point));
    assert_status(r, DFU_ERROR, DFU_ERR_ADDRESS, 0);
    assert_true(request(r, CLRSTATUS));
    assert_true(ask(r, 0xA1, UPLOAD, 3, NULL, 64));
    assert_int_equal(r->memory.read_addr, POINTER + DFU_TRANSFER_BYTES);
}

TEST(a_failure_that_comes_later_is_told_as_well)
{
    struct rig *r = rig_new();

    UNUSED_STATE;
    assert_true(dnload(r, 0, (const uint8_t[]){ 0x41 }, 1));
    assert_int_equal(r->memory.job.command, DFU_ERASE_ALL);
    assert_status(r, DFU_DNBUSY, DFU_OK, MAX_MS);
    finish(r, DFU_ERR_ERASE);
    assert_status(r, DFU_ERROR, DFU_ERR_ERASE, 0);
    assert_true(request(r, CLRSTATUS));
    assert_status(r, DFU_IDLE, DFU_OK, 0);
}

TEST(unknown_commands_and_block_1_are_stalled)
{
    static const struct { uint16_t block, n; uint8_t p[6]; } bad[] = {
        { 0, 1, { 0x21 } }, { 0, 4, { 0x41 } }, { 0, 6, { 0x21 } }, { 0, 1, { 0x92 } }, { 0, 1, { 0x00 } }, { 0, 5, { 0x92 } },
        { 1, 4, { 0 } },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct rig *r = rig_new();

        assert_false(dnload(r, bad[i].block, bad[i].p, bad[i].n));
        assert_status(r, DFU_ERROR, DFU_ERR_STALLEDPKT, 0);
        assert_int_equal(r->memory.begun, 0);
    }
}

TEST(more_than_a_transfer_is_stalled_before_its_data_come)
{
    struct rig *r = rig_new();
    const struct usb_setup most = { 0x21, DNLOAD, 2, 0, DFU_TRANSFER_BYTES }, more = { 0x21, DNLOAD, 2, 0, DFU_TRANSFER_BYTES + 1 };
    const struct usb_setup elsewhere = { 0x21, ABORT, 0, 0, 4 };

    UNUSED_STATE;
    assert_ptr_equal(dfu_function.accepts(&r->dfu, &most, r->small), r->dfu.data);
    assert_null(dfu_function.accepts(&r->dfu, &more, r->small));
    assert_status(r, DFU_ERROR, DFU_ERR_STALLEDPKT, 0);
    r = rig_new();
    assert_null(dfu_function.accepts(&r->dfu, &elsewhere, r->small));
    r = rig_new();
    assert_false(ask(r, 0xA1, UPLOAD, 2, NULL, DFU_TRANSFER_BYTES + 1));
}

TEST(an_upload_ends_with_a_short_block)
{
    struct rig *r = rig_new();

    UNUSED_STATE;
    assert_true(ask(r, 0xA1, UPLOAD, 2, NULL, DFU_TRANSFER_BYTES));
    assert_int_equal(r->n, DFU_TRANSFER_BYTES);
    assert_status(r, DFU_UPLOAD_IDLE, DFU_OK, 0);
    r->memory.room = 100;
    assert_true(ask(r, 0xA1, UPLOAD, 3, NULL, DFU_TRANSFER_BYTES));
    assert_int_equal(r->n, 100);
    assert_int_equal(r->memory.read_addr, POINTER + DFU_TRANSFER_BYTES);
    assert_status(r, DFU_IDLE, DFU_OK, 0);
    assert_true(ask(r, 0xA1, UPLOAD, 0, NULL, 2));      /* the commands, as many as asked for */
    assert_int_equal(r->n, 2);
    assert_memory_equal(r->data, ((const uint8_t[]){ 0x00, 0x21 }), 2);
}

TEST(a_read_that_the_memory_refuses_is_stalled_with_its_status)
{
    struct rig *r = rig_new();

    UNUSED_STATE;
    r->memory.reads = DFU_ERR_VENDOR;
    assert_false(ask(r, 0xA1, UPLOAD, 2, NULL, 64));
    assert_status(r, DFU_ERROR, DFU_ERR_VENDOR, 0);
}

TEST(a_leave_that_fails_is_an_error_and_one_that_works_is_manifest)
{
    struct rig *r = rig_new();

    UNUSED_STATE;
    assert_true(dnload(r, 2, NULL, 0));
    assert_status(r, DFU_MANIFEST_SYNC, DFU_OK, MAX_MS);
    finish(r, DFU_ERR_FIRMWARE);
    assert_status(r, DFU_ERROR, DFU_ERR_FIRMWARE, 0);
    assert_true(request(r, CLRSTATUS));
    assert_true(dnload(r, 0, NULL, 0));
    finish(r, DFU_OK);
    assert_false(dfu_leaves(&r->dfu));  /* not before its client knows */
    assert_status(r, DFU_MANIFEST, DFU_OK, 0);
    assert_false(dfu_leaves(&r->dfu));
    dfu_poll(&r->dfu, r->dfu.now_ms + DFU_LEAVE_MS - 1);
    assert_true(request(r, GETSTATE));  /* and who asks again does not put it off */
    assert_false(request(r, ABORT));
    dfu_poll(&r->dfu, r->dfu.now_ms + 1);
    assert_true(dfu_leaves(&r->dfu));
}

TEST(while_a_job_runs_nothing_else_begins_whatever_the_client_did_to_the_state)
{
    const uint8_t block[4] = { 1, 2, 3, 4 };
    struct rig *r = rig_new();

    UNUSED_STATE;
    assert_true(dnload(r, 2, block, sizeof block));
    assert_true(request(r, ABORT));
    assert_status(r, DFU_IDLE, DFU_OK, MAX_MS);         /* and how long it may still be so */
    assert_false(dnload(r, 2, block, sizeof block));
    assert_true(request(r, CLRSTATUS));
    assert_false(request(r, UPLOAD));   /* its data would be the job's */
    assert_true(request(r, CLRSTATUS));
    finish(r, DFU_OK);
    assert_true(dnload(r, 2, block, sizeof block));
    assert_int_equal(r->memory.begun, 2);
}

TEST(a_bus_reset_leads_back_to_idle_but_not_out_of_manifest)
{
    struct rig *r = in_state(DFU_ERROR);

    UNUSED_STATE;
    dfu_function.configure(&r->dfu, NULL, false);
    dfu_function.configure(&r->dfu, NULL, true);
    assert_status(r, DFU_IDLE, DFU_OK, 0);
    r = in_state(DFU_MANIFEST);
    dfu_function.configure(&r->dfu, NULL, false);
    assert_status(r, DFU_MANIFEST, DFU_OK, 0);
}

TEST(each_request_is_a_sign_of_life)
{
    struct rig *r = rig_new();

    UNUSED_STATE;
    dfu_poll(&r->dfu, 6000);
    assert_int_equal(dfu_idle_ms(&r->dfu), 5000);
    assert_true(request(r, GETSTATUS));
    assert_int_equal(dfu_idle_ms(&r->dfu), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_does_in_each_state_what_annex_a_says),
        cmocka_unit_test(other_requests_are_stalled_and_change_nothing),
        cmocka_unit_test(a_command_is_busy_for_as_long_as_its_memory_is),
        cmocka_unit_test(what_is_done_at_once_is_busy_for_one_status),
        cmocka_unit_test(a_refused_address_is_told_by_get_status_and_leaves_the_pointer),
        cmocka_unit_test(a_failure_that_comes_later_is_told_as_well),
        cmocka_unit_test(unknown_commands_and_block_1_are_stalled),
        cmocka_unit_test(more_than_a_transfer_is_stalled_before_its_data_come),
        cmocka_unit_test(an_upload_ends_with_a_short_block),
        cmocka_unit_test(a_read_that_the_memory_refuses_is_stalled_with_its_status),
        cmocka_unit_test(a_leave_that_fails_is_an_error_and_one_that_works_is_manifest),
        cmocka_unit_test(while_a_job_runs_nothing_else_begins_whatever_the_client_did_to_the_state),
        cmocka_unit_test(a_bus_reset_leads_back_to_idle_but_not_out_of_manifest),
        cmocka_unit_test(each_request_is_a_sign_of_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
