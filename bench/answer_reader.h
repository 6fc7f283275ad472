/*
 * answer_reader.h: takes a stream of HTTP answers apart, in whatever pieces it arrives, and finds
 * the ids in their bodies.
 *
 * Made for benchmarks: every answer has a Content-Length, or it makes no sense.
 */
#ifndef BENCH_ANSWER_READER_H
#define BENCH_ANSWER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/id_checker.h"

#define ANSWER_HEAD_MAX 512

/* What bodies hold. */
enum answer_ids {
    ANSWER_IDS_NONE,   /* nothing that is to be looked at */
    ANSWER_IDS_TEXT,   /* decimal: every number of more digits than a timestamp has is an id */
    ANSWER_IDS_BINARY, /* 8 bytes each, most significant first */
};

struct answer_reader {
    char head[ANSWER_HEAD_MAX]; /* of an answer whose head has not arrived whole */
    size_t head_len;
    size_t body_len; /* of the newest answer */
    size_t body_left;

    /* The id whose end has not arrived, and the one before it. */
    uint64_t value;
    unsigned value_len; /* digits or bytes */
    uint64_t last_id;
};

/* What the answers of all connections came to. */
struct answer_totals {
    enum answer_ids ids;
    struct id_checker checker;
    uint64_t answers;
    uint64_t not_ok;   /* of them, those with another status than 200 */
    uint64_t bytes;    /* heads and bodies */
    uint64_t disorder; /* ids that were not above the one before on the same connection */
};

/*
 * Reads len more bytes of a connection.  Returns false when they are no such answers.  The number
 * of answers that ended in them is added to *io_ended.
 */
bool answer_reader_take(struct answer_reader *reader, struct answer_totals *totals,
                        const char *bytes, size_t len, uint64_t *io_ended);

/* Bytes of the body at hand that are still to come and that nobody has to look at. */
size_t answer_reader_skippable(const struct answer_reader *reader,
                               const struct answer_totals *totals);

/* Counts len of those as read without having been looked at. */
void answer_reader_skip(struct answer_reader *reader, struct answer_totals *totals, size_t len,
                        uint64_t *io_ended);

#endif
