/* SPDX-License-Identifier: MIT */
/* The next update, by the standard protocols' clients: one run for everything that it reads. */
#include "tests/sweep/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot/mailbox.h"
#include "tests/e2e/edge_pc.h"

#define CLOSED VTIME_MS(20)
#define AWAY VTIME_MS(3000)             /* from the last answer to the new application's start, generously */

static void dfu_util(struct edge_pc *pc, const struct vcpboot_image *image)
{
    unsigned before = pc->desk.enumerated;

    dfu_desk_reboot(&pc->desk, MAILBOX_DFU);
    if (!dfu_desk_wait(&pc->desk, before + 1U))
        exit(EXIT_FAILURE);
    (void)dfu_write_image(&pc->desk, DFU_APP, image->bytes, image->length);
    (void)dfu_leave(&pc->desk);
}

void clients_update(struct world *w, enum client_kind kind)
{
    struct edge_pc pc = { .no_verify = true };

    usbhost_cdc_set_control_lines(chip_usbhost(w->desk.chip), false, false);    /* who asked for the HELLO has gone */
    usbhost_cdc_close(chip_usbhost(w->desk.chip));
    (void)chip_run_for(w->desk.chip, CLOSED);
    dfu_desk_attach(&pc.desk, w->desk.chip, true);
    if (kind == CLIENT_SB)
        edge_sb(&pc, w->raw->bytes, w->raw->length);
    else if (kind == CLIENT_STM32FLASH)
        edge_stm32flash(&pc, w->raw->bytes, w->raw->length);
    else
        dfu_util(&pc, w->raw);
    (void)chip_run_for(w->desk.chip, AWAY);
    desk_attach(&w->desk, w->desk.chip);
}

void clients_begin(struct client_sweep *s, struct world *w, enum client_kind kind)
{
    memset(s, 0, sizeof *s);
    s->w = w;
    s->kind = kind;
}

void clients_end(struct client_sweep *s)
{
    for (size_t i = 0; i < s->runs; i++)
        readings_free(&s->run[i].read);
    s->runs = 0;
}

static const struct client_run *known(const struct client_sweep *s, const struct cells *c, enum mood mood)
{
    for (size_t i = s->runs; i-- > 0;)
        if (s->run[i].mood == mood && readings_fit(&s->run[i].read, c))
            return &s->run[i];
    return NULL;
}

static void remember(struct client_sweep *s, const struct cells *c, enum mood mood, enum outcome out)
{
    struct client_run *run = &s->run[s->runs];

    if (s->runs == CLIENTS_RUNS || !readings_take(&run->read, s->w->seen, c))
        return;
    run->mood = mood;
    run->outcome = out;
    s->runs++;
}

/* A client that is not content ends its process: the tests that share it want that. */
static bool repaired(struct client_sweep *s)
{
    const char *complaint;
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        clients_update(s->w, s->kind);
        _exit(world_holds(s->w, s->w->new) && world_lower_intact(s->w) && point_lasts(s->w, &complaint) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

enum outcome clients_point(struct client_sweep *s, const struct cells *c, enum mood mood, const char **complaint)
{
    const struct client_run *run = known(s, c, mood);
    enum outcome out;

    s->points++;
    *complaint = NULL;
    if (run != NULL)
        return run->outcome;
    s->executed++;
    out = point_start(s->w, c, mood, complaint);
    if (out == OUT_BAD)
        return OUT_BAD;
    if (out != OUT_BOOTLOADER && !desk_enter_bootloader(&s->w->desk))
        *complaint = "the application does not give way to the bootloader";
    else if (!repaired(s))
        *complaint = "the next update failed, or did not last";
    if (*complaint != NULL)
        return OUT_BAD;
    remember(s, c, mood, out);
    return out;
}
