/*
 * console.c: GET / shows the console, a page for people.
 *
 * The binary has it gzipped and in no other form: the same page uncompressed would be as large as
 * a sixth of everything else.  A client that does not say that it can read gzip, which every
 * browser does and a plain curl does not, is shown the status page instead.
 */
#include "server/console/console.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/http/page.h"

enum api_outcome endpoint_console(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order)
{
    const struct http_request *http = request->http;
    if (!http_accepts_gzip(http->accept_encoding))
        return endpoint_status(call, request, out, ret_order);
    if (!answer_no_parameters(call, http, out))
        return API_ANSWERED;

    bool client_has_it = http_etag_listed(http->if_none_match, console_etag);
    struct http_head head = {
        .status = client_has_it ? 304 : 200,
        .content_type = client_has_it ? SPAN("") : SPAN("text/html; charset=utf-8"),
        .content_length = client_has_it ? HTTP_LENGTH_NONE : console_page.len,
        .connection = call->connection,
        .more = console_fields,
        .may_be_kept = true,
        .date = call->date,
    };
    http_head_write(out, &head);
    if (!client_has_it && http->method != HTTP_HEAD)
        http_output_put(out, console_page);
    return API_ANSWERED;
}
