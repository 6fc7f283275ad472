/* metrics.c: GET /metrics, for Prometheus.  docs/metrics.md is its manual. */
#include "common/bug.h"
#include "common/timestamp.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/metrics_list.h"
#include "server/api/status.h"
#include "server/clock/kernel_sync.h"
#include "server/clock/ntp_client.h"
#include "server/connection/connection.h"
#include "server/metrics/exposition.h"
#include "server/metrics/process.h"
#include "server/metrics/shard_blocks.h"
#include "server/store/mark_keeper.h"

/* More workers than that are not named one by one: the answer has a bound. */
#define WORKERS_NAMED_MAX 64

/* One look at everything. */
struct scrape {
    struct exposition e;
    const struct service *service;
    struct moment now;
    struct service_status status;

    /* The workers' counters, added up. */
    uint64_t answers[COUNTERS_PATHS_MAX][HTTP_STATUS_COUNT];
    uint64_t refused[REFUSAL_COUNT];
    uint64_t connections[CONNECTION_STATE_COUNT];
    uint64_t unsent;
    uint64_t opened;
    uint64_t ids;
    struct histogram_reading waits;
};

#define BEGIN(s, metric) exposition_begin(&(s)->e, &metrics[metric])

static struct span number(uint64_t value, char digits[static U64_DIGITS_MAX])
{
    return (struct span){digits, format_u64(value, digits)};
}

/* A metric that has one sample. */
static void put_u64(struct scrape *s, enum metric_id metric, uint64_t value)
{
    BEGIN(s, metric);
    exposition_u64(&s->e, &metrics[metric], value);
}

static void put_ns(struct scrape *s, enum metric_id metric, int64_t ns)
{
    BEGIN(s, metric);
    exposition_ns(&s->e, &metrics[metric], ns);
}

static void put_info(struct scrape *s, enum metric_id metric, struct span label, const char *value)
{
    BEGIN(s, metric);
    exposition_u64_of(&s->e, &metrics[metric], label, span_of(value), 1);
}

/* One of several samples of a metric that has begun. */
static void put_of(struct scrape *s, enum metric_id metric, struct span label, const char *value,
                   uint64_t number_of)
{
    exposition_u64_of(&s->e, &metrics[metric], label, span_of(value), number_of);
}

/* ---- Adding up ------------------------------------------------------------------------------ */

static void add_worker(struct scrape *s, const struct counters *c)
{
    for (unsigned path = 0; path < COUNTERS_PATHS_MAX; path++) {
        for (unsigned i = 0; i < HTTP_STATUS_COUNT; i++)
            s->answers[path][i] += counter_read(&c->answers[path][i]);
    }
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        s->refused[i] += counter_read(&c->refused[i]);
    for (unsigned i = 0; i < CONNECTION_STATE_COUNT; i++)
        s->connections[i] += counter_read(&c->connections[i]);
    s->unsent += counter_read(&c->unsent);
    s->opened += counter_read(&c->opened);
    s->ids += counter_read(&c->ids);
    histogram_read(&c->waits, &s->waits);
}

static uint64_t requests_of(const struct counters *c)
{
    struct histogram_reading waits = {0};
    histogram_read(&c->waits, &waits);
    uint64_t sum = waits.count;
    for (unsigned path = 0; path < COUNTERS_PATHS_MAX; path++) {
        for (unsigned i = 0; i < HTTP_STATUS_COUNT; i++)
            sum += counter_read(&c->answers[path][i]);
    }
    return sum;
}

static uint64_t connections_of(const struct counters *c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < CONNECTION_STATE_COUNT; i++)
        sum += counter_read(&c->connections[i]);
    return sum;
}

/* ---- The service ---------------------------------------------------------------------------- */

static void put_shard_block(struct scrape *s, const struct shard_block *block)
{
    char name[2 * U64_DIGITS_MAX + 1];
    size_t len = format_u64(block->shards.first, name);
    if (block->shards.count > 1) {
        name[len++] = '-';
        len += format_u64(block->shards.first + block->shards.count - 1, name + len);
    }
    exposition_u64_of(&s->e, &metrics[METRIC_ID_SHARD_BLOCK], SPAN("shards"),
                      (struct span){name, len}, block->filled);
}

/* The range, for people, and its blocks, for the alert that two processes have a shard in common.
 */
static void put_shards(struct scrape *s)
{
    const struct shard_range shards = s->service->shards;
    char first[U64_DIGITS_MAX];
    char last[U64_DIGITS_MAX];
    const struct metric_label ends[] = {
        {SPAN("first"), number(shards.first, first)},
        {SPAN("last"), number(shards.first + shards.count - 1, last)}};
    BEGIN(s, METRIC_ID_SHARD_INFO);
    exposition_u64_of_two(&s->e, &metrics[METRIC_ID_SHARD_INFO], ends, 1);
    put_u64(s, METRIC_ID_SHARDS, shards.count);

    struct shard_block blocks[SHARD_BLOCKS_MAX];
    size_t count = shard_blocks(shards, blocks);
    BEGIN(s, METRIC_ID_SHARD_BLOCK);
    for (size_t i = 0; i < count; i++)
        put_shard_block(s, &blocks[i]);
}

static void put_service(struct scrape *s)
{
    const struct service_status *status = &s->status;
    put_info(s, METRIC_ID_BUILD_INFO, SPAN("version"), sonyflake_version());
    put_u64(s, METRIC_ID_READY, status->ready);
    BEGIN(s, METRIC_ID_CONDITION);
    put_of(s, METRIC_ID_CONDITION, SPAN("condition"), "clock", status->clock.condition);
    put_of(s, METRIC_ID_CONDITION, SPAN("condition"), "lead", status->lead.condition);
    put_of(s, METRIC_ID_CONDITION, SPAN("condition"), "mark", status->mark.condition);
    put_of(s, METRIC_ID_CONDITION, SPAN("condition"), "lock", status->lock.condition);
    put_of(s, METRIC_ID_CONDITION, SPAN("condition"), "lifetime", status->lifetime.condition);
    put_shards(s);
    put_u64(s, METRIC_ID_CAPACITY, service_ids_per_second(s->service));
    put_ns(s, METRIC_ID_ID_SPACE_LEFT, status->lifetime.left_s * NS_PER_S);
}

/* ---- Ids and requests ----------------------------------------------------------------------- */

/* Answers that were never given are left out, but for the 200 of each path. */
static void put_requests(struct scrape *s)
{
    s->answers[COUNTERS_PATH_GENERATE][http_status_index(200)] += s->waits.count;
    BEGIN(s, METRIC_ID_REQUESTS);
    for (unsigned path = 0; path < COUNTERS_PATHS_MAX; path++) {
        const struct span name = api_path(path);
        for (unsigned i = 0; i < HTTP_STATUS_COUNT; i++) {
            uint64_t count = s->answers[path][i];
            bool is_usual = http_status_at(i) == 200 && path != COUNTERS_PATH_OTHER;
            if (name.len == 0 || (count == 0 && !is_usual))
                continue;
            char digits[U64_DIGITS_MAX];
            const struct metric_label labels[] = {
                {SPAN("path"), name}, {SPAN("code"), number(http_status_at(i), digits)}};
            exposition_u64_of_two(&s->e, &metrics[METRIC_ID_REQUESTS], labels, count);
        }
    }
}

static void put_refusals(struct scrape *s)
{
    static const char *const reasons[REFUSAL_COUNT] = {
#define X(name, label) [name] = (label),
        REFUSALS(X)
#undef X
    };
    BEGIN(s, METRIC_ID_REFUSED);
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        put_of(s, METRIC_ID_REFUSED, SPAN("reason"), reasons[i], s->refused[i]);
}

static void put_queue(struct scrape *s)
{
    const struct service *service = s->service;
    int64_t next_ns = service_next_tick(service);
    int64_t logical_ns = id_time_logical(&s->now.ids);
    uint64_t waiting = s->connections[CONNECTION_WAIT];
    put_u64(s, METRIC_ID_IN_FLIGHT,
            waiting + s->connections[CONNECTION_BODY] + s->connections[CONNECTION_LARGE] +
                s->unsent);
    put_u64(s, METRIC_ID_WAITING, waiting);
    BEGIN(s, METRIC_ID_WAIT);
    exposition_histogram(&s->e, &metrics[METRIC_ID_WAIT], &s->waits);
    put_ns(s, METRIC_ID_QUEUE, next_ns > logical_ns ? next_ns - logical_ns : 0);
    put_u64(s, METRIC_ID_PROMISED, atomic_load_explicit(&service->promised, memory_order_relaxed));
}

static void put_ids(struct scrape *s)
{
    put_u64(s, METRIC_ID_IDS, s->ids);
    put_requests(s);
    put_refusals(s);
    put_queue(s);
}

/* ---- Connections and workers ---------------------------------------------------------------- */

static void put_connections(struct scrape *s)
{
    static const struct {
        enum connection_state state;
        const char *label;
    } states[] = {
        {CONNECTION_HEAD, "head"},   {CONNECTION_BODY, "body"}, {CONNECTION_WAIT, "wait"},
        {CONNECTION_LARGE, "large"}, {CONNECTION_LAST, "last"}, {CONNECTION_LINGER, "linger"},
    };
    _Static_assert(sizeof(states) / sizeof(states[0]) == CONNECTION_STATE_COUNT - 1,
                   "all but CONNECTION_CLOSED");
    BEGIN(s, METRIC_ID_CONNECTIONS);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        put_of(s, METRIC_ID_CONNECTIONS, SPAN("state"), states[i].label,
               s->connections[states[i].state]);
    put_u64(s, METRIC_ID_CONNECTIONS_MAX, s->service->connections_max);
    put_u64(s, METRIC_ID_CONNECTIONS_OPENED, s->opened);
}

static void put_workers(struct scrape *s, enum metric_id metric,
                        uint64_t (*figure)(const struct counters *))
{
    BEGIN(s, metric);
    uint64_t worker = 1;
    const struct counters *c = s->service->counters;
    for (; c != NULL && worker <= WORKERS_NAMED_MAX; c = c->next, worker++) {
        char digits[U64_DIGITS_MAX];
        exposition_u64_of(&s->e, &metrics[metric], SPAN("worker"), number(worker, digits),
                          figure(c));
    }
}

/* ---- The clock ------------------------------------------------------------------------------ */

static void put_ntp(struct scrape *s, const struct ntp_client *client)
{
    const struct ntp_status ntp = ntp_client_status(client);
    BEGIN(s, METRIC_ID_NTP_STATE);
    for (enum ntp_state state = 0; state < NTP_STATE_COUNT; state++)
        put_of(s, METRIC_ID_NTP_STATE, SPAN("state"), ntp_state_text(state), state == ntp.state);
    BEGIN(s, METRIC_ID_NTP_SERVERS);
    put_of(s, METRIC_ID_NTP_SERVERS, SPAN("servers"), "configured", ntp.servers);
    put_of(s, METRIC_ID_NTP_SERVERS, SPAN("servers"), "answering", ntp.answering);
    put_of(s, METRIC_ID_NTP_SERVERS, SPAN("servers"), "usable", ntp.usable);
    put_of(s, METRIC_ID_NTP_SERVERS, SPAN("servers"), "refused", ntp.refused);
    if (ntp.last_answer_ns == INT64_MIN)
        return; /* the others say nothing yet */
    put_ns(s, METRIC_ID_NTP_OFFSET, ntp.offset_ns);
    put_ns(s, METRIC_ID_NTP_DELAY, ntp.delay_ns);
    put_ns(s, METRIC_ID_NTP_ERROR, ntp.error_ns);
    put_ns(s, METRIC_ID_NTP_AGE, s->now.boot_ns - ntp.last_answer_ns);
    put_u64(s, METRIC_ID_NTP_STRATUM, ntp.stratum);
}

static void put_kernel_clock(struct scrape *s)
{
    struct kernel_sync sync;
    if (kernel_sync_read(&sync) < 0)
        return;
    put_u64(s, METRIC_ID_KERNEL_SYNCHRONISED, sync.synchronised);
    put_ns(s, METRIC_ID_KERNEL_ERROR, sync.error_max_ns);
}

static void put_clock(struct scrape *s)
{
    static const char *const sources[] = {[TIME_SOURCE_SYSTEM] = "system",
                                          [TIME_SOURCE_MONOTONIC] = "monotonic",
                                          [TIME_SOURCE_NTP] = "ntp"};
    const struct clock_status *clock = &s->status.clock;
    put_info(s, METRIC_ID_CLOCK_SOURCE, SPAN("source"), sources[clock->source]);
    put_ns(s, METRIC_ID_CLOCK_OFFSET, clock->offset_ns);
    put_ns(s, METRIC_ID_CLOCK_LEAD, s->status.lead.lead_ns);
    put_ns(s, METRIC_ID_CLOCK_LEAD_MAX, s->now.ids.lead_max_ns);
    put_ns(s, METRIC_ID_CLOCK_LEAP, clock->leap_ns);
    BEGIN(s, METRIC_ID_CLOCK_STEPS);
    put_of(s, METRIC_ID_CLOCK_STEPS, SPAN("direction"), "back", clock->steps_back);
    put_of(s, METRIC_ID_CLOCK_STEPS, SPAN("direction"), "forward", clock->steps_forward);
    put_ns(s, METRIC_ID_CLOCK_LAST_STEP, clock->last_step_ns);
    put_kernel_clock(s);
    if (s->service->clock != NULL && s->service->clock->ntp != NULL)
        put_ntp(s, s->service->clock->ntp);
}

/* ---- The mark and the process --------------------------------------------------------------- */

static void put_mark(struct scrape *s)
{
    struct histogram_reading times = {0};
    if (s->service->keeper == NULL)
        return;
    histogram_read(&s->service->keeper->write_times, &times);
    put_ns(s, METRIC_ID_MARK_AHEAD, s->status.mark.ahead_ns);
    BEGIN(s, METRIC_ID_MARK_WRITE);
    exposition_histogram(&s->e, &metrics[METRIC_ID_MARK_WRITE], &times);
    put_u64(s, METRIC_ID_MARK_FAILURES, s->status.mark.failures);
}

static void put_process(struct scrape *s)
{
    if (s->service->process == NULL)
        return;
    const struct process_usage usage = process_read(s->service->process);
    put_ns(s, METRIC_ID_PROCESS_CPU, usage.cpu_ns);
    put_ns(s, METRIC_ID_PROCESS_START, s->service->process->started_ns);
    if (usage.has_memory) {
        put_u64(s, METRIC_ID_PROCESS_RESIDENT, usage.resident_bytes);
        put_u64(s, METRIC_ID_PROCESS_VIRTUAL, usage.virtual_bytes);
    }
    if (usage.has_descriptors)
        put_u64(s, METRIC_ID_PROCESS_DESCRIPTORS, usage.descriptors);
    put_u64(s, METRIC_ID_PROCESS_DESCRIPTORS_MAX, usage.descriptors_max);
}

/* ---- The answer ----------------------------------------------------------------------------- */

static void render(struct scrape *s)
{
    for (const struct counters *c = s->service->counters; c != NULL; c = c->next)
        add_worker(s, c);
    put_service(s);
    put_ids(s);
    put_connections(s);
    put_workers(s, METRIC_ID_WORKER_CONNECTIONS, connections_of);
    put_workers(s, METRIC_ID_WORKER_REQUESTS, requests_of);
    put_clock(s);
    put_mark(s);
    put_process(s);
    exposition_end(&s->e);
}

enum api_outcome endpoint_metrics(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;

    /* The body is rendered behind where its head will be: only then is its length known. */
    const size_t room_for_head = HTTP_RESPONSE_HEAD_MAX;
    struct http_output body = {.base = out->base + out->used + room_for_head,
                               .capacity = http_output_room(out) - room_for_head};
    struct moment now = service_now_again(call->service, call->now);
    struct scrape s = {
        .e = {.out = &body, .openmetrics = http_accept_openmetrics(&request->http->accept)},
        .service = call->service,
        .now = now,
        .status = service_status(call->service, &now),
    };
    render(&s);

    struct http_head head = {
        .status = 200,
        .content_type = exposition_content_type(&s.e),
        .content_length = body.used,
        .connection = call->connection,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (request->http->method != HTTP_HEAD) {
        memmove(out->base + out->used, body.base, body.used);
        out->used += body.used;
    }
    return API_ANSWERED;
}
