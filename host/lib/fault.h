/* SPDX-License-Identifier: MIT */
/* A result code with its sentence: what went wrong and what to do next. */
#ifndef VCPBOOT_FAULT_H
#define VCPBOOT_FAULT_H

#include "host/lib/vcpboot.h"

#define FAULT_TEXT_MAX 1024U

struct fault {
    int code;                           /* enum vcpboot_code */
    char text[FAULT_TEXT_MAX];
};

/* Returns code, so that a function can end with it. */
int fault_set(struct fault *f, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void fault_clear(struct fault *f);

#endif
