/* body.c: a state per place in the grammar of RFC 9112, 7.1; one byte, one step. */
#include "server/http/body.h"

#include "common/bug.h"
#include "server/http/chars.h"

_Static_assert(HTTP_TRAILERS_END_LF + 1 == HTTP_BODY_STATE_COUNT, "the count follows the list");

#define FAULT_SIZE "a chunk does not begin with its size in hexadecimal digits"
#define FAULT_SIZE_LINE "the size of a chunk must be followed by CR LF, or by an extension"
#define FAULT_EXTENSION "an extension of a chunk is not ;name, ;name=token or ;name=\"text\""
#define FAULT_LF "a line within a chunked body must end in CR LF"
#define FAULT_DATA "the data of a chunk is longer than the size before it says"
#define FAULT_TRAILER_NAME \
    "a trailer field is Content-Length, Transfer-Encoding or Connection; it belongs in the head"
#define FAULT_TRAILER \
    "a trailer field is not a name, a colon and a value without control characters"

/* What to say about a byte that does not fit; states without a row take every byte. */
static const char *const faults[HTTP_BODY_STATE_COUNT] = {
    [HTTP_CHUNK_SIZE_FIRST] = FAULT_SIZE,       [HTTP_CHUNK_SIZE] = FAULT_SIZE_LINE,
    [HTTP_CHUNK_NAME_FIRST] = FAULT_EXTENSION,  [HTTP_CHUNK_NAME] = FAULT_EXTENSION,
    [HTTP_CHUNK_VALUE_FIRST] = FAULT_EXTENSION, [HTTP_CHUNK_TOKEN] = FAULT_EXTENSION,
    [HTTP_CHUNK_QUOTED] = FAULT_EXTENSION,      [HTTP_CHUNK_QUOTED_PAIR] = FAULT_EXTENSION,
    [HTTP_CHUNK_QUOTED_END] = FAULT_EXTENSION,  [HTTP_CHUNK_LF] = FAULT_LF,
    [HTTP_CHUNK_DATA_CR] = FAULT_DATA,          [HTTP_CHUNK_DATA_LF] = FAULT_LF,
    [HTTP_TRAILER_FIRST] = FAULT_TRAILER,       [HTTP_TRAILER_NAME] = FAULT_TRAILER,
    [HTTP_TRAILER_VALUE] = FAULT_TRAILER,       [HTTP_TRAILER_LF] = FAULT_LF,
    [HTTP_TRAILERS_END_LF] = FAULT_LF,
};

static bool refuse(struct http_refusal *reterr_refusal, uint16_t status, const char *detail)
{
    *reterr_refusal = (struct http_refusal){status, detail};
    return false;
}

static bool refuse_large(struct http_refusal *reterr_refusal)
{
    return refuse(reterr_refusal, 413, "the body is larger than 65536 bytes; send none");
}

/* True, and the next state, if the byte fits. */
static bool go_if(struct http_body_reader *reader, bool fits, enum http_body_state next)
{
    if (fits)
        reader->state = next;
    return fits;
}

static bool take_size_digit(struct http_body_reader *reader, char byte)
{
    reader->remaining = reader->remaining << 4 | http_hex_value(byte);
    reader->state = HTTP_CHUNK_SIZE;
    return true;
}

/* What ends a size, a name or a value: the line's end, or another extension. */
static bool end_of_part(struct http_body_reader *reader, char byte)
{
    if (byte == ';')
        return go_if(reader, true, HTTP_CHUNK_NAME_FIRST);
    return go_if(reader, byte == '\r', HTTP_CHUNK_LF);
}

/* The line is complete: data follow, or after the chunk of size 0 the trailers. */
static bool end_of_chunk_line(struct http_body_reader *reader, char byte)
{
    return go_if(reader, byte == '\n',
                 reader->remaining > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER_FIRST);
}

static bool step_extension(struct http_body_reader *reader, char byte)
{
    bool is_token = http_char_is(byte, HTTP_CHAR_TOKEN);
    switch ((unsigned)reader->state) {
    case HTTP_CHUNK_NAME_FIRST:
        return go_if(reader, is_token, HTTP_CHUNK_NAME);
    case HTTP_CHUNK_NAME:
        if (byte == '=')
            return go_if(reader, true, HTTP_CHUNK_VALUE_FIRST);
        return is_token || end_of_part(reader, byte);
    case HTTP_CHUNK_VALUE_FIRST:
        return byte == '"' ? go_if(reader, true, HTTP_CHUNK_QUOTED)
                           : go_if(reader, is_token, HTTP_CHUNK_TOKEN);
    case HTTP_CHUNK_TOKEN:
        return is_token || end_of_part(reader, byte);
    case HTTP_CHUNK_QUOTED:
        if (byte == '"')
            return go_if(reader, true, HTTP_CHUNK_QUOTED_END);
        if (byte == '\\')
            return go_if(reader, true, HTTP_CHUNK_QUOTED_PAIR);
        return http_char_is(byte, HTTP_CHAR_VALUE);
    case HTTP_CHUNK_QUOTED_PAIR:
        return go_if(reader, http_char_is(byte, HTTP_CHAR_VALUE), HTTP_CHUNK_QUOTED);
    default: /* HTTP_CHUNK_QUOTED_END */
        return end_of_part(reader, byte);
    }
}

static bool step_trailer(struct http_body_reader *reader, char byte)
{
    bool is_token = http_char_is(byte, HTTP_CHAR_TOKEN);
    switch ((unsigned)reader->state) {
    case HTTP_TRAILER_FIRST:
        return byte == '\r' ? go_if(reader, true, HTTP_TRAILERS_END_LF)
                            : go_if(reader, is_token, HTTP_TRAILER_NAME);
    case HTTP_TRAILER_NAME:
        return is_token || go_if(reader, byte == ':', HTTP_TRAILER_VALUE);
    case HTTP_TRAILER_VALUE:
        return http_char_is(byte, HTTP_CHAR_VALUE) || go_if(reader, byte == '\r', HTTP_TRAILER_LF);
    case HTTP_TRAILER_LF:
        return go_if(reader, byte == '\n', HTTP_TRAILER_FIRST);
    default: /* HTTP_TRAILERS_END_LF */
        return go_if(reader, byte == '\n', HTTP_BODY_END);
    }
}

/* Goes on by one byte that is not data; false if it does not fit the grammar. */
static bool step(struct http_body_reader *reader, char byte)
{
    switch (reader->state) {
    case HTTP_CHUNK_SIZE_FIRST:
        return http_char_is(byte, HTTP_CHAR_HEX) && take_size_digit(reader, byte);
    case HTTP_CHUNK_SIZE:
        return http_char_is(byte, HTTP_CHAR_HEX) ? take_size_digit(reader, byte)
                                                 : end_of_part(reader, byte);
    case HTTP_CHUNK_NAME_FIRST:
    case HTTP_CHUNK_NAME:
    case HTTP_CHUNK_VALUE_FIRST:
    case HTTP_CHUNK_TOKEN:
    case HTTP_CHUNK_QUOTED:
    case HTTP_CHUNK_QUOTED_PAIR:
    case HTTP_CHUNK_QUOTED_END:
        return step_extension(reader, byte);
    case HTTP_CHUNK_LF:
        return end_of_chunk_line(reader, byte);
    case HTTP_CHUNK_DATA_CR:
        return go_if(reader, byte == '\r', HTTP_CHUNK_DATA_LF);
    case HTTP_CHUNK_DATA_LF:
        return go_if(reader, byte == '\n', HTTP_CHUNK_SIZE_FIRST);
    case HTTP_TRAILER_FIRST:
    case HTTP_TRAILER_NAME:
    case HTTP_TRAILER_VALUE:
    case HTTP_TRAILER_LF:
    case HTTP_TRAILERS_END_LF:
        return step_trailer(reader, byte);
    case HTTP_BODY_END:
    case HTTP_BODY_PLAIN:
    case HTTP_CHUNK_DATA:
        break;
    }
    BUG_IF(true); /* data is skipped, and the end is the end */
    return false;
}

/*
 * What decides about the message or the connection has to stand in the head (RFC 9110, 6.5.1);
 * not everybody ignores it here.
 */
static const char *const not_in_trailers[] = {"content-length", "transfer-encoding", "connection",
                                              "proxy-connection"};
#define NOT_IN_TRAILERS (sizeof(not_in_trailers) / sizeof(not_in_trailers[0]))

/* Compares a trailer field's name, which may come in pieces, with those; false if it is one. */
static bool trailer_may_be(struct http_body_reader *reader, char byte)
{
    if (reader->state == HTTP_TRAILER_FIRST) {
        reader->name_len = 0;
        reader->name_matches = (1 << NOT_IN_TRAILERS) - 1;
    }
    if (reader->name_len == UINT8_MAX)
        return true;
    for (size_t i = 0; i < NOT_IN_TRAILERS; i++) {
        if ((reader->name_matches & 1 << i) == 0)
            continue; /* it may be shorter than what has been read */
        char expected = not_in_trailers[i][reader->name_len];
        if (byte == ':' && expected == '\0')
            return false;
        if (expected == '\0' || (expected == '-' ? byte : (byte | 0x20)) != expected)
            reader->name_matches &= (uint8_t) ~(1U << i);
    }
    reader->name_len = reader->name_matches != 0 ? reader->name_len + 1 : UINT8_MAX;
    return true;
}

static bool is_data(const struct http_body_reader *reader)
{
    return reader->state == HTTP_BODY_PLAIN || reader->state == HTTP_CHUNK_DATA;
}

/* Skips data; returns how much of len. */
static size_t skip_data(struct http_body_reader *reader, size_t len)
{
    size_t skipped = reader->remaining < len ? (size_t)reader->remaining : len;
    reader->remaining -= skipped;
    if (reader->remaining == 0)
        reader->state = reader->state == HTTP_BODY_PLAIN ? HTTP_BODY_END : HTTP_CHUNK_DATA_CR;
    return skipped;
}

/* Counts a byte of framing against its ceiling. */
static bool within_ceilings(struct http_body_reader *reader, struct http_refusal *reterr_refusal)
{
    if (reader->state >= HTTP_TRAILER_FIRST) {
        if (++reader->trailers_len > HTTP_TRAILERS_MAX)
            return refuse(reterr_refusal, 431, "the trailer fields are longer than 8192 bytes");
        return true;
    }
    if (++reader->framing_len > HTTP_BODY_FRAMING_MAX)
        return refuse(reterr_refusal, 413,
                      "there is too much chunk framing around the body; send larger chunks");
    return true;
}

static bool take_framing(struct http_body_reader *reader, char byte,
                         struct http_refusal *reterr_refusal)
{
    if (!within_ceilings(reader, reterr_refusal))
        return false;
    bool in_size = reader->state == HTTP_CHUNK_SIZE;
    if (in_size && http_char_is(byte, HTTP_CHAR_HEX) && reader->remaining >> 60 != 0)
        return refuse(reterr_refusal, 400, "the size of a chunk is larger than any chunk can be");
    enum http_body_state before = reader->state;
    if ((before == HTTP_TRAILER_FIRST || before == HTTP_TRAILER_NAME) &&
        !trailer_may_be(reader, byte))
        return refuse(reterr_refusal, 400, FAULT_TRAILER_NAME);
    if (!step(reader, byte))
        return refuse(reterr_refusal, 400, faults[before]);

    if (in_size && reader->state != HTTP_CHUNK_SIZE) { /* the size is complete */
        if (reader->remaining > HTTP_BODY_MAX - reader->body_len)
            return refuse_large(reterr_refusal);
        reader->body_len += (uint32_t)reader->remaining;
    }
    return true;
}

void http_body_begin(struct http_body_reader *reader, const struct http_request *request)
{
    *reader = (struct http_body_reader){.state = HTTP_BODY_END};
    switch (request->body) {
    case HTTP_BODY_NONE:
        break;
    case HTTP_BODY_LENGTH:
        reader->remaining = request->content_length;
        reader->state = request->content_length > 0 ? HTTP_BODY_PLAIN : HTTP_BODY_END;
        break;
    case HTTP_BODY_CHUNKED:
        reader->state = HTTP_CHUNK_SIZE_FIRST;
        break;
    }
}

enum http_parse http_body_read(struct http_body_reader *reader, struct span bytes,
                               size_t *ret_consumed, struct http_refusal *reterr_refusal)
{
    /* Checked on every call, and true of none but the first: data only gets less. */
    if (reader->state == HTTP_BODY_PLAIN && reader->remaining > HTTP_BODY_MAX) {
        (void)refuse_large(reterr_refusal);
        return HTTP_PARSE_REFUSED;
    }

    size_t used = 0;
    while (reader->state != HTTP_BODY_END && used < bytes.len) {
        if (is_data(reader))
            used += skip_data(reader, bytes.len - used);
        else if (!take_framing(reader, bytes.base[used++], reterr_refusal))
            return HTTP_PARSE_REFUSED;
    }
    *ret_consumed = used;
    return reader->state == HTTP_BODY_END ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
}
