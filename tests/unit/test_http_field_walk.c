/*
 * test_http_field_walk.c: fields that are looked for in a head that has been parsed.
 * Method: tables; every head ends in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/field_walk.h"
#include "tests/unit/guard_page.h"

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(HTTP_HEAD_MAX);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

/* All values of the field "X-Name" in the head, each followed by ';'. */
static const char *values(const char *head)
{
    static char text[1024];
    struct http_request request;
    struct http_refusal refusal;
    struct http_field_walk walk;
    struct span value;
    size_t used = 0;
    struct span bytes = guard_page_place(&guard, span_of(head));
    assert_int_equal(http_request_parse(bytes, &request, &refusal), HTTP_PARSE_DONE);
    http_field_walk_begin(&walk, &request);
    while (http_field_walk_next(&walk, SPAN("X-Name"), &value)) {
        memcpy(text + used, value.base, value.len);
        used += value.len;
        text[used++] = ';';
    }
    assert_false(http_field_walk_next(&walk, SPAN("X-Name"), &value)); /* and it stays so */
    text[used] = '\0';
    return text;
}

static void fields_are_found_wherever_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        const char *values;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"GET / HTTP/1.0\r\n\r\n", ""},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Name: 1\r\n\r\n", "1;"},
        {"GET / HTTP/1.1\r\nX-Name: 1\r\nHost: a\r\n\r\n", "1;"},
        {"\r\n\r\nGET / HTTP/1.1\r\nx-nAME:1\r\nHost: a\r\nX-NAME:\t 2, 3 \t\r\n\r\n", "1;2, 3;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Name:\r\nX-Names: 1\r\nX-Nam: 2\r\nY: X-Name: 3\r\n\r\n",
         ";"},
        {"GET /?X-Name:1 HTTP/1.1\r\nHost: a\r\nX-Name: a:b\r\n\r\n", "a:b;"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(values(cases[i].head), cases[i].values);
}

static void what_follows_the_head_is_no_field(void **state)
{
    (void)state;
    assert_string_equal(values("GET / HTTP/1.1\r\nHost: a\r\n\r\nX-Name: 1\r\n\r\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_wherever_they_are),
        cmocka_unit_test(what_follows_the_head_is_no_field),
    };
    return cmocka_run_group_tests_name("http_field_walk", tests, create_guard, destroy_guard);
}
