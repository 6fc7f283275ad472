/*
 * ntp_poll.h: when one server is asked, and which of its answers counts.
 *
 * When.   A few requests at start, burst_spacing_ns apart, and then one per interval, which doubles
 *         from interval_min_ns to interval_max_ns as long as the answers fit together.  A server
 *         that does not answer is asked again as at start, and then after twice as long each time
 *         (RFC 8633's manners).  RATE doubles the shortest interval, DENY ends it all.
 * Which.  Of the last answers the one with the lowest delay, for the delay bounds the error.  What
 *         the clocks may have drifted apart since then counts as delay, too.
 *
 * Pure: time and random numbers are arguments.  Times are since boot, in nanoseconds.
 */
#ifndef SERVER_CLOCK_NTP_POLL_H
#define SERVER_CLOCK_NTP_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/clock/ntp_packet.h"

/* Constants, gathered so that tests can make time short.  See NTP_SCHEDULE_DEFAULT. */
struct ntp_schedule {
    int64_t start_spread_ns; /* the first request comes at random within this */
    int64_t reply_timeout_ns;
    int64_t burst_spacing_ns; /* longer than the timeout */
    uint32_t burst_count;     /* requests at start; as many unanswered ones make a server silent */
    int64_t interval_min_ns;
    int64_t interval_max_ns;
    int64_t vote_expiry_ns; /* how long the last answer of a silent server counts */
};

/*
 * Spread:  hosts that are switched on together do not ask at the same instant; and the first
 *          answer is there at once.
 * Burst:   2 s is what RFC 5905 (and every server) accepts at start.
 * Expiry:  three requests at the longest interval, and some minutes: after an hour the time is
 * lost.
 */
#define NTP_SCHEDULE_DEFAULT                           \
    ((struct ntp_schedule){                            \
        .start_spread_ns = 100 * INT64_C(1000000),     \
        .reply_timeout_ns = 1500 * INT64_C(1000000),   \
        .burst_spacing_ns = 2 * INT64_C(1000000000),   \
        .burst_count = 4,                              \
        .interval_min_ns = 64 * INT64_C(1000000000),   \
        .interval_max_ns = 1024 * INT64_C(1000000000), \
        .vote_expiry_ns = 3600 * INT64_C(1000000000),  \
    })

/*
 * How fast the time since boot may drift from true time: 100 ppm.  RFC 5905 has 15, for a clock
 * whose frequency it disciplines; ours runs as it was built, and quartz is good for 50.
 */
#define NTP_DRIFT_DIVISOR 10000

#define NTP_SAMPLES_MAX 8 /* RFC 5905's clock filter has as many */

struct ntp_poll {
    struct ntp_sample samples[NTP_SAMPLES_MAX]; /* newest first; all of them fit together */
    size_t sample_count;
    int64_t heard_ns; /* the last good answer; INT64_MIN: none yet */
    int64_t next_ns;  /* the next request; INT64_MAX: never */
    int64_t interval_ns;
    int64_t interval_floor_ns; /* 0; more once the server has said RATE */
    uint32_t burst_left;       /* quick requests still to come */
    uint32_t misses;           /* requests in a row without a good answer */
    bool refused;              /* the server does not want to be asked */
};

/* What a server has to say when the servers are compared. */
enum ntp_voice {
    NTP_VOICE_NONE,    /* refused, or silent for too long */
    NTP_VOICE_PENDING, /* never heard of, and its first requests are not over */
    NTP_VOICE_HEARD,   /* has an offset */
};

/* random is any 64 random bits, here and below. */
void ntp_poll_init(struct ntp_poll *poll, const struct ntp_schedule *schedule, int64_t now_ns,
                   uint64_t random);

/*
 * A request that was made at asked_ns has ended: with a good answer, with one of the server's that
 * gives no time (neither NTP_GOOD nor NTP_STRAY), or with none.  Sets next_ns.
 */
void ntp_poll_on_sample(struct ntp_poll *poll, const struct ntp_schedule *schedule,
                        int64_t asked_ns, const struct ntp_sample *sample, uint64_t random);
void ntp_poll_on_refusal(struct ntp_poll *poll, const struct ntp_schedule *schedule,
                         int64_t asked_ns, enum ntp_verdict verdict, uint64_t random);
void ntp_poll_on_miss(struct ntp_poll *poll, const struct ntp_schedule *schedule, int64_t asked_ns,
                      uint64_t random);

/* Whether as many requests as the first burst has have gone unanswered since the last answer. */
bool ntp_poll_is_silent(const struct ntp_poll *poll, const struct ntp_schedule *schedule);

enum ntp_voice ntp_poll_voice(const struct ntp_poll *poll, const struct ntp_schedule *schedule,
                              int64_t now_ns);

/* The sample that counts, its error grown to what it is now.  There is one: NTP_VOICE_HEARD. */
struct ntp_sample ntp_poll_best(const struct ntp_poll *poll, int64_t now_ns);

#endif
