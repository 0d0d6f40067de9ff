/* SPDX-License-Identifier: MIT */
/* IWDG and WWDG: when they bite, and what keeps them from it. */
/* Sources: RM0090 §21, §22; the behaviour of PVU and RVU before the start as measured on silicon */
#include "tests/board/periph_fixture.h"

#define KR 0x40003000U
#define PR 0x40003004U
#define RLR 0x40003008U
#define SR 0x4000300CU
#define UNLOCK 0x5555U
#define RELOAD 0xAAAAU
#define START 0xCCCCU
#define RCC_CSR 0x40023874U
#define RCC_CFGR 0x40023808U
#define LSI_NS(n) ((uint64_t)(n) * 31250U)      /* a period of 32 kHz */

#define WWDG_CR 0x40002C00U
#define WWDG_CFR 0x40002C04U
#define WWDG_SR 0x40002C08U
#define WWDG_COUNT VTIME_US(256)                /* 4096 / 16 MHz */

static void the_iwdg_bites_after_512_ms_by_default(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, KR, START);
    fake_run(f->chip, VTIME_MS(512) - 1);
    assert_int_equal(f->chip->resets, 0);
    fake_run(f->chip, 1);
    assert_int_equal(f->chip->resets, 1);
    assert_int_equal(f->chip->reset_why, RESET_IWDG);
}

static void a_reload_starts_the_time_again(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, KR, START);
    for (int i = 0; i < 10; i++) {
        fake_run(f->chip, VTIME_MS(500));
        fake_write32(f->chip, KR, RELOAD);
    }
    assert_int_equal(f->chip->resets, 0);
    fake_run(f->chip, VTIME_MS(512));
    assert_int_equal(f->chip->resets, 1);
}

static void a_reload_before_the_start_starts_nothing(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, KR, RELOAD);
    fake_run(f->chip, VTIME_MS(60000));
    assert_int_equal(f->chip->resets, 0);
}

static void nothing_but_a_reset_stops_the_iwdg(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, KR, START);
    fake_write32(f->chip, KR, 0);
    fake_write32(f->chip, KR, UNLOCK);
    fake_run(f->chip, VTIME_MS(512));
    assert_int_equal(f->chip->resets, 1);
    fixture_reset(f, RESET_IWDG);
    fake_run(f->chip, VTIME_MS(60000));
    assert_int_equal(f->chip->resets, 1);
}

static void a_running_iwdg_forces_the_lsi_on(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, KR, START);
    fake_run(f->chip, VTIME_US(40));
    assert_int_equal(fake_read32(f->chip, RCC_CSR) & 3, 2);     /* LSIRDY without LSION: the witness */
    fake_write32(f->chip, RCC_CSR, 1);
    fake_write32(f->chip, RCC_CSR, 0);
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, RCC_CSR) & 3, 2);
}

static void configure(struct fixture *f, uint32_t pr, uint32_t rlr)
{
    fake_write32(f->chip, KR, UNLOCK);
    fake_write32(f->chip, PR, pr);
    fake_write32(f->chip, RLR, rlr);
}

static void prescaler_and_reload_give_the_manuals_timeouts(void **state)
{
    static const struct {
        uint32_t pr, rlr, ms;
    } cases[] = { { 0, 0xFFF, 512 },   { 3, 999, 1000 },    { 4, 0xFFF, 8192 },
                  { 6, 0xFFF, 32768 }, { 7, 0xFFF, 32768 }, { 2, 1, 1 } };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vtime start;

        fixture_reset(f, RESET_POWER);
        fake_forget_errors(f->chip);
        fake_write32(f->chip, KR, START);
        configure(f, cases[i].pr, cases[i].rlr);
        fake_run(f->chip, VTIME_NS(LSI_NS(6)));
        assert_int_equal(fake_read32(f->chip, SR), 0);
        fake_write32(f->chip, KR, RELOAD);
        start = f->chip->sched.now;
        fake_run_until(f->chip, start + VTIME_MS(cases[i].ms) - 1);
        assert_int_equal(f->chip->resets, 0);
        fake_run_until(f->chip, start + VTIME_MS(cases[i].ms));
        assert_int_equal(f->chip->resets, 1);
    }
}

static void pr_and_rlr_are_locked_without_the_key(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, PR, 6);
    assert_guest_error(f, "IWDG_PR: written while locked", false);
    fake_write32(f->chip, KR, UNLOCK);
    fake_write32(f->chip, KR, START);                   /* any other key locks again */
    fake_write32(f->chip, RLR, 100);
    assert_guest_error(f, "IWDG_RLR: written while locked", false);
    fake_write32(f->chip, KR, UNLOCK);
    fake_write32(f->chip, KR, RELOAD);
    fake_write32(f->chip, PR, 6);
    assert_guest_error(f, "IWDG_PR: written while locked", false);
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, PR), 0);
    assert_int_equal(fake_read32(f->chip, RLR), 0xFFF);
}

static void an_update_before_the_start_hangs_until_the_start(void **state)
{
    struct fixture *f = *state;

    configure(f, 4, 0x123);
    assert_int_equal(fake_read32(f->chip, SR), 3);
    fake_run(f->chip, VTIME_MS(355));
    assert_int_equal(fake_read32(f->chip, SR), 3);
    assert_int_equal(fake_read32(f->chip, PR), 0);
    fake_write32(f->chip, KR, UNLOCK);
    fake_write32(f->chip, PR, 1);
    assert_guest_error(f, "pending", false);
    fake_write32(f->chip, KR, START);
    fake_run(f->chip, VTIME_NS(LSI_NS(5)) - 1);
    assert_int_equal(fake_read32(f->chip, SR), 3);
    fake_run(f->chip, 1);
    assert_int_equal(fake_read32(f->chip, SR), 0);
    assert_int_equal(fake_read32(f->chip, PR), 4);
    assert_int_equal(fake_read32(f->chip, RLR), 0x123);
}

static void the_hardware_option_starts_it_like_the_key(void **state)
{
    struct fixture *f = *state;

    iwdg_start_by_option(f->periph->iwdg);
    fake_run(f->chip, VTIME_MS(512));
    assert_int_equal(f->chip->resets, 1);
}

static void a_slow_lsi_stretches_the_timeout(void **state)
{
    struct chip *c = fake_chip_new();
    struct pwr *pwr = pwr_new(c);
    struct rcc *rcc = rcc_new(c, pwr, &(struct rcc_options){ .lsi_hz = 17000 });
    struct iwdg *iwdg = iwdg_new(c, rcc);

    (void)state;
    fake_write32(c, KR, START);
    fake_run(c, VTIME_MS(963));                         /* 4 * 4096 / 17 kHz = 963.8 ms */
    assert_int_equal(c->resets, 0);
    fake_run(c, VTIME_MS(1));
    assert_int_equal(c->resets, 1);
    iwdg_free(iwdg);
    rcc_free(rcc);
    pwr_free(pwr);
    fake_chip_free(c);
}

static void the_wwdg_bites_when_it_leaves_0x40(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, WWDG_CR, 0xC5);
    fake_run(f->chip, 5 * WWDG_COUNT);
    assert_int_equal(fake_read32(f->chip, WWDG_CR), 0xC0);
    assert_int_equal(fake_read32(f->chip, WWDG_SR), 1);
    assert_int_equal(f->chip->resets, 0);
    fake_run(f->chip, WWDG_COUNT);
    assert_int_equal(f->chip->resets, 1);
    assert_int_equal(f->chip->reset_why, RESET_WWDG);
}

static void feeding_the_wwdg_outside_its_window_resets(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, WWDG_CFR, 0x60);
    fake_write32(f->chip, WWDG_CR, 0xFF);
    fake_run(f->chip, (0x7F - 0x60) * WWDG_COUNT);
    fake_write32(f->chip, WWDG_CR, 0xFF);               /* at W: inside */
    assert_int_equal(f->chip->resets, 0);
    fake_run(f->chip, (0x7F - 0x61) * WWDG_COUNT);
    fake_write32(f->chip, WWDG_CR, 0xFF);               /* above W: too early */
    assert_int_equal(f->chip->resets, 1);
}

static void clearing_t6_of_an_active_wwdg_resets_at_once(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, WWDG_CR, 0x3F);               /* not active: nothing */
    assert_int_equal(f->chip->resets, 0);
    fake_write32(f->chip, WWDG_CR, 0xFF);
    fake_write32(f->chip, WWDG_CR, 0x3F);
    assert_int_equal(f->chip->resets, 1);
}

static void the_early_wakeup_interrupt_comes_at_0x40(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, WWDG_CFR, 0x27F);
    fake_write32(f->chip, WWDG_CR, 0xC1);
    fake_run(f->chip, WWDG_COUNT - 1);
    assert_false(f->chip->irq_level[0]);
    fake_run(f->chip, 1);
    assert_true(f->chip->irq_level[0]);
    fake_write32(f->chip, WWDG_SR, 0);
    assert_false(f->chip->irq_level[0]);
    fake_write32(f->chip, WWDG_CFR, 0x7F);              /* EWI is cleared by a reset only */
    assert_int_equal(fake_read32(f->chip, WWDG_CFR), 0x27F);
}

static void the_wwdg_follows_its_prescaler_and_pclk1(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, WWDG_CFR, 0x1FF);             /* / 8 */
    fake_write32(f->chip, WWDG_CR, 0xFF);
    fake_run(f->chip, 8 * WWDG_COUNT);
    assert_int_equal(fake_read32(f->chip, WWDG_CR), 0xFE);
    fake_write32(f->chip, RCC_CFGR, 5U << 10);          /* PCLK1 / 4 */
    fake_run(f->chip, 32 * WWDG_COUNT);
    assert_int_equal(fake_read32(f->chip, WWDG_CR), 0xFD);
    fake_run(f->chip, 32 * WWDG_COUNT * (0x7D - 0x3F) - 1);
    assert_int_equal(f->chip->resets, 0);
    fake_run(f->chip, 1);
    assert_int_equal(f->chip->resets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(the_iwdg_bites_after_512_ms_by_default),
        periph_test(a_reload_starts_the_time_again),
        periph_test(a_reload_before_the_start_starts_nothing),
        periph_test(nothing_but_a_reset_stops_the_iwdg),
        periph_test(a_running_iwdg_forces_the_lsi_on),
        periph_test(prescaler_and_reload_give_the_manuals_timeouts),
        periph_test(pr_and_rlr_are_locked_without_the_key),
        periph_test(an_update_before_the_start_hangs_until_the_start),
        periph_test(the_hardware_option_starts_it_like_the_key),
        cmocka_unit_test(a_slow_lsi_stretches_the_timeout),
        periph_test(the_wwdg_bites_when_it_leaves_0x40),
        periph_test(feeding_the_wwdg_outside_its_window_resets),
        periph_test(clearing_t6_of_an_active_wwdg_resets_at_once),
        periph_test(the_early_wakeup_interrupt_comes_at_0x40),
        periph_test(the_wwdg_follows_its_prescaler_and_pclk1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
