/* SPDX-License-Identifier: MIT */
/* cut_sweep: the power is cut at the operations of a whole update of the ARM ELF, and the next update must mend what is left. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/rng.h"
#include "tests/sweep/clients.h"
#include "tests/sweep/native.h"
#include "tests/sweep/points.h"

#define WORKERS_MAX 16U
#define FOLLOW_EVERY 997U
#define COMPLAINTS 8U
#define COMPLAINT_CHARS 160U
#define EXIT_BAD 1
#define EXIT_USAGE 2

static const char help[] =
    "Usage: cut_sweep [OPTION]...\n"
    "Updates the virtual board from demo 1.0.0 to 2.0.0, cuts the power at operations of that update, and judges what is left:\n"
    "does nothing start but a whole application, does the unit come up, does the next update succeed and last?\n"
    "\n"
    "  --protocol NAME   of the update that is cut and of the one that mends it: native, ymodem, an3155 or dfuse (default native)\n"
    "  --points N        so many cuts (default 1000); those at the ends of the update and around erases are always among them\n"
    "  --all             every operation, torn and not begun\n"
    "  --workers N       processes (default 2)\n"
    "  --seed N          which points, and how they are torn (default 1)\n"
    "  --firmware DIR    folder with vcpboot.elf, demo-1.0.0.elf, demo-2.0.0.elf\n"
    "  --vcpboot FILE    another bootloader\n"
    "  --stop-at-bad     end with the first bad point\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0 no bad point; 1 there are some, they are listed; 2 the command line or a file is wrong.\n";

static const char *const protocols[] = { "native", "ymodem", "an3155", "dfuse" };
#define PROTOCOLS (sizeof protocols / sizeof *protocols)

struct settings {
    unsigned protocol, workers;
    struct points_wish wish;
    const char *firmware, *vcpboot;
    bool stop_at_bad;
};

/* What the workers have found. */
struct tally {
    size_t outcome[OUTCOMES], torn, starts_executed, updates_executed, groups, marginal, refused;
    size_t complaints;
    char complaint[COMPLAINTS][COMPLAINT_CHARS];
};

struct sweep {
    struct settings set;
    struct world world;
    struct tape tape;
    struct points points;
    struct cells now, left;
    struct native_sweep native;
    struct client_sweep clients;
    struct tally *tallies;              /* one a worker, in shared memory */
};

/* --- the update that will be cut -------------------------------------------------------------------------------------------- */

static bool record(struct sweep *s)
{
    struct world *w = &s->world;

    if (!world_ready(w))
        return false;
    tape_record(&s->tape, w->desk.chip);
    if (s->set.protocol == 0 ? !desk_update(&w->desk, w->new) : (clients_update(w, s->set.protocol - 1U), false))
        return false;
    (void)chip_run_for(w->desk.chip, VTIME_MS(100));        /* the new application's start is counted and confirmed */
    tape_stop(w->desk.chip);
    return world_holds(w, w->new);
}

/* --- points ----------------------------------------------------------------------------------------------------------------- */

static void complain(struct tally *t, const struct sweep *s, const struct point *p, const char *why)
{
    const struct flash_operation *op = &s->tape.op[p->done < s->tape.count ? p->done : s->tape.count - 1U];

    if (t->complaints < COMPLAINTS)
        (void)snprintf(t->complaint[t->complaints], COMPLAINT_CHARS, "operation %zu (%s 0x%08x), %s %d, mood %d: %s", p->done + 1U,
                       op->erase ? "erase" : "program", (unsigned)op->address, p->way == POINT_CLEAN ? "not begun" : "torn, way",
                       p->way, (int)p->mood, why);
    t->complaints++;
}

static enum outcome judge(struct sweep *s, const struct point *p, uint32_t begun, const char **why)
{
    if (s->set.protocol == 0)
        return native_point(&s->native, &s->left, p->mood, begun, why);
    return clients_point(&s->clients, &s->left, p->mood, why);
}

/* --all takes an hour. */
static void tell_progress(const struct sweep *s, size_t i)
{
    size_t twentieth = s->points.count / 20U + 1U;

    if (s->set.wish.all && i != 0 && i % twentieth == 0)
        fprintf(stderr, "%s: %zu %%\n", protocols[s->set.protocol], i / twentieth * 5U);
}

static void work(struct sweep *s, unsigned worker, struct tally *t)
{
    size_t done = 0;
    uint32_t begun = 0;

    s->now = s->tape.before;
    for (size_t i = 0; i < s->points.count; i++) {
        const struct point *p = &s->points.point[i];
        const char *why;
        enum outcome out;

        if (worker == 0)
            tell_progress(s, i);
        for (; done < p->done; done++) {
            begun |= native_sector_bit(&s->tape.op[done]);
            cells_apply(&s->now, &s->tape.op[done]);
        }
        if (i % s->set.workers != worker)
            continue;
        s->left = s->now;
        if (p->way != POINT_CLEAN)
            cells_tear(&s->left, &s->tape.op[done], (unsigned)p->way, s->set.wish.seed + done);
        out = judge(s, p, begun | (p->way != POINT_CLEAN ? native_sector_bit(&s->tape.op[done]) : 0), &why);
        t->outcome[out]++;
        t->torn += p->way != POINT_CLEAN;
        if (out == OUT_BAD) {
            complain(t, s, p, why);
            if (s->set.stop_at_bad)
                return;
        }
    }
}

static void condemn(struct tally *t, const char *why)
{
    t->outcome[OUT_BAD]++;
    (void)snprintf(t->complaint[t->complaints < COMPLAINTS ? t->complaints : 0], COMPLAINT_CHARS, "%s", why);
    t->complaints++;
}

/* Behind the points: what makes some of them alike, a PC that gives up, and a flash that does. */
static void work_native(struct sweep *s, unsigned worker, struct tally *t)
{
    struct rng r = rng_stream(s->set.wish.seed, worker + 1U);
    uint64_t some = 1U + rng_next(&r) % (s->tape.count - s->tape.count / 100U);
    const char *why;

    native_begin(&s->native, &s->world, FOLLOW_EVERY);
    work(s, worker, t);
    if (t->outcome[OUT_BAD] == 0 && (!native_end(&s->native, &why) || !native_abandoned(&s->native, &s->tape, some, &why) ||
                                     (worker == 0 && !native_weak_cell(&s->native, &why))))
        condemn(t, why);
    t->updates_executed = s->native.followed;
    t->groups = s->native.groups;
    t->marginal = s->native.marginal;
    t->refused = s->native.refused;
}

static int run_worker(struct sweep *s, unsigned worker)
{
    struct tally *t = &s->tallies[worker];

    world_own_marks(&s->world);
    s->world.ran = 0;
    if (s->set.protocol == 0) {
        work_native(s, worker, t);
    } else {
        clients_begin(&s->clients, &s->world, s->set.protocol - 1U);
        work(s, worker, t);
        t->updates_executed = s->clients.executed;
        t->groups = s->clients.runs;
        clients_end(&s->clients);
    }
    t->starts_executed = s->world.ran;
    return t->outcome[OUT_BAD] == 0 ? EXIT_SUCCESS : EXIT_BAD;
}

static bool run_workers(struct sweep *s)
{
    bool good = true;

    fflush(NULL);
    for (unsigned i = 0; i < s->set.workers; i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(run_worker(s, i));
        good &= child > 0;
    }
    for (unsigned i = 0; i < s->set.workers; i++) {
        int status;

        good &= wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    }
    return good;
}

/* --- the report ------------------------------------------------------------------------------------------------------------- */

static struct tally sum(const struct sweep *s)
{
    struct tally all = { .complaints = 0 };

    for (unsigned i = 0; i < s->set.workers; i++) {
        const struct tally *t = &s->tallies[i];

        for (unsigned o = 0; o < OUTCOMES; o++)
            all.outcome[o] += t->outcome[o];
        all.torn += t->torn;
        all.starts_executed += t->starts_executed;
        all.updates_executed += t->updates_executed;
        all.groups += t->groups;
        all.marginal += t->marginal;
        all.refused += t->refused;
    }
    return all;
}

static void report(const struct sweep *s)
{
    struct tally all = sum(s);
    size_t points = 0;

    for (unsigned o = 0; o < OUTCOMES; o++)
        points += all.outcome[o];
    printf("%s: %zu flash operations, %zu cuts: %zu with an operation torn, %zu between two\n", protocols[s->set.protocol],
           s->tape.count, points, all.torn, points - all.torn);
    printf("  afterwards: %zu in the bootloader, %zu with the old application, %zu with the new one, %zu bad\n",
           all.outcome[OUT_BOOTLOADER], all.outcome[OUT_OLD], all.outcome[OUT_NEW], all.outcome[OUT_BAD]);
    printf("  executed: %zu starts, %zu updates to their end; %zu classes of points that are alike\n", all.starts_executed,
           all.updates_executed, all.groups);
    if (s->set.protocol == 0)
        printf("  undecided cells that read right: %zu points, %zu of which needed one more update\n", all.marginal, all.refused);
    for (unsigned i = 0; i < s->set.workers; i++)
        for (size_t k = 0; k < s->tallies[i].complaints && k < COMPLAINTS; k++)
            printf("  bad: %s\n", s->tallies[i].complaint[k]);
}

/* --- the command line ------------------------------------------------------------------------------------------------------- */

static bool number(const char *text, size_t *out)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 10);
    *out = (size_t)v;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool protocol(const char *name, unsigned *out)
{
    for (*out = 0; *out < PROTOCOLS; (*out)++)
        if (strcmp(name, protocols[*out]) == 0)
            return true;
    return false;
}

static bool option(struct settings *set, int which)
{
    size_t n = 0;

    switch (which) {
    case 'p': return protocol(optarg, &set->protocol);
    case 'a': set->wish.all = true; return true;
    case 'b': set->stop_at_bad = true; return true;
    case 'f': set->firmware = optarg; return true;
    case 'v': set->vcpboot = optarg; return true;
    case 'n': return number(optarg, &set->wish.count) && set->wish.count > 0;
    case 's': return number(optarg, &n) && (set->wish.seed = n, true);
    case 'w': return number(optarg, &n) && n >= 1 && n <= WORKERS_MAX && (set->workers = (unsigned)n, true);
    default: return false;
    }
}

static void parse(struct settings *set, int argc, char **argv)
{
    static const struct option options[] = {
        { "protocol", required_argument, NULL, 'p' }, { "points", required_argument, NULL, 'n' }, { "all", no_argument, NULL, 'a' },
        { "workers", required_argument, NULL, 'w' }, { "seed", required_argument, NULL, 's' },
        { "firmware", required_argument, NULL, 'f' }, { "vcpboot", required_argument, NULL, 'v' },
        { "stop-at-bad", no_argument, NULL, 'b' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    int which;

    *set = (struct settings){ .workers = 2, .wish = { .count = 1000, .seed = 1 }, .firmware = FIRMWARE_DIR };
    while ((which = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (which == 'h') {
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        }
        if (!option(set, which)) {
            fprintf(stderr, "cut_sweep: wrong usage (try --help)\n");
            exit(EXIT_USAGE);
        }
    }
    if (optind != argc) {
        fprintf(stderr, "cut_sweep: %s is no option (try --help)\n", argv[optind]);
        exit(EXIT_USAGE);
    }
}

int main(int argc, char **argv)
{
    static struct sweep s;
    bool good;

    parse(&s.set, argc, argv);
    s.tallies = mmap(NULL, WORKERS_MAX * sizeof *s.tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.tallies == MAP_FAILED)
        return EXIT_USAGE;
    world_open(&s.world, s.set.firmware, s.set.vcpboot);
    if (!record(&s)) {
        fprintf(stderr, "cut_sweep: the update that was to be cut does not succeed\n");
        return EXIT_BAD;
    }
    if (s.set.protocol != 0)            /* the commit is the same for all of them, and each run takes its time */
        s.set.wish.edges = s.set.wish.all ? EDGES_FEW : EDGES_ERASES;
    else
        s.set.wish.edges = s.set.wish.all ? EDGES_ALL : EDGES_FEW;
    points_choose(&s.points, &s.tape, &s.set.wish);
    good = run_workers(&s);
    report(&s);
    points_free(&s.points);
    tape_free(&s.tape);
    world_close(&s.world);
    return good ? EXIT_SUCCESS : EXIT_BAD;
}
