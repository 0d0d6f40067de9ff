/* SPDX-License-Identifier: MIT */
/* A result code with its sentence. */
#include "host/lib/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *f, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    f->code = code;
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return code;
}

void fault_clear(struct fault *f)
{
    f->code = VCPBOOT_OK;
    f->text[0] = '\0';
}
