/*
 * accept.h: which of our kinds of answer a client would rather have (RFC 9110, 12.5.1).
 *
 * Threads  Pure.
 * Errors   None: Accept is a wish.  What cannot be understood in it is passed over.
 */
#ifndef SERVER_HTTP_ACCEPT_H
#define SERVER_HTTP_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

/*
 * What we can send.  The first three are for ids, most liked first: among equals the client gets
 * the first.
 */
enum http_media {
    HTTP_MEDIA_JSON,        /* application/json */
    HTTP_MEDIA_TEXT,        /* text/plain */
    HTTP_MEDIA_BINARY,      /* application/octet-stream */
    HTTP_MEDIA_OPENMETRICS, /* application/openmetrics-text */
};
#define HTTP_MEDIA_IDS_COUNT 3
#define HTTP_MEDIA_COUNT 4

/* Per kind, the most specific media range seen that covers it.  All zero: none was. */
struct http_accept {
    uint16_t quality[HTTP_MEDIA_COUNT];    /* that range's q, in thousandths */
    uint8_t specificity[HTTP_MEDIA_COUNT]; /* 0: no range, 1: any, 2: type/any, 3: exact */
};

/* The state of a request without an Accept field. */
void http_accept_init(struct http_accept *accept);

/*
 * Adds the value of one Accept field; several fields add up, as if joined by commas.  Parameters
 * other than q must be well formed and count for nothing: "text/plain;charset=utf-8" means
 * text/plain.  Returns true if every element was understood; the others were passed over.
 */
bool http_accept_add(struct http_accept *accept, struct span value);

/*
 * The kind of ids with the highest q, where the most specific range decides each kind's q: an exact
 * one beats type/any, which beats any/any.  JSON if there is no Accept field, if nothing we have is
 * acceptable (a client that asks for an image is better served with ids than with 406), and
 * among equals.
 */
enum http_media http_accept_best(const struct http_accept *accept);

/* Whether metrics are wanted as OpenMetrics: it is named, and liked no less than plain text. */
bool http_accept_openmetrics(const struct http_accept *accept);

#endif
