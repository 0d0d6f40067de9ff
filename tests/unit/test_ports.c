/* SPDX-License-Identifier: MIT */
/* Which of two ports is the active one, and that reading, writing and the room are always its own. */
#include "tests/unit/cm.h"

#include <string.h>

#include "boot/ports.h"

enum { FIRST, SECOND };
#define SPEAKS(n) (1U << (n))

struct end { uint8_t in, out[8]; size_t out_n, room; };

static size_t end_read(void *ctx, uint8_t *out, size_t cap)
{
    struct end *e = ctx;

    assert_true(cap > 0);
    *out = e->in;
    return 1;
}

static size_t end_write(void *ctx, const uint8_t *p, size_t n)
{
    struct end *e = ctx;

    assert_true(n <= sizeof e->out - e->out_n);
    memcpy(e->out + e->out_n, p, n);
    e->out_n += n;
    return n;
}

static size_t end_room(void *ctx)
{
    return ((struct end *)ctx)->room;
}

static struct end ends[PORTS];
static const struct port table[PORTS] = {
    [FIRST] = { { end_read, end_write, end_room, &ends[FIRST] }, 1000 },
    [SECOND] = { { end_read, end_write, end_room, &ends[SECOND] }, 20 },
};

static struct ports begin(void)
{
    struct ports p = { .port = table };

    memset(ends, 0, sizeof ends);
    ends[FIRST] = (struct end){ .in = 'f', .room = 5 };
    ends[SECOND] = (struct end){ .in = 's', .room = 6 };
    ports_use(&p, FIRST);
    return p;
}

/* The serve keeps the address of the wire. */
static void assert_active(const struct serve_wire *w, const struct ports *p, unsigned number)
{
    size_t before = ends[number].out_n;
    uint8_t byte = 0;

    assert_int_equal(p->number, number);
    assert_int_equal(w->read(w->ctx, &byte, 1), 1);
    assert_int_equal(byte, ends[number].in);
    assert_int_equal(w->room(w->ctx), ends[number].room);
    assert_int_equal(w->write(w->ctx, &byte, 1), 1);
    assert_int_equal(ends[number].out_n, before + 1);
    assert_int_equal(p->active.window, table[number].window);
}

TEST(the_wire_is_the_active_ports_also_after_a_change)
{
    struct ports p = begin();
    const struct serve_wire *w = &p.active.wire;

    UNUSED_STATE;
    assert_active(w, &p, FIRST);
    ports_use(&p, SECOND);
    assert_active(w, &p, SECOND);
    ports_use(&p, SECOND);
    assert_active(w, &p, SECOND);
    ports_use(&p, FIRST);
    assert_active(w, &p, FIRST);
}

TEST(the_one_who_speaks_becomes_the_active_one)
{
    struct ports p = begin();

    UNUSED_STATE;
    ports_follow(&p, SPEAKS(SECOND));
    assert_active(&p.active.wire, &p, SECOND);
    ports_follow(&p, SPEAKS(FIRST));
    assert_active(&p.active.wire, &p, FIRST);
}

TEST(silence_and_the_active_ports_own_bytes_change_nothing)
{
    struct ports p = begin();

    UNUSED_STATE;
    for (unsigned active = FIRST; active <= SECOND; active++) {
        ports_use(&p, active);
        ports_follow(&p, 0);
        assert_active(&p.active.wire, &p, active);
        ports_follow(&p, SPEAKS(active));
        assert_active(&p.active.wire, &p, active);
    }
}

TEST(of_two_who_speak_the_active_one_is_heard_first)
{
    struct ports p = begin();

    UNUSED_STATE;
    for (unsigned active = FIRST; active <= SECOND; active++) {
        ports_use(&p, active);
        ports_follow(&p, SPEAKS(FIRST) | SPEAKS(SECOND));
        assert_active(&p.active.wire, &p, active);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wire_is_the_active_ports_also_after_a_change),
        cmocka_unit_test(the_one_who_speaks_becomes_the_active_one),
        cmocka_unit_test(silence_and_the_active_ports_own_bytes_change_nothing),
        cmocka_unit_test(of_two_who_speak_the_active_one_is_heard_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
