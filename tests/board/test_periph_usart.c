/* SPDX-License-Identifier: MIT */
/* USART1-3: frames by bit time, the flags and how they are cleared, formats that do not match, interrupts. */
/* Sources: RM0090 §30.3, §30.6 */
#include "tests/board/periph_fixture.h"

#define USART1 0x40011000U
#define SR 0x00U
#define PE (1U << 0)
#define FE (1U << 1)
#define NF (1U << 2)
#define ORE (1U << 3)
#define IDLE (1U << 4)
#define RXNE (1U << 5)
#define TC (1U << 6)
#define TXE (1U << 7)
#define DR 0x04U
#define BRR 0x08U
#define CR1 0x0CU
#define SBK (1U << 0)
#define RE (1U << 2)
#define TE (1U << 3)
#define IDLEIE (1U << 4)
#define RXNEIE (1U << 5)
#define TCIE (1U << 6)
#define TXEIE (1U << 7)
#define PEIE (1U << 8)
#define PS (1U << 9)
#define PCE (1U << 10)
#define M (1U << 12)
#define UE (1U << 13)
#define OVER8 (1U << 15)
#define CR2 0x10U
#define CR3 0x14U
#define IRQ1 37

#define BRR_115200 139U                         /* 16 MHz / 139 = 115,107 baud */
#define BIT VTIME_NS(8688)                      /* rounded up: 8687.5 ns */

/* The line's other end: keeps what it hears. */
struct peer {
    struct line_end end;
    uint8_t bytes[16];
    struct line_format format[16];
    size_t n;
    unsigned breaks;
};

static void peer_frame(void *self, uint8_t byte, const struct line_format *sent_as)
{
    struct peer *p = self;

    assert_in_range(p->n, 0, 15);
    p->bytes[p->n] = byte;
    p->format[p->n++] = *sent_as;
}

static void peer_break(void *self)
{
    struct peer *p = self;

    p->breaks++;
}

static void plug_in(struct fixture *f, struct peer *p)
{
    *p = (struct peer){ .end = { .self = p, .frame = peer_frame, .line_break = peer_break } };
    usart_connect(f->periph->usart[0], &p->end);
}

static void wr(struct fixture *f, uint32_t off, uint32_t value)
{
    fake_write32(f->chip, USART1 + off, value);
}

static uint32_t rd(struct fixture *f, uint32_t off)
{
    return fake_read32(f->chip, USART1 + off);
}

/* PA9 and PA10 to USART1, 115200 8N1 or as cr1 says, the idle frame of TE over. */
static void enable(struct fixture *f, uint32_t cr1)
{
    fake_write32(f->chip, 0x40020024, 0x00000770);
    fake_write32(f->chip, 0x40020000, 0xA8000000 | 2U << 18 | 2U << 20);
    wr(f, BRR, BRR_115200);
    wr(f, CR1, UE | TE | RE | cr1);
    fake_run(f->chip, 12 * BIT);
}

static void hear(struct fixture *f, uint8_t byte, const struct line_format *as)
{
    const struct line_end *end = usart_end(f->periph->usart[0]);

    end->frame(end->self, byte, as);
}

static const struct line_format f8n1 = { 115200, 8, 1, LINE_PARITY_NONE };
static const struct line_format f8e1 = { 115200, 8, 1, LINE_PARITY_EVEN };

static void a_byte_arrives_after_ten_bit_times(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, DR, 0x41);
    fake_run(f->chip, 10 * BIT - VTIME_NS(10));
    assert_int_equal(p.n, 0);
    fake_run(f->chip, VTIME_NS(10));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.bytes[0], 0x41);
    assert_int_equal(p.format[0].baud, 115107);
    assert_int_equal(p.format[0].data_bits, 8);
    assert_int_equal(p.format[0].parity, LINE_PARITY_NONE);
    assert_no_errors(f);
}

static void txe_rises_at_once_and_tc_when_the_last_bit_is_out(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    assert_int_equal(rd(f, SR), TC | TXE);
    wr(f, DR, 1);                               /* with the read of SR before it, this clears TC */
    assert_int_equal(rd(f, SR), TXE);
    wr(f, DR, 2);
    assert_int_equal(rd(f, SR), 0);
    fake_run(f->chip, 10 * BIT);
    assert_int_equal(rd(f, SR), TXE);
    assert_int_equal(p.n, 1);
    fake_run(f->chip, 10 * BIT);
    assert_int_equal(rd(f, SR), TC | TXE);
    assert_int_equal(p.n, 2);
}

static void tc_stays_up_if_sr_was_not_read_before_the_write(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, DR, 1);
    assert_int_equal(rd(f, SR), TC | TXE);
    wr(f, SR, 0);                               /* or it is cleared by writing 0, which TXE does not mind */
    assert_int_equal(rd(f, SR), TXE);
}

static void a_byte_written_over_another_is_lost_and_reported(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, DR, 1);
    wr(f, DR, 2);
    wr(f, DR, 3);
    assert_guest_error(f, "a byte is lost", false);
    fake_run(f->chip, 30 * BIT);
    assert_int_equal(p.n, 2);
    assert_int_equal(p.bytes[1], 3);
}

static void te_sends_an_idle_frame_before_the_first_byte(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, CR1, 0);
    wr(f, CR1, UE | TE);
    wr(f, DR, 0x55);
    fake_run(f->chip, 19 * BIT);
    assert_int_equal(p.n, 0);
    fake_run(f->chip, BIT);
    assert_int_equal(p.n, 1);
}

static void a_transmitter_that_is_switched_off_loses_the_byte_it_sends(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, DR, 0x55);
    fake_run(f->chip, 5 * BIT);
    wr(f, CR1, 0);
    wr(f, CR1, UE | TE | RE);
    fake_run(f->chip, 40 * BIT);
    assert_int_equal(p.n, 0);
    wr(f, DR, 0x56);
    fake_run(f->chip, 10 * BIT);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.bytes[0], 0x56);
}

static void bytes_to_an_unconnected_pin_go_nowhere_and_are_reported(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    fake_write32(f->chip, 0x40020000, 0xA8000000);
    wr(f, DR, 1);
    fake_run(f->chip, 10 * BIT);
    assert_guest_error(f, "no pin", false);
    assert_int_equal(p.n, 0);
    assert_int_equal(rd(f, SR), TC | TXE);
    hear(f, 1, &f8n1);
    assert_int_equal(rd(f, SR) & RXNE, 0);
}

static void a_received_byte_sets_rxne_and_reading_dr_clears_it(void **state)
{
    struct fixture *f = *state;

    enable(f, 0);
    hear(f, 0xA5, &f8n1);
    assert_int_equal(rd(f, SR), TC | TXE | RXNE);
    assert_int_equal(rd(f, DR), 0xA5);
    assert_int_equal(rd(f, SR), TC | TXE);
}

static void an_overrun_keeps_the_older_byte_until_sr_and_dr_are_read(void **state)
{
    struct fixture *f = *state;

    enable(f, 0);
    hear(f, 1, &f8n1);
    hear(f, 2, &f8n1);
    (void)rd(f, DR);                            /* without SR before it, the flag stays */
    assert_int_equal(rd(f, SR) & (RXNE | ORE), ORE);
    assert_int_equal(rd(f, DR), 1);
    assert_int_equal(rd(f, SR) & (RXNE | ORE), 0);
}

static void the_line_is_idle_one_frame_after_the_last_byte(void **state)
{
    struct fixture *f = *state;

    enable(f, IDLEIE);
    hear(f, 1, &f8n1);
    fake_run(f->chip, 9 * BIT);
    hear(f, 2, &f8n1);
    fake_run(f->chip, 9 * BIT);
    assert_int_equal(rd(f, SR) & IDLE, 0);
    fake_run(f->chip, BIT);
    assert_int_equal(rd(f, SR) & IDLE, IDLE);
    assert_true(f->chip->irq_level[IRQ1]);
    (void)rd(f, DR);
    assert_int_equal(rd(f, SR) & IDLE, 0);
    assert_false(f->chip->irq_level[IRQ1]);
}

static void eight_data_bits_with_even_parity_need_m_and_pce(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, M | PCE);
    wr(f, DR, 0x80);
    fake_run(f->chip, 11 * BIT - VTIME_NS(10));
    assert_int_equal(p.n, 0);
    fake_run(f->chip, VTIME_NS(10));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.bytes[0], 0x80);
    assert_int_equal(p.format[0].data_bits, 8);
    assert_int_equal(p.format[0].parity, LINE_PARITY_EVEN);
    for (unsigned byte = 0; byte < 256; byte++) {
        hear(f, (uint8_t)byte, &f8e1);
        assert_int_equal(rd(f, SR) & (PE | FE | NF | RXNE), RXNE);
        assert_int_equal(rd(f, DR) & 0xFF, byte);
    }
}

static void pce_without_m_leaves_seven_data_bits(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, PCE | PS);
    wr(f, DR, 0xC1);
    fake_run(f->chip, 10 * BIT);
    assert_int_equal(p.bytes[0], 0x41);
    assert_int_equal(p.format[0].data_bits, 7);
    assert_int_equal(p.format[0].parity, LINE_PARITY_ODD);
}

static void a_frame_without_parity_fails_where_its_stop_bit_is_the_wrong_parity(void **state)
{
    struct fixture *f = *state;

    enable(f, M | PCE | PEIE);
    hear(f, 0x01, &f8n1);                       /* one 1: even parity is 1, as is the stop bit in its place */
    assert_int_equal(rd(f, SR) & (PE | FE), 0);
    (void)rd(f, DR);
    hear(f, 0x03, &f8n1);
    assert_int_equal(rd(f, SR) & (PE | FE), PE);
    assert_true(f->chip->irq_level[IRQ1]);
    (void)rd(f, DR);
    assert_int_equal(rd(f, SR) & PE, 0);
    assert_false(f->chip->irq_level[IRQ1]);
}

static void a_frame_with_parity_is_a_framing_error_where_its_parity_is_0(void **state)
{
    struct fixture *f = *state;

    enable(f, 0);
    hear(f, 0x01, &f8e1);
    assert_int_equal(rd(f, SR) & FE, 0);
    (void)rd(f, DR);
    hear(f, 0x03, &f8e1);
    assert_int_equal(rd(f, SR) & FE, FE);
    assert_int_equal(rd(f, DR), 0x03);
}

static void odd_parity_is_not_even_parity(void **state)
{
    struct fixture *f = *state;
    const struct line_format f8o1 = { 115200, 8, 1, LINE_PARITY_ODD };

    enable(f, M | PCE);
    hear(f, 0x55, &f8o1);
    assert_int_equal(rd(f, SR) & PE, PE);
}

static void another_baud_rate_corrupts_the_byte_and_says_so(void **state)
{
    struct fixture *f = *state;
    const struct line_format slow = { 9600, 8, 1, LINE_PARITY_NONE }, near = { 118000, 8, 1, LINE_PARITY_NONE };

    enable(f, 0);
    hear(f, 0x41, &near);
    assert_int_equal(rd(f, SR) & (FE | NF | RXNE), RXNE);
    assert_int_equal(rd(f, DR), 0x41);
    fake_run(f->chip, VTIME_MS(2));             /* all of the frame is heard */
    hear(f, 0x41, &slow);
    assert_int_equal(rd(f, SR) & (FE | NF | RXNE), FE | NF | RXNE);
}

static void over8_divides_by_eighths(void **state)
{
    struct fixture *f = *state;

    wr(f, CR1, OVER8);
    wr(f, BRR, 2U << 4 | 1U);                   /* USARTDIV 2.125: 16 MHz / 17 */
    assert_int_equal(usart_format(f->periph->usart[0]).baud, 16000000 / 17);
    wr(f, CR1, 0);
    assert_int_equal(usart_format(f->periph->usart[0]).baud, 16000000 / 33);
    wr(f, BRR, 15);                             /* USARTDIV below 1 */
    assert_int_equal(usart_format(f->periph->usart[0]).baud, 0);
    wr(f, CR1, UE | TE);
    assert_guest_error(f, "USARTDIV", false);
}

static void usart1_runs_on_pclk2_and_the_others_on_pclk1(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 3; i++)
        fake_write32(f->chip, (const uint32_t[]){ USART1, 0x40004400, 0x40004800 }[i] + BRR, 16);
    f->chip->clocks.pclk1_hz = 8000000;
    assert_int_equal(usart_format(f->periph->usart[0]).baud, 1000000);
    assert_int_equal(usart_format(f->periph->usart[1]).baud, 500000);
    assert_int_equal(usart_format(f->periph->usart[2]).baud, 500000);
}

static void each_flag_raises_the_interrupt_that_is_enabled_for_it(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    assert_false(f->chip->irq_level[IRQ1]);
    wr(f, CR1, UE | TE | RE | TXEIE);
    assert_true(f->chip->irq_level[IRQ1]);
    wr(f, CR1, UE | TE | RE | TCIE);
    assert_true(f->chip->irq_level[IRQ1]);
    wr(f, SR, ~TC);
    assert_false(f->chip->irq_level[IRQ1]);
    wr(f, CR1, UE | TE | RE | RXNEIE);
    hear(f, 1, &f8n1);
    assert_true(f->chip->irq_level[IRQ1]);
    (void)rd(f, DR);
    assert_false(f->chip->irq_level[IRQ1]);
}

static void a_break_is_sent_once_and_received_as_a_framing_error(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    plug_in(f, &p);
    enable(f, 0);
    wr(f, CR1, UE | TE | RE | SBK);
    fake_run(f->chip, 30 * BIT);
    assert_int_equal(p.breaks, 1);
    assert_int_equal(rd(f, CR1) & SBK, 0);
    usart_end(f->periph->usart[0])->line_break(usart_end(f->periph->usart[0])->self);
    assert_int_equal(rd(f, SR) & (FE | RXNE), FE | RXNE);
    assert_int_equal(rd(f, DR), 0);
}

static void a_disabled_receiver_hears_nothing(void **state)
{
    struct fixture *f = *state;

    enable(f, 0);
    wr(f, CR1, UE | TE);
    hear(f, 1, &f8n1);
    assert_int_equal(rd(f, SR) & RXNE, 0);
}

static void dma_flow_control_and_nine_data_bits_are_reported_as_not_modelled(void **state)
{
    struct fixture *f = *state;

    wr(f, CR3, 1U << 7);                        /* DMAT */
    assert_unmodelled(f, CR3);
    wr(f, CR3, 1U << 8);                        /* RTSE */
    assert_unmodelled(f, CR3);
    wr(f, CR3, 0);
    wr(f, CR2, 1U << 14);                       /* LINEN */
    assert_unmodelled(f, CR2);
    wr(f, CR2, 2U << 12);                       /* two stop bits are fine */
    assert_no_errors(f);
    assert_int_equal(usart_format(f->periph->usart[0]).stop_bits, 2);
    wr(f, BRR, BRR_115200);
    wr(f, CR1, UE | TE | M);
    assert_unmodelled(f, CR1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(a_byte_arrives_after_ten_bit_times),
        periph_test(txe_rises_at_once_and_tc_when_the_last_bit_is_out),
        periph_test(tc_stays_up_if_sr_was_not_read_before_the_write),
        periph_test(a_byte_written_over_another_is_lost_and_reported),
        periph_test(te_sends_an_idle_frame_before_the_first_byte),
        periph_test(a_transmitter_that_is_switched_off_loses_the_byte_it_sends),
        periph_test(bytes_to_an_unconnected_pin_go_nowhere_and_are_reported),
        periph_test(a_received_byte_sets_rxne_and_reading_dr_clears_it),
        periph_test(an_overrun_keeps_the_older_byte_until_sr_and_dr_are_read),
        periph_test(the_line_is_idle_one_frame_after_the_last_byte),
        periph_test(eight_data_bits_with_even_parity_need_m_and_pce),
        periph_test(pce_without_m_leaves_seven_data_bits),
        periph_test(a_frame_without_parity_fails_where_its_stop_bit_is_the_wrong_parity),
        periph_test(a_frame_with_parity_is_a_framing_error_where_its_parity_is_0),
        periph_test(odd_parity_is_not_even_parity),
        periph_test(another_baud_rate_corrupts_the_byte_and_says_so),
        periph_test(over8_divides_by_eighths),
        periph_test(usart1_runs_on_pclk2_and_the_others_on_pclk1),
        periph_test(each_flag_raises_the_interrupt_that_is_enabled_for_it),
        periph_test(a_break_is_sent_once_and_received_as_a_framing_error),
        periph_test(a_disabled_receiver_hears_nothing),
        periph_test(dma_flow_control_and_nine_data_bits_are_reported_as_not_modelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
