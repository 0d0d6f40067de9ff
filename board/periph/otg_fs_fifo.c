/* SPDX-License-Identifier: MIT */
/* OTG_FS: the 320 words of FIFO RAM, shared as GRXFSIZ and DIEPTXFn say. */
/* Sources: RM0090 §34.13 "FIFO RAM allocation", §34.17.6 "Operational model"; ES0182 (interrupted FIFO writes) */
#include <string.h>

#include "board/periph/otg_fs_priv.h"

/* --- receive ------------------------------------------------------------------------------------------------------ */

void otg_rx_flush(struct otg_fs *o)
{
    memset(&o->rx, 0, sizeof o->rx);
}

static unsigned rx_depth(const struct otg_fs *o)
{
    unsigned depth = o->grxfsiz & 0xFFFFU;

    return depth > OTG_FIFO_WORDS_MAX ? OTG_FIFO_WORDS_MAX : depth;
}

/* Room for a data packet, its status and its "transfer completed" word, without touching what SETUP may still need. */
bool otg_rx_has_room(const struct otg_fs *o, size_t bytes)
{
    unsigned reserve = o->rx.setup_words < OTG_SETUP_RESERVE ? OTG_SETUP_RESERVE - o->rx.setup_words : 0;

    return o->rx.words + 2U + otg_words(bytes) + reserve <= rx_depth(o);
}

static void rx_append(struct otg_fs *o, uint32_t value, bool status)
{
    unsigned at = (o->rx.head + o->rx.words) % OTG_FIFO_WORDS_MAX;

    o->rx.word[at] = value;
    o->rx.status[at] = status;
    o->rx.words++;
}

/* The size registers are looked at when the FIFO is first used: their reset values do not fit the RAM, §34.16.2. */
static bool rx_fits(struct otg_fs *o, unsigned words)
{
    uint32_t size = o->grxfsiz & 0xFFFFU;

    if (size < OTG_FIFO_WORDS_MIN || size > OTG_FIFO_WORDS_MAX) {
        chip_guest_error(o->chip, true, "OTG_FS: GRXFSIZ = %u words, the receive FIFO takes 16 to 256 (RM0090 §34.16.2)",
                         (unsigned)size);
        return false;
    }
    if (o->rx.words + words > size) {
        chip_guest_error(o->chip, true, "OTG_FS: receive FIFO of %u words overrun; the SETUP reserve is %u (RM0090 §34.17.6)",
                         (unsigned)size, OTG_SETUP_RESERVE);
        return false;
    }
    return true;
}

void otg_rx_push(struct otg_fs *o, enum otg_pktsts sts, unsigned ep, bool data1, const uint8_t *data, size_t bytes)
{
    unsigned words = 1U + otg_words(bytes);
    uint32_t status = ep | (uint32_t)bytes << GRXSTS_BCNT_SHIFT | (uint32_t)sts << GRXSTS_PKTSTS_SHIFT
                      | (uint32_t)(o->frame & 0xFU) << GRXSTS_FRMNUM_SHIFT | (data1 ? GRXSTS_DATA1 : 0);

    if (!rx_fits(o, words))
        return;
    rx_append(o, status, true);
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t word = 0;

        for (size_t b = 0; b < 4 && i + b < bytes; b++)
            word |= (uint32_t)data[i + b] << (8U * b);
        rx_append(o, word, false);
    }
    if (sts == PKTSTS_SETUP_DATA || sts == PKTSTS_SETUP_DONE)
        o->rx.setup_words += words;
}

/* SGONAK queues one status word; without room it waits for the next pop. */
void otg_rx_global_nak(struct otg_fs *o)
{
    o->rx.global_nak_waits = o->rx.words + 1U > rx_depth(o);
    if (!o->rx.global_nak_waits)
        otg_rx_push(o, PKTSTS_GLOBAL_OUT_NAK, 0, false, NULL, 0);
}

uint32_t otg_rx_peek(const struct otg_fs *o)
{
    return o->rx.words > 0 ? o->rx.word[o->rx.head] : 0;
}

static uint32_t rx_take(struct otg_fs *o)
{
    uint32_t word = o->rx.word[o->rx.head];

    o->rx.head = (o->rx.head + 1U) % OTG_FIFO_WORDS_MAX;
    o->rx.words--;
    if (o->rx.global_nak_waits && (o->dctl & DCTL_GONSTS))
        otg_rx_global_nak(o);
    return word;
}

static void status_popped(struct otg_fs *o, uint32_t status)
{
    unsigned ep = status & 0xFU;
    unsigned bytes = status >> GRXSTS_BCNT_SHIFT & 0x7FFU;
    unsigned sts = status >> GRXSTS_PKTSTS_SHIFT & 0xFU;

    o->rx.popped = status;
    o->rx.data_words = otg_words(bytes);
    if (sts == PKTSTS_SETUP_DATA || sts == PKTSTS_SETUP_DONE)
        o->rx.setup_words -= 1U + otg_words(bytes);
    switch (sts) {
    case PKTSTS_GLOBAL_OUT_NAK:
        otg_global_nak_popped(o);
        break;
    case PKTSTS_OUT_DONE:
        otg_out_done_popped(o, ep);
        break;
    case PKTSTS_SETUP_DONE:
        otg_setup_done_popped(o, ep);
        break;
    default:
        break;
    }
}

uint32_t otg_rx_pop(struct otg_fs *o)
{
    uint32_t status;

    if (o->rx.words == 0) {
        chip_guest_error(o->chip, false, "OTG_FS: GRXSTSP read while RXFLVL is 0 (RM0090 §34.16.2)");
        return 0;
    }
    if (!o->rx.status[o->rx.head]) {
        chip_guest_error(o->chip, true, "OTG_FS: GRXSTSP popped with %u data words of the last packet unread (RM0090 §34.17.6)",
                         o->rx.data_words);
        return rx_take(o);
    }
    status = rx_take(o);
    status_popped(o, status);
    otg_irq_update(o);
    otg_wire_poke_host(o);
    return status;
}

uint32_t otg_rx_read(struct otg_fs *o)
{
    uint32_t word;

    if (o->rx.data_words == 0) {
        chip_guest_error(o->chip, true, "OTG_FS: receive FIFO read beyond the packet: undefined core behaviour (RM0090 §34.17.6)");
        return 0;
    }
    word = rx_take(o);
    if (--o->rx.data_words > 0)
        return word;
    if ((o->rx.popped >> GRXSTS_PKTSTS_SHIFT & 0xFU) == PKTSTS_OUT_DATA)
        otg_out_data_read(o, o->rx.popped & 0xFU, o->rx.popped >> GRXSTS_BCNT_SHIFT & 0x7FFU);
    otg_irq_update(o);
    otg_wire_poke_host(o);
    return word;
}

/* --- transmit ----------------------------------------------------------------------------------------------------- */

unsigned otg_tx_depth(const struct otg_fs *o, unsigned ep)
{
    return o->dieptxf[ep] >> 16;
}

static unsigned tx_start(const struct otg_fs *o, unsigned ep)
{
    return o->dieptxf[ep] & 0xFFFFU;
}

/* The core does not check that the areas are apart, so the data of one would silently become the other's: end the run. */
static bool tx_layout_ok(struct otg_fs *o, unsigned ep)
{
    unsigned start = tx_start(o, ep);
    unsigned depth = otg_tx_depth(o, ep);

    if (depth == 0 || depth > OTG_FIFO_WORDS_MAX || start > OTG_FS_RAM_WORDS || depth > OTG_FS_RAM_WORDS - start) {
        chip_guest_error(o->chip, true, "OTG_FS: TX FIFO %u at word %u, %u words: 16 to 256 within %u (RM0090 §34.13.2)",
                         ep, start, depth, OTG_FS_RAM_WORDS);
        return false;
    }
    if (depth < OTG_FIFO_WORDS_MIN)     /* drivers in wide use do it for small endpoints, and it works */
        chip_guest_error(o->chip, false, "OTG_FS: TX FIFO %u has %u words, the minimum is 16 (RM0090 §34.16.2, DIEPTXFx)", ep,
                         depth);
    if (start < (o->grxfsiz & 0xFFFFU)) {
        chip_guest_error(o->chip, true, "OTG_FS: TX FIFO %u at word %u lies in the receive FIFO of %u words (RM0090 §34.13.2)",
                         ep, start, (unsigned)(o->grxfsiz & 0xFFFFU));
        return false;
    }
    for (unsigned n = 0; n < OTG_FS_ENDPOINTS; n++) {
        if (n == ep || !(o->in[n].ctl & EPCTL_USBAEP))
            continue;
        if (start < tx_start(o, n) + otg_tx_depth(o, n) && tx_start(o, n) < start + depth) {
            chip_guest_error(o->chip, true, "OTG_FS: TX FIFO %u and %u overlap (RM0090 §34.13.2)", ep, n);
            return false;
        }
    }
    return true;
}

bool otg_tx_empty_enough(const struct otg_fs *o, unsigned ep)
{
    if (o->gahbcfg & GAHBCFG_TXFELVL)
        return o->in[ep].tx.words == 0;
    return o->in[ep].tx.words <= otg_tx_depth(o, ep) / 2U;
}

static const char *tx_refusal(const struct otg_fs *o, unsigned ep)
{
    const struct otg_in_ep *e = &o->in[ep];

    if (o->grstctl_busy != 0)
        return "written during a flush or a soft reset (RM0090 §34.16.2, GRSTCTL)";
    if (!(e->ctl & EPCTL_EPENA))
        return "written before EPENA (RM0090 §34.17.6, packet write)";
    if (otg_xfrsiz(e->tsiz) == 0)
        return "written with more than XFRSIZ (RM0090 §34.17.6)";
    if (e->tx.words >= otg_tx_depth(o, ep) || e->tx.words >= OTG_FIFO_WORDS_MAX)
        return "overrun: DTXFSTS was 0 (RM0090 §34.17.6, packet write)";
    if (e->tx.packets == OTG_TX_PACKETS)
        return "holds 8 packets already, the core counts no further (RM0090 §34.17.6)";
    return NULL;
}

/* A packet is whole when its last word is written: then it can be sent, and XFRSIZ goes down by its size. */
static void close_packet(struct otg_fs *o, unsigned ep, unsigned bytes)
{
    struct otg_in_ep *e = &o->in[ep];

    e->tx.packet_bytes[e->tx.packets++] = bytes;
    e->tx.open_words = 0;
    e->tsiz -= bytes;
    otg_irq_update(o);
    otg_wire_poke_host(o);
}

void otg_tx_write(struct otg_fs *o, unsigned ep, uint32_t value)
{
    struct otg_in_ep *e = &o->in[ep];
    const char *refusal = tx_refusal(o, ep);
    unsigned bytes;

    if (refusal != NULL) {
        chip_guest_error(o->chip, true, "OTG_FS: TX FIFO %u %s", ep, refusal);
        return;
    }
    if (e->tx.open_words == 0 && !tx_layout_ok(o, ep))
        return;
    if (e->tx.disturbed) {
        chip_guest_error(o->chip, false, "OTG_FS: endpoint register accessed between the words of a packet for TX FIFO %u: "
                         "the data are corrupted (ES0182, transmit data FIFO)", ep);
        value = ~value;
        e->tx.disturbed = false;
    }
    bytes = otg_ep_packet_bytes(o, ep, true);
    if (bytes > otg_xfrsiz(e->tsiz))
        bytes = otg_xfrsiz(e->tsiz);
    e->tx.word[e->tx.words++] = value;
    e->tx.open_words++;
    if (e->tx.open_words >= otg_words(bytes))
        close_packet(o, ep, bytes);
    else
        otg_irq_update(o);
}

/* Copies the packet that the next IN token gets, and keeps it: without an ACK it goes out again. */
size_t otg_tx_head(const struct otg_fs *o, unsigned ep, uint8_t *data)
{
    const struct otg_tx *tx = &o->in[ep].tx;

    for (size_t i = 0; i < tx->packet_bytes[0]; i++)
        data[i] = (uint8_t)(tx->word[i / 4U] >> (8U * (i % 4U)));
    return tx->packet_bytes[0];
}

void otg_tx_drop_head(struct otg_fs *o, unsigned ep)
{
    struct otg_tx *tx = &o->in[ep].tx;
    unsigned words = otg_words(tx->packet_bytes[0]);

    tx->words -= words;
    memmove(tx->word, tx->word + words, tx->words * sizeof tx->word[0]);
    tx->packets--;
    memmove(tx->packet_bytes, tx->packet_bytes + 1, tx->packets * sizeof tx->packet_bytes[0]);
}

void otg_tx_flush(struct otg_fs *o, unsigned ep)
{
    memset(&o->in[ep].tx, 0, sizeof o->in[ep].tx);
}
