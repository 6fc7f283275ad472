/*
 * activation.h: listening sockets that a service manager has opened for us: sd_listen_fds(3).
 *
 * They are descriptors from 3 on.  LISTEN_FDS says how many, LISTEN_PID for which process, and
 * LISTEN_FDNAMES, which may be missing, what they are called.
 */
#ifndef SERVER_SYSTEMD_ACTIVATION_H
#define SERVER_SYSTEMD_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/net/listener.h"
#include "server/settings/settings.h"

#define ACTIVATION_FIRST_FD 3

/* What there is to go by; the texts are NULL when they are not set. */
struct activation {
    const char *pid;   /* LISTEN_PID */
    const char *fds;   /* LISTEN_FDS */
    const char *names; /* LISTEN_FDNAMES */
    int first_fd;      /* ACTIVATION_FIRST_FD */
    uint64_t self;     /* our process id */
};

/* What the environment says. */
struct activation activation_from_environment(void);

/*
 * Takes over the sockets that were passed: fills in listeners and *ret_count; 0 when there are
 * none, or none for this process.  Every one of them must be a listening stream socket, TCP or
 * Unix.  Returns 0, or a negative errno after it has logged what is wrong; *ret_count listeners
 * are then to be closed all the same.
 */
NODISCARD int activation_take(const struct activation *activation,
                              struct listener listeners[static SETTINGS_LISTENERS_MAX],
                              size_t *ret_count);

/* Whether this descriptor is one of those that activation_take() takes. */
bool activation_holds(const struct activation *activation, int fd);

#endif
