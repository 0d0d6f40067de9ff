/* SPDX-License-Identifier: MIT */
/* Faults on purpose: the handlers report which exception came, with CFSR, HFSR and BFAR. */
#include "guest.h"

#define OUT_CFSR GUEST_ARGS[16]
#define OUT_HFSR GUEST_ARGS[17]
#define OUT_BFAR GUEST_ARGS[18]

enum { CASE_BAD_LOAD, CASE_UDF, CASE_EVEN_JUMP, CASE_BKPT, CASE_CCM_FETCH, CASE_XN_FETCH, CASE_BAD_RETURN, CASE_LOCKUP, CASE_FPU_OFF,
       CASE_SVC_HIGH, CASE_BAD_STORE };

static void report(void)
{
    uint32_t ipsr;

    OUT_CFSR = SCB_CFSR;
    OUT_HFSR = SCB_HFSR;
    OUT_BFAR = SCB_BFAR;
    if (GUEST_ARGS[0] == CASE_LOCKUP)
        (void)REG(0x30000000);          /* a fault in the fault handler */
    __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
    guest_result(ipsr);
}

void guest_hardfault(void)
{
    report();
}

void guest_busfault(void)
{
    report();
}

void guest_usagefault(void)
{
    report();
}

void guest_memmanage(void)
{
    report();
}

/* The handler itself causes the fault: returns by a value that is no EXC_RETURN for an active exception. */
__attribute__((naked)) void guest_irq0(void)
{
    __asm__ volatile("ldr r0, =0xFFFFFFF5\n bx r0\n .ltorg");
}

void guest_irq1(void)
{
    __asm__ volatile("svc 0");
}

static void jump(uint32_t address)
{
    void (*volatile to)(void) = (void (*)(void))address;

    to();
}

static void pend(uint32_t irq)
{
    NVIC_ISER(0) = 1u << irq;
    NVIC_ISPR(0) = 1u << irq;
    dsb();
}

/* args[1]: SHCSR enables */
uint32_t guest_main(uint32_t which)
{
    SCB_SHCSR = GUEST_ARGS[1];
    switch (which) {
    case CASE_BAD_LOAD:
    case CASE_LOCKUP:
        (void)REG(0x30000010);
        break;
    case CASE_BAD_STORE:
        REG(0x60000000) = 1;
        break;
    case CASE_UDF:
        __asm__ volatile("udf #0");
        break;
    case CASE_EVEN_JUMP:
        jump((uint32_t)jump & ~1u);
        break;
    case CASE_BKPT:
        __asm__ volatile("bkpt 0");
        break;
    case CASE_CCM_FETCH:
        jump(0x10000001);
        break;
    case CASE_XN_FETCH:
        jump(0x40023801);
        break;
    case CASE_BAD_RETURN:
        pend(0);
        break;
    case CASE_FPU_OFF:
        __asm__ volatile(".fpu fpv4-sp-d16\n vmov s0, %0" ::"r"(1));
        break;
    case CASE_SVC_HIGH:
        pend(1);                        /* priority 0, the same as SVCall's */
        break;
    default:
        break;
    }
    dsb();
    return 0;
}
