/*
 * ntp_client.h: what time NTP servers say it is (TIME_SOURCE=ntp).
 *
 * A thread asks the servers (ntp_poll.h), finds those that a majority agrees with (ntp_select.h)
 * and publishes the difference between their time and the time since boot.  That difference is used
 * until there is a better one; when no server answers any more, the last goes on being used.
 * The system's clock is neither used nor set.
 *
 * Logs: ntp_synchronised, ntp_step, ntp_lost, ntp_disagree, ntp_outvoted; and of single servers
 * ntp_no_answer, ntp_answers, ntp_server_refused.
 */
#ifndef SERVER_CLOCK_NTP_CLIENT_H
#define SERVER_CLOCK_NTP_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/clock/ntp_poll.h"
#include "server/clock/ntp_remote.h"
#include "server/settings/settings.h"

enum ntp_state {
    NTP_NONE_YET,     /* no server has answered, or not yet enough of them for a majority */
    NTP_SYNCHRONISED, /* following a server that a majority agrees with */
    NTP_LOST,         /* no server has answered for vote_expiry_ns (1 h): the last offset stays */
    NTP_DISAGREEING,  /* no majority: the last offset stays, if there is one */
    NTP_STATE_COUNT
};

/* "none-yet", "synchronised", "lost", "disagreeing". */
const char *ntp_state_text(enum ntp_state state);

/* How things are.  Each figure is right by itself; two may be an answer apart. */
struct ntp_status {
    enum ntp_state state;
    bool first_round_over;  /* there is an offset, or the first requests have not led to one */
    uint32_t servers;       /* that are configured */
    uint32_t answering;     /* whose last requests were answered */
    uint32_t usable;        /* that agree with the majority */
    uint32_t refused;       /* that do not want to be asked */
    int64_t last_answer_ns; /* time since boot, of a usable server; INT64_MIN: none yet */

    /* Of the answer that is used; 0 before there is one. */
    int64_t offset_ns; /* the servers' time minus the system's clock */
    int64_t delay_ns;  /* the network's part of the round trip */
    int64_t error_ns;  /* how far off it may be */
    uint32_t stratum;
};

/* What the thread tells others. */
struct ntp_published {
    _Atomic int64_t offset_ns; /* the servers' time minus the time since boot; or none */
    _Atomic uint32_t state;    /* enum ntp_state */
    _Atomic bool first_round_over;
    _Atomic uint32_t answering;
    _Atomic uint32_t usable;
    _Atomic uint32_t refused;
    _Atomic int64_t last_answer_ns;
    _Atomic int64_t delay_ns;
    _Atomic int64_t error_ns;
    _Atomic uint32_t stratum;
};

struct ntp_client {
    struct ntp_published published;
    size_t count; /* servers; constant while the thread runs, like the schedule */
    struct ntp_schedule schedule;
    int stop_fd;
    pthread_t thread;
    struct ntp_remote remotes[NTP_SERVERS_MAX]; /* the thread's own */
};

/*
 * Starts the thread; it blocks all signals.  There are 1 to NTP_SERVERS_MAX servers; schedule is
 * NULL but in tests.  The client must not be moved until ntp_client_stop().  Returns 0, or a
 * negative errno and then there is nothing to stop.
 */
NODISCARD int ntp_client_start(struct ntp_client *client, const struct ntp_server *servers,
                               size_t count, const struct ntp_schedule *schedule);

/* Waits for the thread, which stops at once.  Nobody may read the client afterwards. */
void ntp_client_stop(struct ntp_client *client);

/* The servers' time is the time since boot + *ret_offset_ns.  False: no answer yet.  Lock-free. */
bool ntp_client_offset(const struct ntp_client *client, int64_t *ret_offset_ns);

/* Lock-free. */
struct ntp_status ntp_client_status(const struct ntp_client *client);

#endif
