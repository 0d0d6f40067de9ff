/* SPDX-License-Identifier: MIT */
/* The ART accelerator: which lines cost wait states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/art.h"

#define TEST(name) static void name(void **state)

static struct art art(unsigned latency)
{
    struct art a;

    art_reset(&a);
    a.latency = latency;
    return a;
}

TEST(a_line_costs_its_wait_states_and_the_same_line_nothing)
{
    struct art a = art(5);

    (void)state;
    assert_int_equal(art_fetch(&a, 100, 0), 5);
    assert_int_equal(art_fetch(&a, 100, 10), 0);
}

TEST(without_the_cache_a_loop_over_two_lines_waits_every_time)
{
    struct art a = art(5);

    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(art_fetch(&a, 100 + (uint32_t)(i & 1U) * 7, i * 20), 5);
}

TEST(the_instruction_cache_serves_sixty_four_lines)
{
    struct art a = art(5);

    (void)state;
    a.icen = true;
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(art_fetch(&a, i * 2, i * 20), 5);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(art_fetch(&a, i * 2, i * 20), 0);
}

TEST(the_line_used_longest_ago_is_the_one_that_goes)
{
    struct art a = art(5);

    (void)state;
    a.icen = true;
    for (uint32_t i = 0; i < 64; i++)
        (void)art_fetch(&a, i * 2, i * 20);
    assert_int_equal(art_fetch(&a, 0, 2000), 0);
    assert_int_equal(art_fetch(&a, 1000, 2020), 5);     /* takes the place of line 2 */
    assert_int_equal(art_fetch(&a, 0, 2040), 0);
    assert_int_equal(art_fetch(&a, 2, 2060), 5);
}

TEST(the_prefetch_hides_the_wait_behind_the_time_spent_in_a_line)
{
    struct art a = art(5);

    (void)state;
    a.prften = true;
    assert_int_equal(art_fetch(&a, 100, 0), 5);         /* entered at cycle 5 */
    assert_int_equal(art_fetch(&a, 101, 5 + 8), 0);     /* eight halfword instructions later */
    assert_int_equal(art_fetch(&a, 102, 13 + 3), 2);    /* three cycles later: two of five are left */
    assert_int_equal(art_fetch(&a, 200, 50), 5);        /* a jump is not foreseen */
}

TEST(data_lines_are_kept_only_while_the_data_cache_is_on)
{
    struct art a = art(3);
    unsigned slot;

    (void)state;
    assert_int_equal(art_load_miss(&a, 7), ART_D_LINES);
    a.dcen = true;
    slot = art_load_miss(&a, 7);
    assert_true(slot < ART_D_LINES);
    assert_int_equal(art_slot(&a.dcache, 7), slot);
    for (uint32_t i = 0; i < ART_D_LINES; i++)
        (void)art_load_miss(&a, 100 + i);
    assert_int_equal(art_slot(&a.dcache, 7), a.dcache.ways);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_costs_its_wait_states_and_the_same_line_nothing),
        cmocka_unit_test(without_the_cache_a_loop_over_two_lines_waits_every_time),
        cmocka_unit_test(the_instruction_cache_serves_sixty_four_lines),
        cmocka_unit_test(the_line_used_longest_ago_is_the_one_that_goes),
        cmocka_unit_test(the_prefetch_hides_the_wait_behind_the_time_spent_in_a_line),
        cmocka_unit_test(data_lines_are_kept_only_while_the_data_cache_is_on),
    };

    return cmocka_run_group_tests_name("art", tests, NULL, NULL);
}
