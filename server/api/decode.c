/* decode.c: GET /decode/ID takes an id apart. */
#include "common/number.h"
#include "server/api/answer.h"
#include "server/api/decoded_id.h"
#include "server/api/endpoints.h"

enum api_outcome endpoint_decode(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;

    uint64_t id;
    char body[DECODED_ID_JSON_MAX];
    size_t len = 0;
    if (parse_u64(request->argument, 0, SONYFLAKE_ID_MAX, &id) == 0)
        len = decoded_id_json(&call->service->layout, id, body);
    if (len == 0)
        return answer_problem(call, request->http, out, 400,
                              "'%.*s' cannot be an id: an id is a decimal number from 0 to "
                              "9223372036854775807, as in /decode/1234567890123456",
                              (int)(request->argument.len < 64 ? request->argument.len : 64),
                              request->argument.base);

    return answer_body(call, request->http, out, SPAN("application/json"),
                       (struct span){body, len});
}
