/* SPDX-License-Identifier: MIT */
/* A storm: one board, one hostile PC, one seed; what it may do, and what must hold afterwards. */
#ifndef VCPBOOT_STORM_H
#define VCPBOOT_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/rng.h"
#include "tests/storm/pc.h"

#define APP_BASE 0x08010000U
#define APP_BYTES 0x70000U
#define APP_OFFSET 0x10000U
#define IMAGE_MAX 0x11000U
#define DFU_PID 0xDF11U

/* In which state the storm begins. */
struct scene {
    const char *name;
    bool dfu, app, no_read;
    enum flash_timing timing;
};
extern const struct scene scenes[];
extern const unsigned scene_count;

/* What happened: shows how deep the storms get. Names in tally.c. */
enum tally {
    T_RUNS, T_ACTIONS, T_OUT_PACKETS, T_IN_PACKETS, T_CONTROLS, T_STALLS, T_ABORTED, T_RAW, T_BYTES_IN, T_BUS_RESETS, T_UNPLUGS,
    T_SUSPENDS, T_POWER_CYCLES, T_CUTS, T_ERASES, T_WORDS, T_STARTS, T_COMMITS, T_PROTECTIONS, T_NATIVE_OK, T_NATIVE_REFUSED,
    T_NATIVE_READ, T_NATIVE_UPDATE, T_AN_ACK, T_AN_NACK, T_AN_READ, T_AN_WRITE, T_AN_ERASE, T_AN_GO, T_AN_PROTECT, T_YM_BLOCKS,
    T_YM_DONE, T_YM_RECEIVED, T_MENUS, T_DFU_JOBS, T_DFU_ERRORS, T_DFU_UPLOADS, T_DFU_LEAVES, T_BACK_FULL, T_BACK_APP,
    T_RECOVERED, T_COUNT
};
extern const char *const tally_names[T_COUNT];

struct image { uint8_t *p; uint32_t n; };

struct storm {
    const struct scene *scene;
    struct pc pc;
    struct rng rng;
    bool trace, calm;                   /* calm: nothing is thrown for any more */
    uint64_t *tally;
    char bad[200];                      /* the first invariant that did not hold; "" */

    struct image installed;             /* the demo, sealed */
    uint64_t *secret;                   /* judge.c: what may not come back */
    uint8_t lower[APP_OFFSET];          /* bootloader and settings at the beginning */
    uint8_t system[0x8000];
    uint32_t options;
    uint64_t erases_before, words_before;       /* flash operations up to the storm */

    uint32_t vtor;                      /* as last seen */
    bool app_runs;
    bool cut, cut_hit;                  /* the power was to fail; it did */
    uint8_t sequence;                   /* of native frames */
    uint8_t image[IMAGE_MAX];           /* the file that this storm sends */
    uint32_t image_n;
};

/* --- scene.c: the board before ---------------------------------------------------------------------------------------------- */
bool scene_open(struct storm *s, const struct scene *scene, bool trace);
void scene_close(struct storm *s);

/* --- judge.c: the board afterwards --------------------------------------------------------------------------------------------- */
/* Could what stands in flash start? Written from docs/SPEC.md section 2, not by image/seal.c. */
bool judge_whole(const uint8_t *app);
bool is_demo(const struct storm *s);                    /* what stands there is the demo that was installed */
/* What must hold. `full`: up to a whole update by the native protocol. False: s->bad says what did not. */
bool judge(struct storm *s, bool full);
/* Only what lies beside the application, and what came back. */
void judge_lower(struct storm *s);
/* Makes once, before any fork, what every judgement of this scene needs. */
void judge_prepare(struct storm *s);
void bad(struct storm *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- dice.c ----------------------------------------------------------------------------------------------------------------------- */
uint32_t upto(struct storm *s, uint32_t n);             /* 0 to n - 1 */
bool chance(struct storm *s, uint32_t n);               /* once in n */
void noise(struct storm *s, uint8_t *p, size_t n);
uint32_t hostile_address(struct storm *s);
uint32_t hostile_number(struct storm *s);               /* an offset, a length, a count */
void new_image(struct storm *s, bool honest);           /* into s->image; a sealed one, if honest */
void tell(const struct storm *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The longest that the flash may keep a client waiting, by the scene. */
unsigned patience_ms(const struct storm *s);
/* Runs on; false: the board has ended. */
bool pause_us(struct storm *s, uint32_t us);
bool pause_ms(struct storm *s, uint32_t ms);

/* --- what the PC does: each one a piece of a conversation ------------------------------------------------------------------------- */
bool native_say(struct storm *s, uint8_t type, const uint8_t *payload, size_t n, bool honest);
/* The answer to the last frame of this type: its first byte, or -1. */
int native_hear(struct storm *s, uint8_t type, unsigned ms);
bool native_update(struct storm *s, bool honest);       /* s->image; true: the device says that it is in */
void act_native(struct storm *s);
void act_native_update(struct storm *s);
bool an_connect(struct storm *s);
bool an_unprotect(struct storm *s);
void act_an(struct storm *s);
void act_an_update(struct storm *s);
void act_ymodem(struct storm *s);
/* A file of this size is offered, and cancelled by the device. */
bool ymodem_refused(struct storm *s, const char *size);
void press(struct storm *s, uint8_t k);                 /* a key: silence behind it, that in front is the caller's */
void act_receive(struct storm *s);
void act_console(struct storm *s);
void act_dfu(struct storm *s);
void act_dfu_update(struct storm *s);
void act_usb(struct storm *s);                          /* whatever USB allows or does not, in both personalities */
/* The device is there, configured and opened; it is waited for. */
bool ready(struct storm *s);
/* From the demo to the bootloader, by 1200 baud. */
bool touch(struct storm *s);

/* storm.c: a storm of this seed on a board that scene_open has made. True: all invariants held. */
bool storm_run(struct storm *s, uint64_t seed);

#endif
