/* SPDX-License-Identifier: MIT */
/* Edges first, then the rest of the wish. */
#include "tests/sweep/points.h"

#include <stdlib.h>

#include "board/rng.h"

#define NEAR_END 20U                    /* the commit, and the start of what was committed */
#define LAST_BLOCK 300U                 /* 1 KB of words, and the commit behind them */
#define NEAR_ERASE 2U

static void add(struct points *out, size_t done, int way, enum mood mood)
{
    out->point[out->count++] = (struct point){ done, way, mood };
}

static enum mood mood_of(size_t n)
{
    return n % 2U == 0 ? MOOD_QUIET : MOOD_RESTLESS;
}

static bool at_erase(const struct tape *t, size_t at)
{
    for (size_t i = at > NEAR_ERASE ? at - NEAR_ERASE : 0; i <= at + NEAR_ERASE && i < t->count; i++)
        if (t->op[i].erase)
            return true;
    return false;
}

static bool is_edge(const struct tape *t, size_t at)
{
    return at + NEAR_END >= t->count || at_erase(t, at);
}

static void add_edge(struct points *out, const struct tape *t, size_t at, enum points_edges edges)
{
    bool erase = at < t->count && t->op[at].erase;
    int last_way = at < t->count ? (int)TAPE_TORN_WAYS - 1 : POINT_CLEAN;

    if (edges == EDGES_ERASES) {
        if (!erase)
            return;
        last_way = POINT_CLEAN;
        add(out, at, (int)(at % TAPE_TORN_WAYS), mood_of(at / 4U));
    } else if (edges == EDGES_FEW && !erase) {
        add(out, at, at % 2U == 0 || at == t->count ? POINT_CLEAN : (int)(at / 2U % TAPE_TORN_WAYS), mood_of(at / 8U));
        return;
    }
    for (int way = POINT_CLEAN; way <= last_way; way++) {
        add(out, at, way, mood_of(at + (size_t)(way + 1)));
        if (erase && way != POINT_CLEAN)
            add(out, at, way, mood_of(at + (size_t)way));
    }
}

static void add_plain(struct points *out, size_t at, struct rng *r)
{
    uint32_t dice = rng_word(r);

    add(out, at, (int)(dice % TAPE_TORN_WAYS), mood_of(dice >> 8));
}

static int by_place(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    if (x->done != y->done)
        return x->done < y->done ? -1 : 1;
    return x->way - y->way;
}

static void add_all(struct points *out, const struct tape *t, struct rng *r)
{
    for (size_t at = 0; at < t->count; at++) {
        if (is_edge(t, at))
            continue;
        add_plain(out, at, r);
        add(out, at, POINT_CLEAN, mood_of(rng_word(r)));
    }
}

/* One in five with nothing torn; one in thirty within the last block and the commit. */
static void add_sample(struct points *out, const struct tape *t, size_t wish, struct rng *r)
{
    while (out->count < wish) {
        size_t at = (size_t)(rng_next(r) % t->count);

        if (rng_word(r) % 30U == 0 && t->count > LAST_BLOCK)
            at = t->count - LAST_BLOCK + at % (LAST_BLOCK - NEAR_END);

        if (rng_word(r) % 5U == 0)
            add(out, at, POINT_CLEAN, mood_of(rng_word(r)));
        else
            add_plain(out, at, r);
    }
}

void points_choose(struct points *out, const struct tape *t, const struct points_wish *wish)
{
    struct rng r = rng_stream(wish->seed, t->count);
    size_t most = wish->count > t->count * 16U + 16U ? wish->count : t->count * 16U + 16U;

    out->count = 0;
    out->point = calloc(most, sizeof *out->point);
    if (out->point == NULL)
        abort();
    for (size_t at = 0; at <= t->count; at++)
        if (at == t->count || is_edge(t, at))
            add_edge(out, t, at, wish->edges);
    if (wish->all)
        add_all(out, t, &r);
    else
        add_sample(out, t, wish->count, &r);
    qsort(out->point, out->count, sizeof *out->point, by_place);
}

void points_free(struct points *p)
{
    free(p->point);
    p->point = NULL;
}
