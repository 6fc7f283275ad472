/*
 * hot_path.c: the server's work for a request without the kernel's, to have its instructions
 * counted: bytes in, bytes out, through the same calls as a worker's, on a clock that runs by
 * itself.
 *
 *     hot_path REQUEST_TARGET SHARDS WORKERS PIPELINE ROUNDS
 *
 * Each round is one read of PIPELINE requests and the writes of their answers, by one worker; the
 * others are there to be added up.  Prints how many bytes of answers there were.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bug.h"
#include "common/number.h"
#include "common/timestamp.h"
#include "server/connection/connection.h"
#include "server/metrics/process.h"

#define NOON_NS (SONYFLAKE_START_TIME_NS + NS_PER_S)
#define ROUND_NS (NS_PER_MS / 8)

#define WORKERS_MAX 256 /* as the setting has it */

/* What clients send, so that skipping fields is part of the count; about as long as curl's. */
#define REQUEST_FORM                                                   \
    "GET %s HTTP/1.1\r\nHost: ids.example.org:7001\r\nAccept: */*\r\n" \
    "User-Agent: example/1.0\r\n\r\n"

struct bench {
    struct workspace workspace;
    struct service service;
    struct settings settings;
    struct process process;
    struct counters others[WORKERS_MAX - 1];
    struct connection connection;
    char input[WORKSPACE_INPUT_SIZE];
    size_t input_len;
    uint64_t sent;
};

struct load {
    const char *target;
    uint32_t shards;
    uint32_t workers;
    uint32_t pipeline;
};

static void prepare_service(struct bench *bench, const struct load *load)
{
    bench->settings = (struct settings){.shards = {.first = 0, .count = load->shards},
                                        .start_time_ns = SONYFLAKE_START_TIME_NS,
                                        .max_batch = 10000,
                                        .max_wait_ms = 1000,
                                        .head_timeout_ms = 10000,
                                        .idle_timeout_ms = 60000,
                                        .write_timeout_ms = 5000};
    BUG_IF(service_create(&bench->settings, 0, &bench->service) != SONYFLAKE_OK);
    BUG_IF(workspace_create(&bench->workspace, &bench->service, &bench->settings, 1) != 0);
    service_add_counters(&bench->service, &bench->workspace.counters);
    for (uint32_t i = 1; i < load->workers; i++)
        service_add_counters(&bench->service, &bench->others[i - 1]);
    process_open(&bench->process);
    bench->service.process = &bench->process;
}

static void prepare_input(struct bench *bench, const struct load *load)
{
    for (uint32_t i = 0; i < load->pipeline; i++) {
        size_t room = sizeof(bench->input) - bench->input_len;
        int len = snprintf(bench->input + bench->input_len, room, REQUEST_FORM, load->target);
        BUG_IF(len < 0 || (size_t)len >= room);
        bench->input_len += (size_t)len;
    }
}

/* As the worker's loop does it, with a kernel that takes everything. */
static void run_round(struct bench *bench, int64_t passed_ns)
{
    struct connection *c = &bench->connection;
    struct workspace *w = &bench->workspace;
    workspace_set_time(w, moment_plain(NOON_NS + passed_ns, NS_PER_S + passed_ns));

    BUG_IF(connection_want(c, w) != CONNECTION_WANT_INPUT);
    struct http_output space = connection_space(c, w);
    BUG_IF(space.capacity < bench->input_len);
    memcpy(space.base, bench->input, bench->input_len);
    connection_on_input(c, w, bench->input_len);
    while (connection_want(c, w) == CONNECTION_WANT_OUTPUT) {
        size_t len = connection_pending(c, w).len;
        connection_on_output(c, w, len);
        bench->sent += len;
    }
    (void)connection_deadline(c, w);
}

static bool parse_number(const char *text, uint32_t max, uint32_t *ret_number)
{
    uint64_t value;
    if (parse_u64(span_of(text), 1, max, &value) < 0)
        return false;
    *ret_number = (uint32_t)value;
    return true;
}

int main(int argc, char **argv)
{
    static struct bench bench; /* too large for some stacks */
    struct load load;
    uint32_t rounds;
    if (argc != 6 || !parse_number(argv[2], 65536, &load.shards) ||
        !parse_number(argv[3], WORKERS_MAX, &load.workers) ||
        !parse_number(argv[4], 1000, &load.pipeline) || !parse_number(argv[5], 1000000, &rounds)) {
        (void)fprintf(stderr, "usage: hot_path REQUEST_TARGET SHARDS WORKERS PIPELINE ROUNDS\n");
        return 2;
    }
    load.target = argv[1];
    prepare_service(&bench, &load);
    prepare_input(&bench, &load);
    connection_open(&bench.connection, &bench.workspace);
    for (uint32_t i = 0; i < rounds; i++)
        run_round(&bench, i * ROUND_NS);
    printf("%" PRIu64 "\n", bench.sent);
    connection_close(&bench.connection, &bench.workspace);
    process_close(&bench.process);
    workspace_destroy(&bench.workspace);
    service_destroy(&bench.service);
    return 0;
}
