/*
 * histogram.h: how long something took, counted in buckets.
 *
 * Threads  One writes, any number read; see counter.h.
 */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdint.h>

#include "common/counter.h"

/* The upper bound of each bucket: as text, in seconds, and in nanoseconds.  One list for all. */
#define HISTOGRAM_BOUNDS(X) \
    X("0.0005", 500000)     \
    X("0.001", 1000000)     \
    X("0.002", 2000000)     \
    X("0.005", 5000000)     \
    X("0.01", 10000000)     \
    X("0.02", 20000000)     \
    X("0.05", 50000000)     \
    X("0.1", 100000000)     \
    X("0.2", 200000000)     \
    X("0.5", 500000000)     \
    X("1.0", 1000000000)    \
    X("2.0", 2000000000)    \
    X("5.0", 5000000000)    \
    X("10.0", 10000000000)

enum {
#define X(text, ns) +1
    HISTOGRAM_BOUND_COUNT = 0 HISTOGRAM_BOUNDS(X)
#undef X
};

struct histogram {
    counter buckets[HISTOGRAM_BOUND_COUNT + 1]; /* each by itself; the last has no bound */
    counter sum_ns;
};

/* What several histograms say together. */
struct histogram_reading {
    uint64_t buckets[HISTOGRAM_BOUND_COUNT + 1];
    uint64_t count; /* in all buckets */
    uint64_t sum_ns;
};

/* The bound of bucket i, in seconds; "+Inf" for the last. */
const char *histogram_bound_text(unsigned i);

/* Takes note of ns, at least 0. */
void histogram_add(struct histogram *histogram, int64_t ns);

/* Takes note of something that took no time: the same as adding 0, for a hot path. */
static inline void histogram_add_none(struct histogram *histogram)
{
    counter_add(&histogram->buckets[0], 1);
}

/* Adds what the histogram holds to *reading. */
void histogram_read(const struct histogram *histogram, struct histogram_reading *reading);

#endif
