/* ready.c: GET /ready says how the service is, condition by condition. */
#include <inttypes.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/status.h"
#include "server/api/text.h"

static double ms(int64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void add_clock(struct text *text, const struct clock_status *clock)
{
    static const char *const sources[] = {[TIME_SOURCE_SYSTEM] = "system",
                                          [TIME_SOURCE_MONOTONIC] = "monotonic",
                                          [TIME_SOURCE_NTP] = "ntp"};
    text_add(text,
             "\"clock\":{\"condition\":\"%s\",\"source\":\"%s\",\"offset_ms\":%.3f,"
             "\"leap_not_believed_ms\":%.3f,\"steps_back\":%" PRIu64 ",\"steps_forward\":%" PRIu64
             ",\"last_step_ms\":%.3f",
             condition_text(clock->condition), sources[clock->source], ms(clock->offset_ns),
             ms(clock->leap_ns), clock->steps_back, clock->steps_forward, ms(clock->last_step_ns));
    if (clock->ntp_state != NULL) {
        text_add(text, ",\"ntp\":{\"state\":\"%s\",\"servers\":%" PRIu32 ",\"usable\":%" PRIu32,
                 clock->ntp_state, clock->ntp_servers, clock->ntp_usable);
        if (clock->ntp_age_ns >= 0)
            text_add(text, ",\"last_answer_ms_ago\":%.3f}", ms(clock->ntp_age_ns));
        else
            text_add(text, ",\"last_answer_ms_ago\":null}");
    }
    text_add(text, "}");
}

static void add_mark(struct text *text, const struct mark_status *mark)
{
    char time[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(mark->mark_ns, time);
    text_add(text,
             ",\"mark\":{\"condition\":\"%s\",\"time\":\"%s\",\"ahead_ms\":%.3f,\"writes\":%" PRIu64
             ",\"failures\":%" PRIu64 ",\"error\":%s%s%s,\"last_write_ms\":%.3f}",
             condition_text(mark->condition), time, ms(mark->ahead_ns), mark->writes,
             mark->failures, mark->error != 0 ? "\"" : "",
             mark->error != 0 ? errno_name(mark->error) : "null", mark->error != 0 ? "\"" : "",
             ms(mark->last_write_ns));
}

static void add_status(struct text *text, const struct service_status *status)
{
    char reason[2 * SERVICE_REASON_MAX] = "null";
    if (!status->ready)
        (void)log_quote(span_of(status->reason), reason, sizeof(reason));
    text_add(text, "{\"ready\":%s,\"degraded\":%s,\"reason\":%s,\"conditions\":{",
             status->ready ? "true" : "false", status->degraded ? "true" : "false", reason);
    add_clock(text, &status->clock);
    text_add(text, ",\"lead\":{\"condition\":\"%s\",\"lead_ms\":%.3f,\"max_ms\":%.3f}",
             condition_text(status->lead.condition), ms(status->lead.lead_ns),
             ms(status->lead.max_ns));
    add_mark(text, &status->mark);
    text_add(text, ",\"lock\":{\"condition\":\"%s\",\"state_directory\":true,\"host_wide\":%s}",
             condition_text(status->lock.condition), status->lock.host_wide ? "true" : "false");
    text_add(text, ",\"lifetime\":{\"condition\":\"%s\",\"left_s\":%" PRId64 "}}}",
             condition_text(status->lifetime.condition), status->lifetime.left_s);
}

enum api_outcome endpoint_ready(const struct api_call *call, const struct api_request *request,
                                struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;

    struct moment now = service_now_again(call->service, call->now);
    struct service_status status = service_status(call->service, &now);
    char body[2048];
    struct text text = {.base = body, .capacity = sizeof(body)};
    add_status(&text, &status);
    struct http_head head = {
        .status = status.ready ? 200 : 503,
        .content_type = SPAN("application/json"),
        .content_length = text.len,
        .connection = call->connection,
        .retry_after_s = status.ready || status.retry_after_s < UINT32_MAX
                             ? (uint32_t)status.retry_after_s
                             : UINT32_MAX,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (request->http->method != HTTP_HEAD)
        http_output_put(out, text_span(&text));
    return API_ANSWERED;
}
