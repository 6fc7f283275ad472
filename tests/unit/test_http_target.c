/*
 * test_http_target.c: hosts, paths and queries.
 * Method: tables; every input lies in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "server/http/target.h"
#include "tests/unit/guard_page.h"

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(HTTP_TARGET_MAX);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static struct span place(const char *text)
{
    return guard_page_place(&guard, span_of(text));
}

static void hosts_are_names_or_addresses_with_an_optional_port(void **state)
{
    (void)state;
    static const char *const valid[] = {"a",           "localhost:7001",
                                        "example.com", "127.0.0.1:80",
                                        "[::1]",       "[::1]:7001",
                                        "a:",          ":80",
                                        "a_b-c.d~!",   "[::ffff:1.2.3.4]"};
    static const char *const invalid[] = {"",        "a:b",  "a:1:2", "a b",   "u@a",      "a/b",
                                          "[::1",    "::1]", "[]",    "[g]",   "a[",       "[::1]a",
                                          "[::1]:x", "a#",   "a?",    "a,b c", "\xc3\xa9", "a]:1"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        if (!http_authority_valid(place(valid[i])))
            fail_msg("'%s' is refused", valid[i]);
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        if (http_authority_valid(place(invalid[i])))
            fail_msg("'%s' is taken", invalid[i]);
    }
}

static void escapes_in_a_path_are_decoded_once(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *decoded;
    } cases[] = {
        {"/generate", "/generate"},
        {"/%67enerat%65", "/generate"},
        {"/%25%34%31", "/%41"},
        {"/%2e%2E/a", "/../a"},
        {"/a+b", "/a+b"},
        {"/%c3%A9%7f", "/\xc3\xa9\x7f"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[32];
        size_t len = 99;
        assert_int_equal(http_path_decode(place(cases[i].path), out, sizeof(out), &len), 0);
        assert_int_equal(len, strlen(cases[i].decoded));
        assert_memory_equal(out, cases[i].decoded, len);
    }
}

static void a_path_that_others_would_read_differently_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a%2Fb", "/a%2fb", "/%00",  "/%",   "/%4",
                                        "/%zz",   "/%4g",   "/%%41", "/%-1", "/%u0041"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char out[32];
        size_t len = 99;
        if (http_path_decode(place(paths[i]), out, sizeof(out), &len) != -EINVAL)
            fail_msg("'%s' is taken", paths[i]);
        assert_int_equal(len, 99);
    }
}

static void a_path_longer_than_the_buffer_is_none_of_ours(void **state)
{
    (void)state;
    char out[4];
    size_t len = 99;
    assert_int_equal(http_path_decode(place("/abc"), out, sizeof(out), &len), 0);
    assert_int_equal(http_path_decode(place("/%61bc"), out, sizeof(out), &len), 0);
    assert_int_equal(http_path_decode(place("/abcd"), out, sizeof(out), &len), -ENAMETOOLONG);
    assert_int_equal(http_path_decode(place("/abcd%2F"), out, sizeof(out), &len), -EINVAL);
    assert_int_equal(len, 4);
}

/* The pairs of a query as text: "a=1;b=;!" where '!' is a malformed one. */
static void list_pairs(struct span text, char *out, size_t capacity)
{
    static struct http_query query;
    size_t used = 0;
    http_query_begin(&query, text);
    for (;;) {
        struct http_parameter p;
        switch (http_query_next(&query, &p)) {
        case HTTP_QUERY_END:
            out[used] = '\0';
            return;
        case HTTP_QUERY_MALFORMED:
            out[used++] = '!';
            continue;
        case HTTP_QUERY_PAIR:
            assert_true(used + p.name.len + p.value.len + 3 < capacity);
            memcpy(out + used, p.name.base, p.name.len);
            used += p.name.len;
            out[used++] = '=';
            memcpy(out + used, p.value.base, p.value.len);
            used += p.value.len;
            out[used++] = ';';
        }
    }
}

static void a_query_comes_apart_into_decoded_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *pairs;
    } cases[] = {
        {"", ""},
        {"&", ""},
        {"&&a=1&&", "a=1;"},
        {"a=1&b=2", "a=1;b=2;"},
        {"a", "a=;"},
        {"a=", "a=;"},
        {"=", "=;"},
        {"=1", "=1;"},
        {"a=b=c", "a=b=c;"},
        {"a+b=c+d", "a+b=c+d;"},
        {"a?/=:@", "a?/=:@;"},
        {"%61=%31&b=%26%3D", "a=1;b=&=;"},
        {"co%75nt=2", "count=2;"},
        {"a%3Db=c", "a=b=c;"},
        {"a=%", "!"},
        {"a=%4", "!"},
        {"%zz=1&b=2", "!b=2;"},
        {"a=%4&b", "!b=;"}, /* an escape does not reach into the next pair */
        {"a%4=1", "!"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char pairs[128];
        list_pairs(place(cases[i].query), pairs, sizeof(pairs));
        assert_string_equal(pairs, cases[i].pairs);
    }
}

static void the_longest_query_fits_whether_decoded_or_not(void **state)
{
    (void)state;
    static char text[HTTP_TARGET_MAX];
    static char pairs[HTTP_TARGET_MAX + 8];
    memset(text, 'a', sizeof(text));
    list_pairs(guard_page_place(&guard, (struct span){text, sizeof(text)}), pairs, sizeof(pairs));
    assert_int_equal(strlen(pairs), HTTP_TARGET_MAX + 2);

    text[0] = '%';
    text[1] = '4';
    text[2] = '1';
    list_pairs(guard_page_place(&guard, (struct span){text, sizeof(text)}), pairs, sizeof(pairs));
    assert_int_equal(strlen(pairs), HTTP_TARGET_MAX - 2 + 2);
    assert_memory_equal(pairs, "Aaa", 3);
}

static void an_escape_may_stand_for_nul_in_a_query(void **state)
{
    (void)state;
    static struct http_query query;
    struct http_parameter p;
    http_query_begin(&query, place("a=%00b"));
    assert_int_equal(http_query_next(&query, &p), HTTP_QUERY_PAIR);
    assert_true(span_equal(p.value, SPAN("\0b"))); /* the length, not NUL, ends a value */
    assert_int_equal(http_query_next(&query, &p), HTTP_QUERY_END);
    assert_int_equal(http_query_next(&query, &p), HTTP_QUERY_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_names_or_addresses_with_an_optional_port),
        cmocka_unit_test(escapes_in_a_path_are_decoded_once),
        cmocka_unit_test(a_path_that_others_would_read_differently_is_refused),
        cmocka_unit_test(a_path_longer_than_the_buffer_is_none_of_ours),
        cmocka_unit_test(a_query_comes_apart_into_decoded_pairs),
        cmocka_unit_test(the_longest_query_fits_whether_decoded_or_not),
        cmocka_unit_test(an_escape_may_stand_for_nul_in_a_query),
    };
    return cmocka_run_group_tests_name("http_target", tests, create_guard, destroy_guard);
}
