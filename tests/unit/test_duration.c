/*
 * test_duration.c: text to lengths of time.
 * Method: tables, every cut and every foreign byte; every input lies in front of an unreadable
 * page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>

#include "common/duration.h"
#include "tests/unit/guard_page.h"

#define UNTOUCHED INT64_C(0x5eadbeef)
#define MS INT64_C(1000000)
#define S (1000 * MS)
#define MIN (60 * S)
#define H (60 * MIN)
#define D (24 * H)

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(4096);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static void check(struct span text, int expected, int64_t expected_ns)
{
    int64_t found_ns = UNTOUCHED;
    int r = duration_parse(guard_page_place(&guard, text), &found_ns);
    if (r != expected || found_ns != (expected == 0 ? expected_ns : UNTOUCHED))
        fail_msg("'%.*s': %d, %" PRId64, SPAN_ARGS(text), r, found_ns);
}

static void digits_and_a_unit_are_a_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t duration_ns;
    } cases[] = {
        {"500ms", 500 * MS}, {"2s", 2 * S},       {"90min", 90 * MIN},
        {"1h", H},           {"7d", 7 * D},       {"0ms", 0},
        {"0d", 0},           {"1ms", MS},         {"1000ms", S},
        {"60s", MIN},        {"60min", H},        {"24h", D},
        {"365d", 365 * D},   {"0000002s", 2 * S}, {"00000000000000000000000000000000007d", 7 * D},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(span_of(cases[i].text), 0, cases[i].duration_ns);
}

static void a_duration_fits_63_bits_of_nanoseconds_or_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *longest;
        int64_t longest_ns;
        const char *too_long;
    } cases[] = {
        {"9223372036854ms", 9223372036854 * MS, "9223372036855ms"},
        {"9223372036s", 9223372036 * S, "9223372037s"},
        {"153722867min", 153722867 * MIN, "153722868min"},
        {"2562047h", 2562047 * H, "2562048h"},
        {"106751d", 106751 * D, "106752d"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(span_of(cases[i].longest), 0, cases[i].longest_ns);
        check(span_of(cases[i].too_long), -ERANGE, 0);
    }
    check(SPAN("18446744073709551615d"), -ERANGE, 0);
    check(SPAN("18446744073709551616ms"), -ERANGE, 0); /* 0 in 64 bits */
    check(SPAN("184467440737095516160s"), -ERANGE, 0);
    check(SPAN("99999999999999999999x"), -EINVAL, 0);
}

static void nothing_else_is_a_duration(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "0",     "2",    "ms",      "s",         " 2s",       "2s ",  "2 s",
        "+2s",  "-2s",   "2.5s", "2,5s",    "1e3ms",     "0x2s",      "2S",   "2MS",
        "2Min", "2H",    "2D",   "2m",      "2us",       "2ns",       "2w",   "2y",
        "2sec", "2mins", "2hr",  "1h5s",    "1h30min",   "2ss",       "2s\n", "2\ts",
        "s2",   "2_s",   "2:00", "forever", "\xc2\xb2s", "unlimited",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check(span_of(texts[i]), -EINVAL, 0);
    check((struct span){"2s\0", 3}, -EINVAL, 0);
    check((struct span){"2\0s", 3}, -EINVAL, 0);
    int64_t untouched_ns = UNTOUCHED;
    assert_int_equal(duration_parse((struct span){NULL, 0}, &untouched_ns), -EINVAL);
    assert_true(untouched_ns == UNTOUCHED);
}

static void a_duration_cut_short_is_none(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof("120min") - 1; len++)
        check((struct span){"120min", len}, -EINVAL, 0);
    for (size_t len = 0; len < sizeof("15ms") - 1; len++)
        check((struct span){"15ms", len}, -EINVAL, 0);
}

static void every_byte_but_a_digit_is_refused_in_the_middle(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'1', (char)byte, '2', 's'};
        bool digit = byte >= '0' && byte <= '9';
        check((struct span){text, sizeof(text)}, digit ? 0 : -EINVAL,
              digit ? (102 + 10 * ((int64_t)byte - '0')) * S : 0);
    }
}

static void every_unit_of_one_byte_is_s_h_or_d(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'3', (char)byte};
        int64_t unit_ns = byte == 's' ? S : byte == 'h' ? H : byte == 'd' ? D : 0;
        check((struct span){text, sizeof(text)}, unit_ns > 0 ? 0 : -EINVAL, 3 * unit_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_and_a_unit_are_a_duration),
        cmocka_unit_test(a_duration_fits_63_bits_of_nanoseconds_or_is_refused),
        cmocka_unit_test(nothing_else_is_a_duration),
        cmocka_unit_test(a_duration_cut_short_is_none),
        cmocka_unit_test(every_byte_but_a_digit_is_refused_in_the_middle),
        cmocka_unit_test(every_unit_of_one_byte_is_s_h_or_d),
    };
    return cmocka_run_group_tests_name("duration", tests, create_guard, destroy_guard);
}
