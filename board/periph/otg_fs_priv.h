/* SPDX-License-Identifier: MIT */
/* OTG_FS: the state that its four files share. otg_fs.c: registers and interrupts; _fifo: the RAM; _ep: endpoint registers;
 * _wire: what happens on the cable. */
#ifndef VCPBOARD_PERIPH_OTG_FS_PRIV_H
#define VCPBOARD_PERIPH_OTG_FS_PRIV_H

#include "board/periph/otg_fs.h"
#include "board/periph/otg_fs_regs.h"

#define OTG_TX_PACKETS 8U               /* "the maximum number of packets ... in an IN endpoint FIFO is eight", §34.17.6 */
#define OTG_SETUP_RESERVE 10U           /* words of the receive FIFO that only SETUP packets use, §34.17.6 */

struct otg_rx {
    uint32_t word[OTG_FIFO_WORDS_MAX];
    bool status[OTG_FIFO_WORDS_MAX];    /* this word is a status entry, not data */
    unsigned head, words;
    unsigned setup_words;               /* of them, from SETUP packets: these sit in the reserve */
    unsigned data_words;                /* still to be read of the packet whose status was popped last */
    uint32_t popped;                    /* that status */
    bool global_nak_waits;              /* the "global OUT NAK" entry found no room yet */
};

struct otg_tx {
    uint32_t word[OTG_FIFO_WORDS_MAX];
    unsigned words;
    unsigned packet_bytes[OTG_TX_PACKETS];
    unsigned packets;
    unsigned open_words;                /* of the packet being written, at the end of word[] */
    bool disturbed;                     /* an endpoint register was touched since (ES0182) */
};

struct otg_in_ep {
    uint32_t ctl, intr, tsiz;           /* ctl without DPID, intr without TXFE */
    bool data1;
    bool zlp;                           /* the "zero length flag" of §34.17.6 */
    bool in_flight;                     /* sent, handshake not yet seen */
    bool disable_waits;                 /* EPDIS during that */
    struct otg_tx tx;
};

struct otg_out_ep {
    uint32_t ctl, intr, tsiz;
    bool data1;
    bool disable_waits;                 /* EPDIS, but no global OUT NAK in effect yet */
    uint32_t room;                      /* bytes of XFRSIZ not yet received; the register counts what was *read* */
};

struct otg_fs {
    struct chip *chip;
    struct periph periph;
    struct wire_device wire;
    const struct wire_host *host;

    bool (*pins)(void *owner);
    void *pins_owner;
    void (*wakeup_line)(void *owner);
    void *wakeup_owner;
    bool vbus;

    uint32_t gotgint, gahbcfg, gusbcfg, gintsts, gintmsk, grxfsiz, gccfg, cid, hptxfsiz;
    uint32_t dieptxf[OTG_FS_ENDPOINTS];
    uint32_t grstctl_busy, grstctl_txfnum;
    uint32_t dcfg, dcfg_before, dctl, diepmsk, doepmsk, daintmsk, dvbusdis, dvbuspulse, diepempmsk, pcgcctl;
    bool dcfg_stale;                    /* written and not read since */
    bool session;                       /* VBUS valid, as last seen */
    bool mode_settling;                 /* FDMOD was set less than 25 ms ago */
    bool was_attached;

    struct otg_rx rx;
    struct otg_in_ep in[OTG_FS_ENDPOINTS];
    struct otg_out_ep out[OTG_FS_ENDPOINTS];
    uint8_t address;                    /* that the device answers to */
    bool address_free;                  /* no SETUP since the bus reset: DCFG.DAD acts at once */
    bool setup_open;                    /* SETUP received, the host has not moved on to the next stage */

    uint16_t frame;
    uint32_t enumspd;
    bool se0, in_reset, reset_unseen, suspended, early_suspend;
    vtime active_at;                    /* the last traffic on the lines */
    vtime wakeup_from;                  /* RWUSIG was set */

    struct sched_event busy_done, mode_done, idle, frame_end;
};

/* otg_fs.c */
void otg_irq_update(struct otg_fs *o);
void otg_line_update(struct otg_fs *o);
bool otg_attached(struct otg_fs *o);

/* otg_fs_fifo.c */
void otg_rx_flush(struct otg_fs *o);
bool otg_rx_has_room(const struct otg_fs *o, size_t bytes);
void otg_rx_push(struct otg_fs *o, enum otg_pktsts sts, unsigned ep, bool data1, const uint8_t *data, size_t bytes);
void otg_rx_global_nak(struct otg_fs *o);
uint32_t otg_rx_peek(const struct otg_fs *o);
uint32_t otg_rx_pop(struct otg_fs *o);
uint32_t otg_rx_read(struct otg_fs *o);
unsigned otg_tx_depth(const struct otg_fs *o, unsigned ep);
bool otg_tx_empty_enough(const struct otg_fs *o, unsigned ep);
void otg_tx_write(struct otg_fs *o, unsigned ep, uint32_t value);
size_t otg_tx_head(const struct otg_fs *o, unsigned ep, uint8_t *data);
void otg_tx_drop_head(struct otg_fs *o, unsigned ep);
void otg_tx_flush(struct otg_fs *o, unsigned ep);

/* otg_fs_ep.c */
uint32_t otg_ep_read(struct otg_fs *o, uint32_t off);
void otg_ep_write(struct otg_fs *o, uint32_t off, uint32_t value);
void otg_ep_reset(struct otg_fs *o);
unsigned otg_ep_packet_bytes(const struct otg_fs *o, unsigned ep, bool in);
uint32_t otg_ep_daint(const struct otg_fs *o);
void otg_out_done_popped(struct otg_fs *o, unsigned ep);
void otg_setup_done_popped(struct otg_fs *o, unsigned ep);
void otg_out_data_read(struct otg_fs *o, unsigned ep, uint32_t bytes);
void otg_global_nak_popped(struct otg_fs *o);
void otg_in_disabled(struct otg_fs *o, unsigned ep);

/* otg_fs_wire.c */
void otg_wire_init(struct otg_fs *o);
void otg_wire_reset(struct otg_fs *o);
void otg_wire_stop(struct otg_fs *o);
void otg_wire_attach(struct otg_fs *o);
void otg_wire_clock_changed(struct otg_fs *o);
void otg_wire_dad_written(struct otg_fs *o);
void otg_wire_rwusig(struct otg_fs *o, bool on);
void otg_wire_poke_host(struct otg_fs *o);

static inline uint32_t otg_xfrsiz(uint32_t tsiz) { return tsiz & EPTSIZ_XFRSIZ_MASK; }
static inline uint32_t otg_pktcnt(uint32_t tsiz) { return tsiz >> EPTSIZ_PKTCNT_SHIFT & EPTSIZ_PKTCNT_MASK; }
static inline uint32_t otg_words(size_t bytes) { return (uint32_t)((bytes + 3U) / 4U); }

#endif
