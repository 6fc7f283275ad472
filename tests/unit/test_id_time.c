/*
 * test_id_time.c: when an id may be shown, and how long until then.
 * Method: waiting is checked against walking: time is moved on in small steps, the source at full
 * speed and the line at half, until the id may be shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "server/clock/id_time.h"
#include "tests/unit/random.h"

#define NOON_NS (INT64_C(1700000000) * NS_PER_S)

static void without_a_lead_ids_go_by_the_source(void **state)
{
    (void)state;
    struct id_time now = moment_plain(NOON_NS, 5).ids;
    assert_int_equal(id_time_logical(&now), NOON_NS);
    assert_true(id_time_has_come(&now, NOON_NS));
    assert_false(id_time_has_come(&now, NOON_NS + 1));
    assert_int_equal(id_time_wait(&now, NOON_NS - 7), 0);
    assert_int_equal(id_time_wait(&now, NOON_NS + 7), 7);
    assert_int_equal(id_time_ahead(&now, 1000), 1000);
}

static void a_lead_runs_at_half_the_speed_until_the_source_has_caught_up(void **state)
{
    (void)state;
    struct id_time now = {.source_ns = NOON_NS - 4 * NS_PER_S,
                          .line_ns = NOON_NS,
                          .lead_max_ns = 10 * NS_PER_S,
                          .limit_ns = INT64_MAX};
    assert_int_equal(id_time_logical(&now), NOON_NS);
    assert_int_equal(id_time_wait(&now, NOON_NS), 0);
    assert_int_equal(id_time_wait(&now, NOON_NS + NS_PER_S), 2 * NS_PER_S);
    /* 8 s from now the source is where the line is: 4 s past noon */
    assert_int_equal(id_time_wait(&now, NOON_NS + 4 * NS_PER_S), 8 * NS_PER_S);
    assert_int_equal(id_time_wait(&now, NOON_NS + 5 * NS_PER_S), 9 * NS_PER_S);
    assert_int_equal(id_time_ahead(&now, 2 * NS_PER_S), 5 * NS_PER_S);
}

static void nothing_is_shown_further_ahead_than_the_largest_lead(void **state)
{
    (void)state;
    struct id_time now = {.source_ns = NOON_NS - 30 * NS_PER_S,
                          .line_ns = NOON_NS,
                          .lead_max_ns = 10 * NS_PER_S,
                          .limit_ns = INT64_MAX};
    assert_int_equal(id_time_logical(&now), NOON_NS - 20 * NS_PER_S);
    assert_false(id_time_has_come(&now, NOON_NS));
    assert_int_equal(id_time_wait(&now, NOON_NS), 20 * NS_PER_S);
    assert_int_equal(id_time_ahead(&now, NS_PER_S), 11 * NS_PER_S);
}

static void nothing_is_shown_at_the_mark_or_behind_it(void **state)
{
    (void)state;
    struct id_time now = moment_plain(NOON_NS, 5).ids;
    now.limit_ns = NOON_NS;
    assert_true(id_time_has_come(&now, NOON_NS - 1));
    assert_false(id_time_has_come(&now, NOON_NS));
    now.limit_ns = INT64_MIN; /* as it is before the first mark */
    assert_false(id_time_has_come(&now, 0));
}

/* As the clocks go on: the source at full speed, the line at half. */
static struct id_time later(struct id_time time, int64_t ns)
{
    time.source_ns += ns;
    time.line_ns += ns / 2;
    if (time.line_ns < time.source_ns)
        time.line_ns = time.source_ns;
    return time;
}

static void waiting_is_as_long_as_it_says_and_no_longer(void **state)
{
    (void)state;
    struct random random = {20261123};
    for (int i = 0; i < 20000; i++) {
        struct id_time now = {.source_ns = NOON_NS,
                              .line_ns = NOON_NS + (int64_t)(random_below(&random, 40000)) - 10000,
                              .lead_max_ns = (int64_t)(random_below(&random, 20000)),
                              .limit_ns = INT64_MAX};
        int64_t due_ns = NOON_NS + (int64_t)(random_below(&random, 60000)) - 10000;
        int64_t wait_ns = id_time_wait(&now, due_ns);
        struct id_time then = later(now, wait_ns);
        assert_true(id_time_has_come(&then, due_ns));
        struct id_time before = later(now, wait_ns - 2); /* halves are rounded */
        if (wait_ns > 1)
            assert_false(id_time_has_come(&before, due_ns));

        int64_t left_ns = (int64_t)(random_below(&random, 30000));
        then = later(now, left_ns);
        int64_t ahead_ns = id_time_ahead(&now, left_ns);
        assert_true(id_time_has_come(&then, now.source_ns + ahead_ns));
        assert_false(id_time_has_come(&then, now.source_ns + ahead_ns + 1));
    }
}

static void times_far_apart_do_not_overflow(void **state)
{
    (void)state;
    struct id_time now = {.source_ns = 0, .line_ns = 0, .limit_ns = INT64_MAX};
    assert_true(id_time_wait(&now, INT64_MAX - 1) == INT64_MAX - 1);
    assert_true(id_time_wait(&now, INT64_MAX) == INT64_MAX);
    now.source_ns = now.line_ns = INT64_MAX / 4 * 3; /* 150 years past the id's tick */
    assert_int_equal(id_time_wait(&now, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_lead_ids_go_by_the_source),
        cmocka_unit_test(a_lead_runs_at_half_the_speed_until_the_source_has_caught_up),
        cmocka_unit_test(nothing_is_shown_further_ahead_than_the_largest_lead),
        cmocka_unit_test(nothing_is_shown_at_the_mark_or_behind_it),
        cmocka_unit_test(waiting_is_as_long_as_it_says_and_no_longer),
        cmocka_unit_test(times_far_apart_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
