/*
 * admission.h: whether a request may be answered at all; asked before its endpoint is, if the
 * service has a gate.
 */
#ifndef SERVER_API_ADMISSION_H
#define SERVER_API_ADMISSION_H

#include "server/api/api.h"

/*
 * Whether the request shows one of the gate's tokens, if it needs any.  When it returns false it
 * has answered with a 401 (RFC 6750).
 */
NODISCARD bool admission_by_token(const struct api_call *call, const struct http_request *request,
                                  struct http_output *out);

/*
 * Takes tokens from whoever asks, if there is a RATE_LIMIT.  When it returns false it has answered
 * with a 429.
 */
NODISCARD bool admission_by_rate(const struct api_call *call, const struct http_request *request,
                                 struct http_output *out, uint32_t tokens);

#endif
