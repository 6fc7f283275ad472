/*
 * test_http_body.c: where a request body ends.
 * Method: each body is read whole, cut in two at every byte and byte by byte, in front of an
 * unreadable page; the result must not depend on the cuts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "server/http/body.h"
#include "tests/unit/guard_page.h"

#define BYTES_MAX 262144

struct outcome {
    enum http_parse parse;
    size_t consumed; /* in all, when DONE or MORE */
    struct http_refusal refusal;
};

static struct guard_page guard;
static char scratch[BYTES_MAX];

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(BYTES_MAX);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static const struct http_request chunked = {.body = HTTP_BODY_CHUNKED};

static struct http_request with_length(uint64_t length)
{
    return (struct http_request){.body = HTTP_BODY_LENGTH, .content_length = length};
}

/* Feeds bytes in pieces: first_len, then piece_len each, until the reader has decided. */
static struct outcome feed(const struct http_request *request, struct span bytes, size_t first_len,
                           size_t piece_len)
{
    struct http_body_reader reader;
    struct outcome outcome = {.parse = HTTP_PARSE_MORE};
    http_body_begin(&reader, request);
    size_t at = 0;
    size_t len = first_len;
    while (outcome.parse == HTTP_PARSE_MORE && at <= bytes.len) {
        len = len < bytes.len - at ? len : bytes.len - at;
        size_t consumed = SIZE_MAX;
        struct span piece = guard_page_place(&guard, (struct span){bytes.base + at, len});
        outcome.parse = http_body_read(&reader, piece, &consumed, &outcome.refusal);
        if (outcome.parse == HTTP_PARSE_REFUSED) {
            assert_int_equal(consumed, SIZE_MAX);
            outcome.consumed = 0; /* what came before a refusal depends on the cuts */
            return outcome;
        }
        if (outcome.parse == HTTP_PARSE_MORE)
            assert_int_equal(consumed, len);
        outcome.consumed += consumed;
        at += len;
        if (at == bytes.len)
            break;
        len = piece_len;
    }
    return outcome;
}

static void assert_same_outcome(struct outcome a, struct outcome b)
{
    assert_int_equal(a.parse, b.parse);
    assert_int_equal(a.consumed, b.consumed);
    assert_int_equal(a.refusal.status, b.refusal.status);
    assert_ptr_equal(a.refusal.detail, b.refusal.detail);
}

/* Reads text whole and in every cut; returns the outcome that they share. */
static struct outcome read_every_way(const struct http_request *request, const char *text)
{
    struct span bytes = span_of(text);
    struct outcome whole = feed(request, bytes, bytes.len, 1);
    assert_same_outcome(whole, feed(request, bytes, 1, 1));
    for (size_t cut = 0; cut < bytes.len; cut++)
        assert_same_outcome(whole, feed(request, bytes, cut, bytes.len));
    return whole;
}

static void no_body_ends_before_it_begins(void **state)
{
    (void)state;
    const struct http_request none = {.body = HTTP_BODY_NONE};
    struct outcome outcome = read_every_way(&none, "GET / HTTP/1.1\r\n");
    assert_int_equal(outcome.parse, HTTP_PARSE_DONE);
    assert_int_equal(outcome.consumed, 0);
}

static void a_length_ends_where_it_says(void **state)
{
    (void)state;
    const struct http_request request = with_length(5);
    struct outcome outcome = read_every_way(&request, "abc\r\nGET");
    assert_int_equal(outcome.parse, HTTP_PARSE_DONE);
    assert_int_equal(outcome.consumed, 5);
    assert_int_equal(read_every_way(&request, "abcd").parse, HTTP_PARSE_MORE);
}

static void a_length_over_the_ceiling_is_refused_before_its_first_byte(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {HTTP_BODY_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        const struct http_request request = with_length(lengths[i]);
        struct outcome outcome = feed(&request, SPAN(""), 0, 0);
        assert_int_equal(outcome.parse, HTTP_PARSE_REFUSED);
        assert_int_equal(outcome.refusal.status, 413);
    }
    const struct http_request request = with_length(HTTP_BODY_MAX);
    assert_int_equal(feed(&request, SPAN(""), 0, 0).parse, HTTP_PARSE_MORE);
    struct outcome outcome = feed(&request, (struct span){scratch, BYTES_MAX}, 1000, 1000);
    assert_int_equal(outcome.parse, HTTP_PARSE_DONE);
    assert_int_equal(outcome.consumed, HTTP_BODY_MAX);
}

static void a_finished_reader_takes_nothing_more(void **state)
{
    (void)state;
    struct http_body_reader reader;
    struct http_refusal refusal;
    size_t consumed = 99;
    http_body_begin(&reader, &chunked);
    assert_int_equal(http_body_read(&reader, SPAN("0\r\n\r\n"), &consumed, &refusal),
                     HTTP_PARSE_DONE);
    assert_int_equal(http_body_read(&reader, SPAN("0\r\n\r\n"), &consumed, &refusal),
                     HTTP_PARSE_DONE);
    assert_int_equal(consumed, 0);
}

static void chunks_end_with_the_empty_one_and_its_trailers(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "0\r\n\r\n",
        "000\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "0A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        "00000000000000000000000000000001\r\nx\r\n0\r\n\r\n",
        "3\r\n\r\n0\r\n0\r\n\r\n", /* data that look like framing */
        "1;a\r\nx\r\n0;b=c;d=\"e\"\r\n\r\n",
        "1;a=\"\"\r\nx\r\n0\r\n\r\n",
        "1;a=\"; \\\" \\\\ \t\xff\"\r\nx\r\n0\r\n\r\n",
        "0\r\nX: y\r\nZ:\r\n\r\n",
        "0\r\nContent-Lengths: 5\r\nontent-length: 5\r\nContent: 5\r\n\r\n", /* dropped */
        "0\r\nConnections: x\r\nX-Connection: x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        size_t len = strlen(bodies[i]);
        struct outcome outcome = read_every_way(&chunked, bodies[i]);
        if (outcome.parse != HTTP_PARSE_DONE || outcome.consumed != len)
            fail_msg("%s", bodies[i]);
        memcpy(scratch, bodies[i], len);
        memcpy(scratch + len, "GET /", 6);
        outcome = read_every_way(&chunked, scratch);
        assert_int_equal(outcome.consumed, len); /* what follows is the next request's */
        scratch[len - 1] = '\0';
        assert_int_equal(read_every_way(&chunked, scratch).parse, HTTP_PARSE_MORE);
    }
}

static void malformed_chunks_are_refused_with_400(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *words; /* from the detail */
    } cases[] = {
        {"\r\n", "begin with its size"},
        {"x\r\n", "begin with its size"},
        {";a\r\n", "begin with its size"},
        {" 1\r\nx\r\n", "begin with its size"},
        {"-1\r\n", "begin with its size"},
        {"+1\r\n", "begin with its size"},
        {"0x1\r\n", "size of a chunk must be followed"},
        {"1 \r\nx\r\n", "size of a chunk must be followed"},
        {"1 ;a\r\nx\r\n", "size of a chunk must be followed"},
        {"1g\r\n", "size of a chunk must be followed"},
        {"1\nx\r\n", "size of a chunk must be followed"},
        {"1\rx", "must end in CR LF"},
        {"10000000000000000\r\n", "larger than any chunk"},
        {"FFFFFFFFFFFFFFFFF\r\n", "larger than any chunk"},
        {"00000000000000000000010000000000000000\r\n", "larger than any chunk"},
        {"1\r\nxy\r\n", "longer than the size"},
        {"1\r\nx0\r\n", "longer than the size"},
        {"1\r\nx\n0\r\n", "longer than the size"},
        {"1\r\nx\r0\r\n", "must end in CR LF"},
        {"2\r\nx\r\n0\r\n\r\n", "longer than the size"},
        {"1;\r\n", "extension"},
        {"1; a\r\n", "extension"},
        {"1;a \r\n", "extension"},
        {"1;a=\r\n", "extension"},
        {"1;a= b\r\n", "extension"},
        {"1;a=b=c\r\n", "extension"},
        {"1;a=\"b\"c\r\n", "extension"},
        {"1;a=\"b\r\n", "extension"},
        {"1;a=\"b\n\"\r\n", "extension"},
        {"1;a=\"\\\r\"\r\n", "extension"},
        {"1;a\n", "extension"},
        {"1;a\x01\r\n", "extension"},
        {"1;a\rb", "must end in CR LF"},
        {"0\r\n\n", "trailer"},
        {"0\r\n\rx", "must end in CR LF"},
        {"0\r\n: x\r\n\r\n", "trailer"},
        {"0\r\nX\r\n\r\n", "trailer"},
        {"0\r\nX : y\r\n\r\n", "trailer"},
        {"0\r\nX: y\r\n z\r\n\r\n", "trailer"},
        {"0\r\nX: \x01\r\n\r\n", "trailer"},
        {"0\r\nX: y\n\r\n", "trailer"},
        {"0\r\nX: y\rz", "must end in CR LF"},
        {"0\r\nGET / HTTP/1.1\r\n\r\n", "trailer"},
        {"0\r\nContent-Length: 5\r\n\r\n", "belongs in the head"},
        {"0\r\nX: y\r\ntransfer-ENCODING:x\r\n\r\n", "belongs in the head"},
        {"0\r\nconnection: close\r\n\r\n", "belongs in the head"},
        {"0\r\nProxy-Connection: close\r\n\r\n", "belongs in the head"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome = read_every_way(&chunked, cases[i].body);
        if (outcome.parse != HTTP_PARSE_REFUSED || outcome.refusal.status != 400)
            fail_msg("taken: %s", cases[i].body);
        if (strstr(outcome.refusal.detail, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].body, outcome.refusal.detail);
    }
}

/* Appends text and returns the new length of scratch. */
static size_t append(size_t used, const char *text)
{
    struct span bytes = span_of(text);
    assert_true(used + bytes.len <= BYTES_MAX);
    memcpy(scratch + used, bytes.base, bytes.len);
    return used + bytes.len;
}

static struct outcome read_scratch(size_t len)
{
    struct outcome whole = feed(&chunked, (struct span){scratch, len}, len, 1);
    assert_same_outcome(whole, feed(&chunked, (struct span){scratch, len}, 1, 7));
    return whole;
}

static void chunks_that_add_up_to_more_than_the_ceiling_are_refused(void **state)
{
    (void)state;
    memset(scratch, 'x', sizeof(scratch));
    size_t used = append(0, "8000\r\n") + 0x8000;
    used = append(used, "\r\n8000\r\n") + 0x8000;
    size_t end = append(used, "\r\n0\r\n\r\n");
    struct outcome outcome = read_scratch(end);
    assert_int_equal(outcome.parse, HTTP_PARSE_DONE); /* exactly the ceiling */
    assert_int_equal(outcome.consumed, end);

    end = append(used, "\r\n1\r\nx\r\n0\r\n\r\n");
    outcome = read_scratch(end);
    assert_int_equal(outcome.parse, HTTP_PARSE_REFUSED);
    assert_int_equal(outcome.refusal.status, 413);

    static const char *const large[] = {"10001\r\n", "FFFFFFFFFFFFFFFF\r\n", "10001;a\r\n"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        outcome = read_every_way(&chunked, large[i]);
        assert_int_equal(outcome.parse, HTTP_PARSE_REFUSED);
        assert_int_equal(outcome.refusal.status, 413);
    }
}

static void framing_without_end_is_refused(void **state)
{
    (void)state;
    size_t used = 0;
    for (size_t i = 0; i < HTTP_BODY_FRAMING_MAX; i++) /* chunks of one byte */
        used = append(used, "1\r\nx\r\n");
    struct outcome outcome = read_scratch(used);
    assert_int_equal(outcome.refusal.status, 413);

    memset(scratch, '0', sizeof(scratch)); /* a size of zeros */
    outcome = read_scratch(HTTP_BODY_FRAMING_MAX);
    assert_int_equal(outcome.parse, HTTP_PARSE_MORE);
    outcome = read_scratch(HTTP_BODY_FRAMING_MAX + 1);
    assert_int_equal(outcome.refusal.status, 413);

    used = append(0, "1;a=\"") + HTTP_BODY_FRAMING_MAX; /* an extension of zeros */
    outcome = read_scratch(used);
    assert_int_equal(outcome.refusal.status, 413);
}

static void trailers_without_end_are_refused(void **state)
{
    (void)state;
    memset(scratch, 'x', sizeof(scratch));
    size_t used = append(0, "0\r\nX:");
    struct outcome outcome = read_scratch(used + HTTP_TRAILERS_MAX - 2);
    assert_int_equal(outcome.parse, HTTP_PARSE_MORE);
    outcome = read_scratch(used + HTTP_TRAILERS_MAX - 1);
    assert_int_equal(outcome.parse, HTTP_PARSE_REFUSED);
    assert_int_equal(outcome.refusal.status, 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_body_ends_before_it_begins),
        cmocka_unit_test(a_length_ends_where_it_says),
        cmocka_unit_test(a_length_over_the_ceiling_is_refused_before_its_first_byte),
        cmocka_unit_test(a_finished_reader_takes_nothing_more),
        cmocka_unit_test(chunks_end_with_the_empty_one_and_its_trailers),
        cmocka_unit_test(malformed_chunks_are_refused_with_400),
        cmocka_unit_test(chunks_that_add_up_to_more_than_the_ceiling_are_refused),
        cmocka_unit_test(framing_without_end_is_refused),
        cmocka_unit_test(trailers_without_end_are_refused),
    };
    return cmocka_run_group_tests_name("http_body", tests, create_guard, destroy_guard);
}
