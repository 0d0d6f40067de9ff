/* SPDX-License-Identifier: MIT */
/* usb/usbd.c and usb/descriptors.c: the bytes that a PC sees, and what it gets for requests that nobody supports. */
#include "tests/unit/cm.h"

#include <string.h>

#include "tests/unit/fake_dcd.h"
#include "usb/usbd.h"

static const uint8_t uid[USB_UID_BYTES] = { 0x01, 0x00, 0x00, 0xF0, 0x44, 0x33, 0xBC, 0x9A, 0xEF, 0xBE, 0xAD, 0x2E };
static const struct usb_identity identity = {
    .vid = 0x0483, .pid = 0x5740, .manufacturer = "STMicroelectronics", .product = "STM32 Virtual ComPort", .uid = uid,
};

/* A function that records what it is told. */
struct probe { unsigned on, off, requests, events; struct usb_setup last; uint8_t data[USBD_CONTROL_MAX]; size_t n; };

static void probe_configure(void *self, const struct dcd *dcd, bool on)
{
    struct probe *p = self;

    assert_ptr_equal(dcd, &fake_dcd_table);
    if (on) p->on++;
    else p->off++;
}

static bool probe_request(void *self, const struct usb_setup *s, uint8_t **data, size_t *n)
{
    struct probe *p = self;

    p->requests++;
    p->last = *s;
    if ((s->request_type & USB_REQUEST_IN) != 0) {
        *n = s->request;                /* answers as many bytes as the request's number says */
        memset(*data, 0x5A, *n);
    } else {
        memcpy(p->data, *data, *n);
        p->n = *n;
    }
    return s->request != 0;
}

static uint8_t *probe_accepts(void *self, const struct usb_setup *s, uint8_t *data)
{
    (void)self;
    return s->request != 0x0E && s->length <= USBD_CONTROL_MAX ? data : NULL;
}

static void probe_event(void *self, const struct dcd_event *e)
{
    (void)e;
    ((struct probe *)self)->events++;
}

static const struct usbd_function probe_function = {
    .configuration = usb_config_descriptor, .device_class = 2, .endpoints = { 0x01, 0x81, 0x82 },
    .configure = probe_configure, .request = probe_request, .accepts = probe_accepts, .event = probe_event,
};

struct rig { struct usbd usbd; struct probe probe; uint8_t reply[FAKE_REPLY_MAX]; size_t n; };

static struct rig *rig_new(bool configured)
{
    static struct rig r;
    const uint8_t set_configuration[8] = { 0x00, 9, 1, 0, 0, 0, 0, 0 };

    memset(&r, 0, sizeof r);
    usbd_init(&r.usbd, &fake_dcd_table, &identity, &probe_function, &r.probe);
    fake_dcd_init(usbd_event, &r.usbd);
    usbd_connect(&r.usbd, true);
    fake_dcd_raise(DCD_RESET);
    if (configured) assert_true(fake_control(set_configuration, NULL, NULL, NULL));
    return &r;
}

#define SETUP(type, request, value, index, length) \
    (const uint8_t[8]){ (type), (request), (uint8_t)(value), (uint8_t)((value) >> 8), (uint8_t)(index), (uint8_t)((index) >> 8), \
                        (uint8_t)(length), (uint8_t)((length) >> 8) }

static bool get(struct rig *r, uint8_t type, uint8_t request, unsigned value, unsigned index, unsigned length)
{
    return fake_control(SETUP(type, request, value, index, length), NULL, r->reply, &r->n);
}

static bool set(uint8_t type, uint8_t request, unsigned value, unsigned index)
{
    return fake_control(SETUP(type, request, value, index, 0), NULL, NULL, NULL);
}

TEST(the_device_descriptor_is_the_cubemx_vcps)
{
    static const uint8_t want[] = { 0x12, 0x01, 0x00, 0x02, 0x02, 0x02, 0x00, 0x40, 0x83, 0x04, 0x40, 0x57, 0x00, 0x02, 1, 2, 3, 1 };
    struct rig *r = rig_new(false);

    UNUSED_STATE;
    assert_true(get(r, 0x80, 6, 0x0100, 0, 64));
    assert_int_equal(r->n, sizeof want);
    assert_memory_equal(r->reply, want, sizeof want);
}

TEST(the_configuration_descriptor_is_the_cubemx_vcps)
{
    static const uint8_t want[] = {
        0x09, 0x02, 0x43, 0x00, 0x02, 0x01, 0x00, 0xC0, 0x32, 0x09, 0x04, 0x00, 0x00, 0x01, 0x02, 0x02, 0x01, 0x00,
        0x05, 0x24, 0x00, 0x10, 0x01, 0x05, 0x24, 0x01, 0x00, 0x01, 0x04, 0x24, 0x02, 0x02, 0x05, 0x24, 0x06, 0x00, 0x01,
        0x07, 0x05, 0x82, 0x03, 0x08, 0x00, 0x10, 0x09, 0x04, 0x01, 0x00, 0x02, 0x0A, 0x00, 0x00, 0x00,
        0x07, 0x05, 0x01, 0x02, 0x40, 0x00, 0x00, 0x07, 0x05, 0x81, 0x02, 0x40, 0x00, 0x00,
    };
    struct rig *r = rig_new(false);

    UNUSED_STATE;
    assert_true(get(r, 0x80, 6, 0x0200, 0, 255));
    assert_int_equal(r->n, sizeof want);
    assert_memory_equal(r->reply, want, sizeof want);
    assert_true(get(r, 0x80, 6, 0x0200, 0, 9));         /* what every PC asks first */
    assert_int_equal(r->n, 9);
    assert_memory_equal(r->reply, want, 9);
}

static void string_is(struct rig *r, unsigned index, const char *text)
{
    size_t chars = strlen(text);

    assert_true(get(r, 0x80, 6, 0x0300U | index, 0x0409, 255));
    assert_int_equal(r->n, 2 + 2 * chars);
    assert_int_equal(r->reply[0], r->n);
    assert_int_equal(r->reply[1], 3);
    for (size_t i = 0; i < chars; i++) {
        assert_int_equal(r->reply[2 + 2 * i], text[i]);
        assert_int_equal(r->reply[3 + 2 * i], 0);
    }
}

TEST(the_strings_are_the_makers_and_the_language_is_us_english)
{
    struct rig *r = rig_new(false);

    UNUSED_STATE;
    string_is(r, 1, "STMicroelectronics");
    string_is(r, 2, "STM32 Virtual ComPort");
    assert_true(get(r, 0x80, 6, 0x0300, 0, 255));
    assert_int_equal(r->n, 4);
    assert_memory_equal(r->reply, ((const uint8_t[]){ 4, 3, 0x09, 0x04 }), 4);
}

TEST(the_serial_number_follows_sts_rule_and_the_sum_may_wrap)
{
    struct rig *r = rig_new(false);

    UNUSED_STATE;
    /* 0xF0000001 + 0x2EADBEEF = 0x1_1EADBEF0; then the upper half of 0x9ABC3344. */
    string_is(r, 3, "1EADBEF09ABC");
}

TEST(a_string_of_31_characters_fills_one_packet_and_ends_with_an_empty_one)
{
    struct rig *r = rig_new(false);
    struct usb_identity longest = identity;

    UNUSED_STATE;
    longest.product = "0123456789012345678901234567890 and what is cut";
    r->usbd.identity = &longest;
    string_is(r, 2, "0123456789012345678901234567890");
    assert_int_equal(fake_dcd.in[0].sends, 2);
    /* Asked for exactly 64 bytes, the PC expects nothing behind them. */
    fake_dcd.in[0].sends = 0;
    assert_true(get(r, 0x80, 6, 0x0302, 0x0409, 64));
    assert_int_equal(r->n, 64);
    assert_int_equal(fake_dcd.in[0].sends, 1);
}

TEST(what_a_full_speed_vcp_does_not_have_is_stalled_at_once)
{
    struct rig *r = rig_new(true);
    static const struct { uint8_t type, request; unsigned value, index, length; } refused[] = {
        { 0x80, 6, 0x0600, 0, 10 },     /* DEVICE_QUALIFIER */
        { 0x80, 6, 0x0700, 0, 9 },      /* OTHER_SPEED_CONFIGURATION */
        { 0x80, 6, 0x0F00, 0, 5 },      /* BOS */
        { 0x80, 6, 0x03EE, 0, 18 },     /* Microsoft's OS string */
        { 0x80, 6, 0x0304, 0x0409, 255 },
        { 0x80, 6, 0x0201, 0, 9 },      /* a second configuration */
        { 0x80, 10, 0, 0, 1 },          /* GET_INTERFACE of the device */
        { 0x81, 10, 0, 2, 1 },          /* ... and of an interface that is not there */
        { 0x82, 0, 0, 0x83, 2 },        /* GET_STATUS of an endpoint that is not there */
        { 0x80, 5, 1, 0, 8 },           /* SET_ADDRESS that wants an answer */
        { 0x83, 0, 0, 0, 2 },           /* recipient: other */
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(get(r, refused[i].type, refused[i].request, refused[i].value, refused[i].index, refused[i].length));
    }
    assert_false(set(0x00, 3, 1, 0));   /* SET_FEATURE remote wake-up */
    assert_false(set(0x00, 3, 2, 0));   /* ... test mode */
    assert_false(set(0x00, 6, 0x0100, 0));      /* GET_DESCRIPTOR in the wrong direction */
    assert_false(set(0x00, 9, 2, 0));   /* a configuration that is not there */
    assert_false(set(0x01, 11, 1, 0));  /* an alternate setting that is not there */
    assert_false(set(0x00, 5, 128, 0)); /* an address of eight bits */
    assert_true(get(r, 0x80, 6, 0x0100, 0, 18));        /* and the next request is served */
}

TEST(an_out_data_stage_that_nobody_wants_is_stalled_before_it_begins)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    fake_setup(SETUP(0x00, 7, 0x0100, 0, 18));          /* SET_DESCRIPTOR */
    assert_true(fake_dcd.out[0].stalled);
    fake_setup(SETUP(0x21, 0x0E, 0, 0, 4));             /* the function does not accept it */
    assert_true(fake_dcd.out[0].stalled);
    fake_setup(SETUP(0x21, 0x20, 0, 0, USBD_CONTROL_MAX + 1));
    assert_true(fake_dcd.out[0].stalled);
    assert_false(fake_dcd.out[0].armed);
    assert_int_equal(r->probe.requests, 0);
}

TEST(the_address_is_set_before_the_status_stage)
{
    UNUSED_STATE;
    rig_new(false);
    assert_true(set(0x00, 5, 77, 0));
    assert_int_equal(fake_dcd.address, 77);
    assert_true(fake_dcd.address_before_status);
}

TEST(choosing_a_configuration_again_closes_it_first)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    assert_int_equal(r->probe.on, 1);
    assert_true(get(r, 0x80, 8, 0, 0, 1));
    assert_int_equal(r->reply[0], 1);
    assert_true(set(0x00, 9, 1, 0));
    assert_int_equal(r->probe.on, 2);
    assert_int_equal(r->probe.off, 1);
    assert_true(set(0x00, 9, 0, 0));
    assert_int_equal(r->probe.off, 2);
    assert_true(get(r, 0x80, 8, 0, 0, 1));
    assert_int_equal(r->reply[0], 0);
}

TEST(a_bus_reset_leaves_the_configuration_once)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    fake_dcd_raise(DCD_RESET);
    fake_dcd_raise(DCD_RESET);
    assert_int_equal(r->probe.off, 1);
    assert_false(get(r, 0xA1, 4, 0, 0, 4));     /* class requests need a configuration */
}

TEST(status_tells_self_powered_and_halted_endpoints)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    assert_true(get(r, 0x80, 0, 0, 0, 2));
    assert_memory_equal(r->reply, ((const uint8_t[]){ 1, 0 }), 2);
    assert_true(set(0x02, 3, 0, 0x81));
    assert_true(fake_dcd.in[1].stalled);
    assert_true(get(r, 0x82, 0, 0, 0x81, 2));
    assert_memory_equal(r->reply, ((const uint8_t[]){ 1, 0 }), 2);
    assert_true(get(r, 0x82, 0, 0, 0x01, 2));
    assert_memory_equal(r->reply, ((const uint8_t[]){ 0, 0 }), 2);
    assert_true(set(0x02, 1, 0, 0x81));
    assert_false(fake_dcd.in[1].stalled);
    assert_true(get(r, 0x82, 0, 0, 0x81, 2));
    assert_memory_equal(r->reply, ((const uint8_t[]){ 0, 0 }), 2);
}

TEST(clearing_a_halt_that_is_not_there_still_resets_the_toggle)
{
    UNUSED_STATE;
    rig_new(true);
    assert_true(set(0x02, 1, 0, 0x01));
    assert_int_equal(fake_dcd.out[1].stalls_cleared, 1);
    assert_true(set(0x02, 1, 0, 0x00)); /* endpoint 0 has no halt, and says so kindly */
    assert_false(set(0x02, 3, 0, 0x03));
    assert_false(set(0x02, 3, 1, 0x81));        /* no other endpoint feature */
}

TEST(a_setup_in_the_middle_of_a_data_stage_begins_afresh)
{
    struct rig *r = rig_new(true);
    uint8_t packet[DCD_SEND_MAX];

    UNUSED_STATE;
    fake_setup(SETUP(0x80, 6, 0x0200, 0, 255));
    assert_int_equal(fake_in_transfer(0, packet), 64);  /* three bytes are still to come */
    assert_true(get(r, 0x80, 6, 0x0100, 0, 18));
    assert_int_equal(r->n, 18);
    fake_setup(SETUP(0x21, 0x20, 0, 0, 67));
    assert_true(fake_out_packet(0, packet, 64));
    assert_true(get(r, 0x80, 6, 0x0100, 0, 18));
    assert_int_equal(r->probe.requests, 0);
}

TEST(an_out_data_stage_reaches_the_function_whole)
{
    struct rig *r = rig_new(true);
    uint8_t data[USBD_CONTROL_MAX];

    UNUSED_STATE;
    for (size_t length = 1; length <= sizeof data; length++) {
        memset(data, (int)length, sizeof data);
        assert_true(fake_control(SETUP(0x21, 0x20, 0x1234, 0x0001, length), data, NULL, NULL));
        assert_int_equal(r->probe.n, length);
        assert_memory_equal(r->probe.data, data, length);
    }
    assert_int_equal(r->probe.last.value, 0x1234);
    assert_int_equal(r->probe.last.index, 0x0001);
}

TEST(an_out_data_stage_of_a_wrong_length_is_stalled)
{
    struct rig *r = rig_new(true);
    uint8_t data[DCD_PACKET_BYTES] = { 0 };

    UNUSED_STATE;
    fake_setup(SETUP(0x21, 0x20, 0, 0, 7));
    assert_true(fake_out_packet(0, data, 6));
    assert_true(fake_dcd.in[0].stalled);
    fake_setup(SETUP(0x21, 0x20, 0, 0, 7));
    assert_true(fake_out_packet(0, data, 8));
    assert_true(fake_dcd.in[0].stalled);
    memset(data, 0xFF, sizeof data);
    fake_setup(SETUP(0x21, 0x20, 0, 0, 67));
    assert_true(fake_out_packet(0, data, 64));
    assert_true(fake_out_packet(0, data, 64));          /* three bytes were expected */
    assert_true(fake_dcd.in[0].stalled);
    assert_int_equal(r->probe.on, 1);   /* what stands behind the buffer is untouched */
    assert_int_equal(r->probe.requests, 0);
}

TEST(an_answer_is_cut_to_what_was_asked_for)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    assert_true(get(r, 0xA1, 20, 0, 0, 7));
    assert_int_equal(r->n, 7);
    assert_true(get(r, 0xA1, 20, 0, 0, 20));
    assert_int_equal(r->n, 20);
    assert_true(get(r, 0xA1, 20, 0, 0, 0xFFFF));
    assert_int_equal(r->n, 20);
}

TEST(suspend_and_resume_are_told_apart)
{
    struct rig *r = rig_new(true);

    UNUSED_STATE;
    assert_false(usbd_suspended(&r->usbd));
    fake_dcd_raise(DCD_SUSPEND);
    assert_true(usbd_suspended(&r->usbd));
    fake_dcd_raise(DCD_RESUME);
    assert_false(usbd_suspended(&r->usbd));
    fake_dcd_raise(DCD_SUSPEND);
    fake_dcd_raise(DCD_RESET);          /* a PC may reset instead of resuming */
    assert_false(usbd_suspended(&r->usbd));
}

/* Whatever eight bytes come, the stack answers or stalls, and goes on. */
TEST(no_setup_leaves_the_stack_hanging)
{
    struct rig *r = rig_new(true);
    uint8_t data[DCD_PACKET_BYTES] = { 0 };
    uint32_t random = 1;

    UNUSED_STATE;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t s[8];

        for (size_t i = 0; i < sizeof s; i++) {
            random = random * 1664525U + 1013904223U;
            s[i] = (uint8_t)(random >> 24);
        }
        s[1] %= 16;
        if (round % 2 == 0) s[0] &= 0x83;
        if (round % 3 == 0) s[7] = 0;
        fake_setup(s);
        assert_true(fake_dcd.in[0].stalled || fake_dcd.in[0].sending || fake_dcd.out[0].armed);
        if (fake_dcd.out[0].armed) (void)fake_out_packet(0, data, random % 65);
    }
    fake_dcd_raise(DCD_RESET);
    assert_true(get(r, 0x80, 6, 0x0100, 0, 18));
}

/* A function with one interface, no endpoints, and data stages in a place of its own: as DFU. */
struct big { struct probe probe; uint8_t own[2048]; size_t n; };

static uint8_t *big_accepts(void *self, const struct usb_setup *s, uint8_t *data)
{
    struct big *b = self;

    (void)data;
    return s->length <= sizeof b->own ? b->own : NULL;
}

static bool big_request(void *self, const struct usb_setup *s, uint8_t **data, size_t *n)
{
    struct big *b = self;

    b->n = *n;
    if ((s->request_type & USB_REQUEST_IN) != 0) {
        *data = b->own;
        *n = sizeof b->own;
    }
    return true;
}

TEST(a_function_brings_its_own_descriptors_and_its_own_place_for_long_data_stages)
{
    static const uint8_t configuration[18] = { 9, 2, 18, 0, 1, 1, 0, 0xC0, 0x32, 9, 4, 0, 0, 0, 0xFE, 1, 2, 4 };
    static const struct usbd_function function = {
        .configuration = configuration, .configure = probe_configure, .request = big_request, .accepts = big_accepts,
        .event = probe_event,
    };
    static struct big b;
    struct usb_identity named = identity;
    uint8_t data[sizeof b.own], reply[FAKE_REPLY_MAX];
    struct usbd u;
    size_t n;

    UNUSED_STATE;
    named.function = "@Internal Flash  /0x08010000/01*064Kg,03*128Kg";
    usbd_init(&u, &fake_dcd_table, &named, &function, &b);
    fake_dcd_init(usbd_event, &u);
    fake_dcd_raise(DCD_RESET);
    assert_true(fake_control(SETUP(0x80, 6, 0x0100, 0, 18), NULL, reply, &n));
    assert_memory_equal(reply + 4, ((const uint8_t[]){ 0, 0, 0 }), 3);
    assert_true(fake_control(SETUP(0x80, 6, 0x0200, 0, 255), NULL, reply, &n));
    assert_int_equal(n, sizeof configuration);
    assert_true(fake_control(SETUP(0x80, 6, 0x0304, 0x0409, 255), NULL, reply, &n));
    assert_int_equal(n, 2 + 2 * strlen(named.function));
    assert_true(set(0x00, 9, 1, 0));
    assert_true(set(0x01, 11, 0, 0));
    assert_false(set(0x01, 11, 0, 1));  /* there is one interface, */
    assert_false(set(0x02, 1, 0, 0x81));        /* and no endpoint to be halted */
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7U + i / 256U);
    assert_true(fake_control(SETUP(0x21, 1, 2, 0, sizeof data), data, NULL, NULL));
    assert_int_equal(b.n, sizeof data);
    assert_memory_equal(b.own, data, sizeof data);
    assert_false(fake_control(SETUP(0x21, 1, 2, 0, sizeof data + 1), data, NULL, NULL));
    assert_true(fake_control(SETUP(0xA1, 2, 2, 0, sizeof data), NULL, reply, &n));
    assert_int_equal(n, sizeof data);
    assert_memory_equal(reply, data, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_descriptor_is_the_cubemx_vcps),
        cmocka_unit_test(the_configuration_descriptor_is_the_cubemx_vcps),
        cmocka_unit_test(the_strings_are_the_makers_and_the_language_is_us_english),
        cmocka_unit_test(the_serial_number_follows_sts_rule_and_the_sum_may_wrap),
        cmocka_unit_test(a_string_of_31_characters_fills_one_packet_and_ends_with_an_empty_one),
        cmocka_unit_test(what_a_full_speed_vcp_does_not_have_is_stalled_at_once),
        cmocka_unit_test(an_out_data_stage_that_nobody_wants_is_stalled_before_it_begins),
        cmocka_unit_test(the_address_is_set_before_the_status_stage),
        cmocka_unit_test(choosing_a_configuration_again_closes_it_first),
        cmocka_unit_test(a_bus_reset_leaves_the_configuration_once),
        cmocka_unit_test(status_tells_self_powered_and_halted_endpoints),
        cmocka_unit_test(clearing_a_halt_that_is_not_there_still_resets_the_toggle),
        cmocka_unit_test(a_setup_in_the_middle_of_a_data_stage_begins_afresh),
        cmocka_unit_test(an_out_data_stage_reaches_the_function_whole),
        cmocka_unit_test(a_function_brings_its_own_descriptors_and_its_own_place_for_long_data_stages),
        cmocka_unit_test(an_out_data_stage_of_a_wrong_length_is_stalled),
        cmocka_unit_test(an_answer_is_cut_to_what_was_asked_for),
        cmocka_unit_test(suspend_and_resume_are_told_apart),
        cmocka_unit_test(no_setup_leaves_the_stack_hanging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
