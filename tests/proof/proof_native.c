/* SPDX-License-Identifier: MIT */
/* WP over proto/native.c: each function keeps the receiver's invariant, so any sequence of calls does. Any bytes, any lengths, any times. */
/* Assumptions: load_le16 is p[0] + 256 * p[1] (tests/unit/test_bytes.c tries all); the CRCs and stores touch what bytes.h says; the input lies
 * apart from the receiver; the payload to be encoded lies apart from the frame (if it is in its place, nothing is copied). */
#include "proto/native.h"

enum verdict;
/*@
  predicate held(struct native_rx *rx) = \valid(rx) && rx->have <= NATIVE_FRAME_MAX;
  logic integer length(struct native_rx *rx) = rx->buf[4] + 256 * rx->buf[5];
  logic integer end(struct native_rx *rx) = NATIVE_HEADER_BYTES + length(rx);
  predicate checked(struct native_rx *rx) = held(rx) && (rx->checked == 0 ||
    (2 <= rx->checked <= rx->have && rx->checked <= end(rx) && NATIVE_HEADER_BYTES <= rx->have && length(rx) <= NATIVE_PAYLOAD_MAX));
  predicate whole(struct native_rx *rx) = checked(rx) && rx->checked > 0 && rx->have >= end(rx) + NATIVE_TRAILER_BYTES;
  predicate partial(struct native_rx *rx) = checked(rx) &&
    (rx->have >= NATIVE_HEADER_BYTES ==> rx->checked > 0 && rx->have < end(rx) + NATIVE_TRAILER_BYTES);
  predicate settled(struct native_rx *rx) = rx->whole ? whole(rx) : partial(rx);
*/
/*@ requires \valid_read(frame + (0 .. 5)); assigns \nothing; ensures \result == NATIVE_HEADER_BYTES + frame[4] + 256 * frame[5]; */
static uint32_t body_end(const uint8_t *frame);
/*@ requires 1 <= n && \valid_read(p + (0 .. n - 1)); assigns \nothing;
    ensures \result && n >= NATIVE_HEADER_BYTES ==> p[4] + 256 * p[5] <= NATIVE_PAYLOAD_MAX; */
static bool header_plausible(const uint8_t *p, size_t n);
/*@ requires checked(rx);
    assigns rx->crc, rx->checked;
    ensures \result == 0 ==> partial(rx);
    ensures \result == 1 ==> whole(rx);
    ensures \result == 2 ==> rx->have > 0;
    ensures held(rx) && 0 <= \result <= 2; */
static enum verdict judge(struct native_rx *rx);
/*@ requires held(rx) && n <= rx->have;
    assigns rx->buf[0 .. NATIVE_FRAME_MAX - 1], rx->have, rx->checked;
    ensures checked(rx) && rx->have == \old(rx->have) - n && rx->checked == 0; */
static void drop(struct native_rx *rx, size_t n);
/*@ requires held(rx) && rx->have > 0;
    assigns rx->buf[0 .. NATIVE_FRAME_MAX - 1], rx->have, rx->checked, rx->damaged;
    ensures checked(rx) && rx->have < \old(rx->have) && rx->checked == 0; */
static void give_up(struct native_rx *rx);
/*@ requires checked(rx);
    assigns rx->buf[0 .. NATIVE_FRAME_MAX - 1], rx->have, rx->checked, rx->damaged, rx->crc, rx->whole;
    ensures settled(rx) && rx->have <= \old(rx->have); */
static void settle(struct native_rx *rx);
/*@ requires partial(rx); assigns \nothing; ensures 0 < \result <= NATIVE_FRAME_MAX - rx->have;
   ensures rx->have < 8 ==> rx->have + \result <= 8 && rx->checked == 0;
   ensures rx->have >= 8 ==> rx->have + \result == end(rx) + 4; */
static size_t missing(const struct native_rx *rx);

/*@ requires \valid(rx); assigns *rx; ensures settled(rx); */
void native_rx_init(struct native_rx *rx);
/*@ requires settled(rx) && (n == 0 || \valid_read(in + (0 .. n - 1))) && \separated(rx, in + (0 .. n - 1));
    assigns *rx; ensures settled(rx) && \result <= n; ensures \result < n ==> rx->whole; */
size_t native_rx_feed(struct native_rx *rx, const uint8_t *in, size_t n, uint32_t now_ms);
/*@ requires settled(rx); assigns *rx; ensures settled(rx); */
void native_rx_tick(struct native_rx *rx, uint32_t now_ms);
/*@ requires settled(rx) && \valid(out) && \separated(rx, out); assigns *out;
    ensures \result ==> out->length <= NATIVE_PAYLOAD_MAX && \valid_read(out->payload + (0 .. out->length - 1)); */
bool native_rx_frame(const struct native_rx *rx, struct native_frame *out);
/*@ requires settled(rx); assigns *rx; ensures settled(rx); */
void native_rx_release(struct native_rx *rx);
/*@ requires \valid_read(rx); assigns \nothing; */
bool native_rx_empty(const struct native_rx *rx);
/*@ requires cap == 0 || \valid(out + (0 .. cap - 1));
    requires n == 0 || n > NATIVE_PAYLOAD_MAX || \valid_read(payload + (0 .. n - 1));
    requires n == 0 || n > NATIVE_PAYLOAD_MAX || \separated(payload + (0 .. n - 1), out + (0 .. cap - 1));
    assigns out[0 .. cap - 1]; ensures \result <= cap; */
size_t native_encode(uint8_t *out, size_t cap, uint8_t type, uint8_t seq, const uint8_t *payload, size_t n);

#include "proto/native.c"
