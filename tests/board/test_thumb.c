/* SPDX-License-Identifier: MIT */
/* Instruction costs, with the encodings that an assembler gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/thumb.h"

#define TEST(name) static void name(void **state)
#define CODE(...) (const uint16_t[]){ __VA_ARGS__ }, (uint32_t)sizeof((const uint16_t[]){ __VA_ARGS__ })

static struct thumb_block scan(const uint16_t *code, uint32_t bytes)
{
    uint8_t raw[64];

    assert_true(bytes <= sizeof raw);
    for (uint32_t i = 0; i < bytes / 2; i++) {
        raw[2 * i] = (uint8_t)code[i];
        raw[2 * i + 1] = (uint8_t)(code[i] >> 8);
    }
    return thumb_scan(raw, bytes);
}

static uint32_t cost(const uint16_t *code, uint32_t bytes)
{
    return scan(code, bytes).cycles;
}

TEST(arithmetic_and_moves_take_one_cycle)
{
    (void)state;
    assert_int_equal(cost(CODE(0x3901)), 1);            /* subs r1, #1 */
    assert_int_equal(cost(CODE(0x4348)), 1);            /* muls r0, r1 */
    assert_int_equal(cost(CODE(0xF8DF, 0x0000)), 2);    /* ldr.w r0, [pc] */
    assert_int_equal(cost(CODE(0xF04F, 0x40C0)), 1);    /* mov.w */
    assert_int_equal(cost(CODE(0xFBA0, 0x0101)), 1);    /* umull */
}

TEST(a_load_takes_two_cycles_and_the_next_one_pipelines)
{
    (void)state;
    assert_int_equal(cost(CODE(0x6813)), 2);                    /* ldr r3, [r2] */
    assert_int_equal(cost(CODE(0x6813, 0x6854)), 3);            /* ldr, ldr */
    assert_int_equal(cost(CODE(0x6813, 0x18E4, 0x6854)), 5);    /* ldr, adds, ldr */
    assert_int_equal(cost(CODE(0x5C8B)), 2);                    /* ldrb r3, [r1, r2] */
    assert_int_equal(cost(CODE(0x9801)), 2);                    /* ldr r0, [sp, #4] */
    assert_int_equal(cost(CODE(0x8813)), 2);                    /* ldrh r3, [r2] */
}

TEST(a_store_takes_one_cycle)
{
    (void)state;
    assert_int_equal(cost(CODE(0x6013)), 1);            /* str r3, [r2] */
    assert_int_equal(cost(CODE(0x548B)), 1);            /* strb r3, [r1, r2] */
    assert_int_equal(cost(CODE(0x9001)), 1);            /* str r0, [sp, #4] */
    assert_int_equal(cost(CODE(0xF8C2, 0x3000)), 1);    /* str.w */
}

TEST(multiple_transfers_cost_one_more_than_their_registers)
{
    (void)state;
    assert_int_equal(cost(CODE(0xB5F0)), 6);            /* push {r4-r7, lr} */
    assert_int_equal(cost(CODE(0xC80F)), 5);            /* ldmia r0!, {r0-r3} */
    assert_int_equal(cost(CODE(0xE8B0, 0x00F0)), 5);    /* ldmia.w r0!, {r4-r7} */
    assert_int_equal(cost(CODE(0xE9D0, 0x2300)), 3);    /* ldrd */
}

TEST(division_and_special_registers_take_longer)
{
    (void)state;
    assert_int_equal(cost(CODE(0xFBB0, 0xF0F1)), 7);    /* udiv */
    assert_int_equal(cost(CODE(0xF3EF, 0x8310)), 2);    /* mrs r3, primask */
    assert_int_equal(cost(CODE(0xF3BF, 0x8F4F)), 2);    /* dsb */
}

TEST(floating_point_is_seen_and_priced)
{
    struct thumb_block b = scan(CODE(0xEE30, 0x0A20));  /* vadd.f32 s0, s0, s1 */

    (void)state;
    assert_true(b.has_fp);
    assert_int_equal(b.cycles, 1);
    assert_int_equal(cost(CODE(0xEE80, 0x0A20)), 14);   /* vdiv.f32 */
    assert_int_equal(cost(CODE(0xEEB1, 0x0AC0)), 14);   /* vsqrt.f32 */
    assert_int_equal(cost(CODE(0xEE00, 0x0A20)), 3);    /* vmla.f32 */
    assert_int_equal(cost(CODE(0xEDD0, 0x0A00)), 2);    /* vldr */
    assert_false(scan(CODE(0x6813, 0xF04F, 0x40C0)).has_fp);
    assert_false(scan(CODE(0xF04F, 0xEE30)).has_fp);    /* the second half of another instruction */
}

TEST(a_block_cut_off_in_mid_instruction_is_not_read_beyond)
{
    (void)state;
    assert_int_equal(cost(CODE(0x3901, 0xF04F)), 2);
    assert_int_equal(thumb_scan(NULL, 0).cycles, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_and_moves_take_one_cycle),
        cmocka_unit_test(a_load_takes_two_cycles_and_the_next_one_pipelines),
        cmocka_unit_test(a_store_takes_one_cycle),
        cmocka_unit_test(multiple_transfers_cost_one_more_than_their_registers),
        cmocka_unit_test(division_and_special_registers_take_longer),
        cmocka_unit_test(floating_point_is_seen_and_priced),
        cmocka_unit_test(a_block_cut_off_in_mid_instruction_is_not_read_beyond),
    };

    return cmocka_run_group_tests_name("thumb", tests, NULL, NULL);
}
