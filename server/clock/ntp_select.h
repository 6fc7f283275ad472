/*
 * ntp_select.h: which of several servers to follow.
 *
 * Each claims that the true offset lies within offset - error to offset + error.  Servers whose
 * intervals have a point in common can all be right.  Those who are right are taken to be more
 * than half of all (Marzullo's algorithm, RFC 5905 section 11.2.1); of them the one with the
 * smallest error is followed.  One server alone is followed; of two that contradict each other,
 * neither is.
 *
 * Pure.
 */
#ifndef SERVER_CLOCK_NTP_SELECT_H
#define SERVER_CLOCK_NTP_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one server says. */
struct ntp_vote {
    bool counts;   /* false: it has nothing to say, and offset and error mean nothing */
    bool outvoted; /* a majority found it wrong, and none has found it right since */
    int64_t offset_ns;
    int64_t error_ns; /* at least 0 */
};

enum ntp_outcome {
    NTP_NO_VOTES,
    NTP_UNDECIDED,     /* those that are still to vote will decide */
    NTP_CONTRADICTION, /* there is no majority, and no further vote to come */
    NTP_DECIDED,
};

/*
 * Finds the server to follow.  pending servers are yet to vote: a majority is one that they cannot
 * overturn.  A majority of servers that were all outvoted before is none: the liar does not become
 * right when the others fall silent.
 *
 * On NTP_DECIDED sets *ret_index to the one to follow, and `outvoted` of every vote that counts,
 * as the majority has it.
 */
enum ntp_outcome ntp_select(struct ntp_vote *votes, size_t count, size_t pending,
                            size_t *ret_index);

#endif
