/* SPDX-License-Identifier: MIT */
/* Who has a port open? Linux tells by /proc; elsewhere nobody is known. */
/* Sources: Linux proc(5) */
#include "host/lib/port.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_open(const char *pid, const char *real)
{
    char folder[64], link[PATH_MAX], target[PATH_MAX];
    bool found = false;

    (void)snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
    DIR *fds = opendir(folder);                 /* fails for processes of other users: then nothing is known of them */
    if (!fds) return false;
    for (const struct dirent *e = readdir(fds); e && !found; e = readdir(fds)) {
        (void)snprintf(link, sizeof link, "%s/%.20s", folder, e->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1U);
        if (n <= 0) continue;
        target[n] = '\0';
        found = strcmp(target, real) == 0;
    }
    (void)closedir(fds);
    return found;
}

static void name_process(const char *pid, char *out, size_t cap)
{
    char path[64], name[64] = "?";

    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fgets(name, sizeof name, file)) name[strcspn(name, "\n")] = '\0';
        (void)fclose(file);
    }
    (void)snprintf(out, cap, "%s (process %.20s)", name, pid);
}

bool port_holder(const char *path, char *out, size_t cap)
{
    char real[PATH_MAX], own[24];
    bool found = false;

    (void)snprintf(own, sizeof own, "%ld", (long)getpid());
    DIR *processes = realpath(path, real) ? opendir("/proc") : NULL;
    if (!processes) return false;
    for (const struct dirent *e = readdir(processes); e && !found; e = readdir(processes)) {
        if (!isdigit((unsigned char)e->d_name[0]) || strcmp(e->d_name, own) == 0) continue;
        found = has_open(e->d_name, real);
        if (found) name_process(e->d_name, out, cap);
    }
    (void)closedir(processes);
    return found;
}
