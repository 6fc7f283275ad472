/* listener.h: sockets that clients connect to. */
#ifndef SERVER_NET_LISTENER_H
#define SERVER_NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/net/socket_access.h"
#include "server/settings/settings.h"

struct listener {
    int fd;                        /* -1: closed */
    struct listen_address address; /* with the port that the kernel chose */
    bool adopted;                  /* opened by somebody else, whose the file of it is too */
};

/*
 * Opens a listening socket, close-on-exec and non-blocking, on which TCP clients get TCP_NODELAY.
 * A Unix socket left behind by a process that is gone is replaced; one that answers is not.  Nobody
 * can connect to one before access has been given to whom it is for.
 * Returns 0, or a negative errno; *reterr_step then names the call that failed, e.g. "bind".
 */
NODISCARD int listener_open(const struct listen_address *address,
                            const struct socket_access *access, struct listener *ret_listener,
                            const char **reterr_step);

/*
 * Takes over a listening socket that somebody else has opened, TCP or Unix, and makes it as
 * listener_open() does.  The address of an abstract Unix socket begins with '@'.  Returns 0, or a
 * negative errno and then *reterr_problem says in words what is wrong with it.
 */
NODISCARD int listener_adopt(int fd, struct listener *ret_listener, const char **reterr_problem);

/* Whether other machines may be able to connect to it: neither a Unix socket nor loopback. */
bool listener_is_reachable(const struct listen_address *address);

/*
 * Closes it and removes the file of a Unix socket that was not adopted.  Does nothing to a closed
 * one.
 */
void listener_close(struct listener *listener);

#define LISTENER_TEXT_MAX 128

/* "127.0.0.1:7001", "[::1]:7001" or "unix:/path", for people. */
void listener_describe(const struct listen_address *address, char out[static LISTENER_TEXT_MAX]);

#endif
