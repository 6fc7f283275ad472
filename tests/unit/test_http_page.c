/*
 * test_http_page.c: Accept-Encoding and If-None-Match, as browsers and others write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/page.h"
#include "server/http/request.h"
#include "tests/unit/guard_page.h"

static struct guard_page guard;

static void gzip_is_sent_to_who_asks_for_it(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool accepts;
    } cases[] = {
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {" deflate ,\tgzip ; q=0.001", true},
        {"*", true},
        {"*;q=0, gzip", true},
        {"", false},
        {"identity", false},
        {"gzipped", false},
        {"br, deflate", false},
        {"gzip;q=0", false},
        {"gzip; Q=0.000", false},
        {"gzip;q=0, *", false},
        {"*, gzip;q=0", false},
        {"*;q=0", false},
        {",,;;q=0,=", false},
        {"gzip;q", false},
        {"gzip;level=9", true},
        {"gzip;level=9;q=0", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span value = guard_page_place(&guard, span_of(cases[i].value));
        if (http_accepts_gzip(value) != cases[i].accepts)
            fail_msg("Accept-Encoding: %s", cases[i].value);
    }
}

static void an_etag_is_found_in_every_form_of_the_list(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool listed;
    } cases[] = {
        {"\"abc\"", true},
        {"W/\"abc\"", true},
        {"\"x\", \"abc\"", true},
        {"\"x\",\"abc\" ,W/\"z\"", true},
        {"*", true},
        {"", false},
        {"abc", false},
        {"\"ab\"", false},
        {"\"abcd\"", false},
        {"\"ABC\"", false},
        {"w/\"abc\"", false},
        {"W/", false},
        {"W\"abc\"", false},
        {",,", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span value = guard_page_place(&guard, span_of(cases[i].value));
        if (http_etag_listed(value, SPAN("\"abc\"")) != cases[i].listed)
            fail_msg("If-None-Match: %s", cases[i].value);
    }
}

static void a_request_carries_both_fields(void **state)
{
    (void)state;
    struct http_request request;
    struct http_refusal refusal;
    struct span bytes = SPAN("GET / HTTP/1.1\r\nHost: a\r\naccept-encoding: br\r\n"
                             "Accept-Encoding:  gzip\r\nIF-NONE-MATCH: \"abc\" \r\n\r\n");
    assert_int_equal(http_request_parse(bytes, &request, &refusal), HTTP_PARSE_DONE);
    assert_true(span_equal(request.accept_encoding, SPAN("gzip"))); /* the last one */
    assert_true(span_equal(request.if_none_match, SPAN("\"abc\"")));

    bytes = SPAN("GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: gzip\r\n\r\n");
    assert_int_equal(http_request_parse(bytes, &request, &refusal), HTTP_PARSE_DONE);
    assert_int_equal(request.accept_encoding.len, 0);
    assert_int_equal(request.if_none_match.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_sent_to_who_asks_for_it),
        cmocka_unit_test(an_etag_is_found_in_every_form_of_the_list),
        cmocka_unit_test(a_request_carries_both_fields),
    };
    guard = guard_page_create(HTTP_HEAD_MAX);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
