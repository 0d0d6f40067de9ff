/* SPDX-License-Identifier: MIT */
/* CDC-ACM function: a byte stream each way. Flow control is the wire's own: a full ring leaves the OUT endpoint un-armed. */
#ifndef VCPBOOT_CDC_H
#define VCPBOOT_CDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdc_line_coding { uint32_t baud; uint8_t stop_bits, parity, data_bits; };

struct cdc;                             /* full definition in usb/cdc_state.h, for whoever allocates it */

/* rx_bytes: a power of two. tx_bytes too. Both buffers outlive the cdc. */
void cdc_init(struct cdc *c, uint8_t *rx, size_t rx_bytes, uint8_t *tx, size_t tx_bytes);
size_t cdc_readable(const struct cdc *c);
size_t cdc_read(struct cdc *c, uint8_t *out, size_t cap);
size_t cdc_writable(const struct cdc *c);
size_t cdc_write(struct cdc *c, const uint8_t *p, size_t n);    /* returns bytes taken; the rest is the caller's to offer again */
bool cdc_sent(const struct cdc *c);     /* everything written has been acknowledged by the PC */
void cdc_drop_output(struct cdc *c);    /* nobody listens */
bool cdc_configured(const struct cdc *c);
bool cdc_dtr(const struct cdc *c);
uint32_t cdc_dtr_rises(const struct cdc *c);    /* counts: an open that was followed by a close is not lost */
const struct cdc_line_coding *cdc_line_coding(const struct cdc *c);
uint32_t cdc_line_coding_sets(const struct cdc *c);

/* Binds a cdc (as `self`) to usb/usbd.h. */
struct usbd_function;
extern const struct usbd_function cdc_function;

#endif
