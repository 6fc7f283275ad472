/*
 * target.h: the parts of a request target, decoded (RFC 3986).
 *
 * Threads  Pure; a query belongs to whoever began it.
 */
#ifndef SERVER_HTTP_TARGET_H
#define SERVER_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/http/request.h"

/*
 * True for host, host:port and host: where host is a name, an IPv4 address or an IPv6 address in
 * brackets.  Names are checked for their characters only: this server has no use for them.  The
 * host may be empty, as in ":80"; the whole may not.
 */
bool http_authority_valid(struct span authority);

/*
 * Decodes the escapes of a path into out (without NUL) and returns 0, with the length in
 * *ret_len, which is at most path.len.  Dots are not resolved: "/a/../b" is a path like any other.
 *
 * -EINVAL        The path is to be refused with 400: a '%' without two hexadecimal digits, or %2F
 *                or %00, which would mean another path to whoever decodes at another time than we.
 * -ENAMETOOLONG  The decoded path is longer than capacity: it is none of ours.
 */
NODISCARD int http_path_decode(struct span path, char *out, size_t capacity, size_t *ret_len);

/* The name=value pairs of a query, one at a time. */
struct http_query {
    struct span rest;              /* what has not been looked at */
    char decoded[HTTP_TARGET_MAX]; /* the last pair, if it had escapes; else untouched */
};

/* Decoded; may hold any byte.  Valid until the next call, and as long as the query's bytes. */
struct http_parameter {
    struct span name;
    struct span value; /* empty if there was no '=' */
};

enum http_query_step {
    HTTP_QUERY_PAIR,
    HTTP_QUERY_END,
    HTTP_QUERY_MALFORMED, /* a '%' without two hexadecimal digits: refuse with 400 */
};

/* query as in struct http_request, at most HTTP_TARGET_MAX bytes. */
void http_query_begin(struct http_query *query, struct span text);

/*
 * The next pair of "a=1&b=2".  Nothing between two '&' is no pair, so an empty query has none.
 * The first '=' divides; '+' stays '+', it means a space in forms only.
 * PAIR sets *ret_parameter; the other two leave it.  MALFORMED skips the pair.
 */
NODISCARD enum http_query_step http_query_next(struct http_query *query,
                                               struct http_parameter *ret_parameter);

#endif
