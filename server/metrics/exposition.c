#include "server/metrics/exposition.h"

#include "common/timestamp.h"

struct span exposition_content_type(const struct exposition *e)
{
    return e->openmetrics ? SPAN("application/openmetrics-text; version=1.0.0; charset=utf-8")
                          : SPAN("text/plain; version=0.0.4; charset=utf-8");
}

static void put(struct exposition *e, struct span text)
{
    http_output_put(e->out, text);
}

static struct span without_suffix(struct span name, struct span suffix)
{
    if (name.len > suffix.len &&
        span_equal((struct span){name.base + name.len - suffix.len, suffix.len}, suffix))
        name.len -= suffix.len;
    return name;
}

/* The name under which a metric is described. */
static struct span family_name(const struct exposition *e, const struct metric *metric)
{
    if (e->openmetrics && metric->type == METRIC_COUNTER)
        return without_suffix(metric->name, SPAN("_total"));
    if (e->openmetrics && metric->type == METRIC_INFO)
        return without_suffix(metric->name, SPAN("_info"));
    return metric->name;
}

static struct span type_name(const struct exposition *e, enum metric_type type)
{
    switch (type) {
    case METRIC_COUNTER:
        return SPAN("counter");
    case METRIC_GAUGE:
        break;
    case METRIC_HISTOGRAM:
        return SPAN("histogram");
    case METRIC_INFO:
        return e->openmetrics ? SPAN("info") : SPAN("gauge");
    }
    return SPAN("gauge");
}

void exposition_begin(struct exposition *e, const struct metric *metric)
{
    const struct span name = family_name(e, metric);
    put(e, SPAN("# HELP "));
    put(e, name);
    put(e, SPAN(" "));
    put(e, metric->help);
    put(e, SPAN("\n# TYPE "));
    put(e, name);
    put(e, SPAN(" "));
    put(e, type_name(e, metric->type));
    put(e, SPAN("\n"));
}

static void put_label(struct exposition *e, struct span name, struct span value)
{
    put(e, name);
    put(e, SPAN("=\""));
    put(e, value);
    put(e, SPAN("\""));
}

static void put_value(struct exposition *e, uint64_t value)
{
    put(e, SPAN(" "));
    http_output_put_u64(e->out, value);
    put(e, SPAN("\n"));
}

/* All of an int64_t's nanoseconds, which a floating-point number would round. */
static void put_seconds(struct exposition *e, int64_t ns)
{
    uint64_t magnitude = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t fraction = magnitude % NS_PER_S;
    put(e, ns < 0 ? SPAN(" -") : SPAN(" "));
    http_output_put_u64(e->out, magnitude / NS_PER_S);

    char digits[] = ".000000000\n";
    for (size_t i = sizeof(digits) - 3; i > 0; i--, fraction /= 10)
        digits[i] = (char)('0' + fraction % 10);
    put(e, (struct span){digits, sizeof(digits) - 1});
}

void exposition_u64(struct exposition *e, const struct metric *metric, uint64_t value)
{
    put(e, metric->name);
    put_value(e, value);
}

void exposition_ns(struct exposition *e, const struct metric *metric, int64_t ns)
{
    put(e, metric->name);
    put_seconds(e, ns);
}

void exposition_u64_of(struct exposition *e, const struct metric *metric, struct span label,
                       struct span label_value, uint64_t value)
{
    put(e, metric->name);
    put(e, SPAN("{"));
    put_label(e, label, label_value);
    put(e, SPAN("}"));
    put_value(e, value);
}

void exposition_u64_of_two(struct exposition *e, const struct metric *metric,
                           const struct metric_label labels[static 2], uint64_t value)
{
    put(e, metric->name);
    put(e, SPAN("{"));
    put_label(e, labels[0].name, labels[0].value);
    put(e, SPAN(","));
    put_label(e, labels[1].name, labels[1].value);
    put(e, SPAN("}"));
    put_value(e, value);
}

void exposition_histogram(struct exposition *e, const struct metric *metric,
                          const struct histogram_reading *reading)
{
    uint64_t so_far = 0; /* a bucket has all that lies below its bound */
    for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
        so_far += reading->buckets[i];
        put(e, metric->name);
        put(e, SPAN("_bucket{"));
        put_label(e, SPAN("le"), span_of(histogram_bound_text(i)));
        put(e, SPAN("}"));
        put_value(e, so_far);
    }
    put(e, metric->name);
    put(e, SPAN("_sum"));
    put_seconds(e, (int64_t)reading->sum_ns);
    put(e, metric->name);
    put(e, SPAN("_count"));
    put_value(e, reading->count);
}

void exposition_end(struct exposition *e)
{
    if (e->openmetrics)
        put(e, SPAN("# EOF\n"));
}
