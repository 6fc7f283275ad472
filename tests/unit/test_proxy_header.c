/*
 * test_proxy_header.c: headers of the PROXY protocol, version 2.
 * Method: headers cut at every byte, in front of an unreadable page; every byte of one changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/access/proxy_header.h"
#include "tests/unit/guard_page.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01\x7f\0\0\x01\x30\x39\x1b\x59"
#define IPV6                                                             \
    SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x30\x39\x1b\x59"
#define BYTES(literal) ((struct span){literal, sizeof(literal) - 1})

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(PROXY_HEADER_LEN_MAX + 64);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

static enum http_parse parse(struct span bytes, struct proxy_header *header)
{
    return proxy_header_parse(guard_page_place(&guard, bytes), header);
}

/* Each prefix of a header, its last byte not yet there, is one that may go on. */
static void check_cuts(struct span whole)
{
    struct proxy_header header;
    for (size_t len = 1; len < whole.len; len++)
        assert_int_equal(parse((struct span){whole.base, len}, &header), HTTP_PARSE_MORE);
    assert_int_equal(parse(whole, &header), HTTP_PARSE_DONE);
    assert_int_equal(header.len, whole.len);
}

static void the_client_is_read(void **state)
{
    (void)state;
    struct proxy_header header;
    struct ip_address client;
    assert_true(ip_address_parse(SPAN("192.0.2.1"), &client));
    assert_int_equal(parse(BYTES(IPV4), &header), HTTP_PARSE_DONE);
    assert_true(header.has_client);
    assert_memory_equal(&header.client, &client, sizeof(client));
    assert_true(ip_address_parse(SPAN("2001:db8::1"), &client));
    assert_int_equal(parse(BYTES(IPV6), &header), HTTP_PARSE_DONE);
    assert_true(header.has_client);
    assert_memory_equal(&header.client, &client, sizeof(client));
    check_cuts(BYTES(IPV4));
    check_cuts(BYTES(IPV6));
}

static void what_follows_the_addresses_is_passed_over(void **state)
{
    (void)state;
    struct proxy_header header;
    struct span tlv = BYTES(SIGNATURE "\x21\x11\0\x10\xc0\0\x02\x01\x7f\0\0\x01\x30\x39\x1b\x59"
                                      "\x04\0\x01\0GET /");
    assert_int_equal(parse(tlv, &header), HTTP_PARSE_DONE);
    assert_int_equal(header.len, tlv.len - 5);
    assert_true(header.has_client);
}

/* The header is whole and names no client; is_local tells whether the proxy speaks for itself. */
static void expect_nobody(struct span bytes, bool is_local)
{
    struct proxy_header header;
    assert_int_equal(parse(bytes, &header), HTTP_PARSE_DONE);
    assert_int_equal(header.len, bytes.len);
    assert_int_equal(header.is_local, is_local);
    assert_false(header.has_client);
}

static void a_proxy_may_speak_for_itself(void **state)
{
    (void)state;
    static const struct span cases[] = {
        {SIGNATURE "\x20\0\0\0", 16},                 /* LOCAL */
        {SIGNATURE "\x20\x11\0\x0cxxxxyyyyzzzz", 28}, /* LOCAL with an address */
    };
    struct proxy_header header;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_nobody(cases[i], true);
    assert_int_equal(parse(proxy_header_of_ourselves(), &header), HTTP_PARSE_DONE);
    assert_int_equal(header.len, PROXY_HEADER_LEN_MIN);
    assert_true(header.is_local);
}

static void somebody_without_an_ip_address_is_not_the_proxy(void **state)
{
    (void)state;
    static const struct span cases[] = {
        {SIGNATURE "\x21\0\0\0", 16},                 /* unspecified */
        {SIGNATURE "\x21\x31\0\x0cxxxxyyyyzzzz", 28}, /* a Unix socket */
    };
    struct proxy_header header;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_nobody(cases[i], false);
    /* UDP has addresses as TCP has. */
    assert_int_equal(parse(BYTES(SIGNATURE "\x21\x12\0\x0cxxxxyyyyzzzz"), &header),
                     HTTP_PARSE_DONE);
    assert_true(header.has_client);
}

static void a_wrong_byte_is_refused_at_once(void **state)
{
    (void)state;
    struct proxy_header header;
    char bytes[13];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        memcpy(bytes, IPV4, sizeof(bytes));
        bytes[i] ^= 0x40;
        assert_int_equal(parse((struct span){bytes, i + 1}, &header), HTTP_PARSE_REFUSED);
    }
    static const struct span refused[] = {
        {"GET /health HTTP/1.1\r\n", 22},
        {"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n", 36}, /* version 1 */
        {SIGNATURE "\x11\x11\0\x0c", 16},
        {SIGNATURE "\x22\x11\0\x0c", 16},
        {SIGNATURE "\x21\x11\0\x0bxxxxyyyyzzz", 27}, /* too short for its family */
        {SIGNATURE "\x21\x21\0\x0cxxxxyyyyzzzz", 28},
        {SIGNATURE "\x21\x11\x0f\xf1", 16}, /* longer than any */
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(parse(refused[i], &header), HTTP_PARSE_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_read),
        cmocka_unit_test(what_follows_the_addresses_is_passed_over),
        cmocka_unit_test(a_proxy_may_speak_for_itself),
        cmocka_unit_test(somebody_without_an_ip_address_is_not_the_proxy),
        cmocka_unit_test(a_wrong_byte_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("proxy_header", tests, create_guard, destroy_guard);
}
