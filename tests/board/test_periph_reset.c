/* SPDX-License-Identifier: MIT */
/* Reset values of every register of the ordinary peripherals, and what lies between them. */
/* Sources: the register maps of RM0090 (each block's last section); RCC_CSR and IDCODE as measured on silicon */
#include "tests/board/periph_fixture.h"

struct reset_value {
    const char *name;
    uint32_t address, value;
};

static const struct reset_value reset_values[] = {
    { "PWR_CR", 0x40007000, 0x00004000 },
    { "PWR_CSR", 0x40007004, 0x00004000 },
    { "RCC_CR", 0x40023800, 0x00000083 },
    { "RCC_PLLCFGR", 0x40023804, 0x24003010 },
    { "RCC_CFGR", 0x40023808, 0 },
    { "RCC_CIR", 0x4002380C, 0 },
    { "RCC_AHB1RSTR", 0x40023810, 0 },
    { "RCC_AHB2RSTR", 0x40023814, 0 },
    { "RCC_AHB3RSTR", 0x40023818, 0 },
    { "RCC_APB1RSTR", 0x40023820, 0 },
    { "RCC_APB2RSTR", 0x40023824, 0 },
    { "RCC_AHB1ENR", 0x40023830, 0x00100000 },
    { "RCC_AHB2ENR", 0x40023834, 0 },
    { "RCC_AHB3ENR", 0x40023838, 0 },
    { "RCC_APB1ENR", 0x40023840, 0 },
    { "RCC_APB2ENR", 0x40023844, 0 },
    { "RCC_AHB1LPENR", 0x40023850, 0x7E6791FF },
    { "RCC_AHB2LPENR", 0x40023854, 0x000000F1 },
    { "RCC_AHB3LPENR", 0x40023858, 0x00000001 },
    { "RCC_APB1LPENR", 0x40023860, 0x36FEC9FF },
    { "RCC_APB2LPENR", 0x40023864, 0x00075F33 },
    { "RCC_BDCR", 0x40023870, 0 },
    { "RCC_CSR", 0x40023874, 0x0E000000 },
    { "RCC_SSCGR", 0x40023880, 0 },
    { "RCC_PLLI2SCFGR", 0x40023884, 0x20003000 },
    { "GPIOA_MODER", 0x40020000, 0xA8000000 },
    { "GPIOA_OTYPER", 0x40020004, 0 },
    { "GPIOA_OSPEEDR", 0x40020008, 0x0C000000 },
    { "GPIOA_PUPDR", 0x4002000C, 0x64000000 },
    { "GPIOA_IDR", 0x40020010, 0x0000A000 },    /* JTDI and JTMS are pulled up */
    { "GPIOA_ODR", 0x40020014, 0 },
    { "GPIOA_BSRR", 0x40020018, 0 },
    { "GPIOA_LCKR", 0x4002001C, 0 },
    { "GPIOA_AFRL", 0x40020020, 0 },
    { "GPIOA_AFRH", 0x40020024, 0 },
    { "GPIOB_MODER", 0x40020400, 0x00000280 },
    { "GPIOB_OSPEEDR", 0x40020408, 0x000000C0 },
    { "GPIOB_PUPDR", 0x4002040C, 0x00000100 },
    { "GPIOC_MODER", 0x40020800, 0 },
    { "GPIOC_OSPEEDR", 0x40020808, 0 },
    { "GPIOC_PUPDR", 0x4002080C, 0 },
    { "GPIOI_MODER", 0x40022000, 0 },
    { "GPIOI_AFRH", 0x40022024, 0 },
    { "CRC_DR", 0x40023000, 0xFFFFFFFF },
    { "CRC_IDR", 0x40023004, 0 },
    { "CRC_CR", 0x40023008, 0 },
    { "SYSCFG_MEMRMP", 0x40013800, 0 },
    { "SYSCFG_PMC", 0x40013804, 0 },
    { "SYSCFG_EXTICR1", 0x40013808, 0 },
    { "SYSCFG_EXTICR4", 0x40013814, 0 },
    { "SYSCFG_CMPCR", 0x40013820, 0 },
    { "EXTI_IMR", 0x40013C00, 0 },
    { "EXTI_EMR", 0x40013C04, 0 },
    { "EXTI_RTSR", 0x40013C08, 0 },
    { "EXTI_FTSR", 0x40013C0C, 0 },
    { "EXTI_SWIER", 0x40013C10, 0 },
    { "EXTI_PR", 0x40013C14, 0 },
    { "RTC_TR", 0x40002800, 0 },
    { "RTC_DR", 0x40002804, 0x00002101 },
    { "RTC_CR", 0x40002808, 0 },
    { "RTC_ISR", 0x4000280C, 0x00000007 },
    { "RTC_PRER", 0x40002810, 0x007F00FF },
    { "RTC_WUTR", 0x40002814, 0x0000FFFF },
    { "RTC_CALIBR", 0x40002818, 0 },
    { "RTC_ALRMAR", 0x4000281C, 0 },
    { "RTC_ALRMBR", 0x40002820, 0 },
    { "RTC_WPR", 0x40002824, 0 },
    { "RTC_SSR", 0x40002828, 0 },
    { "RTC_SHIFTR", 0x4000282C, 0 },
    { "RTC_TSTR", 0x40002830, 0 },
    { "RTC_TSDR", 0x40002834, 0 },
    { "RTC_TSSSR", 0x40002838, 0 },
    { "RTC_CALR", 0x4000283C, 0 },
    { "RTC_TAFCR", 0x40002840, 0 },
    { "RTC_ALRMASSR", 0x40002844, 0 },
    { "RTC_ALRMBSSR", 0x40002848, 0 },
    { "RTC_BKP0R", 0x40002850, 0 },
    { "RTC_BKP19R", 0x4000289C, 0 },
    { "WWDG_CR", 0x40002C00, 0x7F },
    { "WWDG_CFR", 0x40002C04, 0x7F },
    { "WWDG_SR", 0x40002C08, 0 },
    { "IWDG_KR", 0x40003000, 0 },
    { "IWDG_PR", 0x40003004, 0 },
    { "IWDG_RLR", 0x40003008, 0xFFF },
    { "IWDG_SR", 0x4000300C, 0 },
    { "USART1_SR", 0x40011000, 0xC0 },
    { "USART1_BRR", 0x40011008, 0 },
    { "USART1_CR1", 0x4001100C, 0 },
    { "USART1_CR2", 0x40011010, 0 },
    { "USART1_CR3", 0x40011014, 0 },
    { "USART1_GTPR", 0x40011018, 0 },
    { "USART2_SR", 0x40004400, 0xC0 },
    { "USART3_SR", 0x40004800, 0xC0 },
    { "TIM2_CR1", 0x40000000, 0 },
    { "TIM2_DIER", 0x4000000C, 0 },
    { "TIM2_SR", 0x40000010, 0 },
    { "TIM2_EGR", 0x40000014, 0 },
    { "TIM2_CNT", 0x40000024, 0 },
    { "TIM2_PSC", 0x40000028, 0 },
    { "TIM2_ARR", 0x4000002C, 0xFFFFFFFF },
    { "TIM3_ARR", 0x4000042C, 0x0000FFFF },
    { "TIM4_ARR", 0x4000082C, 0x0000FFFF },
    { "TIM5_ARR", 0x40000C2C, 0xFFFFFFFF },
    { "TIM6_ARR", 0x4000102C, 0x0000FFFF },
    { "TIM7_ARR", 0x4000142C, 0x0000FFFF },
    { "DBGMCU_IDCODE", 0xE0042000, 0x100F6413 },
    { "DBGMCU_CR", 0xE0042004, 0 },
    { "DBGMCU_APB1_FZ", 0xE0042008, 0 },
    { "DBGMCU_APB2_FZ", 0xE004200C, 0 },
};

static void check_reset_values(struct fixture *f)
{
    for (size_t i = 0; i < sizeof reset_values / sizeof reset_values[0]; i++) {
        uint32_t got = fake_read32(f->chip, reset_values[i].address);

        if (got != reset_values[i].value)
            fail_msg("%s reads 0x%08X instead of 0x%08X", reset_values[i].name, (unsigned)got, (unsigned)reset_values[i].value);
    }
}

static void every_register_has_the_manuals_reset_value_after_power_on(void **state)
{
    struct fixture *f = *state;

    check_reset_values(f);
    assert_no_errors(f);
}

static void a_power_cycle_restores_every_reset_value(void **state)
{
    struct fixture *f = *state;

    fixture_set_dbp(f);
    for (size_t i = 0; i < sizeof reset_values / sizeof reset_values[0]; i++)
        if (reset_values[i].address != 0x40023870)      /* BDRST would hold the backup domain in reset */
            fake_write32(f->chip, reset_values[i].address, 0x5A5A5A5A & 0x00FF0FFCU);
    fixture_reset(f, RESET_POWER);
    check_reset_values(f);
}

static void after_reset_only_the_ccm_ram_has_its_clock(void **state)
{
    struct fixture *f = *state;

    fake_reset(f->chip, RESET_POWER);   /* without opening the gates */
    assert_int_equal(f->chip->gates[0x30 / 4], 0x00100000);
    assert_int_equal(f->chip->gates[0x34 / 4], 0);
    assert_int_equal(f->chip->gates[0x40 / 4], 0);
    assert_int_equal(f->chip->gates[0x44 / 4], 0);
}

static void a_block_reaches_the_bus_only_through_its_own_gate(void **state)
{
    static const struct {
        uint32_t address, enr, bit;
    } gates[] = {
        { 0x40020000, 0x30, 0 },  { 0x40022000, 0x30, 8 },  { 0x40023008, 0x30, 12 }, { 0x40007000, 0x40, 28 },
        { 0x40013800, 0x44, 14 }, { 0x40002C00, 0x40, 11 }, { 0x40011000, 0x44, 4 },  { 0x40004400, 0x40, 17 },
        { 0x40004800, 0x40, 18 }, { 0x40000000, 0x40, 0 },  { 0x40000C00, 0x40, 3 },  { 0x40001400, 0x40, 5 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof gates / sizeof gates[0]; i++) {
        chip_set_gate(f->chip, gates[i].enr, ~(1U << gates[i].bit));
        fake_forget_errors(f->chip);
        (void)fake_read32(f->chip, gates[i].address);
        assert_int_equal(f->chip->gated, 1);
        fake_open_gates(f->chip);
    }
}

static void an_access_between_the_registers_is_reported(void **state)
{
    static const uint32_t holes[] = { 0x40007008, 0x4002381C, 0x40020028, 0x4002300C, 0x40013818, 0x40013C18, 0x4000284C,
                                      0x400028A0, 0x40002C0C, 0x40003010, 0x4001101C, 0x40000004, 0xE0042010 };
    struct fixture *f = *state;

    fixture_set_dbp(f);
    fake_write32(f->chip, 0x40002824, 0xCA);
    fake_write32(f->chip, 0x40002824, 0x53);
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        assert_int_equal(fake_read32(f->chip, holes[i]), 0);
        assert_unmodelled(f, holes[i] & 0x3FFU);
        fake_write32(f->chip, holes[i], 1);
        assert_unmodelled(f, holes[i] & 0x3FFU);
    }
}

static void a_block_that_is_not_modelled_is_named_with_its_section(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, 0x40026410, 1);
    assert_string_equal(f->chip->unmodelled_periph->name, "DMA2");
    assert_string_equal(f->chip->unmodelled_periph->manual, "RM0090 §10.5");
    assert_true(f->chip->unmodelled_write);
    assert_unmodelled(f, 0x10);
    assert_int_equal(fake_read32(f->chip, 0x50060808), 0);
    assert_string_equal(f->chip->unmodelled_periph->name, "RNG");
    assert_unmodelled(f, 0x08);
}

static void no_two_blocks_overlap(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->chip->periph_count; i++)
        for (size_t k = 0; k < f->chip->periph_count; k++) {
            const struct periph *a = f->chip->periphs[i], *b = f->chip->periphs[k];

            if (i != k && a->base - b->base < b->bytes)
                fail_msg("%s lies inside %s", a->name, b->name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(every_register_has_the_manuals_reset_value_after_power_on),
        periph_test(a_power_cycle_restores_every_reset_value),
        periph_test(after_reset_only_the_ccm_ram_has_its_clock),
        periph_test(a_block_reaches_the_bus_only_through_its_own_gate),
        periph_test(an_access_between_the_registers_is_reported),
        periph_test(a_block_that_is_not_modelled_is_named_with_its_section),
        periph_test(no_two_blocks_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
