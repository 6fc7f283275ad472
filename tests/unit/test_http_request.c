/*
 * test_http_request.c: request heads, from tests/vectors/requests.txt.
 * Method: every request is parsed whole, cut at every byte and after random damage, each time in
 * front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "server/http/request.h"
#include "tests/unit/guard_page.h"

#define BYTES_MAX 16384 /* of one request of the file */
#define LINE_MAX_LEN 512
#define VECTORS_MAX 400
#define NO_MARK SIZE_MAX
#define MUTATIONS 300000

struct text {
    char bytes[BYTES_MAX];
    size_t len;
    size_t head_end; /* of \|, or NO_MARK */
    size_t verdict;  /* of \!, or NO_MARK */
};

struct vector {
    char name[LINE_MAX_LEN];
    struct text input;
    struct text expected;
};

static struct vector vectors[VECTORS_MAX];
static size_t vector_count;
static struct guard_page guard;

/* ---- Reading the file ------------------------------------------------------------------------ */

static void append(struct text *text, char byte)
{
    assert_true(text->len < BYTES_MAX);
    text->bytes[text->len++] = byte;
}

static void append_unescaped(struct text *text, struct span source);

/* \{text*n}: at is behind the brace; returns what follows the closing one. */
static const char *append_repeated(struct text *text, const char *at, const char *end)
{
    const char *brace = memchr(at, '}', (size_t)(end - at));
    assert_non_null(brace);
    const char *star = memrchr(at, '*', (size_t)(brace - at));
    assert_non_null(star);
    uint64_t times = 0;
    assert_int_equal(
        parse_u64((struct span){star + 1, (size_t)(brace - star - 1)}, 1, BYTES_MAX, &times), 0);
    while (times-- > 0)
        append_unescaped(text, (struct span){at, (size_t)(star - at)});
    return brace + 1;
}

static char hex_byte(const char *digits)
{
    uint64_t value = 0;
    char text[] = {'0', 'x', digits[0], digits[1]};
    assert_int_equal(parse_u64_any_base((struct span){text, sizeof(text)}, &value), 0);
    return (char)value;
}

static void append_unescaped(struct text *text, struct span source)
{
    const char *end = source.base + source.len;
    for (const char *at = source.base; at < end;) {
        if (*at != '\\') {
            append(text, *at++);
            continue;
        }
        assert_true(at + 1 < end);
        char kind = at[1];
        at += 2;
        switch (kind) {
        case 'r':
            append(text, '\r');
            break;
        case 'n':
            append(text, '\n');
            break;
        case 't':
            append(text, '\t');
            break;
        case '\\':
            append(text, '\\');
            break;
        case 'x':
            append(text, hex_byte(at));
            at += 2;
            break;
        case '{':
            at = append_repeated(text, at, end);
            break;
        case '|':
            text->head_end = text->len;
            break;
        case '!':
            text->verdict = text->len;
            break;
        default:
            fail_msg("unknown escape \\%c", kind);
        }
    }
}

static void read_line(struct span line)
{
    if (line.len == 0 || line.base[0] == '#')
        return;
    if (line.len > 5 && memcmp(line.base, "test ", 5) == 0) {
        assert_true(vector_count < VECTORS_MAX);
        struct vector *v = &vectors[vector_count++];
        memcpy(v->name, line.base + 5, line.len - 5);
        v->input.head_end = v->input.verdict = NO_MARK;
        return;
    }
    assert_true(vector_count > 0 && line.len > 2 && line.base[1] == ' ');
    struct vector *v = &vectors[vector_count - 1];
    struct span rest = {line.base + 2, line.len - 2};
    if (line.base[0] == '>')
        append_unescaped(&v->input, rest);
    else if (line.base[0] == '=')
        append_unescaped(&v->expected, rest);
    else
        fail_msg("a line of %s begins with '%c'", v->name, line.base[0]);
}

static int read_vectors(void **state)
{
    (void)state;
    FILE *file = fopen(VECTORS_DIRECTORY "/requests.txt", "r");
    if (file == NULL)
        return -1;
    char line[LINE_MAX_LEN];
    while (fgets(line, sizeof(line), file) != NULL) {
        size_t len = strlen(line);
        assert_true(len > 0 && line[len - 1] == '\n'); /* else it is longer than LINE_MAX_LEN */
        read_line((struct span){line, len - 1});
    }
    (void)fclose(file);
    guard = guard_page_create(BYTES_MAX);
    return vector_count > 100 ? 0 : -1;
}

static int release_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

/* ---- Results as text, to be compared with the file ------------------------------------------- */

struct result {
    enum http_parse parse;
    struct http_request request;
    struct http_refusal refusal;
};

/* Also checks that what is not set on an outcome is left alone. */
static struct result parse(struct span bytes)
{
    struct result result;
    struct result untouched;
    memset(&result, 0x5a, sizeof(result));
    memset(&untouched, 0x5a, sizeof(untouched));
    result.parse =
        http_request_parse(guard_page_place(&guard, bytes), &result.request, &result.refusal);
    if (result.parse != HTTP_PARSE_DONE)
        assert_memory_equal(&result.request, &untouched.request, sizeof(result.request));
    if (result.parse != HTTP_PARSE_REFUSED)
        assert_memory_equal(&result.refusal, &untouched.refusal, sizeof(result.refusal));
    return result;
}

static void describe_request(const struct http_request *r, char out[BYTES_MAX])
{
    static const char *const methods[] = {"GET", "HEAD", "OTHER"};
    static const char *const media[] = {"", " text", " binary"};
    char length[32] = "";
    if (r->body == HTTP_BODY_LENGTH)
        (void)snprintf(length, sizeof(length), " length=%llu",
                       (unsigned long long)r->content_length);
    else
        assert_int_equal(r->content_length, 0);
    if (!r->has_query)
        assert_int_equal(r->query.len, 0);

    int len = snprintf(out, BYTES_MAX, "done %s %.*s%s%.*s 1.%u %s%s%s%s%s", methods[r->method],
                       SPAN_ARGS(r->path), r->has_query ? "?" : "", SPAN_ARGS(r->query),
                       r->minor_version, r->keep_alive ? "keep-alive" : "close", length,
                       r->body == HTTP_BODY_CHUNKED ? " chunked" : "",
                       r->expect_continue ? " expect" : "", media[http_accept_best(&r->accept)]);
    assert_true(len > 0 && len < BYTES_MAX);
}

/* A refusal is equal if its status is, and if the expected words are in its detail. */
static bool matches(const struct result *result, const char *expected)
{
    char actual[BYTES_MAX];
    switch (result->parse) {
    case HTTP_PARSE_MORE:
        return strcmp(expected, "more") == 0;
    case HTTP_PARSE_REFUSED:
        (void)snprintf(actual, sizeof(actual), "refused %u ", result->refusal.status);
        return strncmp(expected, actual, strlen(actual)) == 0 &&
               strstr(result->refusal.detail, expected + strlen(actual)) != NULL;
    case HTTP_PARSE_DONE:
        describe_request(&result->request, actual);
        return strcmp(expected, actual) == 0;
    }
    return false;
}

static void explain(const struct vector *v, const struct result *result)
{
    char actual[BYTES_MAX] = "more";
    if (result->parse == HTTP_PARSE_DONE)
        describe_request(&result->request, actual);
    if (result->parse == HTTP_PARSE_REFUSED)
        (void)snprintf(actual, sizeof(actual), "refused %u %s", result->refusal.status,
                       result->refusal.detail);
    fail_msg("%s:\n  expected %s\n  and got  %s", v->name, v->expected.bytes, actual);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void every_request_gets_the_result_beside_it(void **state)
{
    (void)state;
    for (const struct vector *v = vectors; v < vectors + vector_count; v++) {
        struct result result = parse((struct span){v->input.bytes, v->input.len});
        if (!matches(&result, v->expected.bytes))
            explain(v, &result);
        size_t head_end = v->input.head_end != NO_MARK ? v->input.head_end : v->input.len;
        if (result.parse == HTTP_PARSE_DONE && result.request.head_len != head_end)
            fail_msg("%s: the head has %zu bytes, not %zu", v->name, head_end,
                     result.request.head_len);
    }
}

/* What a prefix of len bytes of v must give, when the whole gives whole. */
static enum http_parse expected_of_prefix(const struct vector *v, const struct result *whole,
                                          size_t len, enum http_parse actual)
{
    if (whole->parse == HTTP_PARSE_DONE)
        return len >= whole->request.head_len ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
    if (whole->parse == HTTP_PARSE_MORE)
        return HTTP_PARSE_MORE;
    if (v->input.verdict != NO_MARK)
        return len >= v->input.verdict ? HTTP_PARSE_REFUSED : HTTP_PARSE_MORE;
    return actual == HTTP_PARSE_MORE ? HTTP_PARSE_MORE : HTTP_PARSE_REFUSED;
}

static void a_prefix_asks_for_more_or_is_refused_the_same_way(void **state)
{
    (void)state;
    for (const struct vector *v = vectors; v < vectors + vector_count; v++) {
        struct result whole = parse((struct span){v->input.bytes, v->input.len});
        bool refused = false;
        for (size_t len = 0; len < v->input.len; len++) {
            struct result prefix = parse((struct span){v->input.bytes, len});
            if (prefix.parse != expected_of_prefix(v, &whole, len, prefix.parse))
                fail_msg("%s: wrong result %d for %zu of %zu bytes", v->name, (int)prefix.parse,
                         len, v->input.len);
            if (refused)
                assert_int_equal(prefix.parse, HTTP_PARSE_REFUSED);
            if (prefix.parse != HTTP_PARSE_REFUSED)
                continue;
            refused = true;
            assert_int_equal(prefix.refusal.status, whole.refusal.status);
            assert_ptr_equal(prefix.refusal.detail, whole.refusal.detail);
        }
    }
}

static void nothing_is_more_to_come_and_not_a_fault(void **state)
{
    (void)state;
    struct http_request request;
    struct http_refusal refusal;
    struct span nothing = {NULL, 0};
    assert_int_equal(http_request_parse(nothing, &request, &refusal), HTTP_PARSE_MORE);
}

static bool is_within(struct span part, struct span whole)
{
    return part.base >= whole.base && part.base + part.len <= whole.base + whole.len;
}

static void spans_point_into_the_bytes_that_were_parsed(void **state)
{
    (void)state;
    struct span bytes = SPAN("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_request request;
    struct http_refusal refusal;
    assert_int_equal(http_request_parse(bytes, &request, &refusal), HTTP_PARSE_DONE);
    assert_true(is_within(request.path, bytes));
    assert_true(is_within(request.query, bytes));
}

static void a_version_decides_what_it_takes_to_keep_a_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = parse(span_of(cases[i].text));
        assert_int_equal(result.parse, HTTP_PARSE_DONE);
        assert_int_equal(result.request.keep_alive, cases[i].keep_alive);
    }
}

/* Every byte at every place of one ordinary request: which ones may stand there? */
static void no_byte_at_any_place_lets_a_head_end_early_or_late(void **state)
{
    (void)state;
    static const char text[] = "GET /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n";
    char damaged[sizeof(text) - 1];
    for (size_t place = 0; place < sizeof(damaged); place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(damaged, text, sizeof(damaged));
            damaged[place] = (char)byte;
            struct result result = parse((struct span){damaged, sizeof(damaged)});
            if (result.parse == HTTP_PARSE_DONE)
                assert_int_equal(result.request.head_len, sizeof(damaged));
            if (result.parse == HTTP_PARSE_DONE && byte < ' ' && damaged[place] != text[place])
                assert_int_equal(byte, '\t'); /* the one control character that can be */
        }
    }
}

/* xorshift64: the same damage in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t damage(char *bytes, size_t len, uint64_t *seed)
{
    static const char interesting[] = "\r\n\r\n \t:;,=\"\\/?#%*@[]0\x7f\x80";
    for (uint64_t times = 1 + next_random(seed) % 4; times > 0 && len > 1; times--) {
        size_t place = next_random(seed) % len;
        switch (next_random(seed) % 4) {
        case 0:
            bytes[place] = (char)next_random(seed);
            break;
        case 1:
            bytes[place] = interesting[next_random(seed) % sizeof(interesting)];
            break;
        case 2: /* removed */
            memmove(bytes + place, bytes + place + 1, --len - place);
            break;
        default: /* doubled */
            if (len == BYTES_MAX)
                break;
            memmove(bytes + place + 1, bytes + place, len++ - place);
            break;
        }
    }
    return len;
}

static void check_damaged(struct span bytes, uint64_t *seed)
{
    struct result whole = parse(bytes);
    if (whole.parse == HTTP_PARSE_DONE) {
        size_t head_len = whole.request.head_len;
        assert_true(head_len <= bytes.len && head_len <= HTTP_HEAD_MAX);
        assert_memory_equal(bytes.base + head_len - 4, "\r\n\r\n", 4);
        assert_true(whole.request.path.len > 0);
    } else if (whole.parse == HTTP_PARSE_MORE) {
        assert_true(bytes.len < HTTP_HEAD_MAX);
    }

    size_t cut = next_random(seed) % (bytes.len + 1);
    struct result prefix = parse((struct span){bytes.base, cut});
    if (prefix.parse == HTTP_PARSE_DONE)
        assert_true(whole.parse == HTTP_PARSE_DONE && whole.request.head_len <= cut);
    if (prefix.parse == HTTP_PARSE_REFUSED) {
        assert_int_equal(whole.parse, HTTP_PARSE_REFUSED);
        assert_ptr_equal(prefix.refusal.detail, whole.refusal.detail);
    }
}

static void damaged_requests_are_answered_in_a_consistent_way(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    static char bytes[BYTES_MAX];
    for (unsigned i = 0; i < MUTATIONS; i++) {
        const struct vector *v = &vectors[next_random(&seed) % vector_count];
        if (v->input.len > 1024 && i % 64 != 0) /* long ones less often: they are slow */
            continue;
        memcpy(bytes, v->input.bytes, v->input.len);
        size_t len = damage(bytes, v->input.len, &seed);
        check_damaged((struct span){bytes, len}, &seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_gets_the_result_beside_it),
        cmocka_unit_test(a_prefix_asks_for_more_or_is_refused_the_same_way),
        cmocka_unit_test(nothing_is_more_to_come_and_not_a_fault),
        cmocka_unit_test(spans_point_into_the_bytes_that_were_parsed),
        cmocka_unit_test(a_version_decides_what_it_takes_to_keep_a_connection),
        cmocka_unit_test(no_byte_at_any_place_lets_a_head_end_early_or_late),
        cmocka_unit_test(damaged_requests_are_answered_in_a_consistent_way),
    };
    return cmocka_run_group_tests_name("http_request", tests, read_vectors, release_guard);
}
