/* SPDX-License-Identifier: MIT */
/* The whole set of ordinary peripherals over a fake chip: what the tests of periph/ start from. */
#ifndef TESTS_BOARD_PERIPH_FIXTURE_H
#define TESTS_BOARD_PERIPH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/periph/peripherals.h"
#include "tests/board/fake_chip.h"

#define FIXTURE_HSE_HZ 8000000U
#define FIXTURE_LSE_HZ 32768U
#define FIXTURE_LSI_HZ 32000U

struct fixture {
    struct chip *chip;
    struct peripherals *periph;
};

/* cmocka's setup and teardown: power is on, every gate open, an 8 MHz and a watch crystal fitted. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A system reset as the chip does it, then the gates opened again. */
void fixture_reset(struct fixture *f, enum reset_cause why);
void fixture_set_dbp(struct fixture *f);        /* PWR_CR.DBP: the backup domain may be written */

/* Fails unless the last access gave exactly one guest error whose text holds `part`; forgets it. */
void assert_guest_error(struct fixture *f, const char *part, bool fatal);
void assert_no_errors(struct fixture *f);
void assert_unmodelled(struct fixture *f, uint32_t off);       /* exactly one report, at that offset; forgets it */

#define periph_test(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

#endif
