/* SPDX-License-Identifier: MIT */
/* Descriptors read strictly: each violation is told, and no damage is read beyond its end. */
/* Sources: USB 2.0 §9.6; CDC 1.2 §5.2.3 */
#include <stdio.h>
#include <string.h>

#include "board/usbhost/descriptor.h"
#include "tests/board/usb_fixture.h"

struct complaints { unsigned count; char text[4096]; };

static void complain(void *owner, const char *text)
{
    struct complaints *c = owner;

    c->count++;
    strncat(c->text, text, sizeof c->text - strlen(c->text) - 1);
}

static void each_violation_in_a_configuration_is_reported(void **state)
{
    static const struct { size_t at; uint8_t value; const char *text; } cases[] = {
        { 2, 66, "wTotalLength" }, { 4, 3, "missing" }, { 5, 0, "bConfigurationValue" }, { 7, 0x40, "bmAttributes" },
        { 8, 255, "bMaxPower" }, { 13, 2, "bNumEndpoints" }, { 18, 200, "does not fit" }, { 20, 1, "header" },
        { 34, 1, "union" }, { 35, 1, "bControlInterface" }, { 39, 0x81, "0x81 is there twice" }, { 41, 0, "wMaxPacketSize" },
        { 43, 0, "bInterval" }, { 46, 0, "missing" }, { 54, 4, "bNumEndpoints" }, { 57, 60, "wMaxPacketSize" },
        { 60, 6, "bLength" }, { 62, 0x01, "0x01 is there twice" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct complaints c = { .count = 0 };
        struct desc_report r = { .owner = &c, .line = complain };
        struct usb_config out;
        uint8_t d[67];

        memcpy(d, usb_config_desc, sizeof d);
        assert_true(desc_parse_config(d, sizeof d, &out, &r));
        assert_int_equal(c.count, 0);
        d[cases[i].at] = cases[i].value;
        desc_parse_config(d, sizeof d, &out, &r);
        if (strstr(c.text, cases[i].text) == NULL)
            fail_msg("byte %u = %u: \"%s\" says nothing of %s", (unsigned)cases[i].at, cases[i].value, c.text, cases[i].text);
    }
}

static void no_damaged_configuration_is_read_beyond_its_end(void **state)
{
    struct complaints c = { .count = 0 };
    struct desc_report r = { .owner = &c, .line = complain };
    struct usb_config out;

    (void)state;
    for (size_t at = 0; at < 67; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            uint8_t *d = test_malloc(67);

            memcpy(d, usb_config_desc, USB_CONFIG_DESC_BYTES);
            d[at] = (uint8_t)value;
            desc_parse_config(d, 67, &out, &r);
            test_free(d);
        }
    }
    assert_true(c.count > 0);
}

static void strings_become_utf8_and_bad_ones_are_reported(void **state)
{
    static const uint8_t good[] = { 10, 3, 'A', 0, 0xE9, 0x00, 0xAC, 0x20, 'z', 0 }, odd[] = { 5, 3, 'A', 0, 'b' };
    struct complaints c = { .count = 0 };
    struct desc_report r = { .owner = &c, .line = complain };
    char text[16], tight[6];

    (void)state;
    assert_true(desc_parse_string(good, sizeof good, text, sizeof text, &r));
    assert_string_equal(text, "A\xC3\xA9\xE2\x82\xACz");
    assert_true(desc_parse_string(good, sizeof good, tight, sizeof tight, &r));
    assert_true(strlen(tight) < sizeof tight);
    assert_int_equal(c.count, 0);
    assert_false(desc_parse_string(odd, sizeof odd, text, sizeof text, &r));
    assert_int_equal(c.count, 1);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violation_in_a_configuration_is_reported),
        cmocka_unit_test(no_damaged_configuration_is_read_beyond_its_end),
        cmocka_unit_test(strings_become_utf8_and_bad_ones_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
