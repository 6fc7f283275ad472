/*
 * proxy_header.h: the header of the PROXY protocol, version 2, with which a proxy begins a
 * connection to say for whom it is (HAProxy, doc/proxy-protocol.txt).
 *
 * Version 1, a line of text, is not understood.
 *
 * Threads  Pure.
 */
#ifndef SERVER_ACCESS_PROXY_HEADER_H
#define SERVER_ACCESS_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/ip_address.h"
#include "common/span.h"
#include "server/http/request.h"

#define PROXY_HEADER_LEN_MIN 16
#define PROXY_HEADER_LEN_MAX 4096 /* bytes, with what a proxy may add behind the addresses */

struct proxy_header {
    size_t len;      /* bytes: the first request begins there */
    bool is_local;   /* the proxy speaks for itself; else what follows is somebody else's */
    bool has_client; /* who that is, if an IP address says so */
    struct ip_address client;
};

/*
 * Reads the header at the start of bytes.  As http_request_parse(), it depends on nothing but the
 * bytes, and refuses a byte that cannot be right as soon as it is there.
 */
NODISCARD enum http_parse proxy_header_parse(struct span bytes, struct proxy_header *ret_header);

/* What a client that speaks for itself begins with: PROXY_HEADER_LEN_MIN bytes. */
struct span proxy_header_of_ourselves(void);

#endif
