/*
 * api.h: from a parsed request to the bytes of its answer.
 *
 * Pure: the time is an argument, the answer goes to a buffer.  What needs ids that cannot be had at
 * once comes back as an order, which the connection sees through and brings back here.
 */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/api/id_order.h"
#include "server/api/service.h"
#include "server/clock/id_time.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/metrics/counters.h"

/* Room that any answer without ids needs, head included. */
#define API_ANSWER_MAX 4096

/* The same for the few answers that are larger: see api_answer_max(). */
#define API_LARGE_ANSWER_MAX 49152
struct origin;

/* The circumstances of one answer. */
struct api_call {
    const struct service *service;
    struct counters *counters; /* of the worker that answers */
    struct moment now;
    const char *date;                /* of the Date field: 29 characters */
    enum http_connection connection; /* what the Connection field says */
    const struct origin *origin;     /* who asks; looked at only if the service has a gate */
};

enum api_outcome {
    API_ANSWERED, /* the whole answer is in out */
    API_ORDERED,  /* *ret_order has to be filled first: id_order_advance() */
};

/* How much room the answer to this request needs: one of the two above. */
size_t api_answer_max(const struct http_request *request);

/*
 * Answers the request, or starts its order.  out has room for api_answer_max() bytes; *ret_order is
 * written on API_ORDERED only.
 */
NODISCARD enum api_outcome api_handle(const struct api_call *call,
                                      const struct http_request *request, struct http_output *out,
                                      struct id_order *ret_order);

/* The path that is counted at index, below COUNTERS_PATHS_MAX; empty if none is. */
struct span api_path(unsigned index);

/* How many bytes api_answer_order() writes at most. */
size_t api_order_answer_max(const struct id_order *order);

/* Writes the 200 of a complete order.  out has room for api_order_answer_max() bytes. */
void api_answer_order(const struct api_call *call, const struct id_order *order,
                      struct http_output *out);

/* Writes the 503 of an order that was refused with status and wait_ns; needs API_ANSWER_MAX. */
void api_refuse_order(const struct api_call *call, const struct id_order *order,
                      enum sonyflake_status status, int64_t wait_ns, struct http_output *out);

#endif
