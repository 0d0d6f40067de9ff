/* SPDX-License-Identifier: MIT */
/* The board's only contact with the wall clock: waiting for it, and for the files that the outside world writes to. */
#include "board/chip_internal.h"

#include <poll.h>
#include <time.h>

#define FDS_MAX 32U
#define NS_PER_S 1000000000U
#define AHEAD_MAX_NS 1000000            /* virtual time may lead by this much */
#define LAG_MAX_NS 50000000             /* beyond it the lost time is given up, so that the board never races to catch up */

static uint64_t wall_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Virtual time as it is to pass on the wall: the flash's busy times count for less. */
static vtime paced_now(struct chip *c)
{
    vtime busy = flash_busy_time(c->flash);

    return chip_now(c) - (c->o.pace > 1 ? busy - busy / c->o.pace : 0);
}

/* How far virtual time is ahead of the wall clock; negative when it lags. */
static int64_t ahead_ns(struct chip *c)
{
    uint64_t wall = wall_ns();
    vtime now = paced_now(c);
    int64_t ahead;

    if (!c->pace.started) {
        c->pace.started = true;
        c->pace.wall_start_ns = wall;
        c->pace.paced_start = now;
    }
    ahead = (int64_t)((now - c->pace.paced_start) / 1000U) - (int64_t)(wall - c->pace.wall_start_ns);
    if (ahead < -LAG_MAX_NS) {
        c->pace.wall_start_ns = wall;
        c->pace.paced_start = now;
        return 0;
    }
    return ahead;
}

static bool still_watched(const struct chip *c, const struct chip_fd *w)
{
    for (const struct chip_fd *at = c->fds; at != NULL; at = at->next) {
        if (at == w)
            return true;
    }
    return false;
}

static void serve_fds(struct chip *c, int64_t wait_ns)
{
    struct pollfd polled[FDS_MAX];
    struct chip_fd *owner[FDS_MAX];
    struct timespec wait = { .tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S };
    nfds_t n = 0;

    for (struct chip_fd *w = c->fds; w != NULL && n < FDS_MAX; w = w->next) {
        if (w->fd < 0)
            continue;
        owner[n] = w;
        polled[n++] = (struct pollfd){ .fd = w->fd, .events = w->events };
    }
    if (ppoll(polled, n, &wait, NULL) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++) {
        if (polled[i].revents != 0 && still_watched(c, owner[i]))
            owner[i]->ready(owner[i]->owner, polled[i].revents);
    }
}

void pace_wait(struct chip *c)
{
    int64_t ahead = ahead_ns(c);

    c->pace.polled_at = chip_now(c);
    if (ahead > AHEAD_MAX_NS) {
        struct timespec wait = { .tv_sec = ahead / NS_PER_S, .tv_nsec = ahead % NS_PER_S };

        (void)nanosleep(&wait, NULL);
    }
}

void pace_poll(struct chip *c)
{
    int64_t ahead = c->o.realtime ? ahead_ns(c) : 0;

    c->pace.polled_at = chip_now(c);
    serve_fds(c, 0);
    while (ahead > AHEAD_MAX_NS && c->end == CHIP_RUNS) {
        serve_fds(c, ahead);
        ahead = ahead_ns(c);
    }
}

void chip_watch_fd(struct chip *c, struct chip_fd *w)
{
    w->next = c->fds;
    c->fds = w;
}

void chip_unwatch_fd(struct chip *c, struct chip_fd *w)
{
    struct chip_fd **at = &c->fds;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at == w)
        *at = w->next;
}
