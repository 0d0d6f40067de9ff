/* SPDX-License-Identifier: MIT */
/* What every script may say: bytes as they are, keys, time, an opening, room, faults of the flash. */
#include "tests/fuzz/desk.h"

#define RAW_MAX 128U
#define KEY_MS 120U                     /* more than SERVE_KEY_MS on both sides */
#define ROOM_UNIT 8U

void op_raw(struct desk *d, struct input *in)
{
    size_t got;
    const uint8_t *p = take(in, take8(in) % RAW_MAX, &got);

    desk_put(d, p, got);
}

void op_key(struct desk *d, struct input *in)
{
    uint8_t key = take8(in);

    desk_wait(d, KEY_MS);
    desk_put(d, &key, 1);
    desk_settle(d);
    desk_wait(d, KEY_MS);
}

/* By milliseconds up to 127, then by quarters of a second up to half a minute. */
void op_time(struct desk *d, struct input *in)
{
    uint8_t t = take8(in);

    desk_wait(d, t < 128U ? t : (t - 127U) * 250U);
}

void op_open(struct desk *d, struct input *in)
{
    (void)in;
    serve_opened(&d->serve, d->now_ms);
}

/* The PC reads only so much between two steps. 0xFF: all. */
void op_room(struct desk *d, struct input *in)
{
    uint8_t room = take8(in);

    d->room = d->room_each = room == 0xFF ? SIZE_MAX / 2 : room * ROOM_UNIT;
}

void op_fault(struct desk *d, struct input *in)
{
    guard_fault(&d->guard, in);
}

void op_cut(struct desk *d, struct input *in)
{
    guard_cut(&d->guard, in);
}

void op_image(struct desk *d, struct input *in)
{
    guard_choose_image(&d->guard, take8(in));
    d->at = 0;
}
