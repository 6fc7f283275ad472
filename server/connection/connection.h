/*
 * connection.h: one HTTP/1.1 client connection, without any I/O.
 *
 * The event loop owns the socket; a connection owns the bytes and decides what should happen next.
 * The same code therefore runs under epoll, in the unit tests and in a fuzzer.
 *
 * The loop's side of the contract:
 *   1. connection_open() when a socket is accepted.
 *   2. Ask connection_want(), do that, report it with the one call named beside it; again.
 *   3. When connection_deadline() passes, connection_on_deadline().  On CONNECTION_WANT_CLOSE close
 *      the socket and call connection_close(), whatever else was going on.
 *   4. Between connection_on_input() and the next connection_on_output() no other connection of
 *      the same workspace is touched: the answers are in the workspace's buffer until then.
 *
 * Not thread-safe.  Never allocates: it borrows blocks from the workspace.
 */
#ifndef SERVER_CONNECTION_CONNECTION_H
#define SERVER_CONNECTION_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"
#include "server/access/origin.h"
#include "server/api/id_order.h"
#include "server/connection/workspace.h"
#include "server/http/body.h"

/* Name and meaning of each state. */
#define CONNECTION_STATES(X)                                                              \
    X(CONNECTION_CLOSED, "no socket")                                                     \
    X(CONNECTION_HEAD, "collecting a request head, or idle when none has begun")          \
    X(CONNECTION_BODY, "reading past a request's body; the head is kept")                 \
    X(CONNECTION_WAIT, "waiting for the tick of the ids that were taken")                 \
    X(CONNECTION_LARGE, "sending an answer that is larger than the shared buffer")        \
    X(CONNECTION_LAST, "sending what is left; then no more")                              \
    X(CONNECTION_LINGER, "sending has ended; reading what still comes, so that no reset " \
                         "overtakes the last answer")

enum connection_state {
#define X(name, meaning) name,
    CONNECTION_STATES(X)
#undef X
        CONNECTION_STATE_COUNT
};

enum connection_want {
    CONNECTION_WANT_INPUT,    /* read into connection_space(); report connection_on_input() */
    CONNECTION_WANT_OUTPUT,   /* send connection_pending(); report connection_on_output() */
    CONNECTION_WANT_TICK,     /* wait until connection->order.due_ns; report connection_on_tick() */
    CONNECTION_WANT_SHUTDOWN, /* shut down sending; report connection_on_shutdown() */
    CONNECTION_WANT_CLOSE,    /* close the socket; report connection_close() */
};

struct connection {
    enum connection_state state; /* changed by set_state() in connection.c and nowhere else */

    enum http_method method; /* of the request being answered: HEAD has no body */
    bool old_client;         /* of the same: HTTP/1.0 */
    bool close_after;        /* of the same: its answer is the last one */
    bool linger;             /* after that, the client may still be sending */
    bool peer_finished;      /* the client has sent its last byte */
    bool continue_sent;      /* 100 Continue has been sent for the body being read */
    bool input_may_follow;   /* the last read was as long as it could be */

    struct origin origin; /* whose requests these are; looked at only if the service has a gate */
    bool is_counted;      /* as one of the client that a proxy's header has named */
    uint32_t place;       /* if so: where */

    int64_t since_ns; /* monotonic; what the deadline of the state is counted from */

    char *input;        /* block with unread bytes, or NULL when there are none */
    uint32_t input_len; /* of input; BODY: the head is its first head_len bytes */
    uint32_t head_len;
    struct http_body_reader body;

    char *output; /* block with unsent bytes, or NULL when there are none */
    uint32_t output_len;
    uint32_t output_sent; /* of output_len */

    struct id_order order; /* WAIT, LARGE */
    size_t large_sent;     /* LARGE: bytes of the answer that were sent */
    char large_date[HTTP_DATE_LEN +
                    1]; /* LARGE: the answer is rendered again, and must not change */
};

void connection_open(struct connection *connection, struct workspace *workspace);

/* Says who is at the other end, if that matters; before anything else happens. */
void connection_set_origin(struct connection *connection, struct origin origin);

/* Gives back all that was borrowed.  Allowed in every state. */
void connection_close(struct connection *connection, struct workspace *workspace);

enum connection_want connection_want(const struct connection *connection,
                                     const struct workspace *workspace);

/* Where to read to.  Not empty when input is wanted; valid until the next call. */
struct http_output connection_space(struct connection *connection, struct workspace *workspace);

/*
 * len bytes arrived in connection_space(); 0: the client has sent its last byte.  len equal to the
 * space's capacity means that more may be there already.
 */
void connection_on_input(struct connection *connection, struct workspace *workspace, size_t len);

/* What to send.  Not empty when output is wanted; valid until the next call. */
struct span connection_pending(struct connection *connection, struct workspace *workspace);

/* The kernel took len bytes of connection_pending(); 0: it takes none at present. */
void connection_on_output(struct connection *connection, struct workspace *workspace, size_t len);

/* order.due_ns has come (id_time_has_come()), or may have: being early does no harm. */
void connection_on_tick(struct connection *connection, struct workspace *workspace);

void connection_on_shutdown(struct connection *connection, struct workspace *workspace);

/* The monotonic time at which connection_on_deadline() is to be called. */
int64_t connection_deadline(const struct connection *connection, const struct workspace *workspace);

/* Answers 408 or 503 where that can still be said; otherwise asks to close. */
void connection_on_deadline(struct connection *connection, struct workspace *workspace);

/* Whether nothing of a request has arrived and nothing of an answer is left. */
bool connection_is_idle(const struct connection *connection);

#endif
