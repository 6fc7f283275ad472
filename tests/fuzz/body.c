/*
 * body.c: a request body.  The first byte says how its end is found; for a length, the three that
 * follow are the length.
 * Holds: how the bytes are cut decides nothing, and a chunked body ends where a second reader,
 * which knows only valid bodies, finds its end.
 */
#include "server/http/body.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
    enum http_parse result;
    size_t consumed; /* DONE, MORE */
    struct http_refusal refusal;
};

/* Reads bytes in two pieces, or byte by byte behind the first one. */
static struct outcome read_cut(const struct http_request *request, struct span bytes, size_t first,
                               bool single)
{
    struct http_body_reader reader;
    struct outcome outcome = {.result = HTTP_PARSE_MORE};
    http_body_begin(&reader, request);
    for (size_t at = 0, len = first;; at += len, len = single ? 1 : bytes.len - at) {
        size_t consumed = 0;
        outcome.result = http_body_read(&reader, (struct span){bytes.base + at, len}, &consumed,
                                        &outcome.refusal);
        if (outcome.result == HTTP_PARSE_REFUSED) {
            outcome.consumed = 0; /* what came before depends on the cuts */
            return outcome;
        }
        MUST(consumed <= len && (outcome.result == HTTP_PARSE_DONE || consumed == len));
        outcome.consumed += consumed;
        if (outcome.result == HTTP_PARSE_DONE || at + len == bytes.len)
            break;
    }
    if (outcome.result == HTTP_PARSE_DONE) {
        size_t more = 1;
        MUST(http_body_read(&reader, bytes, &more, &outcome.refusal) == HTTP_PARSE_DONE);
        MUST(more == 0);
    }
    return outcome;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    MUST(a->result == b->result && a->consumed == b->consumed);
    MUST(a->result != HTTP_PARSE_REFUSED ||
         (a->refusal.status == b->refusal.status && a->refusal.detail == b->refusal.detail));
}

static size_t line_len(struct span text)
{
    const char *lf = memchr(text.base, '\n', text.len);
    MUST(lf != NULL && lf > text.base && lf[-1] == '\r');
    return (size_t)(lf - text.base) + 1;
}

static unsigned hex_value(char c)
{
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? 16 : (unsigned)(at - digits) / 2;
}

/* Where a valid chunked body ends. */
static size_t find_end(struct span bytes)
{
    size_t at = 0;
    for (size_t size = 1; size > 0; at += size > 0 ? size + 2 : 0) {
        struct span rest = {bytes.base + at, bytes.len - at};
        size = 0;
        for (size_t i = 0; hex_value(rest.base[i]) < 16; i++)
            size = size * 16 + hex_value(rest.base[i]);
        at += line_len(rest);
        MUST(size <= HTTP_BODY_MAX && at + size < bytes.len);
    }
    for (;;) { /* trailers, and an empty line */
        size_t len = line_len((struct span){bytes.base + at, bytes.len - at});
        at += len;
        if (len == 2)
            return at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = fuzz_text(data, size);
    struct http_request request = {.body = HTTP_BODY_CHUNKED};
    if (fuzz_take_byte(&bytes) % 4 == 0) {
        request.content_length = fuzz_take_number(&bytes, 3);
        request.body = request.content_length > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    }

    struct outcome whole = read_cut(&request, bytes, bytes.len, false);
    struct outcome single = read_cut(&request, bytes, 0, true);
    check_same(&whole, &single);
    for (size_t i = 0; i < fuzz_cut_count(bytes); i++) {
        struct outcome cut = read_cut(&request, bytes, fuzz_cut(bytes, i), false);
        check_same(&whole, &cut);
    }
    if (whole.result != HTTP_PARSE_DONE)
        return 0;
    if (request.body == HTTP_BODY_CHUNKED)
        MUST(find_end(bytes) == whole.consumed);
    else
        MUST(whole.consumed == request.content_length);
    return 0;
}
