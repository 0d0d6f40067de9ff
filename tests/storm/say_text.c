/* SPDX-License-Identifier: MIT */
/* YMODEM, XMODEM and a person's keys, as a hostile PC sends them. */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); docs/SPEC.md sections 6 and 9 */
#include <stdio.h>
#include <string.h>

#include "proto/ymodem.h"
#include "tests/storm/storm.h"
#include "tests/unit/wire.h"

#define REPLY_MS 30U
#define KEY_MS 103U

/* --- YMODEM to the device --------------------------------------------------------------------------------------------------- */

/* A block; the device's next byte, -1: none. */
static int block(struct storm *s, uint8_t number, const uint8_t *data, size_t n, size_t size)
{
    uint8_t p[YMODEM_FRAME_MAX];
    size_t length = ymodem_frame(p, number, data, n, size, number == 0 ? 0 : YM_PAD);

    if (chance(s, 40)) p[upto(s, (uint32_t)length)] ^= (uint8_t)(1U << upto(s, 8));
    pc_forget(&s->pc);
    pc_write(&s->pc, p, length - (chance(s, 60) ? upto(s, (uint32_t)size) : 0));
    return pc_wait_bytes(&s->pc, 1, patience_ms(s)) ? *pc_unread_at(&s->pc) : -1;
}

static bool header(struct storm *s)
{
    char text[128] = "storm.bin";
    int n = chance(s, 6) ? 0 : snprintf(text + 10, sizeof text - 10, "%u 0 0",
                                        (unsigned)(chance(s, 6) ? hostile_number(s) : s->image_n));

    tell(s, "ymodem: \"%s\" \"%s\"", text, text + 10);
    return block(s, 0, (const uint8_t *)text, 10U + (size_t)n, 128) == YM_ACK;
}

bool ymodem_refused(struct storm *s, const char *size)
{
    char text[128] = "storm.bin";
    int n = snprintf(text + 10, sizeof text - 10, "%s", size);

    return block(s, 0, (const uint8_t *)text, 10U + (size_t)n, 128) == YM_CAN;
}

static uint8_t send_blocks(struct storm *s)
{
    uint8_t number = 1;

    for (uint32_t at = 0; at < s->image_n && s->pc.there;) {
        size_t size = chance(s, 3) ? 128 : 1024, n = s->image_n - at < size ? s->image_n - at : size;
        int answer = block(s, chance(s, 60) ? (uint8_t)rng_word(&s->rng) : number, s->image + at, n, size);

        if (answer == YM_CAN || answer < 0) return 0;
        if (answer != YM_ACK) continue;
        s->tally[T_YM_BLOCKS]++;
        number++;
        at += (uint32_t)n;
    }
    return number;
}

void act_ymodem(struct storm *s)
{
    static const uint8_t eot = YM_EOT, can[3] = { YM_CAN, YM_CAN, YM_CAN };
    bool xmodem = chance(s, 4);

    if (chance(s, 2)) new_image(s, chance(s, 2));
    tell(s, "%s: %u bytes", xmodem ? "xmodem" : "ymodem", (unsigned)s->image_n);
    if (!xmodem && !header(s) && !chance(s, 3)) return;
    if (send_blocks(s) == 0 && !chance(s, 3)) return;
    if (chance(s, 8)) {
        pc_write(&s->pc, can, sizeof can);
        return;
    }
    pc_forget(&s->pc);
    pc_write(&s->pc, &eot, 1);
    if (!pc_wait_bytes(&s->pc, 1, patience_ms(s)) || *pc_unread_at(&s->pc) != YM_ACK) return;
    s->tally[T_YM_DONE]++;
    if (!xmodem && !chance(s, 8)) (void)block(s, 0, &eot, 0, 128);
    (void)pause_ms(s, chance(s, 4) ? 700 : 10);
}

/* --- from the device ---------------------------------------------------------------------------------------------------------- */

/* With the silence behind it that makes it a key. */
void press(struct storm *s, uint8_t k)
{
    tell(s, "key 0x%02X", k);
    pc_forget(&s->pc);
    pc_packet(&s->pc, &k, 1);
    (void)pause_ms(s, KEY_MS);
}

void act_receive(struct storm *s)
{
    static const uint8_t answers[] = { YM_ACK, YM_ACK, YM_ACK, YM_ACK, YM_NAK, 'C', 'G', YM_CAN, 'x' };

    tell(s, "ymodem: receive");
    (void)pause_ms(s, KEY_MS);
    press(s, chance(s, 4) ? 'G' : 'C');
    for (unsigned left = 1 + upto(s, 12); left > 0 && pc_wait_bytes(&s->pc, 128, REPLY_MS); left--) {
        uint8_t answer = answers[upto(s, sizeof answers)];

        s->tally[T_YM_RECEIVED]++;
        pc_forget(&s->pc);
        pc_packet(&s->pc, &answer, 1);
    }
}

/* --- a person's keys ------------------------------------------------------------------------------------------------------------- */

void act_console(struct storm *s)
{
    static const char keys[] = "1122334444CG?\r";

    (void)pause_ms(s, KEY_MS);
    press(s, '\r');
    s->tally[T_MENUS] += pc_unread(&s->pc) > 100;
    for (unsigned left = 1 + upto(s, 2); left > 0 && s->pc.there; left--) {
        char k = chance(s, 6) ? "rd"[upto(s, 2)] : keys[upto(s, sizeof keys - 1)];

        press(s, chance(s, 12) ? (uint8_t)rng_word(&s->rng) : (uint8_t)k);
        if (k == '4') press(s, chance(s, 2) ? 'y' : 'n');
    }
}
