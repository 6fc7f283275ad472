#include "server/clock/ntp_poll.h"

#include <string.h>

#include "common/bug.h"

/* Waits are made up to 1/16 longer at random, so that many clients do not ask in step. */
#define JITTER_DIVISOR 16

/* What two answers of one server may differ by, beside delay and drift: the steps of its clock. */
#define STEADY_SLACK_NS INT64_C(1000000)

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- When ----------------------------------------------------------------------------------- */

/* From 0 to below - 1, or 0. */
static int64_t random_ns(int64_t below, uint64_t random)
{
    return below > 0 ? (int64_t)(random % (uint64_t)below) : 0;
}

/* Spacing, 2 * spacing, 4 * spacing, ... up to the longest interval. */
static int64_t back_off(const struct ntp_schedule *schedule, uint32_t doublings)
{
    int64_t wait_ns = schedule->burst_spacing_ns;
    while (doublings-- > 0 && wait_ns < schedule->interval_max_ns)
        wait_ns *= 2;
    return min(wait_ns, schedule->interval_max_ns);
}

static int64_t wait_ns(const struct ntp_poll *poll, const struct ntp_schedule *schedule)
{
    if (ntp_poll_is_silent(poll, schedule))
        return back_off(schedule, poll->misses - schedule->burst_count + 1);
    if (poll->misses > 0 || poll->burst_left > 0)
        return schedule->burst_spacing_ns;
    return poll->interval_ns;
}

static void schedule_next(struct ntp_poll *poll, const struct ntp_schedule *schedule,
                          int64_t asked_ns, uint64_t random)
{
    int64_t wait = max(wait_ns(poll, schedule), poll->interval_floor_ns);
    poll->next_ns = asked_ns + wait + random_ns(wait / JITTER_DIVISOR, random);
}

void ntp_poll_init(struct ntp_poll *poll, const struct ntp_schedule *schedule, int64_t now_ns,
                   uint64_t random)
{
    *poll = (struct ntp_poll){
        .heard_ns = INT64_MIN,
        .next_ns = now_ns + random_ns(schedule->start_spread_ns, random),
        .interval_ns = schedule->interval_min_ns,
        .burst_left = schedule->burst_count,
    };
}

bool ntp_poll_is_silent(const struct ntp_poll *poll, const struct ntp_schedule *schedule)
{
    return poll->misses >= schedule->burst_count;
}

/* ---- Which ---------------------------------------------------------------------------------- */

static int64_t drift_ns(const struct ntp_sample *sample, int64_t now_ns)
{
    return max(now_ns - sample->boot_ns, 0) / NTP_DRIFT_DIVISOR;
}

/* How far this server's offset at now_ns may be from the sample's, if it goes steadily. */
static int64_t uncertainty_ns(const struct ntp_sample *sample, int64_t now_ns)
{
    return sample->delay_ns / 2 + drift_ns(sample, now_ns);
}

static const struct ntp_sample *best_sample(const struct ntp_poll *poll, int64_t now_ns)
{
    BUG_IF(poll->sample_count == 0);
    const struct ntp_sample *best = &poll->samples[0];
    for (size_t i = 1; i < poll->sample_count; i++) {
        if (uncertainty_ns(&poll->samples[i], now_ns) < uncertainty_ns(best, now_ns))
            best = &poll->samples[i];
    }
    return best;
}

struct ntp_sample ntp_poll_best(const struct ntp_poll *poll, int64_t now_ns)
{
    struct ntp_sample best = *best_sample(poll, now_ns);
    best.error_ns += drift_ns(&best, now_ns);
    return best;
}

static bool fit_together(const struct ntp_sample *earlier, const struct ntp_sample *later)
{
    int64_t apart_ns = later->offset_ns - earlier->offset_ns;
    int64_t allowed_ns = uncertainty_ns(earlier, later->boot_ns) + later->delay_ns / 2;
    return (apart_ns < 0 ? -apart_ns : apart_ns) <= allowed_ns + STEADY_SLACK_NS;
}

static void keep(struct ntp_poll *poll, const struct ntp_sample *sample)
{
    size_t kept = poll->sample_count < NTP_SAMPLES_MAX ? poll->sample_count : NTP_SAMPLES_MAX - 1;
    memmove(&poll->samples[1], &poll->samples[0], kept * sizeof(poll->samples[0]));
    poll->samples[0] = *sample;
    poll->sample_count = kept + 1;
}

/* ---- What has come of a request ------------------------------------------------------------- */

void ntp_poll_on_sample(struct ntp_poll *poll, const struct ntp_schedule *schedule,
                        int64_t asked_ns, const struct ntp_sample *sample, uint64_t random)
{
    bool steady =
        poll->sample_count == 0 || fit_together(best_sample(poll, sample->boot_ns), sample);
    if (ntp_poll_is_silent(poll, schedule))
        poll->burst_left = schedule->burst_count;
    if (!steady) {
        /* The server's clock was set, or ours jumped: what was said before is void. */
        poll->sample_count = 0;
        poll->interval_ns = schedule->interval_min_ns;
    } else if (poll->burst_left == 0) {
        poll->interval_ns = min(poll->interval_ns * 2, schedule->interval_max_ns);
    }

    keep(poll, sample);
    poll->heard_ns = sample->boot_ns;
    poll->misses = 0;
    if (poll->burst_left > 0)
        poll->burst_left--;
    schedule_next(poll, schedule, asked_ns, random);
}

void ntp_poll_on_miss(struct ntp_poll *poll, const struct ntp_schedule *schedule, int64_t asked_ns,
                      uint64_t random)
{
    if (poll->misses < UINT32_MAX)
        poll->misses++;
    if (poll->burst_left > 0)
        poll->burst_left--;
    schedule_next(poll, schedule, asked_ns, random);
}

void ntp_poll_on_refusal(struct ntp_poll *poll, const struct ntp_schedule *schedule,
                         int64_t asked_ns, enum ntp_verdict verdict, uint64_t random)
{
    BUG_IF(verdict == NTP_GOOD || verdict == NTP_STRAY);
    if (verdict == NTP_KISS_DENY) {
        poll->refused = true;
        poll->next_ns = INT64_MAX;
        return;
    }
    if (verdict == NTP_KISS_RATE) {
        int64_t floor_ns = max(2 * poll->interval_floor_ns, 2 * schedule->interval_min_ns);
        poll->interval_floor_ns = min(floor_ns, schedule->interval_max_ns);
        poll->burst_left = 0;
    }
    ntp_poll_on_miss(poll, schedule, asked_ns, random);
}

enum ntp_voice ntp_poll_voice(const struct ntp_poll *poll, const struct ntp_schedule *schedule,
                              int64_t now_ns)
{
    if (poll->refused)
        return NTP_VOICE_NONE;
    if (poll->heard_ns == INT64_MIN) /* RATE ends the first burst, too */
        return poll->burst_left > 0 ? NTP_VOICE_PENDING : NTP_VOICE_NONE;
    return now_ns - poll->heard_ns <= schedule->vote_expiry_ns ? NTP_VOICE_HEARD : NTP_VOICE_NONE;
}
