/* SPDX-License-Identifier: MIT */
/* The native protocol's part of a script: frames whose CRCs are right, whatever is in them. */
#include <string.h>

#include "image/bytes.h"
#include "tests/fuzz/desk.h"

static void put_frame(struct desk *d, uint8_t type, const uint8_t *payload, size_t n)
{
    uint8_t frame[NATIVE_FRAME_MAX];

    desk_put(d, frame, native_encode(frame, sizeof frame, type, ++d->seq, payload, n));
}

void op_frame(struct desk *d, struct input *in)
{
    uint8_t type = take8(in), n = take8(in);
    size_t got;
    const uint8_t *p = take(in, n, &got);

    put_frame(d, type, p, got);
}

/* A request whose payload has the length that it must have. */
void op_request(struct desk *d, struct input *in)
{
    static const struct { uint8_t type, bytes; } requests[] = {
        { NATIVE_HELLO, 0 }, { NATIVE_DIGEST, 4 }, { NATIVE_FINISH, 0 }, { NATIVE_ABORT, 0 }, { NATIVE_REBOOT, 1 }, { NATIVE_READ, 8 },
    };
    uint8_t payload[8] = { 0 };
    size_t i = take8(in) % COUNT(requests);

    for (size_t at = 0; at < requests[i].bytes; at += 4U) store_le32(payload + at, take16(in));
    put_frame(d, requests[i].type, payload, requests[i].bytes);
}

/* The head of the image that is sent; the sectors from the script. */
void op_begin(struct desk *d, struct input *in)
{
    uint8_t payload[SEAL_HEAD_BYTES + 4U];

    memcpy(payload, d->guard.image, SEAL_HEAD_BYTES);
    store_le32(payload + SEAL_HEAD_BYTES, take8(in));
    put_frame(d, NATIVE_BEGIN, payload, sizeof payload);
    desk_settle(d);
}

static uint32_t put_data(struct desk *d, uint32_t offset, uint32_t n)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX] = { 0 };
    uint32_t there = offset < d->guard.image_bytes ? d->guard.image_bytes - offset : 0;

    if (n > NATIVE_DATA_MAX) n = NATIVE_DATA_MAX;
    store_le32(payload, offset);
    memcpy(payload + 4, d->guard.image + (there != 0 ? offset : 0), n < there ? n : there);
    put_frame(d, NATIVE_DATA, payload, n + 4U);
    return n;
}

/* What the device expects next, cut to the image's end. */
void op_data_next(struct desk *d, struct input *in)
{
    uint32_t next = session_status(&d->guard.session)->next, n = (take8(in) + 1U) * 4U;
    uint32_t there = next < d->guard.image_bytes ? d->guard.image_bytes - next : 4U;

    (void)put_data(d, next, n < there ? n : there);
}

void op_data_at(struct desk *d, struct input *in)
{
    uint32_t offset = take16(in);

    (void)put_data(d, offset, take16(in) % (NATIVE_DATA_MAX + 8U));
}

/* All that is left, sector by sector as the device asks for it. */
void op_data_all(struct desk *d, struct input *in)
{
    uint32_t most = (take8(in) | 0xFU) * 4U;

    for (unsigned i = 0; i < 300U; i++) {
        uint32_t next = session_status(&d->guard.session)->next;
        uint32_t in_sector = next < 1024U ? 1024U - next : next < 3072U ? 3072U - next : GUARD_BYTES - next;
        uint32_t n = most < in_sector ? most : in_sector;

        if (next >= d->guard.image_bytes) break;
        if (n > d->guard.image_bytes - next) n = d->guard.image_bytes - next;
        (void)put_data(d, next, n);
        desk_settle(d);
        if (session_status(&d->guard.session)->next == next) break;
    }
}
