/* SPDX-License-Identifier: MIT */
/* Barriers of the core. */
/* Sources: PM0214 §3.12.3 DSB; AN321 (ARM) "Programming guide to memory barrier instructions" */
#ifndef VCPBOOT_BARRIER_H
#define VCPBOOT_BARRIER_H

static inline void barrier_sync(void)
{
    __asm volatile("dsb" ::: "memory");
}

/* What was written before is in force for the next instruction. */
static inline void barrier_fetch(void)
{
    __asm volatile("isb" ::: "memory");
}

#endif
