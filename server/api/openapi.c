/*
 * openapi.c: GET /openapi.yaml is docs/openapi.yaml, as this binary was built with it.
 *
 * The binary has it compressed, and inflates it for who asks: some 0.2 ms, rarely, for 20 KB of a
 * binary that is carried everywhere.
 */
#include "common/inflate.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/openapi_document.h"
#include "server/http/page.h"

enum api_outcome endpoint_openapi(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    const struct http_request *http = request->http;
    if (!answer_no_parameters(call, http, out))
        return API_ANSWERED;

    bool client_has_it = http_etag_listed(http->if_none_match, openapi_etag);
    struct http_head head = {
        .status = client_has_it ? 304 : 200,
        .content_type = client_has_it ? SPAN("") : SPAN("application/yaml; charset=utf-8"),
        .content_length = client_has_it ? HTTP_LENGTH_NONE : openapi_length,
        .connection = call->connection,
        .more = openapi_fields,
        .may_be_kept = true,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (!client_has_it && http->method != HTTP_HEAD) {
        ssize_t len = inflate_raw(openapi_compressed, out->base + out->used, http_output_room(out));
        BUG_IF(len != (ssize_t)openapi_length);
        out->used += openapi_length;
    }
    return API_ANSWERED;
}
