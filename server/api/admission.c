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

/* What is wrong with the token of a request. */
struct fault {
    struct span challenge;
    struct span detail;
};

/* NULL, or why the request is not let in. */
static const struct fault *token_fault(const struct access_tokens *tokens,
                                       const struct http_request *request)
{
    static const struct fault missing = {
        SPAN_INIT(REALM), SPAN_INIT("this service answers to those who have a token only; send it "
                                    "as Authorization: Bearer TOKEN")};
    static const struct fault unknown = {
        SPAN_INIT(REALM ", error=\"invalid_token\""),
        SPAN_INIT("the token in the Authorization field is none of this service's; send a good "
                  "one, once")};
    struct http_field_walk walk;
    struct span value;
    struct span another;
    struct span token;
    if (tokens == NULL)
        return NULL;
    http_field_walk_begin(&walk, request);
    if (!http_field_walk_next(&walk, SPAN("Authorization"), &value) || !take_bearer(value, &token))
        return &missing;
    if (http_field_walk_next(&walk, SPAN("Authorization"), &another) ||
        !access_tokens_know(tokens, token))
        return &unknown;
    return NULL;
}

bool admission(const struct api_call *call, const struct http_request *request,
               struct http_output *out, bool pays_later)
{
    const struct fault *fault = token_fault(call->service->gate->tokens, request);
    if (fault == NULL && pays_later)
        return true;
    /* Guesses cost, and beyond the limit a good one looks like a bad one. */
    if (!admission_by_rate(call, request, out, 1))
        return false;
    if (fault == NULL)
        return true;
    struct http_head head = {
        .status = 401,
        .connection = call->connection,
        .challenge = fault->challenge,
        .date = call->date,
    };
    http_problem_write(out, &head, fault->detail, request->method);
    return false;
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
                       "your address has used up RATE_LIMIT, %" PRId64
                       " a second, in which every id of a batch counts as one; wait",
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
