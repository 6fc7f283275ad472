/*
 * test_status.c: what /health and /ready say, for clocks and disks that the test makes up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "server/api/status.h"
#include "tests/unit/status_fixture.h"

static int setup(void **state)
{
    return setup_with(state, (struct shard_range){1, 1});
}

static struct service_status look(struct fixture *f)
{
    return service_status(&f->service, &f->now);
}

static void all_is_well_on_a_good_day(void **state)
{
    struct fixture *f = *state;
    struct service_status status = look(f);
    assert_true(status.ready);
    assert_false(status.degraded);
    assert_int_equal(status.lead.lead_ns, 0);
    assert_int_equal(status.mark.ahead_ns, 2 * NS_PER_S - TICK_NS);
}

static void a_lead_within_the_bound_is_no_reason_to_worry(void **state)
{
    struct fixture *f = *state;
    f->now.ids.line_ns = f->now.ids.source_ns;
    f->now.ids.source_ns -= 5 * NS_PER_S;
    struct service_status status = look(f);
    assert_true(status.ready);
    assert_int_equal(status.lead.lead_ns, 5 * NS_PER_S);
}

static void beyond_the_bound_it_says_how_long(void **state)
{
    struct fixture *f = *state;
    f->now.ids.line_ns = f->now.ids.source_ns;
    f->now.ids.source_ns -= 40 * NS_PER_S;
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_int_equal(status.lead.condition, CONDITION_FAILED);
    /* 30 s until it is within 10 s, of which a request itself may wait 1 s and a tick */
    assert_int_equal(status.retry_after_s, 29);
    assert_non_null(strstr(status.reason, "40000 ms"));
    assert_non_null(strstr(status.reason, "MAX_CLOCK_LEAD"));
}

static void a_write_that_fails_degrades_and_only_at_the_mark_it_is_over(void **state)
{
    struct fixture *f = *state;
    f->keeper.error = ENOSPC;
    struct service_status status = look(f);
    assert_true(status.ready && status.degraded);
    assert_int_equal(status.mark.condition, CONDITION_DEGRADED);

    f->now.ids.source_ns = f->now.ids.line_ns = f->now.ids.limit_ns;
    status = look(f);
    assert_false(status.ready);
    assert_int_equal(status.mark.condition, CONDITION_FAILED);
    assert_non_null(strstr(status.reason, "ENOSPC"));
    assert_int_equal(status.retry_after_s, 1);
}

static void with_a_lead_the_ids_reach_the_mark_before_the_clock_does(void **state)
{
    struct fixture *f = *state;
    f->keeper.error = EIO;
    f->now.ids.line_ns = f->now.ids.source_ns;
    f->now.ids.limit_ns = f->now.ids.source_ns; /* this tick must not be shown */
    f->now.ids.source_ns -= 5 * NS_PER_S;
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_non_null(strstr(status.reason, "EIO"));
}

static void an_idle_service_whose_mark_lies_behind_is_well(void **state)
{
    struct fixture *f = *state;
    f->now.ids.source_ns = f->now.ids.line_ns = f->now.ids.limit_ns + 3600 * NS_PER_S;
    struct service_status status = look(f);
    assert_true(status.ready);
    assert_false(status.degraded);
    assert_int_equal(status.mark.ahead_ns, -3600 * NS_PER_S);
}

static void a_write_that_hangs_at_the_mark_is_told(void **state)
{
    struct fixture *f = *state;
    f->now.ids.source_ns = f->now.ids.line_ns = f->now.ids.limit_ns;
    f->keeper.writing_since = BOOT_NS - 1000 * NS_PER_MS;
    assert_true(look(f).ready); /* shorter than a request may wait */
    f->keeper.writing_since = BOOT_NS - 1200 * NS_PER_MS;
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_non_null(strstr(status.reason, "1200 ms"));
}

static void the_end_of_the_id_space_is_told_a_year_before(void **state)
{
    struct fixture *f = *state;
    struct timespec end;
    assert_int_equal(sonyflake_end_time(&f->service.layout, &end), SONYFLAKE_OK);
    int64_t end_ns = end.tv_sec * NS_PER_S;
    const int64_t day_ns = 86400 * NS_PER_S;

    f->now = moment_plain(end_ns - 366 * day_ns, BOOT_NS);
    assert_int_equal(look(f).lifetime.condition, CONDITION_OK);
    f->now = moment_plain(end_ns - 364 * day_ns, BOOT_NS);
    struct service_status status = look(f);
    assert_int_equal(status.lifetime.condition, CONDITION_DEGRADED);
    assert_int_equal(status.lifetime.left_s, INT64_C(364) * 86400);
    assert_true(status.ready);
    f->now = moment_plain(end_ns + day_ns, BOOT_NS);
    status = look(f);
    assert_int_equal(status.lifetime.condition, CONDITION_FAILED);
    assert_false(status.ready);
    assert_non_null(strstr(status.reason, "ends at 2188-11-16T03:28:58.880Z, is used up"));
    assert_non_null(strstr(status.reason, "a later START_TIME"));
    assert_null(strstr(status.reason, "MIN_ID"));
}

static void a_min_id_that_leaves_no_id_is_named(void **state)
{
    struct fixture *f = *state;
    begin_at_the_end(f);
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_int_equal(status.lifetime.condition, CONDITION_FAILED);
    assert_int_equal(service_status_refusal(&status), REFUSED_LIFETIME);
    assert_string_equal(status.reason,
                        "there is no id above MIN_ID: set a lower one, or none, and restart");
    assert_int_equal(status.lead.max_ns, 10 * NS_PER_S);
}

static void a_min_id_far_ahead_is_named_until_ids_have_begun(void **state)
{
    struct fixture *f = *state;
    f->service.min_id_ns = service_next_tick(&f->service);
    assert_true(look(f).ready);
    f->now.ids.source_ns -= 40 * NS_PER_S;
    f->now.ids.line_ns = f->service.min_id_ns;
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_int_equal(status.lead.condition, CONDITION_FAILED);
    assert_int_equal(status.retry_after_s, 29);
    assert_string_equal(
        status.reason, "MIN_ID is 40000 ms ahead of the clock, and MAX_CLOCK_LEAD is 10000 ms: ids "
                       "begin in 31 s, when the clock is set right, or after a restart with a "
                       "lower MIN_ID");

    struct sonyflake_run run;
    int64_t wait_ns;
    struct sonyflake_demand all = {.count = 256, .now_ns = f->service.min_id_ns};
    assert_int_equal(sonyflake_take(f->service.generator, &all, &run, &wait_ns, NULL),
                     SONYFLAKE_OK);
    status = look(f);
    assert_false(status.lead.of_min_id);
    assert_non_null(strstr(status.reason, "behind the newest id"));
}

static void before_the_start_time_there_are_no_ids(void **state)
{
    struct fixture *f = *state;
    f->now = moment_plain(SONYFLAKE_START_TIME_NS - 90 * NS_PER_S, BOOT_NS);
    struct service_status status = look(f);
    assert_false(status.ready);
    assert_int_equal(status.retry_after_s, 90);
    assert_int_equal(status.clock.condition, CONDITION_FAILED);
    assert_string_equal(status.reason, "the clock is before START_TIME: set it right");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_is_well_on_a_good_day),
        TEST(a_lead_within_the_bound_is_no_reason_to_worry),
        TEST(beyond_the_bound_it_says_how_long),
        TEST(a_write_that_fails_degrades_and_only_at_the_mark_it_is_over),
        TEST(with_a_lead_the_ids_reach_the_mark_before_the_clock_does),
        TEST(an_idle_service_whose_mark_lies_behind_is_well),
        TEST(a_write_that_hangs_at_the_mark_is_told),
        TEST(the_end_of_the_id_space_is_told_a_year_before),
        TEST(a_min_id_that_leaves_no_id_is_named),
        TEST(a_min_id_far_ahead_is_named_until_ids_have_begun),
        TEST(before_the_start_time_there_are_no_ids),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
