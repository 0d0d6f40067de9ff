/* SPDX-License-Identifier: MIT */
/* Sends the application back by YMODEM to a receiver who calls for it. */
/* Sources: docs/SPEC.md section 6; AN4657 ("upload") */
#include "boot/serve_parts.h"

static enum update_err may_send(const struct serve *s, const struct seal_info *seal)
{
    if ((s->set.self.capabilities & NATIVE_CAP_READ) == 0) {
        return UPDATE_E_DENIED;
    }
    return seal->kind == SEAL_BLANK ? UPDATE_E_STATE : UPDATE_OK;
}

void serve_send_wait(struct serve *s)
{
    const struct seal_area *where = s->set.where;
    struct seal_info seal;
    enum update_err err;

    if (session_active(s->set.session)) {
        return;                         /* what the last client began still ends: a receiver calls again */
    }
    serve_installed(s, &seal);
    err = may_send(s, &seal);
    if (err != UPDATE_OK) {
        serve_ymodem_refuse(s, err);
        return;
    }
    ym_send_init(&s->sender, where->base, seal.kind == SEAL_PRESENT ? seal.length : where->bytes, s->now_ms);
    serve_ymodem_hush(s);
    s->client = SERVE_SENDING;
}

void serve_send_start(struct serve *s, bool streaming)
{
    uint8_t call = streaming ? YM_STREAM : YM_CRC;

    serve_send_wait(s);
    if (s->client == SERVE_SENDING) {
        ym_send_feed(&s->sender, &call, 1, s->now_ms);
    }
}

size_t serve_send_feed(struct serve *s, const uint8_t *p, size_t n)
{
    size_t took = ym_send_feed(&s->sender, p, n, s->now_ms);

    if (took == 0) {
        serve_release(s);
    }
    return took;
}

void serve_send_poll(struct serve *s)
{
    if (s->client != SERVE_SENDING || serve_room(s) < YM_WIRE_MAX) {
        return;
    }
    serve_send(s, s->out, ym_send_output(&s->sender, s->out, flash_read, s->now_ms));
    if (ym_send_over(&s->sender)) {
        serve_release(s);
        serve_ymodem_call(s);           /* who updates next need not open the port anew */
    }
}
