/*
 * id_clock.h: the clock that ids go by: TIME_SOURCE, the logical clock and the mark's limit in one
 * reading; steps of the source are logged and counted.
 *
 * Threads  Any number may read; lock-free.
 */
#ifndef SERVER_CLOCK_ID_CLOCK_H
#define SERVER_CLOCK_ID_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/clock/logical_clock.h"
#include "server/settings/settings.h"

struct ntp_client;

struct id_clock {
    enum time_source_kind source;
    int64_t start_offset_ns;      /* TIME_SOURCE_MONOTONIC: wall clock minus boot time at start */
    const struct ntp_client *ntp; /* TIME_SOURCE_NTP */
    /* TIME_SOURCE_NTP: what an earlier process of this boot believed, until a server answers. */
    bool has_earlier;
    int64_t earlier_offset_ns;
    _Atomic bool ntp_begun; /* a server has answered: the system's clock has served its turn */
    struct logical_clock logical;

    _Atomic int64_t limit_ns; /* ids of this time or later may not be shown */
    _Atomic bool limit_stuck; /* the last attempt to move it failed */

    /* While ids lead: the source when it was last seen to advance, and the boot time of that. */
    _Atomic int64_t advanced_ns;
    _Atomic int64_t advanced_at_ns;

    _Atomic int64_t leap_ns;        /* of the last reading: how far the source is not believed */
    _Atomic int64_t last_step_ns;   /* the size of the last step; back is negative */
    _Atomic int64_t next_report_ns; /* boot time before which no step is reported */
    _Atomic uint64_t steps_back;
    _Atomic uint64_t steps_forward;
};

/*
 * Starts the clock; nothing may be shown until id_clock_set_limit().  believed_offset_ns is that
 * of logical_clock_init().  ntp is NULL unless TIME_SOURCE=ntp, and then outlives the clock.
 */
void id_clock_init(struct id_clock *clock, const struct settings *settings,
                   const struct ntp_client *ntp, const int64_t *believed_offset_ns);

/* Reads the clocks.  Every reader may be the one that notices, and logs, a step. */
struct moment id_clock_now(struct id_clock *clock);

/*
 * How long the source has stood still while ids are ahead of it, in nanoseconds; 0 if it has not.
 * Whoever waits for such a clock waits in vain.
 */
int64_t id_clock_standstill(const struct id_clock *clock, const struct moment *now);

/* The difference between the believed source and the time since boot. */
int64_t id_clock_believed_offset(const struct id_clock *clock);

/* The mark is at limit_ns; stuck: that is where it was, for the disk took no new one. */
void id_clock_set_limit(struct id_clock *clock, int64_t limit_ns, bool stuck);

/* The operator's word that the source is right.  Logged.  Returns by how much ids leap. */
int64_t id_clock_accept(struct id_clock *clock);

#endif
