#include "common/histogram.h"

static const int64_t bounds_ns[HISTOGRAM_BOUND_COUNT] = {
#define X(text, ns) INT64_C(ns),
    HISTOGRAM_BOUNDS(X)
#undef X
};

const char *histogram_bound_text(unsigned i)
{
    static const char *const texts[HISTOGRAM_BOUND_COUNT + 1] = {
#define X(text, ns) text,
        HISTOGRAM_BOUNDS(X)
#undef X
            "+Inf"};
    return texts[i];
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    unsigned i = 0;
    while (i < HISTOGRAM_BOUND_COUNT && ns > bounds_ns[i])
        i++;
    counter_add(&histogram->buckets[i], 1);
    counter_add(&histogram->sum_ns, (uint64_t)ns);
}

void histogram_read(const struct histogram *histogram, struct histogram_reading *reading)
{
    for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
        uint64_t count = counter_read(&histogram->buckets[i]);
        reading->buckets[i] += count;
        reading->count += count;
    }
    reading->sum_ns += counter_read(&histogram->sum_ns);
}
