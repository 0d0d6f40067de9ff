/* SPDX-License-Identifier: MIT */
/* The whole set of ordinary peripherals over a fake chip: what the tests of periph/ start from. */
#include "tests/board/periph_fixture.h"

#include <stdlib.h>
#include <string.h>

#define PWR_CR 0x40007000U

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct rcc_options clocks = { .hse_hz = FIXTURE_HSE_HZ, .lse_hz = FIXTURE_LSE_HZ, .lsi_hz = FIXTURE_LSI_HZ };

    if (f == NULL)
        return -1;
    f->chip = fake_chip_new();
    f->periph = peripherals_new(f->chip, &clocks);
    fixture_reset(f, RESET_POWER);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    peripherals_free(f->periph);
    assert_true(sched_next(&f->chip->sched) == VTIME_NEVER);   /* nobody leaves an event behind */
    fake_chip_free(f->chip);
    free(f);
    return 0;
}

void fixture_reset(struct fixture *f, enum reset_cause why)
{
    fake_reset(f->chip, why);
    fake_open_gates(f->chip);
}

void fixture_set_dbp(struct fixture *f)
{
    fake_write32(f->chip, PWR_CR, fake_read32(f->chip, PWR_CR) | 1U << 8);
}

void assert_guest_error(struct fixture *f, const char *part, bool fatal)
{
    assert_int_equal(f->chip->guest_errors, 1);
    assert_int_equal(f->chip->fatal_errors, fatal ? 1 : 0);
    if (strstr(f->chip->error, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, f->chip->error);
    fake_forget_errors(f->chip);
}

void assert_no_errors(struct fixture *f)
{
    if (f->chip->guest_errors != 0)
        fail_msg("guest error: %s", f->chip->error);
    assert_int_equal(f->chip->unmodelled, 0);
    assert_int_equal(f->chip->gated, 0);
}

void assert_unmodelled(struct fixture *f, uint32_t off)
{
    assert_int_equal(f->chip->unmodelled, 1);
    assert_int_equal(f->chip->unmodelled_off, off);
    fake_forget_errors(f->chip);
}
