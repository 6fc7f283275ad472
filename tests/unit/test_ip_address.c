/*
 * test_ip_address.c: addresses and networks.
 * Method: tables of text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/ip_address.h"

static struct ip_address address(const char *text)
{
    struct ip_address parsed;
    if (!ip_address_parse(span_of(text), &parsed))
        fail_msg("'%s' is refused", text);
    return parsed;
}

static void both_forms_of_an_ipv4_address_are_the_same(void **state)
{
    (void)state;
    struct ip_address plain = address("192.0.2.1");
    struct ip_address mapped = address("::ffff:192.0.2.1");
    assert_memory_equal(&plain, &mapped, sizeof(plain));
    assert_true(ip_address_is_ipv4(&plain));
    struct ip_address other = address("2001:db8::1");
    assert_false(ip_address_is_ipv4(&other));
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "1",        "1.2.3",     "1.2.3.4.5", "1.2.3.256",
                                      "::g", "[::1]",    "::1%lo",    " ::1",      "::1 ",
                                      ":",   "1.2.3.4/", "localhost", "unknown",   "01.2.3.4"};
    struct ip_address parsed;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ip_address_parse(span_of(bad[i]), &parsed))
            fail_msg("'%s' is taken", bad[i]);
    }
    assert_false(ip_address_parse((struct span){"::1\0x", 5}, &parsed));
    assert_false(ip_address_parse(
        span_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), &parsed));
}

static void a_network_has_the_addresses_of_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *inside;
        const char *outside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
        {"10.0.0.0/9", "10.127.255.255", "10.128.0.0"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.7/32", "::ffff:192.0.2.7", "192.0.2.8"},
        {"0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8:0:8000::/49", "2001:db8:0:ffff::", "2001:db8:0:7fff::"},
        {"::1", "::1", "::2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ip_network network;
        assert_true(ip_network_parse(span_of(cases[i].network), &network));
        struct ip_address inside = address(cases[i].inside);
        struct ip_address outside = address(cases[i].outside);
        if (!ip_network_has(&network, &inside) || ip_network_has(&network, &outside))
            fail_msg("%s", cases[i].network);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.1/8",   "10.0.0.0/33", "10.0.0.0/", "/8",
                                      "10.0.0.0/-1",  "::1/127",     "::/129",    "::/a",
                                      "10.0.0.0/8/8", "a/8"};
    struct ip_network network;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ip_network_parse(span_of(bad[i]), &network))
            fail_msg("'%s' is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_an_ipv4_address_are_the_same),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_network_has_the_addresses_of_its_prefix),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests_name("ip_address", tests, NULL, NULL);
}
