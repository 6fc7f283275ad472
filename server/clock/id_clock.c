#include "server/clock/id_clock.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/clock/ntp_client.h"

/* A smaller step is not told from a thread that was held up between two readings. */
#define STEP_MIN_NS (NS_PER_MS / 2)
/* With NTP, a smaller one is the clock's normal life: RFC 5905 slews up to here. */
#define NTP_STEP_MIN_NS (128 * NS_PER_MS)

/* Between two reports: a clock that runs too fast, or stands still, is not a thousand steps. */
#define REPORT_INTERVAL_NS NS_PER_S

/* A pair of readings that took longer is not precise enough to judge a step by. */
#define PRECISE_NS (50 * INT64_C(1000))
#define PRECISE_TRIES 16

static int64_t source_ns(const struct id_clock *clock, struct clock_reading now)
{
    int64_t offset_ns;
    switch (clock->source) {
    case TIME_SOURCE_SYSTEM:
        break;
    case TIME_SOURCE_MONOTONIC:
        return now.boot_ns + clock->start_offset_ns;
    case TIME_SOURCE_NTP:
        if (ntp_client_offset(clock->ntp, &offset_ns))
            return now.boot_ns + offset_ns;
        if (clock->has_earlier)
            return now.boot_ns + clock->earlier_offset_ns;
        break; /* until a server answers, the system's clock is all there is */
    }
    return now.wall_ns;
}

static struct source_reading read_source(const struct id_clock *clock, struct clock_reading now)
{
    return (struct source_reading){.source_ns = source_ns(clock, now), .boot_ns = now.boot_ns};
}

/*
 * Until an NTP server answers, the system's clock stands in.  The first answer is believed however
 * far it is from that: it is what the operator has chosen to believe.  Not so when an earlier
 * process knew the time: its line goes on, and a leap from there is a leap.
 */
static void begin_ntp(struct id_clock *clock, struct clock_reading now)
{
    int64_t offset_ns;
    if (ntp_client_offset(clock->ntp, &offset_ns) && !atomic_exchange(&clock->ntp_begun, true))
        (void)logical_clock_accept(&clock->logical, read_source(clock, now));
}

void id_clock_init(struct id_clock *clock, const struct settings *settings,
                   const struct ntp_client *ntp, const int64_t *believed_offset_ns)
{
    struct clock_reading now = clock_read();
    *clock = (struct id_clock){
        .source = settings->time_source,
        .start_offset_ns = now.wall_ns - now.boot_ns,
        .ntp = ntp,
        .has_earlier = believed_offset_ns != NULL,
        .earlier_offset_ns = believed_offset_ns != NULL ? *believed_offset_ns : 0,
        .logical = {.lead_max_ns = settings->max_clock_lead_ns,
                    .leap_max_ns = settings->max_clock_leap_ns},
    };
    logical_clock_init(&clock->logical, read_source(clock, now), believed_offset_ns);
    atomic_init(&clock->limit_ns, INT64_MIN);
    atomic_init(&clock->ntp_begun, clock->has_earlier);
}

static bool is_step(const struct id_clock *clock, int64_t step_ns)
{
    int64_t min_ns = clock->source == TIME_SOURCE_NTP ? NTP_STEP_MIN_NS : STEP_MIN_NS;
    return step_ns >= min_ns || step_ns <= -min_ns;
}

/* ---- Steps ---------------------------------------------------------------------------------- */

/* Two readings with nothing in between; false when the CPU was taken away every time. */
static bool read_precisely(const struct id_clock *clock, struct source_reading *ret_now)
{
    for (int i = 0; i < PRECISE_TRIES; i++) {
        int64_t before_ns = clock_read().boot_ns;
        struct clock_reading now = clock_read();
        *ret_now = read_source(clock, now);
        if (now.boot_ns - before_ns <= PRECISE_NS)
            return true;
    }
    return false;
}

/* A reading looks as if somebody had set the source.  If so, one thread says it. */
static void look_at_step(struct id_clock *clock)
{
    struct source_reading now;
    if (!read_precisely(clock, &now) || now.boot_ns < atomic_load(&clock->next_report_ns))
        return; /* a later reader will see it */
    struct logical_reading reading = logical_clock_read(&clock->logical, now);
    if (!is_step(clock, reading.step_ns) ||
        !logical_clock_note(&clock->logical, now, reading.step_ns))
        return;

    atomic_store(&clock->next_report_ns, now.boot_ns + REPORT_INTERVAL_NS);
    atomic_store(&clock->last_step_ns, reading.step_ns);
    atomic_fetch_add(reading.step_ns < 0 ? &clock->steps_back : &clock->steps_forward, 1);
    int64_t lead_ns = id_time_logical(&reading.ids) - reading.ids.source_ns;
    log_warn("clock_stepped", "by_ms=%.3f lead_ms=%" PRId64,
             (double)reading.step_ns / (double)NS_PER_MS, lead_ns / NS_PER_MS);
}

/* Says once that the source is not believed, and once that it is again. */
static void look_at_leap(struct id_clock *clock, int64_t leap_ns)
{
    int64_t before_ns = atomic_exchange(&clock->leap_ns, leap_ns);
    if ((before_ns > 0) == (leap_ns > 0))
        return;
    if (leap_ns > 0)
        log_error("clock_leap_not_believed",
                  "by_ms=%" PRId64
                  " hint=\"the clock is ahead of the time since boot; ids go on by "
                  "the latter. Set the clock right, or accept it: go-id state accept-clock\"",
                  leap_ns / NS_PER_MS);
    else
        log_info("clock_believed", "before_ms=%" PRId64, before_ns / NS_PER_MS);
}

/* Takes note that the source runs; called only while ids lead, so that it costs nothing else. */
static void look_at_advance(struct id_clock *clock, const struct id_time *ids, int64_t boot_ns)
{
    if (atomic_load_explicit(&clock->advanced_ns, memory_order_relaxed) == ids->source_ns)
        return;
    atomic_store_explicit(&clock->advanced_ns, ids->source_ns, memory_order_relaxed);
    atomic_store_explicit(&clock->advanced_at_ns, boot_ns, memory_order_relaxed);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct moment id_clock_now(struct id_clock *clock)
{
    struct clock_reading now = clock_read();
    if (clock->ntp != NULL && !atomic_load_explicit(&clock->ntp_begun, memory_order_relaxed))
        begin_ntp(clock, now);
    struct logical_reading reading = logical_clock_read(&clock->logical, read_source(clock, now));
    if (__builtin_expect(is_step(clock, reading.step_ns), false))
        look_at_step(clock);
    if (__builtin_expect(
            reading.leap_ns != atomic_load_explicit(&clock->leap_ns, memory_order_relaxed), false))
        look_at_leap(clock, reading.leap_ns);
    if (reading.ids.line_ns > reading.ids.source_ns)
        look_at_advance(clock, &reading.ids, now.boot_ns);

    reading.ids.limit_ns = atomic_load_explicit(&clock->limit_ns, memory_order_acquire);
    reading.ids.limit_stuck = atomic_load_explicit(&clock->limit_stuck, memory_order_relaxed);
    return (struct moment){
        .wall_ns = now.wall_ns, .boot_ns = now.boot_ns, .mono_ns = now.mono_ns, .ids = reading.ids};
}

int64_t id_clock_standstill(const struct id_clock *clock, const struct moment *now)
{
    if (now->ids.line_ns <= now->ids.source_ns ||
        atomic_load(&clock->advanced_ns) != now->ids.source_ns)
        return 0;
    return now->boot_ns - atomic_load(&clock->advanced_at_ns);
}

int64_t id_clock_believed_offset(const struct id_clock *clock)
{
    return atomic_load_explicit(&clock->logical.offset_ns, memory_order_relaxed);
}

void id_clock_set_limit(struct id_clock *clock, int64_t limit_ns, bool stuck)
{
    atomic_store_explicit(&clock->limit_stuck, stuck, memory_order_relaxed);
    atomic_store_explicit(&clock->limit_ns, limit_ns, memory_order_release);
}

int64_t id_clock_accept(struct id_clock *clock)
{
    struct source_reading now;
    (void)read_precisely(clock, &now); /* good enough for an operator's word in any case */
    int64_t leap_ns = logical_clock_accept(&clock->logical, now);
    log_warn("clock_accepted", "by_ms=%" PRId64, leap_ns / NS_PER_MS);
    return leap_ns;
}
