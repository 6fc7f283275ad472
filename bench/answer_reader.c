#include "bench/answer_reader.h"

#include <string.h>

#include "common/number.h"

#define TIMESTAMP_DIGITS 10
#define STATUS_AT 9 /* behind "HTTP/1.1 " */

#define LENGTH_FIELD "Content-Length: "

/* ---- Heads ---------------------------------------------------------------------------------- */

struct head {
    size_t len; /* 0: it has not arrived whole */
    size_t content_length;
    bool ok;
};

static bool parse_content_length(const char *base, const char *end, size_t *ret_length)
{
    const char *field = memmem(base, (size_t)(end - base), LENGTH_FIELD, strlen(LENGTH_FIELD));
    if (field == NULL)
        return false;
    const char *digits = field + strlen(LENGTH_FIELD);
    const char *line_end = memchr(digits, '\r', (size_t)(end - digits));
    uint64_t value;
    if (line_end == NULL ||
        parse_u64((struct span){digits, (size_t)(line_end - digits)}, 0, SIZE_MAX, &value) < 0)
        return false;
    *ret_length = (size_t)value;
    return true;
}

/* Returns false for a head that makes no sense. */
static bool parse_head(const char *bytes, size_t len, struct head *ret_head)
{
    *ret_head = (struct head){0};
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL)
        return len < ANSWER_HEAD_MAX;
    end += 4;
    if ((size_t)(end - bytes) < STATUS_AT + 3 || memcmp(bytes, "HTTP/1.1 ", STATUS_AT) != 0)
        return false;
    ret_head->len = (size_t)(end - bytes);
    ret_head->ok = memcmp(bytes + STATUS_AT, "200", 3) == 0;
    return parse_content_length(bytes, end, &ret_head->content_length);
}

/* ---- Bodies --------------------------------------------------------------------------------- */

static void see_id(struct answer_reader *reader, struct answer_totals *totals)
{
    totals->disorder += reader->value <= reader->last_id;
    reader->last_id = reader->value;
    id_checker_see(&totals->checker, reader->value);
}

static void end_number(struct answer_reader *reader, struct answer_totals *totals)
{
    if (reader->value_len > TIMESTAMP_DIGITS)
        see_id(reader, totals);
    reader->value = 0;
    reader->value_len = 0;
}

static void read_text(struct answer_reader *reader, struct answer_totals *totals, const char *bytes,
                      size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';
        if (digit < 10) {
            reader->value = reader->value * 10 + digit;
            reader->value_len++;
        } else if (reader->value_len > 0) {
            end_number(reader, totals);
        }
    }
}

static void read_binary(struct answer_reader *reader, struct answer_totals *totals,
                        const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        reader->value = reader->value << 8 | (unsigned char)bytes[i];
        if (++reader->value_len == sizeof(uint64_t)) {
            see_id(reader, totals);
            reader->value = 0;
            reader->value_len = 0;
        }
    }
}

static void read_body(struct answer_reader *reader, struct answer_totals *totals, const char *bytes,
                      size_t len)
{
    switch (totals->ids) {
    case ANSWER_IDS_NONE:
        break;
    case ANSWER_IDS_TEXT:
        read_text(reader, totals, bytes, len);
        break;
    case ANSWER_IDS_BINARY:
        read_binary(reader, totals, bytes, len);
        break;
    }
}

/* ---- Answers -------------------------------------------------------------------------------- */

static void read_on(struct answer_reader *reader, struct answer_totals *totals, size_t len,
                    uint64_t *io_ended)
{
    totals->bytes += len;
    reader->body_left -= len;
    if (reader->body_left > 0)
        return;
    if (reader->value_len > 0)
        end_number(reader, totals); /* text may end in a digit */
    totals->answers++;
    (*io_ended)++;
}

/*
 * Reads a head, the beginning of which may have been kept.  Returns how many of the bytes belong to
 * it, or 0 when it makes no sense.
 */
static size_t take_head(struct answer_reader *reader, struct answer_totals *totals,
                        const char *bytes, size_t len)
{
    const size_t kept = reader->head_len;
    const char *base = bytes;
    size_t base_len = len;
    struct head head;
    if (kept > 0) {
        size_t room = ANSWER_HEAD_MAX - kept;
        memcpy(reader->head + kept, bytes, len < room ? len : room);
        base = reader->head;
        base_len = kept + (len < room ? len : room);
    }
    if (!parse_head(base, base_len, &head))
        return 0;
    if (head.len == 0) {
        if (kept == 0)
            memcpy(reader->head, bytes, len);
        reader->head_len = base_len;
        return len;
    }
    reader->head_len = 0;
    reader->body_len = head.content_length;
    reader->body_left = head.content_length;
    totals->not_ok += !head.ok;
    totals->bytes += head.len;
    return head.len - kept;
}

bool answer_reader_take(struct answer_reader *reader, struct answer_totals *totals,
                        const char *bytes, size_t len, uint64_t *io_ended)
{
    while (len > 0) {
        size_t used = len < reader->body_left ? len : reader->body_left;
        if (reader->body_left > 0) {
            read_body(reader, totals, bytes, used);
            read_on(reader, totals, used, io_ended);
        } else {
            used = take_head(reader, totals, bytes, len);
            if (used == 0)
                return false;
            if (reader->head_len == 0 && reader->body_left == 0)
                read_on(reader, totals, 0, io_ended);
        }
        bytes += used;
        len -= used;
    }
    return true;
}

size_t answer_reader_skippable(const struct answer_reader *reader,
                               const struct answer_totals *totals)
{
    return totals->ids == ANSWER_IDS_NONE ? reader->body_left : 0;
}

void answer_reader_skip(struct answer_reader *reader, struct answer_totals *totals, size_t len,
                        uint64_t *io_ended)
{
    read_on(reader, totals, len, io_ended);
}
