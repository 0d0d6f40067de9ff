/* SPDX-License-Identifier: MIT */
/* The device of fake_vcp.h as a program, for the tests of the command: fake_device FOLDER. Says "ready", ends with its standard
 * input, and leaves its flash in FOLDER/flash. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/fake_vcp.h"

int main(int argc, char **argv)
{
    struct fake_vcp *d = calloc(1, sizeof *d);
    char path[192];

    if (!d || argc != 2) return 2;
    fake_vcp_init(d, argv[1]);
    fake_vcp_start(d);
    puts("ready");
    (void)fflush(stdout);
    while (getchar() != EOF) continue;
    fake_vcp_end(d);
    (void)snprintf(path, sizeof path, "%s/flash", argv[1]);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(d->flash.array, 1, d->flash.bytes, file) == d->flash.bytes;
    if (file) good = fclose(file) == 0 && good;
    fake_vcp_free(d);
    free(d);
    return good ? 0 : 1;
}
