#include "server/api/api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/bug.h"
#include "common/timestamp.h"
#include "server/api/admission.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/id_body.h"
#include "server/api/status.h"
#include "server/http/target.h"

/* The longest path that can be one of ours, decoded. */
#define PATH_MAX_LEN 64

#define PATHS                                                                                     \
    "/generate, /decode/ID, /health, /ready, /info, /metrics, /openapi.yaml, /status, and / for " \
    "people"

struct route {
    struct span path;
    bool has_argument; /* the path is a prefix, and something follows it */
    bool is_large;     /* the answer needs more room than API_ANSWER_MAX */
    bool is_open;      /* takes no token of any kind: for health checks */
    api_endpoint endpoint;
};

/* The API.  The hot path comes first. */
static const struct route routes[] = {
    {SPAN_INIT("/generate"), false, false, false, endpoint_generate},
    {SPAN_INIT("/health"), false, false, true, endpoint_health},
    {SPAN_INIT("/decode/"), true, false, false, endpoint_decode},
    {SPAN_INIT("/ready"), false, false, false, endpoint_ready},
    {SPAN_INIT("/info"), false, false, false, endpoint_info},
    {SPAN_INIT("/status"), false, true, false, endpoint_status},
    {SPAN_INIT("/"), false, true, false, endpoint_console},
    {SPAN_INIT("/metrics"), false, true, false, endpoint_metrics},
    {SPAN_INIT("/openapi.yaml"), false, true, false, endpoint_openapi},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

_Static_assert(ROUTE_COUNT < COUNTERS_PATH_OTHER, "a counter per path, and one for the others");

struct span api_path(unsigned index)
{
    if (index == COUNTERS_PATH_OTHER)
        return SPAN("other");
    return index < ROUTE_COUNT ? routes[index].path : SPAN("");
}

/* The route of a decoded path, or NULL; *ret_argument is what follows the route's path. */
static const struct route *find_route(struct span path, struct span *ret_argument)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = &routes[i];
        if (path.len < route->path.len || (path.len > route->path.len && !route->has_argument))
            continue;
        if (!span_equal((struct span){path.base, route->path.len}, route->path))
            continue;
        *ret_argument = (struct span){path.base + route->path.len, path.len - route->path.len};
        return route;
    }
    return NULL;
}

/* What a request for ids takes is known once their number is: endpoint_generate() sees to that. */
static bool is_admitted(const struct api_call *call, const struct http_request *request,
                        const struct route *route, struct http_output *out)
{
    if (route != NULL && route->is_open)
        return true;
    bool pays_later = route != NULL && route->endpoint == endpoint_generate &&
                      request->method != HTTP_OTHER_METHOD;
    return admission(call, request, out, pays_later);
}

/*
 * Decodes the path of a request, into buffer if it has escapes, and looks it up.  Returns 0 with
 * *ret_route NULL for a path that is none of ours, or -EINVAL.
 */
static int find_request(const struct http_request *request, char buffer[static PATH_MAX_LEN],
                        const struct route **ret_route, struct span *ret_argument)
{
    struct span path = request->path;
    if (memchr(path.base, '%', path.len) != NULL) {
        size_t len = 0;
        if (http_path_decode(path, buffer, PATH_MAX_LEN, &len) == -EINVAL)
            return -EINVAL;
        path = (struct span){buffer, len};
    }
    *ret_route = find_route(path, ret_argument);
    return 0;
}

size_t api_answer_max(const struct http_request *request)
{
    char buffer[PATH_MAX_LEN];
    const struct route *route;
    struct span argument;
    if (find_request(request, buffer, &route, &argument) < 0 || route == NULL || !route->is_large)
        return API_ANSWER_MAX;
    return API_LARGE_ANSWER_MAX;
}

/* api_handle() before the answer is counted; *path is changed where it is one of ours. */
static enum api_outcome handle(const struct api_call *call, const struct http_request *request,
                               struct http_output *out, struct id_order *ret_order, unsigned *path)
{
    BUG_IF(http_output_room(out) < API_ANSWER_MAX);
    char buffer[PATH_MAX_LEN];
    struct api_request routed = {.http = request};
    const struct route *route = NULL;
    bool is_malformed = find_request(request, buffer, &route, &routed.argument) < 0;
    if (route != NULL && request->method != HTTP_OTHER_METHOD)
        *path = (unsigned)(route - routes);
    if (call->service->gate != NULL && !is_admitted(call, request, route, out))
        return API_ANSWERED;
    if (request->method == HTTP_OTHER_METHOD)
        return answer_problem(call, request, out, 405, "this service reads only: use GET or HEAD");
    if (is_malformed)
        return answer_problem(call, request, out, 400,
                              "the path has a '%%' escape that is malformed, %%2F or %%00");
    if (route == NULL)
        return answer_problem(call, request, out, 404,
                              "there is nothing here; this service answers " PATHS);
    BUG_IF(route->is_large && http_output_room(out) < API_LARGE_ANSWER_MAX);
    return route->endpoint(call, &routed, out, ret_order);
}

enum api_outcome api_handle(const struct api_call *call, const struct http_request *request,
                            struct http_output *out, struct id_order *ret_order)
{
    unsigned path = COUNTERS_PATH_OTHER;
    enum api_outcome outcome = handle(call, request, out, ret_order, &path);
    if (outcome == API_ANSWERED)
        counters_answer(call->counters, path, out->status);
    return outcome;
}

size_t api_order_answer_max(const struct id_order *order)
{
    return HTTP_RESPONSE_HEAD_MAX + id_body_room(order->wanted);
}

void api_answer_order(const struct api_call *call, const struct id_order *order,
                      struct http_output *out)
{
    const struct id_body body = id_body_of(order, call->service);
    struct http_head head = {
        .status = 200,
        .content_type = id_format_content_type(order->format),
        .content_length = body.len,
        .connection = call->connection,
        .date = call->date,
    };
    BUG_IF(out->capacity - out->used < api_order_answer_max(order));
    http_head_write(out, &head);
    BUG_IF(id_body_write(&body, out->base + out->used) != body.len);
    out->used += body.len;
}

static enum refusal refusal_of(const struct service_status *now, enum sonyflake_status status)
{
    if (!now->ready)
        return service_status_refusal(now);
    if (status == SONYFLAKE_ERR_NO_MEMORY)
        return REFUSED_BATCHES;
    return now->lead.lead_ns > 0 ? REFUSED_LEAD : REFUSED_QUEUE;
}

void api_refuse_order(const struct api_call *call, const struct id_order *order,
                      enum sonyflake_status status, int64_t wait_ns, struct http_output *out)
{
    char detail[HTTP_DETAIL_MAX];
    const struct service *service = call->service;
    uint64_t retry_s = wait_ns > 0 ? (uint64_t)((wait_ns - 1) / NS_PER_S) + 1 : 1;
    struct moment moment = service_now_again(service, call->now);
    struct service_status now = service_status(service, &moment);
    counters_answer(call->counters, COUNTERS_PATH_GENERATE, 503);
    counter_add(&call->counters->refused[refusal_of(&now, status)], 1);

    if (!now.ready) {
        retry_s = now.retry_after_s;
        (void)snprintf(detail, sizeof(detail), "%s", now.reason);
    } else if (status == SONYFLAKE_ERR_NO_MEMORY) {
        (void)snprintf(detail, sizeof(detail),
                       "too many large batches are being made at once; retry, "
                       "with a smaller count or fewer of them");
    } else if (now.lead.lead_ns > 0) {
        (void)snprintf(detail, sizeof(detail),
                       "%" PRIu32 " id%s cannot be had within %" PRId64 " ms: ids are %" PRId64
                       " ms ahead of a clock that was set back "
                       "(MAX_CLOCK_LEAD is %" PRId64
                       " ms), and advance at half speed until it has caught up; retry, or ask for "
                       "fewer at a time",
                       order->wanted, order->wanted == 1 ? "" : "s",
                       service->max_wait_ns / NS_PER_MS, now.lead.lead_ns / NS_PER_MS,
                       now.lead.max_ns / NS_PER_MS);
    } else {
        (void)snprintf(detail, sizeof(detail),
                       "%" PRIu32 " id%s cannot be had within %" PRId64
                       " ms: the shards of this service make %" PRIu64
                       " ids/s together, and others are waiting; retry, ask for fewer at a "
                       "time, or give the service more shards (SHARD_ID=FIRST-LAST)",
                       order->wanted, order->wanted == 1 ? "" : "s",
                       service->max_wait_ns / NS_PER_MS, service_ids_per_second(service));
    }
    answer_unavailable(call, HTTP_GET, out, retry_s, span_of(detail));
}
