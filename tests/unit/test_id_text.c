/*
 * test_id_text.c: many ids in decimal, against printf().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/api/id_text.h"

#define IDS_MAX 1300
#define UNTOUCHED '#'

static char expected[IDS_MAX * 24];
static char found[IDS_MAX * 24 + 2 * ID_TEXT_SCRATCH];

static void assert_text(uint64_t first, size_t count, const char *behind)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%" PRIu64 "%s", first + i,
                                behind);
    memset(found, UNTOUCHED, sizeof(found));
    char *end = id_text_put(found, first, count, span_of(behind));
    assert_int_equal(end - found, len);
    assert_memory_equal(found, expected, len);
    for (size_t i = len + ID_TEXT_SCRATCH; i < sizeof(found); i++)
        assert_int_equal(found[i], UNTOUCHED);
}

/* Around every power of ten, where lengths change, and from every place within a hundred. */
static void ids_of_every_length_are_what_printf_says(void **state)
{
    (void)state;
    for (uint64_t power = 1; power <= UINT64_C(1000000000000000000); power *= 10) {
        for (uint64_t back = 0; back <= 101 && back <= power; back++)
            assert_text(power - back, 205, ",");
    }
    assert_text(INT64_MAX - 100, 101, "\",\"");
    assert_text(UINT64_MAX - 150, 151, "\",\"");
}

static void every_count_ends_where_it_should(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 310; count++)
        assert_text(UINT64_C(647384502137520187), count, "\n");
    assert_text(0, IDS_MAX, "");
    assert_text(UINT64_C(647384502137520000) - 77, IDS_MAX, "\",\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_every_length_are_what_printf_says),
        cmocka_unit_test(every_count_ends_where_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
