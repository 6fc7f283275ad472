/*
 * test_number.c: digits to numbers and back.
 * Method: tables; every input lies in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/number.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

#define UNTOUCHED UINT64_C(0xdeadbeef)

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

static struct span place(const char *text)
{
    return guard_page_place(&guard, span_of(text));
}

static void digits_become_numbers_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t min;
        uint64_t max;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, UINT64_MAX, 0, 0},
        {"7", 0, UINT64_MAX, 0, 7},
        {"007", 0, UINT64_MAX, 0, 7},
        {"00000000000000000000000000000007", 0, 7, 0, 7},
        {"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
        {"18446744073709551620", 0, UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
        {"184467440737095516150", 0, UINT64_MAX, -ERANGE, 0},
        {"10", 10, 20, 0, 10},
        {"20", 10, 20, 0, 20},
        {"9", 10, 20, -ERANGE, 0},
        {"21", 10, 20, -ERANGE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = UNTOUCHED;
        int r = parse_u64(place(cases[i].text), cases[i].min, cases[i].max, &value);
        if (r != cases[i].result || value != (r == 0 ? cases[i].value : UNTOUCHED))
            fail_msg("'%s': %d, %" PRIu64, cases[i].text, r, value);
    }
}

static void nothing_but_digits_is_a_number(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    " ",  " 1",  "1 ",  "+1",   "-1",
                                        "1.0", "1_", "1e3", "0x1", "\t1",  "1\n",
                                        "a",   "/",  ":",   "1,2", "\xb2", "99999999999999999999x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t value = UNTOUCHED;
        if (parse_u64(place(texts[i]), 0, UINT64_MAX, &value) != -EINVAL || value != UNTOUCHED)
            fail_msg("'%s' is taken", texts[i]);
    }
    uint64_t value;
    assert_int_equal(parse_u64((struct span){"1\0002", 3}, 0, UINT64_MAX, &value), -EINVAL);
    assert_int_equal(parse_u64((struct span){NULL, 0}, 0, UINT64_MAX, &value), -EINVAL);
}

static void every_byte_but_a_digit_is_refused(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'1', (char)byte, '2'};
        uint64_t value = UNTOUCHED;
        struct span span = guard_page_place(&guard, (struct span){text, sizeof(text)});
        int r = parse_u64(span, 0, UINT64_MAX, &value);
        if (byte >= '0' && byte <= '9') {
            assert_int_equal(r, 0);
            assert_int_equal(value, 102 + 10 * (byte - '0'));
        } else {
            assert_int_equal(r, -EINVAL);
        }
    }
}

static void hexadecimal_needs_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0x0", 0, 0},
        {"0xff", 0, 255},
        {"0XFf", 0, 255},
        {"0x0123456789abcdef", 0, UINT64_C(0x0123456789abcdef)},
        {"0xABCDEF", 0, 0xabcdef},
        {"0xffffffffffffffff", 0, UINT64_MAX},
        {"0x00000000ffffffffffffffff", 0, UINT64_MAX},
        {"0x10000000000000000", -ERANGE, 0},
        {"0xfffffffffffffffff", -ERANGE, 0},
        {"0x10000000000000000g", -EINVAL, 0},
        {"0x", -EINVAL, 0},
        {"0xg", -EINVAL, 0},
        {"0x0x1", -EINVAL, 0},
        {"0x ", -EINVAL, 0},
        {"0x-1", -EINVAL, 0},
        {"x1", -EINVAL, 0},
        {"00x1", -EINVAL, 0},
        {"ff", -EINVAL, 0},
        {"0", 0, 0},
        {"10", 0, 10},
        {"", -EINVAL, 0},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = UNTOUCHED;
        int r = parse_u64_any_base(place(cases[i].text), &value);
        if (r != cases[i].result || value != (r == 0 ? cases[i].value : UNTOUCHED))
            fail_msg("'%s': %d, %" PRIu64, cases[i].text, r, value);
    }
}

/* format_u64() into bytes that end at the unreadable page, against printf and parse_u64(). */
static void check_format(uint64_t value)
{
    char expected[U64_DIGITS_MAX + 1];
    int len = snprintf(expected, sizeof(expected), "%" PRIu64, value);
    char *out = guard.base + guard.capacity - U64_DIGITS_MAX;
    memset(out, '#', U64_DIGITS_MAX);
    if (format_u64_len(value) != (unsigned)len || format_u64(value, out) != (unsigned)len ||
        memcmp(out, expected, (size_t)len) != 0)
        fail_msg("%s becomes %.*s", expected, U64_DIGITS_MAX, out);
    for (int i = len; i < U64_DIGITS_MAX; i++)
        assert_int_equal(out[i], '#'); /* nothing is written behind the number */

    uint64_t again;
    assert_int_equal(parse_u64((struct span){out, (size_t)len}, 0, UINT64_MAX, &again), 0);
    assert_int_equal(again, value);
}

static void numbers_of_every_length_come_back(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (unsigned digits = 1; digits <= U64_DIGITS_MAX; digits++, power *= 10) {
        check_format(power - 1);
        check_format(power);
        check_format(power + 1);
    }
    for (unsigned bit = 0; bit < 64; bit++)
        check_format(UINT64_C(1) << bit);
    for (uint64_t value = 0; value < 11000; value++)
        check_format(value);
    check_format(UINT64_MAX - 1);
    check_format(UINT64_MAX);
}

static void random_numbers_of_every_size_come_back(void **state)
{
    (void)state;
    struct random random = {1};
    for (unsigned i = 0; i < 200000; i++)
        check_format(random_below(&random, UINT64_MAX) >> random_below(&random, 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_become_numbers_within_bounds),
        cmocka_unit_test(nothing_but_digits_is_a_number),
        cmocka_unit_test(every_byte_but_a_digit_is_refused),
        cmocka_unit_test(hexadecimal_needs_its_prefix),
        cmocka_unit_test(numbers_of_every_length_come_back),
        cmocka_unit_test(random_numbers_of_every_size_come_back),
    };
    return cmocka_run_group_tests_name("number", tests, create_guard, destroy_guard);
}
