/* SPDX-License-Identifier: MIT */
/* GPIO, SYSCFG and EXTI: what a pin shows, what a lock freezes, and how an edge becomes an interrupt. */
/* Sources: RM0090 §8, §9.2, §12 */
#include "tests/board/periph_fixture.h"

#define PORT(n) (0x40020000U + 0x400U * (n))
#define MODER(n) (PORT(n) + 0x00U)
#define OTYPER(n) (PORT(n) + 0x04U)
#define PUPDR(n) (PORT(n) + 0x0CU)
#define IDR(n) (PORT(n) + 0x10U)
#define ODR(n) (PORT(n) + 0x14U)
#define BSRR(n) (PORT(n) + 0x18U)
#define LCKR(n) (PORT(n) + 0x1CU)
#define AFRL(n) (PORT(n) + 0x20U)
#define AFRH(n) (PORT(n) + 0x24U)
#define LCKK (1U << 16)
#define SYSCFG 0x40013800U
#define EXTICR1 (SYSCFG + 0x08U)
#define EXTI 0x40013C00U
#define IMR (EXTI + 0x00U)
#define EMR (EXTI + 0x04U)
#define RTSR (EXTI + 0x08U)
#define FTSR (EXTI + 0x0CU)
#define SWIER (EXTI + 0x10U)
#define PR (EXTI + 0x14U)
#define C GPIO_C

static uint32_t idr(struct fixture *f)
{
    return fake_read32(f->chip, IDR(C));
}

static void an_input_shows_what_the_board_drives_else_its_pull(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, PUPDR(C), 1U << 0 | 2U << 2);                 /* PC0 up, PC1 down */
    assert_int_equal(idr(f), 0x0001);
    gpio_set_input(f->periph->gpio, C, 0, GPIO_LOW);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_HIGH);
    assert_int_equal(idr(f), 0x0002);
    gpio_set_input(f->periph->gpio, C, 0, GPIO_FLOATING);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_FLOATING);
    assert_int_equal(idr(f), 0x0001);
}

static void a_floating_pin_keeps_its_last_level(void **state)
{
    struct fixture *f = *state;

    gpio_set_input(f->periph->gpio, C, 5, GPIO_HIGH);
    gpio_set_input(f->periph->gpio, C, 5, GPIO_FLOATING);
    assert_int_equal(idr(f), 1U << 5);
}

static void an_output_shows_odr_and_open_drain_lets_go_when_high(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, MODER(C), 1U << 4 | 1U << 6);                 /* PC2, PC3 outputs */
    fake_write32(f->chip, OTYPER(C), 1U << 3);
    gpio_set_input(f->periph->gpio, C, 3, GPIO_LOW);
    fake_write32(f->chip, ODR(C), 0xFFFF000C);
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0x000C);
    assert_int_equal(idr(f), 0x0004);
    assert_int_equal(gpio_output(f->periph->gpio, C, 2), GPIO_HIGH);
    assert_int_equal(gpio_output(f->periph->gpio, C, 3), GPIO_FLOATING);
    assert_int_equal(gpio_output(f->periph->gpio, C, 4), GPIO_FLOATING);
    fake_write32(f->chip, ODR(C), 0);
    assert_int_equal(gpio_output(f->periph->gpio, C, 3), GPIO_LOW);
}

static void an_analog_pin_reads_zero(void **state)
{
    struct fixture *f = *state;

    gpio_set_input(f->periph->gpio, C, 7, GPIO_HIGH);
    assert_int_equal(idr(f), 1U << 7);
    fake_write32(f->chip, MODER(C), 3U << 14);
    assert_int_equal(idr(f), 0);
}

static void bsrr_sets_before_it_resets_and_works_by_halves(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, BSRR(C), 0x000300F0);
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0xF0);
    fake_write32(f->chip, BSRR(C), 0x00100010);         /* both: set wins */
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0xF0);
    fake_write(f->chip, BSRR(C) + 2, 0x0030, 2);
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0xC0);
    fake_write(f->chip, BSRR(C), 0x0001, 2);
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0xC1);
    assert_int_equal(fake_read32(f->chip, BSRR(C)), 0);
}

static void an_alternate_function_is_known_by_its_number(void **state)
{
    struct fixture *f = *state;

    assert_false(peripherals_usb_pins(f->periph));
    fake_write32(f->chip, AFRH(GPIO_A), 0x000AA000);
    assert_int_equal(gpio_function(f->periph->gpio, GPIO_A, 11), -1);   /* the mode is not yet "alternate" */
    fake_write32(f->chip, MODER(GPIO_A), 0xA8000000 | 2U << 22);
    assert_int_equal(gpio_function(f->periph->gpio, GPIO_A, 11), 10);
    assert_false(peripherals_usb_pins(f->periph));
    fake_write32(f->chip, MODER(GPIO_A), 0xA8000000 | 2U << 22 | 2U << 24);
    assert_true(peripherals_usb_pins(f->periph));
    assert_int_equal(gpio_function(f->periph->gpio, GPIO_A, 13), 0);    /* SWDIO */
    fake_write32(f->chip, AFRL(GPIO_A), 0x70000000);
    fake_write32(f->chip, MODER(GPIO_A), 2U << 14);
    assert_int_equal(gpio_function(f->periph->gpio, GPIO_A, 7), 7);
}

static void lock(struct fixture *f, uint32_t pins)
{
    fake_write32(f->chip, LCKR(C), LCKK | pins);
    fake_write32(f->chip, LCKR(C), pins);
    fake_write32(f->chip, LCKR(C), LCKK | pins);
}

static void the_lock_sequence_freezes_the_configuration_until_reset(void **state)
{
    struct fixture *f = *state;

    lock(f, 0x0201);
    assert_int_equal(fake_read32(f->chip, LCKR(C)), LCKK | 0x0201);
    fake_write32(f->chip, MODER(C), 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, MODER(C)), 0xFFF3FFFC);
    fake_write32(f->chip, OTYPER(C), 0xFFFF);
    assert_int_equal(fake_read32(f->chip, OTYPER(C)), 0xFDFE);
    fake_write32(f->chip, AFRL(C), 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, AFRL(C)), 0xFFFFFFF0);
    fake_write32(f->chip, AFRH(C), 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, AFRH(C)), 0xFFFFFF0F);
    fake_write32(f->chip, ODR(C), 0xFFFF);              /* data is not configuration */
    assert_int_equal(fake_read32(f->chip, ODR(C)), 0xFFFF);
    lock(f, 0);                                         /* too late to change */
    assert_int_equal(fake_read32(f->chip, LCKR(C)), LCKK | 0x0201);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(fake_read32(f->chip, LCKR(C)), 0);
}

static void a_wrong_lock_sequence_locks_nothing(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, LCKR(C), LCKK | 1);
    fake_write32(f->chip, LCKR(C), 3);                  /* the pins changed on the way */
    fake_write32(f->chip, LCKR(C), LCKK | 3);
    assert_int_equal(fake_read32(f->chip, LCKR(C)) & LCKK, 0);
    fake_write32(f->chip, LCKR(C), LCKK | 1);
    (void)fake_read32(f->chip, LCKR(C));                /* a read in the middle */
    fake_write32(f->chip, LCKR(C), 1);
    fake_write32(f->chip, LCKR(C), LCKK | 1);
    assert_int_equal(fake_read32(f->chip, LCKR(C)) & LCKK, 0);
    fake_write(f->chip, LCKR(C), 1, 2);
    assert_guest_error(f, "not a 32-bit access", false);
}

static void an_edge_of_the_selected_port_pends_its_line(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, EXTICR1, 2U << 4);            /* line 1 from port C, the others from A */
    fake_write32(f->chip, IMR, 1U << 1);
    fake_write32(f->chip, RTSR, 1U << 1);
    gpio_set_input(f->periph->gpio, GPIO_A, 1, GPIO_HIGH);
    assert_int_equal(fake_read32(f->chip, PR), 0);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_HIGH);
    assert_int_equal(fake_read32(f->chip, PR), 1U << 1);
    assert_true(f->chip->irq_level[7]);
    fake_write32(f->chip, PR, 1U << 1);
    assert_int_equal(fake_read32(f->chip, PR), 0);
    assert_false(f->chip->irq_level[7]);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_LOW);    /* a falling edge is not selected */
    assert_int_equal(fake_read32(f->chip, PR), 0);
    fake_write32(f->chip, FTSR, 1U << 1);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_HIGH);
    fake_write32(f->chip, PR, 1U << 1);
    gpio_set_input(f->periph->gpio, C, 1, GPIO_LOW);
    assert_int_equal(fake_read32(f->chip, PR), 1U << 1);
}

static void only_a_change_of_level_is_an_edge(void **state)
{
    struct fixture *f = *state;

    gpio_set_input(f->periph->gpio, GPIO_A, 2, GPIO_HIGH);
    gpio_set_input(f->periph->gpio, C, 2, GPIO_HIGH);
    fake_write32(f->chip, RTSR, 1U << 2);
    fake_write32(f->chip, EXTICR1, 2U << 8);            /* from one high pin to another */
    assert_int_equal(fake_read32(f->chip, PR), 0);
}

static void a_masked_edge_pends_and_waits_for_its_mask(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RTSR, 1U << 3);
    gpio_set_input(f->periph->gpio, GPIO_A, 3, GPIO_HIGH);
    assert_int_equal(fake_read32(f->chip, PR), 1U << 3);
    assert_false(f->chip->irq_level[9]);
    fake_write32(f->chip, IMR, 1U << 3);
    assert_true(f->chip->irq_level[9]);
}

static void every_line_raises_its_own_vector(void **state)
{
    static const unsigned irq[EXTI_LINES] = { 6,  7,  8,  9,  10, 23, 23, 23, 23, 23, 40, 40,
                                              40, 40, 40, 40, 1,  41, 42, 62, 76, 2,  3 };
    struct fixture *f = *state;

    fake_write32(f->chip, IMR, 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, IMR), 0x007FFFFF);
    for (unsigned line = 0; line < EXTI_LINES; line++) {
        fake_write32(f->chip, SWIER, 1U << line);
        for (unsigned i = 0; i < FAKE_IRQ_LINES; i++)
            assert_int_equal(f->chip->irq_level[i], i == irq[line]);
        fake_write32(f->chip, PR, 1U << line);
        assert_int_equal(fake_read32(f->chip, SWIER), 0);
        assert_false(f->chip->irq_level[irq[line]]);
    }
}

static void a_software_trigger_needs_its_mask(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, SWIER, 1);
    assert_int_equal(fake_read32(f->chip, PR), 0);
}

static void a_usb_wakeup_is_a_pulse_on_line_18(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, IMR, 1U << 18);
    fake_write32(f->chip, RTSR, 1U << 18);
    peripherals_usb_wakeup(f->periph);
    assert_true(f->chip->irq_level[42]);
    fake_write32(f->chip, PR, 1U << 18);
    peripherals_usb_wakeup(f->periph);
    assert_int_equal(f->chip->irq_rises[42], 2);
}

static void an_event_mask_is_reported_as_not_modelled(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, EMR, 0);
    assert_no_errors(f);
    fake_write32(f->chip, EMR, 1);
    assert_unmodelled(f, 4);
}

static void memrmp_remaps_address_zero_and_a_reset_maps_flash_back(void **state)
{
    struct fixture *f = *state;
    unsigned before = f->chip->remaps;

    fake_write32(f->chip, SYSCFG, 3);
    assert_int_equal(f->chip->remaps, before + 1);
    assert_int_equal(f->chip->mem_mode, 3);
    assert_int_equal(fake_read32(f->chip, SYSCFG), 3);
    fake_write32(f->chip, SYSCFG, 2);                   /* there is no external memory */
    assert_unmodelled(f, 0);
    assert_int_equal(f->chip->mem_mode, 3);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(f->chip->mem_mode, 0);
}

static void the_apb_bridge_repeats_a_byte_over_the_word(void **state)
{
    struct fixture *f = *state;

    fake_write(f->chip, IMR, 0x41, 1);
    assert_int_equal(fake_read32(f->chip, IMR), 0x00414141);
    fake_write(f->chip, IMR + 2, 0x0042, 2);
    assert_int_equal(fake_read32(f->chip, IMR), 0x00420042);
    assert_int_equal(fake_read(f->chip, IMR + 2, 2), 0x0042);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(an_input_shows_what_the_board_drives_else_its_pull),
        periph_test(a_floating_pin_keeps_its_last_level),
        periph_test(an_output_shows_odr_and_open_drain_lets_go_when_high),
        periph_test(an_analog_pin_reads_zero),
        periph_test(bsrr_sets_before_it_resets_and_works_by_halves),
        periph_test(an_alternate_function_is_known_by_its_number),
        periph_test(the_lock_sequence_freezes_the_configuration_until_reset),
        periph_test(a_wrong_lock_sequence_locks_nothing),
        periph_test(an_edge_of_the_selected_port_pends_its_line),
        periph_test(only_a_change_of_level_is_an_edge),
        periph_test(a_masked_edge_pends_and_waits_for_its_mask),
        periph_test(every_line_raises_its_own_vector),
        periph_test(a_software_trigger_needs_its_mask),
        periph_test(a_usb_wakeup_is_a_pulse_on_line_18),
        periph_test(an_event_mask_is_reported_as_not_modelled),
        periph_test(memrmp_remaps_address_zero_and_a_reset_maps_flash_back),
        periph_test(the_apb_bridge_repeats_a_byte_over_the_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
