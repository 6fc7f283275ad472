/*
 * client.h: a socket with its connection, and where to find it.
 *
 * Clients live in one table, indexed by descriptor, which the kernel keeps small and dense.  An
 * entry belongs to nobody, to the acceptor while it fills it in, or to one worker.  It changes
 * hands through `owner` only.
 */
#ifndef SERVER_NET_CLIENT_H
#define SERVER_NET_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "server/connection/connection.h"
#include "server/net/deadline_wheel.h"

#define CLIENT_FREE 0 /* owner of an entry without a socket; else a worker's number, from 1 */

struct client {
    _Atomic uint32_t owner;
    uint32_t generation; /* which of the clients that had this descriptor */

    /* Edge-triggered: the kernel says once that something has become possible. */
    bool readable;
    bool writable;
    bool hung_up; /* the peer has closed, or half closed: read until the end */

    struct origin origin; /* for the connection, when it is opened */
    uint32_t place;       /* what it is counted in: connection_count.h */
    struct connection connection;
    struct deadline deadline;
    struct list_node wait_link;  /* in the worker's tick queue, line or unread */
    struct list_node ready_link; /* in the worker's list of clients with work left */
};

struct client_table {
    struct client *entries; /* by descriptor */
    uint32_t capacity;      /* descriptors from here on are refused */
    _Atomic uint32_t open_count;
};

#endif
