/*
 * counters.h: what one worker counts, for GET /metrics.
 *
 * Every worker has its own, in cache lines that nobody else writes, and is the only one to write
 * them; a scrape adds them up.  A request costs two or three additions, see counter.h.
 */
#ifndef SERVER_METRICS_COUNTERS_H
#define SERVER_METRICS_COUNTERS_H

#include <stdalign.h>
#include <stdint.h>

#include "common/counter.h"
#include "common/histogram.h"
#include "server/http/response.h"

/* Paths of the API that can be told apart; the last stands for all that are none of ours. */
#define COUNTERS_PATHS_MAX 16
#define COUNTERS_PATH_GENERATE 0
#define COUNTERS_PATH_OTHER (COUNTERS_PATHS_MAX - 1)

/* Why ids are refused: the label, and what it means. */
#define REFUSALS(X)                                                                  \
    X(REFUSED_QUEUE, "queue")       /* more are wanted than are made in time */      \
    X(REFUSED_BATCHES, "batches")   /* too many large batches at once */             \
    X(REFUSED_LEAD, "lead")         /* the clock was set back, or MIN_ID is ahead */ \
    X(REFUSED_MARK, "mark")         /* the mark is reached and does not move */      \
    X(REFUSED_CLOCK, "clock")       /* the clock is before the start time */         \
    X(REFUSED_LIFETIME, "lifetime") /* it has ended, or MIN_ID is its end */

enum refusal {
#define X(name, label) name,
    REFUSALS(X)
#undef X
        REFUSAL_COUNT
};

/* States of connections; those of connection.h. */
#define COUNTERS_STATES_MAX 8

struct counters {
    /* What every request for ids touches, in one cache line. */
    alignas(64) counter ids; /* in answers */
    struct histogram waits;  /* for ids, one per answer; nearly all are in the first bucket */

    /* Answers by path and status, but for those with ids, which waits counts. */
    counter answers[COUNTERS_PATHS_MAX][HTTP_STATUS_COUNT];
    counter refused[REFUSAL_COUNT];
    counter opened;                           /* connections */
    counter connections[COUNTERS_STATES_MAX]; /* at present, by state */
    counter unsent; /* of them, those with answers that the client has not taken */

    struct counters *next; /* of the next worker; constant while they run */
};

static inline void counters_answer(struct counters *counters, unsigned path, uint16_t status)
{
    counter_add(&counters->answers[path][http_status_index(status)], 1);
}

#endif
