#include "server/issuing.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/clock/kernel_sync.h"

#define SYNC_POLL_MS 100

/* How long a start waits for NTP servers; after that, the system's clock stands in for them. */
#define FIRST_ANSWER_NS (2 * NS_PER_S)

/* ---- Time ----------------------------------------------------------------------------------- */

static bool is_synchronised(const struct issuing *i)
{
    int64_t offset_ns;
    return i->has_ntp ? ntp_client_offset(&i->ntp, &offset_ns) : kernel_sync_is_synchronised();
}

/* With the servers' first answers, or without any, ids need not begin by another clock. */
static bool has_asked(const struct issuing *i)
{
    return ntp_client_status(&i->ntp).first_round_over;
}

struct wait {
    bool (*is_over)(const struct issuing *i);
    int step_ms;
    int64_t limit_ns;
};

/* Waits, until a signal ends the service before it has begun. */
static int await(const struct issuing *i, const struct wait *wait, int signal_fd)
{
    struct pollfd signals = {.fd = signal_fd, .events = POLLIN};
    int64_t since_ns = clock_read().mono_ns;
    while (!wait->is_over(i) && clock_read().mono_ns - since_ns < wait->limit_ns) {
        struct signalfd_siginfo info;
        (void)poll(&signals, 1,
                   wait->step_ms); /* whatever it says, there is something to look at */
        while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
            if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
                return -ECANCELED;
        }
    }
    return 0;
}

/* For REQUIRE_CLOCK_SYNC. */
static int await_sync(const struct issuing *i, int signal_fd)
{
    if (is_synchronised(i))
        return 0;
    log_warn("waiting_for_clock", "hint=\"REQUIRE_CLOCK_SYNC is set, and %s\"",
             i->has_ntp ? "no NTP server has answered yet"
                        : "the kernel does not say yet that its clock is synchronised");
    static const struct wait wait = {is_synchronised, SYNC_POLL_MS, INT64_MAX};
    int r = await(i, &wait, signal_fd);
    if (r == 0)
        log_info("clock_synchronised", "source=%s", i->has_ntp ? "ntp" : "kernel");
    return r;
}

static int start_ntp(struct issuing *i, const struct settings *settings, int signal_fd)
{
    int r = ntp_client_start(&i->ntp, settings->ntp_servers, settings->ntp_server_count, NULL);
    if (r < 0) {
        log_error("ntp_failed",
                  "errno=%s hint=\"no thread can be started: raise the limit (TasksMax=, ulimit "
                  "-u) or free memory\"",
                  errno_name(-r));
        return r;
    }
    i->has_ntp = true;
    if (ownership_believed_offset(&i->ownership) != NULL)
        return 0; /* the time is known well enough to go on at once */
    static const struct wait wait = {has_asked, 1, FIRST_ANSWER_NS};
    return await(i, &wait, signal_fd);
}

static int start_clock(struct issuing *i, const struct settings *settings, int signal_fd)
{
    int r = 0;
    if (settings->time_source == TIME_SOURCE_NTP)
        r = start_ntp(i, settings, signal_fd);
    if (r == 0 && settings->require_clock_sync != 0)
        r = await_sync(i, signal_fd);
    if (r == 0)
        id_clock_init(&i->clock, settings, i->has_ntp ? &i->ntp : NULL,
                      ownership_believed_offset(&i->ownership));
    return r;
}

/* ---- Ids ------------------------------------------------------------------------------------ */

static int explain(enum sonyflake_status status, const struct settings *settings,
                   const struct moment *now)
{
    char clock_text[TIMESTAMP_TEXT_MAX];
    char start_text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(now->ids.source_ns, clock_text);
    timestamp_format_ms(settings->start_time_ns, start_text);
    log_error("no_generator",
              "reason=\"%s\" clock=%s start_time=%s hint=\"set the clock, or START_TIME\"",
              sonyflake_status_text(status), clock_text, start_text);
    return -EINVAL;
}

static int create_service(struct issuing *i, const struct settings *settings)
{
    struct moment now = id_clock_now(&i->clock);
    uint64_t floor;
    enum sonyflake_status status = ownership_floor(&i->ownership, settings, &now.ids, &floor);
    if (status == SONYFLAKE_OK)
        status = service_create(settings, floor > settings->min_id ? floor : settings->min_id,
                                &i->service);
    if (status != SONYFLAKE_OK)
        return explain(status, settings, &now);

    i->service.clock = &i->clock;
    i->service.keeper = &i->keeper;
    i->service.ownership = &i->ownership;
    ownership_take_over(&i->ownership, settings, floor);

    /* Ids begin right behind the floor, even if that is ahead of the clock by more than a tick. */
    int64_t begin_ns = service_next_tick(&i->service);
    if (settings->min_id > floor)
        i->service.min_id_ns = begin_ns;
    if (begin_ns == INT64_MAX) {
        log_warn("no_ids", "reason=\"" SERVICE_NONE_ABOVE_MIN_ID "\"");
    } else if (begin_ns - now.ids.source_ns > i->service.layout.time_unit_ns) {
        logical_clock_begin_at(&i->clock.logical, now.boot_ns, begin_ns);
        int64_t ahead_ns = begin_ns - now.ids.source_ns;
        bool too_far = ahead_ns > settings->max_clock_lead_ns;
        log_write(too_far ? LOG_WARN : LOG_INFO, "ids_ahead",
                  "by_ms=%" PRId64 " max_clock_lead_ms=%" PRId64 "%s", ahead_ns / NS_PER_MS,
                  settings->max_clock_lead_ns / NS_PER_MS,
                  too_far ? " hint=\"requests get 503 until the clock is near enough; is the clock "
                            "right, and MIN_ID, if it is set?\""
                          : "");
    }
    return 0;
}

static int create_mark(struct issuing *i, const struct settings *settings)
{
    struct mark_policy policy = {.window_ns = settings->mark_window_ns,
                                 .tick_ns = i->service.layout.time_unit_ns};
    int r = mark_keeper_create(&i->keeper, &i->ownership.directory, &i->clock, policy,
                               &i->ownership.record);
    if (r < 0) {
        char quoted[256];
        log_error("start_refused",
                  "reason=\"the first mark cannot be written\" path=%s errno=%s "
                  "hint=\"STATE_DIRECTORY must be writable and have room\"",
                  log_quote(span_of(settings->state_directory), quoted, sizeof(quoted)),
                  errno_name(-r));
    }
    return r;
}

/* ---- Life ----------------------------------------------------------------------------------- */

int issuing_claim(struct issuing *i, const struct settings *settings)
{
    i->begun = true;
    return ownership_claim(&i->ownership, settings);
}

int issuing_begin(struct issuing *i, const struct settings *settings, int signal_fd)
{
    int r = start_clock(i, settings, signal_fd);
    if (r == 0)
        r = create_service(i, settings);
    if (r == 0)
        r = create_mark(i, settings);
    return r;
}

int issuing_start(struct issuing *i, void (*moved)(void *context), void *context)
{
    return mark_keeper_start(&i->keeper, moved, context);
}

/* The time behind the last id that anybody can have seen. */
static int64_t exact_mark(const struct issuing *i)
{
    int64_t mark_ns = i->keeper.record.mark_ns; /* nothing at or past it was shown */
    int64_t next_ns = service_next_tick(&i->service);
    int64_t tick_ns = i->service.layout.time_unit_ns;
    return next_ns < mark_ns - tick_ns ? next_ns + tick_ns : mark_ns;
}

void issuing_end(struct issuing *i)
{
    if (!i->begun)
        return;
    if (i->keeper.running) {
        mark_keeper_stop(&i->keeper);
        int r = mark_keeper_finish(&i->keeper, exact_mark(i));
        if (r < 0)
            log_warn("mark_not_exact",
                     "errno=%s hint=\"the next start begins at the last mark, ahead of the clock\"",
                     errno_name(-r));
    }
    if (i->has_ntp)
        ntp_client_stop(&i->ntp);
    if (i->service.generator != NULL)
        service_destroy(&i->service);
    ownership_release(&i->ownership);
}
