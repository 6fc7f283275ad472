/*
 * request.h: the head of an HTTP/1.x request, from bytes to a struct (RFC 9112, RFC 9110).
 *
 * Strict where two readers could disagree about where a request ends: lines end in CRLF and in
 * nothing else, lengths are digits and given once, folded lines and blanks before a colon are
 * refused.  What no proxy may see differently than we do cannot be used to smuggle a request.
 *
 * Threads  Pure: no state, no allocation, no clock.
 * Memory   Spans in a request point into the bytes that were parsed (an empty path of an
 *          absolute target: into a constant).  They are valid as long as those bytes are.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/http/accept.h"

#define HTTP_HEAD_MAX 8192     /* bytes, with the empty line at the end; longer heads: 431 */
#define HTTP_TARGET_MAX 4096   /* bytes; longer targets: 414 */
#define HTTP_FIELDS_MAX 100    /* header fields; more: 431 */
#define HTTP_EMPTY_LINES_MAX 4 /* before the request line; more: 400 */

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_OTHER_METHOD, /* POST, PUT, DELETE, PATCH, OPTIONS, TRACE */
};

/* How the end of the request's body is found. */
enum http_body {
    HTTP_BODY_NONE,    /* there is none; also for Content-Length: 0 */
    HTTP_BODY_LENGTH,  /* content_length bytes follow, at least 1 */
    HTTP_BODY_CHUNKED, /* chunks follow */
};

struct http_request {
    enum http_method method;
    uint8_t minor_version; /* 0: HTTP/1.0, 1: HTTP/1.1 */
    bool keep_alive;       /* the client can use the connection again */
    bool expect_continue;  /* it waits for 100 before it sends the body; never with HTTP/1.0 */
    enum http_body body;
    uint64_t content_length; /* 0 unless body is HTTP_BODY_LENGTH; may be huge */
    struct span path;        /* undecoded, at least 1 byte */
    struct span query;       /* undecoded, without its '?' */
    bool has_query;          /* there was a '?', maybe with nothing behind it */
    struct http_accept accept;
    struct span accept_encoding; /* the value of the last such field, or empty */
    struct span if_none_match;   /* the same */
    const char *head;            /* where the bytes that were parsed begin; see field_walk.h */
    size_t head_len; /* bytes of the head: the body, or the next request, begins there */
};

/* Why a request is refused: what to answer before closing the connection. */
struct http_refusal {
    uint16_t status;
    const char *detail; /* a fixed phrase: what is wrong, and what to do; never NULL */
};

enum http_parse {
    HTTP_PARSE_DONE,
    HTTP_PARSE_MORE,    /* good so far; call again, from the start, when more bytes are there */
    HTTP_PARSE_REFUSED, /* no bytes that may follow can change this */
};

/*
 * Parses the head at the start of bytes; what follows it is not looked at.
 *
 * Reads strictly from left to right, so the answer for some bytes does not depend on how they
 * were cut: a prefix of a head gives MORE, and a refusal is the same for every input that goes on
 * in the same way.  A byte that breaks the grammar is refused as soon as it is there (a TLS
 * ClientHello with its first byte), the meaning of a field at the end of its line, and a missing
 * Host at the end of the head.  MORE is never returned for HTTP_HEAD_MAX or more bytes, so the
 * caller's buffer of that size cannot fill up unanswered.
 *
 * Up to HTTP_EMPTY_LINES_MAX empty lines before the request line are skipped and counted in
 * head_len (RFC 9112, 2.2).
 *
 * Targets are /path?query or http://host/path?query (https too; the host is checked and dropped),
 * and "*" for another method than GET and HEAD.  Names of methods are case-sensitive; a method that
 * is not in enum http_method is refused, since nobody knows what may follow it.
 *
 * DONE     *ret_request is set.
 * MORE     nothing is set.
 * REFUSED  *reterr_refusal is set: 400 malformed, 405 (an unknown method), 414, 417 (an expectation
 *          other than 100-continue), 431, 501 (a transfer coding other than chunked), 505.
 */
NODISCARD enum http_parse http_request_parse(struct span bytes, struct http_request *ret_request,
                                             struct http_refusal *reterr_refusal);

#endif
