/*
 * head.c: a request head.
 * Holds: what was read of a head makes sense, and how the bytes are cut decides nothing.
 */
#include "server/http/request.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
    enum http_parse result;
    struct http_request request; /* DONE */
    struct http_refusal refusal; /* REFUSED */
};

static struct outcome parse(struct span bytes)
{
    struct outcome outcome = {.result = HTTP_PARSE_MORE};
    outcome.result = http_request_parse(bytes, &outcome.request, &outcome.refusal);
    return outcome;
}

static bool same_span(struct span a, struct span b)
{
    return a.base == b.base && a.len == b.len;
}

static bool same_request(const struct http_request *a, const struct http_request *b)
{
    return a->method == b->method && a->minor_version == b->minor_version &&
           a->keep_alive == b->keep_alive && a->expect_continue == b->expect_continue &&
           a->body == b->body && a->content_length == b->content_length &&
           same_span(a->path, b->path) && same_span(a->query, b->query) &&
           a->has_query == b->has_query && a->head_len == b->head_len &&
           http_accept_best(&a->accept) == http_accept_best(&b->accept);
}

static bool is_within(struct span part, struct span whole)
{
    return part.base >= whole.base && part.base + part.len <= whole.base + whole.len;
}

/* Seen with other eyes: line ends, control characters, and the end of the head. */
static void check_lines(struct span head)
{
    MUST(head.len >= 4 && memcmp(head.base + head.len - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < head.len; i++) {
        unsigned char byte = (unsigned char)head.base[i];
        if (byte == '\n')
            MUST(i > 0 && head.base[i - 1] == '\r');
        else if (byte == '\r')
            MUST(i + 1 < head.len && head.base[i + 1] == '\n');
        else
            MUST((byte >= 0x20 || byte == '\t') && byte != 0x7f);
    }
}

static void check_request(const struct http_request *request, struct span bytes)
{
    MUST(request->head_len <= bytes.len && request->head_len <= HTTP_HEAD_MAX);
    struct span head = {bytes.base, request->head_len};
    check_lines(head);
    MUST(request->method <= HTTP_OTHER_METHOD && request->minor_version <= 1);
    MUST(request->path.len >= 1 && request->path.len <= HTTP_TARGET_MAX);
    MUST(is_within(request->path, head) || span_equal(request->path, SPAN("/")));
    MUST(request->has_query || request->query.len == 0);
    MUST(request->query.len <= HTTP_TARGET_MAX && is_within(request->query, head));
    MUST((request->body == HTTP_BODY_LENGTH) == (request->content_length > 0));
    MUST(request->minor_version == 1 ||
         (!request->expect_continue && request->body != HTTP_BODY_CHUNKED));
}

static void check_refusal(const struct http_refusal *refusal)
{
    static const uint16_t known[] = {400, 405, 414, 417, 431, 501, 505};
    bool found = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        found = found || refusal->status == known[i];
    MUST(found && refusal->detail != NULL && refusal->detail[0] != '\0');
}

static void check_cut(struct span bytes, size_t cut, const struct outcome *whole)
{
    struct outcome part = parse((struct span){bytes.base, cut});
    switch (part.result) {
    case HTTP_PARSE_MORE:
        MUST(cut < HTTP_HEAD_MAX);
        MUST(whole->result != HTTP_PARSE_DONE || cut < whole->request.head_len);
        break;
    case HTTP_PARSE_DONE:
        MUST(whole->result == HTTP_PARSE_DONE && same_request(&part.request, &whole->request));
        break;
    case HTTP_PARSE_REFUSED:
        MUST(whole->result == HTTP_PARSE_REFUSED);
        MUST(part.refusal.status == whole->refusal.status &&
             part.refusal.detail == whole->refusal.detail);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = fuzz_text(data, size);
    struct outcome whole = parse(bytes);
    if (whole.result == HTTP_PARSE_DONE)
        check_request(&whole.request, bytes);
    if (whole.result == HTTP_PARSE_REFUSED)
        check_refusal(&whole.refusal);
    MUST(whole.result != HTTP_PARSE_MORE || size < HTTP_HEAD_MAX);

    for (size_t i = 0; i < fuzz_cut_count(bytes); i++)
        check_cut(bytes, fuzz_cut(bytes, i), &whole);
    if (whole.result == HTTP_PARSE_DONE) {
        check_cut(bytes, whole.request.head_len - 1, &whole);
        check_cut(bytes, whole.request.head_len, &whole);
    }
    return 0;
}
