/* socket_access.h: which users of this machine may connect to a Unix socket. */
#ifndef SERVER_NET_SOCKET_ACCESS_H
#define SERVER_NET_SOCKET_ACCESS_H

#include <sys/types.h>

#include "common/attributes.h"
#include "server/settings/settings.h"

struct socket_access {
    mode_t mode; /* 0: as the umask has it */
    gid_t group; /* (gid_t)-1: that of the process */
};

/*
 * What UNIX_SOCKET_MODE and UNIX_SOCKET_GROUP say.  Returns 0, or a negative errno: -ENOENT when
 * there is no such group.  To be called before any thread is started.
 */
NODISCARD int socket_access_find(const struct settings *settings, struct socket_access *ret);

/* Gives the socket at path to them.  Returns 0 or a negative errno. */
NODISCARD int socket_access_apply(const struct socket_access *access, const char *path);

#endif
