/*
 * exposition.h: writes metrics as Prometheus reads them: text format 0.0.4, or OpenMetrics 1.0.0.
 *
 * The two differ in little: OpenMetrics names a counter without its _total where it describes it,
 * knows infos, and has an end.
 *
 * Threads  Pure.
 * Memory   Writes to the caller's buffer; too little room is a bug, as in output.h.
 */
#ifndef SERVER_METRICS_EXPOSITION_H
#define SERVER_METRICS_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/histogram.h"
#include "common/span.h"
#include "server/http/output.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

struct metric {
    struct span name; /* of its samples: with _total or _info, without _bucket */
    enum metric_type type;
    struct span help; /* one sentence, without '\' and '"' */
};

/* A name and a value that need no escaping. */
struct metric_label {
    struct span name;
    struct span value;
};

struct exposition {
    struct http_output *out;
    bool openmetrics;
};

/* The Content-Type of what is written. */
struct span exposition_content_type(const struct exposition *e);

/* Describes a metric: once, before its samples, which follow one another. */
void exposition_begin(struct exposition *e, const struct metric *metric);

/* A sample without labels, with one, and with two; the value as it is, or ns written in seconds. */
void exposition_u64(struct exposition *e, const struct metric *metric, uint64_t value);
void exposition_ns(struct exposition *e, const struct metric *metric, int64_t ns);
void exposition_u64_of(struct exposition *e, const struct metric *metric, struct span label,
                       struct span label_value, uint64_t value);
void exposition_u64_of_two(struct exposition *e, const struct metric *metric,
                           const struct metric_label labels[static 2], uint64_t value);

/* All samples of a histogram. */
void exposition_histogram(struct exposition *e, const struct metric *metric,
                          const struct histogram_reading *reading);

/* After the last metric. */
void exposition_end(struct exposition *e);

#endif
