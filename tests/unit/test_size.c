/*
 * test_size.c: text to numbers of bytes.
 * Method: tables; every input lies in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>

#include "common/size.h"
#include "tests/unit/guard_page.h"

#define UNTOUCHED UINT64_C(0x5eadbeef)

static void check(struct guard_page *guard, const char *text, int expected, uint64_t expected_bytes)
{
    uint64_t bytes = UNTOUCHED;
    int r = size_parse(guard_page_place(guard, span_of(text)), &bytes);
    if (r != expected || bytes != (expected == 0 ? expected_bytes : UNTOUCHED))
        fail_msg("'%s': %d, %" PRIu64, text, r, bytes);
}

static void digits_and_a_unit_are_a_size(void **state)
{
    (void)state;
    struct guard_page guard = guard_page_create(4096);
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"4096", 4096},
        {"0K", 0},
        {"64K", 64 << 10},
        {"8M", 8 << 20},
        {"1G", 1 << 30},
        {"1024G", UINT64_C(1) << 40},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183G", UINT64_C(17179869183) << 30},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&guard, cases[i].text, 0, cases[i].bytes);
    guard_page_destroy(&guard);
}

static void everything_else_is_none(void **state)
{
    (void)state;
    struct guard_page guard = guard_page_create(4096);
    static const char *const cases[] = {"",     "K",   "M",   "8m",  "8k",  "8g",  "8MB",
                                        "8MiB", "8 M", " 8M", "8M ", "-8M", "+8M", "8.5M",
                                        "0x8",  "8T",  "MK",  "8KK", "8\n"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&guard, cases[i], -EINVAL, 0);
    check(&guard, "18446744073709551616", -ERANGE, 0);
    check(&guard, "18014398509481984K", -ERANGE, 0);
    check(&guard, "17179869184G", -ERANGE, 0);
    guard_page_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_and_a_unit_are_a_size),
        cmocka_unit_test(everything_else_is_none),
    };
    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
