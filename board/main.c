/* SPDX-License-Identifier: MIT */
/* vcpboard: the command line of the virtual board. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <unistd.h>

#include "board/bridge/uart.h"
#include "board/bridge/usbredir.h"
#include "board/bridge/vcp.h"
#include "board/chip_run.h"
#include "board/load.h"
#include "board/periph/flash_fault.h"
#include "board/usbhost/usbhost.h"

#define IMAGES_MAX 16U
#define PACE_MAX 100U
#define HSE_MIN_MHZ 1.0                 /* DS8626 tables 30 and 32: a crystal 4-26 MHz, an external clock 1-50 MHz */
#define HSE_MAX_MHZ 50.0
#define LSI_MIN_KHZ 17.0                /* DS8626 §5.3.9 */
#define LSI_MAX_KHZ 47.0

enum exit_code { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_CUT = 3, EXIT_GUEST = 4 };

struct settings {
    struct chip_options chip;
    const char *images[IMAGES_MAX];
    unsigned image_count;
    struct flash_fault faults[FLASH_FAULTS_MAX];
    unsigned fault_count;
    const char *state, *pty, *usbredir;
    char uart1[PATH_MAX];               /* "": none */
    bool uart1_given;                   /* its format was */
    struct line_format uart1_format;
    vtime run_for;
};

struct board {
    struct chip *chip;
    struct vcp_bridge *vcp;
    struct usbredir *usbredir;
    struct uart_bridge *uart1;
    struct chip_fd signals;
};

static const char help[] =
    "Usage: vcpboard --flash FILE [OPTION]...\n"
    "A virtual STM32F407 board: executes the ARM program in its flash, cycle by cycle, with USB, UART and power cuts.\n"
    "\n"
    "What is in the flash\n"
    "  --flash FILE[@ADDR]  an ELF file, or a binary image for ADDR (default 0x08000000); may be given several times\n"
    "  --state FILE         the raw flash array: read at start if FILE exists (images go on top), written at exit;\n"
    "                       changed option bytes (write protection) stand in FILE.options\n"
    "\n"
    "The board\n"
    "  --chip NAME          stm32f407ve (512 KB, the default) or stm32f407vg (1 MB)\n"
    "  --hse MHZ            the crystal's frequency; 0: none fitted (default 8)\n"
    "  --lsi KHZ            the watchdog's clock, 17 to 47 (default 32)\n"
    "\n"
    "The outside world\n"
    "  --pty LINK           plug the USB cable in; the device's COM port appears as a pty, LINK is a symlink to it\n"
    "  --usbredir SOCKET    instead of --pty: the USB device for a virtual machine, whose usb-redir device listens on the UNIX\n"
    "                       socket SOCKET (QEMU: -chardev socket,path=SOCKET,server=on,wait=off); connects as soon as it can\n"
    "  --uart1 LINK[,8e1]   USART1 as a pty, wired to PA9 and PA10. The kernel keeps no parity for a pty: the line has the format\n"
    "                       given here (7 or 8; n, e or o; 1 or 2), without one that to which the USART is set\n"
    "  With any of them the board runs in real time, otherwise as fast as it can. SIGUSR1 pulls the USB cable out, SIGUSR2\n"
    "  puts it in again; the board keeps its power.\n"
    "\n"
    "Time and faults\n"
    "  --timing WHAT        flash operations take the datasheet's typ (the default) or max times; fast: next to nothing\n"
    "  --pace N             while the flash is busy let time pass N times (1 to 100) faster than the wall clock: less to wait\n"
    "                       for, but the outside world looks N times slower to the program (default 1)\n"
    "  --cut-at N           cut the power in the middle of the Nth flash operation (words programmed and erases, counted\n"
    "                       from the start); the cells are left half done\n"
    "  --fault WHAT         break the flash; may be given several times, N counts as for --cut-at:\n"
    "                         stuck-busy@N      the Nth operation never ends\n"
    "                         refused@N         the Nth operation is not done, and sets PGSERR\n"
    "                         weak-word@ADDR    the word's cells stay 1 when programmed; no flag tells\n"
    "                         stuck-zero@ADDR   the word's cells are 0, and no erase brings them back\n"
    "                         no-erase@SECTOR   an erase of that sector changes nothing; no flag tells\n"
    "                         stale-flags       every reset leaves the error flags set\n"
    "  --seed S             for everything random: RAM after power-on, what a cut leaves behind (default 0)\n"
    "  --run-for SECONDS    end after this much virtual time\n"
    "\n"
    "Looking inside\n"
    "  --trace LIST         usb, flash, mmio, irq, separated by commas; on standard error\n"
    "  --help               this text\n"
    "\n"
    "Exit status: 0 the run ended as asked (--run-for, SIGTERM, SIGINT); 2 the command line or a file is wrong; 3 the power\n"
    "was cut; 4 the program did what silicon forbids or this board does not model. Ending the board is switching it off: a\n"
    "flash operation under way is torn. At exit the number of flash operations is printed as \"flash: E erases, W words\".\n";

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "vcpboard: %s%s%s (try --help)\n", what, value != NULL ? ": " : "", value != NULL ? value : "");
    return EXIT_USAGE;
}

static bool parse_number(const char *text, unsigned long long *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 0);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool parse_real(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value >= 0;
}

static bool parse_chip(const char *name, struct settings *s)
{
    s->chip.vg = strcmp(name, "stm32f407vg") == 0;
    return s->chip.vg || strcmp(name, "stm32f407ve") == 0;
}

static bool parse_timing(const char *name, struct settings *s)
{
    static const char *const names[] = { [FLASH_TYP] = "typ", [FLASH_MAX] = "max", [FLASH_FAST] = "fast" };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            s->chip.timing = (enum flash_timing)i;
            return true;
        }
    }
    return false;
}

static bool parse_trace(const char *list, struct settings *s)
{
    static const struct { const char *name; enum trace bit; } names[] = {
        { "usb", TRACE_USB }, { "flash", TRACE_FLASH }, { "mmio", TRACE_MMIO }, { "irq", TRACE_IRQ },
    };

    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        unsigned i = 0;

        while (i < 4 && (strlen(names[i].name) != length || strncmp(list, names[i].name, length) != 0))
            i++;
        if (i == 4)
            return false;
        s->chip.trace |= (unsigned)names[i].bit;
        list += length + (list[length] == ',');
    }
    return true;
}

static bool parse_hse(const char *text, struct settings *s)
{
    double mhz;

    if (!parse_real(text, &mhz) || (mhz != 0 && (mhz < HSE_MIN_MHZ || mhz > HSE_MAX_MHZ)))
        return false;
    s->chip.hse_hz = (uint32_t)(mhz * 1e6 + 0.5);
    return true;
}

static bool parse_lsi(const char *text, struct settings *s)
{
    double khz;

    if (!parse_real(text, &khz) || khz < LSI_MIN_KHZ || khz > LSI_MAX_KHZ)
        return false;
    s->chip.lsi_hz = (uint32_t)(khz * 1e3 + 0.5);
    return true;
}

static bool parse_run_for(const char *text, struct settings *s)
{
    double seconds;

    if (!parse_real(text, &seconds) || seconds > 1e7)
        return false;
    s->run_for = (vtime)(seconds * 1e6 + 0.5) * 1000000U;
    return true;
}

static bool parse_uart1(const char *text, struct settings *s)
{
    size_t length = strlen(text);
    const char *comma = strrchr(text, ',');

    if (comma != NULL) {
        if (!line_parse_format(comma + 1, &s->uart1_format))
            return false;
        s->uart1_given = true;
        length = (size_t)(comma - text);
    }
    if (length == 0 || length >= sizeof s->uart1)
        return false;
    memcpy(s->uart1, text, length);
    s->uart1[length] = '\0';
    return true;
}

static bool add_image(const char *spec, struct settings *s)
{
    if (s->image_count == IMAGES_MAX)
        return false;
    s->images[s->image_count++] = spec;
    return true;
}

static bool add_fault(const char *text, struct settings *s)
{
    if (s->fault_count == FLASH_FAULTS_MAX || !flash_fault_parse(text, &s->faults[s->fault_count]))
        return false;
    s->fault_count++;
    return true;
}

enum { OPT_FLASH = 1, OPT_CHIP, OPT_HSE, OPT_LSI, OPT_FAULT, OPT_STATE, OPT_PTY, OPT_USBREDIR, OPT_UART1, OPT_TIMING,
       OPT_PACE, OPT_CUT_AT, OPT_SEED, OPT_RUN_FOR, OPT_TRACE, OPT_HELP };

static const struct option options[] = {
    { "flash", required_argument, NULL, OPT_FLASH },       { "chip", required_argument, NULL, OPT_CHIP },
    { "hse", required_argument, NULL, OPT_HSE },           { "lsi", required_argument, NULL, OPT_LSI },
    { "fault", required_argument, NULL, OPT_FAULT },       { "state", required_argument, NULL, OPT_STATE },
    { "pty", required_argument, NULL, OPT_PTY },           { "usbredir", required_argument, NULL, OPT_USBREDIR },
    { "uart1", required_argument, NULL, OPT_UART1 },       { "timing", required_argument, NULL, OPT_TIMING },
    { "pace", required_argument, NULL, OPT_PACE },
    { "cut-at", required_argument, NULL, OPT_CUT_AT },     { "seed", required_argument, NULL, OPT_SEED },
    { "run-for", required_argument, NULL, OPT_RUN_FOR },   { "trace", required_argument, NULL, OPT_TRACE },
    { "help", no_argument, NULL, OPT_HELP },               { NULL, 0, NULL, 0 },
};

static bool take_option(int option, const char *value, struct settings *s)
{
    unsigned long long number;

    switch (option) {
    case OPT_FLASH: return add_image(value, s);
    case OPT_CHIP: return parse_chip(value, s);
    case OPT_HSE: return parse_hse(value, s);
    case OPT_LSI: return parse_lsi(value, s);
    case OPT_FAULT: return add_fault(value, s);
    case OPT_STATE: s->state = value; return true;
    case OPT_PTY: s->pty = value; return true;
    case OPT_USBREDIR: s->usbredir = value; return true;
    case OPT_UART1: return parse_uart1(value, s);
    case OPT_TIMING: return parse_timing(value, s);
    case OPT_PACE:
        if (!parse_number(value, &number) || number == 0 || number > PACE_MAX)
            return false;
        s->chip.pace = (unsigned)number;
        return true;
    case OPT_CUT_AT:
        if (!parse_number(value, &number) || number == 0)
            return false;
        s->chip.cut.at_op = number;
        return true;
    case OPT_SEED:
        if (!parse_number(value, &number))
            return false;
        s->chip.seed = number;
        return true;
    case OPT_RUN_FOR: return parse_run_for(value, s);
    default: return parse_trace(value, s);
    }
}

/* EXIT_OK: run. Anything else, or *done: leave with that status. */
static int parse(int argc, char **argv, struct settings *s, bool *done)
{
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == '?')
            return complain("the command line is wrong", NULL);
        if (option == OPT_HELP) {
            fputs(help, stdout);
            *done = true;
            return EXIT_OK;
        }
        if (!take_option(option, optarg, s)) {
            fprintf(stderr, "vcpboard: --%s does not take \"%s\" (try --help)\n", options[index].name, optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argc)
        return complain("this is not an option", argv[optind]);
    if (s->pty != NULL && s->usbredir != NULL)
        return complain("the board has one USB cable: --pty or --usbredir", NULL);
    if (s->image_count == 0 && s->state == NULL)
        return complain("nothing to run: give --flash FILE or --state FILE", NULL);
    return EXIT_OK;
}

static bool fill_flash(struct board *b, const struct settings *s)
{
    struct load_result r;
    bool found = false;

    if (s->state != NULL && !load_state(b->chip, s->state, &found, &r)) {
        fprintf(stderr, "vcpboard: %s\n", r.error);
        return false;
    }
    if (s->state != NULL)
        fprintf(stderr, "state:  %s%s\n", s->state, found ? "" : " (new: the flash is blank)");
    for (unsigned i = 0; i < s->image_count; i++) {
        if (!load_image(b->chip, s->images[i], &r)) {
            fprintf(stderr, "vcpboard: %s\n", r.error);
            return false;
        }
        fprintf(stderr, "flash:  %s: %u bytes at 0x%08x..0x%08x\n", s->images[i], (unsigned)r.bytes, (unsigned)r.first,
                (unsigned)r.last);
    }
    for (unsigned i = 0; i < s->fault_count; i++) {
        if (!flash_add_fault(chip_flash(b->chip), &s->faults[i])) {
            fprintf(stderr, "vcpboard: --fault: there is no such word or sector on this chip, or no operation 0\n");
            return false;
        }
    }
    return true;
}

static void set_cable(struct board *b, bool plugged)
{
    struct usbhost *host = chip_usbhost(b->chip);

    if (host == NULL)
        fprintf(stderr, "usb:    there is no cable; see --pty and --usbredir\n");
    else if (b->usbredir != NULL)
        usbredir_plug(b->usbredir, plugged);
    else if (plugged)
        usbhost_replug(host);
    else
        usbhost_unplug(host);
    if (host != NULL)
        fprintf(stderr, "usb:    %s\n", plugged ? "plugged in" : "unplugged");
}

static void on_signal(void *owner, short revents)
{
    struct board *b = owner;
    struct signalfd_siginfo info;

    (void)revents;
    if (read(b->signals.fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2)
        set_cable(b, info.ssi_signo == SIGUSR2);
    else
        chip_stop(b->chip);
}

/* Signals arrive by a file descriptor, between two CPU slices, so the state is always written whole. */
static void watch_signals(struct board *b)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    b->signals = (struct chip_fd){ .fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN, .ready = on_signal, .owner = b };
    chip_watch_fd(b->chip, &b->signals);
}

static bool plug_in(struct board *b, const struct settings *s)
{
    if (s->pty != NULL && (b->vcp = vcp_bridge_new(b->chip, chip_usbhost(b->chip), s->pty)) == NULL)
        return false;
    if (s->usbredir != NULL && (b->usbredir = usbredir_new(b->chip, chip_usbhost(b->chip), s->usbredir)) == NULL) {
        fprintf(stderr, "vcpboard: %s is too long for a socket\n", s->usbredir);
        return false;
    }
    if (s->uart1[0] != '\0' && (b->uart1 = uart_bridge_new(b->chip, chip_usart(b->chip, 1), s->uart1,
                                                           s->uart1_given ? &s->uart1_format : NULL)) == NULL)
        return false;
    if (s->pty != NULL)
        fprintf(stderr, "usb:    plugged in; %s appears when the device is configured\n", s->pty);
    if (s->usbredir != NULL)
        fprintf(stderr, "usb:    plugged into %s as soon as something listens there\n", s->usbredir);
    if (s->uart1[0] != '\0')
        fprintf(stderr, "uart1:  %s\n", s->uart1);
    return true;
}

static void unplug(struct board *b)
{
    if (b->vcp != NULL)
        vcp_bridge_free(b->vcp);
    if (b->usbredir != NULL)
        usbredir_free(b->usbredir);
    if (b->uart1 != NULL)
        uart_bridge_free(b->uart1);
}

static int report_end(struct board *b, enum chip_end end)
{
    static const struct { const char *text; int status; } ends[] = {
        [CHIP_RUNS] = { "the time is over", EXIT_OK },
        [CHIP_RESULT] = { "the program ended the run", EXIT_OK },
        [CHIP_GUEST_FAULT] = { "guest fault", EXIT_GUEST },
        [CHIP_POWER_CUT] = { "the power was cut", EXIT_CUT },
        [CHIP_STOPPED] = { "stopped", EXIT_OK },
    };
    struct flash_totals t = flash_totals(chip_flash(b->chip));

    fprintf(stderr, "end:    %s after %.3f s of virtual time\n", ends[end].text, (double)chip_now(b->chip) / 1e12);
    fprintf(stderr, "flash: %llu erases, %llu words\n", (unsigned long long)t.erases, (unsigned long long)t.words);
    return ends[end].status;
}

static int run(struct board *b, const struct settings *s)
{
    struct load_result r;
    int status;

    fprintf(stderr, "chip:   %s, crystal %.6g MHz\n", s->chip.vg ? "STM32F407VG" : "STM32F407VE", s->chip.hse_hz / 1e6);
    if (!fill_flash(b, s) || !plug_in(b, s))
        return EXIT_USAGE;
    status = report_end(b, chip_run_until(b->chip, s->run_for));
    /* An operation under way is torn by the power that goes with the program's end, as on a board that is switched off. */
    chip_power_cut(b->chip);
    if (s->state != NULL && !save_state(b->chip, s->state, &r)) {
        fprintf(stderr, "vcpboard: %s\n", r.error);
        return EXIT_USAGE;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct settings s = { .chip = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .log = stderr }, .run_for = VTIME_NEVER };
    struct board b = { .chip = NULL };
    bool done = false;
    int status = parse(argc, argv, &s, &done);

    if (status != EXIT_OK || done)
        return status;
    s.chip.usb_cable = s.pty != NULL || s.usbredir != NULL;
    s.chip.usb_forward = s.usbredir != NULL;
    s.chip.realtime = s.chip.usb_cable || s.uart1[0] != '\0';
    b.chip = chip_new(&s.chip);
    watch_signals(&b);
    status = run(&b, &s);
    unplug(&b);
    chip_unwatch_fd(b.chip, &b.signals);
    (void)close(b.signals.fd);
    chip_free(b.chip);
    return status;
}
