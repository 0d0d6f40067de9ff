/* SPDX-License-Identifier: MIT */
/* Faults: which handler runs, and what the fault registers say. */
/* Sources: Arm DDI 0403 §B1.5.14, §B3.2.15-17 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run_guest.h"

#define TEST(name) static void name(void **state)

/* tests/board/guest/fault.c */
enum { CASE_BAD_LOAD, CASE_UDF, CASE_EVEN_JUMP, CASE_BKPT, CASE_CCM_FETCH, CASE_XN_FETCH, CASE_BAD_RETURN, CASE_LOCKUP, CASE_FPU_OFF,
       CASE_SVC_HIGH, CASE_BAD_STORE };
enum { OUT_CFSR = 16, OUT_HFSR, OUT_BFAR };
enum { HARDFAULT = 3, MEMMANAGE = 4, BUSFAULT = 5, USAGEFAULT = 6 };
#define ENABLE_ALL 0x70000U
#define FORCED 0x40000000U

TEST(each_fault_reaches_its_own_handler_with_its_own_flag)
{
    static const struct { uint32_t which, exception, cfsr; } rows[] = {
        { CASE_BAD_LOAD, BUSFAULT, 0x8200 },      /* PRECISERR, BFARVALID */
        { CASE_BAD_STORE, BUSFAULT, 0x8200 },
        { CASE_UDF, USAGEFAULT, 0x10000 },        /* UNDEFINSTR */
        { CASE_EVEN_JUMP, USAGEFAULT, 0x20000 },  /* INVSTATE */
        { CASE_CCM_FETCH, BUSFAULT, 0x100 },      /* IBUSERR */
        { CASE_XN_FETCH, MEMMANAGE, 0x1 },        /* IACCVIOL */
        { CASE_BAD_RETURN, USAGEFAULT, 0x40000 }, /* INVPC */
        { CASE_FPU_OFF, USAGEFAULT, 0x80000 },    /* NOCP */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guest g;

        assert_int_equal(guest_run(&g, "fault", ARGS(rows[i].which, ENABLE_ALL)), rows[i].exception);
        assert_int_equal(g.words[OUT_CFSR], rows[i].cfsr);
        assert_int_equal(g.words[OUT_HFSR], 0);
        guest_end(&g);
    }
}

TEST(a_fault_without_a_handler_of_its_own_escalates_to_hardfault)
{
    static const uint32_t cases[] = { CASE_BAD_LOAD, CASE_UDF, CASE_EVEN_JUMP, CASE_CCM_FETCH, CASE_FPU_OFF };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guest g;

        assert_int_equal(guest_run(&g, "fault", ARGS(cases[i], 0)), HARDFAULT);
        assert_int_equal(g.words[OUT_HFSR], FORCED);
        guest_end(&g);
    }
}

TEST(a_bus_fault_names_the_address)
{
    struct guest g;

    (void)state;
    (void)guest_run(&g, "fault", ARGS(CASE_BAD_LOAD, ENABLE_ALL));
    assert_int_equal(g.words[OUT_BFAR], 0x30000010);
    assert_non_null(strstr(chip_last_error(g.chip), "0x30000010"));
    guest_end(&g);
}

TEST(a_breakpoint_without_a_debugger_is_a_hardfault)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "fault", ARGS(CASE_BKPT, ENABLE_ALL)), HARDFAULT);
    assert_int_equal(g.words[OUT_HFSR], 0x80000000U);   /* DEBUGEVT */
    guest_end(&g);
}

TEST(svc_from_a_handler_of_the_same_priority_is_a_hardfault)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "fault", ARGS(CASE_SVC_HIGH, ENABLE_ALL)), HARDFAULT);
    assert_int_equal(g.words[OUT_HFSR], FORCED);
    guest_end(&g);
}

TEST(a_fault_in_the_hardfault_handler_locks_up_and_says_so)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "fault", &o, ARGS(CASE_LOCKUP, 0));
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(10)), CHIP_GUEST_FAULT);
    assert_non_null(strstr(chip_last_error(g.chip), "locked up"));
    guest_end(&g);
}

TEST(an_access_to_nothing_ends_the_run_unless_the_board_is_tolerant)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    o.tolerant = false;
    guest_start(&g, "fault", &o, ARGS(CASE_BAD_LOAD, ENABLE_ALL));
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(10)), CHIP_GUEST_FAULT);
    guest_end(&g);
}

TEST(a_blank_flash_locks_up_instead_of_running)
{
    struct chip_options o = guest_options();
    struct chip *c = chip_new(&o);

    (void)state;
    assert_int_equal(chip_run_for(c, VTIME_MS(10)), CHIP_GUEST_FAULT);
    chip_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_reaches_its_own_handler_with_its_own_flag),
        cmocka_unit_test(a_fault_without_a_handler_of_its_own_escalates_to_hardfault),
        cmocka_unit_test(a_bus_fault_names_the_address),
        cmocka_unit_test(a_breakpoint_without_a_debugger_is_a_hardfault),
        cmocka_unit_test(svc_from_a_handler_of_the_same_priority_is_a_hardfault),
        cmocka_unit_test(a_fault_in_the_hardfault_handler_locks_up_and_says_so),
        cmocka_unit_test(an_access_to_nothing_ends_the_run_unless_the_board_is_tolerant),
        cmocka_unit_test(a_blank_flash_locks_up_instead_of_running),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
