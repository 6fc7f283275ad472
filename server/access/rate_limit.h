/*
 * rate_limit.h: a bucket of tokens per client, in a table of fixed size.
 *
 * A bucket is one number, the time at which it will be full again (the "generic cell rate
 * algorithm"), and taking tokens is one compare-and-swap: threads never wait for each other.  A
 * client whose bucket is full need not be remembered, so its place is anybody's; if a set of places
 * holds nobody else, the one who will be full first is forgotten, in its favour.
 *
 * Threads  rate_limit_take() from any.  Two clients who come to one place at the same moment may
 *          be taken for each other for one request.
 * Memory   Reserved by create(), touched as clients come, never more.
 */
#ifndef SERVER_ACCESS_RATE_LIMIT_H
#define SERVER_ACCESS_RATE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"

#define RATE_LIMIT_WAYS 4             /* places that a client may have: a cache line of them */
#define RATE_LIMIT_SETS (1U << 14)    /* 65,536 clients at a time, in 1 MiB */
#define RATE_LIMIT_TOKENS_MAX 1000000 /* per second, and in a bucket */

struct rate_limit_place {
    _Atomic uint64_t key;    /* of the client; 0: nobody's */
    _Atomic int64_t full_ns; /* monotonic */
};

struct rate_limit {
    struct rate_limit_place (*sets)[RATE_LIMIT_WAYS];
    int64_t token_ns; /* time in which a token comes */
    int64_t burst_ns; /* time in which an empty bucket becomes full */
};

/* Both are 1 to RATE_LIMIT_TOKENS_MAX.  Returns 0 or -ENOMEM. */
NODISCARD int rate_limit_create(struct rate_limit *limit, uint64_t tokens_per_s, uint64_t burst);

/* One zeroed is allowed. */
void rate_limit_destroy(struct rate_limit *limit);

/*
 * Takes tokens, at most 1,000,000, for the client of key, not 0, at now_ns.  More than a bucket
 * holds can be taken from a full one; it is then empty for as long as all of them take to come.
 * Returns true; or false with the time until it would be, in *reterr_wait_ns, and takes nothing.
 */
NODISCARD bool rate_limit_take(struct rate_limit *limit, uint64_t key, uint64_t tokens,
                               int64_t now_ns, int64_t *reterr_wait_ns);

#endif
