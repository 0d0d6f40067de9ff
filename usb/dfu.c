/* SPDX-License-Identifier: MIT */
/* DFU 1.1 with ST's DfuSe extensions: a table of what is allowed when, and one function a request. */
/* Sources: USB DFU 1.1 §3, §6, annex A; ST AN3156; dfu-util and STM32CubeProgrammer as clients */
#include "usb/dfu.h"

#include <string.h>

#include "image/bytes.h"
#include "usb/usbd.h"

enum {                                  /* bRequest, DFU 1.1 table 3.2 */
    DETACH = 0, DNLOAD = 1, UPLOAD = 2, GETSTATUS = 3, CLRSTATUS = 4, GETSTATE = 5, ABORT = 6, REQUESTS = 7,
};

#define STATUS_BYTES 6U
#define COMMAND_BYTES 5U                /* its code and an address */
#define BLOCK_COMMAND 0U
#define BLOCK_FIRST 2U                  /* block 1 means nothing */

/* Configuration: 27 bytes, one interface, self-powered, 100 mA. Interface: DFU, one setting, its string is the memory string.
 * Functional descriptor: download, upload, detaches itself; 255 ms; 2048 bytes; DFU 1.1a, which is how DfuSe is told. */
static const uint8_t configuration[] = {
    0x09, 0x02, 0x1B, 0x00, 0x01, 0x01, 0x00, 0xC0, 0x32,
    0x09, 0x04, 0x00, 0x00, 0x00, 0xFE, 0x01, 0x02, USB_STRING_FUNCTION,
    0x09, 0x21, 0x0B, 0xFF, 0x00, (uint8_t)DFU_TRANSFER_BYTES, DFU_TRANSFER_BYTES >> 8, 0x1A, 0x01,
};

#define IN_STATE(s) (1U << (s))
#define ANY_STATE 0xFFFEU
#define READS 1U                        /* its data stage is IN; there is no state 0 in DFU mode */

/* In which states a request is no violation (annex A.1). ABORT also ends a wait for GETSTATUS. A zero-length DNLOAD, which in
 * dfuIDLE makes no sense to DFU 1.1, means "leave" to DfuSe. */
static const uint16_t allowed[REQUESTS] = {
    [DETACH] = 0,
    [DNLOAD] = IN_STATE(DFU_IDLE) | IN_STATE(DFU_DNLOAD_IDLE),
    [UPLOAD] = IN_STATE(DFU_IDLE) | IN_STATE(DFU_UPLOAD_IDLE) | READS,
    [GETSTATUS] = ANY_STATE | READS,
    [CLRSTATUS] = IN_STATE(DFU_ERROR),
    [GETSTATE] = ANY_STATE | READS,
    [ABORT] = IN_STATE(DFU_IDLE) | IN_STATE(DFU_DNLOAD_IDLE) | IN_STATE(DFU_UPLOAD_IDLE) | IN_STATE(DFU_DNLOAD_SYNC) |
              IN_STATE(DFU_MANIFEST_SYNC),
};

void dfu_init(struct dfu *d, const struct dfu_memory *memory, void *ctx, uint32_t pointer, uint32_t now_ms)
{
    memset(d, 0, offsetof(struct dfu, data));
    d->memory = memory;
    d->ctx = ctx;
    d->state = DFU_IDLE;
    d->pointer = pointer;
    d->now_ms = now_ms;
    d->heard_ms = now_ms;
}

void dfu_poll(struct dfu *d, uint32_t now_ms)
{
    d->now_ms = now_ms;
    if (d->outcome == DFU_PENDING) d->outcome = d->memory->poll(d->ctx, &d->job);
}

uint32_t dfu_idle_ms(const struct dfu *d) { return d->now_ms - d->heard_ms; }
bool dfu_leaves(const struct dfu *d) { return d->state == DFU_MANIFEST && dfu_idle_ms(d) >= DFU_LEAVE_MS; }

/* False, for a STALL: it is the answer to what fails at once. */
static bool fail(struct dfu *d, enum dfu_status status)
{
    d->status = status;
    d->state = DFU_ERROR;
    return false;
}

/* --- DNLOAD ------------------------------------------------------------------------------------------------------------- */

static uint32_t block_address(const struct dfu *d, uint16_t block)
{
    return d->pointer + (block - BLOCK_FIRST) * DFU_TRANSFER_BYTES;
}

/* What fails here is told by the GETSTATUS that follows: clients print that, and of a STALL only that it was one. */
static bool begin(struct dfu *d, unsigned command, uint32_t addr, size_t n)
{
    d->state = command == DFU_LEAVE ? DFU_MANIFEST_SYNC : DFU_DNLOAD_SYNC;
    d->job = (struct dfu_job){ (enum dfu_command)command, addr, d->data, (uint32_t)n, 0 };
    d->since_ms = d->now_ms;
    d->outcome = d->memory->begin(d->ctx, &d->job);
    if (command == DFU_POINT && d->outcome == DFU_OK) d->pointer = addr;
    return true;
}

static bool download(struct dfu *d, uint16_t block, size_t n)
{
    unsigned code = d->data[0];

    if (n == 0) return begin(d, DFU_LEAVE, 0, 0);
    if (block >= BLOCK_FIRST) return begin(d, DFU_WRITE, block_address(d, block), n);
    if (block == BLOCK_COMMAND) {
        if (n == 1 && code == DFU_ERASE) return begin(d, DFU_ERASE_ALL, 0, 0);
        if (n == COMMAND_BYTES && (code == DFU_ERASE || code == DFU_POINT)) return begin(d, code, load_le32(d->data + 1), 0);
    }
    return fail(d, DFU_ERR_STALLEDPKT);
}

/* --- UPLOAD ------------------------------------------------------------------------------------------------------------- */

static bool upload(struct dfu *d, const struct usb_setup *s, size_t *n)
{
    static const uint8_t commands[] = { 0x00, DFU_POINT, DFU_ERASE };        /* AN3156 "Get" */
    enum dfu_status status = DFU_OK;

    if (s->value == 1 || s->length > sizeof d->data) return fail(d, DFU_ERR_STALLEDPKT);
    *n = s->length;
    if (s->value == BLOCK_COMMAND) {
        if (*n > sizeof commands) *n = sizeof commands;
        memcpy(d->data, commands, *n);
    } else {
        status = d->memory->read(d->ctx, block_address(d, s->value), d->data, n);
    }
    d->state = *n < s->length ? DFU_IDLE : DFU_UPLOAD_IDLE;     /* a short one is the last */
    return status == DFU_OK || fail(d, status);
}

/* --- GETSTATUS ---------------------------------------------------------------------------------------------------------- */

/* The first GETSTATUS behind a command finds it busy even if it is done: clients take anything else for a failure. The next state
 * is one further each time: dfuDNLOAD-SYNC, dfuDNBUSY, dfuDNLOAD-IDLE; dfuMANIFEST-SYNC, dfuMANIFEST. */
static void advance(struct dfu *d)
{
    bool pending = d->outcome == DFU_PENDING;

    if (d->state != DFU_DNLOAD_SYNC && d->state != DFU_DNBUSY && d->state != DFU_MANIFEST_SYNC) return;
    if (d->outcome != DFU_OK && !pending) (void)fail(d, d->outcome);
    else if (!pending || d->state == DFU_DNLOAD_SYNC) d->state++;
}

static size_t get_status(struct dfu *d, uint8_t *out)
{
    uint32_t spent = d->now_ms - d->since_ms;
    uint32_t left = spent < d->job.max_ms ? d->job.max_ms - spent : 1;

    advance(d);
    store_le32(out + 1, d->outcome == DFU_PENDING ? left : 0);          /* three bytes of it; the fourth is bState's */
    out[0] = (uint8_t)(d->state == DFU_ERROR ? d->status : DFU_OK);
    out[4] = (uint8_t)d->state;
    out[5] = 0;                         /* iString: none */
    return STATUS_BYTES;
}

/* --- as a function of usbd ---------------------------------------------------------------------------------------------- */

/* After a bus reset the client begins anew, and the memory's affairs go on as they were: a half-written image stays one. */
static void dfu_configure(void *self, const struct dcd *dcd, bool on)
{
    struct dfu *d = self;

    (void)dcd;
    (void)on;
    if (d->state != DFU_MANIFEST) d->state = DFU_IDLE;
}

/* A job that still runs (its client broke the rules meanwhile) must end first: it may be using d->data. In dfuMANIFEST nothing
 * changes any more, and nothing puts off the leaving. */
static bool fits(struct dfu *d, const struct usb_setup *s)
{
    bool busy = d->outcome == DFU_PENDING && s->request <= UPLOAD;
    uint16_t when = s->request < REQUESTS ? allowed[s->request] : 0;

    if (s->index != 0 || s->request_type != (USB_REQUEST_CLASS | 1U | (when & READS) * USB_REQUEST_IN)) return false;
    if (d->state == DFU_MANIFEST) return (when & IN_STATE(DFU_MANIFEST)) != 0;
    d->heard_ms = d->now_ms;
    return (!busy && (when & IN_STATE(d->state)) != 0) || fail(d, DFU_ERR_STALLEDPKT);
}

static uint8_t *dfu_accepts(void *self, const struct usb_setup *s, uint8_t *data)
{
    struct dfu *d = self;

    (void)data;
    if (!fits(d, s)) return NULL;
    if (s->request == DNLOAD && s->length <= sizeof d->data) return d->data;
    (void)fail(d, DFU_ERR_STALLEDPKT);
    return NULL;
}

static bool dfu_request(void *self, const struct usb_setup *s, uint8_t **data, size_t *n)
{
    struct dfu *d = self;

    if (!fits(d, s)) return false;
    switch (s->request) {
    case DNLOAD:
        return download(d, s->value, *n);
    case UPLOAD:
        *data = d->data;
        return upload(d, s, n);
    case GETSTATUS:
        *n = get_status(d, *data);
        return true;
    case GETSTATE:
        (*data)[0] = (uint8_t)d->state;
        *n = 1;
        return true;
    default:                            /* CLRSTATUS, ABORT */
        d->state = DFU_IDLE;
        return true;
    }
}

/* It has no endpoints but 0. */
static void dfu_event(void *self, const struct dcd_event *e)
{
    (void)self;
    (void)e;
}

const struct usbd_function dfu_function = {
    .configuration = configuration,
    .configure = dfu_configure, .request = dfu_request, .accepts = dfu_accepts, .event = dfu_event,
};
