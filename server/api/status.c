#include "server/api/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/bug.h"
#include "common/errno_name.h"
#include "common/timestamp.h"
#include "server/clock/ntp_client.h"
#include "server/ownership.h"
#include "server/store/mark_keeper.h"

/* When so little is left of the id space, somebody should know. */
#define LIFETIME_WARNING_S (INT64_C(365) * 24 * 3600)

/* A write of the mark takes a few ms; one that takes longer than this is worth a word. */
#define SLOW_WRITE_NS (100 * NS_PER_MS)

const char *condition_text(enum condition condition)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        CONDITIONS(X)
#undef X
    };
    return texts[condition];
}

/* Takes note of a condition under which no id can be issued; the first one gives the reason. */
static void fail(struct service_status *status, enum condition *condition, int64_t wait_ns,
                 const char *format, ...) FORMAT(4, 5);

static void fail(struct service_status *status, enum condition *condition, int64_t wait_ns,
                 const char *format, ...)
{
    *condition = CONDITION_FAILED;
    if (!status->ready)
        return;
    status->ready = false;
    status->retry_after_s = wait_ns > 0 ? (uint64_t)((wait_ns - 1) / NS_PER_S) + 1 : 1;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(status->reason, sizeof(status->reason), format, arguments);
    va_end(arguments);
}

static void look_at_ntp(const struct ntp_client *client, const struct moment *now,
                        struct clock_status *clock)
{
    struct ntp_status ntp = ntp_client_status(client);
    clock->ntp_state = ntp_state_text(ntp.state);
    clock->ntp_servers = ntp.servers;
    clock->ntp_usable = ntp.usable;
    if (ntp.last_answer_ns != INT64_MIN)
        clock->ntp_age_ns = now->boot_ns - ntp.last_answer_ns;
    if (ntp.state != NTP_SYNCHRONISED)
        clock->condition = CONDITION_DEGRADED;
}

static void look_at_clock(const struct service *service, const struct moment *now,
                          struct clock_status *clock)
{
    clock->offset_ns = now->ids.source_ns - now->wall_ns;
    clock->ntp_age_ns = -1;
    if (service->clock == NULL)
        return;
    clock->source = service->clock->source;
    clock->leap_ns = atomic_load(&service->clock->leap_ns);
    clock->steps_back = atomic_load(&service->clock->steps_back);
    clock->steps_forward = atomic_load(&service->clock->steps_forward);
    clock->last_step_ns = atomic_load(&service->clock->last_step_ns);
    if (clock->leap_ns > 0)
        clock->condition = CONDITION_DEGRADED;
    if (service->clock->ntp != NULL)
        look_at_ntp(service->clock->ntp, now, clock);
}

/* Whether ids have not begun since the start, and MIN_ID says where they do. */
static bool is_at_min_id(const struct service *service, int64_t next_ns)
{
    return service->min_id_ns != 0 && service->min_id_ns == next_ns;
}

/* How far the next id is ahead, and whether it can be had within the time a request may wait. */
static void look_at_lead(const struct service *service, const struct moment *now,
                         struct service_status *status)
{
    struct lead_status *lead = &status->lead;
    int64_t next_ns = service_next_tick(service);
    if (now->ids.line_ns > now->ids.source_ns && next_ns > now->ids.source_ns)
        lead->lead_ns = next_ns - now->ids.source_ns;
    lead->of_min_id = is_at_min_id(service, next_ns);

    /* A queue is never longer than a request may wait, and the tick it ends in. */
    int64_t patience_ns = service->max_wait_ns + service->layout.time_unit_ns;
    int64_t wait_ns = next_ns != INT64_MAX ? id_time_wait(&now->ids, next_ns) : 0;
    if (wait_ns > patience_ns && lead->of_min_id)
        fail(status, &lead->condition, wait_ns - patience_ns,
             "MIN_ID is %" PRId64 " ms ahead of the clock, and MAX_CLOCK_LEAD is %" PRId64
             " ms: ids begin in %" PRId64
             " s, when the clock is set right, or after a restart with "
             "a lower MIN_ID",
             (next_ns - now->ids.source_ns) / NS_PER_MS, lead->max_ns / NS_PER_MS,
             wait_ns / NS_PER_S + 1);
    else if (wait_ns > patience_ns)
        fail(status, &lead->condition, wait_ns - patience_ns,
             "the clock is %" PRId64 " ms behind the newest id, and MAX_CLOCK_LEAD is %" PRId64
             " ms: ids go on in %" PRId64 " s, or when the clock is set right",
             (next_ns - now->ids.source_ns) / NS_PER_MS, lead->max_ns / NS_PER_MS,
             wait_ns / NS_PER_S + 1);
    else if (wait_ns > 0 && service->clock != NULL &&
             id_clock_standstill(service->clock, now) > patience_ns)
        fail(status, &lead->condition, 0,
             "the clock stands still, %" PRId64 " ms behind the newest id, and MAX_CLOCK_LEAD is "
             "%" PRId64 " ms: ids go on when it runs again",
             (next_ns - now->ids.source_ns) / NS_PER_MS, lead->max_ns / NS_PER_MS);
}

/* The time of the ids that would be issued now: what the mark has to be ahead of. */
static int64_t present(const struct service *service, const struct id_time *now)
{
    int64_t next_ns = service_next_tick(service);
    int64_t logical_ns = id_time_logical(now);
    int64_t ids_ns = next_ns < logical_ns ? next_ns : logical_ns; /* not what queues behind it */
    return ids_ns > now->source_ns ? ids_ns : now->source_ns;
}

static void look_at_mark(const struct service *service, const struct moment *now,
                         struct service_status *status)
{
    const struct mark_keeper *keeper = service->keeper;
    struct mark_status *mark = &status->mark;
    if (keeper == NULL)
        return;
    mark->mark_ns = now->ids.limit_ns;
    mark->ahead_ns = mark->mark_ns - now->ids.source_ns;
    mark->writes = atomic_load(&keeper->writes);
    mark->failures = atomic_load(&keeper->failures);
    mark->error = atomic_load(&keeper->error);
    mark->last_write_ns = atomic_load(&keeper->last_write_ns);

    int64_t since_ns = atomic_load(&keeper->writing_since);
    int64_t writing_ns = since_ns > 0 ? now->boot_ns - since_ns : 0;
    bool reached = present(service, &now->ids) >= mark->mark_ns;
    if (mark->error != 0)
        mark->condition = CONDITION_DEGRADED;
    if (mark->error != 0 && reached)
        fail(status, &mark->condition, 0,
             "the mark cannot be moved ahead: writing to STATE_DIRECTORY fails with %s",
             errno_name(mark->error));
    else if (reached && writing_ns > service->max_wait_ns + SLOW_WRITE_NS)
        fail(status, &mark->condition, 0,
             "the mark is not moving: writing to STATE_DIRECTORY has taken %" PRId64 " ms so far",
             writing_ns / NS_PER_MS);
}

/* Either the time has come, or MIN_ID lies at the end of it. */
static void fail_for_good(const struct service *service, const struct timespec *end,
                          struct service_status *status)
{
    char text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(end->tv_sec * NS_PER_S + end->tv_nsec, text);
    if (is_at_min_id(service, service_next_tick(service)))
        fail(status, &status->lifetime.condition, 0, SERVICE_NONE_ABOVE_MIN_ID);
    else
        fail(status, &status->lifetime.condition, 0,
             "the id space, which ends at %s, is used up: set the clock right; if it is, begin "
             "another with a later START_TIME, an empty STATE_DIRECTORY and machine ids that were "
             "never in use",
             text);
}

static void look_at_lifetime(const struct service *service, const struct moment *now,
                             struct service_status *status)
{
    struct timespec end;
    BUG_IF(sonyflake_end_time(&service->layout, &end) != SONYFLAKE_OK);
    struct lifetime_status *lifetime = &status->lifetime;
    lifetime->left_s = end.tv_sec - now->ids.source_ns / NS_PER_S;
    if (lifetime->left_s < LIFETIME_WARNING_S)
        lifetime->condition = CONDITION_DEGRADED;

    int64_t wait_ns;
    enum sonyflake_status generator =
        sonyflake_wait_time(service->generator, now->ids.source_ns, &wait_ns);
    if (generator == SONYFLAKE_ERR_OVER_TIME_LIMIT)
        fail_for_good(service, &end, status);
    else if (generator != SONYFLAKE_OK)
        fail(status, &status->clock.condition, service->layout.start_time_ns - now->ids.source_ns,
             "the clock is before START_TIME: set it right");
}

struct service_status service_status(const struct service *service, const struct moment *now)
{
    struct service_status status = {.ready = true, .lead.max_ns = now->ids.lead_max_ns};
    look_at_clock(service, now, &status.clock);
    look_at_lifetime(service, now, &status);
    if (status.ready)
        look_at_lead(service, now, &status);
    look_at_mark(service, now, &status);
    status.lock.host_wide = service->ownership == NULL || service->ownership->machines.fd != -1;
    if (!status.lock.host_wide)
        status.lock.condition = CONDITION_DEGRADED;
    status.degraded =
        status.clock.condition != CONDITION_OK || status.lead.condition != CONDITION_OK ||
        status.mark.condition != CONDITION_OK || status.lock.condition != CONDITION_OK ||
        status.lifetime.condition != CONDITION_OK;
    return status;
}

enum refusal service_status_refusal(const struct service_status *status)
{
    if (status->clock.condition == CONDITION_FAILED)
        return REFUSED_CLOCK;
    if (status->lifetime.condition == CONDITION_FAILED)
        return REFUSED_LIFETIME;
    if (status->lead.condition == CONDITION_FAILED)
        return REFUSED_LEAD;
    return REFUSED_MARK;
}
