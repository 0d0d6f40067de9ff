/* SPDX-License-Identifier: MIT */
/* Frames on an asynchronous line: as bits, and as edges in virtual time. */
/* Sources: RM0090 §30.3.1 "USART character description", §30.3.7 "Parity control" */
#include "board/bridge/line.h"

bool line_odd_ones(uint32_t bits)
{
    unsigned ones = 0;

    for (; bits != 0; bits &= bits - 1U)
        ones++;
    return ones % 2U != 0;
}

uint32_t line_bits(uint8_t byte, const struct line_format *f)
{
    uint32_t data = byte & ((1U << f->data_bits) - 1U);
    uint32_t parity = f->parity == LINE_PARITY_NONE ? 1U : line_odd_ones(data) == (f->parity == LINE_PARITY_EVEN) ? 1U : 0U;

    return (data | parity << f->data_bits | ~0U << (f->data_bits + 1U)) << 1;
}

unsigned line_frame_bits(const struct line_format *f)
{
    return 1U + f->data_bits + (f->parity != LINE_PARITY_NONE ? 1U : 0U) + f->stop_bits;
}

vtime line_bits_time(const struct line_format *f, unsigned bits)
{
    return VTIME_MS(1000) * bits / f->baud;
}

bool line_parse_format(const char *text, struct line_format *f)
{
    static const char parities[] = { [LINE_PARITY_NONE] = 'n', [LINE_PARITY_ODD] = 'o', [LINE_PARITY_EVEN] = 'e' };
    unsigned parity = 0;

    if ((text[0] != '7' && text[0] != '8') || text[1] == '\0' || (text[2] != '1' && text[2] != '2') || text[3] != '\0')
        return false;
    while (parity < sizeof parities && parities[parity] != text[1])
        parity++;
    if (parity == sizeof parities)
        return false;
    f->data_bits = (uint8_t)(text[0] - '0');
    f->parity = (enum line_parity)parity;
    f->stop_bits = (uint8_t)(text[2] - '0');
    return true;
}

/* --- a sender ------------------------------------------------------------------------------------------------------- */

static bool bit_is_high(const struct line_sender *s, unsigned bit)
{
    return (line_bits(s->byte, &s->format) >> bit & 1U) != 0;
}

/* Only bits that begin with an edge, and the end, are worth an event. */
static void wait_for_edge(struct line_sender *s)
{
    unsigned now = s->at, end = line_frame_bits(&s->format);

    while (s->at < end && bit_is_high(s, s->at) == bit_is_high(s, now))
        s->at++;
    sched_at(s->sched, &s->next, s->began + line_bits_time(&s->format, s->at));
}

static void show_level(const struct line_sender *s)
{
    if (s->to->level != NULL)
        s->to->level(s->to->self, bit_is_high(s, s->at));
}

static void bit_begins(void *owner)
{
    struct line_sender *s = owner;

    if (s->at == line_frame_bits(&s->format)) {
        s->to->frame(s->to->self, s->byte, &s->format);
        s->sent(s->owner);
        return;
    }
    show_level(s);
    wait_for_edge(s);
}

void line_sender_init(struct line_sender *s, struct sched *sched, void (*sent)(void *owner), void *owner)
{
    *s = (struct line_sender){ .sched = sched, .sent = sent, .owner = owner, .next = { .fire = bit_begins, .owner = s } };
}

void line_send(struct line_sender *s, const struct line_end *to, uint8_t byte, const struct line_format *f)
{
    s->to = to;
    s->byte = byte;
    s->format = *f;
    s->at = 0;
    s->began = s->sched->now;
    show_level(s);
    wait_for_edge(s);
}

void line_sender_stop(struct line_sender *s)
{
    sched_cancel(s->sched, &s->next);
}
