/* SPDX-License-Identifier: MIT */
/* Which of the ports is the active one. */
#include "boot/ports.h"

void ports_use(struct ports *p, unsigned number)
{
    p->number = number;
    p->active = p->port[number];
}

void ports_follow(struct ports *p, unsigned speaking)
{
    if (speaking == 1U << (p->number ^ 1U)) {
        ports_use(p, p->number ^ 1U);
    }
}
