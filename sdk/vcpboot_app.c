/* SPDX-License-Identifier: MIT */
/* vcpboot, the application's side: enters the bootloader, confirms the firmware, says who it is. */
/* Sources: docs/SPEC.md; RM0090 Rev 21 §3.9 (FLASH registers), §4 (CRC), §39.1 (unique id), §38.6.1 (DBGMCU_IDCODE); PM0214 §4.4.5 (AIRCR) */
#include "vcpboot_app.h"

#include <string.h>

/* The only way to the chip. A test on the PC puts its own in front of this file. */
#ifndef VCPBOOT_REG32
#define VCPBOOT_REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define VCPBOOT_REG16(address) (*(volatile uint16_t *)(uintptr_t)(address))
#define VCPBOOT_REG8(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define VCPBOOT_BARRIER() __asm volatile("dsb" ::: "memory")
#define VCPBOOT_MASK_INTERRUPTS() __asm volatile("cpsid i" ::: "memory")
#define VCPBOOT_AWAIT_RESET() for (;;) {}
#endif

#define SCB_VTOR 0xE000ED08U
#define SCB_AIRCR 0xE000ED0CU
#define SCB_AIRCR_RESET 0x05FA0004U     /* VECTKEY, SYSRESETREQ */
#define DBGMCU_IDCODE 0xE0042000U
#define UNIQUE_ID 0x1FFF7A10U
#define FLASH_SIZE_KB 0x1FFF7A22U

#define FLASH_KEYR 0x40023C04U
#define FLASH_SR 0x40023C0CU
#define FLASH_CR 0x40023C10U
#define FLASH_KEY1 0x45670123U
#define FLASH_KEY2 0xCDEF89ABU
#define FLASH_SR_ERRORS 0x000000F2U     /* OPERR, WRPERR, PGAERR, PGPERR, PGSERR: rc_w1 */
#define FLASH_SR_BSY 0x00010000U
#define FLASH_CR_PG 0x00000001U         /* with PSIZE = 0: bytes */
#define FLASH_CR_IN_USE 0x00010007U     /* STRT, MER, SER, PG: somebody is at it */
#define FLASH_CR_LOCK 0x80000000U
#define FLASH_TURNS 100000U             /* a byte takes at most 100 us (DS8626 table 40): at 168 MHz, with room to spare */

#define SEAL_AT_MAGIC 0x1CU
#define SEAL_AT_LENGTH 0x20U
#define SEAL_AT_CRC 0x24U
#define SEAL_AT_LIFE 0x34U
#define SEAL_MAGIC 0x42504356U
#define LIFE_CONFIRMED_BYTE 1U          /* bit 8 of the life word is bit 0 of its second byte */
#define LIFE_CONFIRMED_BIT 0x01U

#define MAILBOX 0x20000000U
#define MAILBOX_MAGIC 0x4D504356U

#define TOUCH_BAUD 1200U
#define TOUCH_DELAY_MS 100U

#define FRAME_HEADER_BYTES 8U
#define FRAME_TRAILER_BYTES 4U
#define FRAME_HELLO 0x01U
#define FRAME_ANSWER 0x80U
#define HELLO_BYTES 68U
#define PROTOCOL_VERSION 1U
#define MODE_APPLICATION 1U

typedef char vcpboot_info_has_no_holes[sizeof(struct vcpboot_info) == VCPBOOT_INFO_HEADER_BYTES + VCPBOOT_INFO_ENTRIES_BYTES ? 1 : -1];
typedef char vcpboot_answer_fits[FRAME_HEADER_BYTES + HELLO_BYTES + VCPBOOT_INFO_ENTRIES_BYTES + FRAME_TRAILER_BYTES ==
                                         VCPBOOT_ANSWER_BYTES ? 1 : -1];

/* --- numbers ------------------------------------------------------------------------------------------------------------ */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

/* One byte into a CRC-32/MPEG-2; words go in most significant byte first, as the chip's CRC unit takes them. */
static uint32_t crc32_byte(uint32_t crc, uint8_t byte)
{
    unsigned bit;

    crc ^= (uint32_t)byte << 24;
    for (bit = 0; bit < 8; bit++) {
        crc = (crc & 0x80000000U) != 0 ? crc << 1 ^ 0x04C11DB7U : crc << 1;
    }
    return crc;
}

static uint32_t crc32_word(uint32_t crc, uint32_t word)
{
    int shift;

    for (shift = 24; shift >= 0; shift -= 8) {
        crc = crc32_byte(crc, (uint8_t)(word >> shift));
    }
    return crc;
}

static uint32_t crc32_bytes(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFFU;

    while (n-- > 0) {
        crc = crc32_byte(crc, *p++);
    }
    return crc;
}

static uint32_t crc16(const uint8_t *p, size_t n)
{
    uint32_t crc = 0;
    unsigned bit;

    while (n-- > 0) {
        crc ^= (uint32_t)*p++ << 8;
        for (bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000U) != 0 ? (crc << 1 ^ 0x1021U) & 0xFFFFU : crc << 1;
        }
    }
    return crc;
}

/* --- into the bootloader -------------------------------------------------------------------------------------------------- */

void vcpboot_enter(uint32_t request)
{
    uint32_t words[4];
    uint32_t crc = 0xFFFFFFFFU;
    unsigned i;

    words[0] = MAILBOX_MAGIC;
    words[1] = request;
    words[2] = ~request;
    for (i = 0; i < 3; i++) {
        crc = crc32_word(crc, words[i]);
    }
    words[3] = crc;
    VCPBOOT_MASK_INTERRUPTS();          /* an interrupt might keep its variables where the mailbox is */
    for (i = 0; i < 4; i++) {
        VCPBOOT_REG32(MAILBOX + 4U * i) = words[i];
    }
    VCPBOOT_BARRIER();
    VCPBOOT_REG32(SCB_AIRCR) = SCB_AIRCR_RESET;
    VCPBOOT_BARRIER();
    VCPBOOT_AWAIT_RESET();
}

static struct {
    volatile uint32_t baud;
    volatile bool dtr, asked;
    bool timing;                        /* since_ms is set */
    uint32_t since_ms;
} touch;

void vcpboot_line_coding(uint32_t baud)
{
    touch.baud = baud;
}

bool vcpboot_control_line(bool dtr)
{
    if (touch.dtr && !dtr && touch.baud == TOUCH_BAUD) {
        touch.asked = true;
    }
    touch.dtr = dtr;
    return touch.asked;
}

void vcpboot_poll(uint32_t now_ms)
{
    if (!touch.asked) {
        return;
    }
    if (!touch.timing) {
        touch.timing = true;
        touch.since_ms = now_ms;
    }
    if (now_ms - touch.since_ms >= TOUCH_DELAY_MS) {
        vcpboot_enter(VCPBOOT_BOOTLOADER);
    }
}

/* --- I work ------------------------------------------------------------------------------------------------------------------ */

/* Where this image stands: its vector table is its first word. */
static uint32_t image_base(void)
{
    return VCPBOOT_REG32(SCB_VTOR);
}

static bool flash_is_idle(void)
{
    uint32_t turns = FLASH_TURNS;

    while ((VCPBOOT_REG32(FLASH_SR) & FLASH_SR_BSY) != 0) {
        if (turns-- == 0) {
            return false;
        }
    }
    return true;
}

/* Clears bits of one byte of flash and leaves the controller as it found it. */
static bool program_byte(uint32_t address, uint8_t value)
{
    uint32_t before = VCPBOOT_REG32(FLASH_CR);
    bool done;

    if ((before & FLASH_CR_LOCK) != 0) {
        VCPBOOT_REG32(FLASH_KEYR) = FLASH_KEY1;
        VCPBOOT_REG32(FLASH_KEYR) = FLASH_KEY2;
    }
    VCPBOOT_REG32(FLASH_SR) = FLASH_SR_ERRORS;  /* stale flags would refuse the byte */
    VCPBOOT_REG32(FLASH_CR) = FLASH_CR_PG;
    VCPBOOT_REG8(address) = value;
    VCPBOOT_BARRIER();
    done = flash_is_idle() && (VCPBOOT_REG32(FLASH_SR) & FLASH_SR_ERRORS) == 0;
    VCPBOOT_REG32(FLASH_SR) = FLASH_SR_ERRORS;
    VCPBOOT_REG32(FLASH_CR) = before;   /* LOCK included, if it was locked */
    return done;
}

int vcpboot_confirm(void)
{
    uint32_t at = image_base() + SEAL_AT_LIFE + LIFE_CONFIRMED_BYTE;
    uint8_t life;

    if (VCPBOOT_REG32(image_base() + SEAL_AT_MAGIC) != SEAL_MAGIC) {
        return VCPBOOT_UNSEALED;
    }
    life = VCPBOOT_REG8(at);
    if ((life & LIFE_CONFIRMED_BIT) == 0) {
        return VCPBOOT_OK;
    }
    if ((VCPBOOT_REG32(FLASH_CR) & FLASH_CR_IN_USE) != 0 || !flash_is_idle()) {
        return VCPBOOT_FLASH_BUSY;
    }
    return program_byte(at, (uint8_t)(life & ~LIFE_CONFIRMED_BIT)) ? VCPBOOT_OK : VCPBOOT_FLASH_FAILED;
}

/* --- who is asking --------------------------------------------------------------------------------------------------------------- */

static bool is_hello(const uint8_t *in, size_t n)
{
    uint8_t check[4];

    if (n < FRAME_HEADER_BYTES + FRAME_TRAILER_BYTES || in[0] != 0xA5 || in[1] != 0x56 || in[2] != FRAME_HELLO ||
        in[4] != 0 || in[5] != 0) {
        return false;
    }
    put16(check, crc16(in, 6));
    if (memcmp(check, in + 6, 2) != 0) {
        return false;
    }
    put32(check, crc32_bytes(in + 2, 6));
    return memcmp(check, in + FRAME_HEADER_BYTES, 4) == 0;
}

/* HELLO's payload (SPEC 5.3); what an application does not know stays 0. */
static size_t put_hello(uint8_t *p)
{
    uint32_t base = image_base(), id = VCPBOOT_REG32(DBGMCU_IDCODE);
    unsigned i;

    memset(p, 0, HELLO_BYTES);
    p[1] = PROTOCOL_VERSION;
    p[2] = MODE_APPLICATION;
    put16(p + 12, id & 0xFFFU);
    put16(p + 14, id >> 16);
    put32(p + 16, base);
    put16(p + 26, VCPBOOT_REG16(FLASH_SIZE_KB));
    if (VCPBOOT_REG32(base + SEAL_AT_MAGIC) == SEAL_MAGIC) {
        put32(p + 40, VCPBOOT_REG32(base + SEAL_AT_LENGTH));
        put32(p + 44, VCPBOOT_REG32(base + SEAL_AT_CRC));
        put32(p + 48, VCPBOOT_REG32(base + SEAL_AT_LIFE));
    }
    for (i = 0; i < 3; i++) {
        put32(p + 52 + 4 * i, VCPBOOT_REG32(UNIQUE_ID + 4U * i));
    }
    put16(p + 66, VCPBOOT_INFO_ENTRIES_BYTES);
    memcpy(p + HELLO_BYTES, (const uint8_t *)&vcpboot_info + VCPBOOT_INFO_HEADER_BYTES, VCPBOOT_INFO_ENTRIES_BYTES);
    return HELLO_BYTES + VCPBOOT_INFO_ENTRIES_BYTES;
}

size_t vcpboot_answer(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    size_t length;
    uint8_t sequence;

    if (cap < VCPBOOT_ANSWER_BYTES || !is_hello(in, n)) {
        return 0;
    }
    sequence = in[3];                   /* out may be in */
    length = put_hello(out + FRAME_HEADER_BYTES);
    out[0] = 0xA5;
    out[1] = 0x56;
    out[2] = FRAME_HELLO | FRAME_ANSWER;
    out[3] = sequence;
    put16(out + 4, (uint32_t)length);
    put16(out + 6, crc16(out, 6));
    put32(out + FRAME_HEADER_BYTES + length, crc32_bytes(out + 2, FRAME_HEADER_BYTES - 2 + length));
    return FRAME_HEADER_BYTES + length + FRAME_TRAILER_BYTES;
}
