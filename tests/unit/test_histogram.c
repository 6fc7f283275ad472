/*
 * test_histogram.c: which bucket a time falls into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "common/histogram.h"

static const int64_t bounds_ns[HISTOGRAM_BOUND_COUNT] = {
#define X(text, ns) INT64_C(ns),
    HISTOGRAM_BOUNDS(X)
#undef X
};

static struct histogram_reading read_one(const struct histogram *histogram)
{
    struct histogram_reading reading = {0};
    histogram_read(histogram, &reading);
    return reading;
}

static void a_bound_belongs_to_its_bucket_and_one_more_to_the_next(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BOUND_COUNT; i++) {
        struct histogram histogram = {0};
        histogram_add(&histogram, bounds_ns[i]);
        histogram_add(&histogram, bounds_ns[i] + 1);
        struct histogram_reading reading = read_one(&histogram);
        assert_int_equal(reading.buckets[i], 1);
        assert_int_equal(reading.buckets[i + 1], 1);
        assert_int_equal(reading.count, 2);
        assert_int_equal(reading.sum_ns, 2 * bounds_ns[i] + 1);
    }
}

static void nothing_is_the_first_bucket_either_way(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    histogram_add(&histogram, 0);
    histogram_add_none(&histogram);
    struct histogram_reading reading = read_one(&histogram);
    assert_int_equal(reading.buckets[0], 2);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.sum_ns, 0);
}

static void readings_add_up(void **state)
{
    (void)state;
    struct histogram one = {0};
    struct histogram other = {0};
    histogram_add(&one, 1);
    histogram_add(&other, INT64_MAX / 2);
    struct histogram_reading reading = {0};
    histogram_read(&one, &reading);
    histogram_read(&other, &reading);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.buckets[0], 1);
    assert_int_equal(reading.buckets[HISTOGRAM_BOUND_COUNT], 1);
}

static void the_texts_are_the_numbers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BOUND_COUNT; i++) {
        /* "0.02" is 20 ms: digits before and behind the point, in nanoseconds */
        const char *text = histogram_bound_text(i);
        int64_t ns = 0;
        int64_t unit_ns = 1000000000;
        bool behind_point = false;
        for (; *text != '\0'; text++) {
            if (*text == '.') {
                behind_point = true;
                continue;
            }
            if (behind_point)
                unit_ns /= 10;
            ns = behind_point ? ns + (*text - '0') * unit_ns : 10 * ns + (*text - '0') * unit_ns;
        }
        assert_int_equal(ns, bounds_ns[i]);
    }
    assert_string_equal(histogram_bound_text(HISTOGRAM_BOUND_COUNT), "+Inf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_bucket_and_one_more_to_the_next),
        cmocka_unit_test(nothing_is_the_first_bucket_either_way),
        cmocka_unit_test(readings_add_up),
        cmocka_unit_test(the_texts_are_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
