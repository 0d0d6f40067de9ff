/* SPDX-License-Identifier: MIT */
/* Intel HEX, record types 0 to 5. */
/* Sources: Intel, "Hexadecimal Object File Format Specification", Rev A (1988) */
#include "host/lib/image_parse.h"

#define HEX_DATA 0U
#define HEX_END 1U
#define HEX_SEGMENT 2U                  /* bits 19:4 of the base */
#define HEX_START_SEGMENT 3U
#define HEX_LINEAR 4U                   /* bits 31:16 of the base */
#define HEX_START_LINEAR 5U
#define HEX_RECORD_MAX 260U             /* count, offset (2), type, 255 data, checksum */

struct hex {
    const uint8_t *p;
    size_t n, at;
    unsigned line;
    uint32_t base;
    bool segmented;                     /* the base came by type 2: offsets wrap at 64 KB */
    bool ended;
    uint8_t record[HEX_RECORD_MAX];
    size_t bytes;
};

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool hex_is(const uint8_t *p, size_t n)
{
    size_t i = 0;

    /*@ loop invariant i <= n;
        loop assigns i;
        loop variant n - i; */
    while (i < n && is_space(p[i])) i++;
    return n - i >= 3U && p[i] == ':' && digit(p[i + 1U]) >= 0 && digit(p[i + 2U]) >= 0;
}

static int bad(const struct hex *h, struct fault *f, const char *what)
{
    return fault_set(f, VCPBOOT_E_IMAGE,
                     "Line %u of the HEX file %s: the file is damaged, copy or build it afresh.", h->line, what);
}

static void skip_space(struct hex *h)
{
    /*@ loop invariant h->at <= h->n;
        loop assigns h->at, h->line;
        loop variant h->n - h->at; */
    while (h->at < h->n && is_space(h->p[h->at])) {
        if (h->p[h->at] == '\n') h->line++;
        h->at++;
    }
}

/* Reads the digits of one line to its end. */
static int read_record(struct hex *h, struct fault *f)
{
    uint8_t sum = 0;

    if (h->p[h->at++] != ':') return bad(h, f, "does not begin with a colon");
    h->bytes = 0;
    /*@ loop invariant h->at <= h->n && h->bytes <= HEX_RECORD_MAX;
        loop assigns h->at, h->bytes, h->record[0 .. HEX_RECORD_MAX - 1], sum;
        loop variant h->n - h->at; */
    while (h->at < h->n && !is_space(h->p[h->at])) {
        if (h->n - h->at < 2U || h->bytes == HEX_RECORD_MAX) return bad(h, f, "has a wrong length");
        int high = digit(h->p[h->at]), low = digit(h->p[h->at + 1U]);
        if (high < 0 || low < 0) return bad(h, f, "has a character that is no hex digit");
        h->record[h->bytes] = (uint8_t)(high << 4 | low);
        sum = (uint8_t)(sum + h->record[h->bytes++]);
        h->at += 2U;
    }
    if (h->bytes < 5U || h->bytes != 5U + h->record[0]) return bad(h, f, "has a wrong length");
    return sum == 0 ? VCPBOOT_OK : bad(h, f, "has a wrong checksum");
}

static int take_data(struct hex *h, struct span *out, struct fault *f)
{
    uint32_t offset = (uint32_t)h->record[1] << 8 | h->record[2];
    size_t count = h->record[0];
    size_t until_wrap = h->segmented && count > 0x10000U - offset ? 0x10000U - offset : count;

    int code = span_add(out, (uint64_t)h->base + offset, h->record + 4, until_wrap, f);
    if (code == VCPBOOT_OK && until_wrap < count)
        code = span_add(out, h->base, h->record + 4U + until_wrap, count - until_wrap, f);
    return code;
}

static int take_record(struct hex *h, struct span *out, struct fault *f)
{
    static const uint8_t fixed_length[] = { [HEX_END] = 0, [HEX_SEGMENT] = 2, [HEX_START_SEGMENT] = 4, [HEX_LINEAR] = 2,
                                            [HEX_START_LINEAR] = 4 };
    uint8_t type = h->record[3];

    if (type == HEX_DATA) return take_data(h, out, f);
    if (type > HEX_START_LINEAR) return bad(h, f, "has an unknown record type");
    if (h->record[0] != fixed_length[type]) return bad(h, f, "has a wrong length for its record type");
    uint32_t value = (uint32_t)h->record[4] << 8 | h->record[5];
    if (type == HEX_END) h->ended = true;
    if (type == HEX_SEGMENT || type == HEX_LINEAR) {
        h->segmented = type == HEX_SEGMENT;
        h->base = value << (h->segmented ? 4 : 16);
    }
    return VCPBOOT_OK;                  /* a start address says nothing that the vector table does not */
}

int hex_read(const uint8_t *p, size_t n, struct span *out, struct fault *f)
{
    struct hex h = { .p = p, .n = n, .line = 1 };
    int code = VCPBOOT_OK;

    /*@ loop invariant h.p == p && h.n == n && h.at <= n;
        loop assigns h, code, *out, *f; */
    for (skip_space(&h); code == VCPBOOT_OK && h.at < n; skip_space(&h)) {
        if (h.ended) return bad(&h, f, "comes after the end record");
        code = read_record(&h, f);
        if (code == VCPBOOT_OK) code = take_record(&h, out, f);
    }
    if (code == VCPBOOT_OK && !h.ended)
        return fault_set(f, VCPBOOT_E_IMAGE, "The HEX file has no end record: it is truncated, copy or build it afresh.");
    return code;
}
