/*
 * connection_count.h: how many connections each client has, in a table of fixed size.
 *
 * Threads  Connections enter in any, one after the other, and leave in any.
 * Memory   Reserved by create(), never more.  Should the places of a client all be taken by others,
 *          which the secret in its key leaves to chance, its connection is not counted.
 */
#ifndef SERVER_ACCESS_CONNECTION_COUNT_H
#define SERVER_ACCESS_CONNECTION_COUNT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/attributes.h"

#define CONNECTION_COUNT_WAYS 8 /* places that a client may have */

struct connection_place {
    uint64_t key;           /* of the client; read and written by whoever enters */
    _Atomic uint32_t count; /* 0: the place is anybody's */
};

struct connection_count {
    struct connection_place (*sets)[CONNECTION_COUNT_WAYS];
    uint32_t set_count; /* a power of two */
    uint32_t max;       /* connections of one client */
    pthread_mutex_t entering;
};

/* For up to connections_max connections, max of them per client.  Returns 0 or -ENOMEM. */
NODISCARD int connection_count_create(struct connection_count *counts, uint32_t connections_max,
                                      uint32_t max);

/* One zeroed is allowed. */
void connection_count_destroy(struct connection_count *counts);

#define CONNECTION_UNCOUNTED UINT32_MAX

/* What a client is told that has too many. */
#define CONNECTION_COUNT_DETAIL \
    "your address has as many connections open as it may; close some, or use them again"

/*
 * Counts a connection of the client of key, not 0.  Returns 0 with what connection_count_leave()
 * takes in *ret_place, maybe CONNECTION_UNCOUNTED; or -EBUSY if the client has as many as it may.
 */
NODISCARD int connection_count_enter(struct connection_count *counts, uint64_t key,
                                     uint32_t *ret_place);

/* The connection has ended.  CONNECTION_UNCOUNTED is allowed. */
void connection_count_leave(struct connection_count *counts, uint32_t place);

#endif
