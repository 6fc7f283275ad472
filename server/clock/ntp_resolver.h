/*
 * ntp_resolver.h: turns the name of a server into an address, in a thread of its own.
 *
 * getaddrinfo() blocks for as long as name servers do not answer, and cannot be interrupted.  So
 * it runs where nothing waits for it: not the other servers, for each name has its own thread; and
 * not the end of the process, for a thread that is stuck when its resolver is abandoned is left
 * behind, with the memory it uses.
 *
 * Threads  One owner, besides the resolver's own thread.
 */
#ifndef SERVER_CLOCK_NTP_RESOLVER_H
#define SERVER_CLOCK_NTP_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/attributes.h"
#include "server/settings/settings.h"

struct ntp_resolver;

/* For connect(). */
struct ntp_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* For a host that is a numeric address, which needs no resolver.  False: it is a name. */
bool ntp_resolver_numeric(const struct ntp_server *server, struct ntp_address *ret_address);

/* Reserves memory, opens a descriptor, starts the thread.  Returns 0 or a negative errno. */
NODISCARD int ntp_resolver_create(const struct ntp_server *server,
                                  struct ntp_resolver **ret_resolver);

/* An answer that was not fetched is gone.  NULL is allowed.  Does not block. */
void ntp_resolver_abandon(struct ntp_resolver *resolver);

/*
 * Asks for an address; does nothing while it is being looked up.  turn chooses among several:
 * 0 the one that the system prefers, 1 the next, and round again.
 */
void ntp_resolver_ask(struct ntp_resolver *resolver, uint32_t turn);

/* Readable while there is an answer to fetch. */
int ntp_resolver_fd(const struct ntp_resolver *resolver);

/*
 * Fetches the answer, once.  Returns 0; -EAGAIN when there is none to fetch; -ENOENT when the name
 * has no address or could not be looked up, and then *reterr_reason says why.
 */
NODISCARD int ntp_resolver_fetch(struct ntp_resolver *resolver, struct ntp_address *ret_address,
                                 const char **reterr_reason);

#endif
