/*
 * worker.h: a thread that serves its share of the clients.
 *
 * Each worker has its own epoll instance, its own memory and its own clients.  The acceptor hands
 * it a client by adding the socket to the epoll instance; there is no queue and no lock.
 */
#ifndef SERVER_NET_WORKER_H
#define SERVER_NET_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/list.h"
#include "server/connection/workspace.h"
#include "server/net/client.h"
#include "server/net/deadline_wheel.h"

/* What the acceptor tells the workers; it only ever goes up. */
enum worker_stage {
    WORKER_SERVE,
    WORKER_DRAIN, /* no new clients: answer what has been received, close, end */
    WORKER_STOP,  /* close everything now */
};

struct mark_keeper;

/* What all workers share.  Everything but the atomics is constant while they run. */
struct worker_shared {
    struct service *service;
    struct mark_keeper *mark_keeper;
    const struct settings *settings;
    struct client_table clients;
    _Atomic uint32_t stage;      /* enum worker_stage */
    _Atomic bool acceptor_waits; /* for a client to leave */
    int client_left_fd;          /* eventfd that ends its wait */
};

struct worker {
    struct workspace workspace; /* first, since it begins at a cache line */
    struct worker_shared *shared;
    uint32_t number;               /* from 1 */
    _Atomic uint32_t client_count; /* up: acceptor; down: this worker */

    int epoll_fd;
    int wake_fd;               /* eventfd: look at the stage, answer worker_ask() */
    _Atomic uint32_t asked;    /* how often worker_ask() has been called */
    _Atomic uint32_t answered; /* what asked was when this worker last looked */
    pthread_t thread;

    struct deadline_wheel wheel;
    struct list_node tick_queue; /* clients that wait for the tick of their ids, earliest first */
    struct list_node line;       /* clients whose large order has not begun, earliest first */
    struct list_node unread; /* clients with answers that the kernel did not take, the one that has
                                read nothing for the longest time first */
    struct list_node ready;  /* clients with work left over from the last turn */
};

/* Reserves the worker's memory and descriptors.  Returns 0 or a negative errno. */
NODISCARD int worker_create(struct worker *worker, struct worker_shared *shared, uint32_t number,
                            uint32_t connections_max);

/* After worker_join(), or if the thread never started.  One zeroed, but for its fds -1, is allowed.
 */
void worker_destroy(struct worker *worker);

/* Starts the thread.  Returns 0 or a negative errno. */
NODISCARD int worker_start(struct worker *worker);

/* Makes a sleeping worker look at the stage. */
void worker_wake(struct worker *worker);

/* Asks whether it still goes round its loop; one that does soon answers, even if it is idle. */
void worker_ask(struct worker *worker);

/* Whether it has answered the last worker_ask(). */
bool worker_has_answered(const struct worker *worker);

/* Waits until the worker has drained or stopped. */
void worker_join(struct worker *worker);

/* A socket, non-blocking and connected, with what the acceptor knows of it. */
struct newcomer {
    int fd;
    struct origin origin;
    uint32_t place; /* of connection_count_enter() */
};

/*
 * Hands over a socket from the acceptor.  Returns 0, or a negative errno and then the socket, and
 * its place, are still the caller's.
 */
NODISCARD int worker_adopt(struct worker *worker, const struct newcomer *newcomer);

#endif
