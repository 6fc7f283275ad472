/*
 * test_status_page.c: what /status says, for clocks and disks that the test makes up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/text.h"
#include "tests/unit/status_fixture.h"

static int setup(void **state)
{
    int r = setup_with(state, (struct shard_range){64, 64});
    struct fixture *f = *state;
    f->service.clock = &f->clock;
    return r;
}

/* The page that GET /status is answered with. */
static const char *page(struct fixture *f)
{
    static struct counters counters;
    static char answer[API_LARGE_ANSWER_MAX + 1];
    struct api_call call = {.service = &f->service,
                            .counters = &counters,
                            .now = f->now,
                            .date = "Sun, 06 Nov 1994 08:49:37 GMT"};
    struct http_request request = {.method = HTTP_GET, .path = SPAN("/status")};
    struct http_output out = {.base = answer, .capacity = API_LARGE_ANSWER_MAX};
    struct id_order order;
    assert_int_equal(api_answer_max(&request), API_LARGE_ANSWER_MAX);
    assert_int_equal(api_handle(&call, &request, &out, &order), API_ANSWERED);
    answer[out.used] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static void assert_says(struct fixture *f, const char *words)
{
    const char *text = page(f);
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in:\n%s", words, text);
}

static void on_a_good_day_all_is_well(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "<p id=\"verdict\" data-condition=\"ok\">Issuing ids. All is well.</p>");
    assert_says(f, "<title>go-id: issuing ids</title>");
    assert_says(f, "Ids follow the system&rsquo;s clock.");
    assert_says(f, "Ids are not ahead of the clock; after it is set back they may be, by 10 s");
    assert_says(f, "What is on disk is 1990.0 ms ahead of the clock.");
    assert_says(f, "<dt>Shards</dt><dd>64 to 127</dd>");
    assert_says(f, "<dt>Capacity</dt><dd>1638400 ids/s</dd>");
    assert_says(f, "max=\"100\"");
}

static void a_clock_that_was_set_back_is_told_with_its_bound(void **state)
{
    struct fixture *f = *state;
    f->now.ids.line_ns = f->now.ids.source_ns;
    f->now.ids.source_ns -= 5 * NS_PER_S;
    f->clock.steps_back = 1;
    f->clock.last_step_ns = -5 * NS_PER_S;
    assert_says(f, "Ids are 5000.0 ms ahead of a clock that was set back, of 10 s at most.");
    assert_says(f, "Set back 1 and forward 0 times since the start, last by 5000.0 ms.");
    assert_says(f, "data-condition=\"ok\">Issuing");
}

static void a_leap_is_told_with_the_way_out(void **state)
{
    struct fixture *f = *state;
    f->clock.leap_ns = 3600 * NS_PER_S;
    assert_says(f, "data-condition=\"degraded\">Issuing ids, and somebody should look at");
    assert_says(f, "The clock has leapt 3600 s ahead and is not believed");
    assert_says(f, "<code>go-id state accept-clock</code>");
}

static void a_disk_that_fails_is_told_with_its_error(void **state)
{
    struct fixture *f = *state;
    f->keeper.error = ENOSPC;
    f->keeper.writes = 17;
    f->keeper.failures = 3;
    assert_says(f, "<div data-condition=\"degraded\"><dt>Mark</dt>");
    assert_says(f, "Writing to STATE_DIRECTORY fails with ENOSPC; ids end at the mark.");
    assert_says(f, "17 writes, the last in 0.0 ms; 3 failed.");

    f->now.ids.source_ns = f->now.ids.line_ns = f->now.ids.limit_ns + NS_PER_S;
    assert_says(f, "data-condition=\"failed\">No ids: the mark cannot be moved ahead");
    assert_says(f, "<title>go-id: no ids</title>");
    assert_says(f, "Nothing was issued for a while; the next request moves it.");
}

static void the_end_of_the_id_space_is_told_in_years_and_in_days(void **state)
{
    struct fixture *f = *state;
    struct timespec end;
    assert_int_equal(sonyflake_end_time(&f->service.layout, &end), SONYFLAKE_OK);
    f->now = moment_plain(end.tv_sec * NS_PER_S - INT64_C(20) * 366 * 86400 * NS_PER_S, BOOT_NS);
    assert_says(f, "The id space lasts for another 20 years.");
    f->now = moment_plain(end.tv_sec * NS_PER_S - INT64_C(3) * 86400 * NS_PER_S, BOOT_NS);
    assert_says(f, "The id space lasts for another 3 days.");
}

static void where_min_id_leaves_no_id_nothing_else_is_said(void **state)
{
    struct fixture *f = *state;
    begin_at_the_end(f);
    assert_says(f,
                "data-condition=\"failed\">No ids: there is no id above MIN_ID: set a lower one,");
    assert_says(f, "<dt>Lifetime</dt><dd><b>failed</b> <span>No id is left.</span>");
    assert_says(f, "they may be, by 10 s at most.");
    assert_null(strstr(page(f), "another"));
}

static void a_min_id_far_ahead_is_not_taken_for_a_clock_that_was_set_back(void **state)
{
    struct fixture *f = *state;
    f->service.min_id_ns = service_next_tick(&f->service);
    f->now.ids.source_ns -= 40 * NS_PER_S;
    f->now.ids.line_ns = f->service.min_id_ns;
    assert_says(f, "data-condition=\"failed\">No ids: MIN_ID is 40000 ms ahead of the clock");
    assert_says(f, "Ids are 40 s ahead of the clock, as MIN_ID is, of 10 s at most.");
    assert_null(strstr(page(f), "set back"));
}

static void text_cannot_become_markup(void **state)
{
    (void)state;
    char base[64];
    struct text text = {.base = base, .capacity = sizeof(base)};
    text_add_html(&text, SPAN("a<b>&\"'c"));
    assert_true(span_equal(text_span(&text), SPAN("a&#60;b&#62;&#38;&#34;&#39;c")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(on_a_good_day_all_is_well),
        TEST(a_clock_that_was_set_back_is_told_with_its_bound),
        TEST(a_leap_is_told_with_the_way_out),
        TEST(a_disk_that_fails_is_told_with_its_error),
        TEST(the_end_of_the_id_space_is_told_in_years_and_in_days),
        TEST(where_min_id_leaves_no_id_nothing_else_is_said),
        TEST(a_min_id_far_ahead_is_not_taken_for_a_clock_that_was_set_back),
        cmocka_unit_test(text_cannot_become_markup),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
