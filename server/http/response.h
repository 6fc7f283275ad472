/*
 * response.h: heads of responses, and whole responses for errors (RFC 9110, 9112, 9457).
 *
 * Threads  Pure.  The date comes from the caller, who formats it once a second.
 */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"
#include "server/http/output.h"
#include "server/http/request.h"

/* Every status this server can answer with, and the phrase of its registration. */
#define HTTP_STATUSES(X)                      \
    X(100, "Continue")                        \
    X(200, "OK")                              \
    X(304, "Not Modified")                    \
    X(400, "Bad Request")                     \
    X(401, "Unauthorized")                    \
    X(404, "Not Found")                       \
    X(405, "Method Not Allowed")              \
    X(408, "Request Timeout")                 \
    X(413, "Content Too Large")               \
    X(414, "URI Too Long")                    \
    X(417, "Expectation Failed")              \
    X(429, "Too Many Requests")               \
    X(431, "Request Header Fields Too Large") \
    X(500, "Internal Server Error")           \
    X(501, "Not Implemented")                 \
    X(503, "Service Unavailable")             \
    X(505, "HTTP Version Not Supported")

/* The phrase, e.g. "Not Found"; NULL for a status that is not in the list. */
const char *http_status_title(uint16_t status);

/* Where each status is in the list, from 0. */
enum {
#define X(number, title) HTTP_STATUS_INDEX_##number,
    HTTP_STATUSES(X)
#undef X
        HTTP_STATUS_COUNT
};

/* Where a status of the list is. */
unsigned http_status_index(uint16_t status);

/* The status at a place. */
uint16_t http_status_at(unsigned index);

/* ---- Date ------------------------------------------------------------------------------------ */

#define HTTP_DATE_LEN 29 /* bytes, without the NUL */

/*
 * Writes an IMF-fixdate such as "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL.  The format has four
 * digits for the year: times before 1970 become the first, times after 9999 the last that fits.
 */
void http_date_format(int64_t unix_s, char out[static HTTP_DATE_LEN + 1]);

/* ---- Heads ----------------------------------------------------------------------------------- */

enum http_connection {
    HTTP_CONNECTION_DEFAULT,    /* HTTP/1.1 keeps the connection: nothing to say */
    HTTP_CONNECTION_CLOSE,      /* it is closed after this response */
    HTTP_CONNECTION_KEEP_ALIVE, /* for an HTTP/1.0 client that asked for it */
};

#define HTTP_LENGTH_NONE UINT64_MAX /* no Content-Length field: a HEAD whose body nobody knows */
#define HTTP_CONTENT_TYPE_MAX 64    /* bytes */
#define HTTP_RESPONSE_HEAD_MAX 384  /* bytes: no head is longer, http_head.more apart */

struct http_head {
    uint16_t status;          /* one of HTTP_STATUSES */
    struct span content_type; /* at most HTTP_CONTENT_TYPE_MAX bytes; empty: no such field */
    uint64_t content_length;  /* bytes, or HTTP_LENGTH_NONE */
    enum http_connection connection;
    bool allow;             /* with Allow: GET, HEAD; a 405 must have it */
    struct span challenge;  /* of WWW-Authenticate; a 401 must have it; empty: no such field */
    uint32_t retry_after_s; /* 0: no Retry-After */
    struct span more;       /* further fields, each behind a CR LF; empty: none */
    bool may_be_kept;       /* a 200 or 304 that caches may keep if they ask before each use */
    const char *date;       /* HTTP_DATE_LEN bytes as http_date_format() writes them */
};

/*
 * Appends a head with its empty line, at most HTTP_RESPONSE_HEAD_MAX bytes and head->more, for
 * which out must have room.  An answer is for one client at one time, so the head says
 * Cache-Control: no-store; only what may_be_kept, a page that is the same for all, says no-cache.
 */
void http_head_write(struct http_output *out, const struct http_head *head);

/* Appends "HTTP/1.1 100 Continue" and the empty line, HTTP_CONTINUE_LEN bytes. */
void http_continue_write(struct http_output *out);
#define HTTP_CONTINUE_LEN 25

/* ---- Errors ---------------------------------------------------------------------------------- */

#define HTTP_DETAIL_MAX 512 /* bytes of a detail that are shown; a longer one is cut */
/* Bytes: no response of http_problem_write() is longer. */
#define HTTP_PROBLEM_MAX (HTTP_RESPONSE_HEAD_MAX + 128 + 6 * HTTP_DETAIL_MAX)

/*
 * Appends a whole response of type application/problem+json (RFC 9457):
 *
 *   {"type":"about:blank","title":"Not Found","status":404,"detail":"..."}
 *
 * head gives status, connection, allow, challenge, retry_after_s and date; its content_type and
 * content_length are not looked at.  For HTTP_HEAD the body is left out and its length stated.
 * detail may hold any bytes, a client's too: what is not printable ASCII is escaped, bytes from
 * 0x80 on as the character of that number, so the body is JSON whatever came in.
 * out must have room for HTTP_PROBLEM_MAX bytes; less is enough if the response is known to fit.
 */
void http_problem_write(struct http_output *out, const struct http_head *head, struct span detail,
                        enum http_method method);

#endif
