/* SPDX-License-Identifier: MIT */
/* The command line: exit statuses, the state file, and the line that others read. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state)
#define ARGUMENTS_MAX 12
#define WRITER GUEST_DIR "/writer.elf"

struct outcome {
    int status;                         /* exit status, or -1 for death by a signal */
    char text[8192];                    /* standard output and error */
};

struct place {
    char dir[64], state[96], zero[96];
};

static void read_all(int fd, struct outcome *o, pid_t pid, const char *kill_at)
{
    size_t used = 0;
    ssize_t got;

    while (used < sizeof o->text - 1 && (got = read(fd, o->text + used, sizeof o->text - 1 - used)) > 0) {
        used += (size_t)got;
        o->text[used] = '\0';
        if (kill_at != NULL && strstr(o->text, kill_at) != NULL) {
            assert_int_equal(kill(pid, SIGTERM), 0);
            kill_at = NULL;
        }
    }
}

/* args ends with NULL. kill_at: SIGTERM when this text has appeared. */
static void board(struct outcome *o, const char *kill_at, const char *const *args)
{
    char *argv[ARGUMENTS_MAX + 2] = { (char *)(uintptr_t)VCPBOARD };
    int pipes[2], status;
    pid_t pid;

    memset(o, 0, sizeof *o);
    for (unsigned i = 0; args[i] != NULL && i < ARGUMENTS_MAX; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(pipes[1], 1);
        (void)dup2(pipes[1], 2);
        (void)close(pipes[0]);
        execv(argv[0], argv);
        _exit(127);
    }
    (void)close(pipes[1]);
    read_all(pipes[0], o, pid, kill_at);
    (void)close(pipes[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    o->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define BOARD(o, ...) board((o), NULL, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_says(const struct outcome *o, const char *text)
{
    if (strstr(o->text, text) == NULL)
        fail_msg("\"%s\" is missing in:\n%s", text, o->text);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    FILE *zero;

    (void)snprintf(p->dir, sizeof p->dir, "vcpboard-test-XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return -1;
    (void)snprintf(p->state, sizeof p->state, "%s/state", p->dir);
    (void)snprintf(p->zero, sizeof p->zero, "%s/zero", p->dir);
    zero = fopen(p->zero, "wb");
    if (zero == NULL || fwrite("\0\0\0\0", 1, 4, zero) != 4 || fclose(zero) != 0)
        return -1;
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    (void)unlink(p->state);
    (void)unlink(p->zero);
    (void)rmdir(p->dir);
    free(p);
    return 0;
}

static uint32_t state_word(const struct place *p, long off)
{
    uint8_t b[4] = { 0 };
    FILE *in = fopen(p->state, "rb");

    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    assert_int_equal(ftell(in), 512 * 1024);
    assert_int_equal(fseek(in, off, SEEK_SET), 0);
    assert_int_equal(fread(b, 1, 4, in), 4);
    (void)fclose(in);
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

TEST(a_run_of_given_length_exits_zero_counts_the_operations_and_writes_the_state)
{
    struct place *p = *state;
    struct outcome o;

    BOARD(&o, "--flash", WRITER, "--state", p->state, "--run-for", "1.5");
    assert_int_equal(o.status, 0);
    assert_says(&o, "flash: 1 erases, 100 words\n");
    assert_int_equal(state_word(p, 0x10000 + 4 * 99), 99);
    assert_int_equal(state_word(p, 0x10000 + 4 * 100), UINT32_MAX);
    BOARD(&o, "--state", p->state, "--run-for", "0.1");         /* the program is in the state, too */
    assert_int_equal(o.status, 0);
    assert_says(&o, "flash: 1 erases, 0 words\n");
}

TEST(a_power_cut_exits_three_with_the_state_as_the_cut_left_it)
{
    struct place *p = *state;
    struct outcome o;

    BOARD(&o, "--flash", WRITER, "--state", p->state, "--cut-at", "52", "--seed", "5", "--run-for", "10");
    assert_int_equal(o.status, 3);
    assert_says(&o, "flash: 1 erases, 51 words\n");
    assert_int_equal(state_word(p, 0x10000 + 4 * 49), 49);
    assert_int_equal(state_word(p, 0x10000 + 4 * 50) & 50, 50);
    assert_int_equal(state_word(p, 0x10000 + 4 * 51), UINT32_MAX);
}

TEST(a_guest_fault_exits_four_and_names_the_address)
{
    struct place *p = *state;
    struct outcome o;
    char spec[160];

    (void)snprintf(spec, sizeof spec, "%s@0x0800FFFC", p->zero);
    BOARD(&o, "--flash", WRITER, "--flash", spec, "--run-for", "1");
    assert_int_equal(o.status, 4);
    assert_says(&o, "0x30000000");
    BOARD(&o, "--flash", spec, "--run-for", "1");
    assert_int_equal(o.status, 4);
    assert_says(&o, "blank");
}

TEST(sigterm_ends_the_run_cleanly)
{
    struct place *p = *state;
    struct outcome o;

    board(&o, "erase sector", (const char *const[]){ "--flash", WRITER, "--state", p->state, "--trace", "flash", NULL });
    assert_int_equal(o.status, 0);
    assert_says(&o, "stopped");
    (void)state_word(p, 0);
}

TEST(mistakes_on_the_command_line_exit_two_with_a_sentence)
{
    static const char *const wrong[][4] = {
        { "--flash", "no/such/file.elf" }, { "--flash", WRITER, "--chip", "stm32f999" }, { "--flash", WRITER, "--hse", "x" },
        { "--flash", WRITER, "--timing", "slow" }, { "--flash", WRITER, "--cut-at", "0" }, { "--flash", WRITER, "--seed", "-1" },
        { "--flash", WRITER, "--run-for", "-1" }, { "--flash", WRITER, "--trace", "usb,nothing" }, { "--nonsense" },
        { "--flash", WRITER, "stray" }, { "--flash", WRITER, "--lsi", "50" }, { "--flash", WRITER, "--fault", "weak-word" },
        { "--flash", WRITER, "--fault", "no-erase@8" }, { "--usbredir", "socket", "--pty", "link" },
    };
    struct outcome o;

    (void)state;
    BOARD(&o, "--run-for", "1");
    assert_int_equal(o.status, 2);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const args[] = { wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], NULL };

        board(&o, NULL, args);
        assert_int_equal(o.status, 2);
        assert_says(&o, "vcpboard: ");
    }
    assert_says(&o, "one USB cable");
}

TEST(help_names_every_option)
{
    static const char *const names[] = { "--flash", "--state", "--chip", "--hse", "--lsi", "--fault", "--pty", "--uart1", "--usbredir", "--timing",
                                         "--cut-at", "--seed", "--run-for", "--trace" };
    struct outcome o;

    (void)state;
    BOARD(&o, "--help");
    assert_int_equal(o.status, 0);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        assert_says(&o, names[i]);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(a_run_of_given_length_exits_zero_counts_the_operations_and_writes_the_state),
        WITH_FILES(a_power_cut_exits_three_with_the_state_as_the_cut_left_it),
        WITH_FILES(a_guest_fault_exits_four_and_names_the_address),
        WITH_FILES(sigterm_ends_the_run_cleanly),
        WITH_FILES(mistakes_on_the_command_line_exit_two_with_a_sentence),
        cmocka_unit_test(help_names_every_option),
    };

    return cmocka_run_group_tests_name("vcpboard", tests, NULL, NULL);
}
