/*
 * client.h: one client of a connection without a socket, for the targets connection and pipeline.
 *
 * It is the event loop, the kernel and the client at once: what the client sent waits in a queue
 * until the connection reads, what the connection sends goes to a transcript, and the time moves
 * when the target says so.
 */
#ifndef TESTS_FUZZ_CLIENT_H
#define TESTS_FUZZ_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/connection/connection.h"

#define CLIENT_QUEUE_MAX 32768
#define CLIENT_TRANSCRIPT_MAX (256 << 10) /* a client that has so much reads no more */

struct client {
    struct service service;
    struct connection connection;
    struct moment now;
    char *queue; /* CLIENT_QUEUE_MAX bytes: all that was sent */
    size_t queued;
    size_t delivered; /* of queued */
    size_t heeded;    /* of delivered: what came before the connection had said its last */
    bool finished;    /* the client sends no more */
    bool end_delivered;
    char *transcript; /* CLIENT_TRANSCRIPT_MAX bytes: all that came back */
    size_t received;
};

/* Opens a connection to a fresh service with so many shards; the time is always the same. */
void client_open(struct client *client, uint32_t shard_count);

/* Ends it and checks that everything that was borrowed is back. */
void client_close(struct client *client);

/* Puts bytes into the queue, as many as it holds. */
void client_send(struct client *client, struct span bytes);

void client_pass(struct client *client, int64_t wall_ns, int64_t mono_ns);

/* The connection is told what has happened; each does nothing where it wants something else. */
void client_deliver(struct client *client, size_t most);
void client_receive(struct client *client, size_t most);
void client_tick(struct client *client);

/* Does what is wanted until it is CLOSE, a tick, or what the client does not do.  Returns that. */
enum connection_want client_turn(struct client *client, size_t most);

struct workspace *client_workspace(void);

#endif
