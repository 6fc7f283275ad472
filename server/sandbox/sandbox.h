/*
 * sandbox.h: leaves the process with what it needs to serve, and nothing else.
 *
 * In three steps, as the start goes on: sandbox_enter() while there is one thread, so that all have
 * the same limits; sandbox_give_up_ports() when the listeners are open; sandbox_seal() when every
 * thread runs.  What the kernel does not have is reported and done without.
 */
#ifndef SERVER_SANDBOX_SANDBOX_H
#define SERVER_SANDBOX_SANDBOX_H

#include "common/attributes.h"
#include "server/settings/settings.h"

struct sandbox {
    const struct settings *settings;
    int landlock_version; /* 0: not in force */
    int landlock_error;   /* errno: why not; 0: it was not wanted */
};

/*
 * No new privileges, no files but those of the settings and beneath state_fd, no capabilities but
 * what listening takes.
 */
void sandbox_enter(struct sandbox *sandbox, const struct settings *settings, int state_fd);

/* No capabilities at all. */
void sandbox_give_up_ports(void);

/* No other system calls; and says in the log what is in force. */
void sandbox_seal(const struct sandbox *sandbox);

#endif
