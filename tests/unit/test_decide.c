/* SPDX-License-Identifier: MIT */
/* boot/decide.c: one test for each verdict, and which of two reasons wins. */
#include "tests/unit/cm.h"

#include "boot/decide.h"

/* A sealed, whole image that does not confirm itself. */
static struct boot_facts good(void)
{
    return (struct boot_facts){ .vectors_ok = true, .crc_ok = true,
                                .seal = { .kind = SEAL_PRESENT, .length = 1024, .life = LIFE_FRESH } };
}

static struct boot_facts on_trial(uint32_t life)
{
    struct boot_facts f = good();

    f.seal.flags = SEAL_FLAG_CONFIRMS;
    f.seal.life = life;
    return f;
}

static void check(struct boot_facts f, enum boot_reason reason, uint32_t life_bit)
{
    struct boot_verdict v = boot_decide(&f);

    assert_int_equal(v.reason, reason);
    assert_int_equal(v.life_bit, life_bit);
    assert_int_equal(boot_starts(v), reason == BOOT_START_SEALED || reason == BOOT_START_UNSEALED);
}

TEST(a_whole_sealed_image_starts)
{
    UNUSED_STATE;
    check(good(), BOOT_START_SEALED, 0);
}

TEST(a_raw_image_with_good_vectors_starts_unless_the_policy_wants_a_seal)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.seal = (struct seal_info){ .kind = SEAL_NONE };
    f.crc_ok = false;
    check(f, BOOT_START_UNSEALED, 0);
    f.require_seal = true;
    check(f, BOOT_STAY_UNSEALED, 0);
    f.vectors_ok = false;
    check(f, BOOT_STAY_VECTORS, 0);
}

TEST(a_request_wins_over_everything_and_spends_no_start)
{
    struct boot_facts f = on_trial(LIFE_FRESH);

    UNUSED_STATE;
    f.requested = true;
    f.pin = true;
    check(f, BOOT_STAY_REQUESTED, 0);
    f.requested = false;
    check(f, BOOT_STAY_PIN, 0);
}

TEST(without_the_request_the_same_image_would_start)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.requested = true;
    f.pin = true;
    assert_int_equal(boot_decide_unasked(&f).reason, BOOT_START_SEALED);
}

TEST(a_blank_first_word_is_empty)
{
    struct boot_facts f = { .seal = { .kind = SEAL_BLANK } };

    UNUSED_STATE;
    check(f, BOOT_STAY_EMPTY, 0);
}

TEST(impossible_vectors_stay)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.vectors_ok = false;
    check(f, BOOT_STAY_VECTORS, 0);
}

TEST(a_malformed_seal_or_a_wrong_crc_is_damage)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.crc_ok = false;
    check(f, BOOT_STAY_DAMAGED, 0);
    f.crc_ok = true;
    f.seal.kind = SEAL_MALFORMED;
    check(f, BOOT_STAY_DAMAGED, 0);
}

TEST(a_revoked_image_stays_even_if_it_was_confirmed)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.seal.life = ~(LIFE_REVOKED | LIFE_CONFIRMED);
    check(f, BOOT_STAY_REVOKED, 0);
    check(on_trial(~(LIFE_REVOKED | LIFE_CONFIRMED)), BOOT_STAY_REVOKED, 0);
}

TEST(an_image_on_trial_has_three_starts)
{
    UNUSED_STATE;
    check(on_trial(LIFE_FRESH), BOOT_START_SEALED, LIFE_START_1);
    check(on_trial(~LIFE_START_1), BOOT_START_SEALED, LIFE_START_2);
    check(on_trial(~(LIFE_START_1 | LIFE_START_2)), BOOT_START_SEALED, LIFE_START_3);
    check(on_trial(~(LIFE_START_1 | LIFE_START_2 | LIFE_START_3)), BOOT_STAY_CRASH_LOOP, 0);
}

TEST(a_confirmed_image_starts_for_ever)
{
    UNUSED_STATE;
    check(on_trial(~(LIFE_START_1 | LIFE_START_2 | LIFE_START_3 | LIFE_CONFIRMED)), BOOT_START_SEALED, 0);
    check(on_trial(~LIFE_CONFIRMED), BOOT_START_SEALED, 0);
}

TEST(an_image_that_never_promised_to_confirm_is_not_on_trial)
{
    struct boot_facts f = good();

    UNUSED_STATE;
    f.seal.life = ~(LIFE_START_1 | LIFE_START_2 | LIFE_START_3);
    check(f, BOOT_START_SEALED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_sealed_image_starts),
        cmocka_unit_test(a_raw_image_with_good_vectors_starts_unless_the_policy_wants_a_seal),
        cmocka_unit_test(a_request_wins_over_everything_and_spends_no_start),
        cmocka_unit_test(without_the_request_the_same_image_would_start),
        cmocka_unit_test(a_blank_first_word_is_empty),
        cmocka_unit_test(impossible_vectors_stay),
        cmocka_unit_test(a_malformed_seal_or_a_wrong_crc_is_damage),
        cmocka_unit_test(a_revoked_image_stays_even_if_it_was_confirmed),
        cmocka_unit_test(an_image_on_trial_has_three_starts),
        cmocka_unit_test(a_confirmed_image_starts_for_ever),
        cmocka_unit_test(an_image_that_never_promised_to_confirm_is_not_on_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
