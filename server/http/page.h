/*
 * page.h: the two fields that decide how a page that never changes is answered.
 *
 * Threads  Pure.
 * Errors   None: both fields are wishes.  What cannot be understood in them is passed over.
 */
#ifndef SERVER_HTTP_PAGE_H
#define SERVER_HTTP_PAGE_H

#include <stdbool.h>

#include "common/span.h"

/* Whether an Accept-Encoding field of this value (empty: there was none) allows gzip. */
bool http_accepts_gzip(struct span accept_encoding);

/*
 * Whether an If-None-Match field of this value (empty: there was none) names etag, which has its
 * quotes, or is "*": the client has the page, and 304 is the answer (RFC 9110, 13.1.2).
 */
bool http_etag_listed(struct span if_none_match, struct span etag);

#endif
