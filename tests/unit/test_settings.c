/*
 * test_settings.c: values from every source, how they are checked, and how they are printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "server/settings/settings_print.h"
#include "tests/unit/settings_fixture.h"

#define START_2014_NS INT64_C(1409529600000000000)

/* The messages for one value in the environment, without regard to what the other settings are. */
static const char *set_alone(enum setting_id id, const char *value)
{
    begin();
    settings_set(&settings, id, span_of(value), SOURCE_ENVIRONMENT,
                 (struct place){"environment", 0, 0}, &problems);
    return messages();
}

/* What `go-id config` prints; valid until the next call. */
static const char *print_effective(void)
{
    static char text[65536];
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text) - 1, "w");
    assert_non_null(out);
    settings_print_effective(&settings, "f", out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* ---- Good values ---------------------------------------------------------------------------- */

static void nothing_set_means_the_defaults(void **state)
{
    (void)state;
    assert_string_equal(read_text(""), "");
    assert_int_equal(settings.shards.first, 1);
    assert_int_equal(settings.shards.count, 1);
    assert_int_equal(settings.shard_source, SHARDS_GIVEN);
    assert_int_equal(settings.shard_base, 0);
    assert_int_equal(settings.total_shards, 0);
    assert_int_equal(settings.service_port, 7001);
    assert_int_equal(settings.listener_count, 1);
    assert_int_equal(settings.listeners[0].kind, LISTEN_IPV4);
    assert_string_equal(settings.listeners[0].text, "127.0.0.1");
    assert_int_equal(settings.listeners[0].port, 7001);
    assert_int_equal(settings.unix_socket_mode, 0);
    assert_string_equal(settings.unix_socket_group, "");
    assert_int_equal(settings.allow_root, 0);
    assert_string_equal(settings.auth_token_file, "");
    assert_true(settings.start_time_ns == START_2014_NS);
    assert_int_equal(settings.min_id, 0);
    assert_string_equal(settings.instance_name, "");
    assert_string_equal(settings.state_directory, "/var/lib/go-id");
    assert_string_equal(settings.lock_directory, "/run/lock/go-id");
    assert_true(settings.mark_window_ns == 2 * NS_PER_S);
    assert_int_equal(settings.time_source, TIME_SOURCE_SYSTEM);
    assert_int_equal(settings.ntp_server_count, 0);
    assert_int_equal(settings.require_clock_sync, 0);
    assert_true(settings.max_clock_lead_ns == 10 * NS_PER_S);
    assert_true(settings.max_clock_leap_ns == 3600 * NS_PER_S);
    assert_int_equal(settings.workers, 0);
    assert_int_equal(settings.max_connections, 10000);
    assert_int_equal(settings.max_connections_per_client, 0);
    assert_int_equal(settings.rate_limit, 0);
    assert_int_equal(settings.rate_limit_burst, 0);
    assert_int_equal(settings.trusted_proxies.count, 0);
    assert_false(settings.trusted_proxies.has_unix);
    assert_int_equal(settings.proxy_protocol, 0);
    assert_int_equal(settings.max_batch, 10000);
    assert_int_equal(settings.max_wait_ms, 1000);
    assert_int_equal(settings.head_timeout_ms, 10000);
    assert_int_equal(settings.idle_timeout_ms, 60000);
    assert_int_equal(settings.write_timeout_ms, 10000);
    assert_int_equal(settings.drain_timeout_ms, 4000);
    assert_int_equal(settings.landlock, 1);
    assert_int_equal(settings.seccomp, 1);
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_string_equal(settings.log_file, "");
    for (unsigned id = 0; id < SETTING_COUNT; id++)
        assert_false(settings_is_set(&settings, (enum setting_id)id));
}

static void every_setting_can_be_set_in_a_file(void **state)
{
    (void)state;
    assert_string_equal(read_text(good_file), "");
    assert_int_equal(settings.shards.first, 64);
    assert_int_equal(settings.shards.count, 64);
    assert_int_equal(settings.total_shards, 65536);
    assert_int_equal(settings.service_port, 7002);
    assert_int_equal(settings.listener_count, 3);
    assert_int_equal(settings.listeners[0].kind, LISTEN_IPV6);
    assert_string_equal(settings.listeners[0].text, "::1");
    assert_int_equal(settings.listeners[0].port, 7002);
    assert_int_equal(settings.listeners[1].kind, LISTEN_IPV4);
    assert_string_equal(settings.listeners[1].text, "127.0.0.2");
    assert_int_equal(settings.listeners[1].port, 7002);
    assert_int_equal(settings.listeners[2].kind, LISTEN_UNIX);
    assert_string_equal(settings.listeners[2].text, "/run/go-id/socket");
    assert_int_equal(settings.unix_socket_mode, 0660);
    assert_string_equal(settings.unix_socket_group, "www-data");
    assert_int_equal(settings.allow_root, 1);
    assert_string_equal(settings.auth_token_file, "/etc/go-id/tokens");
    assert_true(settings.start_time_ns == INT64_C(1577836800000000000));
    assert_true(settings.min_id == INT64_MAX);
    assert_string_equal(settings.instance_name, "ids-1.example_org");
    assert_string_equal(settings.state_directory, "/srv/go-id");
    assert_string_equal(settings.lock_directory, "/run/lock/ids: all");
    assert_true(settings.mark_window_ns == 5 * NS_PER_S);
    assert_int_equal(settings.time_source, TIME_SOURCE_NTP);
    assert_int_equal(settings.ntp_server_count, 3);
    assert_string_equal(settings.ntp_servers[0].host, "ntp-1.example.org");
    assert_int_equal(settings.ntp_servers[0].port, 123);
    assert_string_equal(settings.ntp_servers[1].host, "192.0.2.1");
    assert_int_equal(settings.ntp_servers[1].port, 1123);
    assert_string_equal(settings.ntp_servers[2].host, "2001:db8::1");
    assert_int_equal(settings.ntp_servers[2].port, 123);
    assert_int_equal(settings.require_clock_sync, 1);
    assert_true(settings.max_clock_lead_ns == 90 * NS_PER_S);
    assert_true(settings.max_clock_leap_ns == 604800 * NS_PER_S);
    assert_int_equal(settings.workers, 3);
    assert_int_equal(settings.max_connections, 20000);
    assert_int_equal(settings.max_connections_per_client, 9);
    assert_int_equal(settings.rate_limit, 1000000);
    assert_int_equal(settings.rate_limit_burst, 2);
    assert_int_equal(settings.trusted_proxies.count, 2);
    assert_int_equal(settings.trusted_proxies.networks[0].prefix_len, 104);
    assert_int_equal(settings.trusted_proxies.networks[1].prefix_len, 128);
    assert_true(settings.trusted_proxies.has_unix);
    assert_int_equal(settings.proxy_protocol, 1);
    assert_int_equal(settings.max_batch, 500);
    assert_int_equal(settings.max_wait_ms, 0);
    assert_int_equal(settings.head_timeout_ms, 11);
    assert_int_equal(settings.idle_timeout_ms, 12);
    assert_int_equal(settings.write_timeout_ms, 13);
    assert_int_equal(settings.drain_timeout_ms, 14);
    assert_int_equal(settings.landlock, 0);
    assert_int_equal(settings.seccomp, 0);
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_string_equal(settings.log_file, "/var/log/with blank's.log");
    assert_int_equal(settings.log_file_max, 65536);
    for (unsigned id = 0; id < SETTING_COUNT; id++)
        assert_int_equal(settings.values[id].source, SOURCE_FILE);
    assert_int_equal(settings.values[SETTING_SHARD_ID].line, 2);
    assert_int_equal(settings.values[SETTING_LOG_FILE].line, 39);
}

static void a_shard_id_is_a_number_or_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t first;
        uint32_t count;
    } cases[] = {
        {"0", 0, 1},           {"7", 7, 1},   {"65535", 65535, 1},       {"64-127", 64, 64},
        {"0-65535", 0, 65536}, {"5-5", 5, 1}, {"65535-65535", 65535, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(set_in_environment(SETTING_SHARD_ID, span_of(cases[i].text)), "");
        assert_int_equal(settings.shards.first, cases[i].first);
        assert_int_equal(settings.shards.count, cases[i].count);
    }
}

static void numbers_may_be_at_their_bounds_and_not_beyond(void **state)
{
    (void)state;
    static const struct {
        enum setting_id id;
        const char *below;
        const char *min;
        const char *max;
        const char *above;
    } cases[] = {
        {SETTING_TOTAL_SHARDS, "0", "1", "65536", "65537"},
        {SETTING_SERVICE_PORT, "0", "1", "65535", "65536"},
        {SETTING_MIN_ID, "-1", "0", "9223372036854775807", "9223372036854775808"},
        {SETTING_REQUIRE_CLOCK_SYNC, "-1", "0", "1", "2"},
        {SETTING_MARK_WINDOW, "99ms", "100ms", "60s", "60001ms"},
        {SETTING_MAX_CLOCK_LEAD, "99ms", "100ms", "1h", "3600001ms"},
        {SETTING_MAX_CLOCK_LEAP, "999ms", "1s", "365d", "31536001s"},
        {SETTING_WORKERS, "0", "1", "256", "257"},
        {SETTING_MAX_CONNECTIONS, "0", "1", "1000000", "1000001"},
        {SETTING_MAX_BATCH, "0", "1", "100000", "100001"},
        {SETTING_MAX_WAIT_MS, "-1", "0", "60000", "60001"},
        {SETTING_HEAD_TIMEOUT_MS, "9", "10", "3600000", "3600001"},
        {SETTING_IDLE_TIMEOUT_MS, "9", "10", "86400000", "86400001"},
        {SETTING_WRITE_TIMEOUT_MS, "9", "10", "3600000", "3600001"},
        {SETTING_DRAIN_TIMEOUT_MS, "-1", "0", "60000", "60001"},
        {SETTING_LOG_FILE_MAX, "63K", "64K", "1024G", "1025G"},
        {SETTING_LOG_FILE_MAX, "-1", "0", "1099511627776", "1099511627777"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(set_alone(cases[i].id, cases[i].min), "");
        assert_string_equal(set_alone(cases[i].id, cases[i].max), "");
        assert_string_not_equal(set_alone(cases[i].id, cases[i].below), "");
        assert_string_not_equal(set_alone(cases[i].id, cases[i].above), "");
    }
}

static void a_duration_may_be_in_any_unit_and_a_leap_unlimited(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t leap_ns;
    } cases[] = {
        {"1000ms", NS_PER_S},      {"90s", 90 * NS_PER_S},        {"90min", 5400 * NS_PER_S},
        {"24h", 86400 * NS_PER_S}, {"365d", 31536000 * NS_PER_S}, {"unlimited", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(set_alone(SETTING_MAX_CLOCK_LEAP, cases[i].text), "");
        assert_true(settings.max_clock_leap_ns == cases[i].leap_ns);
    }
    assert_string_not_equal(set_alone(SETTING_MAX_CLOCK_LEAD, "unlimited"), "");
    assert_string_not_equal(set_alone(SETTING_MARK_WINDOW, "unlimited"), "");
    assert_string_not_equal(set_alone(SETTING_MAX_CLOCK_LEAP, "unlimite"), "");
    assert_string_not_equal(set_alone(SETTING_MAX_CLOCK_LEAP, "unlimited "), "");
    assert_string_not_equal(set_alone(SETTING_MAX_CLOCK_LEAP, "9223372036854775807ms"), "");
}

static void the_window_is_smaller_than_the_lead(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"MARK_WINDOW=9999ms", ""},
        {"MARK_WINDOW=60s\nMAX_CLOCK_LEAD=61s", ""},
        {"MAX_CLOCK_LEAD=2001ms", ""},
        {"MARK_WINDOW=10s",
         "settings: MARK_WINDOW \"10s\" must be below MAX_CLOCK_LEAD \"10s\", or ids would wait "
         "after a crash; correct one of the two\n"},
        {"MAX_CLOCK_LEAD=2000ms",
         "settings: MARK_WINDOW \"2s\" must be below MAX_CLOCK_LEAD \"2000ms\", or ids would wait "
         "after a crash; correct one of the two\n"},
        {"MARK_WINDOW=60s\nMAX_CLOCK_LEAD=1s",
         "settings: MARK_WINDOW \"60s\" must be below MAX_CLOCK_LEAD \"1s\", or ids would wait "
         "after a crash; correct one of the two\n"},
    };
    CHECK_FILES(cases);
}

static void an_instance_name_has_1_to_64_plain_characters(void **state)
{
    (void)state;
    char name[INSTANCE_NAME_MAX + 1];
    memset(name, 'x', sizeof(name));
    name[64] = '\0';
    assert_string_equal(set_alone(SETTING_INSTANCE_NAME, name), "");
    assert_string_equal(settings.instance_name, name);
    name[64] = 'x';
    name[65] = '\0';
    assert_string_not_equal(set_alone(SETTING_INSTANCE_NAME, name), "");
    assert_string_not_equal(set_alone(SETTING_INSTANCE_NAME, ""), "");
    for (unsigned byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, '\0'};
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_",
                            (char)byte) != NULL;
        assert_int_equal(*set_alone(SETTING_INSTANCE_NAME, text) == '\0', plain);
        assert_string_equal(settings.instance_name, plain ? text : "");
    }
}

static void every_log_level_can_be_set(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
        struct span name = span_of(log_level_name((enum log_level)level));
        assert_string_equal(set_in_environment(SETTING_LOG_LEVEL, name), "");
        assert_int_equal(settings.log_level, level);
    }
}

/* ---- Values that nobody expects ------------------------------------------------------------- */

static void a_long_or_strange_value_leaves_room_for_the_reason(void **state)
{
    (void)state;
    static char value[SETTINGS_TEXT_MAX + 1];
    memset(value, '\x1b', sizeof(value));
    struct span longest = {value, SETTINGS_TEXT_MAX - 1};
    struct span too_long = {value, SETTINGS_TEXT_MAX};
    assert_non_null(strstr(set_in_environment(SETTING_SHARD_ID, longest), "\\x1b...\""));
    assert_non_null(strstr(set_in_environment(SETTING_LISTEN_ADDRESS, longest), "neither an IPv4"));
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        const char *found = set_in_environment((enum setting_id)id, too_long);
        char expected[128];
        (void)snprintf(expected, sizeof(expected),
                       "environment: '%s' is longer than 4095 bytes; shorten it\n",
                       setting_info((enum setting_id)id).name);
        assert_string_equal(found, expected);
        found = set_in_environment((enum setting_id)id, (struct span){"7\0", 2});
        assert_non_null(strstr(found, "has a NUL byte in it; remove it\n"));
    }
}

#define UNFIT " must not hold control characters, '$', '`', '\\' or both kinds of quotes\n"

static void a_path_holds_nothing_that_a_config_file_cannot(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"/a$b", "\"/a$b\"" UNFIT},
        {"/a`b", "\"/a`b\"" UNFIT},
        {"/a\\b", "\"/a\\\\b\"" UNFIT},
        {"/a\nSHARD_ID=3", "\"/a\\x0aSHARD_ID=3\"" UNFIT},
        {"/a\x7f", "\"/a\\x7f\"" UNFIT},
        {"/'\"", "\"/'\\\"\"" UNFIT},
        {"/it's", ""},
        {"/a \"b\"", ""},
        {"/tab\tand #; \xc3\xa9~*", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span value = span_of(cases[i].text);
        const char *found = set_in_environment(SETTING_LOG_FILE, value);
        const char *reason = strchr(found, '"');
        assert_string_equal(reason != NULL ? reason : found, cases[i].messages);
        assert_string_equal(settings.log_file, cases[i].messages[0] != '\0' ? "" : cases[i].text);
        assert_string_equal(read_text(print_effective()), "");

        for (unsigned id = SETTING_STATE_DIRECTORY; id <= SETTING_LOCK_DIRECTORY; id++) {
            found = set_in_environment((enum setting_id)id, value);
            assert_int_equal(*found == '\0', cases[i].messages[0] == '\0');
        }
        char address[64];
        (void)snprintf(address, sizeof(address), "unix:%s", cases[i].text);
        assert_int_equal(*listen_on(address) == '\0', cases[i].messages[0] == '\0');
    }
}

/* ---- Sources -------------------------------------------------------------------------------- */

static void the_environment_goes_before_the_file_and_an_option_before_both(void **state)
{
    (void)state;
    begin();
    settings_read_file(&settings, SPAN("SHARD_ID=7\nWORKERS=2\nLISTEN_ADDRESS=::\n"), "f",
                       &problems);
    struct place place = {"environment", 0, 0};
    settings_set(&settings, SETTING_SHARD_ID, SPAN("8"), SOURCE_ENVIRONMENT, place, &problems);
    settings_set(&settings, SETTING_LISTEN_ADDRESS, SPAN("::1"), SOURCE_ENVIRONMENT, place,
                 &problems);
    settings_set(&settings, SETTING_SERVICE_PORT, SPAN("99"), SOURCE_ENVIRONMENT, place, &problems);
    assert_int_equal(settings.shards.first, 8);
    assert_int_equal(settings.workers, 2);
    assert_string_equal(settings.listeners[0].text, "::1");
    assert_int_equal(settings.values[SETTING_SHARD_ID].source, SOURCE_ENVIRONMENT);
    assert_string_equal(settings.values[SETTING_SHARD_ID].text, "8");

    settings_set_listeners(&settings, SPAN("127.0.0.1:5"), place, &problems);
    settings_finish(&settings, &problems);
    assert_string_equal(messages(), "");
    assert_string_equal(listeners(), "4 127.0.0.1 5;"); /* and SERVICE_PORT does not touch it */
}

static void a_bad_value_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(read_text(good_file), "");
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        static struct settings before;
        before = settings;
        problems.count = 0;
        settings_set(&settings, (enum setting_id)id, SPAN("?"), SOURCE_ENVIRONMENT,
                     (struct place){"environment", 0, 0}, &problems);
        assert_int_equal(problems.count, 1);
        assert_memory_equal(&settings, &before, sizeof(before));
    }
}

static void names_are_found_exactly_and_guessed_nearly(void **state)
{
    (void)state;
    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        struct setting_info info = setting_info((enum setting_id)id);
        assert_int_equal(setting_find(span_of(info.name)), id);
        assert_string_equal(setting_suggest(span_of(info.name), 0), info.name);
        assert_true((info.fallback[0] == '\0') != (info.unset[0] == '\0'));
        assert_true(info.values[0] != '\0' && info.help[0] != '\0');
    }
    assert_int_equal(setting_find(SPAN("shard_id")), SETTING_COUNT);
    assert_int_equal(setting_find(SPAN("")), SETTING_COUNT);
    assert_null(setting_suggest(SPAN("PATH"), 1));
}

/* ---- What is printed ------------------------------------------------------------------------ */

static void the_effective_settings_are_a_config_file_that_says_the_same(void **state)
{
    (void)state;
    static char printed[65536];
    assert_string_equal(read_text(good_file), "");
    (void)snprintf(printed, sizeof(printed), "%s", print_effective());
    assert_non_null(strstr(printed, "# from f:2\nSHARD_ID=\"64-127\"\n"));
    static struct settings before;
    before = settings;
    assert_string_equal(read_text(printed), "");
    for (unsigned id = 0; id < SETTING_COUNT; id++)
        assert_string_equal(settings.values[id].text, before.values[id].text);

    assert_string_equal(read_text(""), "");
    assert_non_null(strstr(print_effective(), "# default\n#TOTAL_SHARDS= (unset: no check)\n"));
    assert_string_equal(set_in_environment(SETTING_SHARD_ID, SPAN("9")), "");
    assert_non_null(strstr(print_effective(), "# from the environment\nSHARD_ID=\"9\"\n"));
    assert_string_equal(listen_on("[::1]:0"), "");
    assert_non_null(
        strstr(print_effective(), "# from the command line\nLISTEN_ADDRESS=\"[::1]:0\"\n"));
}

static void the_sample_is_a_config_file_with_and_without_its_comment_signs(void **state)
{
    (void)state;
    static char sample[65536];
    memset(sample, 0, sizeof(sample));
    FILE *out = fmemopen(sample, sizeof(sample) - 1, "w");
    assert_non_null(out);
    settings_print_sample(out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(read_text(sample), "");
    for (unsigned id = 0; id < SETTING_COUNT; id++)
        assert_false(settings_is_set(&settings, (enum setting_id)id));

    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        struct setting_info info = setting_info((enum setting_id)id);
        char line[256];
        (void)snprintf(line, sizeof(line), "\n#%s=%s\n", info.name, info.fallback);
        char *at = strstr(sample, line);
        assert_non_null(at);
        if (info.fallback[0] != '\0')
            at[1] = ' ';
    }
    assert_string_equal(read_text(sample), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_means_the_defaults),
        cmocka_unit_test(every_setting_can_be_set_in_a_file),
        cmocka_unit_test(a_shard_id_is_a_number_or_a_range),
        cmocka_unit_test(numbers_may_be_at_their_bounds_and_not_beyond),
        cmocka_unit_test(a_duration_may_be_in_any_unit_and_a_leap_unlimited),
        cmocka_unit_test(the_window_is_smaller_than_the_lead),
        cmocka_unit_test(an_instance_name_has_1_to_64_plain_characters),
        cmocka_unit_test(every_log_level_can_be_set),
        cmocka_unit_test(a_long_or_strange_value_leaves_room_for_the_reason),
        cmocka_unit_test(a_path_holds_nothing_that_a_config_file_cannot),
        cmocka_unit_test(the_environment_goes_before_the_file_and_an_option_before_both),
        cmocka_unit_test(a_bad_value_changes_nothing),
        cmocka_unit_test(names_are_found_exactly_and_guessed_nearly),
        cmocka_unit_test(the_effective_settings_are_a_config_file_that_says_the_same),
        cmocka_unit_test(the_sample_is_a_config_file_with_and_without_its_comment_signs),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
