/*
 * origin.h: who a client is, as far as limits go: an IPv4 address, or an IPv6 /64.
 *
 * A client is a number, made of its address and a secret of the process, so that nobody can choose
 * addresses whose numbers meet in one place of a table.  Where a proxy is in between, the address
 * is what the proxy says, if it is one of TRUSTED_PROXIES, and nobody else's word counts.
 *
 * Threads  Pure, but for origins_init().
 */
#ifndef SERVER_ACCESS_ORIGIN_H
#define SERVER_ACCESS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/attributes.h"
#include "common/ip_address.h"
#include "server/http/request.h"
#include "server/settings/settings.h"

#define ORIGIN_NOBODY 0 /* the key of one without an address, as on a Unix socket: no limit */

struct origins {
    uint64_t secret;
    const struct proxy_list *proxies; /* TRUSTED_PROXIES */
    bool proxy_protocol;              /* PROXY_PROTOCOL: they all begin with a header */
};

struct origin {
    uint64_t key;      /* the client's number, or ORIGIN_NOBODY */
    bool is_proxy;     /* one of the trusted ones: X-Forwarded-For says who asks */
    bool sends_header; /* and before that, it sends a header of the PROXY protocol */
};

/* Chooses the secret.  Returns 0 or a negative errno. */
NODISCARD int origins_init(struct origins *origins, const struct settings *settings);

/* Who is at the other end of a socket. */
struct origin origin_of_peer(const struct origins *origins, const struct sockaddr *peer);

/* Who has this address; sends no header. */
struct origin origin_of_address(const struct origins *origins, const struct ip_address *address);

/*
 * Whose request it is that came from this origin.  For a proxy that is the rightmost address in
 * X-Forwarded-For that is no trusted proxy's: those to the left of it are hearsay.  If there are
 * trusted ones only, the leftmost; if there is none, or something else stands in the way, the
 * nearest to it.
 */
uint64_t origin_of_request(const struct origins *origins, const struct origin *origin,
                           const struct http_request *request);

#endif
