/* SPDX-License-Identifier: MIT */
/* A serial line as it looks on the RX pin: edges when the bits say, EXTI's latch, and a receiver that comes late. */
/* Sources: RM0090 §12.3, §30.3.1, §30.3.3 */
#include "tests/board/periph_fixture.h"

#include "board/bridge/line.h"

#define IDR_A 0x40020010U
#define RX_BIT (1U << 10)
#define EXTI_FTSR 0x40013C0CU
#define EXTI_PR 0x40013C14U
#define USART_SR 0x40011000U
#define USART_DR 0x40011004U
#define USART_BRR 0x40011008U
#define USART_CR1 0x4001100CU
#define RXNE (1U << 5)
#define FE (1U << 1)
#define CR1_8E1 (1U << 13 | 1U << 12 | 1U << 10 | 1U << 2)              /* UE, M, PCE, RE */
#define BRR_115200 139U
#define EARLY VTIME_NS(1)

struct line {
    struct fixture *f;
    struct line_sender sender;
    struct line_end ear;
    unsigned sent;
};

static void on_sent(void *owner)
{
    ((struct line *)owner)->sent++;
}

static void on_frame(void *self, uint8_t byte, const struct line_format *sent_as)
{
    (void)self;
    (void)byte;
    (void)sent_as;
}

static void plug_in(struct line *l, struct fixture *f)
{
    *l = (struct line){ .f = f, .ear = { .frame = on_frame } };
    line_sender_init(&l->sender, &f->chip->sched, on_sent, l);
    usart_connect(f->periph->usart[0], &l->ear);
}

static void begin(struct line *l, uint8_t byte, const struct line_format *as)
{
    line_send(&l->sender, usart_end(l->f->periph->usart[0]), byte, as);
}

static bool high(const struct fixture *f)
{
    return (fake_read32(f->chip, IDR_A) & RX_BIT) != 0;
}

/* The level right before and right behind each place where one bit gives way to the next. */
static void assert_waveform(struct fixture *f, uint8_t byte, const struct line_format *as, const char *levels)
{
    vtime began = f->chip->sched.now;
    struct line l;

    plug_in(&l, f);
    assert_true(high(f));
    begin(&l, byte, as);
    for (unsigned bit = 0; levels[bit] != '\0'; bit++) {
        fake_run_until(f->chip, began + line_bits_time(as, bit));
        assert_int_equal(high(f), levels[bit] == '1');
        fake_run_until(f->chip, began + line_bits_time(as, bit + 1) - EARLY);
        assert_int_equal(high(f), levels[bit] == '1');
        assert_int_equal(l.sent, 0);
    }
    fake_run(f->chip, EARLY);
    assert_int_equal(l.sent, 1);
    assert_true(high(f));
}

static void a_0x7f_is_low_for_one_bit_high_for_seven_low_for_one(void **state)
{
    static const uint32_t bauds[] = { 1200, 57600, 115200 };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        const struct line_format as = { bauds[i], 8, 1, LINE_PARITY_EVEN };
        vtime second = VTIME_MS(1000), before = f->chip->sched.now;

        assert_waveform(f, 0x7F, &as, "01111111011");
        assert_in_range(f->chip->sched.now - before, second * 11 / bauds[i] - 1, second * 11 / bauds[i] + 1);
    }
}

static void every_format_has_its_own_bits(void **state)
{
    struct fixture *f = *state;

    assert_waveform(f, 0x01, &(struct line_format){ 9600, 8, 1, LINE_PARITY_NONE }, "0100000001");
    assert_waveform(f, 0x01, &(struct line_format){ 9600, 8, 1, LINE_PARITY_EVEN }, "01000000011");
    assert_waveform(f, 0x01, &(struct line_format){ 9600, 8, 2, LINE_PARITY_ODD }, "010000000011");
    assert_waveform(f, 0x43, &(struct line_format){ 9600, 7, 1, LINE_PARITY_ODD }, "0110000101");
}

static void the_pin_rests_high_while_something_is_plugged_in(void **state)
{
    struct fixture *f = *state;
    struct line l;

    assert_false(high(f));
    plug_in(&l, f);
    assert_true(high(f));
    usart_connect(f->periph->usart[0], NULL);
    fake_write32(f->chip, 0x4002000C, 0x64000000 | 2U << 20);           /* PUPDR: nothing holds against a pull-down */
    assert_false(high(f));
}

static void a_start_bit_is_latched_as_a_falling_edge(void **state)
{
    const struct line_format as = { 115200, 8, 1, LINE_PARITY_EVEN };
    struct fixture *f = *state;
    struct line l;

    plug_in(&l, f);
    fake_write32(f->chip, EXTI_FTSR, RX_BIT);
    begin(&l, 0xFF, &as);
    assert_int_equal(fake_read32(f->chip, EXTI_PR), RX_BIT);
    fake_write32(f->chip, EXTI_PR, RX_BIT);
    fake_run(f->chip, line_bits_time(&as, 9) - EARLY);
    assert_int_equal(fake_read32(f->chip, EXTI_PR), 0);                 /* the rising one is not selected */
    fake_run(f->chip, EARLY);
    assert_int_equal(fake_read32(f->chip, EXTI_PR), RX_BIT);            /* eight ones: the parity bit is low */
    fake_run(f->chip, line_bits_time(&as, 2));
}

/* Switches the receiver on at the given bit of the frame; returns SR at the frame's end. */
static uint32_t switched_on_at(struct fixture *f, uint8_t byte, unsigned bit)
{
    const struct line_format as = { 115200, 8, 1, LINE_PARITY_EVEN };
    vtime began = f->chip->sched.now;
    struct line l;
    uint32_t sr;

    plug_in(&l, f);
    fake_write32(f->chip, 0x40020024, 0x00000770);
    fake_write32(f->chip, 0x40020000, 0xA8000000 | 2U << 18 | 2U << 20);
    fake_write32(f->chip, USART_CR1, 0);
    fake_write32(f->chip, USART_BRR, BRR_115200);
    begin(&l, byte, &as);
    fake_run_until(f->chip, began + line_bits_time(&as, bit) + EARLY);
    fake_write32(f->chip, USART_CR1, CR1_8E1);
    fake_run_until(f->chip, began + line_bits_time(&as, 11));
    sr = fake_read32(f->chip, USART_SR);
    (void)fake_read32(f->chip, USART_DR);
    fake_run(f->chip, VTIME_MS(1));
    return sr;
}

static void a_receiver_that_comes_late_takes_a_later_edge_for_a_start_bit_or_hears_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(switched_on_at(f, 0x7F, 9) & RXNE, 0);
    assert_int_equal(switched_on_at(f, 0x7F, 8) & RXNE, 0);             /* in the low bit: no edge is left */
    assert_int_equal(switched_on_at(f, 0x7F, 3) & (RXNE | FE), RXNE | FE);
    assert_int_equal(switched_on_at(f, 0x00, 1) & RXNE, 0);
}

static void a_format_is_read_from_three_letters(void **state)
{
    static const char *const wrong[] = { "", "8", "8e", "8e3", "9n1", "8x1", "8e11", "8E1", "6n1", "81e" };
    struct line_format f = { 300, 8, 1, LINE_PARITY_NONE };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(line_parse_format(wrong[i], &f));
    assert_int_equal(f.parity, LINE_PARITY_NONE);
    assert_true(line_parse_format("7o2", &f));
    assert_int_equal(f.data_bits, 7);
    assert_int_equal(f.parity, LINE_PARITY_ODD);
    assert_int_equal(f.stop_bits, 2);
    assert_int_equal(f.baud, 300);
    assert_true(line_parse_format("8e1", &f));
    assert_int_equal(f.parity, LINE_PARITY_EVEN);
    assert_true(line_parse_format("8n1", &f));
    assert_int_equal(f.parity, LINE_PARITY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(a_0x7f_is_low_for_one_bit_high_for_seven_low_for_one),
        periph_test(every_format_has_its_own_bits),
        periph_test(the_pin_rests_high_while_something_is_plugged_in),
        periph_test(a_start_bit_is_latched_as_a_falling_edge),
        periph_test(a_receiver_that_comes_late_takes_a_later_edge_for_a_start_bit_or_hears_nothing),
        cmocka_unit_test(a_format_is_read_from_three_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
