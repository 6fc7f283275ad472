/*
 * admission.h: whether a request may be answered at all; asked before its endpoint is, if the
 * service has a gate.
 */
#ifndef SERVER_API_ADMISSION_H
#define SERVER_API_ADMISSION_H

#include "server/api/api.h"

/*
 * Whether the request shows one of the gate's access tokens, if it needs any, and whoever asks has
 * a token of RATE_LIMIT for it, which it takes: unless the request pays_later, and is good.  When
 * it returns false it has answered, with a 401 (RFC 6750), or with a 429, whatever it showed.
 */
NODISCARD bool admission(const struct api_call *call, const struct http_request *request,
                         struct http_output *out, bool pays_later);

/*
 * Takes tokens from whoever asks, if there is a RATE_LIMIT.  When it returns false it has answered
 * with a 429.
 */
NODISCARD bool admission_by_rate(const struct api_call *call, const struct http_request *request,
                                 struct http_output *out, uint32_t tokens);

#endif
