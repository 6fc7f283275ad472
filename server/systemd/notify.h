/*
 * notify.h: tells a service manager how we are: sd_notify(3), as systemd and others speak it.
 *
 * A message is one datagram to the socket that NOTIFY_SOCKET names: lines such as READY=1,
 * STATUS=words, WATCHDOG=1.  Nobody answers.
 */
#ifndef SERVER_SYSTEMD_NOTIFY_H
#define SERVER_SYSTEMD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/attributes.h"

#define NOTIFY_MESSAGE_MAX 1024

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_len;
};

/*
 * Opens the way to the socket of that name: an absolute path, or '@' and an abstract name.
 * Returns 0, or a negative errno, and then nobody will hear of us.
 */
NODISCARD int notify_open(struct notify *notify, const char *socket_name);

/* Does nothing to one that is not open. */
void notify_close(struct notify *notify);

static inline bool notify_is_wanted(const struct notify *notify)
{
    return notify->fd != -1;
}

/* How long a message that must arrive is given when the service manager is slow to read. */
#define NOTIFY_WAIT_S 5

/*
 * Sends a message of at most NOTIFY_MESSAGE_MAX bytes, what is longer is cut, and logs a failure.
 * must_arrive: waits for room up to NOTIFY_WAIT_S; otherwise it does not block.  Does nothing when
 * nobody wants to know.
 */
void notify_send(const struct notify *notify, bool must_arrive, const char *format, ...)
    FORMAT(3, 4);

/*
 * The time within which the service manager wants to see WATCHDOG=1, in ns, from WATCHDOG_USEC and
 * WATCHDOG_PID; either may be NULL.  Returns 0 when there is none or it is meant for another
 * process, and a negative errno when the text is not valid.
 */
NODISCARD int64_t notify_watchdog_ns(const char *usec, const char *pid, uint64_t self);

#endif
