/* SPDX-License-Identifier: MIT */
/* The smallest updater: example_update FILE updates the only device that is plugged in. */
#include <stdio.h>

#include "host/lib/vcpboot.h"           /* <vcpboot.h> once it is installed */

static int show(void *user, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    (void)user, (void)phase, (void)rest_ms;
    printf("%-40s %u of %u bytes\n", text, (unsigned)done, (unsigned)total);
    return 0;                           /* anything else cancels */
}

int main(int argc, char **argv)
{
    vcpboot *v = vcpboot_new();

    if (!v || argc != 2) return 2;
    vcpboot_set_progress(v, show, NULL);
    int code = vcpboot_update_file(v, argv[1], 0);
    puts(code == VCPBOOT_OK ? "Done." : vcpboot_error_message(v));
    vcpboot_free(v);
    return code;
}
