/* SPDX-License-Identifier: MIT */
/* WP over proto/ymodem.c: each function keeps the receiver's invariant, so any sequence of calls does. Any bytes, any lengths, any times. */
/* Assumptions: memcpy does as C11 says, ym_crc16 touches what bytes.h says; input and output lie apart from the receiver;
 * one ym_feed brings less than 2 GB. */
#include "proto/ymodem.c"

#define HELD y->state, y->event, y->have, y->cans, y->errors, y->silences, y->purging
#define SAID y->out[0 .. 15], y->out_len

/*@
  predicate sized(struct ym *y) = y->want == 133 || y->want == 1029;
  predicate base(struct ym *y) = \valid(y) && y->out_len <= 16 && y->state <= ST_CANCELLED;
  predicate sane(struct ym *y) = base(y) && (y->have > 0 ==> y->have < y->want) &&
    (y->have > 0 || y->event == YM_FILE || y->event == YM_BLOCK ==> sized(y));
*/
/*@ requires base(y); assigns SAID; ensures base(y); */
static void say(struct ym *y, uint8_t byte);
/*@ requires \valid_read(y); assigns \nothing; */
static uint8_t call_of(const struct ym *y);
/*@ requires base(y); assigns SAID; ensures base(y); */
static void say_cancel(struct ym *y);
/*@ requires \valid(y) && 0 <= state <= ST_CANCELLED; assigns HELD;
    ensures y->state == state && y->event == YM_NONE && y->have == 0; */
static void enter(struct ym *y, enum state state);
/*@ requires base(y); assigns HELD, SAID; ensures base(y) && y->event == YM_NONE && y->have == 0; */
static void refuse(struct ym *y);
/*@ requires base(y); assigns HELD; ensures base(y) && y->event == YM_NONE && y->have == 0; */
static void ended_by_sender(struct ym *y);
/*@ requires \valid(y) && 0 <= event <= YM_CANCELLED; assigns y->event; ensures y->event == event; */
static void raise(struct ym *y, enum ym_event event);
/*@ requires base(y); assigns HELD, SAID;
    ensures base(y) && y->have == 0 && (y->event == YM_NONE || y->event == \old(y->event)); */
static void purge(struct ym *y);
/*@ requires base(y); assigns HELD, SAID;
    ensures base(y) && y->have == 0 && (y->event == YM_NONE || y->event == \old(y->event)); */
static void complain(struct ym *y);
/*@ requires base(y); assigns SAID; ensures base(y); */
static void acknowledge(struct ym *y);
/*@ requires base(y); assigns y->expected, y->errors, y->silences, y->state, SAID; ensures base(y); */
static void acknowledge_data(struct ym *y);
/*@ requires \valid(y) && 1 <= n <= YM_BLOCK_MAX && \valid_read(p + (0 .. n - 1)) && \separated(&y->file, p + (0 .. n - 1));
    assigns y->file; */
static void parse_file(struct ym *y, const uint8_t *p, size_t n);
/*@ requires base(y) && y->have == 0 && sized(y) && p == &y->buf[3] && n == y->want - 5;
    assigns HELD, SAID, y->file; ensures sane(y); */
static void take_header(struct ym *y, const uint8_t *p, size_t n);
/*@ requires \valid_read(y) && sized(y); assigns \nothing; ensures \result == y->want - 5; */
static size_t block_bytes(const struct ym *y);
/*@ requires \valid_read(y) && sized(y); assigns \nothing; ensures \result <= y->want - 5; */
static size_t useful_bytes(const struct ym *y);
/*@ requires \valid(y); assigns y->file, y->event; ensures y->event == YM_FILE; */
static void take_undescribed(struct ym *y);
/*@ requires base(y) && sized(y); assigns HELD, SAID, y->file, y->expected; ensures sane(y); */
static void take_block(struct ym *y);
/*@ requires sane(y) && y->have == 0; assigns HELD, SAID; ensures sane(y); */
static void take_eot(struct ym *y);
/*@ requires sane(y) && y->have == 0 && y->event == YM_NONE;
    assigns HELD, SAID, y->buf[0], y->want, y->crc; ensures sane(y); */
static void take_start(struct ym *y, uint8_t byte);
/*@ requires \valid(y); assigns y->cans; */
static void take_junk(struct ym *y, uint8_t byte);
/*@ requires sane(y) && y->have > 0 && n >= 1 && \valid_read(in + (0 .. n - 1)) && \separated(y, in + (0 .. n - 1));
    assigns *y; ensures sane(y) && 1 <= \result <= n; */
static size_t take_body(struct ym *y, const uint8_t *in, size_t n);
/*@ requires sane(y) && y->event == YM_NONE && n >= 1 && \valid_read(in + (0 .. n - 1)) && \separated(y, in + (0 .. n - 1));
    assigns *y; ensures sane(y) && 1 <= \result <= n; */
static size_t take(struct ym *y, const uint8_t *in, size_t n);
/*@ requires sane(y) && y->state < ST_REFUSED; assigns HELD, SAID; ensures sane(y); */
static void tick_silent(struct ym *y);
/*@ requires sane(y) && y->state < ST_DONE; assigns HELD, SAID; ensures sane(y); */
static bool tick_state(struct ym *y, uint32_t quiet);
/*@ requires sane(y) && y->event == YM_FILE; assigns HELD, SAID, y->in_batch, y->expected, y->received; ensures sane(y); */
static void accept_file(struct ym *y, bool described);
/*@ requires sane(y); assigns HELD, SAID; ensures sane(y); */
static void accept_end(struct ym *y, bool described);

/*@ requires \valid(y); assigns *y; ensures sane(y); */
void ym_init(struct ym *y, uint32_t now_ms);
/*@ assigns \nothing; */
bool ym_starts_with(uint8_t byte);
/*@ requires sane(y) && \valid_read(in + (0 .. n - 1)) && \separated(y, in + (0 .. n - 1)); requires n <= INT32_MAX;
    assigns *y; ensures sane(y) && \result <= n; */
size_t ym_feed(struct ym *y, const uint8_t *in, size_t n, uint32_t now_ms);
/*@ requires sane(y); assigns *y; ensures sane(y); */
void ym_tick(struct ym *y, uint32_t now_ms);
/*@ requires sane(y) && \valid(block) && \valid(len) && \separated(y, block, len); assigns *block, *len;
    ensures \result == YM_BLOCK && y->event == YM_BLOCK ==> *len <= YM_BLOCK_MAX && \valid_read(*block + (0 .. *len - 1)); */
enum ym_event ym_poll(struct ym *y, const uint8_t **block, size_t *len);
/*@ requires sane(y); assigns *y; ensures sane(y); */
void ym_accept(struct ym *y);
/*@ requires sane(y); assigns *y; ensures sane(y); */
void ym_taken(struct ym *y);
/*@ requires sane(y); assigns *y; ensures sane(y); */
void ym_reject(struct ym *y);
/*@ requires sane(y) && \valid(out + (0 .. cap - 1)) && \separated(y, out + (0 .. cap - 1));
    assigns SAID, out[0 .. cap - 1]; ensures sane(y) && \result <= cap; */
size_t ym_output(struct ym *y, uint8_t *out, size_t cap);
