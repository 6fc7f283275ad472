/*
 * http_client.h: GET, for the subcommands that talk to a running service.
 *
 * Blocking, with a deadline over everything but the look-up of a host's name.  For a server of this
 * project: no TLS, no redirects, no chunks.
 */
#ifndef CLI_HTTP_CLIENT_H
#define CLI_HTTP_CLIENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define HTTP_URL_PART_MAX 256
#define HTTP_TOKEN_MAX 512 /* bytes, with the NUL */

/* Where to ask: http://host[:port][/path] or unix:/path/of/socket. */
struct http_url {
    char host[HTTP_URL_PART_MAX]; /* without brackets; "" for a Unix socket */
    char port[6];
    char path[HTTP_URL_PART_MAX];
    char socket[HTTP_URL_PART_MAX]; /* "" unless unix: */

    /* http_url_parse() leaves these empty. */
    struct span preface;        /* sent at the beginning of a connection */
    char token[HTTP_TOKEN_MAX]; /* shown as bearer token; printable ASCII without blanks */
};

/* Returns 0; -EINVAL for another form or scheme.  Without a path, path is default_path. */
NODISCARD int http_url_parse(const char *text, const char *default_path, struct http_url *ret_url);

/* To one URL; begins as HTTP_CONNECTION_INIT. */
struct http_connection {
    volatile sig_atomic_t fd; /* -1: there is none; may be shut down by a signal's handler */
    bool keep;                /* stays open between requests, if the server likes */
};

#define HTTP_CONNECTION_INIT \
    {                        \
        -1, false            \
    }

struct http_answer {
    unsigned status;
    uint32_t retry_after_s; /* 1 if the server did not say */
    struct span body;       /* within the caller's buffer */
};

/*
 * Gets the path, and what is behind it, of the URL's server within timeout_ms; the answer is kept
 * in buffer.  Connects if there is no connection, and once more if the server closed an idle one.
 * Returns 0, or a negative errno and a word for the step that failed in *reterr_step; -ETIMEDOUT,
 * -EDESTADDRREQ when the host's name does not resolve, -ECONNRESET when the connection broke, and
 * -EPROTO for what is no HTTP answer of at most capacity bytes.
 */
NODISCARD int http_get(struct http_connection *connection, const struct http_url *url,
                       const char *target, uint64_t timeout_ms, char *buffer, size_t capacity,
                       struct http_answer *ret_answer, const char **reterr_step);

void http_close(struct http_connection *connection);

#endif
