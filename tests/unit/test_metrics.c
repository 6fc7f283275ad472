/*
 * test_metrics.c: GET /metrics for services that the test makes up: the largest there can be, and
 * counters whose every value is another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/timestamp.h"
#include "server/api/api.h"
#include "server/clock/ntp_client.h"
#include "server/connection/connection.h"
#include "server/metrics/process.h"
#include "server/store/mark_keeper.h"
#include "tests/unit/service_fixture.h"

#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * SONYFLAKE_TIME_UNIT_NS)
#define WORKERS_MAX 256

static struct service service;
static struct id_clock id_clock;
static struct ntp_client ntp;
static struct mark_keeper keeper;
static struct process process;
static struct counters workers[WORKERS_MAX];
static char buffer[API_LARGE_ANSWER_MAX + 1];

static void make(uint32_t first, uint32_t shard_count)
{
    const struct settings settings = {.shards = {first, shard_count},
                                      .start_time_ns = SONYFLAKE_START_TIME_NS,
                                      .max_batch = 100,
                                      .max_wait_ms = 1000};
    memset(workers, 0, sizeof(workers));
    assert_int_equal(service_create_after(&settings, NOON_NS, &service), SONYFLAKE_OK);
    service.keeper = &keeper;
}

static int teardown(void **state)
{
    (void)state;
    service_destroy(&service);
    process_close(&process);
    return 0;
}

static const char *scrape_at(struct moment now, bool openmetrics)
{
    struct http_request request = {.method = HTTP_GET, .path = SPAN("/metrics")};
    http_accept_init(&request.accept);
    if (openmetrics)
        assert_true(http_accept_add(&request.accept, SPAN("application/openmetrics-text")));
    struct api_call call = {.service = &service,
                            .counters = &workers[0],
                            .now = now,
                            .date = "Thu, 01 Jan 1970 00:00:00 GMT"};
    struct http_output out = {.base = buffer, .capacity = sizeof(buffer) - 1};
    struct id_order order;
    assert_int_equal(api_handle(&call, &request, &out, &order), API_ANSWERED);
    buffer[out.used] = '\0';
    assert_int_equal(out.status, 200);
    const char *body = strstr(buffer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static const char *scrape(void)
{
    return scrape_at(moment_plain(NOON_NS + SONYFLAKE_TIME_UNIT_NS, 1), false);
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("no line %s in\n%s", line, text);
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

static void fill(struct counters *c, uint64_t value)
{
    c->ids = value;
    c->opened = value;
    for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
        c->waits.buckets[i] = value;
    c->waits.sum_ns = value;
    for (unsigned path = 0; path < COUNTERS_PATHS_MAX; path++) {
        for (unsigned i = 0; i < HTTP_STATUS_COUNT; i++)
            c->answers[path][i] = value;
    }
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        c->refused[i] = value;
    for (unsigned i = 0; i < COUNTERS_STATES_MAX; i++)
        c->connections[i] = value;
    c->unsent = value;
}

/* What does not fit would stop the program: http_output_put(). */
static void the_largest_answer_there_can_be_fits(void **state)
{
    (void)state;
    make(1, 65534); /* has the most blocks */
    process_open(&process);
    service.process = &process;
    service.connections_max = UINT32_MAX;
    service.promised = UINT64_MAX;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        fill(&workers[i], UINT64_MAX - 1 - i);
        service_add_counters(&service, &workers[i]);
    }
    keeper.failures = UINT64_MAX;
    for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
        keeper.write_times.buckets[i] = UINT64_MAX / 32;
    id_clock.source = TIME_SOURCE_NTP;
    id_clock.ntp = &ntp;
    id_clock.leap_ns = id_clock.last_step_ns = INT64_MIN;
    id_clock.steps_back = id_clock.steps_forward = UINT64_MAX;
    id_clock.logical.leap_max_ns = INT64_MAX;
    ntp.count = 1;
    ntp.published.stratum = UINT32_MAX;
    ntp.published.delay_ns = ntp.published.error_ns = INT64_MAX;
    service.clock = &id_clock;
    const char *text = scrape();
    service.clock = NULL;
    print_message("the largest answer has %zu of %u bytes\n", strlen(text), API_LARGE_ANSWER_MAX);
    assert_has(text, "go_id_worker_requests_total{worker=\"64\"} ");
    assert_has(text, "go_id_ntp_stratum 4294967295\n");
    assert_has(text, "process_max_fds ");
}

static void the_workers_are_added_up(void **state)
{
    (void)state;
    make(7, 1);
    for (unsigned i = 0; i < 3; i++)
        service_add_counters(&service, &workers[i]);
    workers[0].ids = 10;
    workers[1].ids = 200;
    workers[2].ids = 3000;
    workers[0].waits.buckets[0] = 5; /* at once */
    workers[1].waits.buckets[4] = 2; /* up to 10 ms */
    workers[1].waits.sum_ns = 15000000;
    counters_answer(&workers[0], COUNTERS_PATH_GENERATE, 200); /* a HEAD */
    counters_answer(&workers[2], COUNTERS_PATH_GENERATE, 503);
    counters_answer(&workers[2], COUNTERS_PATH_OTHER, 404);
    workers[2].refused[REFUSED_QUEUE] = 1;
    workers[1].connections[CONNECTION_BODY] = 4;
    workers[1].connections[CONNECTION_HEAD] = 50; /* idle ones, but for those with unsent answers */
    workers[0].connections[CONNECTION_WAIT] = 20;
    workers[2].connections[CONNECTION_LARGE] = 100;
    workers[1].unsent = 1000;
    workers[2].unsent = 2000;
    const char *text = scrape();

    assert_has(text, "\ngo_id_ids_issued_total 3210\n");
    assert_has(text, "\ngo_id_requests_total{path=\"/generate\",code=\"200\"} 8\n");
    assert_has(text, "\ngo_id_requests_total{path=\"/generate\",code=\"503\"} 1\n");
    assert_has(text, "\ngo_id_requests_total{path=\"other\",code=\"404\"} 1\n");
    assert_has(text, "\ngo_id_requests_total{path=\"/health\",code=\"200\"} 0\n");
    assert_has(text, "\ngo_id_generate_refused_total{reason=\"queue\"} 1\n");
    assert_has(text, "\ngo_id_wait_seconds_bucket{le=\"0.005\"} 5\n");
    assert_has(text, "\ngo_id_wait_seconds_bucket{le=\"0.01\"} 7\n");
    assert_has(text, "\ngo_id_wait_seconds_sum 0.015000000\n");
    assert_has(text, "\ngo_id_worker_requests_total{worker=\"1\"} 6\n");
    assert_has(text, "\ngo_id_worker_requests_total{worker=\"2\"} 2\n");
    assert_has(text, "\ngo_id_worker_requests_total{worker=\"3\"} 2\n");
    assert_has(text, "\ngo_id_worker_connections{worker=\"2\"} 54\n");
    assert_has(text, "\ngo_id_requests_waiting 20\n");
    assert_has(text, "\ngo_id_requests_in_flight 3124\n");
    assert_null(strstr(text, "code=\"413\""));
    assert_null(strstr(text, "go_id_ntp_"));
}

static void the_shards_are_told_by_their_ends_and_in_blocks(void **state)
{
    (void)state;
    make(96, 64);
    const char *text = scrape();
    assert_has(text, "\ngo_id_shard_info{first=\"96\",last=\"159\"} 1\n");
    assert_has(text, "\ngo_id_shards 64\n");
    assert_int_equal(count_of(text, "\ngo_id_shard_block{"), 15);
    assert_has(text, "\ngo_id_shard_block{shards=\"96-127\"} 1\n");
    assert_has(text, "\ngo_id_shard_block{shards=\"128-159\"} 1\n");
    assert_has(text, "\ngo_id_shard_block{shards=\"64-127\"} 0\n");
    assert_has(text, "\ngo_id_shard_block{shards=\"0-65535\"} 0\n");
}

static void a_single_shard_is_a_block(void **state)
{
    (void)state;
    make(65535, 1);
    const char *text = scrape();
    assert_has(text, "\ngo_id_shard_info{first=\"65535\",last=\"65535\"} 1\n");
    assert_has(text, "\ngo_id_shard_block{shards=\"65535\"} 1\n");
    assert_has(text, "\ngo_id_shard_block{shards=\"65534-65535\"} 0\n");
}

static void the_present_is_in_it(void **state)
{
    (void)state;
    make(7, 1);
    struct moment now = moment_plain(NOON_NS + SONYFLAKE_TIME_UNIT_NS, 5 * NS_PER_S);
    now.ids.limit_ns = now.ids.source_ns + 1500000000;
    now.ids.lead_max_ns = 10 * NS_PER_S;
    const char *text = scrape_at(now, false);
    assert_has(text, "\ngo_id_mark_ahead_seconds 1.500000000\n");
    assert_has(text, "\ngo_id_ready 1\n");
    assert_has(text, "\ngo_id_clock_lead_max_seconds 10.000000000\n");

    now.ids.line_ns = now.ids.source_ns;
    now.ids.source_ns -= 40 * NS_PER_S;
    text = scrape_at(now, true);
    assert_has(text, "\ngo_id_ready 0\n");
    assert_has(text, "\ngo_id_condition{condition=\"lead\"} 2\n");
    assert_has(text, "\ngo_id_clock_lead_seconds 40.000000000\n");
    assert_has(text, "\n# EOF\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_largest_answer_there_can_be_fits, teardown),
        cmocka_unit_test_teardown(the_workers_are_added_up, teardown),
        cmocka_unit_test_teardown(the_shards_are_told_by_their_ends_and_in_blocks, teardown),
        cmocka_unit_test_teardown(a_single_shard_is_a_block, teardown),
        cmocka_unit_test_teardown(the_present_is_in_it, teardown),
    };
    process.statm_fd = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
