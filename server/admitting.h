/* admitting.h: sets up all that stands between clients and the ids: who may ask, how often. */
#ifndef SERVER_ADMITTING_H
#define SERVER_ADMITTING_H

#include "common/attributes.h"
#include "server/access/access_tokens.h"
#include "server/access/gate.h"
#include "server/settings/settings.h"

struct admitting {
    const struct settings *settings;
    struct gate gate;
    struct access_tokens tokens;
    struct origins origins;
    struct rate_limit rate;
    struct connection_count connections;
};

/*
 * Refuses to listen at an address beyond this machine as root, unless the settings allow it.
 * Returns 0, or -EPERM after a line in the log.
 */
NODISCARD int admitting_check_user(const struct settings *settings,
                                   const struct listen_address *address);

/*
 * Reserves what the settings ask for, for up to clients_max connections.  Returns 0 or a negative
 * errno.
 */
NODISCARD int admitting_begin(struct admitting *admitting, const struct settings *settings,
                              uint32_t clients_max);

/*
 * Reads AUTH_TOKEN_FILE, if there is one: with the rights that admitting_reload() will have, so
 * that a file which could not be read again, and no token taken back, is found out at the start.
 * Returns 0, or a negative errno after a line in the log.
 */
NODISCARD int admitting_read_tokens(struct admitting *admitting);

/* Gives back what was reserved.  One zeroed is allowed. */
void admitting_end(struct admitting *admitting);

/* The gate for struct service: NULL when there is nothing to watch for. */
const struct gate *admitting_gate(const struct admitting *admitting);

/* Reads AUTH_TOKEN_FILE again; if it is not good, the tokens stay as they are. */
void admitting_reload(struct admitting *admitting);

#endif
