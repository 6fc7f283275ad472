/*
 * supervisor.h: what the service manager is told while the service runs, and when.
 *
 * Every few seconds, and at least twice within WATCHDOG_USEC, a timer ticks in the main thread.
 * Each tick says how the service is and how many ids it hands out (STATUS=), and that it is alive
 * (WATCHDOG=1) if every worker has answered what the tick before asked it; an idle worker wakes up
 * to do so, one that hangs does not, and then the service manager restarts the service.
 */
#ifndef SERVER_SYSTEMD_SUPERVISOR_H
#define SERVER_SYSTEMD_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/api/status.h"
#include "server/net/worker.h"
#include "server/systemd/notify.h"

#define SUPERVISOR_STATUS_MAX 512

/* Whom it is about. */
struct supervised {
    const struct service *service;
    struct worker *workers;
    uint32_t worker_count;
};

struct supervisor {
    struct notify notify;
    bool has_watchdog;
    int64_t period_ns;
    int timer_fd; /* readable when supervisor_tick() is due; -1: never */
    uint64_t ids; /* handed out until since_ns */
    int64_t since_ns;
    char status[SUPERVISOR_STATUS_MAX]; /* as it was told last */
};

/*
 * Reads NOTIFY_SOCKET and WATCHDOG_USEC.  Logs what is wrong with them, and goes on without: the
 * service is worth more than the word about it.  Returns 0 or a negative errno.
 */
NODISCARD int supervisor_open(struct supervisor *supervisor);

void supervisor_close(struct supervisor *supervisor);

/* The start waits for somebody else, for nobody knows how long, and what_for says in words. */
void supervisor_waiting(const struct supervisor *supervisor, const char *what_for);

/* Clients can connect.  From now on the timer ticks. */
void supervisor_ready(struct supervisor *supervisor, const struct supervised *supervised);

/* To be called when timer_fd is readable. */
void supervisor_tick(struct supervisor *supervisor, const struct supervised *supervised);

/* Around what a SIGHUP does. */
void supervisor_reloading(const struct supervisor *supervisor);
void supervisor_reloaded(const struct supervisor *supervisor);

/* The service is about to stop, with so many clients; workers need not answer any more. */
void supervisor_stopping(const struct supervisor *supervisor, uint32_t clients);

/* As supervisor_tick(), while it stops. */
void supervisor_stopping_tick(const struct supervisor *supervisor, uint32_t clients);

/* The words of STATUS=.  stalled: workers that do not answer. */
void supervisor_describe(const struct service_status *status, struct shard_range shards,
                         uint64_t ids_per_second, uint32_t stalled,
                         char out[static SUPERVISOR_STATUS_MAX]);

#endif
