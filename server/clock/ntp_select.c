#include "server/clock/ntp_select.h"

/*
 * Servers know their errors less well than they say, and so do we.  Without this, two good ones
 * next door, microseconds away, could contradict each other.
 */
#define ERROR_SLACK_NS INT64_C(1000000)

struct agreement {
    size_t size;
    size_t best;  /* the member with the smallest error */
    bool trusted; /* at least one member was not outvoted before */
};

static int64_t low_ns(const struct ntp_vote *vote)
{
    return vote->offset_ns - vote->error_ns - ERROR_SLACK_NS;
}

static int64_t high_ns(const struct ntp_vote *vote)
{
    return vote->offset_ns + vote->error_ns + ERROR_SLACK_NS;
}

static bool overlap(const struct ntp_vote *a, const struct ntp_vote *b)
{
    return low_ns(a) <= high_ns(b) && low_ns(b) <= high_ns(a);
}

/* All whose interval contains the point. */
static struct agreement agreement_at(const struct ntp_vote *votes, size_t count, int64_t point_ns)
{
    struct agreement agreement = {0};
    for (size_t i = 0; i < count; i++) {
        const struct ntp_vote *vote = &votes[i];
        if (!vote->counts || low_ns(vote) > point_ns || high_ns(vote) < point_ns)
            continue;
        if (agreement.size == 0 || vote->error_ns < votes[agreement.best].error_ns)
            agreement.best = i;
        agreement.trusted |= !vote->outvoted;
        agreement.size++;
    }
    return agreement;
}

static bool is_better(const struct ntp_vote *votes, struct agreement a, struct agreement b)
{
    if (a.size != b.size)
        return a.size > b.size;
    return votes[a.best].error_ns < votes[b.best].error_ns;
}

/* The largest set of intervals with a common point has one where one of its intervals begins. */
static struct agreement largest_agreement(const struct ntp_vote *votes, size_t count)
{
    struct agreement largest = {0};
    for (size_t i = 0; i < count; i++) {
        if (!votes[i].counts)
            continue;
        struct agreement here = agreement_at(votes, count, low_ns(&votes[i]));
        if (largest.size == 0 || is_better(votes, here, largest))
            largest = here;
    }
    return largest;
}

enum ntp_outcome ntp_select(struct ntp_vote *votes, size_t count, size_t pending, size_t *ret_index)
{
    size_t cast = 0;
    for (size_t i = 0; i < count; i++)
        cast += votes[i].counts;
    if (cast == 0)
        return NTP_NO_VOTES;

    struct agreement agreement = largest_agreement(votes, count);
    if (2 * agreement.size <= cast + pending || !agreement.trusted)
        return pending > 0 ? NTP_UNDECIDED : NTP_CONTRADICTION;

    for (size_t i = 0; i < count; i++) {
        if (votes[i].counts)
            votes[i].outvoted = !overlap(&votes[i], &votes[agreement.best]);
    }
    *ret_index = agreement.best;
    return NTP_DECIDED;
}
