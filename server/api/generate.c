/* generate.c: GET /generate, and what may be asked of it. */
#include <errno.h>

#include "common/number.h"
#include "server/api/admission.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/id_body.h"
#include "server/http/target.h"

struct wish {
    uint32_t count; /* 0: not said */
    bool has_format;
    enum id_format format;
};

static const struct {
    struct span name;
    enum id_format format;
} formats[] = {
    {SPAN_INIT("json"), ID_FORMAT_NUMBER},
    {SPAN_INIT("string"), ID_FORMAT_STRING},
    {SPAN_INIT("text"), ID_FORMAT_TEXT},
    {SPAN_INIT("binary"), ID_FORMAT_BINARY},
};

/* As much of a client's text as an error message repeats. */
static int shown(struct span text)
{
    return (int)(text.len < 64 ? text.len : 64);
}

/* Each returns false when it has answered with a problem. */

static bool take_count(const struct api_call *call, const struct http_request *request,
                       struct http_output *out, struct span value, struct wish *wish)
{
    uint64_t count;
    if (wish->count != 0) {
        (void)answer_problem(call, request, out, 400,
                             "'count' is given more than once; send it once");
        return false;
    }
    if (parse_u64(value, 1, call->service->max_batch, &count) < 0) {
        (void)answer_problem(call, request, out, 400,
                             "'count' must be a number from 1 to %u, not '%.*s'",
                             call->service->max_batch, shown(value), value.base);
        return false;
    }
    wish->count = (uint32_t)count;
    return true;
}

static bool take_format(const struct api_call *call, const struct http_request *request,
                        struct http_output *out, struct span value, struct wish *wish)
{
    if (wish->has_format) {
        (void)answer_problem(call, request, out, 400,
                             "'format' is given more than once; send it once");
        return false;
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (span_equal(value, formats[i].name)) {
            wish->format = formats[i].format;
            wish->has_format = true;
            return true;
        }
    }
    (void)answer_problem(call, request, out, 400,
                         "'format' must be json, string, text or binary, not '%.*s'", shown(value),
                         value.base);
    return false;
}

static bool take_parameter(const struct api_call *call, const struct http_request *request,
                           struct http_output *out, const struct http_parameter *parameter,
                           struct wish *wish)
{
    if (span_equal(parameter->name, SPAN("count")))
        return take_count(call, request, out, parameter->value, wish);
    if (span_equal(parameter->name, SPAN("format")))
        return take_format(call, request, out, parameter->value, wish);
    (void)answer_problem(call, request, out, 400,
                         "unknown parameter '%.*s'; /generate knows 'count' and 'format'",
                         shown(parameter->name), parameter->name.base);
    return false;
}

static bool take_query(const struct api_call *call, const struct http_request *request,
                       struct http_output *out, struct wish *wish)
{
    struct http_query query;
    struct http_parameter parameter;
    http_query_begin(&query, request->query);
    for (;;) {
        switch (http_query_next(&query, &parameter)) {
        case HTTP_QUERY_PAIR:
            if (!take_parameter(call, request, out, &parameter, wish))
                return false;
            break;
        case HTTP_QUERY_END:
            return true;
        case HTTP_QUERY_MALFORMED:
            (void)answer_malformed_query(call, request, out);
            return false;
        }
    }
}

static enum id_format accepted_format(const struct http_request *request)
{
    switch (http_accept_best(&request->accept)) {
    case HTTP_MEDIA_JSON:
    case HTTP_MEDIA_OPENMETRICS: /* is never best: no ids come in it */
        break;
    case HTTP_MEDIA_TEXT:
        return ID_FORMAT_TEXT;
    case HTTP_MEDIA_BINARY:
        return ID_FORMAT_BINARY;
    }
    return ID_FORMAT_NUMBER;
}

/* Takes what the request costs.  When it returns false, a 429 stands in the place of an answer. */
static bool pay(const struct api_call *call, const struct http_request *request,
                struct http_output *out, size_t start, uint32_t tokens)
{
    size_t answered = out->used;
    out->used = start;
    if (call->service->gate != NULL && !admission_by_rate(call, request, out, tokens))
        return false;
    out->used = answered;
    return true;
}

enum api_outcome endpoint_generate(const struct api_call *call, const struct api_request *request,
                                   struct http_output *out, struct id_order *ret_order)
{
    struct wish wish = {0};
    size_t start = out->used;
    bool is_good = !request->http->has_query || take_query(call, request->http, out, &wish);
    if (!pay(call, request->http, out, start, is_good && wish.count > 0 ? wish.count : 1) ||
        !is_good)
        return API_ANSWERED;
    if (!wish.has_format)
        wish.format = accepted_format(request->http);

    if (request->http->method == HTTP_HEAD) {
        /* An id is made to be used: a HEAD shows what the answer looks like and takes none. */
        struct http_head head = {
            .status = 200,
            .content_type = id_format_content_type(wish.format),
            .content_length = HTTP_LENGTH_NONE,
            .connection = call->connection,
            .date = call->date,
        };
        http_head_write(out, &head);
        return API_ANSWERED;
    }
    id_order_start(ret_order, call->service, wish.count > 0 ? wish.count : 1, call->now);
    ret_order->format = wish.format;
    ret_order->is_list = wish.count > 0;
    return API_ORDERED;
}
