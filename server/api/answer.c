#include "server/api/answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/bug.h"
#include "server/http/target.h"

enum api_outcome answer_body(const struct api_call *call, const struct http_request *request,
                             struct http_output *out, struct span content_type, struct span body)
{
    struct http_head head = {
        .status = 200,
        .content_type = content_type,
        .content_length = body.len,
        .connection = call->connection,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (request->method != HTTP_HEAD)
        http_output_put(out, body);
    return API_ANSWERED;
}

enum api_outcome answer_problem(const struct api_call *call, const struct http_request *request,
                                struct http_output *out, uint16_t status, const char *detail, ...)
{
    char text[HTTP_DETAIL_MAX];
    va_list arguments;
    va_start(arguments, detail);
    int len = vsnprintf(text, sizeof(text), detail, arguments);
    va_end(arguments);
    BUG_IF(len < 0);

    struct http_head head = {
        .status = status,
        .connection = call->connection,
        .allow = status == 405,
        .date = call->date,
    };
    size_t shown = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    http_problem_write(out, &head, (struct span){text, shown}, request->method);
    return API_ANSWERED;
}

enum api_outcome answer_unavailable(const struct api_call *call, enum http_method method,
                                    struct http_output *out, uint64_t retry_after_s,
                                    struct span detail)
{
    struct http_head head = {
        .status = 503,
        .connection = call->connection,
        .retry_after_s = retry_after_s < UINT32_MAX ? (uint32_t)retry_after_s : UINT32_MAX,
        .date = call->date,
    };
    http_problem_write(out, &head, detail, method);
    return API_ANSWERED;
}

enum api_outcome answer_malformed_query(const struct api_call *call,
                                        const struct http_request *request, struct http_output *out)
{
    return answer_problem(call, request, out, 400,
                          "the query has a '%%' that two hexadecimal digits do not follow; write "
                          "%%25 for a percent sign");
}

bool answer_no_parameters(const struct api_call *call, const struct http_request *request,
                          struct http_output *out)
{
    struct http_query query;
    struct http_parameter parameter;
    http_query_begin(&query, request->query);
    switch (http_query_next(&query, &parameter)) {
    case HTTP_QUERY_END:
        return true;
    case HTTP_QUERY_MALFORMED:
        (void)answer_malformed_query(call, request, out);
        return false;
    case HTTP_QUERY_PAIR:
        break;
    }
    (void)answer_problem(
        call, request, out, 400, "unknown parameter '%.*s'; this path has no parameters",
        (int)(parameter.name.len < 64 ? parameter.name.len : 64), parameter.name.base);
    return false;
}
