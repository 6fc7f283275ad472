/*
 * acceptor.h: takes new clients in and hands each to the worker that has the fewest.
 *
 * Runs in the main thread, together with the signals.  One acceptor, and not a listener per
 * worker, so that the number of clients is exact, no client waits behind a full worker while
 * another has room, and there is one place that knows what to do when descriptors run out.
 */
#ifndef SERVER_NET_ACCEPTOR_H
#define SERVER_NET_ACCEPTOR_H

#include <stddef.h>
#include <stdint.h>

#include "server/net/listener.h"
#include "server/net/worker.h"

struct acceptor {
    struct worker_shared *shared;
    struct worker *workers;
    uint32_t worker_count;
    uint32_t clients_max;
    struct listener *listeners;
    size_t listener_count;
    int timer_fd; /* when readable, on_timer() is called; -1: there is none */
    void (*on_timer)(void *context);
    int signal_fd; /* signalfd of SIGTERM, SIGINT and those that do not end the service */
    void (*on_signal)(void *context, uint32_t number); /* one of the latter has come */
    void *context;
};

/*
 * Accepts clients until SIGTERM or SIGINT.  When clients_max are
 * connected or descriptors run out, new clients wait in the kernel's queue until one leaves.
 * Before it returns it takes in whoever is in that queue, as far as there is room.
 */
void acceptor_run(struct acceptor *acceptor);

#endif
