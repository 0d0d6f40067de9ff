/* SPDX-License-Identifier: MIT */
/* Contracts of what the PC's file parsers call: span_add and fault_set, whose text no proof needs. */
#ifndef VCPBOOT_PROOF_HOST_H
#define VCPBOOT_PROOF_HOST_H

#include "host/lib/image_parse.h"

/*@ requires \valid(s) && \valid(f) && \valid_read(p + (0 .. n - 1));
    requires \separated(s, f, p + (0 .. n - 1));
    assigns *s, *f; */
int span_add(struct span *s, uint64_t addr, const uint8_t *p, size_t n, struct fault *f);
/*@ requires \valid(f);
    assigns *f;
    ensures \result == code; */
int set_fault(struct fault *f, int code);
#define fault_set(f, code, ...) set_fault(f, code)

#endif
