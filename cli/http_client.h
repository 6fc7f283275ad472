/*
 * http_client.h: one GET, for the subcommands that talk to a running service.
 *
 * Blocking, with a deadline over everything but the look-up of a host's name.  For answers of a few
 * KB from a server of this project: no TLS, no redirects, no chunks.
 */
#ifndef CLI_HTTP_CLIENT_H
#define CLI_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define HTTP_URL_PART_MAX 256

/* Where to ask: http://host[:port][/path] or unix:/path/of/socket. */
struct http_url {
    char host[HTTP_URL_PART_MAX]; /* without brackets; "" for a Unix socket */
    char port[6];
    char path[HTTP_URL_PART_MAX];
    char socket[HTTP_URL_PART_MAX]; /* "" unless unix: */
    struct span preface;            /* sent before the request; http_url_parse() leaves it empty */
};

/* Returns 0; -EINVAL for another form or scheme.  Without a path, path is default_path. */
NODISCARD int http_url_parse(const char *text, const char *default_path, struct http_url *ret_url);

struct http_answer {
    unsigned status;
    struct span body; /* within the caller's buffer */
};

/*
 * Gets url within timeout_ms; the answer is kept in buffer.  Returns 0, or a negative errno and a
 * word for the step that failed in *reterr_step; -ETIMEDOUT, and -EPROTO for what is no HTTP answer
 * of at most capacity bytes.
 */
NODISCARD int http_get(const struct http_url *url, uint64_t timeout_ms, char *buffer,
                       size_t capacity, struct http_answer *ret_answer, const char **reterr_step);

#endif
