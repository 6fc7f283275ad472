/*
 * gate.h: what stands between clients and the API, as far as an operator has asked for it.
 *
 * Set up before the workers start; what changes later is lock-free.
 */
#ifndef SERVER_ACCESS_GATE_H
#define SERVER_ACCESS_GATE_H

#include "server/access/access_tokens.h"

struct gate {
    const struct access_tokens *tokens; /* AUTH_TOKEN_FILE; NULL: no token is needed */
};

#endif
