#include "server/systemd/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

#define PERIOD_MAX_NS (5 * NS_PER_S)
#define PERIOD_MIN_NS NS_PER_MS
#define NS_PER_US 1000

static struct log_limit stalled_limit;

/* ---- Words ---------------------------------------------------------------------------------- */

/* Adds what is degraded, and a comma before it if it is not the first. */
static void add_part(char *list, size_t capacity, enum condition condition, const char *name)
{
    size_t used = strlen(list);
    if (condition != CONDITION_OK)
        (void)snprintf(list + used, capacity - used, "%s%s", used > 0 ? ", " : "", name);
}

static void describe_shards(struct shard_range shards, char *out, size_t capacity)
{
    if (shards.count == 1)
        (void)snprintf(out, capacity, "shard %" PRIu32, shards.first);
    else
        (void)snprintf(out, capacity, "shards %" PRIu32 "-%" PRIu32, shards.first,
                       shards.first + shards.count - 1);
}

void supervisor_describe(const struct service_status *status, struct shard_range shards,
                         uint64_t ids_per_second, uint32_t stalled,
                         char out[static SUPERVISOR_STATUS_MAX])
{
    char who[32];
    char parts[64] = "";
    describe_shards(shards, who, sizeof(who));
    if (stalled > 0) {
        (void)snprintf(out, SUPERVISOR_STATUS_MAX, "%s: failed, %" PRIu32 " workers hang", who,
                       stalled);
        return;
    }
    if (!status->ready) {
        (void)snprintf(out, SUPERVISOR_STATUS_MAX, "%s: no ids: %s", who, status->reason);
        return;
    }
    add_part(parts, sizeof(parts), status->clock.condition, "clock");
    add_part(parts, sizeof(parts), status->lead.condition, "lead");
    add_part(parts, sizeof(parts), status->mark.condition, "mark");
    add_part(parts, sizeof(parts), status->lock.condition, "lock");
    add_part(parts, sizeof(parts), status->lifetime.condition, "lifetime");
    if (status->degraded)
        (void)snprintf(out, SUPERVISOR_STATUS_MAX,
                       "%s: degraded (%s; see /ready), %" PRIu64 " ids/s", who, parts,
                       ids_per_second);
    else
        (void)snprintf(out, SUPERVISOR_STATUS_MAX, "%s: OK, %" PRIu64 " ids/s", who,
                       ids_per_second);
}

/* ---- Start ---------------------------------------------------------------------------------- */

static int64_t period_for(int64_t watchdog_ns)
{
    int64_t period_ns = PERIOD_MAX_NS;
    if (watchdog_ns > 0 && watchdog_ns / 2 < period_ns)
        period_ns = watchdog_ns / 2;
    return period_ns > PERIOD_MIN_NS ? period_ns : PERIOD_MIN_NS;
}

int supervisor_open(struct supervisor *s)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): no thread yet that could change the environment
    const char *socket_name = getenv("NOTIFY_SOCKET");
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    // NOLINTEND(concurrency-mt-unsafe)
    *s = (struct supervisor){.notify = {.fd = -1}, .timer_fd = -1};
    if (socket_name == NULL)
        return 0;
    int r = notify_open(&s->notify, socket_name);
    if (r < 0) {
        char quoted[256];
        log_warn("notify_unusable",
                 "NOTIFY_SOCKET=%s errno=%s hint=\"it must be an absolute path, or '@' and an "
                 "abstract name; the service manager will not hear of us\"",
                 log_quote(span_of(socket_name), quoted, sizeof(quoted)), errno_name(-r));
        return 0;
    }

    int64_t watchdog_ns = notify_watchdog_ns(usec, pid, (uint64_t)getpid());
    if (watchdog_ns < 0 && usec != NULL) {
        char quoted[64];
        log_warn("watchdog_unusable",
                 "WATCHDOG_USEC=%s hint=\"it must be a number of us, and WATCHDOG_PID that of a "
                 "process; the service manager will not hear that we are alive\"",
                 log_quote(span_of(usec), quoted, sizeof(quoted)));
        watchdog_ns = 0;
    }
    s->has_watchdog = watchdog_ns > 0;
    s->period_ns = period_for(watchdog_ns);
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return s->timer_fd != -1 ? 0 : -errno;
}

void supervisor_close(struct supervisor *s)
{
    notify_close(&s->notify);
    if (s->timer_fd != -1)
        (void)close(s->timer_fd);
    s->timer_fd = -1;
}

void supervisor_waiting(const struct supervisor *s, const char *what_for)
{
    /* Ten years: the operator asked to wait, however long it takes. */
    notify_send(&s->notify, true, "STATUS=waiting for %s\nEXTEND_TIMEOUT_USEC=%" PRIu64, what_for,
                UINT64_C(10) * 365 * 86400 * 1000000);
}

/* ---- Service -------------------------------------------------------------------------------- */

static uint64_t count_ids(const struct supervised *supervised)
{
    uint64_t ids = 0;
    for (uint32_t i = 0; i < supervised->worker_count; i++)
        ids += counter_read(&supervised->workers[i].workspace.counters.ids);
    return ids;
}

/* Ids per second since the last call. */
static uint64_t measure_rate(struct supervisor *s, const struct supervised *supervised,
                             int64_t now_ns)
{
    uint64_t ids = count_ids(supervised);
    uint64_t new_ids = ids - s->ids;
    int64_t elapsed_ns = now_ns - s->since_ns;
    s->ids = ids;
    s->since_ns = now_ns;
    return elapsed_ns > 0 ? new_ids * (uint64_t)NS_PER_S / (uint64_t)elapsed_ns : 0;
}

static void ask_workers(const struct supervised *supervised)
{
    for (uint32_t i = 0; i < supervised->worker_count; i++)
        worker_ask(&supervised->workers[i]);
}

static uint32_t count_stalled(const struct supervised *supervised)
{
    uint32_t stalled = 0;
    for (uint32_t i = 0; i < supervised->worker_count; i++) {
        const struct worker *worker = &supervised->workers[i];
        if (worker_has_answered(worker))
            continue;
        stalled++;
        log_write_limited(&stalled_limit, LOG_ERROR, "worker_stalled",
                          "worker=%" PRIu32 " hint=\"it does nothing any more; if it goes on, the "
                          "service manager restarts the service\"",
                          worker->number);
    }
    return stalled;
}

void supervisor_ready(struct supervisor *s, const struct supervised *supervised)
{
    if (!notify_is_wanted(&s->notify))
        return;
    struct moment now = service_now(supervised->service);
    struct service_status status = service_status(supervised->service, &now);
    s->since_ns = now.mono_ns;
    supervisor_describe(&status, supervised->service->shards, 0, 0, s->status);
    ask_workers(supervised);

    struct timespec period = {.tv_sec = s->period_ns / NS_PER_S,
                              .tv_nsec = s->period_ns % NS_PER_S};
    struct itimerspec timer = {.it_interval = period, .it_value = period};
    (void)timerfd_settime(s->timer_fd, 0, &timer, NULL); /* cannot fail: the times are valid */
    notify_send(&s->notify, true, "READY=1\nSTATUS=%s", s->status);
}

static void clear_timer(const struct supervisor *s)
{
    uint64_t ticks;
    (void)!read(s->timer_fd, &ticks, sizeof(ticks)); /* EAGAIN: somebody calls us too early */
}

void supervisor_tick(struct supervisor *s, const struct supervised *supervised)
{
    clear_timer(s);
    struct moment now = service_now(supervised->service);
    struct service_status status = service_status(supervised->service, &now);
    uint64_t rate = measure_rate(s, supervised, now.mono_ns);
    uint32_t stalled = count_stalled(supervised);
    if (stalled == 0)
        ask_workers(supervised);

    char words[SUPERVISOR_STATUS_MAX];
    supervisor_describe(&status, supervised->service->shards, rate, stalled, words);
    bool alive = s->has_watchdog && stalled == 0;
    bool changed = strcmp(words, s->status) != 0;
    memcpy(s->status, words, sizeof(words));
    if (changed)
        notify_send(&s->notify, false, "%sSTATUS=%s", alive ? "WATCHDOG=1\n" : "", words);
    else if (alive)
        notify_send(&s->notify, false, "WATCHDOG=1");
}

void supervisor_reloading(const struct supervisor *s)
{
    notify_send(&s->notify, true, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                clock_read().mono_ns / NS_PER_US);
}

void supervisor_reloaded(const struct supervisor *s)
{
    notify_send(&s->notify, true, "READY=1");
}

void supervisor_stopping(const struct supervisor *s, uint32_t clients)
{
    notify_send(&s->notify, false, "STOPPING=1\nSTATUS=stopping, %" PRIu32 " connections", clients);
}

void supervisor_stopping_tick(const struct supervisor *s, uint32_t clients)
{
    clear_timer(s);
    notify_send(&s->notify, false, "%sSTATUS=stopping, %" PRIu32 " connections",
                s->has_watchdog ? "WATCHDOG=1\n" : "", clients);
}
