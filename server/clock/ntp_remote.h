/*
 * ntp_remote.h: one NTP server: its address, the request that is under way, and its answers.
 *
 * Each request has a socket of its own, from a port of the kernel's choice (RFC 9109), connected,
 * so that the kernel drops what others send.  Logs when a server falls silent, answers again or
 * wants to be left alone.
 *
 * Threads  One.  Nothing blocks.  Times are since boot, in nanoseconds.
 */
#ifndef SERVER_CLOCK_NTP_REMOTE_H
#define SERVER_CLOCK_NTP_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/clock/ntp_poll.h"
#include "server/clock/ntp_resolver.h"
#include "server/settings/settings.h"

#define NTP_REMOTE_NAME_MAX 264 /* bytes of "host:port" or "[address]:port", with the NUL */

struct ntp_remote {
    const struct ntp_schedule *schedule;
    struct ntp_resolver *resolver; /* NULL: the address is numeric */
    char name[NTP_REMOTE_NAME_MAX];

    struct ntp_poll poll;
    bool outvoted; /* see ntp_select.h */

    bool asking; /* a request is under way, or would be if the address were known */
    bool has_address;
    int fd; /* -1 but while an answer is awaited */
    uint32_t turn;
    uint64_t cookie;
    int64_t asked_ns; /* when it was time to ask */
    int64_t sent_ns;  /* when the request left */
    int64_t deadline_ns;
    struct ntp_address address;
    const char *failure; /* why the last request had no good answer */
};

/* The schedule outlives the remote.  Returns 0, or a negative errno and there is nothing to undo.
 */
NODISCARD int ntp_remote_init(struct ntp_remote *remote, const struct ntp_server *server,
                              const struct ntp_schedule *schedule);
void ntp_remote_fini(struct ntp_remote *remote);

/* When ntp_remote_on_time() has something to do; INT64_MAX: never again. */
int64_t ntp_remote_next_ns(const struct ntp_remote *remote);

/* Asks, or stops waiting for the answer, if it is time. */
void ntp_remote_on_time(struct ntp_remote *remote, int64_t now_ns);

/* The descriptor that is readable when the name has been looked up; -1: there is none. */
int ntp_remote_resolver_fd(const struct ntp_remote *remote);

/* That descriptor is readable. */
void ntp_remote_on_resolved(struct ntp_remote *remote);

/* The socket has something. */
void ntp_remote_on_readable(struct ntp_remote *remote);

#endif
