/*
 * test_settings_time_source.c: TIME_SOURCE, and its list of NTP servers.
 * Method: tables of values with the servers or the exact messages; then every cut of a good list,
 * and random lists out of the characters that matter, in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"
#include "tests/unit/settings_fixture.h"

/* The messages for this value; what was set before is kept. */
static const char *set_again(struct span value)
{
    problems.count = 0;
    problems.dropped = 0;
    settings_set(&settings, SETTING_TIME_SOURCE, value, SOURCE_ENVIRONMENT,
                 (struct place){"env", 0, 0}, &problems);
    return messages();
}

static const char *set(const char *value)
{
    begin();
    return set_again(span_of(value));
}

/* The servers, as "ntp.example.org 123;::1 1123;". */
static const char *servers(void)
{
    static char text[NTP_SERVERS_MAX * 270];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings.ntp_server_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %u;",
                                 settings.ntp_servers[i].host, settings.ntp_servers[i].port);
    return text;
}

/* ---- Good values ---------------------------------------------------------------------------- */

static void the_source_is_system_monotonic_or_ntp(void **state)
{
    (void)state;
    assert_string_equal(set("monotonic"), "");
    assert_int_equal(settings.time_source, TIME_SOURCE_MONOTONIC);
    assert_string_equal(set_again(SPAN("ntp:a")), "");
    assert_int_equal(settings.time_source, TIME_SOURCE_NTP);
    assert_string_equal(servers(), "a 123;");
    assert_string_equal(set_again(SPAN("system")), ""); /* which takes the servers away */
    assert_int_equal(settings.time_source, TIME_SOURCE_SYSTEM);
    assert_string_equal(servers(), "");
}

static void a_server_is_a_name_or_an_address_with_or_without_port(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"ntp:ntp.example.org", "ntp.example.org 123;"},
        {"ntp:NTP-1.example_org.:1", "NTP-1.example_org. 1;"},
        {"ntp:3.pool.ntp.org", "3.pool.ntp.org 123;"},
        {"ntp:ntp", "ntp 123;"},
        {"ntp:ntp:123", "ntp 123;"},
        {"ntp:1a", "1a 123;"},
        {"ntp:192.0.2.1", "192.0.2.1 123;"},
        {"ntp:192.0.2.1:65535", "192.0.2.1 65535;"},
        {"ntp:[2001:db8::1]", "2001:db8::1 123;"},
        {"ntp:[2001:DB8:0:0::1]:1123", "2001:db8::1 1123;"},
        {"ntp:[::ffff:192.0.2.1]", "::ffff:192.0.2.1 123;"},
        {"ntp:a,a:124,b,[::1],[::1]:5", "a 123;a 124;b 123;::1 123;::1 5;"},
        {"ntp:a,b,c,d,e,f,g,h", "a 123;b 123;c 123;d 123;e 123;f 123;g 123;h 123;"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(set(cases[i].text), "");
        assert_string_equal(servers(), cases[i].messages);
    }
}

/* Sets a server with a name of this many characters in labels of at most label_len. */
static const char *set_name(size_t len, size_t label_len)
{
    char value[512] = "ntp:";
    for (size_t i = 0; i < len; i++)
        value[4 + i] = (i + 1) % (label_len + 1) == 0 ? '.' : 'x';
    return set(value);
}

static void a_name_has_253_characters_in_labels_of_63(void **state)
{
    (void)state;
    assert_string_equal(set_name(253, 63), "");
    assert_int_equal(strlen(settings.ntp_servers[0].host), 253);
    assert_non_null(strstr(set_name(254, 63), "is too long: a host name has at most 253 "));
    assert_string_equal(set_name(63, 63), "");
    assert_non_null(strstr(set_name(64, 64), "must be HOST, HOST:PORT, [IPV6] or [IPV6]:PORT\n"));
}

/* ---- Bad values ----------------------------------------------------------------------------- */

#define WORDS "must be system, monotonic or ntp:HOST[:PORT][,HOST[:PORT]...], not "

static void a_word_that_is_no_source_is_refused_with_a_guess(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"", WORDS "\"\"\n"},
        {"ntp", WORDS "\"ntp\"\n"},
        {"NTP:a", WORDS "\"NTP:a\"\n"},
        {"a", WORDS "\"a\"\n"},
        {"System", WORDS "\"System\"; did you mean 'system'?\n"},
        {"monotone", WORDS "\"monotone\"; did you mean 'monotonic'?\n"},
        {"system,ntp:a", WORDS "\"system,ntp:a\"\n"},
        {"system ", WORDS "\"system \"; did you mean 'system'?\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];
        (void)snprintf(expected, sizeof(expected), "env: 'TIME_SOURCE' %s", cases[i].messages);
        assert_string_equal(set(cases[i].text), expected);
    }
}

#define NO_SERVER "must be HOST, HOST:PORT, [IPV6] or [IPV6]:PORT"
#define NO_PORT "must have a port from 1 to 65535 behind the ':'"
#define NO_IPV4 "ends in a number and is no IPv4 address"
#define NO_IPV6 "must have an IPv6 address between its brackets"
#define NO_BRACKETS "must have brackets around an IPv6 address, as in [::1]:123"
#define NO_REST "must have nothing behind the ']' but a port, as in [::1]:123"

static void a_bad_server_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {" a", NO_SERVER},
        {"a b", NO_SERVER},
        {"a/b", NO_SERVER},
        {".", NO_SERVER},
        {".a", NO_SERVER},
        {"a..b", NO_SERVER},
        {"a..", NO_SERVER},
        {":123", NO_SERVER},
        {"\xc3\xa9", NO_SERVER},
        {"a]", NO_SERVER},
        {"a:", NO_PORT},
        {"a:0", NO_PORT},
        {"a:65536", NO_PORT},
        {"a:ntp", NO_PORT},
        {"a:+1", NO_PORT},
        {"[::1]:", NO_PORT},
        {"[::1]:0", NO_PORT},
        {"[::1]:1:2", NO_PORT},
        {"7", NO_IPV4},
        {"127.1", NO_IPV4},
        {"1.2.3.4.5", NO_IPV4},
        {"192.0.2.256", NO_IPV4},
        {"192.0.2.01", NO_IPV4},
        {"a.1", NO_IPV4},
        {"192.0.2.1.", NO_IPV4},
        {"[]", NO_IPV6},
        {"[a]", NO_IPV6},
        {"[192.0.2.1]", NO_IPV6},
        {"[::1%lo]", NO_IPV6},
        {"[[::1]]", NO_REST},
        {"[::12345]", NO_IPV6},
        {"::1", NO_BRACKETS},
        {"2001:db8::1", NO_BRACKETS},
        {"::1:123", NO_BRACKETS},
        {"[::1]123", NO_REST},
        {"[::1]a:1", NO_REST},
        {"[::1", "must have a ']' behind the IPv6 address"},
        {"[", "must have a ']' behind the IPv6 address"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char value[64];
        char quoted[64];
        char expected[256];
        (void)snprintf(value, sizeof(value), "ntp:%s", cases[i].text);
        (void)snprintf(expected, sizeof(expected), "env: 'TIME_SOURCE': %s %s\n",
                       log_quote(span_of(cases[i].text), quoted, sizeof(quoted)),
                       cases[i].messages);
        assert_string_equal(set(value), expected);
        assert_int_equal(settings.time_source, TIME_SOURCE_SYSTEM);
    }
}

static void a_bad_list_is_refused_with_every_reason_and_column(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"TIME_SOURCE=ntp:", "f:1:17: 'TIME_SOURCE': a server is missing; write one, as in "
                             "ntp:10.0.0.1, or take the comma away\n"},
        {"TIME_SOURCE=ntp:a,", "f:1:19: 'TIME_SOURCE': a server is missing; write one, as in "
                               "ntp:10.0.0.1, or take the comma away\n"},
        {"TIME_SOURCE=ntp:,a", "f:1:17: 'TIME_SOURCE': a server is missing; write one, as in "
                               "ntp:10.0.0.1, or take the comma away\n"},
        {"TIME_SOURCE=ntp:a,,b", "f:1:19: 'TIME_SOURCE': a server is missing; write one, as in "
                                 "ntp:10.0.0.1, or take the comma away\n"},
        {"TIME_SOURCE='ntp:a, b'", "f:1:20: 'TIME_SOURCE': \" b\" " NO_SERVER "\n"},
        {"TIME_SOURCE=ntp:a,b,A", "f:1:21: 'TIME_SOURCE': \"A\" is given twice; leave one out\n"},
        {"TIME_SOURCE=ntp:a,a:123",
         "f:1:19: 'TIME_SOURCE': \"a:123\" is given twice; leave one out\n"},
        {"TIME_SOURCE=ntp:[::1],[0:0::1]:123",
         "f:1:23: 'TIME_SOURCE': \"[0:0::1]:123\" is given twice; leave one out\n"},
        {"TIME_SOURCE=ntp:a,b,c,d,e,f,g,h,i",
         "f:1:33: 'TIME_SOURCE': \"i\" is one too many: there may be 8 servers\n"},
        {"TIME_SOURCE=ntp:1,b,::1", "f:1:17: 'TIME_SOURCE': \"1\" " NO_IPV4 "\n"
                                    "f:1:21: 'TIME_SOURCE': \"::1\" " NO_BRACKETS "\n"},
    };
    CHECK_FILES(cases);
}

static void a_bad_list_leaves_the_servers_before_it(void **state)
{
    (void)state;
    assert_string_equal(set("ntp:a,b:5"), "");
    assert_string_not_equal(set_again(SPAN("ntp:c,d,e:")), "");
    assert_string_equal(servers(), "a 123;b 5;");
    assert_int_equal(settings.time_source, TIME_SOURCE_NTP);
    assert_string_equal(settings.values[SETTING_TIME_SOURCE].text, "ntp:a,b:5");
}

/* ---- Whatever comes ------------------------------------------------------------------------- */

static void every_cut_of_a_list_is_a_shorter_list_or_a_problem(void **state)
{
    (void)state;
    static const char list[] = "ntp:ntp-1.example.org:12,192.0.2.1,[2001:db8::1]:1123";
    /* A plus where the list may end. */
    static const char ends[] = "----+++++++++++++++++-++---------+-------------+-++++";
    struct guard_page guard = guard_page_create(sizeof(list));
    for (size_t len = 0; len < sizeof(list); len++) {
        begin();
        const char *found = set_again(guard_page_place(&guard, (struct span){list, len}));
        bool good = len > 0 && ends[len - 1] == '+';
        if (good != (*found == '\0') || good != (settings.ntp_server_count > 0))
            fail_msg("%.*s: %s", (int)len, list, found);
    }
    guard_page_destroy(&guard);
}

static void random_lists_do_no_harm(void **state)
{
    (void)state;
    static const char liked[] = {'a', 'Z', '-', '_', '.', ':', '[', ']', ',', '0', '1', '9', ' '};
    struct guard_page guard = guard_page_create(64);
    struct random random = {123};
    unsigned taken = 0;
    begin();
    for (unsigned round = 0; round < 200000; round++) {
        char text[24] = "ntp:";
        size_t len = 4 + random_below(&random, sizeof(text) - 4);
        for (size_t i = 4; i < len; i++)
            text[i] = liked[random_below(&random, sizeof(liked))];
        problems.count = 0;
        settings_set(&settings, SETTING_TIME_SOURCE,
                     guard_page_place(&guard, (struct span){text, len}), SOURCE_ENVIRONMENT,
                     (struct place){"env", 0, 0}, &problems);
        taken += problems.count == 0;
        for (size_t i = 0; i < settings.ntp_server_count; i++)
            assert_true(settings.ntp_servers[i].host[0] != '\0' &&
                        settings.ntp_servers[i].port > 0);
    }
    assert_in_range(taken, 1, 199999); /* both kinds have been met */
    guard_page_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_is_system_monotonic_or_ntp),
        cmocka_unit_test(a_server_is_a_name_or_an_address_with_or_without_port),
        cmocka_unit_test(a_name_has_253_characters_in_labels_of_63),
        cmocka_unit_test(a_word_that_is_no_source_is_refused_with_a_guess),
        cmocka_unit_test(a_bad_server_is_refused_with_the_reason),
        cmocka_unit_test(a_bad_list_is_refused_with_every_reason_and_column),
        cmocka_unit_test(a_bad_list_leaves_the_servers_before_it),
        cmocka_unit_test(every_cut_of_a_list_is_a_shorter_list_or_a_problem),
        cmocka_unit_test(random_lists_do_no_harm),
    };
    return cmocka_run_group_tests_name("settings_time_source", tests, NULL, NULL);
}
