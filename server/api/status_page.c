/*
 * status_page.c: GET /status says how the service is, in words, as a page without script.
 *
 * The words stand here and nowhere else: the console shows the list of conditions of this page.
 */
#include <inttypes.h>

#include "common/errno_name.h"
#include "common/timestamp.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/status.h"
#include "server/api/text.h"
#include "server/console/console.h"

#define PAGE_MAX 8192
#define S_PER_DAY (INT64_C(24) * 3600)
#define S_PER_YEAR (365 * S_PER_DAY + S_PER_DAY / 4)

/* What RFC 3339 has before the fraction of a second. */
#define SECONDS_LEN ((int)sizeof("2026-11-23T01:12:00") - 1)

static void add_duration(struct text *text, int64_t ns)
{
    int64_t size = ns < 0 ? -ns : ns;
    if (size < 10 * NS_PER_S)
        text_add(text, "%.1f ms", (double)size / (double)NS_PER_MS);
    else
        text_add(text, "%" PRId64 " s", size / NS_PER_S);
}

/* Begins a row of the list of conditions; what follows are its words. */
static void begin_row(struct text *text, const char *name, enum condition condition)
{
    text_add(text, "<div data-condition=\"%s\"><dt>%s</dt><dd><b>%s</b> <span>",
             condition_text(condition), name, condition_text(condition));
}

static void end_row(struct text *text)
{
    text_add(text, "</span></dd></div>\n");
}

static void add_ntp(struct text *text, const struct clock_status *clock)
{
    text_add(text, "Ids follow NTP, which is %s: %" PRIu32 " of %" PRIu32 " servers agree",
             clock->ntp_state, clock->ntp_usable, clock->ntp_servers);
    if (clock->ntp_age_ns < 0) {
        text_add(text, ", none has answered yet.");
        return;
    }
    text_add(text, ", the last answered ");
    add_duration(text, clock->ntp_age_ns);
    text_add(text, " ago.");
}

static void add_clock(struct text *text, const struct clock_status *clock)
{
    begin_row(text, "Clock", clock->condition);
    switch (clock->source) {
    case TIME_SOURCE_SYSTEM:
        text_add(text, "Ids follow the system&rsquo;s clock.");
        break;
    case TIME_SOURCE_MONOTONIC:
        text_add(text, "Ids follow the time since boot, set by the clock at the start.");
        break;
    case TIME_SOURCE_NTP:
        add_ntp(text, clock);
        break;
    }
    if (clock->offset_ns != 0) {
        text_add(text, " Their time is ");
        add_duration(text, clock->offset_ns);
        text_add(text, " %s the system&rsquo;s.", clock->offset_ns > 0 ? "ahead of" : "behind");
    }
    if (clock->leap_ns > 0) {
        text_add(text, " The clock has leapt ");
        add_duration(text, clock->leap_ns);
        text_add(text, " ahead and is not believed; if it is right, run "
                       "<code>go-id state accept-clock</code>.");
    }
    if (clock->last_step_ns != 0) {
        text_add(text,
                 " Set back %" PRIu64 " and forward %" PRIu64 " times since the start, last by ",
                 clock->steps_back, clock->steps_forward);
        add_duration(text, clock->last_step_ns);
        text_add(text, ".");
    }
    end_row(text);
}

static void add_lead(struct text *text, const struct lead_status *lead)
{
    begin_row(text, "Lead", lead->condition);
    if (lead->lead_ns == 0) {
        text_add(text, "Ids are not ahead of the clock; after it is set back they may be, by ");
        add_duration(text, lead->max_ns);
        text_add(text, " at most.");
    } else {
        text_add(text, "Ids are ");
        add_duration(text, lead->lead_ns);
        text_add(text, lead->of_min_id ? " ahead of the clock, as MIN_ID is, of "
                                       : " ahead of a clock that was set back, of ");
        add_duration(text, lead->max_ns);
        text_add(text, " at most. It shrinks by itself.");
    }
    end_row(text);
}

static void add_mark(struct text *text, const struct mark_status *mark)
{
    begin_row(text, "Mark", mark->condition);
    if (mark->error != 0)
        text_add(text, "Writing to STATE_DIRECTORY fails with %s; ids end at the mark. ",
                 errno_name(mark->error));
    if (mark->ahead_ns < 0) {
        text_add(text, "Nothing was issued for a while; the next request moves it.");
    } else {
        text_add(text, "What is on disk is ");
        add_duration(text, mark->ahead_ns);
        text_add(text, " ahead of the clock.");
    }
    if (mark->writes > 0) {
        text_add(text, " %" PRIu64 " writes, the last in ", mark->writes);
        add_duration(text, mark->last_write_ns);
        text_add(text, "; %" PRIu64 " failed.", mark->failures);
    }
    end_row(text);
}

static void add_lock(struct text *text, const struct lock_status *lock)
{
    begin_row(text, "Lock", lock->condition);
    text_add(text, lock->host_wide
                       ? "No other process of this host can use these machine ids."
                       : "LOCK_DIRECTORY cannot be used: nothing keeps another process of this "
                         "host from using these machine ids.");
    end_row(text);
}

static void add_lifetime(struct text *text, const struct lifetime_status *lifetime)
{
    begin_row(text, "Lifetime", lifetime->condition);
    if (lifetime->condition == CONDITION_FAILED)
        text_add(text, "No id is left.");
    else if (lifetime->left_s > 2 * S_PER_YEAR)
        text_add(text, "The id space lasts for another %" PRId64 " years.",
                 lifetime->left_s / S_PER_YEAR);
    else
        text_add(text, "The id space lasts for another %" PRId64 " days.",
                 lifetime->left_s > 0 ? lifetime->left_s / S_PER_DAY : 0);
    end_row(text);
}

static void add_verdict(struct text *text, const struct service_status *status)
{
    text_add(text, "<p id=\"verdict\" data-condition=\"%s\">",
             condition_text(!status->ready     ? CONDITION_FAILED
                            : status->degraded ? CONDITION_DEGRADED
                                               : CONDITION_OK));
    if (!status->ready) {
        text_add(text, "No ids: ");
        text_add_html(text, span_of(status->reason));
        text_add(text, ".");
    } else if (status->degraded) {
        text_add(text, "Issuing ids, and somebody should look at what is degraded.");
    } else {
        text_add(text, "Issuing ids. All is well.");
    }
    text_add(text, "</p>\n");
}

static void add_service(struct text *text, const struct service *service, const char *now)
{
    uint32_t first = service->shards.first;
    uint32_t last = first + service->shards.count - 1;
    text_add(text, "<h2>Service</h2>\n<dl>\n<div><dt>%s</dt><dd>%" PRIu32,
             first == last ? "Shard" : "Shards", first);
    if (first != last)
        text_add(text, " to %" PRIu32, last);
    text_add(text,
             "</dd></div>\n<div><dt>Capacity</dt><dd>%" PRIu64 " ids/s</dd></div>\n"
             "<div><dt>Version</dt><dd>%s</dd></div>\n"
             "<div><dt>Time</dt><dd>%.*sZ</dd></div>\n</dl>\n",
             service_ids_per_second(service), sonyflake_version(), SECONDS_LEN, now);
}

static void add_form(struct text *text, uint32_t max_batch)
{
    text_add(text,
             "<h2>Make ids</h2>\n<form action=\"/generate\">\n"
             "<label>How many <input name=\"count\" type=\"number\" min=\"1\" max=\"%" PRIu32
             "\" value=\"1\" required></label>\n"
             "<label>Format <select name=\"format\"><option>text<option>json<option>string"
             "</select></label>\n<button>Make</button>\n</form>\n",
             max_batch);
}

static void add_page(struct text *text, const struct api_call *call)
{
    struct service_status status = service_status(call->service, &call->now);
    char now[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(call->now.wall_ns, now);
    text_add(text,
             "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
             "<link rel=\"icon\" href=\"data:,\">\n<title>go-id: %s</title>\n<style>",
             status.ready ? "issuing ids" : "no ids");
    text_add(text, "%.*s", SPAN_ARGS(status_style));
    text_add(text, "</style>\n<main>\n<h1>go-id</h1>\n");
    add_verdict(text, &status);
    text_add(text, "<h2>Conditions</h2>\n<dl id=\"conditions\">\n");
    add_clock(text, &status.clock);
    add_lead(text, &status.lead);
    add_mark(text, &status.mark);
    add_lock(text, &status.lock);
    add_lifetime(text, &status.lifetime);
    text_add(text, "</dl>\n");
    add_service(text, call->service, now);
    add_form(text, call->service->max_batch);
    text_add(text, "<p><a href=\"/status\">Read again</a> <a href=\"/ready\">/ready</a> "
                   "<a href=\"/info\">/info</a> <a href=\"/health\">/health</a></p>\n</main>\n"
                   "</html>\n");
}

enum api_outcome endpoint_status(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;

    char body[PAGE_MAX];
    struct text text = {.base = body, .capacity = sizeof(body)};
    add_page(&text, call);
    struct http_head head = {
        .status = 200,
        .content_type = SPAN("text/html; charset=utf-8"),
        .content_length = text.len,
        .connection = call->connection,
        .more = status_fields,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (request->http->method != HTTP_HEAD)
        http_output_put(out, text_span(&text));
    return API_ANSWERED;
}
