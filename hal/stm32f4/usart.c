/* SPDX-License-Identifier: MIT */
/* USART1 by polling, and the measuring of its baud rate on the pin. */
/* Sources: RM0090 Rev 21 §8.3, §12.2, §30.3, §30.6; DS8626 Rev 12 table 9 (alternate functions); AN3155 §3.1 */
#include "hal/stm32f4/usart.h"

#include "hal/stm32f4/regs.h"
#include "usb/ring.h"

#define PIN_TX 9U
#define PIN_RX 10U
#define RX_BIT (1U << PIN_RX)           /* in IDR, and as a line of EXTI, which port A feeds from reset on (§9.2.6) */
#define SR_ERRORS (USART_SR_PE | USART_SR_FE | USART_SR_NF)

/* In cycles of the core, four of which are one of the USART's clock (hal/stm32f4/clock.c), whatever feeds the PLL. */
#define CYCLES_PER_TICK 4U
#define BIT_MIN 0x500U                  /* 131 kbaud at 168 MHz: shorter pulses are noise */
#define LIMIT 0x180000U                 /* 9.4 ms: nine bits at 1200 baud, and what the start bit waited for */

static uint8_t rx_bytes[USART_BYTES], tx_bytes[USART_BYTES];

static struct {
    uint32_t looked;                    /* when the line was last seen at rest */
    struct ring rx, tx;
} port = { .rx = { .buf = rx_bytes, .bytes = USART_BYTES }, .tx = { .buf = tx_bytes, .bytes = USART_BYTES } };

void usart_init(void)
{
    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    RCC->AHB1ENR |= RCC_AHB1ENR_GPIO(0);
    (void)RCC->AHB1ENR;                 /* the first access after enabling may be lost without it (ES0182 §2.2.13) */
    GPIO(0)->PUPDR |= GPIO_PULL_UP << 2U * PIN_RX;
    EXTI->FTSR = RX_BIT;
    EXTI->IMR = RX_BIT;                 /* the NVIC's line stays off: only the pending bit is wanted */
}

/* Cycles since `from` when the line is first seen at `level`, LIMIT or more if that takes too long. */
static uint32_t line_becomes(uint32_t level, uint32_t from, uint32_t limit)
{
    uint32_t n;

    do {
        n = DWT_CYCCNT - from;
    } while ((GPIO(0)->IDR & RX_BIT) != level && n < limit);
    return n;
}

/* 0x7F with even parity is low for one bit, high for seven, low for one, and then stays high for two. Its start bit began at some
 * time in the `gap` since the last look: that is how exact the first nine bits can be checked (the differences may wrap).
 * Returns the length of the second pulse, a bit in cycles; 0: it was something else. */
static uint32_t measure(uint32_t gap)
{
    uint32_t from = port.looked;
    uint32_t high = line_becomes(RX_BIT, from, LIMIT);
    uint32_t fall = line_becomes(0, from, LIMIT);
    uint32_t rise = line_becomes(RX_BIT, from, LIMIT);
    uint32_t bit = rise - fall, half = bit / 2;

    if (rise >= LIMIT || bit < BIT_MIN || fall - (7 * bit + half) > gap + bit ||
        fall - high + gap - (6 * bit + half) > gap + bit || line_becomes(0, from + rise, bit + half) < bit + half) {
        return 0;
    }
    return bit;
}

/* The transmitter is on before the pin is its own: no glitch. */
static void open_at(uint32_t brr)
{
    struct gpio_regs *a = GPIO(0);

    USART1->CR1 = 0;
    USART1->BRR = brr;
    (void)USART1->SR;                   /* with DR's read below: what came at another rate is forgotten (§30.6.1) */
    (void)USART1->DR;
    USART1->CR1 = USART_CR1_UE | USART_CR1_M | USART_CR1_PCE | USART_CR1_TE | USART_CR1_RE;
    a->AFR[1] |= GPIO_AF_USART1 << 4U * (PIN_TX - 8U) | GPIO_AF_USART1 << 4U * (PIN_RX - 8U);
    a->MODER |= GPIO_MODE_AF << 2U * PIN_TX | GPIO_MODE_AF << 2U * PIN_RX;
}

/* At the rate that is set already, the receiver hears the 0x7F itself. */
static void synchronise(uint32_t bit)
{
    static const uint8_t sync = 0x7F;
    uint32_t brr = (bit + CYCLES_PER_TICK / 2) / CYCLES_PER_TICK, now = USART1->BRR;

    if (brr - now + now / 32 <= now / 16) return;
    ring_empty(&port.tx);               /* whoever listens at the new rate has asked for nothing yet */
    open_at(brr);
    (void)ring_put(&port.rx, &sync, 1);
}

static void look_for_sync(bool nobody)
{
    if ((EXTI->PR & RX_BIT) != 0) {
        uint32_t gap = DWT_CYCCNT - port.looked;    /* behind the look at PR: what takes its time in between belongs to it */
        uint32_t bit = nobody ? measure(gap) : 0;

        EXTI->PR = RX_BIT;
        if (bit != 0) synchronise(bit);
    }
    port.looked = DWT_CYCCNT;
}

void usart_poll(bool nobody)
{
    uint32_t sr;
    uint8_t byte;

    sr = USART1->SR;
    if ((sr & USART_SR_RXNE) != 0) {
        byte = (uint8_t)USART1->DR;     /* also clears the errors that SR has shown (§30.6.1) */
        if ((sr & SR_ERRORS) == 0) (void)ring_put(&port.rx, &byte, 1);
    }
    look_for_sync(nobody && (sr & USART_SR_RXNE) == 0);        /* the byte behind one just heard is no 0x7F, and must not wait */
    if ((sr & USART_SR_TXE) != 0 && ring_get(&port.tx, &byte, 1) != 0) USART1->DR = byte;
}

bool usart_readable(void)
{
    return ring_used(&port.rx) != 0;
}

bool usart_sent(void)
{
    return ring_used(&port.tx) == 0;
}

size_t usart_read(void *unused, uint8_t *out, size_t cap)
{
    (void)unused;
    return ring_get(&port.rx, out, cap);
}

size_t usart_write(void *unused, const uint8_t *p, size_t n)
{
    (void)unused;
    return ring_put(&port.tx, p, n);
}

size_t usart_room(void *unused)
{
    (void)unused;
    return ring_free(&port.tx);
}
