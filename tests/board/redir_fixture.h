/* SPDX-License-Identifier: MIT */
/* The usbredir bridge between the fixture's device and a virtual machine's end of the socket. */
#ifndef TESTS_BOARD_REDIR_FIXTURE_H
#define TESTS_BOARD_REDIR_FIXTURE_H

#include "tests/board/usb_fixture.h"

#include <sys/un.h>
#include <usbredirparser.h>

#include "board/bridge/usbredir.h"

#define ANSWERS_MAX 512U
#define IN1 0x81U
#define OUT1 0x01U
#define NOTIFY_IN 0x82U

struct reply {
    uint64_t id;
    uint8_t status;
    size_t bytes;
    uint8_t data[256];
};

struct redir_fixture {
    struct usb_fixture *usb;
    struct usbredir *bridge;
    char dir[32];
    struct sockaddr_un address;
    int listener, fd;
    struct usbredirparser *parser;

    unsigned connects, disconnects, receiving;
    struct usb_redir_device_connect_header device;
    struct usb_redir_interface_info_header interfaces;
    struct usb_redir_ep_info_header endpoints;
    struct reply replies[ANSWERS_MAX];
    unsigned answers;
};

/* cmocka setup: device stack not started, nobody listens on the socket. */
int redir_setup(void **state);
int redir_teardown(void **state);
#define redir_test(function) cmocka_unit_test_setup_teardown(function, redir_setup, redir_teardown)

void peer_listen(struct redir_fixture *r);
void peer_hang_up(struct redir_fixture *r);     /* the connection and the listening socket */

/* Virtual time, the board's polls and the peer in turn, as the board's main loop runs them. */
void redir_spin(struct redir_fixture *r, unsigned ms);
void redir_spin_until(struct redir_fixture *r, const unsigned *counter, unsigned wanted);   /* fails after 1 s */
const struct reply *answer_to(struct redir_fixture *r, uint64_t id);                        /* the same */

struct redir_fixture *announced(void **state);  /* a device that runs and has been announced to a peer */
struct redir_fixture *configured(void **state); /* and has its configuration; that was request 1 */

/* The peer's requests. data NULL: IN. */
void set_configuration(struct redir_fixture *r, uint64_t id);
void get_descriptor(struct redir_fixture *r, uint64_t id, uint8_t type);
void bulk(struct redir_fixture *r, uint64_t id, uint8_t endpoint, uint8_t *data, size_t bytes);

#endif
