#include "cli/id_output.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/number.h"
#include "common/timestamp.h"
#include "sonyflake.h"

#define ID_MAX_LEN 80 /* bytes of the longest: JSON */

bool id_output_format_find(struct span name, enum id_output_format *ret_format)
{
    static const struct span names[] = {
        [ID_OUTPUT_TEXT] = SPAN_INIT("text"),
        [ID_OUTPUT_JSON] = SPAN_INIT("json"),
        [ID_OUTPUT_STRING] = SPAN_INIT("string"),
        [ID_OUTPUT_BINARY] = SPAN_INIT("binary"),
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equal(name, names[i])) {
            *ret_format = (enum id_output_format)i;
            return true;
        }
    }
    return false;
}

static size_t put_json(const struct id_output *output, uint64_t id, char *out)
{
    struct sonyflake_layout layout = SONYFLAKE_LAYOUT_DEFAULT;
    layout.start_time_ns = output->start_time_ns;
    int64_t time_ns = 0;
    const char *quote = output->format == ID_OUTPUT_STRING ? "\"" : "";
    if (sonyflake_id_time(&layout, id, &time_ns) != SONYFLAKE_OK)
        time_ns = 0; /* past 2262 */
    int len = snprintf(out, ID_MAX_LEN, "{\"id\":%s%" PRIu64 "%s,\"timestamp\":%" PRId64 "}\n",
                       quote, id, quote, time_ns / NS_PER_S);
    return (size_t)len;
}

static size_t put_id(const struct id_output *output, uint64_t id, char *out)
{
    uint64_t big_endian = htobe64(id);
    size_t len;
    switch (output->format) {
    case ID_OUTPUT_JSON:
    case ID_OUTPUT_STRING:
        return put_json(output, id, out);
    case ID_OUTPUT_BINARY:
        memcpy(out, &big_endian, sizeof(big_endian));
        return sizeof(big_endian);
    case ID_OUTPUT_TEXT:
        break;
    }
    len = format_u64(id, out);
    out[len] = '\n';
    return len + 1;
}

int id_output_add(struct id_output *output, uint64_t id)
{
    int r = output->used + ID_MAX_LEN > sizeof(output->buffer) ? id_output_flush(output) : 0;
    if (r == 0)
        output->used += put_id(output, id, output->buffer + output->used);
    return r;
}

/* Where the id ends that has bytes before this point; the point itself if it is between two. */
static size_t id_end(const struct id_output *output, size_t at)
{
    if (output->format == ID_OUTPUT_BINARY)
        return (at + 7) / 8 * 8;
    while (at > 0 && output->buffer[at - 1] != '\n')
        at++;
    return at;
}

static uint64_t count_ids(const struct id_output *output, size_t len)
{
    if (output->format == ID_OUTPUT_BINARY)
        return len / 8;
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += output->buffer[i] == '\n';
    return count;
}

int id_output_flush(struct id_output *output)
{
    size_t end = output->used;
    size_t done = 0;
    int r = 0;
    while (done < end && r == 0) {
        ssize_t len = write(STDOUT_FILENO, output->buffer + done, end - done);
        struct pollfd one = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (len > 0)
            done += (size_t)len;
        else if (errno == EAGAIN)
            (void)poll(&one, 1, -1); /* somebody made it non-blocking */
        else if (errno != EINTR)
            r = -errno;
        if (*output->stopped != 0)
            end = id_end(output, done);
    }
    output->written += count_ids(output, done);
    output->is_torn = r != 0 && id_end(output, done) != done;
    if (r == 0 && done < output->used)
        r = -EINTR;
    output->used = 0;
    return r;
}
