/* SPDX-License-Identifier: MIT */
/* The connection to the virtual machine, and the device that comes and goes on it. */
/* Sources: usbredir protocol 0.7; QEMU hw/usb/redirect.c (interface_info and ep_info are wanted before device_connect and before
 * configuration_status; an address is given by the host side itself); unix(7) */
#include "board/bridge/usbredir_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board/xalloc.h"

#define TRY_AGAIN VTIME_MS(100)
#define RESET_LIMIT VTIME_MS(2000)      /* a device that has not come back by then is gone */
#define UNSENT_PAUSE (256U * 1024U)     /* with so much unsent, nothing more is taken from the peer */

/* --- the device, towards the peer ------------------------------------------------------------------------------------------ */

void redir_send_info(struct usbredir *u)
{
    const struct usbhost_forward f = usbhost_forward(u->host);

    redir_info_read(&u->info, f.device, f.config, f.config_bytes, u->alternates);
    if (u->parser == NULL)
        return;
    usbredirparser_send_interface_info(u->parser, &u->info.interfaces);
    usbredirparser_send_ep_info(u->parser, &u->info.endpoints);
    redir_flush(u);
}

static void announce(struct usbredir *u)
{
    struct usb_redir_device_connect_header *d = &u->info.device;

    if (!u->greeted || !u->addressed || u->announced)
        return;
    redir_send_info(u);
    memcpy(u->device, usbhost_forward(u->host).device, sizeof u->device);
    u->announced = true;
    usbredirparser_send_device_connect(u->parser, d);
    redir_flush(u);
    fprintf(stderr, "vcpboard: USB device %04x:%04x connected to %s\n", d->vendor_id, d->product_id, u->address.sun_path);
}

static void withdraw(struct usbredir *u)
{
    sched_cancel(chip_sched(u->chip), &u->reset_limit);
    u->resetting = false;
    redir_fail_all(u);
    if (!u->announced)
        return;
    u->announced = false;
    fprintf(stderr, "vcpboard: USB device gone from %s\n", u->address.sun_path);
    if (u->parser == NULL)
        return;
    usbredirparser_send_device_disconnect(u->parser);
    redir_flush(u);
}

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct usbredir *u = owner;

    (void)info;
    u->addressed = true;
    memset(u->alternates, 0, sizeof u->alternates);
    for (unsigned i = 0; i < REDIR_ENDPOINTS; i++)
        u->endpoints[i].pipe.bus = NULL;        /* until SET_CONFIGURATION */
    if (u->announced && memcmp(u->device, usbhost_forward(u->host).device, sizeof u->device) != 0)
        withdraw(u);
    sched_cancel(chip_sched(u->chip), &u->reset_limit);
    u->resetting = false;
    announce(u);
    redir_controls_run(u);
}

static void on_gone(void *owner)
{
    struct usbredir *u = owner;

    u->addressed = false;
    if (!u->resetting)
        withdraw(u);
}

static void reset_limit_fire(void *owner)
{
    withdraw(owner);
}

static void on_reset(void *priv)
{
    struct usbredir *u = priv;

    if (!u->announced)
        return;
    redir_fail_all(u);
    u->resetting = true;
    usbhost_bus_reset(u->host);
    sched_after(chip_sched(u->chip), &u->reset_limit, RESET_LIMIT);
}

/* --- the cable --------------------------------------------------------------------------------------------------------------- */

static void set_cable(struct usbredir *u)
{
    if (u->plugged && u->greeted)
        usbhost_replug(u->host);
    else
        usbhost_unplug(u->host);
}

void usbredir_plug(struct usbredir *u, bool plugged)
{
    u->plugged = plugged;
    set_cable(u);
}

static void on_hello(void *priv, struct usb_redir_hello_header *h)
{
    struct usbredir *u = priv;

    (void)h;
    u->greeted = true;
    set_cable(u);
}

/* --- the connection ---------------------------------------------------------------------------------------------------------- */

static void set_events(struct usbredir *u)
{
    bool paused = usbredirparser_get_bufferered_output_size(u->parser) > UNSENT_PAUSE;

    u->socket.events = (short)((paused ? 0 : POLLIN) | (usbredirparser_has_data_to_write(u->parser) > 0 ? POLLOUT : 0));
}

/* Often called by the parser's own callbacks: the parser cannot be destroyed here. */
static void give_up_soon(struct usbredir *u)
{
    u->broken = true;
    sched_after(chip_sched(u->chip), &u->housekeeping, 0);
}

void redir_flush(struct usbredir *u)
{
    if (u->broken)
        return;
    if (usbredirparser_do_write(u->parser) != 0)
        give_up_soon(u);
    else
        set_events(u);
}

static int on_read(void *priv, uint8_t *data, int count)
{
    struct usbredir *u = priv;
    ssize_t n;

    if (u->broken || usbredirparser_get_bufferered_output_size(u->parser) > UNSENT_PAUSE)
        return 0;
    n = recv(u->socket.fd, data, (size_t)count, MSG_DONTWAIT);
    if (n > 0)
        return (int)n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int on_write(void *priv, uint8_t *data, int count)
{
    struct usbredir *u = priv;
    ssize_t n = send(u->socket.fd, data, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n >= 0)
        return (int)n;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void on_log(void *priv, int level, const char *msg)
{
    (void)priv;
    if (level <= usbredirparser_warning)
        fprintf(stderr, "vcpboard: usbredir: %s\n", msg);
}

static void hang_up(struct usbredir *u)
{
    struct usbredirparser *p = u->parser;

    fprintf(stderr, "vcpboard: %s has hung up\n", u->address.sun_path);
    u->parser = NULL;
    withdraw(u);
    u->greeted = u->broken = false;
    set_cable(u);
    usbredirparser_destroy(p);
    (void)close(u->socket.fd);
    u->socket.fd = -1;
    sched_after(chip_sched(u->chip), &u->housekeeping, TRY_AGAIN);
}

static void on_ready(void *owner, short revents)
{
    struct usbredir *u = owner;

    (void)revents;                      /* a hang-up is seen by reading */
    if (!u->broken && usbredirparser_do_read(u->parser) != 0)
        u->broken = true;
    redir_flush(u);
    if (u->broken)
        hang_up(u);
}

static void greet(struct usbredir *u)
{
    static const int ours[] = { usb_redir_cap_connect_device_version, usb_redir_cap_ep_info_max_packet_size,
                                usb_redir_cap_64bits_ids, usb_redir_cap_32bits_bulk_length };
    struct usbredirparser *p = usbredirparser_create();     /* NULL only without memory: as xcalloc() */
    uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };

    if (p == NULL)
        abort();
    p->priv = u;
    p->log_func = on_log;
    p->read_func = on_read;
    p->write_func = on_write;
    p->hello_func = on_hello;
    p->reset_func = on_reset;
    redir_transfer_callbacks(p);
    for (unsigned i = 0; i < sizeof ours / sizeof ours[0]; i++)
        usbredirparser_caps_set_cap(caps, ours[i]);
    usbredirparser_init(p, "vcpboard", caps, USB_REDIR_CAPS_SIZE, usbredirparser_fl_usb_host);
    u->parser = p;
    redir_flush(u);
}

static bool try_connect(struct usbredir *u)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)(const void *)&u->address, sizeof u->address) != 0) {
        (void)close(fd);
        return false;
    }
    u->socket.fd = fd;
    greet(u);
    return true;
}

static void housekeeping_fire(void *owner)
{
    struct usbredir *u = owner;

    if (u->parser != NULL)
        hang_up(u);
    else if (!try_connect(u))
        sched_after(chip_sched(u->chip), &u->housekeeping, TRY_AGAIN);
}

/* --- interface --------------------------------------------------------------------------------------------------------------- */

struct usbredir *usbredir_new(struct chip *c, struct usbhost *host, const char *path)
{
    struct usbhost_client client = { .configured = on_configured, .gone = on_gone };
    struct usbredir *u;

    if (strlen(path) >= sizeof u->address.sun_path)
        return NULL;
    u = xcalloc(1, sizeof *u);
    u->chip = c;
    u->host = host;
    u->plugged = true;
    u->address.sun_family = AF_UNIX;
    memcpy(u->address.sun_path, path, strlen(path) + 1);
    u->socket = (struct chip_fd){ .fd = -1, .ready = on_ready, .owner = u };
    u->housekeeping = (struct sched_event){ .fire = housekeeping_fire, .owner = u };
    u->reset_limit = (struct sched_event){ .fire = reset_limit_fire, .owner = u };
    chip_watch_fd(c, &u->socket);
    client.owner = u;
    usbhost_set_client(host, &client);
    set_cable(u);
    sched_after(chip_sched(c), &u->housekeeping, 0);
    return u;
}

void usbredir_free(struct usbredir *u)
{
    const struct usbhost_client nobody = { .owner = NULL };

    if (u == NULL)
        return;
    usbhost_set_client(u->host, &nobody);
    if (u->parser != NULL)
        hang_up(u);
    sched_cancel(chip_sched(u->chip), &u->housekeeping);
    chip_unwatch_fd(u->chip, &u->socket);
    free(u);
}
