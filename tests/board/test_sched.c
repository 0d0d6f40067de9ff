/* SPDX-License-Identifier: MIT */
/* The event list, and the conversion between cycles and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/cycles.h"

#define TEST(name) static void name(void **state)

struct note {
    struct sched_event ev;
    struct sched *sched;
    char name;
    char *trail;
    vtime seen;
    struct note *arms;                  /* armed for the same instant when this one fires */
};

static void fire(void *owner)
{
    struct note *n = owner;

    *n->trail++ = n->name;
    n->seen = n->sched->now;
    if (n->arms != NULL) {
        n->arms->trail = n->trail;
        sched_after(n->sched, &n->arms->ev, 0);
    }
}

static struct note note(struct sched *s, char name, char *trail)
{
    struct note n = { .sched = s, .name = name, .trail = trail };

    n.ev.fire = fire;
    return n;
}

TEST(events_fire_in_time_order_and_see_their_own_time)
{
    struct sched s = { 0 };
    char trail[4] = "";
    struct note a = note(&s, 'a', trail), b = note(&s, 'b', trail + 1);

    (void)state;
    a.ev.owner = &a;
    b.ev.owner = &b;
    sched_at(&s, &b.ev, 200);
    sched_at(&s, &a.ev, 100);
    assert_int_equal(sched_next(&s), 100);
    sched_advance(&s, 300);
    assert_string_equal(trail, "ab");
    assert_int_equal(a.seen, 100);
    assert_int_equal(b.seen, 200);
    assert_int_equal(s.now, 300);
    assert_int_equal(sched_next(&s), VTIME_NEVER);
}

TEST(events_of_the_same_time_fire_in_the_order_of_arming)
{
    struct sched s = { 0 };
    char trail[4] = "";
    struct note a = note(&s, 'a', trail + 1), b = note(&s, 'b', trail);

    (void)state;
    a.ev.owner = &a;
    b.ev.owner = &b;
    sched_at(&s, &b.ev, 100);
    sched_at(&s, &a.ev, 100);
    sched_advance(&s, 100);
    assert_string_equal(trail, "ba");
}

TEST(an_event_armed_by_another_for_the_same_instant_still_fires)
{
    struct sched s = { 0 };
    char trail[4] = "";
    struct note a = note(&s, 'a', trail), b = note(&s, 'b', trail);

    (void)state;
    a.ev.owner = &a;
    b.ev.owner = &b;
    a.arms = &b;
    sched_at(&s, &a.ev, 100);
    sched_advance(&s, 100);
    assert_string_equal(trail, "ab");
    assert_int_equal(b.seen, 100);
}

TEST(a_cancelled_event_does_not_fire_and_a_moved_one_fires_once)
{
    struct sched s = { 0 };
    char trail[4] = "";
    struct note a = note(&s, 'a', trail), b = note(&s, 'b', trail);

    (void)state;
    a.ev.owner = &a;
    b.ev.owner = &b;
    sched_at(&s, &a.ev, 100);
    sched_at(&s, &b.ev, 100);
    sched_cancel(&s, &a.ev);
    sched_at(&s, &b.ev, 500);
    sched_advance(&s, 400);
    assert_string_equal(trail, "");
    sched_advance(&s, 600);
    assert_string_equal(trail, "b");
}

TEST(an_endless_delay_does_not_wrap_around)
{
    struct sched s = { .now = 1000 };
    struct sched_event ev = { .fire = NULL };

    (void)state;
    sched_after(&s, &ev, VTIME_NEVER - 5);
    assert_int_equal(sched_next(&s), VTIME_NEVER);
}

TEST(cycles_and_time_convert_back_and_forth_without_drift)
{
    struct cycle_clock k = { .hz = 168000000 };

    (void)state;
    for (uint64_t c = 0; c < 3 * 168000000ULL; c += 1234567) {
        k.count = c;
        assert_int_equal(cycles_at(&k, cycles_time(&k)), c);
    }
    k.count = 168000000ULL * 3600;
    assert_int_equal(cycles_time(&k), 3600 * PS_PER_S);
    assert_int_equal(cycles_at(&k, VTIME_NEVER), UINT64_MAX);
}

TEST(a_cycle_never_begins_before_the_time_asked_for)
{
    struct cycle_clock k = { .hz = 168000000 };

    (void)state;
    for (vtime t = 0; t < 100000; t += 7) {
        k.count = cycles_at(&k, t);
        assert_true(cycles_time(&k) >= t);
        if (k.count != 0) {
            k.count--;
            assert_true(cycles_time(&k) < t);
        }
    }
}

TEST(a_change_of_frequency_keeps_the_present_time)
{
    struct cycle_clock k = { .hz = 16000000, .count = 16000000 };

    (void)state;
    cycles_set_hz(&k, 168000000);
    assert_int_equal(cycles_time(&k), PS_PER_S);
    k.count += 168;
    assert_int_equal(cycles_time(&k), PS_PER_S + PS_PER_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_fire_in_time_order_and_see_their_own_time),
        cmocka_unit_test(events_of_the_same_time_fire_in_the_order_of_arming),
        cmocka_unit_test(an_event_armed_by_another_for_the_same_instant_still_fires),
        cmocka_unit_test(a_cancelled_event_does_not_fire_and_a_moved_one_fires_once),
        cmocka_unit_test(an_endless_delay_does_not_wrap_around),
        cmocka_unit_test(cycles_and_time_convert_back_and_forth_without_drift),
        cmocka_unit_test(a_cycle_never_begins_before_the_time_asked_for),
        cmocka_unit_test(a_change_of_frequency_keeps_the_present_time),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
