/* SPDX-License-Identifier: MIT */
/* What the peer asks of the device: control requests, typed requests that become such, bulk and interrupt transfers. */
/* Sources: usbredir protocol 0.7; USB 2.0 §9.4 (standard requests), §9.4.5 (an endpoint's halt cleared: DATA0), §9.1.1.5
 * (SET_CONFIGURATION and SET_INTERFACE: DATA0) */
#include <string.h>

#include "board/bridge/usbredir_priv.h"
#include "board/xalloc.h"

#define BULK_MAX (1U << 20)
#define REQUESTS_MAX 4096U              /* cdc_acm has 33, but UHCI splits them into packets: 352 */
#define UNSENT_MAX (64U * 1024U)        /* a peer that does not read loses notifications beyond this */

#define CLEAR_FEATURE 1U
#define GET_CONFIGURATION 8U
#define SET_CONFIGURATION 9U
#define GET_INTERFACE 10U
#define SET_INTERFACE 11U
#define TO_ENDPOINT 0x02U               /* bmRequestType */
#define TO_INTERFACE 0x01U
#define FROM_INTERFACE 0x81U
#define FROM_DEVICE 0x80U

enum kind { CONTROL, CONFIGURATION, ALTERNATE };        /* how the answer is worded */

struct redir_request {
    struct usbredir *bridge;
    struct redir_request *next;
    uint64_t id;
    uint8_t *buf;
    /* control */
    enum kind kind;
    uint8_t setup[8];
    struct control_request *running;    /* NULL: waits for the device's address */
    /* bulk and interrupt OUT */
    uint8_t endpoint;
    uint8_t type;
    size_t bytes;
};

static uint8_t status_of(enum urb_status s)
{
    static const uint8_t status[] = { [URB_OK] = usb_redir_success, [URB_STALL] = usb_redir_stall,
                                      [URB_ERROR] = usb_redir_ioerror, [URB_TIMEOUT] = usb_redir_timeout,
                                      [URB_PROTOCOL] = usb_redir_ioerror };

    return status[s];
}

/* --- requests ------------------------------------------------------------------------------------------------------------- */

static struct redir_request *request_new(struct usbredir *u, struct redir_request **list, uint64_t id, size_t bytes)
{
    struct redir_request *r = xcalloc(1, sizeof *r);

    r->bridge = u;
    r->id = id;
    r->bytes = bytes;
    r->buf = xcalloc(1, bytes > 0 ? bytes : 1);
    while (*list != NULL)
        list = &(*list)->next;
    *list = r;
    u->requests++;
    return r;
}

static void request_free(struct redir_request **list, struct redir_request *r)
{
    while (*list != r)
        list = &(*list)->next;
    *list = r->next;
    r->bridge->requests--;
    free(r->buf);
    free(r);
}

/* --- answers -------------------------------------------------------------------------------------------------------------- */

static void answer_control(struct usbredir *u, const struct redir_request *r, uint8_t status, uint8_t *data, size_t bytes)
{
    const uint8_t *s = r->setup;
    bool in = (s[0] & 0x80U) != 0;
    struct usb_redir_control_packet_header h = {
        .endpoint = s[0] & 0x80U, .request = s[1], .requesttype = s[0], .status = status,
        .value = (uint16_t)(s[2] | s[3] << 8), .index = (uint16_t)(s[4] | s[5] << 8), .length = (uint16_t)bytes };

    usbredirparser_send_control_packet(u->parser, r->id, &h, in ? data : NULL, in ? (int)bytes : 0);
}

static void answer_typed(struct usbredir *u, const struct redir_request *r, uint8_t status, const uint8_t *data, size_t bytes)
{
    bool get = (r->setup[0] & 0x80U) != 0;
    uint8_t value = get && bytes > 0 ? data[0] : r->setup[2];

    if (r->kind == CONFIGURATION) {
        struct usb_redir_configuration_status_header h = { .status = status, .configuration = value };

        usbredirparser_send_configuration_status(u->parser, r->id, &h);
    } else {
        struct usb_redir_alt_setting_status_header h = { .status = status, .interface = r->setup[4], .alt = value };

        usbredirparser_send_alt_setting_status(u->parser, r->id, &h);
    }
}

static void answer(struct usbredir *u, const struct redir_request *r, uint8_t status, uint8_t *data, size_t bytes)
{
    if (u->parser == NULL)
        return;
    if (r->kind == CONTROL)
        answer_control(u, r, status, data, bytes);
    else
        answer_typed(u, r, status, data, bytes);
    redir_flush(u);
}

/* IN: buf holds what came. OUT: only the number goes back. */
static void answer_data(struct usbredir *u, const struct redir_request *r, uint8_t status, size_t bytes)
{
    bool in = (r->endpoint & 0x80U) != 0;
    uint8_t *data = in && bytes > 0 ? r->buf : NULL;
    struct usb_redir_bulk_packet_header bulk = { .endpoint = r->endpoint, .status = status, .length = (uint16_t)bytes,
                                                 .length_high = (uint16_t)(bytes >> 16) };
    struct usb_redir_interrupt_packet_header interrupt = { .endpoint = r->endpoint, .status = status,
                                                           .length = (uint16_t)bytes };

    if (u->parser == NULL)
        return;
    if (r->type == usb_redir_type_bulk)
        usbredirparser_send_bulk_packet(u->parser, r->id, &bulk, data, data != NULL ? (int)bytes : 0);
    else
        usbredirparser_send_interrupt_packet(u->parser, r->id, &interrupt, NULL, 0);
    redir_flush(u);
}

/* --- endpoint 0 ----------------------------------------------------------------------------------------------------------- */

/* What a request that has succeeded means for the other pipes. */
static void note_effect(struct usbredir *u, const uint8_t s[8])
{
    if (s[0] == TO_ENDPOINT && s[1] == CLEAR_FEATURE) {
        u->endpoints[redir_index(s[4])].pipe.data1 = false;
        return;
    }
    if (s[0] == 0 && s[1] == SET_CONFIGURATION)
        memset(u->alternates, 0, sizeof u->alternates);
    else if (s[0] == TO_INTERFACE && s[1] == SET_INTERFACE && s[4] < REDIR_INTERFACES)
        u->alternates[s[4]] = s[2];
    else
        return;
    redir_send_info(u);
    redir_endpoints_open(u, s[1] == SET_INTERFACE ? s[4] : REDIR_INTERFACES);
}

static void control_done(void *owner, struct control_request *c, enum urb_status status)
{
    struct redir_request *r = owner;
    struct usbredir *u = r->bridge;

    if (status == URB_OK)
        note_effect(u, r->setup);
    answer(u, r, status_of(status), c->data, status == URB_OK ? c->done : 0);
    request_free(&u->controls, r);
}

void redir_controls_run(struct usbredir *u)
{
    if (!u->addressed || u->resetting)
        return;
    for (struct redir_request *r = u->controls; r != NULL; r = r->next) {
        if (r->running == NULL)
            r->running = control_submit(usbhost_forward(u->host).control, r->setup, r->buf, r, control_done);
    }
}

static void submit_control(struct usbredir *u, uint64_t id, enum kind kind, const uint8_t setup[8], const uint8_t *data,
                           size_t bytes)
{
    struct redir_request refused = { .kind = kind };
    struct redir_request *r;

    memcpy(refused.setup, setup, 8);
    refused.id = id;
    if (!u->announced || u->requests >= REQUESTS_MAX || (setup[6] | setup[7] << 8) > (int)CONTROL_DATA_MAX) {
        answer(u, &refused, usb_redir_inval, NULL, 0);
        return;
    }
    r = request_new(u, &u->controls, id, CONTROL_DATA_MAX);
    r->kind = kind;
    memcpy(r->setup, setup, 8);
    if (bytes > 0)
        memcpy(r->buf, data, bytes);
    redir_controls_run(u);
}

/* The parser has compared data_len with the header: nothing for IN, length bytes for OUT. */
static void on_control(void *priv, uint64_t id, struct usb_redir_control_packet_header *h, uint8_t *data, int data_len)
{
    struct usbredir *u = priv;
    const uint8_t setup[8] = { h->requesttype, h->request, (uint8_t)h->value, (uint8_t)(h->value >> 8), (uint8_t)h->index,
                               (uint8_t)(h->index >> 8), (uint8_t)h->length, (uint8_t)(h->length >> 8) };

    submit_control(u, id, CONTROL, setup, data, data_len > 0 && data_len <= (int)CONTROL_DATA_MAX ? (size_t)data_len : 0);
    usbredirparser_free_packet_data(u->parser, data);
}

static void on_set_configuration(void *priv, uint64_t id, struct usb_redir_set_configuration_header *h)
{
    const uint8_t setup[8] = { 0, SET_CONFIGURATION, h->configuration };

    submit_control(priv, id, CONFIGURATION, setup, NULL, 0);
}

static void on_get_configuration(void *priv, uint64_t id)
{
    static const uint8_t setup[8] = { FROM_DEVICE, GET_CONFIGURATION, 0, 0, 0, 0, 1, 0 };

    submit_control(priv, id, CONFIGURATION, setup, NULL, 0);
}

static void on_set_alt_setting(void *priv, uint64_t id, struct usb_redir_set_alt_setting_header *h)
{
    const uint8_t setup[8] = { TO_INTERFACE, SET_INTERFACE, h->alt, 0, h->interface };

    submit_control(priv, id, ALTERNATE, setup, NULL, 0);
}

static void on_get_alt_setting(void *priv, uint64_t id, struct usb_redir_get_alt_setting_header *h)
{
    const uint8_t setup[8] = { FROM_INTERFACE, GET_INTERFACE, 0, 0, h->interface, 0, 1, 0 };

    submit_control(priv, id, ALTERNATE, setup, NULL, 0);
}

/* --- bulk, interrupt OUT -------------------------------------------------------------------------------------------------- */

static void run_endpoint(struct redir_endpoint *e)
{
    if (e->queue != NULL && !e->pipe.busy)
        urb_submit(&e->pipe, e->queue->buf, e->queue->bytes);
}

static void transfer_done(void *owner, enum urb_status status, size_t done)
{
    struct redir_endpoint *e = owner;

    answer_data(e->bridge, e->queue, status_of(status), done);
    request_free(&e->queue, e->queue);
    run_endpoint(e);
}

static void submit_transfer(struct usbredir *u, uint64_t id, uint8_t endpoint, uint8_t type, uint8_t *data, size_t bytes)
{
    struct redir_endpoint *e = &u->endpoints[redir_index(endpoint)];
    struct redir_request refused = { .id = id, .endpoint = endpoint, .type = type };
    struct redir_request *r;

    if (!u->announced || u->resetting || u->info.endpoints.type[redir_index(endpoint)] != type || e->pipe.bus == NULL
        || (type == usb_redir_type_interrupt && (endpoint & 0x80U)) || bytes > BULK_MAX || u->requests >= REQUESTS_MAX) {
        answer_data(u, &refused, usb_redir_inval, 0);
        return;
    }
    r = request_new(u, &e->queue, id, bytes);
    r->endpoint = endpoint;
    r->type = type;
    if (data != NULL)
        memcpy(r->buf, data, bytes);
    run_endpoint(e);
}

static void on_bulk(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data, int data_len)
{
    struct usbredir *u = priv;

    (void)data_len;
    submit_transfer(u, id, h->endpoint, usb_redir_type_bulk, data, (size_t)h->length | (size_t)h->length_high << 16);
    usbredirparser_free_packet_data(u->parser, data);
}

static void on_interrupt(void *priv, uint64_t id, struct usb_redir_interrupt_packet_header *h, uint8_t *data, int data_len)
{
    struct usbredir *u = priv;

    (void)data_len;
    submit_transfer(u, id, h->endpoint, usb_redir_type_interrupt, data, h->length);
    usbredirparser_free_packet_data(u->parser, data);
}

/* --- interrupt IN --------------------------------------------------------------------------------------------------------- */

static void receiving_status(struct usbredir *u, uint64_t id, uint8_t endpoint, uint8_t status)
{
    struct usb_redir_interrupt_receiving_status_header h = { .status = status, .endpoint = endpoint };

    if (u->parser == NULL)
        return;
    usbredirparser_send_interrupt_receiving_status(u->parser, id, &h);
    redir_flush(u);
}

static void poll_done(void *owner, enum urb_status status, size_t done)
{
    struct redir_endpoint *e = owner;
    struct usbredir *u = e->bridge;
    struct usb_redir_interrupt_packet_header h = { .endpoint = e->address, .status = usb_redir_success,
                                                   .length = (uint16_t)done };

    if (status != URB_OK) {
        e->polled = false;
        receiving_status(u, 0, e->address, status_of(status));
        return;
    }
    if (u->parser != NULL && usbredirparser_get_bufferered_output_size(u->parser) < UNSENT_MAX) {
        usbredirparser_send_interrupt_packet(u->parser, e->poll_id++, &h, e->poll_buf, (int)done);
        redir_flush(u);
    }
    urb_submit(&e->pipe, e->poll_buf, e->pipe.max_packet);
}

static void on_start_interrupt(void *priv, uint64_t id, struct usb_redir_start_interrupt_receiving_header *h)
{
    struct usbredir *u = priv;
    struct redir_endpoint *e = &u->endpoints[redir_index(h->endpoint)];
    bool fits = u->announced && !u->resetting && (h->endpoint & 0x80U) && e->pipe.bus != NULL
                && u->info.endpoints.type[redir_index(h->endpoint)] == usb_redir_type_interrupt;

    if (fits && !e->polled) {
        e->polled = true;
        e->poll_id = 0;
        urb_submit(&e->pipe, e->poll_buf, e->pipe.max_packet);
    }
    receiving_status(u, id, h->endpoint, fits ? usb_redir_success : usb_redir_inval);
}

static void stop_polling(struct redir_endpoint *e)
{
    if (e->polled)
        urb_cancel(&e->pipe);
    e->polled = false;
}

static void on_stop_interrupt(void *priv, uint64_t id, struct usb_redir_stop_interrupt_receiving_header *h)
{
    struct usbredir *u = priv;

    stop_polling(&u->endpoints[redir_index(h->endpoint)]);
    receiving_status(u, id, h->endpoint, usb_redir_success);
}

/* --- the end of requests -------------------------------------------------------------------------------------------------- */

static struct redir_request *find(struct redir_request *list, uint64_t id)
{
    while (list != NULL && list->id != id)
        list = list->next;
    return list;
}

static bool cancel_transfer(struct redir_endpoint *e, uint64_t id)
{
    struct redir_request *r = find(e->queue, id);

    if (r == NULL)
        return false;
    if (r == e->queue)
        urb_cancel(&e->pipe);
    answer_data(e->bridge, r, usb_redir_cancelled, r == e->queue ? e->pipe.done : 0);
    request_free(&e->queue, r);
    run_endpoint(e);
    return true;
}

/* An id that is not there any more has been answered, and that answer is on its way. */
static void on_cancel(void *priv, uint64_t id)
{
    struct usbredir *u = priv;
    struct redir_request *r = find(u->controls, id);

    for (unsigned i = 0; r == NULL && i < REDIR_ENDPOINTS; i++) {
        if (cancel_transfer(&u->endpoints[i], id))
            return;
    }
    if (r == NULL)
        return;
    if (r->running != NULL)
        control_cancel(usbhost_forward(u->host).control, r->running);
    answer(u, r, usb_redir_cancelled, NULL, 0);
    request_free(&u->controls, r);
}

static void fail_endpoint(struct redir_endpoint *e)
{
    if (e->pipe.bus != NULL)
        urb_cancel(&e->pipe);           /* also takes it out of the bus's list, in which an idle pipe stays */
    e->polled = false;
    while (e->queue != NULL) {
        answer_data(e->bridge, e->queue, usb_redir_ioerror, 0);
        request_free(&e->queue, e->queue);
    }
}

void redir_fail_all(struct usbredir *u)
{
    for (unsigned i = 0; i < REDIR_ENDPOINTS; i++)
        fail_endpoint(&u->endpoints[i]);
    while (u->controls != NULL) {
        struct redir_request *r = u->controls;

        if (u->addressed && r->running != NULL)
            control_cancel(usbhost_forward(u->host).control, r->running);
        answer(u, r, usb_redir_ioerror, NULL, 0);
        request_free(&u->controls, r);
    }
}

void redir_endpoints_open(struct usbredir *u, unsigned interface)
{
    const struct usbhost_forward f = usbhost_forward(u->host);
    const struct usb_redir_ep_info_header *info = &u->info.endpoints;

    for (unsigned i = 0; i < REDIR_ENDPOINTS; i++) {
        struct redir_endpoint *e = &u->endpoints[i];
        bool interrupt = info->type[i] == usb_redir_type_interrupt;
        uint16_t max_packet = info->max_packet_size[i];

        if (interface != REDIR_INTERFACES && info->interface[i] != interface)
            continue;
        fail_endpoint(e);
        e->bridge = u;
        e->address = (uint8_t)((i & 0x10U) << 3 | (i & 0x0FU));
        e->pipe.bus = NULL;
        if ((!interrupt && info->type[i] != usb_redir_type_bulk) || max_packet == 0 || max_packet > WIRE_MAX_PACKET)
            continue;
        urb_pipe_init(&e->pipe, f.bus, f.address, e->address, max_packet,
                      !interrupt ? 0 : info->interval[i] > 0 ? info->interval[i] : 1U);
        e->pipe.owner = e;
        e->pipe.complete = interrupt && (e->address & 0x80U) ? poll_done : transfer_done;
    }
}

void redir_transfer_callbacks(struct usbredirparser *p)
{
    p->control_packet_func = on_control;
    p->bulk_packet_func = on_bulk;
    p->interrupt_packet_func = on_interrupt;
    p->set_configuration_func = on_set_configuration;
    p->get_configuration_func = on_get_configuration;
    p->set_alt_setting_func = on_set_alt_setting;
    p->get_alt_setting_func = on_get_alt_setting;
    p->start_interrupt_receiving_func = on_start_interrupt;
    p->stop_interrupt_receiving_func = on_stop_interrupt;
    p->cancel_data_packet_func = on_cancel;
}
