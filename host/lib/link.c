/* SPDX-License-Identifier: MIT */
/* The session core over a port: moves bytes until a request or an update has ended. */
#include "host/lib/handle.h"

#define SLICE_MS 50U                    /* how long a cancellation may go unnoticed */
#define CHUNK_BYTES 4096U

/* Bytes that the core gave and the port has not taken yet. */
struct outbox { uint8_t bytes[CHUNK_BYTES]; size_t n, at; };

static int take_in(struct vcpboot *v)
{
    uint8_t in[CHUNK_BYTES];
    long got;

    while ((got = port_read(v->port, in, sizeof in)) > 0) {
        client_input(&v->client, in, (size_t)got, port_now_ms());
        if ((size_t)got < sizeof in) return VCPBOOT_OK;
    }
    return got < 0 ? LINK_LOST : VCPBOOT_OK;
}

static int give_out(struct vcpboot *v, struct outbox *o)
{
    for (;;) {
        if (o->at == o->n) {
            o->at = 0;
            o->n = client_output(&v->client, o->bytes, sizeof o->bytes, port_now_ms());
            if (o->n == 0) return VCPBOOT_OK;
        }
        long done = port_write(v->port, o->bytes + o->at, o->n - o->at);
        if (done < 0) return LINK_LOST;
        if (done == 0) return VCPBOOT_OK;
        o->at += (size_t)done;
    }
}

int link_run(struct vcpboot *v)
{
    struct client *c = &v->client;
    struct outbox o = { .n = 0 };
    int code = VCPBOOT_OK;

    while (code == VCPBOOT_OK && c->state == CLIENT_BUSY) {
        if (progress_cancelled(v)) return VCPBOOT_E_CANCELLED;
        code = give_out(v, &o);
        if (code != VCPBOOT_OK) break;
        uint32_t wait_ms = client_wait_ms(c, port_now_ms());
        port_wait(v->port, o.at < o.n, wait_ms < SLICE_MS ? wait_ms : SLICE_MS);
        code = take_in(v);
        client_tick(c, port_now_ms());
        if (code == VCPBOOT_OK && v->streaming) code = progress_transfer(v);
    }
    /* The answer may have come with the port's last breath (REBOOT). */
    return code == LINK_LOST && c->state == CLIENT_DONE ? VCPBOOT_OK : code;
}

int link_request(struct vcpboot *v)
{
    int code = link_run(v);

    if (code != VCPBOOT_OK || v->client.state == CLIENT_DONE) return code;
    switch (v->client.failure) {
    case CLIENT_E_REFUSED: return text_refused(&v->fault, &v->client.status);
    case CLIENT_E_GARBLED:
        return fault_set(&v->fault, VCPBOOT_E_REFUSED,
                         "The device on %s gave an answer that makes no sense: update vcpboot on this PC.", v->path);
    default: return LINK_SILENT;
    }
}

bool link_wait_gone(struct vcpboot *v, uint32_t timeout_ms)
{
    uint8_t in[256];
    uint32_t since = port_now_ms();

    while (port_now_ms() - since < timeout_ms && !progress_cancelled(v)) {
        port_wait(v->port, false, SLICE_MS);
        if (port_read(v->port, in, sizeof in) < 0) return true;
    }
    return false;
}

int link_nap(struct vcpboot *v, uint32_t ms)
{
    uint32_t since = port_now_ms();

    while (port_now_ms() - since < ms && !progress_cancelled(v)) port_sleep_ms(SLICE_MS);
    return progress_cancelled(v) ? VCPBOOT_E_CANCELLED : VCPBOOT_OK;
}
