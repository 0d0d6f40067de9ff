/* SPDX-License-Identifier: MIT */
/* What sb and stm32flash send, in their order, and how long they wait for each answer. */
/* Sources: lrzsz 0.12.21rc, src/lsz.c (Rxtimeout, getnak, wcputsec); stm32flash 0.5 to 0.7, stm32.c (the STM32_..._TIMEOUTs: 5 s
 * for each sector of an erase, 1 s for a write) and serial_posix.c (VTIME: 0.5 s for everything else) */
#include "tests/e2e/edge_pc.h"

#include "tests/unit/cm.h"

#include <stdio.h>
#include <string.h>

#include "proto/an3155.h"
#include "proto/ymodem.h"
#include "tests/unit/wire.h"

#define SB_ACK_MS 60000U
#define SB_CALL_MS 10000U
#define STRICT_ACK_MS 10000U            /* a sixth of it: not every sender is as patient as sb and Tera Term */
_Static_assert(STRICT_ACK_MS < SB_ACK_MS, "what is tested implies what is promised");
#define SF_ANSWER_MS 500U
#define SF_WRITE_MS 1000U
#define SF_ERASE_MS 5000U               /* for each sector */
#define SF_BLOCK 256U
#define SF_FIRST_SECTOR 4U              /* 0x08010000 */
#define SF_SECTORS 8U                   /* without a length, up to the end of a chip of 1 MB: its table has no other F407 */

void edge_waited(struct edge_pc *pc, const char *what, vtime since, unsigned limit_ms)
{
    unsigned ms = (unsigned)((chip_now(pc->desk.chip) - since) / VTIME_MS(1));

    if (ms > limit_ms) fail_msg("%s: no answer within %u ms", what, limit_ms);
    if (pc->closest.limit_ms == 0 || (uint64_t)ms * pc->closest.limit_ms > (uint64_t)pc->closest.waited_ms * limit_ms) {
        pc->closest.what = what;
        pc->closest.waited_ms = ms;
        pc->closest.limit_ms = limit_ms;
    }
}

/* As long as it takes: a write to a port blocks. */
static void say(struct edge_pc *pc, const uint8_t *p, size_t n)
{
    while (n != 0) {
        size_t took = usbhost_cdc_write(chip_usbhost(pc->desk.chip), p, n);

        p += took;
        n -= took;
        pc->desk.bus_bytes += took;
        if (n != 0) dfu_desk_look(&pc->desk);
    }
}

static void hear(struct edge_pc *pc, const char *what, size_t n, unsigned limit_ms)
{
    vtime since = chip_now(pc->desk.chip);

    while (pc->desk.serial_bytes < n && chip_now(pc->desk.chip) - since <= VTIME_MS(limit_ms)) dfu_desk_look(&pc->desk);
    edge_waited(pc, what, since, limit_ms);
    assert_int_equal(pc->desk.serial_bytes, n);
    dfu_desk_think(&pc->desk);
}

static void ask(struct edge_pc *pc, const char *what, const uint8_t *p, size_t n, size_t answer, unsigned limit_ms)
{
    pc->desk.serial_bytes = 0;
    say(pc, p, n);
    hear(pc, what, answer, limit_ms);
}

static void open_port(struct edge_pc *pc)
{
    usbhost_cdc_open(chip_usbhost(pc->desk.chip));
    usbhost_cdc_set_control_lines(chip_usbhost(pc->desk.chip), true, true);
    dfu_desk_run_ms(&pc->desk, 5);
    pc->desk.serial_bytes = 0;
}

/* --- sb -k ------------------------------------------------------------------------------------------------------------------ */

static void send_block(struct edge_pc *pc, const char *what, uint8_t number, const uint8_t *p, size_t n, size_t room, size_t answer)
{
    uint8_t block[YMODEM_FRAME_MAX];

    ask(pc, what, block, ymodem_frame(block, number, p, n, room, number == 0 ? 0 : YM_PAD), answer, STRICT_ACK_MS);
    assert_int_equal(pc->desk.serial_in[0], YM_ACK);
}

void edge_sb(struct edge_pc *pc, const uint8_t *image, size_t n)
{
    char header[64];
    const uint8_t eot = YM_EOT;
    size_t length;
    uint8_t number = 1;

    open_port(pc);
    hear(pc, "the first 'C'", 1, SB_CALL_MS);
    assert_int_equal(pc->desk.serial_in[0], YM_CRC);
    length = (size_t)snprintf(header, sizeof header, "firmware.bin%c%zu 0 0 0", '\0', n);
    send_block(pc, "the ACK of block 0", 0, (const uint8_t *)header, length, 128, 2);
    assert_int_equal(pc->desk.serial_in[1], YM_CRC);
    for (size_t at = 0; at < n; at += YM_BLOCK_MAX)
        send_block(pc, "the ACK of a block", number++, image + at, n - at < YM_BLOCK_MAX ? n - at : YM_BLOCK_MAX, YM_BLOCK_MAX, 1);
    ask(pc, "the ACK of EOT", &eot, 1, 2, STRICT_ACK_MS);
    assert_memory_equal(pc->desk.serial_in, ((const uint8_t[]){ YM_ACK, YM_CRC }), 2);
    send_block(pc, "the ACK of the last block", 0, (const uint8_t *)header, 0, 128, 1);
}

/* --- stm32flash ----------------------------------------------------------------------------------------------------------------- */

static void command(struct edge_pc *pc, const char *what, uint8_t code, size_t answer)
{
    const uint8_t bytes[2] = { code, (uint8_t)~code };

    ask(pc, what, bytes, 2, answer, SF_ANSWER_MS);
    assert_int_equal(pc->desk.serial_in[0], AN_ACK);
}

static void address(struct edge_pc *pc, const char *what, uint32_t a)
{
    uint8_t bytes[5] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a };

    bytes[4] = an3155_checksum(0, bytes, 4);
    ask(pc, what, bytes, sizeof bytes, 1, SF_ANSWER_MS);
    assert_int_equal(pc->desk.serial_in[0], AN_ACK);
}

static void identify(struct edge_pc *pc)
{
    const uint8_t init = AN_INIT;

    ask(pc, "the ACK of 0x7F", &init, 1, 1, SF_ANSWER_MS);
    assert_int_equal(pc->desk.serial_in[0], AN_ACK);
    command(pc, "Get Version", 0x01, 5);
    command(pc, "Get", 0x00, 15);
    command(pc, "Get ID", 0x02, 5);
}

static void erase(struct edge_pc *pc)
{
    uint8_t list[2 + 2 * SF_SECTORS + 1] = { 0, SF_SECTORS - 1 };

    for (uint8_t i = 0; i < SF_SECTORS; i++) list[3 + 2 * i] = (uint8_t)(SF_FIRST_SECTOR + i);
    list[sizeof list - 1] = an3155_checksum(0, list, sizeof list - 1);
    command(pc, "Extended Erase", 0x44, 1);
    ask(pc, "the erase", list, sizeof list, 1, SF_ERASE_MS * SF_SECTORS);
    assert_int_equal(pc->desk.serial_in[0], AN_ACK);
}

static void write_block(struct edge_pc *pc, uint32_t at, const uint8_t *p, size_t n)
{
    uint8_t bytes[1 + SF_BLOCK + 1] = { (uint8_t)(n - 1) };

    memcpy(bytes + 1, p, n);
    bytes[1 + n] = an3155_checksum(bytes[0], p, n);
    command(pc, "Write", 0x31, 1);
    address(pc, "the address of a write", at);
    ask(pc, "the ACK of a write", bytes, n + 2, 1, SF_WRITE_MS);
    assert_int_equal(pc->desk.serial_in[0], AN_ACK);
}

static void verify_block(struct edge_pc *pc, uint32_t at, const uint8_t *p, size_t n)
{
    const uint8_t count[2] = { (uint8_t)(n - 1), (uint8_t)~(n - 1) };

    command(pc, "Read", 0x11, 1);
    address(pc, "the address of a read", at);
    ask(pc, "a read", count, 2, 1 + n, SF_ANSWER_MS);
    assert_memory_equal(pc->desk.serial_in + 1, p, n);
}

void edge_stm32flash(struct edge_pc *pc, const uint8_t *image, size_t n)
{
    open_port(pc);
    identify(pc);
    erase(pc);
    for (size_t at = 0; at < n; at += SF_BLOCK) {
        size_t part = n - at < SF_BLOCK ? n - at : SF_BLOCK;

        write_block(pc, DFU_APP + (uint32_t)at, image + at, part);
        if (!pc->no_verify) verify_block(pc, DFU_APP + (uint32_t)at, image + at, part);
    }
    command(pc, "Go", 0x21, 1);
    address(pc, "the address of Go", DFU_APP);
}
