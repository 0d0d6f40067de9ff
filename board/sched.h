/* SPDX-License-Identifier: MIT */
/* Virtual time and the events that are due in it. */
#ifndef VCPBOARD_SCHED_H
#define VCPBOARD_SCHED_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t vtime;                 /* picoseconds since power-on; wraps after 213 days */
#define VTIME_NEVER UINT64_MAX
#define VTIME_NS(n) ((vtime)(n) * 1000U)
#define VTIME_US(n) ((vtime)(n) * 1000000U)
#define VTIME_MS(n) ((vtime)(n) * 1000000000U)

/* One event. The owner embeds it, sets fire and owner once, and must cancel it before freeing it. Fires once per arming. */
struct sched_event {
    void (*fire)(void *owner);
    void *owner;
    vtime at;
    uint64_t order;                     /* events due at the same time fire in the order in which they were armed */
    struct sched_event *next;           /* sorted list; NULL-terminated */
    int armed;
};

struct sched {
    vtime now;
    uint64_t armed_count;
    struct sched_event *head;
};

/* Arms ev for `at` (a time in the past means "now"); an armed one is moved. */
void sched_at(struct sched *s, struct sched_event *ev, vtime at);
void sched_after(struct sched *s, struct sched_event *ev, vtime delay);
void sched_cancel(struct sched *s, struct sched_event *ev);
vtime sched_next(const struct sched *s);                /* VTIME_NEVER if nothing is armed */
/* Back to a time at which nothing has fired since: a skip is taken back. */
void sched_rewind(struct sched *s, vtime t);
/* Moves now to t (never backwards) and fires what is due on the way, in time order; `now` is the event's own time while it fires. */
void sched_advance(struct sched *s, vtime t);

#endif
