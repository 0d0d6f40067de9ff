/* SPDX-License-Identifier: MIT */
/* The demo application: an interrupt-driven virtual COM port with vcpboot's SDK in its place. */
/* Sources: sdk/README.md (where the SDK's calls go); PM0214 §4.5 (SysTick) */
#include "sdk/demo/demo.h"

#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/otg_fs.h"
#include "sdk/vcpboot_app.h"
#include "usb/cdc_state.h"
#include "usb/usbd.h"

#define HSE_HZ 8000000U
#define HCLK_HZ 168000000U
#define SEND_PATIENCE_MS 1000U
#define LEAVE_MS 100U
#define CDC_SET_LINE_CODING 0x20U       /* CDC PSTN 1.2 §6.3 */
#define CDC_SET_CONTROL_LINE_STATE 0x22U
#define FPU_ROUNDS 64

VCPBOOT_INFO("vcpboot demo", DEMO_VERSION, DEMO_CONFIRMS ? VCPBOOT_CONFIRMS : 0);

static struct demo {
    volatile uint32_t now_ms;
    volatile float seconds;             /* so that an interrupt uses the FPU too */
    uint32_t fpu_errors;
    struct chip_id chip;
    struct usb_identity identity;
    struct usbd usbd;
    struct cdc cdc;
    char line[DEMO_LINE_MAX];
    size_t line_n;
    bool confirmed;
    uint8_t rx[4096], tx[1024];
} demo;

uint32_t demo_now_ms(void)
{
    return demo.now_ms;
}

uint32_t demo_fpu_errors(void)
{
    return demo.fpu_errors;
}

void SysTick_Handler(void)
{
    float a = demo.seconds, b = a * 2.0f, c = b - a;

    demo.now_ms++;
    demo.seconds = c + 0.001f;
    vcpboot_poll(demo.now_ms);
}

void OTG_FS_IRQHandler(void)
{
    otg_fs_poll();
}

/* The CDC class with the SDK's two hooks: what CDC_Control_FS is in a CubeMX project. */
static bool request(void *self, const struct usb_setup *s, uint8_t **data, size_t *n)
{
    bool known = cdc_function.request(self, s, data, n);

    if (known && s->request == CDC_SET_LINE_CODING) {
        vcpboot_line_coding(cdc_line_coding(self)->baud);
    }
    if (known && s->request == CDC_SET_CONTROL_LINE_STATE) {
        vcpboot_control_line((s->value & 1U) != 0);
    }
    return known;
}

static void configure(void *self, const struct dcd *dcd, bool on)
{
    cdc_function.configure(self, dcd, on);
}

static uint8_t *accepts(void *self, const struct usb_setup *s, uint8_t *data)
{
    return cdc_function.accepts(self, s, data);
}

static void event(void *self, const struct dcd_event *e)
{
    cdc_function.event(self, e);
}

static const struct usbd_function function = {
    .configuration = usb_config_descriptor, .device_class = 0x02,
    .endpoints = { VCP_EP_DATA, VCP_EP_DATA | DCD_IN, VCP_EP_NOTIFY | DCD_IN },
    .configure = configure, .request = request, .accepts = accepts, .event = event,
};

/* Sums whose every step is exact, in as many registers as the compiler likes, while interrupts use the same ones. */
static void exercise_fpu(void)
{
    float a = 0.0f, b = 1.0f, c = 0.5f;

    for (int i = 0; i < FPU_ROUNDS; i++) {
        a += c;
        b += a;
        c += 0.25f;
        __asm volatile("" : "+t"(a), "+t"(b), "+t"(c));
    }
    /* a = sum of (0.5 + i/4), b = 1 + the sum of its partial sums */
    if (a != 0.5f * FPU_ROUNDS + 0.25f * (FPU_ROUNDS * (FPU_ROUNDS - 1) / 2) || c != 0.5f + 0.25f * FPU_ROUNDS ||
        b != 1.0f + 0.5f * (FPU_ROUNDS * (FPU_ROUNDS + 1) / 2) +
                 0.25f * ((FPU_ROUNDS - 1) * FPU_ROUNDS * (FPU_ROUNDS + 1) / 6)) {
        demo.fpu_errors++;
    }
}

void demo_send(const void *p, size_t n)
{
    const uint8_t *from = p;
    uint32_t since = demo.now_ms;

    while (n > 0 && demo.now_ms - since < SEND_PATIENCE_MS) {
        size_t took;

        otg_fs_mask_irq();
        took = cdc_write(&demo.cdc, from, n);
        otg_fs_unmask_irq();
        if (took > 0) {
            since = demo.now_ms;
        }
        from += took;
        n -= took;
    }
}

static bool all_sent(void)
{
    bool sent;

    otg_fs_mask_irq();
    sent = cdc_sent(&demo.cdc);
    otg_fs_unmask_irq();
    return sent;
}

void demo_enter_bootloader(void)
{
    uint32_t since = demo.now_ms;

    while (!all_sent() && demo.now_ms - since < LEAVE_MS) {}
    since = demo.now_ms;
    while (demo.now_ms - since < LEAVE_MS) {}   /* the PC takes the answer out of its own buffers */
    otg_fs_mask_irq();
    usbd_connect(&demo.usbd, false);
    vcpboot_enter(VCPBOOT_BOOTLOADER);
}

static void take_byte(char c)
{
    if (c == '\r' || c == '\n') {
        demo.line[demo.line_n] = '\0';
        if (demo.line_n > 0) {
            demo.line_n = 0;
            demo_command(demo.line);
        }
        return;
    }
    if (c < ' ' || c > '~') {
        demo.line_n = 0;                /* no text: somebody's probe */
        return;
    }
    if (demo.line_n < sizeof demo.line - 1) {
        demo.line[demo.line_n++] = c;
    }
}

static void take_input(void)
{
    uint8_t in[DCD_PACKET_BYTES], out[VCPBOOT_ANSWER_BYTES];
    size_t n, answer;

    otg_fs_mask_irq();
    n = cdc_read(&demo.cdc, in, sizeof in);
    otg_fs_unmask_irq();
    answer = vcpboot_answer(in, n, out, sizeof out);
    if (answer > 0) {
        demo_send(out, answer);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        take_byte((char)in[i]);
    }
}

/* That the PC sees the port is what this firmware calls "it works". */
static void confirm_once(void)
{
    if (DEMO_CONFIRMS && !demo.confirmed && cdc_configured(&demo.cdc)) {
        demo.confirmed = true;
        vcpboot_confirm();
    }
}

static void start_systick(void)
{
    DEMO_REG32(SYSTICK_LOAD) = HCLK_HZ / 1000U - 1U;
    DEMO_REG32(SYSTICK_VAL) = 0;
    DEMO_REG32(SYSTICK_CTRL) = SYSTICK_CTRL_ON;
}

static void start_usb(void)
{
    chip_id_read(&demo.chip);
    demo.identity = (struct usb_identity){ .vid = 0x0483, .pid = 0x5740, .manufacturer = "STMicroelectronics",
                                           .product = "STM32 Virtual ComPort", .uid = demo.chip.uid };
    cdc_init(&demo.cdc, demo.rx, sizeof demo.rx, demo.tx, sizeof demo.tx);
    usbd_init(&demo.usbd, &otg_fs_dcd, &demo.identity, &function, &demo.cdc);
    if (otg_fs_init(usbd_event, &demo.usbd, demo_now_ms)) {
        usbd_connect(&demo.usbd, true);
        otg_fs_enable_irq();
    }
}

_Noreturn void demo_main(void)
{
    clock_usb(HSE_HZ);
    start_systick();
    start_usb();
    for (;;) {
        take_input();
        confirm_once();
        exercise_fpu();
        __asm volatile("wfi");
    }
}
