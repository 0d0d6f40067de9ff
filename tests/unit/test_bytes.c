/* SPDX-License-Identifier: MIT */
/* image/bytes.h: what the proofs (tests/proof/bytes.h) take for granted. */
#include "image/bytes.h"
#include "tests/unit/cm.h"

TEST(a_halfword_is_its_first_byte_and_256_times_its_second)
{
    UNUSED_STATE;
    for (unsigned low = 0; low <= UINT8_MAX; low++) {
        for (unsigned high = 0; high <= UINT8_MAX; high++) {
            const uint8_t bytes[] = { (uint8_t)low, (uint8_t)high };

            assert_int_equal(load_le16(bytes), low + 256U * high);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_halfword_is_its_first_byte_and_256_times_its_second) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
