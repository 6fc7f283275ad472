/*
 * test_logical_clock.c: what ids go by when the source is set back, leaps, or stands still.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "server/clock/logical_clock.h"
#include "tests/unit/random.h"

#define NOON_NS (INT64_C(1700000000) * NS_PER_S)
#define HOUR_NS (3600 * NS_PER_S)
#define YEAR_NS (INT64_C(365) * 24 * HOUR_NS)

struct fixture {
    struct logical_clock clock;
    struct source_reading now;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.clock = {.lead_max_ns = 10 * NS_PER_S, .leap_max_ns = HOUR_NS},
                          .now = {.source_ns = NOON_NS, .boot_ns = 777 * NS_PER_S}};
    logical_clock_init(&f->clock, f->now, NULL);
}

static void pass(struct fixture *f, int64_t ns)
{
    f->now.source_ns += ns;
    f->now.boot_ns += ns;
}

static struct logical_reading look(struct fixture *f)
{
    return logical_clock_read(&f->clock, f->now);
}

static int64_t logical(struct fixture *f)
{
    struct logical_reading reading = look(f);
    return id_time_logical(&reading.ids);
}

static void it_follows_a_source_that_just_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    for (int i = 0; i < 100; i++) {
        struct logical_reading reading = look(&f);
        assert_int_equal(id_time_logical(&reading.ids), f.now.source_ns);
        assert_int_equal(reading.step_ns, 0);
        assert_int_equal(reading.leap_ns, 0);
        pass(&f, 123456789);
    }
}

static void after_a_step_back_it_goes_on_at_half_the_speed_and_the_lead_shrinks(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    int64_t before_ns = logical(&f);
    f.now.source_ns -= 4 * NS_PER_S;
    assert_int_equal(logical(&f), before_ns);
    int64_t lead_ns = 4 * NS_PER_S;
    for (int i = 1; i <= 80; i++) {
        pass(&f, 100 * NS_PER_MS);
        assert_int_equal(logical(&f), before_ns + i * (50 * NS_PER_MS));
        assert_true(logical(&f) - f.now.source_ns < lead_ns);
        lead_ns = logical(&f) - f.now.source_ns;
    }
    assert_int_equal(lead_ns, 0); /* after twice the step */
    pass(&f, NS_PER_S);
    assert_int_equal(logical(&f), f.now.source_ns);
}

static void a_frozen_source_gives_half_the_speed_up_to_the_largest_lead(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    (void)look(&f);
    f.now.boot_ns += 6 * NS_PER_S;
    assert_int_equal(logical(&f), NOON_NS + 3 * NS_PER_S);
    f.now.boot_ns += HOUR_NS;
    assert_int_equal(logical(&f), NOON_NS + 10 * NS_PER_S);
}

static void a_leap_that_boot_time_confirms_is_believed_whatever_its_size(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    (void)look(&f);
    pass(&f, 3 * YEAR_NS); /* suspended */
    struct logical_reading reading = look(&f);
    assert_int_equal(reading.leap_ns, 0);
    assert_int_equal(reading.step_ns, 0);
    assert_int_equal(id_time_logical(&reading.ids), f.now.source_ns);
}

static void a_leap_up_to_the_limit_is_believed_and_one_beyond_it_is_not(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    (void)look(&f);
    f.now.source_ns += HOUR_NS;
    assert_int_equal(look(&f).leap_ns, 0);
    assert_int_equal(logical(&f), NOON_NS + HOUR_NS);

    f.now.source_ns += HOUR_NS + 1;
    assert_int_equal(look(&f).leap_ns, HOUR_NS + 1);
    assert_int_equal(logical(&f), NOON_NS + HOUR_NS); /* goes on from where it was believed */
    pass(&f, 5 * NS_PER_S);
    assert_int_equal(logical(&f), NOON_NS + HOUR_NS + 5 * NS_PER_S);
}

static void a_leap_that_is_accepted_is_followed(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    f.now.source_ns += 10 * YEAR_NS;
    assert_true(look(&f).leap_ns == 10 * YEAR_NS);
    assert_true(logical_clock_accept(&f.clock, f.now) == 10 * YEAR_NS);
    assert_int_equal(look(&f).leap_ns, 0);
    assert_true(logical(&f) == f.now.source_ns);
    assert_int_equal(logical_clock_accept(&f.clock, f.now), 0);
}

static void every_leap_is_believed_when_there_is_no_limit(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    f.clock.leap_max_ns = INT64_MAX;
    f.now.source_ns += 10 * YEAR_NS;
    assert_int_equal(look(&f).leap_ns, 0);
    assert_true(logical(&f) == f.now.source_ns);
}

static void a_clock_that_is_put_right_after_a_step_back_is_no_leap(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    (void)look(&f);
    f.now.source_ns -= 10 * YEAR_NS;
    (void)look(&f);
    pass(&f, 5 * NS_PER_S);
    f.now.source_ns += 10 * YEAR_NS;
    assert_int_equal(look(&f).leap_ns, 0);
    assert_int_equal(logical(&f), NOON_NS + 5 * NS_PER_S);
}

static void what_an_earlier_process_of_this_boot_believed_still_counts(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    int64_t offset_ns = f.now.source_ns - f.now.boot_ns;
    f.now.source_ns += 2 * HOUR_NS; /* while no process was running */
    logical_clock_init(&f.clock, f.now, &offset_ns);
    assert_int_equal(look(&f).leap_ns, 2 * HOUR_NS);
    assert_int_equal(logical(&f), NOON_NS);
}

static void ids_that_begin_ahead_of_the_source_begin_at_once(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    logical_clock_begin_at(&f.clock, f.now.boot_ns, NOON_NS + 2 * NS_PER_S);
    assert_int_equal(logical(&f), NOON_NS + 2 * NS_PER_S);
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(logical(&f), NOON_NS + 3 * NS_PER_S);
}

static void a_line_that_was_held_goes_on_from_there(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    (void)look(&f);
    f.now.source_ns -= 30 * NS_PER_S;
    pass(&f, 20 * NS_PER_S); /* 10 s behind the newest id, and the line has run on for 10 s */
    logical_clock_hold(&f.clock, f.now.boot_ns, NOON_NS);
    assert_int_equal(logical(&f), NOON_NS);
    pass(&f, 2 * NS_PER_S);
    assert_int_equal(logical(&f), NOON_NS + NS_PER_S);
    logical_clock_hold(&f.clock, f.now.boot_ns, NOON_NS + 5 * NS_PER_S); /* never raises it */
    assert_int_equal(logical(&f), NOON_NS + NS_PER_S);
}

static void each_step_is_reported_by_one_caller(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    f.now.source_ns -= 3 * NS_PER_MS;
    int64_t step_ns = look(&f).step_ns;
    assert_int_equal(step_ns, -3 * NS_PER_MS);
    assert_true(logical_clock_note(&f.clock, f.now, step_ns));
    assert_false(logical_clock_note(&f.clock, f.now, step_ns)); /* of another thread */
    assert_int_equal(look(&f).step_ns, 0);
}

static void whatever_the_source_does_it_neither_goes_back_nor_runs_faster(void **state)
{
    (void)state;
    struct random random = {42};
    struct fixture f;
    open_fixture(&f);
    f.clock.lead_max_ns = INT64_MAX / 4; /* the bound is for ids, which stand still at it */
    int64_t latest_ns = logical(&f);
    for (int i = 0; i < 100000; i++) {
        int64_t passed_ns = (int64_t)(random_below(&random, 20 * (uint64_t)NS_PER_MS));
        pass(&f, passed_ns);
        if (random_below(&random, 16) == 0)
            f.now.source_ns +=
                (int64_t)(random_below(&random, 4 * (uint64_t)HOUR_NS)) - 2 * HOUR_NS;
        struct logical_reading reading = look(&f);
        int64_t now_ns = id_time_logical(&reading.ids);
        assert_true(now_ns >= latest_ns);
        assert_true(reading.ids.source_ns <=
                    f.now.boot_ns + f.clock.offset_ns); /* never past what is believed */
        if (now_ns > reading.ids.source_ns) /* a lead grows by no more than half of real time */
            assert_true(now_ns - latest_ns <= passed_ns / 2 + 1);
        latest_ns = now_ns;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_a_source_that_just_goes_on),
        cmocka_unit_test(after_a_step_back_it_goes_on_at_half_the_speed_and_the_lead_shrinks),
        cmocka_unit_test(a_frozen_source_gives_half_the_speed_up_to_the_largest_lead),
        cmocka_unit_test(a_leap_that_boot_time_confirms_is_believed_whatever_its_size),
        cmocka_unit_test(a_leap_up_to_the_limit_is_believed_and_one_beyond_it_is_not),
        cmocka_unit_test(a_leap_that_is_accepted_is_followed),
        cmocka_unit_test(every_leap_is_believed_when_there_is_no_limit),
        cmocka_unit_test(a_clock_that_is_put_right_after_a_step_back_is_no_leap),
        cmocka_unit_test(what_an_earlier_process_of_this_boot_believed_still_counts),
        cmocka_unit_test(ids_that_begin_ahead_of_the_source_begin_at_once),
        cmocka_unit_test(a_line_that_was_held_goes_on_from_there),
        cmocka_unit_test(each_step_is_reported_by_one_caller),
        cmocka_unit_test(whatever_the_source_does_it_neither_goes_back_nor_runs_faster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
