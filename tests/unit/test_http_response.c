/*
 * test_http_response.c: heads, dates and error bodies, compared byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/number.h"
#include "server/http/response.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static char buffer[8192];

static struct http_output begin(void)
{
    memset(buffer, '#', sizeof(buffer));
    return (struct http_output){.base = buffer, .capacity = sizeof(buffer)};
}

/* NUL-terminated, for comparisons. */
static const char *written(struct http_output *out)
{
    assert_true(out->used < out->capacity);
    assert_int_equal(out->base[out->used], '#'); /* nothing behind what was counted */
    out->base[out->used] = '\0';
    return out->base;
}

static void a_plain_head_has_date_type_and_length(void **state)
{
    (void)state;
    struct http_output out = begin();
    const struct http_head head = {.status = 200,
                                   .content_type = SPAN("application/json"),
                                   .content_length = 42,
                                   .date = DATE};
    http_head_write(&out, &head);
    assert_string_equal(written(&out), "HTTP/1.1 200 OK\r\n"
                                       "Cache-Control: no-store\r\n"
                                       "Date: " DATE "\r\n"
                                       "Content-Type: application/json\r\n"
                                       "Content-Length: 42\r\n"
                                       "\r\n");
}

static void what_is_not_known_or_not_wanted_is_left_out(void **state)
{
    (void)state;
    struct http_output out = begin();
    const struct http_head head = {.status = 200, .content_length = HTTP_LENGTH_NONE, .date = DATE};
    http_head_write(&out, &head);
    assert_string_equal(written(&out), "HTTP/1.1 200 OK\r\n"
                                       "Cache-Control: no-store\r\n"
                                       "Date: " DATE "\r\n"
                                       "\r\n");
}

static void a_head_with_everything_fits_the_ceiling(void **state)
{
    (void)state;
    char type[HTTP_CONTENT_TYPE_MAX];
    memset(type, 't', sizeof(type));
    static const uint16_t statuses[] = {
#define X(number, title) number,
        HTTP_STATUSES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct http_output out = begin();
        const struct http_head head = {.status = statuses[i],
                                       .content_type = {type, sizeof(type)},
                                       .content_length = UINT64_MAX - 1,
                                       .connection = HTTP_CONNECTION_KEEP_ALIVE,
                                       .allow = true,
                                       .challenge = SPAN_INIT("Bearer realm=\"go-id\", "
                                                              "error=\"invalid_token\""),
                                       .retry_after_s = UINT32_MAX,
                                       .date = DATE};
        http_head_write(&out, &head);
        assert_true(out.used <= HTTP_RESPONSE_HEAD_MAX);
        const char *text = written(&out);
        assert_non_null(strstr(text, "\r\nContent-Length: 18446744073709551614\r\n"));
        assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
        assert_non_null(strstr(text, "\r\nWWW-Authenticate: Bearer realm=\"go-id\", "));
        assert_non_null(strstr(text, "\r\nRetry-After: 4294967295\r\n"));
        assert_non_null(strstr(text, "\r\nConnection: keep-alive\r\n\r\n"));
    }
}

static void a_page_that_may_be_kept_says_so(void **state)
{
    (void)state;
    struct http_output out = begin();
    struct http_head head = {.status = 200,
                             .content_type = SPAN("text/html"),
                             .content_length = 5,
                             .more = SPAN("\r\nETag: \"a\""),
                             .may_be_kept = true,
                             .date = DATE};
    http_head_write(&out, &head);
    head = (struct http_head){.status = 304,
                              .content_length = HTTP_LENGTH_NONE,
                              .connection = HTTP_CONNECTION_CLOSE,
                              .may_be_kept = true,
                              .date = DATE};
    http_head_write(&out, &head);
    assert_string_equal(written(&out), "HTTP/1.1 200 OK\r\n"
                                       "Cache-Control: no-cache\r\n"
                                       "Date: " DATE "\r\n"
                                       "Content-Type: text/html\r\n"
                                       "Content-Length: 5\r\n"
                                       "ETag: \"a\"\r\n"
                                       "\r\n"
                                       "HTTP/1.1 304 Not Modified\r\n"
                                       "Cache-Control: no-cache\r\n"
                                       "Date: " DATE "\r\n"
                                       "Connection: close\r\n"
                                       "\r\n");
}

static void heads_are_appended(void **state)
{
    (void)state;
    struct http_output out = begin();
    http_continue_write(&out);
    assert_int_equal(out.used, HTTP_CONTINUE_LEN);
    const struct http_head head = {
        .status = 503, .connection = HTTP_CONNECTION_CLOSE, .retry_after_s = 1, .date = DATE};
    http_head_write(&out, &head);
    assert_string_equal(written(&out), "HTTP/1.1 100 Continue\r\n\r\n"
                                       "HTTP/1.1 503 Service Unavailable\r\n"
                                       "Cache-Control: no-store\r\n"
                                       "Date: " DATE "\r\n"
                                       "Content-Length: 0\r\n"
                                       "Retry-After: 1\r\n"
                                       "Connection: close\r\n"
                                       "\r\n");
}

static void every_status_has_its_registered_title(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *title;
    } cases[] = {
        {100, "Continue"},
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(http_status_title(cases[i].status), cases[i].title);
    assert_null(http_status_title(299));
    assert_null(http_status_title(0));
}

static void dates_are_those_of_the_c_library(void **state)
{
    (void)state;
    /* Steps of a prime number of seconds, a few days long, over four centuries and beyond. */
    for (int64_t unix_s = 0; unix_s < INT64_C(20000000000); unix_s += 310019) {
        char ours[HTTP_DATE_LEN + 1];
        char theirs[64];
        struct tm tm;
        time_t t = (time_t)unix_s;
        http_date_format(unix_s, ours);
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm),
                         HTTP_DATE_LEN);
        assert_string_equal(ours, theirs);
    }
}

static void dates_have_two_ends(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } cases[] = {
        {784111777, DATE},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951827696, "Tue, 29 Feb 2000 12:34:56 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[HTTP_DATE_LEN + 1];
        http_date_format(cases[i].unix_s, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* The stated length of a response must be that of what follows its head. */
static void assert_length_is_true(const char *response)
{
    const char *field = strstr(response, "Content-Length: ");
    const char *body = strstr(response, "\r\n\r\n");
    assert_non_null(field);
    assert_non_null(body);
    field += strlen("Content-Length: ");
    uint64_t stated = 0;
    assert_int_equal(parse_u64((struct span){field, strcspn(field, "\r")}, 0, UINT64_MAX, &stated),
                     0);
    assert_int_equal(stated, strlen(body + 4));
}

static void a_problem_is_a_whole_response(void **state)
{
    (void)state;
    struct http_output out = begin();
    const struct http_head head = {
        .status = 405, .allow = true, .connection = HTTP_CONNECTION_CLOSE, .date = DATE};
    http_problem_write(&out, &head, SPAN("Use GET or HEAD."), HTTP_OTHER_METHOD);
    const char *text = written(&out);
    assert_string_equal(text, "HTTP/1.1 405 Method Not Allowed\r\n"
                              "Cache-Control: no-store\r\n"
                              "Date: " DATE "\r\n"
                              "Content-Type: application/problem+json\r\n"
                              "Content-Length: 92\r\n"
                              "Allow: GET, HEAD\r\n"
                              "Connection: close\r\n"
                              "\r\n"
                              "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\","
                              "\"status\":405,\"detail\":\"Use GET or HEAD.\"}");
    assert_length_is_true(text);
}

static void a_problem_for_head_states_the_length_of_the_body_it_leaves_out(void **state)
{
    (void)state;
    const struct http_head head = {.status = 404, .date = DATE};
    struct http_output get = begin();
    http_problem_write(&get, &head, SPAN("a\"b"), HTTP_GET);
    char *expected = strdup(written(&get));
    assert_non_null(expected);
    strstr(expected, "\r\n\r\n")[4] = '\0';

    struct http_output out = begin();
    http_problem_write(&out, &head, SPAN("a\"b"), HTTP_HEAD);
    assert_string_equal(written(&out), expected);
    free(expected);
}

static void a_detail_of_any_bytes_stays_json(void **state)
{
    (void)state;
    static const struct {
        struct span detail;
        const char *json;
    } cases[] = {
        {{"plain ~", 7}, "\"plain ~\""},
        {{"", 0}, "\"\""},
        {{"\"\\/", 3}, "\"\\\"\\\\/\""},
        {{"\0\n\x1f\x7f", 4}, "\"\\u0000\\u000a\\u001f\\u007f\""},
        {{"\xc3\xa9\xff\x80", 4}, "\"\\u00c3\\u00a9\\u00ff\\u0080\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_output out = begin();
        const struct http_head head = {.status = 400, .date = DATE};
        http_problem_write(&out, &head, cases[i].detail, HTTP_GET);
        const char *text = written(&out);
        assert_length_is_true(text);
        char end[128];
        (void)snprintf(end, sizeof(end), "\"status\":400,\"detail\":%s}", cases[i].json);
        assert_string_equal(strstr(text, "\"status\""), end);
    }
}

static void the_longest_problem_fits_the_ceiling(void **state)
{
    (void)state;
    static char detail[2 * HTTP_DETAIL_MAX]; /* NULs: six characters each */
    struct http_output out = begin();
    out.capacity = HTTP_PROBLEM_MAX + 1; /* one for written() */
    const struct http_head head = {.status = 431,
                                   .connection = HTTP_CONNECTION_KEEP_ALIVE,
                                   .allow = true,
                                   .retry_after_s = UINT32_MAX,
                                   .date = DATE};
    http_problem_write(&out, &head, (struct span){detail, sizeof(detail)}, HTTP_GET);
    const char *text = written(&out);
    assert_length_is_true(text);
    assert_int_equal(strlen(strstr(text, "\\u0000")), 6 * HTTP_DETAIL_MAX + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_head_has_date_type_and_length),
        cmocka_unit_test(what_is_not_known_or_not_wanted_is_left_out),
        cmocka_unit_test(a_head_with_everything_fits_the_ceiling),
        cmocka_unit_test(a_page_that_may_be_kept_says_so),
        cmocka_unit_test(heads_are_appended),
        cmocka_unit_test(every_status_has_its_registered_title),
        cmocka_unit_test(dates_are_those_of_the_c_library),
        cmocka_unit_test(dates_have_two_ends),
        cmocka_unit_test(a_problem_is_a_whole_response),
        cmocka_unit_test(a_problem_for_head_states_the_length_of_the_body_it_leaves_out),
        cmocka_unit_test(a_detail_of_any_bytes_stays_json),
        cmocka_unit_test(the_longest_problem_fits_the_ceiling),
    };
    return cmocka_run_group_tests_name("http_response", tests, NULL, NULL);
}
