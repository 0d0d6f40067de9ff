/* SPDX-License-Identifier: MIT */
/* Instruction costs by encoding group; nothing is executed here. */
/* Sources: Arm DDI 0439 (Cortex-M4 TRM) §3.3 "Instruction set summary", table 3-1, and §7.2.3 for the FPU;
 * encodings: Arm DDI 0403 (ARMv7-M ARM) §A5.2, §A5.3. */
#include "board/thumb.h"

enum kind { K_PLAIN, K_LOAD, K_OTHER };

struct cost {
    unsigned cycles;
    enum kind kind;
};

#define DIV_CYCLES 7U                   /* 2 to 12, by the number of quotient bits */
#define FP_LONG_CYCLES 14U              /* VDIV, VSQRT */

static unsigned bits_set(unsigned v)
{
    unsigned n = 0;

    for (; v != 0; v &= v - 1)
        n++;
    return n;
}

static struct cost cost16(unsigned op)
{
    if ((op & 0xF800) == 0x4800 || (op & 0xF800) == 0x9800)             /* LDR literal, LDR sp */
        return (struct cost){ 2, K_LOAD };
    if ((op & 0xF000) == 0x5000)                                        /* register offset: 0x5000-0x57FF store */
        return (op & 0x0E00) < 0x0600 ? (struct cost){ 1, K_PLAIN } : (struct cost){ 2, K_LOAD };
    if ((op & 0xE000) == 0x6000 || (op & 0xF000) == 0x8000)             /* immediate offset; bit 11 is L */
        return (op & 0x0800) ? (struct cost){ 2, K_LOAD } : (struct cost){ 1, K_PLAIN };
    if ((op & 0xF600) == 0xB400)                                        /* PUSH, POP */
        return (struct cost){ 1 + bits_set(op & 0x1FF), K_OTHER };
    if ((op & 0xF000) == 0xC000)                                        /* LDM, STM */
        return (struct cost){ 1 + bits_set(op & 0xFF), K_OTHER };
    return (struct cost){ 1, K_PLAIN };
}

static struct cost cost_fp(unsigned hw1, unsigned hw2)
{
    if ((hw1 & 0xFF00) == 0xEE00 && (hw2 & 0x10) == 0) {                /* data processing */
        unsigned opc1 = (hw1 >> 4) & 0xB, opc2 = hw1 & 0xF;

        if (opc1 == 8 || (opc1 == 0xB && opc2 == 1 && (hw2 & 0xC0) == 0xC0))
            return (struct cost){ FP_LONG_CYCLES, K_OTHER };
        return (struct cost){ opc1 < 2 || opc1 == 9 || opc1 == 0xA ? 3U : 1U, K_OTHER };
    }
    if ((hw1 & 0xFF00) == 0xEE00)                                       /* one register to or from the core */
        return (struct cost){ 1, K_OTHER };
    if ((hw1 & 0x0F20) == 0x0D00)                                       /* VLDR, VSTR */
        return (struct cost){ 2, K_OTHER };
    return (struct cost){ 1 + (hw2 & 0xFF), K_OTHER };                  /* VLDM, VSTM, VPUSH, VPOP */
}

static struct cost cost32_memory(unsigned hw1, unsigned hw2)
{
    if ((hw1 & 0xFE40) == 0xE800)                                       /* LDM, STM */
        return (struct cost){ 1 + bits_set(hw2), K_OTHER };
    if ((hw1 & 0xFE40) == 0xE840) {
        if ((hw1 & 0xFFF0) == 0xE8D0 && (hw2 & 0xF0) <= 0x10)           /* TBB, TBH */
            return (struct cost){ 2, K_OTHER };
        return (struct cost){ (hw1 & 0x0120) ? 3U : 2U, K_OTHER };      /* LDRD, STRD; exclusives */
    }
    return (hw1 & 0x10) ? (struct cost){ 2, K_LOAD } : (struct cost){ 1, K_PLAIN };
}

static struct cost cost32(unsigned hw1, unsigned hw2)
{
    if ((hw1 & 0xFE00) == 0xE800 || (hw1 & 0xFE00) == 0xF800)
        return cost32_memory(hw1, hw2);
    if ((hw1 & 0xFF90) == 0xFB90 && (hw2 & 0xF0) == 0xF0)               /* SDIV, UDIV */
        return (struct cost){ DIV_CYCLES, K_OTHER };
    if ((hw1 & 0xFF80) == 0xF380 && (hw2 & 0xD000) == 0x8000)           /* MSR, MRS, barriers, hints */
        return (struct cost){ 2, K_OTHER };
    return (struct cost){ 1, K_PLAIN };
}

static bool is_fp(unsigned hw1, unsigned hw2)
{
    return (hw1 & 0xEC00) == 0xEC00 && (hw2 & 0x0E00) == 0x0A00;        /* coprocessor 10 or 11 */
}

struct thumb_block thumb_scan(const uint8_t *code, uint32_t bytes)
{
    struct thumb_block b = { 0, false };
    bool after_load = false;

    for (uint32_t at = 0; at + 2 <= bytes;) {
        unsigned hw1 = code[at] | (unsigned)code[at + 1] << 8, hw2 = 0;
        struct cost c;

        at += 2;
        if (hw1 < 0xE800) {
            c = cost16(hw1);
        } else {
            if (at + 2 <= bytes)
                hw2 = code[at] | (unsigned)code[at + 1] << 8;
            at += 2;
            b.has_fp |= is_fp(hw1, hw2);
            c = is_fp(hw1, hw2) ? cost_fp(hw1, hw2) : cost32(hw1, hw2);
        }
        /* Neighbouring loads pipeline: the second costs one cycle. */
        b.cycles += c.kind == K_LOAD && after_load ? 1 : c.cycles;
        after_load = c.kind == K_LOAD;
    }
    return b;
}
