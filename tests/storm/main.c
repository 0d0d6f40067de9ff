/* SPDX-License-Identifier: MIT */
/* Storms by the hundred: each one in a child that is forked from a board that is already up. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/storm/storm.h"

#define JOBS_MAX 64U
#define HANGS_S 300U                    /* of wall time: a hang only */

static const char usage[] =
    "storm: a hostile PC against the ARM ELF on the virtual board\n"
    "  --runs N       so many seeds (default 100), or\n"
    "  --seconds S    as many as begin within S seconds\n"
    "  --seed N       the first seed (default 1); without --runs and --seconds this one alone\n"
    "  --jobs J       so many at once (default 2)\n"
    "  --stop         at the first bad one\n"
    "  --deep         all protocols must have been reached\n"
    "  --trace        say what is done\n";

struct options { uint64_t seed, runs; unsigned seconds, jobs; bool trace, stop, deep; };
struct shared { volatile uint64_t bad[JOBS_MAX]; uint64_t tally[JOBS_MAX][T_COUNT]; };

static uint64_t bad_so_far(const struct shared *shared)
{
    uint64_t sum = 0;

    for (unsigned j = 0; j < JOBS_MAX; j++) sum += shared->bad[j];
    return sum;
}

/* Storms that knock at closed doors only would be no test. */
static uint64_t shallow(const uint64_t sum[T_COUNT])
{
    static const enum tally doors[] = {
        T_ABORTED, T_RAW, T_BUS_RESETS, T_UNPLUGS, T_SUSPENDS, T_CUTS, T_ERASES, T_STARTS, T_COMMITS, T_PROTECTIONS, T_NATIVE_READ,
        T_NATIVE_UPDATE, T_AN_READ, T_AN_WRITE, T_AN_ERASE, T_AN_GO, T_AN_PROTECT, T_YM_BLOCKS, T_YM_DONE, T_YM_RECEIVED, T_MENUS,
        T_DFU_JOBS, T_DFU_UPLOADS, T_DFU_LEAVES, T_RECOVERED,
    };
    uint64_t closed = 0;

    for (unsigned i = 0; i < sizeof doors / sizeof *doors; i++) {
        if (sum[doors[i]] != 0) continue;
        fprintf(stderr, "storm: never reached: %s\n", tally_names[doors[i]]);
        closed++;
    }
    return closed;
}

/* Returns how many were bad, or never reached. */
static uint64_t report(const struct options *o, const struct shared *shared, double seconds)
{
    uint64_t sum[T_COUNT] = { 0 }, bad_ones = bad_so_far(shared);

    for (unsigned j = 0; j < JOBS_MAX; j++)
        for (unsigned t = 0; t < T_COUNT; t++) sum[t] += shared->tally[j][t];
    for (unsigned t = 0; t < T_COUNT; t++) printf("%12" PRIu64 "  %s\n", sum[t], tally_names[t]);
    printf("%12.1f  storms per second, the beginnings included\n%12" PRIu64 "  bad\n", (double)sum[T_RUNS] / seconds, bad_ones);
    return bad_ones + (o->deep ? shallow(sum) : 0);
}

static void storm_in_child(struct storm *s, uint64_t seed, uint64_t *tally)
{
    alarm(HANGS_S);
    s->tally = tally;
    if (storm_run(s, seed)) _exit(0);
    fprintf(stderr, "storm: seed %" PRIu64 " (%s): %s\n    replay: build/host/tests/storm/storm --seed %" PRIu64 " --trace\n", seed, s->scene->name, s->bad, seed);
    _exit(1);
}

/* True if the storm was weathered. */
static bool storm_in_fork(struct storm *s, uint64_t seed, uint64_t *tally)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) storm_in_child(s, seed, tally);
    if (child < 0 || waitpid(child, &status, 0) != child) exit(2);
    if (WIFSIGNALED(status)) fprintf(stderr, "storm: seed %" PRIu64 ": ended by signal %d\n", seed, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A worker has scenes of its own, and takes the seeds that begin on them. */
static void work(const struct options *o, unsigned worker, struct shared *shared)
{
    struct storm *up = calloc(scene_count, sizeof *up);
    time_t end = time(NULL) + o->seconds;

    if (up == NULL) exit(2);
    for (uint64_t seed = o->seed; o->seconds != 0 ? time(NULL) < end : seed < o->seed + o->runs; seed++) {
        unsigned i = (unsigned)(seed % scene_count);

        if (i % o->jobs != worker) continue;
        if (o->stop && bad_so_far(shared) != 0) break;
        if (up[i].scene == NULL) {
            if (!scene_open(&up[i], &scenes[i], o->trace)) exit(2);
            judge_prepare(&up[i]);
        }
        shared->bad[worker] += !storm_in_fork(&up[i], seed, shared->tally[worker]);
    }
    for (unsigned i = 0; i < scene_count; i++)
        if (up[i].scene != NULL) scene_close(&up[i]);
    free(up);
}

static bool run_all(const struct options *o, struct shared *shared)
{
    bool ok = true;
    int status;

    for (unsigned worker = 0; worker < o->jobs; worker++) {
        pid_t child = fork();

        if (child < 0) exit(2);
        if (child == 0) {
            work(o, worker, shared);
            exit(0);
        }
    }
    while (wait(&status) > 0) ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return ok;
}

static bool parse(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        { "runs", required_argument, NULL, 'r' }, { "seconds", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'n' },
        { "jobs", required_argument, NULL, 'j' }, { "trace", no_argument, NULL, 't' }, { "stop", no_argument, NULL, 'x' },
        { "deep", no_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' }, { 0 },
    };
    bool seed = false;

    *o = (struct options){ .seed = 1, .jobs = 2 };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'r') o->runs = strtoull(optarg, NULL, 0);
        else if (c == 's') o->seconds = (unsigned)strtoul(optarg, NULL, 0);
        else if (c == 'n') { o->seed = strtoull(optarg, NULL, 0); seed = true; }
        else if (c == 'j') o->jobs = (unsigned)strtoul(optarg, NULL, 0);
        else if (c == 't') o->trace = true;
        else if (c == 'x') o->stop = true;
        else if (c == 'd') o->deep = true;
        else return false;
    }
    if (o->runs == 0 && o->seconds == 0) o->runs = seed ? 1 : 100;
    return optind == argc && o->jobs >= 1 && o->jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
    struct options o;
    struct shared *shared;
    struct timespec from, to;
    bool ok;

    if (!parse(&o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    clock_gettime(CLOCK_MONOTONIC, &from);
    ok = run_all(&o, shared);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return report(&o, shared, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9) == 0 && ok ? 0 : 1;
}
