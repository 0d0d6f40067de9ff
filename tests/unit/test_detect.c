/* SPDX-License-Identifier: MIT */
/* proto/detect.c: every byte that a port can begin with. */
#include "tests/unit/cm.h"

#include "proto/detect.h"

TEST(each_of_the_256_bytes_belongs_to_one_protocol_or_to_none)
{
    UNUSED_STATE;
    for (unsigned byte = 0; byte < 256; byte++) {
        enum detect want = byte == 0xA5 ? DETECT_NATIVE : byte == 0x7F ? DETECT_AN3155
                         : byte == 0x01 || byte == 0x02 ? DETECT_YMODEM : DETECT_NOTHING;

        assert_int_equal(detect((uint8_t)byte), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_of_the_256_bytes_belongs_to_one_protocol_or_to_none) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
