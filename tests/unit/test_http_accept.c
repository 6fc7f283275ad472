/*
 * test_http_accept.c: what a client is given for what it asks.
 * Method: a table of Accept values; every value is also cut at every byte, in front of an
 * unreadable page, where nothing must go wrong but the answer may differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/accept.h"
#include "tests/unit/guard_page.h"

#define JSON HTTP_MEDIA_JSON
#define TEXT HTTP_MEDIA_TEXT
#define BINARY HTTP_MEDIA_BINARY

struct accept_case {
    const char *value;
    enum http_media best;
    bool understood; /* all of it */
};

static const struct accept_case cases[] = {
    /* What clients send. */
    {"*/*", JSON, true},
    {"application/json", JSON, true},
    {"text/plain", TEXT, true},
    {"application/octet-stream", BINARY, true},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON, true},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON, false}, /* old Java */
    {"application/json, text/plain, */*", JSON, true},                     /* axios */

    /* Nothing we have, or nothing at all. */
    {"", JSON, true},
    {" \t", JSON, true},
    {",, ,", JSON, true},
    {"image/png", JSON, true},
    {"application/json;q=0", JSON, true},
    {"*/*;q=0", JSON, true},

    /* The highest q wins; among equals JSON, then text. */
    {"application/json;q=0.5, text/plain", TEXT, true},
    {"application/json;q=0.5, text/plain;q=0.501", TEXT, true},
    {"application/json;q=0.501, text/plain;q=0.5", JSON, true},
    {"text/plain, application/json", JSON, true},
    {"application/octet-stream, text/plain", TEXT, true},
    {"text/plain;q=0.1, application/octet-stream;q=0.2", BINARY, true},
    {"application/json;q=0, application/octet-stream;q=0.001", BINARY, true},

    /* The more specific range decides, whatever its q and wherever it stands. */
    {"*/*, application/json;q=0.1", TEXT, true},
    {"application/json;q=0.1, */*", TEXT, true},
    {"text/*, application/json;q=0.9", TEXT, true},
    {"text/*, text/plain;q=0.1, application/json;q=0.2", JSON, true},
    {"*/*;q=0.9, text/*;q=0.1, application/*;q=0.2, application/json;q=0", BINARY, true},
    {"application/*", JSON, true},
    {"application/*;q=0.5, text/*;q=0.6", TEXT, true},
    {"text/plain;q=0.1, text/plain;q=0.9, application/json;q=0.5", TEXT, true}, /* the higher */

    /* Case, blanks and parameters. */
    {"TEXT/Plain;Q=1", TEXT, true},
    {"  text/plain\t;\tq=0.7 , application/json ; q=0.6  ", TEXT, true},
    {"text/plain;charset=utf-8", TEXT, true},
    {"text/plain;a=\"x,y;q=0\";q=0.7, application/json;q=0.6", TEXT, true},
    {"text/plain;a=\"\\\",\\\\\", application/json;q=0.6", TEXT, true},
    {"text/plain;;q=0.7;, application/json;q=0.6", TEXT, true},
    {"text/plain;queue=0", TEXT, true},

    /* q to the letter; an element that is not understood is passed over, the others count. */
    {"text/plain;q=1.000", TEXT, true},
    {"text/plain;q=1.", TEXT, true},
    {"text/plain;q=0.", JSON, true},
    {"text/plain;q=1.001", JSON, false},
    {"text/plain;q=2", JSON, false},
    {"text/plain;q=0.1234", JSON, false},
    {"text/plain;q=.5", JSON, false},
    {"text/plain;q=-1", JSON, false},
    {"text/plain;q=0,5", JSON, false}, /* q=0, and an element "5" */
    {"text/plain;q=0x1", JSON, false},
    {"text/plain;q=", JSON, false},
    {"text/plain;q=\"1\"", JSON, false},
    {"text/plain;q", JSON, false},
    {"text/plain;q =1", JSON, false},
    {"text/plain q=1", JSON, false},
    {"text /plain", JSON, false},
    {"text", JSON, false},
    {"text/", JSON, false},
    {"/plain", JSON, false},
    {"text/plain/x", JSON, false},
    {"*/plain", JSON, true}, /* grammatical, and nothing */
    {"text/plain;a=\"open, application/octet-stream", JSON, false},
    {"text/plain;q=x;a=\"b,c\", application/octet-stream", BINARY, false},
    {"nonsense, text/plain", TEXT, false},
    {"text/plain, nonsense", TEXT, false},
    {"(),text/plain", TEXT, false},
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

static void each_value_gets_the_kind_beside_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct http_accept accept;
        http_accept_init(&accept);
        bool understood = http_accept_add(&accept, span_of(cases[i].value));
        if (http_accept_best(&accept) != cases[i].best)
            fail_msg("'%s' gives %d", cases[i].value, (int)http_accept_best(&accept));
        if (understood != cases[i].understood)
            fail_msg("'%s' is %sunderstood", cases[i].value, understood ? "" : "not ");
    }
}

static void without_the_field_it_is_json(void **state)
{
    (void)state;
    struct http_accept accept;
    http_accept_init(&accept);
    assert_int_equal(http_accept_best(&accept), HTTP_MEDIA_JSON);
}

static void two_fields_count_as_one_list(void **state)
{
    (void)state;
    struct http_accept accept;
    http_accept_init(&accept);
    assert_true(http_accept_add(&accept, SPAN("application/json;q=0.2")));
    assert_true(http_accept_add(&accept, SPAN("text/plain;q=0.3")));
    assert_int_equal(http_accept_best(&accept), HTTP_MEDIA_TEXT);
    assert_int_equal(accept.quality[HTTP_MEDIA_JSON], 200);
    assert_int_equal(accept.quality[HTTP_MEDIA_TEXT], 300);
}

/* Only for metrics, and only for who names it: ids have never been in that format. */
static void openmetrics_is_for_who_names_it(void **state)
{
    static const struct {
        const char *value;
        bool openmetrics;
    } wishes[] = {
        {"application/openmetrics-text", true},
        {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.5", true},
        {"application/openmetrics-text;q=0.4,text/plain;q=0.5", false},
        {"application/openmetrics-text;q=0", false},
        {"application/*", false},
        {"*/*", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct http_accept accept;
        http_accept_init(&accept);
        assert_true(http_accept_add(&accept, span_of(wishes[i].value)));
        if (http_accept_openmetrics(&accept) != wishes[i].openmetrics)
            fail_msg("'%s'", wishes[i].value);
        assert_in_range(http_accept_best(&accept), HTTP_MEDIA_JSON, HTTP_MEDIA_BINARY);
    }
}

static void no_value_is_read_past_its_end(void **state)
{
    (void)state;
    struct guard_page guard = guard_page_create(256);
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct span whole = span_of(cases[i].value);
        for (size_t len = 0; len <= whole.len; len++) {
            struct http_accept accept;
            http_accept_init(&accept);
            struct span prefix = guard_page_place(&guard, (struct span){whole.base, len});
            (void)http_accept_add(&accept, prefix);
            assert_in_range(http_accept_best(&accept), HTTP_MEDIA_JSON, HTTP_MEDIA_BINARY);
        }
    }
    guard_page_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_gets_the_kind_beside_it),
        cmocka_unit_test(without_the_field_it_is_json),
        cmocka_unit_test(two_fields_count_as_one_list),
        cmocka_unit_test(openmetrics_is_for_who_names_it),
        cmocka_unit_test(no_value_is_read_past_its_end),
    };
    return cmocka_run_group_tests_name("http_accept", tests, NULL, NULL);
}
