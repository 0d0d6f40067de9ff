/* SPDX-License-Identifier: MIT */
/* What client.c (requests) and transfer.c (the stream of an update) share. */
#ifndef VCPBOOT_CLIENT_INTERNAL_H
#define VCPBOOT_CLIENT_INTERNAL_H

#include "host/lib/client.h"

#define REQUEST_TRIES 3U
#define TICK_MS 50U                     /* how finely an update looks at its clocks */

enum client_step { STEP_REQUEST, STEP_BEGIN, STEP_DATA, STEP_FINISH };

/* Wrap-safe: ms from `since` to now. */
static inline uint32_t elapsed(uint32_t now_ms, uint32_t since_ms) { return now_ms - since_ms; }

void client_fail(struct client *c, enum client_failure why);
/* Sends the request again that client.request holds. */
void client_ask(struct client *c, uint32_t now_ms);
void client_start_request(struct client *c, uint32_t now_ms, uint8_t type, size_t n, unsigned tries);

void transfer_start(struct client *c, uint32_t now_ms);
void transfer_status(struct client *c, const struct native_status *s, uint32_t now_ms);
void transfer_tick(struct client *c, uint32_t now_ms);
/* Puts the next DATA frame (or FINISH) in client.frame, if the window allows one. */
void transfer_next_frame(struct client *c, uint32_t now_ms);

#endif
