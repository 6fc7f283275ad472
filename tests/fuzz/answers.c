#include "tests/fuzz/answers.h"

#include "common/number.h"
#include "server/http/body.h"
#include "server/http/response.h"
#include "tests/fuzz/fuzz.h"

/* http_head.more of the pages: their Content-Security-Policy and the like. */
#define MORE_FIELDS_MAX 512

/* Walks through the requests that were sent. */
struct asked {
    struct span rest;
    struct http_request request; /* the one at hand */
    bool is_refused;             /* there is none: the bytes are not acceptable, or not complete */
};

struct answer {
    uint64_t status;
    struct span head; /* with the empty line */
    struct span body;
};

static void next_request(struct asked *asked)
{
    struct http_refusal refusal;
    struct http_body_reader reader;
    size_t body_len = 0;
    asked->is_refused = true;
    asked->request = (struct http_request){.method = HTTP_GET};
    struct http_request request;
    if (http_request_parse(asked->rest, &request, &refusal) != HTTP_PARSE_DONE)
        return;
    asked->request = request; /* a refusal of its body knows its method */
    struct span rest = {asked->rest.base + request.head_len, asked->rest.len - request.head_len};
    http_body_begin(&reader, &request);
    if (http_body_read(&reader, rest, &body_len, &refusal) != HTTP_PARSE_DONE)
        return;
    asked->is_refused = false;
    asked->rest = (struct span){rest.base + body_len, rest.len - body_len};
}

/* The value of a field that the server writes exactly so; empty if it is not there. */
static struct span field(struct span head, struct span line_start)
{
    const char *at = memmem(head.base, head.len, line_start.base, line_start.len);
    if (at == NULL)
        return (struct span){NULL, 0};
    at += line_start.len;
    const char *end = memchr(at, '\r', (size_t)(head.base + head.len - at));
    MUST(end != NULL);
    return (struct span){at, (size_t)(end - at)};
}

/* Takes an answer off; false if it is not complete. */
static bool take_answer(struct span *rest, bool has_body, struct answer *ret)
{
    static const char start[] = "HTTP/1.1 ";
    size_t known = rest->len < sizeof(start) - 1 ? rest->len : sizeof(start) - 1;
    MUST(memcmp(rest->base, start, known) == 0);
    const char *end = memmem(rest->base, rest->len, "\r\n\r\n", 4);
    if (end == NULL) {
        MUST(rest->len < HTTP_RESPONSE_HEAD_MAX + MORE_FIELDS_MAX);
        return false;
    }
    ret->head = (struct span){rest->base, (size_t)(end - rest->base) + 4};
    MUST(ret->head.len <= HTTP_RESPONSE_HEAD_MAX + MORE_FIELDS_MAX);
    MUST(parse_u64((struct span){rest->base + 9, 3}, 100, 599, &ret->status) == 0);
    MUST(http_status_title((uint16_t)ret->status) != NULL);

    uint64_t len = 0;
    struct span length = field(ret->head, SPAN("\r\nContent-Length: "));
    MUST(length.len == 0 || parse_u64(length, 0, 1 << 20, &len) == 0);
    MUST(length.len > 0 || ret->status == 100 || !has_body);
    if (ret->status == 100 || !has_body)
        len = 0;
    if (len > rest->len - ret->head.len)
        return false;
    ret->body = (struct span){rest->base + ret->head.len, (size_t)len};
    *rest = (struct span){ret->body.base + len, rest->len - ret->head.len - (size_t)len};
    return true;
}

static void check_id(uint64_t id, uint64_t *previous)
{
    MUST(id > *previous && id <= INT64_MAX);
    *previous = id;
}

/* The decimal numbers in text, but for the timestamp. */
static void check_decimal_ids(struct span text, uint64_t *previous)
{
    const char *stop = memmem(text.base, text.len, "\"timestamp\"", 11);
    size_t end = stop != NULL ? (size_t)(stop - text.base) : text.len;
    for (size_t at = 0; at < end;) {
        size_t len = 0;
        while (at + len < end && text.base[at + len] >= '0' && text.base[at + len] <= '9')
            len++;
        uint64_t id;
        if (len > 0) {
            MUST(parse_u64((struct span){text.base + at, len}, 0, UINT64_MAX, &id) == 0);
            check_id(id, previous);
        }
        at += len + 1;
    }
}

static void check_ids(const struct answer *answer, uint64_t *previous)
{
    struct span body = answer->body;
    struct span type = field(answer->head, SPAN("\r\nContent-Type: "));
    bool is_json = body.len > 4 &&
                   (memcmp(body.base, "{\"id\"", 5) == 0 || (memcmp(body.base, "{\"ids", 5) == 0));
    if (answer->status != 200)
        return;
    if (span_equal(type, SPAN("application/octet-stream"))) {
        MUST(body.len % 8 == 0);
        while (body.len > 0)
            check_id(fuzz_take_number(&body, 8), previous);
    } else if ((is_json && memmem(body.base, body.len, "elapsed_time", 12) == NULL) ||
               (body.len > 0 && body.base[0] >= '0' && body.base[0] <= '9')) {
        check_decimal_ids(body, previous);
    }
}

void answers_check(struct span sent, struct span received, bool whole)
{
    struct asked asked = {.rest = sent};
    uint64_t previous = 0;
    bool is_last = false;
    while (received.len > 0) {
        struct answer answer;
        MUST(!is_last);
        next_request(&asked);
        bool has_body = asked.request.method != HTTP_HEAD;
        bool complete = take_answer(&received, has_body, &answer);
        if (complete && answer.status == 100) {
            MUST(asked.request.expect_continue);
            complete = received.len > 0 && take_answer(&received, has_body, &answer);
            MUST(complete || received.len > 0 || !whole || asked.is_refused);
            if (!complete && received.len == 0)
                return; /* the body did not come */
        }
        MUST(complete || !whole);
        if (!complete)
            return;
        MUST(answer.status != 100);
        check_ids(&answer, &previous);
        is_last = span_equal(field(answer.head, SPAN("\r\nConnection: ")), SPAN("close"));
        MUST(is_last || !asked.is_refused);
    }
}

size_t answers_drop_continue(char *bytes, size_t len)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *at = bytes;
    while ((at = memmem(at, (size_t)(bytes + len - at), text, sizeof(text) - 1)) != NULL) {
        size_t behind = (size_t)(bytes + len - at) - (sizeof(text) - 1);
        memmove(at, at + sizeof(text) - 1, behind);
        len -= sizeof(text) - 1;
    }
    return len;
}
