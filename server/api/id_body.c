#include "server/api/id_body.h"

#include <endian.h>
#include <string.h>

#include "common/bug.h"
#include "common/number.h"
#include "common/timestamp.h"
#include "server/api/id_text.h"

/* What stands around and between the ids.  {"id":1,"timestamp":2} and {"ids":[1,2],"timestamp":3}
 */
struct frame {
    struct span open;    /* before the first id */
    struct span between; /* between two ids; or */
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

static uint64_t first_id(const struct service *service, struct sonyflake_run run)
{
    uint64_t id;
    BUG_IF(sonyflake_run_stretch(service->generator, &run, 1, &id) != 1);
    return id;
}

static uint64_t last_id(const struct service *service, struct sonyflake_run run)
{
    run.position += run.count - 1;
    run.count = 1;
    return first_id(service, run);
}

/* Decimal digits of all ids, one by one. */
static size_t count_digits(const struct id_order *order, const struct service *service)
{
    size_t digits = 0;
    for (uint32_t i = 0; i < order->run_count; i++) {
        struct sonyflake_run run = id_order_runs(order)[i];
        uint64_t id;
        while (sonyflake_run_stretch(service->generator, &run, 1, &id) == 1)
            digits += format_u64_len(id);
    }
    return digits;
}

/* Decimal digits of all ids, of which these are the first and the last. */
static size_t digits_of(const struct id_order *order, const struct service *service, uint64_t first,
                        uint64_t last)
{
    unsigned len = format_u64_len(first);
    if (len == format_u64_len(last)) /* and so have all in between */
        return (size_t)len * order->taken;
    return count_digits(order, service); /* a power of ten lies among them, once in a decade */
}

struct id_body id_body_of(const struct id_order *order, const struct service *service)
{
    BUG_IF(order->taken != order->wanted || order->run_count == 0);
    struct id_body body = {.order = order, .service = service};
    if (order->format == ID_FORMAT_BINARY) {
        body.len = order->taken * sizeof(uint64_t);
        return body;
    }
    const struct sonyflake_run *runs = id_order_runs(order);
    uint64_t last = last_id(service, runs[order->run_count - 1]);
    int64_t time_ns;
    BUG_IF(sonyflake_id_time(&service->layout, last, &time_ns) != SONYFLAKE_OK);
    body.timestamp = (uint64_t)(time_ns / NS_PER_S);

    const struct frame frame = frame_of(order);
    body.len = digits_of(order, service, first_id(service, runs[0]), last) + frame.open.len +
               frame.between.len * (order->taken - 1) + frame.after.len * order->taken +
               frame.close.len;
    if (frame.timestamp)
        body.len += format_u64_len(body.timestamp) + 1;
    return body;
}

size_t id_body_room(uint32_t count)
{
    /* Strings are the longest: quotes and comma; and the frame around them. */
    return count * (size_t)(U64_DIGITS_MAX + 3) + 64 + ID_TEXT_SCRATCH;
}

static char *put(char *at, struct span bytes)
{
    memcpy(at, bytes.base, bytes.len);
    return at + bytes.len;
}

/* Two ids, in one register where there are such. */
typedef uint64_t id_pair __attribute__((vector_size(16)));

/* Ids that follow each other and differ in their last byte only: nothing has to be carried over. */
static char *put_binary_block(char *at, uint64_t first, size_t count)
{
    const uint64_t one = htobe64(1);
    const uint64_t id = htobe64(first);
    const id_pair step = {2 * one, 2 * one};
    id_pair pair = {id, id + one};
    for (; count >= 2; count -= 2) {
        memcpy(at, &pair, sizeof(pair));
        at += sizeof(pair);
        pair += step;
    }
    if (count == 0)
        return at;
    memcpy(at, &pair, sizeof(id));
    return at + sizeof(id);
}

static char *put_binary(char *at, uint64_t first, size_t count)
{
    while (count > 0) {
        size_t block = 256 - (size_t)(first % 256);
        block = block < count ? block : count;
        at = put_binary_block(at, first, block);
        first += block;
        count -= block;
    }
    return at;
}

size_t id_body_write(const struct id_body *body, char *out)
{
    const struct id_order *order = body->order;
    const struct frame frame = frame_of(order);
    const struct sonyflake_run *runs = id_order_runs(order);
    const struct span behind = frame.after.len > 0 ? frame.after : frame.between;
    char *at = put(out, frame.open);

    for (uint32_t i = 0; i < order->run_count; i++) {
        struct sonyflake_run run = runs[i];
        while (run.count > 0) {
            uint64_t first;
            size_t count = sonyflake_run_stretch(body->service->generator, &run, run.count, &first);
            at = order->format == ID_FORMAT_BINARY ? put_binary(at, first, count)
                                                   : id_text_put(at, first, count, behind);
        }
    }
    at -= frame.between.len; /* there is none after the last id */
    at = put(at, frame.close);
    if (frame.timestamp) {
        at += format_u64(body->timestamp, at);
        *at++ = '}';
    }
    return (size_t)(at - out);
}
