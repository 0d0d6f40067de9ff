/* SPDX-License-Identifier: MIT */
/* The virtual machine's end of a usbredir connection, played by libusbredirparser, and a socket between it and the bridge. */
/* Sources: usbredir protocol 0.7 */
#include "tests/board/redir_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 1000U

/* --- the virtual machine's end --------------------------------------------------------------------------------------------- */

static int peer_read(void *priv, uint8_t *data, int count)
{
    struct redir_fixture *r = priv;
    ssize_t n = recv(r->fd, data, (size_t)count, MSG_DONTWAIT);

    return n > 0 ? (int)n : 0;
}

static int peer_write(void *priv, uint8_t *data, int count)
{
    struct redir_fixture *r = priv;

    ssize_t n = send(r->fd, data, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n > 0 ? (int)n : 0;
}

static void peer_log(void *priv, int level, const char *msg)
{
    (void)priv;
    if (level <= usbredirparser_warning)
        fprintf(stderr, "peer: %s\n", msg);
}

static void on_hello(void *priv, struct usb_redir_hello_header *h)
{
    (void)priv;
    (void)h;
}

static void on_connect(void *priv, struct usb_redir_device_connect_header *h)
{
    struct redir_fixture *r = priv;

    r->connects++;
    r->device = *h;
}

static void on_disconnect(void *priv)
{
    struct redir_fixture *r = priv;

    r->disconnects++;
}

static void on_interfaces(void *priv, struct usb_redir_interface_info_header *h)
{
    struct redir_fixture *r = priv;

    r->interfaces = *h;
}

static void on_endpoints(void *priv, struct usb_redir_ep_info_header *h)
{
    struct redir_fixture *r = priv;

    r->endpoints = *h;
}

static void note(struct redir_fixture *r, uint64_t id, uint8_t status, size_t bytes, uint8_t *data)
{
    struct reply *a = &r->replies[r->answers % ANSWERS_MAX];

    *a = (struct reply){ .id = id, .status = status, .bytes = bytes };
    if (data != NULL)
        memcpy(a->data, data, bytes < sizeof a->data ? bytes : sizeof a->data);
    usbredirparser_free_packet_data(r->parser, data);
    r->answers++;
}

static void on_configuration(void *priv, uint64_t id, struct usb_redir_configuration_status_header *h)
{
    note(priv, id, h->status, h->configuration, NULL);
}

static void on_alternate(void *priv, uint64_t id, struct usb_redir_alt_setting_status_header *h)
{
    note(priv, id, h->status, h->alt, NULL);
}

static void on_receiving(void *priv, uint64_t id, struct usb_redir_interrupt_receiving_status_header *h)
{
    struct redir_fixture *r = priv;

    (void)id;
    assert_int_equal(h->status, usb_redir_success);
    r->receiving++;
}

static void on_control(void *priv, uint64_t id, struct usb_redir_control_packet_header *h, uint8_t *data, int bytes)
{
    (void)bytes;
    note(priv, id, h->status, h->length, data);
}

static void on_bulk(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data, int bytes)
{
    (void)bytes;
    note(priv, id, h->status, h->length, data);
}

static void on_interrupt(void *priv, uint64_t id, struct usb_redir_interrupt_packet_header *h, uint8_t *data, int bytes)
{
    (void)bytes;
    note(priv, id, h->status, h->length, data);
}

static void peer_greet(struct redir_fixture *r)
{
    uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };
    struct usbredirparser *p = usbredirparser_create();

    p->priv = r;
    p->log_func = peer_log;
    p->read_func = peer_read;
    p->write_func = peer_write;
    p->hello_func = on_hello;
    p->device_connect_func = on_connect;
    p->device_disconnect_func = on_disconnect;
    p->interface_info_func = on_interfaces;
    p->ep_info_func = on_endpoints;
    p->configuration_status_func = on_configuration;
    p->alt_setting_status_func = on_alternate;
    p->interrupt_receiving_status_func = on_receiving;
    p->control_packet_func = on_control;
    p->bulk_packet_func = on_bulk;
    p->interrupt_packet_func = on_interrupt;
    usbredirparser_caps_set_cap(caps, usb_redir_cap_connect_device_version);
    usbredirparser_caps_set_cap(caps, usb_redir_cap_ep_info_max_packet_size);
    usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
    usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
    usbredirparser_init(p, "test", caps, USB_REDIR_CAPS_SIZE, 0);
    r->parser = p;
}

void peer_listen(struct redir_fixture *r)
{
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)(void *)&r->address, sizeof r->address), 0);
    assert_int_equal(listen(r->listener, 1), 0);
}

void peer_hang_up(struct redir_fixture *r)
{
    if (r->parser != NULL)
        usbredirparser_destroy(r->parser);
    r->parser = NULL;
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    if (r->listener >= 0)
        (void)close(r->listener);
    r->listener = -1;
    (void)unlink(r->address.sun_path);
}

static void serve_peer(struct redir_fixture *r)
{
    if (r->fd < 0 && r->listener >= 0) {
        r->fd = accept(r->listener, NULL, NULL);
        if (r->fd >= 0)
            peer_greet(r);
    }
    if (r->parser == NULL)
        return;
    assert_int_equal(usbredirparser_do_write(r->parser), 0);
    assert_int_equal(usbredirparser_do_read(r->parser), 0);
}

/* --- both ends --------------------------------------------------------------------------------------------------------------- */

void redir_spin(struct redir_fixture *r, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        serve_peer(r);
        fake_poll(r->usb->chip, 0);
        run_ms(r->usb, 1);
    }
    serve_peer(r);
}

void redir_spin_until(struct redir_fixture *r, const unsigned *counter, unsigned wanted)
{
    for (unsigned i = 0; i < WAIT_MS && *counter < wanted; i++)
        redir_spin(r, 1);
    assert_int_equal(*counter, wanted);
}

const struct reply *answer_to(struct redir_fixture *r, uint64_t id)
{
    for (unsigned ms = 0; ms < WAIT_MS; ms++) {
        for (unsigned i = 0; i < r->answers; i++) {
            if (r->replies[i].id == id)
                return &r->replies[i];
        }
        redir_spin(r, 1);
    }
    fail_msg("request %u is not answered", (unsigned)id);
    return NULL;
}

int redir_setup(void **state)
{
    struct redir_fixture *r = calloc(1, sizeof *r);
    struct usbhost_options options = { .forward = true };
    void *usb = NULL;

    usb_setup(&usb);
    r->usb = usb;
    usbhost_free(r->usb->host);
    r->usb->host = usbhost_new(r->usb->chip, otg_fs_wire(r->usb->otg), &options);
    otg_fs_connect_host(r->usb->otg, usbhost_wire(r->usb->host));
    snprintf(r->dir, sizeof r->dir, "/tmp/vcpXXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->address.sun_family = AF_UNIX;
    snprintf(r->address.sun_path, sizeof r->address.sun_path, "%s/usb", r->dir);
    r->fd = r->listener = -1;
    r->bridge = usbredir_new(r->usb->chip, r->usb->host, r->address.sun_path);
    *state = r;
    return 0;
}

int redir_teardown(void **state)
{
    struct redir_fixture *r = *state;
    void *usb = r->usb;
    int result;

    usbredir_free(r->bridge);
    result = usb_teardown(&usb);
    peer_hang_up(r);
    if (rmdir(r->dir) != 0)
        result = -1;
    free(r);
    return result;
}

/* A device announced to a peer. */
struct redir_fixture *announced(void **state)
{
    struct redir_fixture *r = *state;

    peer_listen(r);
    dev_start(&r->usb->dev);
    redir_spin_until(r, &r->connects, 1);
    return r;
}

void set_configuration(struct redir_fixture *r, uint64_t id)
{
    struct usb_redir_set_configuration_header h = { .configuration = 1 };

    usbredirparser_send_set_configuration(r->parser, id, &h);
    assert_int_equal(answer_to(r, id)->status, usb_redir_success);
    assert_int_equal(answer_to(r, id)->bytes, 1);
}

struct redir_fixture *configured(void **state)
{
    struct redir_fixture *r = announced(state);

    set_configuration(r, 1);
    return r;
}

void get_descriptor(struct redir_fixture *r, uint64_t id, uint8_t type)
{
    struct usb_redir_control_packet_header h = { .endpoint = 0x80, .request = 6, .requesttype = 0x80,
                                                 .value = (uint16_t)(type << 8), .length = 64 };

    usbredirparser_send_control_packet(r->parser, id, &h, NULL, 0);
}

void bulk(struct redir_fixture *r, uint64_t id, uint8_t endpoint, uint8_t *data, size_t bytes)
{
    struct usb_redir_bulk_packet_header h = { .endpoint = endpoint, .length = (uint16_t)bytes };

    usbredirparser_send_bulk_packet(r->parser, id, &h, data, data != NULL ? (int)bytes : 0);
}
