#include "server/api/id_body.h"

#include <endian.h>
#include <string.h>

#include "common/bug.h"
#include "common/number.h"
#include "common/timestamp.h"

/* What stands around and between the ids.  {"id":1,"timestamp":2} and {"ids":[1,2],"timestamp":3}
 */
struct frame {
    struct span open;    /* before the first id */
    struct span between; /* between two ids */
    struct span after;   /* after each id, the last one too */
    struct span close;   /* after the last id; then the timestamp */
    bool timestamp;      /* whether a timestamp and a closing brace follow */
};

static struct frame frame_of(const struct id_order *order)
{
    static const struct frame number = {SPAN_INIT("{\"id\":"), SPAN_INIT(""), SPAN_INIT(""),
                                        SPAN_INIT(",\"timestamp\":"), true};
    static const struct frame numbers = {SPAN_INIT("{\"ids\":["), SPAN_INIT(","), SPAN_INIT(""),
                                         SPAN_INIT("],\"timestamp\":"), true};
    static const struct frame string = {SPAN_INIT("{\"id\":\""), SPAN_INIT(""), SPAN_INIT(""),
                                        SPAN_INIT("\",\"timestamp\":"), true};
    static const struct frame strings = {SPAN_INIT("{\"ids\":[\""), SPAN_INIT("\",\""),
                                         SPAN_INIT(""), SPAN_INIT("\"],\"timestamp\":"), true};
    static const struct frame text = {SPAN_INIT(""), SPAN_INIT(""), SPAN_INIT("\n"), SPAN_INIT(""),
                                      false};
    static const struct frame binary = {SPAN_INIT(""), SPAN_INIT(""), SPAN_INIT(""), SPAN_INIT(""),
                                        false};

    switch (order->format) {
    case ID_FORMAT_NUMBER:
        return order->is_list ? numbers : number;
    case ID_FORMAT_STRING:
        return order->is_list ? strings : string;
    case ID_FORMAT_TEXT:
        return text;
    case ID_FORMAT_BINARY:
        break;
    }
    return binary;
}

struct span id_format_content_type(enum id_format format)
{
    switch (format) {
    case ID_FORMAT_NUMBER:
    case ID_FORMAT_STRING:
        return SPAN("application/json");
    case ID_FORMAT_TEXT:
        return SPAN("text/plain; charset=utf-8");
    case ID_FORMAT_BINARY:
        break;
    }
    return SPAN("application/octet-stream");
}

/* The second in which the tick of the last id lies. */
static uint64_t timestamp_of(const struct id_order *order, const struct service *service)
{
    struct sonyflake_run last = id_order_runs(order)[order->run_count - 1];
    uint64_t id;
    int64_t time_ns;
    BUG_IF(sonyflake_run_ids(service->generator, &last, &id, 1) != 1);
    BUG_IF(sonyflake_id_time(&service->layout, id, &time_ns) != SONYFLAKE_OK);
    return (uint64_t)(time_ns / NS_PER_S);
}

/* Decimal digits of all ids of a run together. */
static size_t run_digits(struct sonyflake_run run, const struct service *service)
{
    uint64_t first;
    uint64_t last;
    struct sonyflake_run tail = run;
    tail.position += run.count - 1;
    tail.count = 1;
    struct sonyflake_run head = run;
    BUG_IF(sonyflake_run_ids(service->generator, &head, &first, 1) != 1);
    BUG_IF(sonyflake_run_ids(service->generator, &tail, &last, 1) != 1);
    if (format_u64_len(first) == format_u64_len(last))
        return (size_t)format_u64_len(first) * run.count;

    /* A power of ten lies in this run, once in a decade. */
    size_t digits = 0;
    while (run.count > 0) {
        BUG_IF(sonyflake_run_ids(service->generator, &run, &first, 1) != 1);
        digits += format_u64_len(first);
    }
    return digits;
}

size_t id_body_len(const struct id_order *order, const struct service *service)
{
    BUG_IF(order->taken != order->wanted || order->run_count == 0);
    if (order->format == ID_FORMAT_BINARY)
        return order->taken * sizeof(uint64_t);

    const struct frame frame = frame_of(order);
    const struct sonyflake_run *runs = id_order_runs(order);
    size_t len = frame.open.len + frame.between.len * (order->taken - 1) +
                 frame.after.len * order->taken + frame.close.len;
    for (uint32_t i = 0; i < order->run_count; i++)
        len += run_digits(runs[i], service);
    if (frame.timestamp)
        len += format_u64_len(timestamp_of(order, service)) + 1;
    return len;
}

size_t id_body_len_max(uint32_t count)
{
    /* Strings are the longest: quotes, comma and the digits of an id; and the frame around them. */
    return count * (size_t)(U64_DIGITS_MAX + 3) + 64;
}

static char *put(char *at, struct span bytes)
{
    memcpy(at, bytes.base, bytes.len);
    return at + bytes.len;
}

static char *put_ids(char *at, const uint64_t *ids, size_t count, const struct frame *frame)
{
    for (size_t i = 0; i < count; i++) {
        at += format_u64(ids[i], at);
        at = put(at, frame->after);
        at = put(at, frame->between);
    }
    return at;
}

static char *put_ids_binary(char *at, const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t big_endian = htobe64(ids[i]);
        memcpy(at, &big_endian, sizeof(big_endian));
        at += sizeof(big_endian);
    }
    return at;
}

size_t id_body_write(const struct id_order *order, const struct service *service, char *out)
{
    enum { CHUNK = 128 };
    const struct frame frame = frame_of(order);
    const struct sonyflake_run *runs = id_order_runs(order);
    uint64_t ids[CHUNK];
    char *at = put(out, frame.open);

    for (uint32_t i = 0; i < order->run_count; i++) {
        struct sonyflake_run run = runs[i];
        while (run.count > 0) {
            size_t count = sonyflake_run_ids(service->generator, &run, ids, CHUNK);
            at = order->format == ID_FORMAT_BINARY ? put_ids_binary(at, ids, count)
                                                   : put_ids(at, ids, count, &frame);
        }
    }
    at -= frame.between.len; /* there is none after the last id */
    at = put(at, frame.close);
    if (frame.timestamp) {
        at += format_u64(timestamp_of(order, service), at);
        *at++ = '}';
    }
    return (size_t)(at - out);
}
