/* SPDX-License-Identifier: MIT */
/* RCC and PWR: ready delays, the PLL's rules, clock limits, gates, peripheral resets, reset flags, backup domain. */
/* Sources: RM0090 §7, §5.4; DS8626 §5.3.8-5.3.10 */
#include "tests/board/periph_fixture.h"

#define RCC_CR 0x40023800U
#define HSION (1U << 0)
#define HSIRDY (1U << 1)
#define HSEON (1U << 16)
#define HSERDY (1U << 17)
#define HSEBYP (1U << 18)
#define CSSON (1U << 19)
#define PLLON (1U << 24)
#define PLLRDY (1U << 25)
#define PLLI2SON (1U << 26)
#define PLLI2SRDY (1U << 27)
#define RCC_PLLCFGR 0x40023804U
#define RCC_CFGR 0x40023808U
#define RCC_CIR 0x4002380CU
#define RCC_AHB1RSTR 0x40023810U
#define RCC_AHB1ENR 0x40023830U
#define RCC_APB1ENR 0x40023840U
#define RCC_BDCR 0x40023870U
#define RCC_CSR 0x40023874U
#define RMVF (1U << 24)
#define RCC_PLLI2SCFGR 0x40023884U
#define PWR_CR 0x40007000U
#define PWR_CSR 0x40007004U

#define PLL(m, n, p_code, q, src) \
    ((uint32_t)(m) | (uint32_t)(n) << 6 | (uint32_t)(p_code) << 16 | (uint32_t)(src) << 22 | (uint32_t)(q) << 24)
#define PLLCFGR_KEPT 0x20000000U        /* a reserved bit that reads 1 */
#define PLL_168 PLL(8, 336, 0, 7, 1)    /* 8 MHz / 8 * 336 / 2, 48 MHz on Q */
#define CFGR_168 (5U << 10 | 4U << 13)  /* PCLK1 42 MHz, PCLK2 84 MHz */

static void set(struct fixture *f, uint32_t address, uint32_t bits)
{
    fake_write32(f->chip, address, fake_read32(f->chip, address) | bits);
}

static void clear(struct fixture *f, uint32_t address, uint32_t bits)
{
    fake_write32(f->chip, address, fake_read32(f->chip, address) & ~bits);
}

static bool is_set(struct fixture *f, uint32_t address, uint32_t bits)
{
    return (fake_read32(f->chip, address) & bits) == bits;
}

static void start_hse(struct fixture *f)
{
    set(f, RCC_CR, HSEON);
    fake_run(f->chip, VTIME_MS(2));
    assert_true(is_set(f, RCC_CR, HSERDY));
}

static void start_pll(struct fixture *f, uint32_t pllcfgr)
{
    fake_write32(f->chip, RCC_PLLCFGR, pllcfgr);
    set(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(300));
    assert_true(is_set(f, RCC_CR, PLLRDY));
}

static void switch_to(struct fixture *f, uint32_t cfgr, uint32_t sw)
{
    fake_write32(f->chip, RCC_CFGR, cfgr | sw);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(fake_read32(f->chip, RCC_CFGR) >> 2 & 3, sw);
}

static void run_at_168(struct fixture *f)
{
    start_hse(f);
    start_pll(f, PLL_168);
    switch_to(f, CFGR_168, 2);
}

static void the_hse_is_ready_after_two_milliseconds(void **state)
{
    struct fixture *f = *state;

    set(f, RCC_CR, HSEON);
    fake_run(f->chip, VTIME_US(1999));
    assert_false(is_set(f, RCC_CR, HSERDY));
    fake_run(f->chip, VTIME_US(1));
    assert_true(is_set(f, RCC_CR, HSERDY));
    clear(f, RCC_CR, HSEON);
    assert_true(is_set(f, RCC_CR, HSERDY));            /* for six more HSE clocks: 750 ns */
    fake_run(f->chip, VTIME_NS(749));
    assert_true(is_set(f, RCC_CR, HSERDY));
    fake_run(f->chip, VTIME_NS(1));
    assert_false(is_set(f, RCC_CR, HSERDY));
}

static void without_a_crystal_the_hse_is_never_ready(void **state)
{
    struct chip *c = fake_chip_new();
    struct pwr *pwr = pwr_new(c);
    struct rcc *rcc = rcc_new(c, pwr, &(struct rcc_options){ .hse_hz = 0 });

    (void)state;
    fake_write32(c, RCC_CR, HSION | HSEON);
    fake_run(c, VTIME_MS(60000));
    assert_int_equal(fake_read32(c, RCC_CR) & HSERDY, 0);
    fake_write32(c, RCC_PLLCFGR, PLL_168);
    fake_write32(c, RCC_CR, HSION | HSEON | PLLON);
    fake_run(c, VTIME_MS(60000));
    assert_int_equal(fake_read32(c, RCC_CR) & PLLRDY, 0);
    rcc_free(rcc);
    pwr_free(pwr);
    fake_chip_free(c);
}

static void the_pll_locks_later_the_faster_its_vco_runs(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_PLLCFGR, PLL(16, 100, 0, 4, 0));          /* VCO 100 MHz from the HSI */
    set(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(199));
    assert_false(is_set(f, RCC_CR, PLLRDY));
    fake_run(f->chip, VTIME_US(1));
    assert_true(is_set(f, RCC_CR, PLLRDY));
    clear(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(1));
    fake_write32(f->chip, RCC_PLLCFGR, PLL(16, 432, 3, 9, 0));          /* VCO 432 MHz */
    set(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(299));
    assert_false(is_set(f, RCC_CR, PLLRDY));
    fake_run(f->chip, VTIME_US(1));
    assert_true(is_set(f, RCC_CR, PLLRDY));
    assert_no_errors(f);
}

static void the_usual_recipe_gives_168_and_48_mhz_from_the_crystal(void **state)
{
    struct fixture *f = *state;
    const struct chip_clocks *clk = chip_clocks(f->chip);

    run_at_168(f);
    assert_int_equal(clk->sysclk_hz, 168000000);
    assert_int_equal(clk->hclk_hz, 168000000);
    assert_int_equal(clk->pclk1_hz, 42000000);
    assert_int_equal(clk->pclk2_hz, 84000000);
    assert_int_equal(clk->pll48_hz, 48000000);
    assert_true(clk->pll48_from_hse);
    assert_no_errors(f);
}

static void a_system_reset_goes_back_to_the_hsi_at_once(void **state)
{
    struct fixture *f = *state;

    run_at_168(f);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(chip_clocks(f->chip)->hclk_hz, 16000000);
    assert_int_equal(chip_clocks(f->chip)->pll48_hz, 0);
    assert_int_equal(fake_read32(f->chip, RCC_CR), 0x83);
    assert_int_equal(fake_read32(f->chip, RCC_CFGR), 0);
}

static void every_prescaler_code_divides_as_the_manual_says(void **state)
{
    static const unsigned ahb[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 64, 128, 256, 512 };
    static const unsigned apb[8] = { 1, 1, 1, 1, 2, 4, 8, 16 };
    struct fixture *f = *state;
    const struct chip_clocks *clk = chip_clocks(f->chip);

    for (uint32_t i = 0; i < 16; i++) {
        fake_write32(f->chip, RCC_CFGR, i << 4);
        assert_int_equal(clk->hclk_hz, 16000000 / ahb[i]);
    }
    for (uint32_t i = 0; i < 8; i++) {
        fake_write32(f->chip, RCC_CFGR, i << 10 | (7 - i) << 13);
        assert_int_equal(clk->pclk1_hz, 16000000 / apb[i]);
        assert_int_equal(clk->pclk2_hz, 16000000 / apb[7 - i]);
    }
    assert_no_errors(f);
}

static void sws_follows_sw_only_when_the_source_is_ready(void **state)
{
    struct fixture *f = *state;

    set(f, RCC_CR, HSEON);
    fake_write32(f->chip, RCC_CFGR, 1);
    fake_run(f->chip, VTIME_US(1999));
    assert_int_equal(fake_read32(f->chip, RCC_CFGR), 1);
    assert_int_equal(chip_clocks(f->chip)->sysclk_hz, 16000000);
    fake_run(f->chip, VTIME_US(2));
    assert_int_equal(fake_read32(f->chip, RCC_CFGR), 5);
    assert_int_equal(chip_clocks(f->chip)->sysclk_hz, 8000000);
    assert_no_errors(f);
}

static void selecting_a_clock_that_is_off_is_reported_and_does_not_switch(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_CFGR, 1);
    assert_guest_error(f, "is off", false);
    fake_run(f->chip, VTIME_MS(100));
    assert_int_equal(fake_read32(f->chip, RCC_CFGR), 1);
    fake_write32(f->chip, RCC_CFGR, 3);
    assert_guest_error(f, "SW = 3", true);
}

static void the_clock_in_use_cannot_be_switched_off(void **state)
{
    struct fixture *f = *state;

    clear(f, RCC_CR, HSION);
    assert_guest_error(f, "runs on", false);
    assert_true(is_set(f, RCC_CR, HSION | HSIRDY));
    run_at_168(f);
    clear(f, RCC_CR, PLLON);
    assert_guest_error(f, "runs on", false);
    clear(f, RCC_CR, HSEON);                            /* indirectly, through the PLL */
    assert_guest_error(f, "runs on", false);
    fake_run(f->chip, VTIME_MS(1));
    assert_true(is_set(f, RCC_CR, PLLRDY | HSERDY));
    clear(f, RCC_CR, HSION);                            /* not in use any more */
    fake_run(f->chip, VTIME_MS(1));
    assert_false(is_set(f, RCC_CR, HSIRDY));
    assert_no_errors(f);
    set(f, RCC_CR, HSION);
    fake_run(f->chip, VTIME_US(4));
    switch_to(f, CFGR_168, 0);
    clear(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(1));
    clear(f, RCC_CR, HSEON);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(fake_read32(f->chip, RCC_CR), 0x83);
    assert_no_errors(f);
}

static void a_clock_that_is_being_switched_to_cannot_be_switched_off(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    fake_write32(f->chip, RCC_CFGR, 1);
    clear(f, RCC_CR, HSEON);                            /* SWS still says HSI */
    assert_guest_error(f, "runs on", false);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(fake_read32(f->chip, RCC_CFGR), 5);
}

static void the_pll_is_lost_with_its_source_and_locks_again_with_it(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    start_pll(f, PLL_168);
    clear(f, RCC_CR, HSEON);
    fake_run(f->chip, VTIME_US(1));
    assert_false(is_set(f, RCC_CR, PLLRDY));
    assert_int_equal(chip_clocks(f->chip)->pll48_hz, 0);
    set(f, RCC_CR, HSEON);
    fake_run(f->chip, VTIME_US(2000));
    assert_false(is_set(f, RCC_CR, PLLRDY));
    fake_run(f->chip, VTIME_US(300));
    assert_true(is_set(f, RCC_CR, PLLRDY));
}

static void pllcfgr_is_frozen_while_the_pll_is_on(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    start_pll(f, PLL_168);
    fake_write32(f->chip, RCC_PLLCFGR, PLL_168);        /* the same again harms nobody */
    assert_no_errors(f);
    fake_write32(f->chip, RCC_PLLCFGR, PLL(4, 336, 0, 7, 1));
    assert_guest_error(f, "PLLCFGR", false);
    assert_int_equal(fake_read32(f->chip, RCC_PLLCFGR), PLL_168 | PLLCFGR_KEPT);
    clear(f, RCC_CR, PLLON);
    fake_write32(f->chip, RCC_PLLCFGR, PLL(4, 336, 0, 7, 1));           /* PLLRDY has not fallen yet */
    assert_guest_error(f, "PLLCFGR", false);
    fake_run(f->chip, VTIME_US(1));
    fake_write32(f->chip, RCC_PLLCFGR, PLL(4, 168, 0, 7, 1));
    assert_int_equal(fake_read32(f->chip, RCC_PLLCFGR), PLL(4, 168, 0, 7, 1) | PLLCFGR_KEPT);
    assert_no_errors(f);
}

static void a_wrong_pll_configuration_is_a_guest_error(void **state)
{
    static const struct {
        uint32_t pllcfgr;
        const char *what;
    } wrong[] = {
        { PLL(1, 100, 0, 7, 0), "PLLM" },               { PLL(16, 49, 0, 7, 0), "PLLN" },
        { PLL(16, 433, 0, 9, 0), "PLLN" },              { PLL(16, 336, 0, 1, 0), "PLLQ" },
        { PLL(17, 336, 0, 7, 0), "VCO input" },         { PLL(7, 180, 0, 9, 0), "VCO input" },
        { PLL(16, 99, 0, 2, 0), "VCO output" },         { PLL(8, 217, 0, 10, 0), "VCO output" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fixture_reset(f, RESET_SOFTWARE);
        fake_write32(f->chip, RCC_PLLCFGR, wrong[i].pllcfgr);
        set(f, RCC_CR, PLLON);
        assert_guest_error(f, wrong[i].what, true);
    }
}

static void the_edges_of_the_pll_ranges_are_allowed(void **state)
{
    static const uint32_t good[] = { PLL(16, 100, 0, 2, 0), PLL(8, 50, 0, 15, 0), PLL(8, 216, 3, 9, 0), PLL(16, 432, 3, 9, 0) };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fixture_reset(f, RESET_SOFTWARE);
        start_pll(f, good[i]);
        assert_no_errors(f);
    }
}

static void a_pll_whose_source_is_off_is_reported(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_PLLCFGR, PLL_168);
    set(f, RCC_CR, PLLON);
    assert_guest_error(f, "source is off", false);
    fake_run(f->chip, VTIME_MS(10));
    assert_false(is_set(f, RCC_CR, PLLRDY));
}

static void too_fast_a_bus_is_a_fatal_guest_error(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    start_pll(f, PLL_168);
    fake_write32(f->chip, RCC_CFGR, 2 | 5U << 10);      /* PCLK2 at 168 MHz */
    fake_run(f->chip, VTIME_US(1));
    assert_guest_error(f, "PCLK2 is 168000000", true);
    fake_write32(f->chip, RCC_CFGR, 2 | 4U << 10 | 4U << 13);
    assert_guest_error(f, "PCLK1 is 84000000", true);
}

static void more_than_168_mhz_is_a_fatal_guest_error(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    start_pll(f, PLL(8, 338, 0, 8, 1));                 /* 169 MHz, but both PCLKs within their own limits */
    fake_write32(f->chip, RCC_CFGR, 2 | 6U << 10 | 5U << 13);
    fake_run(f->chip, VTIME_US(1));
    assert_guest_error(f, "HCLK is 169000000", true);
}

static unsigned latency_of(void *owner)
{
    return *(unsigned *)owner;
}

static void too_few_wait_states_for_hclk_are_a_fatal_guest_error(void **state)
{
    struct fixture *f = *state;
    unsigned latency = 5;

    rcc_set_latency_source(f->periph->rcc, latency_of, &latency);
    run_at_168(f);
    assert_no_errors(f);
    latency = 4;
    rcc_check_limits(f->periph->rcc);
    assert_guest_error(f, "needs 5 flash wait states, FLASH_ACR.LATENCY is 4", true);
    latency = 0;
    switch_to(f, CFGR_168, 0);
    assert_no_errors(f);
    fake_write32(f->chip, RCC_CFGR, 8U << 4 | CFGR_168 | 2);            /* 84 MHz: two */
    fake_run(f->chip, VTIME_US(1));
    assert_guest_error(f, "needs 2 flash wait states", true);
}

static void thirty_mhz_to_a_wait_state_is_an_inclusive_limit(void **state)
{
    struct fixture *f = *state;
    unsigned latency = 1;

    rcc_set_latency_source(f->periph->rcc, latency_of, &latency);
    start_hse(f);
    start_pll(f, PLL(8, 240, 1, 5, 1));                 /* 60 MHz */
    switch_to(f, 4U << 10, 2);
    assert_no_errors(f);
    latency = 0;
    rcc_check_limits(f->periph->rcc);
    assert_guest_error(f, "needs 1 flash wait states", true);
}

static void scale_2_allows_144_mhz_and_no_more(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    start_pll(f, PLL(8, 288, 0, 6, 1));                 /* 144 MHz */
    clear(f, PWR_CR, 1U << 14);
    switch_to(f, CFGR_168, 2);
    assert_no_errors(f);
    set(f, PWR_CR, 1U << 14);
    switch_to(f, CFGR_168, 0);
    clear(f, RCC_CR, PLLON);
    fake_run(f->chip, VTIME_US(1));
    start_pll(f, PLL_168);
    switch_to(f, CFGR_168, 2);
    assert_no_errors(f);
    clear(f, PWR_CR, 1U << 14);
    assert_guest_error(f, "VOS = 0", true);
}

static void vosrdy_falls_while_the_voltage_scale_changes(void **state)
{
    struct fixture *f = *state;

    clear(f, PWR_CR, 1U << 14);
    assert_false(is_set(f, PWR_CSR, 1U << 14));
    fake_run(f->chip, VTIME_US(40));
    assert_true(is_set(f, PWR_CSR, 1U << 14));
}

static void hsebyp_can_change_only_while_the_hse_is_off(void **state)
{
    struct fixture *f = *state;

    set(f, RCC_CR, HSEBYP);
    assert_true(is_set(f, RCC_CR, HSEBYP));
    set(f, RCC_CR, HSEON);
    clear(f, RCC_CR, HSEBYP);
    assert_true(is_set(f, RCC_CR, HSEBYP));
}

static void the_clock_security_system_is_reported_as_not_modelled(void **state)
{
    struct fixture *f = *state;

    set(f, RCC_CR, CSSON);
    assert_unmodelled(f, 0);
}

static void plli2s_locks_and_freezes_its_own_settings_and_the_shared_ones(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    fake_write32(f->chip, RCC_PLLCFGR, PLL_168);
    fake_write32(f->chip, RCC_PLLI2SCFGR, 192U << 6 | 2U << 28);
    set(f, RCC_CR, PLLI2SON);
    fake_run(f->chip, VTIME_US(300));
    assert_true(is_set(f, RCC_CR, PLLI2SRDY));
    fake_write32(f->chip, RCC_PLLI2SCFGR, 100U << 6 | 2U << 28);
    assert_guest_error(f, "PLLI2SCFGR", false);
    fake_write32(f->chip, RCC_PLLCFGR, PLL(4, 168, 0, 7, 0));
    assert_guest_error(f, "PLLCFGR", false);
    /* M and SRC stay, the rest is the PLL's own. */
    assert_int_equal(fake_read32(f->chip, RCC_PLLCFGR), PLL(8, 168, 0, 7, 1) | PLLCFGR_KEPT);
}

static void a_ready_interrupt_comes_only_if_it_is_enabled_before(void **state)
{
    struct fixture *f = *state;

    start_hse(f);
    assert_int_equal(fake_read32(f->chip, RCC_CIR), 0);
    assert_false(f->chip->irq_level[5]);
    fake_write32(f->chip, RCC_CIR, 1U << 12);
    start_pll(f, PLL_168);
    assert_int_equal(fake_read32(f->chip, RCC_CIR), 1U << 12 | 1U << 4);
    assert_true(f->chip->irq_level[5]);
    fake_write32(f->chip, RCC_CIR, 1U << 12 | 1U << 20);
    assert_int_equal(fake_read32(f->chip, RCC_CIR), 1U << 12);
    assert_false(f->chip->irq_level[5]);
}

static void enable_registers_open_gates_and_bytes_reach_their_lane(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_AHB1ENR, 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, RCC_AHB1ENR), 0x7E7411FF);    /* reserved bits stay 0 */
    assert_int_equal(f->chip->gates[0x30 / 4], 0x7E7411FF);
    fake_write(f->chip, RCC_APB1ENR + 3, 0x10, 1);
    assert_int_equal(fake_read32(f->chip, RCC_APB1ENR), 0x10000000);
    assert_true(chip_gate(f->chip, 0x40, 28));
    fake_write(f->chip, RCC_APB1ENR + 2, 0x1006, 2);
    assert_int_equal(fake_read32(f->chip, RCC_APB1ENR), 0x10060000);
    assert_int_equal(fake_read(f->chip, RCC_APB1ENR + 2, 1), 0x06);
}

static void a_reset_bit_resets_its_block_when_set_and_again_when_cleared(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, 0x40020414, 0x1234);
    fake_write32(f->chip, 0x40020014, 0x1234);
    fake_write32(f->chip, RCC_AHB1RSTR, 1U << 1);
    assert_int_equal(fake_read32(f->chip, 0x40020414), 0);
    assert_int_equal(fake_read32(f->chip, 0x40020014), 0x1234);         /* port A is another bit */
    fake_write32(f->chip, 0x40020414, 0x5678);
    fake_write32(f->chip, RCC_AHB1RSTR, 0);
    assert_int_equal(fake_read32(f->chip, 0x40020414), 0);
    fake_write32(f->chip, 0x40020414, 0x5678);
    assert_int_equal(fake_read32(f->chip, 0x40020414), 0x5678);
}

static void with_the_erratum_a_gate_opens_late_unless_the_register_is_read_back(void **state)
{
    struct chip *c = fake_chip_new();
    struct pwr *pwr = pwr_new(c);
    struct rcc *rcc = rcc_new(c, pwr, &(struct rcc_options){ .enr_latency = true });

    (void)state;
    fake_write32(c, RCC_APB1ENR, 1U << 28);
    fake_write32(c, PWR_CR, 1U << 8);                   /* too early: lost */
    assert_int_equal(c->gated, 1);
    fake_run(c, VTIME_NS(125));                         /* two clocks of 16 MHz */
    fake_write32(c, PWR_CR, 1U << 8);
    assert_int_equal(c->gated, 1);
    assert_int_equal(fake_read32(c, PWR_CR), 1U << 8);
    fake_write32(c, RCC_APB1ENR, 0);
    assert_false(chip_gate(c, 0x40, 28));               /* closing is at once */
    fake_write32(c, RCC_APB1ENR, 1U << 28);
    assert_int_equal(fake_read32(c, RCC_APB1ENR), 1U << 28);
    assert_int_equal(c->stalls, 1);
    assert_int_equal(fake_read32(c, PWR_CR), 1U << 8);
    assert_int_equal(c->gated, 1);
    rcc_free(rcc);
    pwr_free(pwr);
    fake_chip_free(c);
}

static void reset_flags_pile_up_as_on_silicon(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x0E000000);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x1E000000);
    fake_write32(f->chip, RCC_CSR, RMVF);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x14000000);
    fixture_reset(f, RESET_IWDG);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x34000000);
    fake_write32(f->chip, RCC_CSR, RMVF);
    fixture_reset(f, RESET_IWDG);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x24000000);
    fake_write32(f->chip, RCC_CSR, RMVF);
    fixture_reset(f, RESET_WWDG);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x44000000);
    fake_write32(f->chip, RCC_CSR, RMVF);
    fixture_reset(f, RESET_PIN);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x04000000);
    fixture_reset(f, RESET_LOW_POWER);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x84000000);
    fixture_reset(f, RESET_POWER);
    assert_int_equal(fake_read32(f->chip, RCC_CSR), 0x0E000000);
}

static void the_lsi_is_ready_forty_microseconds_after_lsion(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_CSR, 1);
    fake_run(f->chip, VTIME_US(39));
    assert_int_equal(fake_read32(f->chip, RCC_CSR) & 3, 1);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(fake_read32(f->chip, RCC_CSR) & 3, 3);
}

static void bdcr_is_writable_only_with_dbp_and_outlives_a_system_reset(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_BDCR, 1);
    assert_guest_error(f, "DBP", false);
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 0);
    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1);
    fake_run(f->chip, VTIME_MS(1000));
    fixture_reset(f, RESET_SOFTWARE);                   /* does not disturb the start-up of the watch crystal */
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 1);
    fake_run(f->chip, VTIME_MS(1000));
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 3);
    fixture_reset(f, RESET_POWER);
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 0);
}

static void rtcsel_can_be_chosen_once_until_bdrst(void **state)
{
    struct fixture *f = *state;

    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1U << 8);
    fake_write32(f->chip, RCC_BDCR, 2U << 8);
    assert_guest_error(f, "RTCSEL", false);
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 1U << 8);
    fake_write32(f->chip, RCC_BDCR, 1U << 16);
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 1U << 16);
    fake_write32(f->chip, RCC_BDCR, 2U << 8);
    assert_int_equal(fake_read32(f->chip, RCC_BDCR), 2U << 8);
    assert_no_errors(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(the_hse_is_ready_after_two_milliseconds),
        cmocka_unit_test(without_a_crystal_the_hse_is_never_ready),
        periph_test(the_pll_locks_later_the_faster_its_vco_runs),
        periph_test(the_usual_recipe_gives_168_and_48_mhz_from_the_crystal),
        periph_test(a_system_reset_goes_back_to_the_hsi_at_once),
        periph_test(every_prescaler_code_divides_as_the_manual_says),
        periph_test(sws_follows_sw_only_when_the_source_is_ready),
        periph_test(selecting_a_clock_that_is_off_is_reported_and_does_not_switch),
        periph_test(the_clock_in_use_cannot_be_switched_off),
        periph_test(a_clock_that_is_being_switched_to_cannot_be_switched_off),
        periph_test(the_pll_is_lost_with_its_source_and_locks_again_with_it),
        periph_test(pllcfgr_is_frozen_while_the_pll_is_on),
        periph_test(a_wrong_pll_configuration_is_a_guest_error),
        periph_test(the_edges_of_the_pll_ranges_are_allowed),
        periph_test(a_pll_whose_source_is_off_is_reported),
        periph_test(too_fast_a_bus_is_a_fatal_guest_error),
        periph_test(more_than_168_mhz_is_a_fatal_guest_error),
        periph_test(too_few_wait_states_for_hclk_are_a_fatal_guest_error),
        periph_test(thirty_mhz_to_a_wait_state_is_an_inclusive_limit),
        periph_test(scale_2_allows_144_mhz_and_no_more),
        periph_test(vosrdy_falls_while_the_voltage_scale_changes),
        periph_test(hsebyp_can_change_only_while_the_hse_is_off),
        periph_test(the_clock_security_system_is_reported_as_not_modelled),
        periph_test(plli2s_locks_and_freezes_its_own_settings_and_the_shared_ones),
        periph_test(a_ready_interrupt_comes_only_if_it_is_enabled_before),
        periph_test(enable_registers_open_gates_and_bytes_reach_their_lane),
        periph_test(a_reset_bit_resets_its_block_when_set_and_again_when_cleared),
        cmocka_unit_test(with_the_erratum_a_gate_opens_late_unless_the_register_is_read_back),
        periph_test(reset_flags_pile_up_as_on_silicon),
        periph_test(the_lsi_is_ready_forty_microseconds_after_lsion),
        periph_test(bdcr_is_writable_only_with_dbp_and_outlives_a_system_reset),
        periph_test(rtcsel_can_be_chosen_once_until_bdrst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
