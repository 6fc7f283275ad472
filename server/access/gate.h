/*
 * gate.h: what stands between clients and the API, as far as an operator has asked for it.
 *
 * Set up before the workers start; what changes later is lock-free.
 */
#ifndef SERVER_ACCESS_GATE_H
#define SERVER_ACCESS_GATE_H

#include "server/access/access_tokens.h"
#include "server/access/connection_count.h"
#include "server/access/origin.h"
#include "server/access/rate_limit.h"

struct gate {
    const struct access_tokens *tokens;   /* AUTH_TOKEN_FILE; NULL: no token is needed */
    const struct origins *origins;        /* NULL: no limit asks who a client is */
    struct rate_limit *rate;              /* RATE_LIMIT; NULL: no limit */
    struct connection_count *connections; /* MAX_CONNECTIONS_PER_CLIENT; NULL: no limit */
};

#endif
