/* SPDX-License-Identifier: MIT */
/* DfuSe's commands as an update by address; the application area and the policy are its limits. */
/* Sources: docs/SPEC.md "DfuSe"; UM0424 §10.3.2 (memory string); DFU 1.1 §6.1.2 (what each bStatus means) */
#include "boot/serve_dfu.h"

#include <string.h>

#include "image/bytes.h"

/* What a client says of an error is its own sentence for bStatus: the one that comes nearest. */
static const uint8_t status_of[] = {
    [UPDATE_OK] = DFU_OK,
    [UPDATE_E_UNKNOWN] = DFU_ERR_UNKNOWN,
    [UPDATE_E_LENGTH] = DFU_ERR_ADDRESS,        /* within a word */
    [UPDATE_E_STATE] = DFU_ERR_CHECK_ERASED,    /* the old head is still there */
    [UPDATE_E_RANGE] = DFU_ERR_ADDRESS,
    [UPDATE_E_SEQUENCE] = DFU_ERR_NOTDONE,
    [UPDATE_E_IMAGE_SIZE] = DFU_ERR_FILE,
    [UPDATE_E_IMAGE_VECTORS] = DFU_ERR_TARGET,
    [UPDATE_E_IMAGE_SEAL] = DFU_ERR_FILE,
    [UPDATE_E_IMAGE_CRC] = DFU_ERR_VERIFY,
    [UPDATE_E_IMAGE_PRODUCT] = DFU_ERR_TARGET,
    [UPDATE_E_ERASE] = DFU_ERR_ERASE,
    [UPDATE_E_PROGRAM] = DFU_ERR_PROG,
    [UPDATE_E_PROTECTED] = DFU_ERR_WRITE,
    [UPDATE_E_BUSY] = DFU_ERR_WRITE,
    [UPDATE_E_DENIED] = DFU_ERR_VENDOR,
};

static enum dfu_status pending(enum update_err err)
{
    return err == UPDATE_OK ? DFU_PENDING : (enum dfu_status)status_of[err];
}

/* --- jobs --------------------------------------------------------------------------------------------------------------- */

static enum dfu_status erase(struct serve_dfu *m, uint32_t sectors)
{
    enum update_err err = session_erase(m->session, sectors);

    if (err == UPDATE_OK) m->startable = false;
    return pending(err);
}

static enum dfu_status put_next(struct serve_dfu *m, struct dfu_job *job)
{
    uint32_t n = job->n < SESSION_BLOCK_MAX ? job->n : SESSION_BLOCK_MAX;
    enum update_err err = session_put(m->session, job->addr - m->where->base, job->p, n);

    job->p += n;
    job->addr += n;
    job->n -= n;
    return pending(err);
}

/* An image that is whole already needs nothing, whether it was here before or its seal has told. */
static enum dfu_status leave(struct serve_dfu *m)
{
    if (m->startable) return DFU_OK;
    return session_active(m->session) ? pending(session_finish(m->session)) : DFU_ERR_FIRMWARE;
}

static enum dfu_status memory_begin(void *ctx, struct dfu_job *job)
{
    struct serve_dfu *m = ctx;
    uint32_t offset = job->addr - m->where->base;       /* below the area: wraps round, and lies beyond its end */

    job->max_ms = SERVE_DFU_COMMIT_MS;
    if (job->command == DFU_LEAVE) return leave(m);
    if (job->command == DFU_ERASE_ALL) offset = 0;
    if (offset >= m->where->bytes || job->n > m->where->bytes - offset) return DFU_ERR_ADDRESS;
    if (job->command == DFU_POINT) return DFU_OK;
    if (!session_active(m->session)) session_open(m->session);
    job->max_ms = m->erase_max_ms * (uint32_t)m->area->count;
    if (job->command == DFU_ERASE_ALL) return erase(m, SESSION_ALL_SECTORS);
    job->max_ms = m->erase_max_ms;
    if (job->command == DFU_ERASE) return erase(m, (uint32_t)1 << plan_sector_of(m->session, offset));
    job->max_ms = m->write_max_ms;
    return put_next(m, job);
}

static enum dfu_status memory_poll(void *ctx, struct dfu_job *job)
{
    struct serve_dfu *m = ctx;
    const struct update_status *st = session_status(m->session);

    if (st->phase == UPDATE_FAILED) return (enum dfu_status)status_of[st->err];
    if (st->phase == UPDATE_DONE) m->startable = true;
    else if (!session_ready(m->session)) return DFU_PENDING;
    return job->n != 0 ? put_next(m, job) : DFU_OK;
}

static enum dfu_status memory_read(void *ctx, uint32_t addr, uint8_t *out, size_t *n)
{
    const struct serve_dfu *m = ctx;
    uint32_t offset = addr - m->where->base;

    if (!m->readable) return DFU_ERR_VENDOR;
    if (offset >= m->where->bytes) return DFU_ERR_ADDRESS;
    if (*n > m->where->bytes - offset) *n = m->where->bytes - offset;
    for (size_t left = *n; left != 0; left--, offset++)
        *out++ = (uint8_t)(session_peek(m->session, offset & ~3U) >> (offset % 4U * 8U));
    return DFU_OK;
}

const struct dfu_memory serve_dfu_memory = { .begin = memory_begin, .poll = memory_poll, .read = memory_read };

/* --- the memory string ---------------------------------------------------------------------------------------------------- */

void serve_dfu_layout(const struct serve_dfu *m, char text[USB_FUNCTION_CHARS_MAX + 1])
{
    static const char start[] = "@Internal Flash  /0x01234567", run[] = "/00*000Kg";
    char *p = text + sizeof start - 1;

    memcpy(text, start, sizeof start);
    usb_number(p - 8, 8, m->where->base, 16);
    for (size_t i = 0, first = 0; i < m->area->count && p + sizeof run <= text + USB_FUNCTION_CHARS_MAX + 1; first = i) {
        uint32_t bytes = m->area->sector[i].bytes;

        while (i < m->area->count && m->area->sector[i].bytes == bytes) i++;
        memcpy(p, run, sizeof run);
        if (first != 0) p[0] = ',';
        usb_number(p + 1, 2, (uint32_t)(i - first), 10);
        usb_number(p + 4, 3, bytes / 1024U, 10);
        if (!m->readable) p[8] = 'f';
        p += sizeof run - 1;
    }
}
