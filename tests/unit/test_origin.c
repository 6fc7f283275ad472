/*
 * test_origin.c: who a client is, directly and behind proxies.
 * Method: tables; keys are compared with those of known addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "server/access/origin.h"

static struct settings settings;
static struct origins origins;

static int prepare(void **state)
{
    (void)state;
    static const char *const networks[] = {"10.0.0.0/8", "2001:db8:99::/48"};
    settings.proxy_protocol = 1;
    for (size_t i = 0; i < 2; i++) {
        if (!ip_network_parse(span_of(networks[i]), &settings.trusted_proxies.networks[i]))
            return 1;
    }
    settings.trusted_proxies.count = 2;
    return origins_init(&origins, &settings);
}

static struct origin of(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(span_of(text), &address));
    return origin_of_address(&origins, &address);
}

static void a_client_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
    (void)state;
    assert_true(of("192.0.2.1").key == of("::ffff:192.0.2.1").key);
    assert_true(of("192.0.2.1").key != of("192.0.2.2").key);
    assert_true(of("2001:db8::1").key == of("2001:db8::ffff:1:2:3").key);
    assert_true(of("2001:db8::1").key != of("2001:db8:0:1::1").key);
    assert_true(of("0.0.0.0").key != ORIGIN_NOBODY);
}

static void another_process_has_other_keys(void **state)
{
    (void)state;
    struct origins others;
    struct ip_address address;
    assert_int_equal(origins_init(&others, &settings), 0);
    assert_true(ip_address_parse(SPAN("192.0.2.1"), &address));
    assert_true(origin_of_address(&others, &address).key != of("192.0.2.1").key);
}

static void peers_are_known_by_their_sockets(void **state)
{
    (void)state;
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &ipv4.sin_addr), 1);
    struct origin origin = origin_of_peer(&origins, (struct sockaddr *)&ipv4);
    assert_true(origin.key == of("192.0.2.1").key && !origin.is_proxy && !origin.sends_header);
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &ipv4.sin_addr), 1);
    origin = origin_of_peer(&origins, (struct sockaddr *)&ipv4);
    assert_true(origin.key == of("10.1.2.3").key && origin.is_proxy && origin.sends_header);
    assert_int_equal(inet_pton(AF_INET6, "2001:db8:99::7", &ipv6.sin6_addr), 1);
    origin = origin_of_peer(&origins, (struct sockaddr *)&ipv6);
    assert_true(origin.key == of("2001:db8:99::").key && origin.is_proxy && origin.sends_header);
    origin = origin_of_peer(&origins, &local);
    assert_true(origin.key == ORIGIN_NOBODY && !origin.is_proxy && !origin.sends_header);
    settings.trusted_proxies.has_unix = true;
    origin = origin_of_peer(&origins, &local);
    assert_true(origin.key == ORIGIN_NOBODY && origin.is_proxy && origin.sends_header);
    settings.trusted_proxies.has_unix = false;
}

/* Who asks through peer, with these lines in the head. */
static uint64_t asker(const char *peer, const char *lines)
{
    char head[1024];
    struct http_request request;
    struct http_refusal refusal;
    int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    struct span bytes = {head, (size_t)len};
    assert_int_equal(http_request_parse(bytes, &request, &refusal), HTTP_PARSE_DONE);
    struct origin origin = of(peer);
    return origin_of_request(&origins, &origin, &request);
}

#define XFF "X-Forwarded-For: "

static void behind_a_proxy_it_is_the_rightmost_stranger(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        const char *client;
    } cases[] = {
        {"", "10.0.0.1"},
        {XFF "\r\n", "10.0.0.1"},
        {XFF "192.0.2.1\r\n", "192.0.2.1"},
        {XFF "203.0.113.9, 192.0.2.1\r\n", "192.0.2.1"},
        {XFF "203.0.113.9, 192.0.2.1 ,10.9.9.9\r\n", "192.0.2.1"},
        {XFF "203.0.113.9\r\n" XFF "192.0.2.1\r\n", "192.0.2.1"},
        {"x-forwarded-FOR:192.0.2.1\r\n" XFF "10.0.0.2, 2001:db8:99::1\r\n", "192.0.2.1"},
        {XFF "10.0.0.7, 10.0.0.8\r\n", "10.0.0.7"},
        {XFF "192.0.2.1:8080\r\n", "192.0.2.1"},
        {XFF "[2001:db8::5]:8080\r\n", "2001:db8::"},
        {XFF "[2001:db8::5]\r\n", "2001:db8::"},
        {XFF "2001:db8::5\r\n", "2001:db8::"},
        {XFF "203.0.113.9, unknown, 10.0.0.7\r\n", "10.0.0.7"},
        {XFF "192.0.2.1, unknown\r\n", "10.0.0.1"},
        {XFF "192.0.2.1,,10.0.0.7\r\n", "10.0.0.7"},
        {XFF "192.0.2.1, [::1\r\n", "10.0.0.1"},
        {"Forwarded: for=192.0.2.1\r\n", "10.0.0.1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (asker("10.0.0.1", cases[i].lines) != of(cases[i].client).key)
            fail_msg("not %s: %s", cases[i].client, cases[i].lines);
    }
}

static void a_stranger_is_not_believed(void **state)
{
    (void)state;
    assert_true(asker("192.0.2.1", XFF "203.0.113.9\r\n") == of("192.0.2.1").key);
    assert_true(asker("11.0.0.1", XFF "203.0.113.9, 10.0.0.1\r\n") == of("11.0.0.1").key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_an_ipv4_address_or_an_ipv6_64),
        cmocka_unit_test(another_process_has_other_keys),
        cmocka_unit_test(peers_are_known_by_their_sockets),
        cmocka_unit_test(behind_a_proxy_it_is_the_rightmost_stranger),
        cmocka_unit_test(a_stranger_is_not_believed),
    };
    return cmocka_run_group_tests_name("origin", tests, prepare, NULL);
}
