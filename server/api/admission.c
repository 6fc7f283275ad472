#include "server/api/admission.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/timestamp.h"
#include "server/access/gate.h"
#include "server/http/field_walk.h"

#define REALM "Bearer realm=\"go-id\""

/* "Bearer TOKEN"; the scheme's case does not matter (RFC 9110, 11.1). */
static bool take_bearer(struct span value, struct span *ret_token)
{
    const struct span scheme = SPAN("Bearer ");
    if (value.len < scheme.len || !span_equal_nocase((struct span){value.base, scheme.len}, scheme))
        return false;
    *ret_token = (struct span){value.base + scheme.len, value.len - scheme.len};
    while (ret_token->len > 0 && ret_token->base[0] == ' ')
        *ret_token = (struct span){ret_token->base + 1, ret_token->len - 1};
    return true;
}

static bool refuse(const struct api_call *call, const struct http_request *request,
                   struct http_output *out, struct span challenge, struct span detail)
{
    struct http_head head = {
        .status = 401,
        .connection = call->connection,
        .challenge = challenge,
        .date = call->date,
    };
    http_problem_write(out, &head, detail, request->method);
    return false;
}

bool admission_by_token(const struct api_call *call, const struct http_request *request,
                        struct http_output *out)
{
    const struct access_tokens *tokens = call->service->gate->tokens;
    struct http_field_walk walk;
    struct span value;
    struct span another;
    struct span token;
    if (tokens == NULL)
        return true;
    http_field_walk_begin(&walk, request);
    if (!http_field_walk_next(&walk, SPAN("Authorization"), &value) || !take_bearer(value, &token))
        return refuse(call, request, out, SPAN(REALM),
                      SPAN("this service answers to those who have a token only; send it as "
                           "Authorization: Bearer TOKEN"));
    if (http_field_walk_next(&walk, SPAN("Authorization"), &another) ||
        !access_tokens_know(tokens, token))
        return refuse(call, request, out, SPAN(REALM ", error=\"invalid_token\""),
                      SPAN("the token in the Authorization field is none of this service's; send "
                           "a good one, once"));
    return true;
}

bool admission_by_rate(const struct api_call *call, const struct http_request *request,
                       struct http_output *out, uint32_t tokens)
{
    const struct gate *gate = call->service->gate;
    char detail[HTTP_DETAIL_MAX];
    int64_t wait_ns;
    if (gate->rate == NULL)
        return true;
    uint64_t key = origin_of_request(gate->origins, call->origin, request);
    if (key == ORIGIN_NOBODY ||
        rate_limit_take(gate->rate, key, tokens, call->now.mono_ns, &wait_ns))
        return true;

    int len = snprintf(detail, sizeof(detail),
                       "your address has used up its %" PRId64
                       " requests a second, in which every id of a batch counts as one; wait",
                       NS_PER_S / gate->rate->token_ns);
    struct http_head head = {
        .status = 429,
        .connection = call->connection,
        .retry_after_s = (uint32_t)((wait_ns - 1) / NS_PER_S) + 1,
        .date = call->date,
    };
    http_problem_write(out, &head, (struct span){detail, (size_t)len}, request->method);
    return false;
}
