/* SPDX-License-Identifier: MIT */
/* Eva over image/seal.c, boot/decide.c and boot/mailbox.c: any head, any area, any facts, any mailbox. */
/* Assumptions: an area has at most two RAM ranges. */
#include "boot/decide.h"
#include "boot/mailbox.h"
#include "image/seal.h"
#include "tests/proof/any.h"
int main(void)
{
    uint8_t bytes[SEAL_HEAD_BYTES];
    struct seal_head head; struct seal_info info; struct mailbox m;
    struct seal_area area = { any_u32(), any_u32(), seal_ram_f407, any_upto(2) };
    any_bytes(bytes, sizeof bytes);
    seal_head_load(&head, bytes);
    seal_parse(&info, &head, &area);
    bool ok = seal_vectors_ok(&head, &area, any_u32());
    seal_word_counts(any_u32()); seal_confirmed(any_u32()); seal_revoked(any_u32()); seal_next_start(any_u32());
    struct boot_facts f = { any_bool(), any_bool(), any_bool(), ok, any_bool(), info };
    if (any_bool()) f.seal = (struct seal_info){ (enum seal_kind)any_u8(), any_u32(), any_u32(), any_u32(), any_u8(), any_u32() };
    struct boot_verdict v = boot_decide(&f); boot_starts(v); boot_decide_unasked(&f);
    seal_apply(&head, any_u32(), any_u32(), any_u8(), any_u32());
    any_bytes((uint8_t *)&m, sizeof m);
    mailbox_read(&m); mailbox_write(&m, mailbox_read(&m)); mailbox_clear(&m);
    return 0;
}
