/* SPDX-License-Identifier: MIT */
/* Eva over usb/usbd.c with cdc.c or (PROOF_DFU) dfu.c: any events in any order, over a controller and a memory that do anything. */
/* Assumptions: a packet has at most 64 bytes; the identity's strings are anything, terminated or not; dfu's memory keeps to the length
 * it is given.
 *
 * The alarms that are left are false; Eva keeps no relation between two fields.
 *
 * usbd.c at + done, and what is sent or copied there (asserted in any_send): an OUT data stage begins when `accepts` has given a place
 * that holds setup.length (cdc: 7 bytes in data; dfu: at most 2048 in d->data), and on_control_out takes no more than setup.length - done.
 * An IN data stage begins with done = 0 and total cut to what was written at `at`, and sends min(total - done, 64). A SETUP that is
 * refused leaves no data stage.
 * dfu.c out + 1, *data + 0: GETSTATUS and GETSTATE pass `fits` as IN requests only, for which on_setup has set at to u->data.
 * begin's assertion: DFU_WRITE comes with n = done = setup.length, of what dfu_accepts has let pass: at most sizeof d->data.
 * bytes.h p + 0 to p + 3, cdc.c p + 4, store_le32's memcpy: SET_LINE_CODING wants *n = 7, which only a data stage into u->data gives;
 * GET_LINE_CODING is an IN request, so at is u->data.
 * cdc.c c->dcd->cancel: only while c->sending, which start_output sets when dcd is not NULL; cdc_configure clears both.
 * ring.c: module ring proves each of them, given that what is put or gotten is valid; ring_at at most bytes - 1, so in any_send too. */
#include "tests/proof/any.h"
#include "usb/cdc.h"
#include "usb/cdc_state.h"
#include "usb/dfu.h"
#include "usb/usbd.h"

static struct usbd u;
#ifdef PROOF_DFU
static struct dfu d;
#define FUNCTION dfu_function
#define SELF &d
#else
static struct cdc c;
static uint8_t rx[0x10000], tx[2048];
#define FUNCTION cdc_function
#define SELF &c
#endif
static void any_connect(bool on) { (void)on; }
static void any_set_address(uint8_t address) { (void)address; }
static void any_open(uint8_t ep, enum dcd_transfer_type type, uint16_t n) { (void)ep; (void)type; (void)n; }
static void any_close(uint8_t ep) { (void)ep; }
static void any_arm(uint8_t ep, uint16_t packets) { (void)ep; (void)packets; }
static void any_send(uint8_t ep, const uint8_t *p, size_t n)
{
    //@ assert n == 0 || \valid_read(p + (0 .. n - 1));
    (void)ep; (void)p; (void)n;
}
static void any_cancel(uint8_t ep) { (void)ep; }
static void any_stall(uint8_t ep, bool on) { (void)ep; (void)on; }
static const struct dcd dcd = { any_connect, any_set_address, any_open, any_close, any_arm, any_send, any_cancel, any_stall };

static uint8_t packet[64];
static char manufacturer[40], product[40], function[80];
static uint8_t uid[12];
static const struct usb_identity id = { 0x483, 0x5740, manufacturer, product, function, uid };
static uint8_t buf[4096];

#ifdef PROOF_DFU
static enum dfu_status any_status(void)
{
    uint8_t n = any_u8();
    return (enum dfu_status)(n);
}
static enum dfu_status begin(void *ctx, struct dfu_job *job) { (void)ctx;
    if (job->command == DFU_WRITE) {
    //@ assert \valid_read(job->p + (0 .. job->n - 1));
    }
    job->max_ms = any_u32(); return any_status(); }
static enum dfu_status poll(void *ctx, struct dfu_job *job) { (void)ctx; (void)job; return any_status(); }
static enum dfu_status mread(void *ctx, uint32_t addr, uint8_t *out, size_t *n) {
    (void)ctx; (void)addr;
    *n = any_upto(*n);
    any_bytes(out, *n);
    return any_status(); }
static const struct dfu_memory memory = { begin, poll, mread };
#endif

int main(void)
{
    any_bytes((uint8_t *)manufacturer, sizeof manufacturer);
    any_bytes((uint8_t *)product, sizeof product);
    any_bytes((uint8_t *)function, sizeof function);
    any_bytes(uid, sizeof uid);
#ifdef PROOF_DFU
    dfu_init(&d, &memory, 0, any_u32(), any_u32());
#else
    cdc_init(&c, rx, sizeof rx, tx, sizeof tx);
#endif
    usbd_init(&u, &dcd, &id, &FUNCTION, SELF);
    while (any_bool()) {
        struct dcd_event e = { (enum dcd_event_type)any_upto(DCD_RESUME), any_u8(), (uint16_t)any_upto(64), packet };
        any_bytes(packet, sizeof packet);
        any_bytes(buf, sizeof buf);
        switch (any_upto(12)) {
        case 0: usbd_event(&u, &e); break;
        case 1: usbd_connect(&u, any_bool()); break;
        case 2: (void)usbd_suspended(&u); break;
#ifdef PROOF_DFU
        case 3: dfu_poll(&d, any_u32()); break;
        case 4: (void)dfu_idle_ms(&d); break;
        case 5: (void)dfu_leaves(&d); break;
#else
        case 3: (void)cdc_readable(&c); break;
        case 4: (void)cdc_read(&c, buf, any_upto(sizeof buf)); break;
        case 5: (void)cdc_writable(&c); break;
        case 6: (void)cdc_write(&c, buf, any_upto(sizeof buf)); break;
        case 7: (void)cdc_sent(&c); break;
        case 8: cdc_drop_output(&c); break;
        case 9: (void)cdc_dtr(&c); break;
        case 10: (void)cdc_line_coding(&c); break;
#endif
        default: break;
        }
    }
    return 0;
}
