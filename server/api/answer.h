/* answer.h: how endpoints answer. */
#ifndef SERVER_API_ANSWER_H
#define SERVER_API_ANSWER_H

#include "server/api/api.h"

/* Writes a 200 with this body; a HEAD request gets its head only.  Returns API_ANSWERED. */
enum api_outcome answer_body(const struct api_call *call, const struct http_request *request,
                             struct http_output *out, struct span content_type, struct span body);

/* Writes an error (RFC 9457) whose detail says what to do.  Returns API_ANSWERED. */
enum api_outcome answer_problem(const struct api_call *call, const struct http_request *request,
                                struct http_output *out, uint16_t status, const char *detail, ...)
    FORMAT(5, 6);

/* Writes a 503 that may be tried again after retry_after_s seconds.  Returns API_ANSWERED. */
enum api_outcome answer_unavailable(const struct api_call *call, enum http_method method,
                                    struct http_output *out, uint64_t retry_after_s,
                                    struct span detail);

/* Writes the 400 for a query that cannot be decoded.  Returns API_ANSWERED. */
enum api_outcome answer_malformed_query(const struct api_call *call,
                                        const struct http_request *request,
                                        struct http_output *out);

/* Refuses every parameter: for endpoints that have none.  True when there is none to refuse. */
NODISCARD bool answer_no_parameters(const struct api_call *call, const struct http_request *request,
                                    struct http_output *out);

#endif
