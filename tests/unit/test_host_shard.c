/*
 * test_host_shard.c: from the name or the addresses of a host to its shard.
 * Method: tables with the shard and its origin, or the exact message; every value of the 16 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "server/settings/host_shard.h"
#include "tests/unit/settings_fixture.h"

#define ADVICE "or set SHARD_ID to a number\n"

/* ---- Names ---------------------------------------------------------------------------------- */

static const char *by_name(const char *name, uint64_t base)
{
    begin();
    settings.shard_base = base;
    host_shard_by_name(&settings, span_of(name), &problems);
    return messages();
}

static void the_shard_is_the_number_at_the_end_of_the_first_label(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t base;
        uint32_t shard;
    } cases[] = {
        {"go-id-0", 0, 0},
        {"go-id-3", 0, 3},
        {"go-id-3", 100, 103},
        {"go-id-12", 0, 12},
        {"go-id-007", 0, 7},
        {"go-id-3.go-id.prod9.svc.cluster.local", 0, 3},
        {"go-id-3.", 0, 3},
        {"ids2b4", 0, 4},
        {"42", 0, 42},
        {"go-id-65535", 0, 65535},
        {"go-id-00000000000000000000065535", 0, 65535},
        {"go-id-0", 65535, 65535},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(by_name(cases[i].name, cases[i].base), "");
        assert_int_equal(settings.shards.first, cases[i].shard);
        assert_int_equal(settings.shards.count, 1);
    }
    assert_string_equal(by_name("go-id-3", 100), "");
    assert_string_equal(settings.shard_origin, "host_name=\"go-id-3\" shard_base=100");
}

static void a_name_without_a_number_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"",   "go-id",   "go-id-",        "3a",
                                        ".3", "go-id.3", "go-id-\xd9\xa3"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr(by_name(names[i], 0), "does not end in a number"));
    assert_string_equal(by_name("go-id", 0),
                        "settings: SHARD_ID=hostname: the host name \"go-id\" does not end in a "
                        "number; name the host as in go-id-3, " ADVICE);
    assert_int_equal(settings.shards.first, 1); /* nothing was changed */
}

static void a_number_that_is_no_shard_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t base;
    } cases[] = {
        {"go-id-65536", 0},
        {"go-id-65535", 1},
        {"go-id-1", 65535},
        {"go-id-18446744073709551616", 0},
        {"go-id-20261128", 0},
        {"99999999999999999999999999999999999999999999999999999999999999", 65535},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_non_null(strstr(by_name(cases[i].name, cases[i].base), " are above 65535; "));
    assert_string_equal(by_name("go-id-65535", 100),
                        "settings: SHARD_ID=hostname: the number of the host name \"go-id-65535\" "
                        "and SHARD_BASE 100 are above 65535; name the host as in go-id-3, " ADVICE);
    assert_int_equal(settings.shards.first, 1);
}

/* ---- Addresses ------------------------------------------------------------------------------ */

#define ADDRESSES_MAX 8

/* The messages for a host with these addresses, "NAME ADDRESS", ending in NULL. */
static const char *by_address(const char *const *texts)
{
    struct ifreq addresses[ADDRESSES_MAX] = {0};
    size_t count = 0;
    for (; texts[count] != NULL; count++) {
        const char *blank = strchr(texts[count], ' ');
        assert_non_null(blank);
        memcpy(addresses[count].ifr_name, texts[count], (size_t)(blank - texts[count]));
        struct sockaddr_in address = {.sin_family = AF_INET};
        assert_int_equal(inet_pton(AF_INET, blank + 1, &address.sin_addr), 1);
        memcpy(&addresses[count].ifr_addr, &address, sizeof(address));
    }
    begin();
    host_shard_by_address(&settings, addresses, count, &problems);
    return messages();
}

static void the_shard_is_the_lower_half_of_a_private_address(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint32_t shard; /* UINT32_MAX: not private */
    } cases[] = {
        {"e 10.0.0.0", 0},
        {"e 10.255.255.255", 65535},
        {"e 9.255.255.255", UINT32_MAX},
        {"e 11.0.0.0", UINT32_MAX},
        {"e 172.16.0.1", 1},
        {"e 172.31.1.0", 256},
        {"e 172.15.0.1", UINT32_MAX},
        {"e 172.32.0.1", UINT32_MAX},
        {"e 192.168.3.7", 775},
        {"e 192.167.3.7", UINT32_MAX},
        {"e 192.169.3.7", UINT32_MAX},
        {"e 169.254.9.9", 2313},
        {"e 169.253.9.9", UINT32_MAX},
        {"e 127.0.0.1", UINT32_MAX},
        {"e 203.0.113.10", UINT32_MAX},
        {"e 100.64.0.1", UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *found = by_address((const char *const[]){cases[i].address, NULL});
        if (cases[i].shard == UINT32_MAX) {
            assert_non_null(strstr(found, "no interface has a private IPv4 address"));
            continue;
        }
        assert_string_equal(found, "");
        assert_int_equal(settings.shards.first, cases[i].shard);
        assert_int_equal(settings.shards.count, 1);
    }
}

static void of_several_the_first_counts(void **state)
{
    (void)state;
    static const char *const several[] = {"lo 127.0.0.1",  "eth0 203.0.113.10",  "eth1 10.0.1.2",
                                          "eth1 10.0.1.3", "docker0 172.17.0.1", NULL};
    assert_string_equal(by_address(several), "");
    assert_int_equal(settings.shards.first, 258);
    assert_string_equal(settings.shard_origin,
                        "interface=\"eth1\" address=10.0.1.2 private_addresses=3");
    assert_int_equal(settings.private_addresses, 3);
}

static void a_name_may_have_all_the_room_there_is(void **state)
{
    (void)state;
    assert_string_equal(by_address((const char *const[]){"\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1 "
                                                         "192.168.255.255",
                                                         NULL}),
                        "");
    assert_non_null(strstr(settings.shard_origin, " address=192.168.255.255 private_addresses=1"));
}

static void a_host_without_one_is_refused(void **state)
{
    (void)state;
    assert_string_equal(by_address((const char *const[]){"lo 127.0.0.1", NULL}),
                        "settings: SHARD_ID=ip: no interface has a private IPv4 address (10/8, "
                        "172.16/12, 192.168/16, 169.254/16); give it one, " ADVICE);
    assert_non_null(strstr(by_address((const char *const[]){NULL}), "SHARD_ID=ip"));
    assert_int_equal(settings.shards.first, 1);
}

/* ---- Beside other settings ------------------------------------------------------------------ */

static void the_words_are_taken_from_every_source(void **state)
{
    (void)state;
    assert_string_equal(read_text("SHARD_ID=hostname\nSHARD_BASE=64\n"), "");
    assert_int_equal(settings.shard_source, SHARDS_OF_HOST_NAME);
    assert_int_equal(settings.shard_base, 64);
    assert_string_equal(set_in_environment(SETTING_SHARD_ID, SPAN("ip")), "");
    assert_int_equal(settings.shard_source, SHARDS_OF_ADDRESS);
    assert_string_equal(set_in_environment(SETTING_SHARD_ID, SPAN("Hostname")),
                        "environment: " SHARD_VALUES "\"Hostname\"\n");
}

static void a_number_after_a_word_is_that_number(void **state)
{
    (void)state;
    assert_string_equal(read_text("SHARD_ID=hostname\n"), "");
    settings_set(&settings, SETTING_SHARD_ID, SPAN("5"), SOURCE_ENVIRONMENT,
                 (struct place){"environment", 0, 0}, &problems);
    assert_int_equal(settings.shard_source, SHARDS_GIVEN);
    assert_int_equal(settings.shards.first, 5);
}

static void a_base_without_a_host_name_is_refused(void **state)
{
    (void)state;
    static const char message[] = "settings: SHARD_BASE needs SHARD_ID=hostname: it is not added "
                                  "to a SHARD_ID that is set; remove one of the two\n";
    assert_string_equal(read_text("SHARD_ID=3\nSHARD_BASE=64\n"), message);
    assert_string_equal(read_text("SHARD_ID=ip\nSHARD_BASE=64\n"), message);
    assert_string_equal(read_text("SHARD_BASE=64\n"), message);
    assert_string_equal(read_text("SHARD_ID=3\nSHARD_BASE=0\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shard_is_the_number_at_the_end_of_the_first_label),
        cmocka_unit_test(a_name_without_a_number_is_refused),
        cmocka_unit_test(a_number_that_is_no_shard_is_refused),
        cmocka_unit_test(the_shard_is_the_lower_half_of_a_private_address),
        cmocka_unit_test(of_several_the_first_counts),
        cmocka_unit_test(a_name_may_have_all_the_room_there_is),
        cmocka_unit_test(a_host_without_one_is_refused),
        cmocka_unit_test(the_words_are_taken_from_every_source),
        cmocka_unit_test(a_number_after_a_word_is_that_number),
        cmocka_unit_test(a_base_without_a_host_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
