/*
 * test_timestamp.c: RFC 3339 text to nanoseconds and back.
 * Method: the C library's timegm() and gmtime_r() as a second opinion; tables of bad input with
 * the column that is blamed; every input lies in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/timestamp.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

#define UNTOUCHED INT64_C(-42)

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(64);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static int parse(struct span text, int64_t *ret_time_ns, unsigned *reterr_column)
{
    return timestamp_parse(guard_page_place(&guard, text), ret_time_ns, reterr_column);
}

/* The time that a good text stands for; its columns must stay untouched. */
static int64_t time_of(const char *text)
{
    int64_t time_ns = UNTOUCHED;
    unsigned column = 99;
    int r = parse(span_of(text), &time_ns, &column);
    if (r != 0 || column != 99)
        fail_msg("'%s': %d at column %u", text, r, column);
    return time_ns;
}

static void known_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t s;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"2014-09-01T00:00:00Z", 1409529600, 0},
        {"2014-09-01t00:00:00z", 1409529600, 0},
        {"2014-09-01 00:00:00Z", 1409529600, 0},
        {"2014-09-01T02:00:00+02:00", 1409529600, 0},
        {"2014-08-31T18:30:00-05:30", 1409529600, 0},
        {"2014-09-01T00:00:00-00:00", 1409529600, 0},
        {"2014-09-01T23:59:00+23:59", 1409529600, 0},
        {"2000-02-29T12:00:00Z", 951825600, 0},
        {"2024-02-29T00:00:00Z", 1709164800, 0},
        {"2038-01-19T03:14:08Z", 2147483648, 0},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"1969-12-31T23:59:59.5Z", -1, 500000000},
        {"1970-01-01T00:00:00.123456789Z", 0, 123456789},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(time_of(cases[i].text), cases[i].s * NS_PER_S + cases[i].ns);
}

static void a_fraction_has_one_to_nine_digits(void **state)
{
    (void)state;
    int64_t expected = 0;
    int64_t unit = NS_PER_S / 10;
    for (int digits = 1; digits <= 9; digits++, unit /= 10) {
        expected += digits * unit;
        char text[64];
        (void)snprintf(text, sizeof(text), "1970-01-01T00:00:00.%.*sZ", digits, "123456789");
        assert_int_equal(time_of(text), expected);
    }
}

static void the_edges_of_int64_can_be_read(void **state)
{
    (void)state;
    assert_int_equal(time_of("2262-04-11T23:47:16.854775807Z"), INT64_MAX);
    assert_int_equal(time_of("1677-09-21T00:12:43.145224192Z"), INT64_MIN);
    assert_int_equal(time_of("1677-09-21T00:12:44Z"), INT64_C(-9223372036) * NS_PER_S);
}

static void what_does_not_fit_is_blamed_at_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        unsigned column;
    } cases[] = {
        {"x014-09-01T00:00:00Z", -EINVAL, 1},
        {"+014-09-01T00:00:00Z", -EINVAL, 1},
        {" 2014-09-01T00:00:00Z", -EINVAL, 1},
        {"2014/09-01T00:00:00Z", -EINVAL, 5},
        {"02014-09-01T00:00:00Z", -EINVAL, 5},
        {"2014-9-01T00:00:00Z", -EINVAL, 7},
        {"2014-09-1T00:00:00Z", -EINVAL, 10},
        {"2014-09-01_00:00:00Z", -EINVAL, 11},
        {"2014-09-01TT0:00:00Z", -EINVAL, 12},
        {"2014-09-01T0:00:00Z", -EINVAL, 13},
        {"2014-09-01T00.00:00Z", -EINVAL, 14},
        {"2014-09-01T00:00Z", -EINVAL, 17},
        {"2014-09-01T00:00:0Z", -EINVAL, 19},
        {"2014-09-01T00:00:00", -EINVAL, 20},
        {"2014-09-01T00:00:00Y", -EINVAL, 20},
        {"2014-09-01T00:00:00,5Z", -EINVAL, 20},
        {"2014-09-01T00:00:00.Z", -EINVAL, 21},
        {"2014-09-01T00:00:00.1234567890Z", -EINVAL, 30},
        {"2014-09-01T00:00:00ZZ", -EINVAL, 21},
        {"2014-09-01T00:00:00Z ", -EINVAL, 21},
        {"2014-09-01T00:00:00+2:00", -EINVAL, 22},
        {"2014-09-01T00:00:00+0200", -EINVAL, 23},
        {"2014-09-01T00:00:00+02:0", -EINVAL, 25},
        {"2014-09-01T00:00:00+02:00Z", -EINVAL, 26},
        {"2014-00-01T00:00:00Z", -ERANGE, 6},
        {"2014-13-01T00:00:00Z", -ERANGE, 6},
        {"2014-09-00T00:00:00Z", -ERANGE, 9},
        {"2014-09-31T00:00:00Z", -ERANGE, 9},
        {"2014-02-29T00:00:00Z", -ERANGE, 9},
        {"1900-02-29T00:00:00Z", -ERANGE, 9},
        {"2000-02-30T00:00:00Z", -ERANGE, 9},
        {"2014-09-01T24:00:00Z", -ERANGE, 12},
        {"2014-09-01T00:60:00Z", -ERANGE, 15},
        {"2014-09-01T00:00:60Z", -ERANGE, 18},
        {"2014-09-01T00:00:00+24:00", -ERANGE, 21},
        {"2014-09-01T00:00:00-00:60", -ERANGE, 24},
        {"2014-13-99T99:99:99Q", -ERANGE, 6}, /* the first counts */
        {"2262-04-11T23:47:16.854775808Z", -ERANGE, 1},
        {"1677-09-21T00:12:43.145224191Z", -ERANGE, 1},
        {"9999-12-31T23:59:59Z", -ERANGE, 1},
        {"0000-01-01T00:00:00Z", -ERANGE, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t time_ns = UNTOUCHED;
        unsigned column = 0;
        int r = parse(span_of(cases[i].text), &time_ns, &column);
        if (r != cases[i].result || column != cases[i].column || time_ns != UNTOUCHED)
            fail_msg("'%s': %d at column %u", cases[i].text, r, column);
    }
}

static void a_nul_byte_is_no_separator_and_no_digit(void **state)
{
    (void)state;
    static const char good[] = "2014-09-01T00:00:00.5+02:00";
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        char text[sizeof(good)];
        memcpy(text, good, sizeof(text));
        text[at] = '\0';
        int64_t time_ns;
        unsigned column = 0;
        assert_int_equal(parse((struct span){text, sizeof(text) - 1}, &time_ns, &column), -EINVAL);
        assert_int_equal(column, at + 1);
    }
}

static void every_cut_is_missed_where_it_was_made(void **state)
{
    (void)state;
    static const char *const good[] = {"2014-09-01T00:00:00Z", "2014-09-01T00:00:00.123456789Z",
                                       "2014-09-01T00:00:00+02:00", "2014-09-01T00:00:00.5-11:45"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)time_of(good[i]);
        for (size_t len = 0; len < strlen(good[i]); len++) {
            int64_t time_ns = UNTOUCHED;
            unsigned column = 0;
            assert_int_equal(parse((struct span){good[i], len}, &time_ns, &column), -EINVAL);
            assert_int_equal(column, len + 1);
            assert_int_equal(time_ns, UNTOUCHED);
        }
    }
}

/* Writes a second in all forms and reads it back. */
static void check_second(int64_t time_s)
{
    struct tm tm;
    time_t libc_time = time_s;
    assert_non_null(gmtime_r(&libc_time, &tm));
    char expected[TIMESTAMP_TEXT_MAX];
    (void)strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);

    char text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(time_s * NS_PER_S, text);
    assert_string_equal(text, expected);
    assert_int_equal(time_of(text), time_s * NS_PER_S);
}

static void every_day_of_five_centuries_agrees_with_libc(void **state)
{
    (void)state;
    struct random random = {7};
    for (int64_t day = -106000; day < 106000; day++) { /* 1679 to 2260 */
        check_second(day * 86400);
        check_second(day * 86400 + 86399);
        check_second(day * 86400 + (int64_t)random_below(&random, 86400));
    }
}

static void milliseconds_are_cut_not_rounded(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},         {999999, "1970-01-01T00:00:00.000Z"},
        {1000000, "1970-01-01T00:00:00.001Z"},   {999999999, "1970-01-01T00:00:00.999Z"},
        {-1, "1969-12-31T23:59:59.999Z"},        {-NS_PER_S, "1969-12-31T23:59:59.000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"}, {INT64_MIN, "1677-09-21T00:12:43.145Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TIMESTAMP_TEXT_MAX];
        timestamp_format_ms(cases[i].time_ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void random_times_come_back_to_the_millisecond(void **state)
{
    (void)state;
    struct random random = {3};
    for (unsigned i = 0; i < 100000; i++) {
        int64_t ms = (int64_t)random_below(&random, INT64_MAX / NS_PER_MS);
        if (i % 2 == 1)
            ms = -ms;
        char text[TIMESTAMP_TEXT_MAX];
        timestamp_format_ms(ms * NS_PER_MS, text);
        assert_int_equal(time_of(text), ms * NS_PER_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_are_read),
        cmocka_unit_test(a_fraction_has_one_to_nine_digits),
        cmocka_unit_test(the_edges_of_int64_can_be_read),
        cmocka_unit_test(what_does_not_fit_is_blamed_at_its_column),
        cmocka_unit_test(a_nul_byte_is_no_separator_and_no_digit),
        cmocka_unit_test(every_cut_is_missed_where_it_was_made),
        cmocka_unit_test(every_day_of_five_centuries_agrees_with_libc),
        cmocka_unit_test(milliseconds_are_cut_not_rounded),
        cmocka_unit_test(random_times_come_back_to_the_millisecond),
    };
    return cmocka_run_group_tests_name("timestamp", tests, create_guard, destroy_guard);
}
