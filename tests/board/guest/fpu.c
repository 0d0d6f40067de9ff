/* SPDX-License-Identifier: MIT */
/* Floating point in thread mode and in two nested handlers: nobody's registers may change. */
#include "guest.h"

static volatile uint32_t handled;
static volatile float handler_sum;

static float churn(float x)
{
    for (int i = 0; i < 20; i++)
        x = x * 1.5f + 0.25f;
    return x;
}

void guest_irq0(void)
{
    handler_sum += churn(1.0f);
    NVIC_ISPR(0) = 2;
    dsb();
    handler_sum += churn(2.0f);
    handled++;
}

void guest_irq1(void)
{
    handler_sum += churn(3.0f);
    handled++;
}

uint32_t guest_main(uint32_t which)
{
    float sum = 0, want = 0, a = 1.0f, b = 2.0f;

    (void)which;
    SCB_CPACR |= 0xF00000;
    dsb();
    NVIC_IPR8(0) = 0x80;
    NVIC_IPR8(1) = 0x40;
    NVIC_ISER(0) = 3;
    for (int i = 0; i < 50; i++) {
        sum = sum * 0.5f + a * b;
        NVIC_ISPR(0) = 1;
        dsb();
        sum += a;
    }
    for (int i = 0; i < 50; i++)
        want = want * 0.5f + a * b + a;
    GUEST_ARGS[16] = handled;
    GUEST_ARGS[17] = sum == want;
    return (uint32_t)sum;
}
