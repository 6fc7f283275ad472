/*
 * workspace.h: what the connections of one worker share: memory, the time, the service.
 *
 * A connection that is between two requests owns no buffer at all.  It borrows a block from here
 * for as long as half a request or half an answer has to be kept.
 * Not thread-safe: each worker has its own.
 */
#ifndef SERVER_CONNECTION_WORKSPACE_H
#define SERVER_CONNECTION_WORKSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/api/service.h"
#include "server/connection/block_pool.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/metrics/counters.h"
#include "server/settings/settings.h"

/* Bytes read at a time: the longest head, and some of the body behind it. */
#define WORKSPACE_INPUT_SIZE (HTTP_HEAD_MAX + 4096)
/* Bytes of answers written at a time. */
#define WORKSPACE_OUTPUT_SIZE 65536

/* Connections of one worker that may have unsent output at a time; more are dropped. */
#define WORKSPACE_OUTPUTS_MAX 512
/* Orders of one worker that may be spread over many runs at a time; more get a 503. */
#define WORKSPACE_ORDERS_MAX 128

struct workspace {
    struct service *service;
    int64_t head_timeout_ns;
    int64_t idle_timeout_ns;
    int64_t write_timeout_ns;

    struct moment now;    /* set by workspace_set_time() */
    bool ids_were_wanted; /* set when an order comes, for the loop, which clears it */
    int64_t date_s;       /* the second that date shows */
    char date[HTTP_DATE_LEN + 1];
    bool draining;    /* the service is about to stop: answer what is there, then close */
    int64_t drain_ns; /* monotonic; when draining, connections without a request end here */

    char *input;              /* WORKSPACE_INPUT_SIZE bytes to read into */
    struct http_output out;   /* answers of the connection at hand, WORKSPACE_OUTPUT_SIZE */
    struct http_output large; /* an answer that is larger than that */

    struct block_pool inputs;  /* of WORKSPACE_INPUT_SIZE */
    struct block_pool outputs; /* of WORKSPACE_OUTPUT_SIZE */
    struct block_pool runs;    /* of id_order_runs_max() runs */

    struct counters counters; /* written by this worker, read by whoever answers /metrics */
};

/*
 * Reserves everything for up to connections_max connections.  Nothing is allocated later.
 * Returns 0 or -ENOMEM.
 */
NODISCARD int workspace_create(struct workspace *workspace, struct service *service,
                               const struct settings *settings, uint32_t connections_max);

/* A workspace that create() failed on, or one zeroed, is allowed. */
void workspace_destroy(struct workspace *workspace);

/* Tells the connections what time it is; to be called once per turn of the loop. */
void workspace_set_time(struct workspace *workspace, struct moment now);

/* Looks at the clock once more in the same turn.  Returns whether at least a tick has passed. */
bool workspace_refresh_time(struct workspace *workspace);

#endif
