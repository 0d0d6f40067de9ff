/* SPDX-License-Identifier: MIT */
/* The console: knows a person's key by the silence around it, shows a menu and does what it offers. */
/* Sources: docs/SPEC.md section 9; AN4657 (whose four choices come first) */
#include "boot/serve_parts.h"

#include "boot/boot.h"
#include "boot/mailbox.h"

#define NO_APPLICATION "no application"

/* A tty in echo mode sends all of this back. So no line is empty, which would be Enter, and none begins with a choice: even byte by
 * byte the echo closes the menu before it comes to one. */
#define HEAD " \r\nvcpboot " BOOT_VERSION_TEXT ": %m\r\nchip %c, %k KB, id %i\r\n "
#define CHOICES "\r\n 1 download\r\n 2 upload\r\n 3 execute\r\n 4 write protection: %m\r\n r reboot\r\n d DFU\r\n> "

static const char *const reasons[] = {
    [BOOT_START_SEALED] = "updated",
    [BOOT_START_UNSEALED] = "updated",
    [BOOT_STAY_REQUESTED] = "requested",
    [BOOT_STAY_PIN] = "pin",
    [BOOT_STAY_EMPTY] = NO_APPLICATION,
    [BOOT_STAY_VECTORS] = "bad vectors",
    [BOOT_STAY_DAMAGED] = "damaged",
    [BOOT_STAY_UNSEALED] = "unsealed",
    [BOOT_STAY_REVOKED] = "revoked",
    [BOOT_STAY_CRASH_LOOP] = "crash loop",
};

static bool is_protected(const struct serve *s)
{
    return s->set.area->count != 0 && flash_protected(s->set.area) != 0;
}

static const char *protection(const struct serve *s)
{
    return is_protected(s) ? "on" : "off";
}

static const char *application(const struct serve *s)
{
    if (!s->startable) {
        return NO_APPLICATION;
    }
    return s->set.self.image_bytes != 0 ? "%p %v, %l bytes" : "unsealed";
}

static void show_menu(struct serve *s)
{
    serve_native_describe(s);
    serve_say(s, HEAD, reasons[s->reason]);
    serve_say(s, "%m", application(s));
    serve_say(s, CHOICES, protection(s));
    s->console.state = CONSOLE_MENU;
}

static void answer(struct serve *s, const char *text)
{
    serve_say(s, " %m\r\n> ", text);
}

static void leave(struct serve *s, uint8_t request)
{
    serve_leave_in(s, request, SERVE_REBOOT_MS);
}

static void ask(struct serve *s)
{
    if (s->set.area->count != 0) {
        serve_say(s, " write protection: %m, y changes it\r\n> ", protection(s));
        s->console.state = CONSOLE_ASKS;
    }
}

/* What may not be read, or is not there, gets its refusal as any receiver does. */
static void upload(struct serve *s)
{
    serve_send_wait(s);
    if (s->client == SERVE_SENDING) {
        answer(s, "receive by YMODEM");
    }
}

static void choose(struct serve *s, uint8_t key)
{
    switch (key) {
    case '1':
        serve_ymodem_call(s);
        answer(s, "send by YMODEM");
        break;
    case '2': upload(s); break;
    case '3':
        if (s->startable) {
            leave(s, MAILBOX_NONE);
        } else {
            answer(s, NO_APPLICATION);
        }
        break;
    case '4': ask(s); break;
    case 'r': leave(s, MAILBOX_NONE); break;
    case 'd': leave(s, MAILBOX_DFU); break;
    default: s->console.state = CONSOLE_CLOSED; break;
    }
}

/* The reset behind it is AN4657's way: option bytes are sure to be loaded then. */
static void protect(struct serve *s)
{
    session_protect(s->set.session, is_protected(s) ? 0 : UINT32_MAX, s->now_ms);
    s->console.state = CONSOLE_PROTECTS;
}

static void on_key(struct serve *s, uint8_t key)
{
    struct serve_console *c = &s->console;

    c->key_ms = s->now_ms;
    if (key == '\r' || key == '\n') {
        show_menu(s);
    } else if (key == YM_CRC || key == YM_STREAM) {
        serve_send_start(s, key == YM_STREAM);
    } else if (c->state == CONSOLE_ASKS && key == 'y') {
        protect(s);
    } else if (c->state == CONSOLE_MENU) {
        choose(s, key);
    } else {
        c->state = CONSOLE_CLOSED;
    }
}

void serve_console_heard(struct serve *s, size_t n)
{
    s->console.heard += (uint32_t)n;
}

void serve_console_byte(struct serve *s, uint8_t byte)
{
    struct serve_console *c = &s->console;

    if (c->key == '\r' && byte == '\n') {       /* some terminals send both for Enter */
        c->heard--;
    } else {
        c->key = byte;
    }
}

/* What is on the screen counts as long as nobody but the person has spoken; meanwhile the bootloader does not leave by itself. */
static void follow_menu(struct serve *s)
{
    struct serve_console *c = &s->console;

    if (c->heard > 1 || s->now_ms - c->key_ms >= SERVE_MENU_MS) {
        c->state = CONSOLE_CLOSED;
    }
    if (c->state != CONSOLE_CLOSED) {
        s->active_ms = s->now_ms;
    }
    if (c->state == CONSOLE_PROTECTS && !session_active(s->set.session)) {
        leave(s, MAILBOX_BOOTLOADER);
    }
}

void serve_console_poll(struct serve *s)
{
    struct serve_console *c = &s->console;

    follow_menu(s);
    if (s->now_ms - s->heard_ms < SERVE_KEY_MS) {
        return;
    }
    if (c->heard == 1 && s->client == SERVE_NOBODY && !session_active(s->set.session)) {
        on_key(s, c->key);
    }
    c->heard = 0;
    c->key = 0;
}

void serve_console_opened(struct serve *s)
{
    s->console = (struct serve_console){ .state = CONSOLE_CLOSED };
}
