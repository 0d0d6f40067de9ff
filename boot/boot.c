/* SPDX-License-Identifier: MIT */
/* The decision at reset: gathers the facts, starts the application with the chip as reset left it, or says why not. */
/* Sources: docs/SPEC.md sections 2.2 and 3; AN2606 Rev 65 §4 (the system loader) */
#include "boot/boot.h"

#include "boot/config.h"
#include "boot/mailbox.h"
#include "hal/stm32f4/hal.h"
#include "image/seal.h"
#include "update/flash.h"

static void load_head(struct seal_head *head, uint32_t base)
{
    for (uint32_t i = 0; i < SEAL_HEAD_WORDS; i++) {
        head->word[i] = flash_read(base + 4 * i);
    }
}

static bool crc_fits(const struct seal_head *head, const struct seal_info *seal, uint32_t base)
{
    uint32_t crc;

    clock_boot_fast();                  /* if it fails, the CRC takes longer, that is all */
    flash_crc_reset();
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++) {
        if (seal_word_counts(i)) {
            flash_crc_word(head->word[i]);
        }
    }
    crc = flash_crc_block(base + SEAL_HEAD_BYTES, (seal->length - SEAL_HEAD_BYTES) / 4);
    flash_crc_off();
    clock_boot_restore();
    return crc == seal->crc;
}

static void judge_image(struct boot_facts *f, const struct seal_area *where)
{
    struct seal_head head;
    uint32_t limit = where->bytes;

    load_head(&head, where->base);
    seal_parse(&f->seal, &head, where);
    if (f->seal.kind == SEAL_PRESENT) {
        limit = f->seal.length;
    }
    f->vectors_ok = seal_vectors_ok(&head, where, limit);
    f->crc_ok = f->seal.kind == SEAL_PRESENT && f->vectors_ok && crc_fits(&head, &f->seal, where->base);
}

/* Only a software reset leaves the RAM alone and means it. */
static enum mailbox_request take_request(void)
{
    struct mailbox *box = (struct mailbox *)MAILBOX_ADDRESS;
    enum mailbox_request request = reset_was_software() ? mailbox_read(box) : MAILBOX_NONE;

    mailbox_clear(box);
    return request;
}

/* AN2606: with its memory at 0, MSP and PC from its first two words, interrupts enabled, the chip otherwise as reset left it.
 * Without these two words (a part whose loader stands elsewhere), back: the bootloader stays. */
static void start_rom(void)
{
    uint32_t sp = flash_read(ROM_BASE), pc = flash_read(ROM_BASE + 4U);

    if (sp - RAM_BASE <= RAM_BYTES && pc - ROM_BASE < ROM_BYTES) {
        core_start_rom(sp, pc);
    }
}

static void gather(struct boot_facts *f, enum mailbox_request request)
{
    struct seal_area where;

    f->requested = request != MAILBOX_NONE;
    f->pin = (boot_config.policy & CONFIG_PIN) != 0 &&
             pin_active(boot_config.pin_port, boot_config.pin_number, (boot_config.policy & CONFIG_PIN_HIGH) != 0);
    f->require_seal = (boot_config.policy & CONFIG_REQUIRE_SEAL) != 0;
    f->vectors_ok = false;
    f->crc_ok = false;
    f->seal = (struct seal_info){ .kind = SEAL_BLANK };
    if (chip_where(boot_config.app_base, &where)) {
        judge_image(f, &where);
    }
}

struct boot_outcome boot_decision(void)
{
    enum mailbox_request request = take_request();
    struct boot_facts facts;
    struct boot_verdict verdict;

    if (request == MAILBOX_ROM) {
        start_rom();
    }
    gather(&facts, request);
    verdict = boot_decide(&facts);
    if (boot_starts(verdict)) {
        if (verdict.life_bit != 0) {
            /* If it fails, the start is not counted: better a crash loop than an application that never starts. */
            (void)flash_program_byte(boot_config.app_base + SEAL_AT_LIFE, (uint8_t)(facts.seal.life & ~verdict.life_bit));
        }
        core_start(boot_config.app_base);
    }
    return (struct boot_outcome){ .reason = verdict.reason, .dfu = request == MAILBOX_DFU,
                                  .startable = boot_starts(boot_decide_unasked(&facts)) };
}
