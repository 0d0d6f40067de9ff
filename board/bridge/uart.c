/* SPDX-License-Identifier: MIT */
/* pty and USART, joined by a line that runs in virtual time. */
/* Sources: RM0090 §30.3.5 (a receiver tolerates a deviation of about 4 %) */
#include "board/bridge/uart.h"

#include <string.h>

#include "board/bridge/pty.h"
#include "board/xalloc.h"

#define QUEUE 4096U
#define TOLERANCE_PERCENT 4U

struct uart_bridge {
    struct chip *chip;
    struct usart *usart;
    struct pty *pty;
    struct line_end ear;                /* what the USART sends */
    struct line_format settings;        /* of the terminal */
    bool given;                         /* a format was asked for: the line has it whatever the USART is set to */
    struct line_format format;
    uint8_t queue[QUEUE];               /* from the terminal, waiting for the line */
    size_t queued;
    struct line_sender sender;
};

/* --- towards the chip ----------------------------------------------------------------------------------------------------- */

static struct line_format sent_format(const struct uart_bridge *b)
{
    struct line_format f = b->given ? b->format : usart_format(b->usart);

    f.baud = b->settings.baud;
    return f;
}

static void send_next(struct uart_bridge *b)
{
    struct line_format f = sent_format(b);

    if (b->queued > 0 && f.baud > 0 && !line_sending(&b->sender))
        line_send(&b->sender, usart_end(b->usart), b->queue[0], &f);
}

static void on_sent(void *owner)
{
    struct uart_bridge *b = owner;

    b->queued--;
    memmove(b->queue, b->queue + 1, b->queued);
    send_next(b);
    if (b->queued == QUEUE - 1U)
        pty_resume(b->pty);
}

static size_t room(void *owner)
{
    struct uart_bridge *b = owner;

    return QUEUE - b->queued;
}

static void on_bytes(void *owner, const uint8_t *data, size_t bytes)
{
    struct uart_bridge *b = owner;

    memcpy(b->queue + b->queued, data, bytes);
    b->queued += bytes;
    send_next(b);
}

/* --- from the chip ---------------------------------------------------------------------------------------------------------- */

static bool same_baud(uint32_t a, uint32_t b)
{
    uint64_t difference = a > b ? a - b : b - a;

    return difference * 100U <= (uint64_t)b * TOLERANCE_PERCENT;
}

static void on_frame(void *self, uint8_t byte, const struct line_format *sent_as)
{
    struct uart_bridge *b = self;
    struct line_format own = sent_format(b);

    if (!same_baud(sent_as->baud, own.baud) || sent_as->parity != own.parity || sent_as->data_bits != own.data_bits)
        byte = (uint8_t)~byte;          /* some wrong byte: which one depends on the ratio */
    pty_write(b->pty, &byte, 1);
}

/* --- the terminal -------------------------------------------------------------------------------------------------------------- */

static void on_settings(void *owner, const struct line_format *settings)
{
    struct uart_bridge *b = owner;

    b->settings = *settings;
    send_next(b);
}

static void nothing(void *owner)
{
    (void)owner;                        /* a UART line has no state that follows the terminal's */
}

struct uart_bridge *uart_bridge_new(struct chip *c, struct usart *usart, const char *link, const struct line_format *format)
{
    struct uart_bridge *b = xcalloc(1, sizeof *b);
    const struct pty_client client = { .owner = b, .opened = on_settings, .settings = on_settings, .room = room,
                                       .bytes = on_bytes, .drained = nothing, .closed = nothing };

    b->chip = c;
    b->usart = usart;
    b->ear = (struct line_end){ .self = b, .frame = on_frame };
    b->given = format != NULL;
    if (b->given)
        b->format = *format;
    line_sender_init(&b->sender, chip_sched(c), on_sent, b);
    b->pty = pty_new(c, link, &client);
    if (b->pty == NULL) {
        free(b);
        return NULL;
    }
    usart_connect(usart, &b->ear);
    return b;
}

void uart_bridge_free(struct uart_bridge *b)
{
    if (b == NULL)
        return;
    usart_connect(b->usart, NULL);
    line_sender_stop(&b->sender);
    pty_free(b->pty);
    free(b);
}
