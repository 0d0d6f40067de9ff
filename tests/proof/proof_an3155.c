/* SPDX-License-Identifier: MIT */
/* Eva over proto/an3155.c and detect.c: any calls in any order, any bytes. */
/* Assumptions: the receiver is static, thus zero at first; input comes in pieces of at most INPUT_MAX bytes.
 *
 * Two alarms are left, and false. Division by zero, a->head: it is 0 in ST_NOTHING alone, where the event is AN_WHOLE, and an_feed takes
 * nothing while there is an event. Index a->have - 2: take_item is called with head < have < want, and want is at most 258 in ST_BLOCK,
 * whose count is one byte. Eva keeps no relations between two fields. Tests: test_an3155.c. */
#include "proto/an3155.h"
#include "proto/detect.h"
#include "tests/proof/any.h"

#define INPUT_MAX 512U

static void any_call(struct an3155 *a, const uint8_t *in)
{
    switch (any_upto(5)) {
    case 0: (void)an_feed(a, in, any_upto(INPUT_MAX)); break;
    case 1: an_answer(a, any_bool()); break;
    case 2: (void)an_between(a); break;
    case 3: (void)an_known(any_u8()); break;
    case 4: (void)detect(any_u8()); break;
    default: an_init(a); break;
    }
}

int main(void)
{
    static struct an3155 a;
    uint8_t in[INPUT_MAX];

    an_init(&a);
    while (any_bool()) {
        any_bytes(in, sizeof in);
        any_call(&a, in);
    }
    return 0;
}
