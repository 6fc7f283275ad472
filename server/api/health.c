/* health.c: GET /health says OK, the two letters, as long as ids can be issued. */
#include "server/api/answer.h"
#include "server/api/endpoints.h"
#include "server/api/status.h"

enum api_outcome endpoint_health(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;

    struct moment now = service_now_again(call->service, call->now);
    struct service_status status = service_status(call->service, &now);
    if (!status.ready)
        return answer_unavailable(call, request->http->method, out, status.retry_after_s,
                                  span_of(status.reason));
    return answer_body(call, request->http, out, SPAN("text/plain; charset=utf-8"), SPAN("OK"));
}
