/* SPDX-License-Identifier: MIT */
/* The boot decision: the first reason to stay wins; without one the application starts. */
#include "boot/decide.h"

static enum boot_reason reason_of_seal(const struct boot_facts *f)
{
    if (f->seal.kind == SEAL_BLANK)
        return BOOT_STAY_EMPTY;
    if (!f->vectors_ok)
        return BOOT_STAY_VECTORS;
    if (f->seal.kind == SEAL_NONE)
        return f->require_seal ? BOOT_STAY_UNSEALED : BOOT_START_UNSEALED;
    if (f->seal.kind != SEAL_PRESENT || !f->crc_ok)
        return BOOT_STAY_DAMAGED;
    if (seal_revoked(f->seal.life))
        return BOOT_STAY_REVOKED;
    return BOOT_START_SEALED;
}

struct boot_verdict boot_decide_unasked(const struct boot_facts *f)
{
    struct boot_verdict v = { .reason = reason_of_seal(f), .life_bit = 0 };

    /* Only an image that promised to confirm is on trial: the others would count as crashed after three starts. */
    if (v.reason == BOOT_START_SEALED && (f->seal.flags & SEAL_FLAG_CONFIRMS) != 0 && !seal_confirmed(f->seal.life)) {
        v.life_bit = seal_next_start(f->seal.life);
        if (v.life_bit == 0)
            v.reason = BOOT_STAY_CRASH_LOOP;
    }
    return v;
}

struct boot_verdict boot_decide(const struct boot_facts *f)
{
    if (f->requested)
        return (struct boot_verdict){ .reason = BOOT_STAY_REQUESTED };
    if (f->pin)
        return (struct boot_verdict){ .reason = BOOT_STAY_PIN };
    return boot_decide_unasked(f);
}
