/* SPDX-License-Identifier: MIT */
/* A YMODEM sender and an AN3155 client on a desk, in virtual time and in steps, so that a test can do something in between. */
/* Sources: docs/SPEC.md sections 6 and 11; Forsberg, "XMODEM/YMODEM Protocol Reference"; ST AN3155 Rev 20 */
#ifndef VCPBOOT_TESTS_RAW_CLIENT_H
#define VCPBOOT_TESTS_RAW_CLIENT_H

#include "tests/e2e/desk.h"

#define RAW_SILENCE (-1)
#define RAW_PATIENCE_MS 10000U          /* what a real client waits for an answer */

struct raw {
    struct desk *desk;
    uint8_t in[4096];
    size_t n, at;
};

/* Opens the port; from now on the client hears the device instead of the session core, until raw_end. */
void raw_begin(struct raw *r, struct desk *d);
void raw_end(struct raw *r);
/* False: the port is gone, or has not taken all of it within the patience. */
bool raw_say(struct raw *r, const uint8_t *p, size_t n);
int raw_hear(struct raw *r, unsigned within_ms);        /* the next byte, or RAW_SILENCE */
/* Passes over what else comes. */
bool raw_await(struct raw *r, uint8_t byte, unsigned within_ms);
void raw_forget(struct raw *r);                         /* what has come so far */

/* YMODEM, in blocks of 1024. Each returns false as soon as the device does not acknowledge. */
bool ymodem_header(struct raw *r, size_t bytes);        /* awaits the call first */
bool ymodem_blocks(struct raw *r, const uint8_t *image, size_t bytes, size_t from, size_t to);  /* from: a multiple of 1024 */
bool ymodem_end(struct raw *r);                         /* EOT, and the empty header that closes the batch */

/* AN3155. */
bool an3155_connect(struct raw *r);                     /* 0x7F, and Get ID */
bool an3155_erase(struct raw *r);                       /* all of the application */
bool an3155_write(struct raw *r, uint32_t address, const uint8_t *p, size_t n, size_t from, size_t to);
bool an3155_go(struct raw *r, uint32_t address);

#endif
