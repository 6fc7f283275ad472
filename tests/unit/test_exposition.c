/*
 * test_exposition.c: metrics, byte by byte, in both formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/metrics/exposition.h"

static const struct metric sent = {SPAN_INIT("x_sent_total"), METRIC_COUNTER, SPAN_INIT("Sent.")};
static const struct metric build = {SPAN_INIT("x_build_info"), METRIC_INFO, SPAN_INIT("Built.")};
static const struct metric lead = {SPAN_INIT("x_lead_seconds"), METRIC_GAUGE, SPAN_INIT("Lead.")};
static const struct metric took = {SPAN_INIT("x_took_seconds"), METRIC_HISTOGRAM,
                                   SPAN_INIT("Took.")};

static char buffer[4096];
static struct http_output output;

static struct exposition begin(bool openmetrics)
{
    output = (struct http_output){.base = buffer, .capacity = sizeof(buffer) - 1};
    return (struct exposition){.out = &output, .openmetrics = openmetrics};
}

static const char *text(void)
{
    buffer[output.used] = '\0';
    return buffer;
}

static void counters_are_described_as_each_format_wants(void **state)
{
    (void)state;
    struct exposition e = begin(false);
    exposition_begin(&e, &sent);
    exposition_u64(&e, &sent, UINT64_MAX);
    exposition_end(&e);
    assert_string_equal(text(), "# HELP x_sent_total Sent.\n# TYPE x_sent_total counter\n"
                                "x_sent_total 18446744073709551615\n");
    e = begin(true);
    exposition_begin(&e, &sent);
    exposition_u64(&e, &sent, 0);
    exposition_end(&e);
    assert_string_equal(text(), "# HELP x_sent Sent.\n# TYPE x_sent counter\n"
                                "x_sent_total 0\n# EOF\n");
}

static void infos_are_gauges_where_there_are_no_infos(void **state)
{
    (void)state;
    struct exposition e = begin(false);
    exposition_begin(&e, &build);
    exposition_u64_of(&e, &build, SPAN("version"), SPAN("1.0"), 1);
    assert_string_equal(text(), "# HELP x_build_info Built.\n# TYPE x_build_info gauge\n"
                                "x_build_info{version=\"1.0\"} 1\n");
    e = begin(true);
    exposition_begin(&e, &build);
    assert_string_equal(text(), "# HELP x_build Built.\n# TYPE x_build info\n");
}

static void seconds_are_exact_to_the_nanosecond(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "x_lead_seconds 0.000000000\n"},
        {1, "x_lead_seconds 0.000000001\n"},
        {-1, "x_lead_seconds -0.000000001\n"},
        {1500000000, "x_lead_seconds 1.500000000\n"},
        {-12345678901, "x_lead_seconds -12.345678901\n"},
        {INT64_MAX, "x_lead_seconds 9223372036.854775807\n"},
        {INT64_MIN, "x_lead_seconds -9223372036.854775808\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct exposition e = begin(true);
        exposition_ns(&e, &lead, cases[i].ns);
        assert_string_equal(text(), cases[i].text);
    }
}

static void two_labels(void **state)
{
    (void)state;
    struct exposition e = begin(false);
    const struct metric_label labels[] = {{SPAN("path"), SPAN("/a")}, {SPAN("code"), SPAN("200")}};
    exposition_u64_of_two(&e, &sent, labels, 7);
    assert_string_equal(text(), "x_sent_total{path=\"/a\",code=\"200\"} 7\n");
}

static void a_bucket_has_all_that_lies_below_its_bound(void **state)
{
    (void)state;
    struct histogram_reading reading = {.count = 3, .sum_ns = 60000000001};
    reading.buckets[0] = 1;
    reading.buckets[1] = 1;
    reading.buckets[HISTOGRAM_BOUND_COUNT] = 1;
    struct exposition e = begin(false);
    exposition_histogram(&e, &took, &reading);
    static const char first[] = "x_took_seconds_bucket{le=\"0.0005\"} 1\n"
                                "x_took_seconds_bucket{le=\"0.001\"} 2\n"
                                "x_took_seconds_bucket{le=\"0.002\"} 2\n";
    static const char last[] = "x_took_seconds_bucket{le=\"10.0\"} 2\n"
                               "x_took_seconds_bucket{le=\"+Inf\"} 3\n"
                               "x_took_seconds_sum 60.000000001\n"
                               "x_took_seconds_count 3\n";
    assert_memory_equal(text(), first, sizeof(first) - 1);
    assert_string_equal(text() + output.used - (sizeof(last) - 1), last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_described_as_each_format_wants),
        cmocka_unit_test(infos_are_gauges_where_there_are_no_infos),
        cmocka_unit_test(seconds_are_exact_to_the_nanosecond),
        cmocka_unit_test(two_labels),
        cmocka_unit_test(a_bucket_has_all_that_lies_below_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
