/*
 * console.h: the pages for people, as they are in the binary.
 *
 * assemble.cmake makes the definitions, at build time, from console.html, .css, .js and status.css.
 * The Content-Security-Policy of each allows the style and the script of that page, by their
 * hashes, and nothing else: no other source, no request to another origin, no frame.
 */
#ifndef SERVER_CONSOLE_CONSOLE_H
#define SERVER_CONSOLE_CONSOLE_H

#include "common/span.h"

/* The console, gzipped.  No other form of it exists: see api/console.c. */
extern const struct span console_page;
extern const struct span console_etag; /* strong, with its quotes */

/* What its head says besides: encoding, ETag, policy; for http_head.more. */
extern const struct span console_fields;

/* The style of the status page, and what its head says besides. */
extern const struct span status_style;
extern const struct span status_fields;

#endif
