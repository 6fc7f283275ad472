/*
 * test_settings_addresses.c: LISTEN_ADDRESS and --listen.
 * Method: tables of values with the listeners or the exact messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/settings_fixture.h"

static void addresses_are_ipv4_ipv6_and_unix_sockets(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"0.0.0.0", "4 0.0.0.0 7001;"},
        {"::", "6 :: 7001;"},
        {"[::1]", "6 ::1 7001;"},
        {"::ffff:127.0.0.1", "6 ::ffff:127.0.0.1 7001;"},
        {"127.0.0.1,::1", "4 127.0.0.1 7001;6 ::1 7001;"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(set_in_environment(SETTING_LISTEN_ADDRESS, span_of(cases[i].text)), "");
        assert_string_equal(listeners(), cases[i].messages);
    }
    assert_string_equal(set_in_environment(SETTING_LISTEN_ADDRESS, SPAN("unix:/run/a")), "");
    assert_int_equal(settings.listener_count, 1);
    assert_int_equal(settings.listeners[0].kind, LISTEN_UNIX);
    assert_string_equal(settings.listeners[0].text, "/run/a");
}

#define NOT_AN_ADDRESS "is neither an IPv4 or IPv6 address in numbers nor unix:/path\n"

static void a_bad_address_is_named_with_its_column(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"LISTEN_ADDRESS=",
         "f:1:16: 'LISTEN_ADDRESS': an address is missing; write one, or take the comma away\n"},
        {"LISTEN_ADDRESS=::1,",
         "f:1:20: 'LISTEN_ADDRESS': an address is missing; write one, or take the comma away\n"},
        {"LISTEN_ADDRESS=,::1",
         "f:1:16: 'LISTEN_ADDRESS': an address is missing; write one, or take the comma away\n"},
        {"LISTEN_ADDRESS=::1,127.0.0.300",
         "f:1:20: 'LISTEN_ADDRESS': \"127.0.0.300\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS='::1, ::'", "f:1:21: 'LISTEN_ADDRESS': \" ::\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS=127.0.0.1:80",
         "f:1:16: 'LISTEN_ADDRESS': \"127.0.0.1:80\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS=[127.0.0.1]", "f:1:16: 'LISTEN_ADDRESS': \"[127.0.0.1]\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS=127.1", "f:1:16: 'LISTEN_ADDRESS': \"127.1\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS=[]", "f:1:16: 'LISTEN_ADDRESS': \"[]\" " NOT_AN_ADDRESS},
        {"LISTEN_ADDRESS=Localhost", "f:1:16: 'LISTEN_ADDRESS': \"Localhost\" is a name; write the "
                                     "addresses: 127.0.0.1,::1\n"},
        {"LISTEN_ADDRESS=unix:run", "f:1:16: 'LISTEN_ADDRESS': \"unix:run\" must name an absolute "
                                    "path, as in unix:/run/go-id/socket\n"},
        {"LISTEN_ADDRESS=unix:", "f:1:16: 'LISTEN_ADDRESS': \"unix:\" must name an absolute path, "
                                 "as in unix:/run/go-id/socket\n"},
        {"LISTEN_ADDRESS=::1,127.0.0.1,::1",
         "f:1:30: 'LISTEN_ADDRESS': \"::1\" is given twice; leave one out\n"},
        {"LISTEN_ADDRESS=unix:/a,unix:/a",
         "f:1:24: 'LISTEN_ADDRESS': \"unix:/a\" is given twice; leave one out\n"},
        {"LISTEN_ADDRESS=a,b", "f:1:16: 'LISTEN_ADDRESS': \"a\" " NOT_AN_ADDRESS
                               "f:1:18: 'LISTEN_ADDRESS': \"b\" " NOT_AN_ADDRESS},
    };
    CHECK_FILES(cases);
    assert_string_equal(listeners(), "4 127.0.0.1 7001;"); /* what was good before is kept */
}

static void a_unix_socket_has_a_path_of_at_most_107_bytes(void **state)
{
    (void)state;
    char value[5 + 108] = "unix:/";
    memset(value + 6, 'x', sizeof(value) - 6);
    assert_string_equal(set_in_environment(SETTING_LISTEN_ADDRESS, (struct span){value, 5 + 107}),
                        "");
    assert_int_equal(strlen(settings.listeners[0].text), 107);
    const char *found = set_in_environment(SETTING_LISTEN_ADDRESS, (struct span){value, 5 + 108});
    assert_non_null(
        strstr(found, "is too long: the path of a Unix socket has at most 107 bytes\n"));
}

static void sixteen_addresses_and_no_more(void **state)
{
    (void)state;
    char list[512] = "127.0.0.1";
    for (unsigned i = 2; i <= 16; i++)
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), ",127.0.0.%u", i);
    assert_string_equal(set_in_environment(SETTING_LISTEN_ADDRESS, span_of(list)), "");
    assert_int_equal(settings.listener_count, 16);
    (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), ",::1");
    assert_string_equal(
        set_in_environment(SETTING_LISTEN_ADDRESS, span_of(list)),
        "environment: 'LISTEN_ADDRESS': \"::1\" is one too many: there may be 16 addresses\n");
}

static void listen_takes_addresses_with_ports(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"127.0.0.1:0", "4 127.0.0.1 0;"},
        {"127.0.0.1:65535", "4 127.0.0.1 65535;"},
        {"[::1]:80", "6 ::1 80;"},
        {"unix:/a:1", "u /a:1 0;"},
        {"127.0.0.1:0,127.0.0.1:0", "4 127.0.0.1 0;4 127.0.0.1 0;"}, /* two ports of the kernel's */
        {"127.0.0.1:1,[::]:2,unix:/a", "4 127.0.0.1 1;6 :: 2;u /a 0;"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(listen_on(cases[i].text), "");
        assert_string_equal(listeners(), cases[i].messages);
        assert_int_equal(settings.values[SETTING_LISTEN_ADDRESS].source, SOURCE_OPTION);
    }
}

static void listen_says_what_is_wrong_with_its_value(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"", "an address is missing; write one, or take the comma away"},
        {"127.0.0.1", "\"127.0.0.1\" must be HOST:PORT, [IPV6]:PORT or unix:/path"},
        {"127.0.0.1:", "\"127.0.0.1:\" must end in a port from 0 to 65535 (0: the kernel chooses)"},
        {"127.0.0.1:65536",
         "\"127.0.0.1:65536\" must end in a port from 0 to 65535 (0: the kernel chooses)"},
        {"::1:80", "\"::1:80\" must have brackets around an IPv6 address, as in [::1]:7001"},
        {"[::1]", "\"[::1]\" must end in a port from 0 to 65535 (0: the kernel chooses)"},
        {"localhost:80", "\"localhost:80\" is a name; write the addresses: 127.0.0.1,::1"},
        {"127.0.0.1:80,127.0.0.1:80", "\"127.0.0.1:80\" is given twice; leave one out"},
        {"unix:a", "\"unix:a\" must name an absolute path, as in unix:/run/go-id/socket"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];
        (void)snprintf(expected, sizeof(expected), "command line: '--listen': %s\n",
                       cases[i].messages);
        assert_string_equal(listen_on(cases[i].text), expected);
    }
    static char zeros[SETTINGS_TEXT_MAX + 1];
    (void)snprintf(zeros, sizeof(zeros), "127.0.0.1:%0*u", SETTINGS_TEXT_MAX - 10, 1U);
    assert_string_equal(listen_on(zeros),
                        "command line: '--listen' is longer than 4095 bytes; shorten it\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_ipv4_ipv6_and_unix_sockets),
        cmocka_unit_test(a_bad_address_is_named_with_its_column),
        cmocka_unit_test(a_unix_socket_has_a_path_of_at_most_107_bytes),
        cmocka_unit_test(sixteen_addresses_and_no_more),
        cmocka_unit_test(listen_takes_addresses_with_ports),
        cmocka_unit_test(listen_says_what_is_wrong_with_its_value),
    };
    return cmocka_run_group_tests_name("settings_addresses", tests, NULL, NULL);
}
