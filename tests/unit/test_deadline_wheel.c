/*
 * test_deadline_wheel.c: against a clock the test owns, and against a plain list of deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/net/deadline_wheel.h"
#include "tests/unit/random.h"

#define SLOT_NS (INT64_C(1) << DEADLINE_WHEEL_SLOT_BITS)
#define START_NS (INT64_C(1000) * SLOT_NS)

static void an_empty_wheel_never_wakes_anybody(void **state)
{
    (void)state;
    struct deadline_wheel wheel;
    deadline_wheel_init(&wheel, START_NS);
    assert_true(deadline_wheel_next(&wheel) == INT64_MAX);
    assert_null(deadline_wheel_pop(&wheel, START_NS + 100000 * SLOT_NS));
}

static void a_deadline_comes_up_at_the_time_that_next_says(void **state)
{
    (void)state;
    struct deadline_wheel wheel;
    struct deadline deadline = {0};
    deadline_wheel_init(&wheel, START_NS);
    deadline_wheel_set(&wheel, &deadline, START_NS + 5 * SLOT_NS + 3);
    int64_t next_ns = deadline_wheel_next(&wheel);
    assert_true(next_ns > START_NS + 5 * SLOT_NS + 3);
    assert_true(next_ns <= START_NS + 7 * SLOT_NS);
    assert_null(deadline_wheel_pop(&wheel, next_ns - 1));
    assert_ptr_equal(deadline_wheel_pop(&wheel, next_ns), &deadline);
    assert_null(deadline_wheel_pop(&wheel, next_ns));
}

static void a_deadline_that_moves_away_stays_where_it_is(void **state)
{
    (void)state;
    struct deadline_wheel wheel;
    struct deadline deadline = {0};
    deadline_wheel_init(&wheel, START_NS);
    deadline_wheel_set(&wheel, &deadline, START_NS + 3 * SLOT_NS);
    int64_t slot = deadline.slot;
    deadline_wheel_set(&wheel, &deadline, START_NS + 50 * SLOT_NS);
    assert_int_equal(deadline.slot, slot);
}

static void a_deadline_that_comes_nearer_is_moved(void **state)
{
    (void)state;
    struct deadline_wheel wheel;
    struct deadline deadline = {0};
    deadline_wheel_init(&wheel, START_NS);
    deadline_wheel_set(&wheel, &deadline, START_NS + 50 * SLOT_NS);
    deadline_wheel_set(&wheel, &deadline, START_NS + 3 * SLOT_NS);
    assert_ptr_equal(deadline_wheel_pop(&wheel, START_NS + 5 * SLOT_NS), &deadline);
}

static void a_cleared_deadline_does_not_come_up(void **state)
{
    (void)state;
    struct deadline_wheel wheel;
    struct deadline deadline = {0};
    deadline_wheel_init(&wheel, START_NS);
    deadline_wheel_set(&wheel, &deadline, START_NS + 3 * SLOT_NS);
    deadline_wheel_clear(&deadline);
    deadline_wheel_clear(&deadline); /* twice does no harm */
    assert_null(deadline_wheel_pop(&wheel, START_NS + 1000 * SLOT_NS));
}

/* An owner that puts early entries back sees each deadline once, and never late. */
static void no_deadline_is_missed_however_far_and_however_time_jumps(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    static struct deadline deadlines[COUNT];
    static int64_t when_ns[COUNT];
    struct deadline_wheel wheel;
    int64_t now_ns = START_NS;
    unsigned left = COUNT;

    struct random random = {1};
    deadline_wheel_init(&wheel, now_ns);
    for (unsigned i = 0; i < COUNT; i++) {
        when_ns[i] = now_ns + (int64_t)random_below(&random, 1000 * SLOT_NS);
        deadline_wheel_set(&wheel, &deadlines[i], when_ns[i]);
    }
    while (left > 0) {
        int64_t next_ns = deadline_wheel_next(&wheel);
        assert_true(next_ns != INT64_MAX);
        if (random_below(&random, 20) == 0)
            next_ns += (int64_t)random_below(
                &random, 400 * SLOT_NS); /* the process did not run for a while */
        now_ns = next_ns > now_ns ? next_ns : now_ns;
        struct deadline *deadline;
        while ((deadline = deadline_wheel_pop(&wheel, now_ns)) != NULL) {
            unsigned i = (unsigned)(deadline - deadlines);
            if (when_ns[i] > now_ns) {
                deadline_wheel_set(&wheel, deadline, when_ns[i]);
                continue;
            }
            when_ns[i] = INT64_MAX;
            left--;
        }
        for (unsigned i = 0; i < COUNT; i++)
            assert_true(when_ns[i] > now_ns - 2 * SLOT_NS);
    }
    assert_true(deadline_wheel_next(&wheel) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_never_wakes_anybody),
        cmocka_unit_test(a_deadline_comes_up_at_the_time_that_next_says),
        cmocka_unit_test(a_deadline_that_moves_away_stays_where_it_is),
        cmocka_unit_test(a_deadline_that_comes_nearer_is_moved),
        cmocka_unit_test(a_cleared_deadline_does_not_come_up),
        cmocka_unit_test(no_deadline_is_missed_however_far_and_however_time_jumps),
    };
    return cmocka_run_group_tests_name("deadline_wheel", tests, NULL, NULL);
}
