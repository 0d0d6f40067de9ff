/* SPDX-License-Identifier: MIT */
/* The event list: sorted by time, then by the order of arming, so that the same input always fires the same way. */
#include "board/sched.h"

static void unlink_event(struct sched *s, struct sched_event *ev)
{
    struct sched_event **at = &s->head;

    while (*at != NULL && *at != ev)
        at = &(*at)->next;
    if (*at == ev)
        *at = ev->next;
    ev->next = NULL;
    ev->armed = 0;
}

void sched_at(struct sched *s, struct sched_event *ev, vtime at)
{
    struct sched_event **slot = &s->head;

    if (ev->armed)
        unlink_event(s, ev);
    ev->at = at < s->now ? s->now : at;
    ev->order = s->armed_count++;
    while (*slot != NULL && (*slot)->at <= ev->at)
        slot = &(*slot)->next;
    ev->next = *slot;
    *slot = ev;
    ev->armed = 1;
}

void sched_after(struct sched *s, struct sched_event *ev, vtime delay)
{
    vtime at = delay > VTIME_NEVER - s->now ? VTIME_NEVER : s->now + delay;

    sched_at(s, ev, at);
}

void sched_cancel(struct sched *s, struct sched_event *ev)
{
    if (ev->armed)
        unlink_event(s, ev);
}

vtime sched_next(const struct sched *s)
{
    return s->head != NULL ? s->head->at : VTIME_NEVER;
}

void sched_advance(struct sched *s, vtime t)
{
    while (s->head != NULL && s->head->at <= t) {
        struct sched_event *ev = s->head;

        unlink_event(s, ev);
        if (ev->at > s->now)
            s->now = ev->at;
        ev->fire(ev->owner);
    }
    if (t > s->now)
        s->now = t;
}

void sched_rewind(struct sched *s, vtime t)
{
    s->now = t;
}
