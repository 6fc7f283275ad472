/*
 * test_settings_file.c: the form of a config file, and what is said of one that is wrong.
 * Method: tables of file text and the exact messages; then cuts and random changes of a good file
 * in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"
#include "tests/unit/settings_fixture.h"

#define TIME_VALUES "'START_TIME' must be a time from 1970 on, such as 2014-09-01T00:00:00Z, not "

/* ---- Bad files ------------------------------------------------------------------------------ */

static void a_bad_value_is_named_with_its_place_and_what_it_may_be(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"SHARD_ID=seven\n", "f:1:10: " SHARD_VALUES "\"seven\"\n"},
        {"SHARD_ID=65536", "f:1:10: " SHARD_VALUES "\"65536\"\n"},
        {"SHARD_ID=-1", "f:1:10: " SHARD_VALUES "\"-1\"\n"},
        {"SHARD_ID=1-", "f:1:10: " SHARD_VALUES "\"1-\"\n"},
        {"SHARD_ID=-", "f:1:10: " SHARD_VALUES "\"-\"\n"},
        {"SHARD_ID=1-2-3", "f:1:10: " SHARD_VALUES "\"1-2-3\"\n"},
        {"SHARD_ID=0-65536", "f:1:10: " SHARD_VALUES "\"0-65536\"\n"},
        {"SHARD_ID=1..2", "f:1:10: " SHARD_VALUES "\"1..2\"\n"},
        {"SHARD_ID=0x10", "f:1:10: " SHARD_VALUES "\"0x10\"\n"},
        {"SHARD_ID=", "f:1:10: " SHARD_VALUES "\"\"\n"},
        {"SHARD_ID=   ", "f:1:10: " SHARD_VALUES "\"\"\n"},
        {"SHARD_ID=\"\"", "f:1:11: " SHARD_VALUES "\"\"\n"},
        {"SHARD_ID=\" 7\"", "f:1:11: " SHARD_VALUES "\" 7\"\n"},
        {"\n\n  SHARD_ID='x'", "f:3:13: " SHARD_VALUES "\"x\"\n"},
        {"SHARD_ID=127-64", "f:1:10: 'SHARD_ID' is a range that ends before it begins; did you "
                            "mean 64-127?\n"},
        {"SERVICE_PORT=0", "f:1:14: 'SERVICE_PORT' must be a number from 1 to 65535, not \"0\"\n"},
        {"MAX_WAIT_MS=1s",
         "f:1:13: 'MAX_WAIT_MS' must be a number of ms from 0 to 60000, not \"1s\"\n"},
        {"WORKERS=99999999999999999999",
         "f:1:9: 'WORKERS' must be a number from 1 to 256, not \"99999999999999999999\"\n"},
        {"START_TIME=2014-09-01", "f:1:22: " TIME_VALUES "\"2014-09-01\"\n"},
        {"START_TIME=2014-13-01T00:00:00Z", "f:1:17: " TIME_VALUES "\"2014-13-01T00:00:00Z\"\n"},
        {"START_TIME=1969-12-31T23:59:59Z", "f:1:12: " TIME_VALUES "\"1969-12-31T23:59:59Z\"\n"},
        {"START_TIME=2263-01-01T00:00:00Z", "f:1:12: " TIME_VALUES "\"2263-01-01T00:00:00Z\"\n"},
        {"LOG_LEVEL=INFO", "f:1:11: 'LOG_LEVEL' must be error, warn, info or debug, not \"INFO\"; "
                           "did you mean 'info'?\n"},
        {"LOG_FILE=go-id.log", "f:1:10: 'LOG_FILE' must be an absolute path, not \"go-id.log\"\n"},
        {"STATE_DIRECTORY=", "f:1:17: 'STATE_DIRECTORY' must be an absolute path, not \"\"\n"},
        {"STATE_DIRECTORY=/a:/b", "f:1:17: 'STATE_DIRECTORY' names several directories; give the "
                                  "unit one StateDirectory=\n"},
        {"LOCK_DIRECTORY=run", "f:1:16: 'LOCK_DIRECTORY' must be an absolute path, not \"run\"\n"},
        {"MIN_ID=0x7", "f:1:8: 'MIN_ID' must be a number from 0 to 9223372036854775807, not "
                       "\"0x7\"\n"},
        {"INSTANCE_NAME='a b'", "f:1:16: 'INSTANCE_NAME' must be 1 to 64 letters, digits, '.', "
                                "'-' or '_', not \"a b\"\n"},
        {"REQUIRE_CLOCK_SYNC=yes", "f:1:20: 'REQUIRE_CLOCK_SYNC' must be 0 or 1, not \"yes\"\n"},
        {"MARK_WINDOW=2",
         "f:1:13: 'MARK_WINDOW' must be a duration from 100ms to 60s, not \"2\"\n"},
        {"MAX_CLOCK_LEAD=2h",
         "f:1:16: 'MAX_CLOCK_LEAD' must be a duration from 100ms to 1h, not \"2h\"\n"},
        {"MAX_CLOCK_LEAP=0", "f:1:16: 'MAX_CLOCK_LEAP' must be a duration from 1s to 365d, or "
                             "unlimited, not \"0\"\n"},
        {"TIME_SOURCE=ntp", "f:1:13: 'TIME_SOURCE' must be system, monotonic or "
                            "ntp:HOST[:PORT][,HOST[:PORT]...], not \"ntp\"\n"},
        {"TIME_SOURCE=ntp:a,b:0", "f:1:19: 'TIME_SOURCE': \"b:0\" must have a port from 1 to 65535 "
                                  "behind the ':'\n"},
        {"TOTAL_SHARDS=64\nSHARD_ID=65",
         "settings: SHARD_ID 65 is above TOTAL_SHARDS 64; correct one of the two\n"},
        {"TOTAL_SHARDS=100\nSHARD_ID=64-127",
         "settings: SHARD_ID 127 is above TOTAL_SHARDS 100; correct one of the two\n"},
        {"TOTAL_SHARDS=64\nSHARD_ID=0-64", ""},
    };
    CHECK_FILES(cases);
}

static void a_line_that_others_would_read_differently_is_refused(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"SHARD_ID", "f:1:9: expected KEY=value\n"},
        {"=7", "f:1:1: expected KEY=value\n"},
        {"; comment", "f:1:1: expected KEY=value\n"},
        {"[section]", "f:1:1: expected KEY=value\n"},
        {"\xef\xbb\xbfSHARD_ID=7", "f:1:1: expected KEY=value\n"},
        {"SHARD-ID=7", "f:1:6: expected KEY=value\n"},
        {"SHARD_ID: 7", "f:1:9: expected KEY=value\n"},
        {"export SHARD_ID=7",
         "f:1:1: write KEY=value without 'export': systemd does not know it\n"},
        {"SHARD_ID =7", "f:1:9: no blank may stand before the '='\n"},
        {"SHARD_ID= 7", "f:1:10: no blank may follow the '='\n"},
        {"SHARD_ID=7\r\n", "f:1:11: the line ends in CR LF; save the file with LF alone\n"},
        {"# comment\r\n", "f:1:10: the line ends in CR LF; save the file with LF alone\n"},
        {"SHARD_ID=\r7", "f:1:10: a control character; remove it\n"},
        {"SHARD_ID=\x1b[7m", "f:1:10: a control character; remove it\n"},
        {"LOG_FILE='/a\x7f'", "f:1:13: a control character; remove it\n"},
        {"# systemd goes on \\\nSHARD_ID=7",
         "f:1:19: a comment must not end in '\\': systemd would skip the next line\n"},
        {"SHARD_ID=7 # mine", "f:1:11: a comment needs its own line\n"},
        {"SHARD_ID=7#mine", "f:1:11: a comment needs its own line\n"},
        {"LOG_FILE=/a b", "f:1:12: this character needs quotes around the value: KEY=\"value\"\n"},
        {"LOG_FILE=$HOME/a",
         "f:1:10: '$', '`' and '\\' are not allowed: shell and systemd would read them "
         "differently\n"},
        {"LOG_FILE=~/a", "f:1:10: this character needs quotes around the value: KEY=\"value\"\n"},
        {"LOG_FILE=/a\"b\"",
         "f:1:12: this character needs quotes around the value: KEY=\"value\"\n"},
        {"LOG_FILE=/\xc3\xa9",
         "f:1:11: this character needs quotes around the value: KEY=\"value\"\n"},
        {"LOG_FILE=\"/$HOME\"",
         "f:1:12: '$', '`' and '\\' are not allowed: shell and systemd would read them "
         "differently\n"},
        {"LOG_FILE='/`id`'",
         "f:1:12: '$', '`' and '\\' are not allowed: shell and systemd would read them "
         "differently\n"},
        {"LOG_FILE=\"/a\\\"b\"",
         "f:1:13: '$', '`' and '\\' are not allowed: shell and systemd would read them "
         "differently\n"},
        {"SHARD_ID=\"7", "f:1:10: the closing quote is missing; put it behind the value\n"},
        {"SHARD_ID=\"", "f:1:10: the closing quote is missing; put it behind the value\n"},
        {"SHARD_ID='7\"", "f:1:10: the closing quote is missing; put it behind the value\n"},
        {"LOG_FILE=\"/a\n/b\"", "f:1:10: the closing quote is missing; put it behind the "
                                "value\nf:2:1: expected KEY=value\n"},
        {"SHARD_ID=\"7\"0",
         "f:1:13: nothing may follow the closing quote; a comment needs its own line\n"},
        {"SHARD_ID=\"7\" # mine",
         "f:1:14: nothing may follow the closing quote; a comment needs its own line\n"},
    };
    CHECK_FILES(cases);

    begin();
    settings_read_file(&settings, SPAN("SHARD_ID=7\0"), "f", &problems);
    assert_string_equal(messages(), "f:1:11: a control character; remove it\n");
}

static void an_unknown_name_is_an_error_with_a_guess(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"SHARDID=7", "f:1:1: unknown setting 'SHARDID'; did you mean 'SHARD_ID'?\n"},
        {"  shard_id=7", "f:1:3: unknown setting 'shard_id'; did you mean 'SHARD_ID'?\n"},
        {"MAX_BACTH=7", "f:1:1: unknown setting 'MAX_BACTH'; did you mean 'MAX_BATCH'?\n"},
        {"WORKER_COUNT=7", "f:1:1: unknown setting 'WORKER_COUNT'; 'go-id serve --help' lists the "
                           "settings\n"},
        {"X=7", "f:1:1: unknown setting 'X'; 'go-id serve --help' lists the settings\n"},
        {"AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEEFFFFFFFFFFGGGGGGGGGG=7",
         "f:1:1: unknown setting 'AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEEFFFFFFFFFFGGGG'"
         "; 'go-id serve --help' lists the settings\n"},
    };
    CHECK_FILES(cases);
}

static void a_setting_stands_once_in_a_file(void **state)
{
    (void)state;
    static const struct message_case cases[] = {
        {"SHARD_ID=7\n\nSHARD_ID=8\n",
         "f:3:1: 'SHARD_ID' was already set on line 1; keep one of the two\n"},
        {"SHARD_ID=7\nSHARD_ID=7\n",
         "f:2:1: 'SHARD_ID' was already set on line 1; keep one of the two\n"},
        {"SHARD_ID=x\nSHARD_ID=7\n",
         "f:1:10: " SHARD_VALUES
         "\"x\"\nf:2:1: 'SHARD_ID' was already set on line 1; keep one of the two\n"},
    };
    CHECK_FILES(cases);
}

static void one_run_reports_every_problem(void **state)
{
    (void)state;
    assert_string_equal(read_text("SHARD_ID=x\nMAX_BATCH=0\nFOO=1\nWORKERS=2\nLOG_LEVEL\n"),
                        "f:1:10: " SHARD_VALUES "\"x\"\n"
                        "f:2:11: 'MAX_BATCH' must be a number from 1 to 100000, not \"0\"\n"
                        "f:3:1: unknown setting 'FOO'; 'go-id serve --help' lists the settings\n"
                        "f:5:10: expected KEY=value\n");
    assert_int_equal(settings.workers, 2);

    begin();
    for (unsigned i = 0; i < PROBLEMS_MAX + 3; i++)
        problems_add(&problems, (struct place){"f", i + 1, 0}, "bad");
    const char *end = strstr(messages(), "f:256: bad\n");
    assert_non_null(end);
    assert_string_equal(end, "f:256: bad\n... and 3 more problems\n");
}

/* ---- Whatever comes ------------------------------------------------------------------------- */

static void every_cut_of_a_good_file_is_read_without_harm(void **state)
{
    (void)state;
    struct guard_page guard = guard_page_create(sizeof(good_file));
    for (size_t len = 0; len < sizeof(good_file); len++) {
        begin();
        settings_read_file(&settings, guard_page_place(&guard, (struct span){good_file, len}), "f",
                           &problems);
        settings_finish(&settings, &problems);
        assert_true(problems.count <= 1); /* all but the cut line is good */
        if (len == 0 || good_file[len - 1] == '\n')
            assert_int_equal(problems.count, 0);
    }
    guard_page_destroy(&guard);
}

/* Changes, removes or doubles some bytes of text; returns its new length. */
static size_t mutate(struct random *random, char *text, size_t len, size_t capacity)
{
    static const char liked[] = "=\"'#\\\n\r\t $`-,:[]/0919A_z";
    for (uint64_t n = random_below(random, 4) + 1; n > 0 && len > 1; n--) {
        size_t at = random_below(random, len);
        switch (random_below(random, 4)) {
        case 0:
            text[at] = (char)random_below(random, 256);
            break;
        case 1:
            text[at] = liked[random_below(random, sizeof(liked))];
            break;
        case 2:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        default:
            if (len < capacity) {
                memmove(text + at + 1, text + at, len - at);
                len++;
            }
        }
    }
    return len;
}

static void random_changes_of_a_good_file_do_no_harm(void **state)
{
    (void)state;
    enum {
        CAPACITY = sizeof(good_file) + 16,
        ROUNDS = 10000
    }; /* the fuzz target goes on from here */
    struct guard_page guard = guard_page_create(CAPACITY);
    struct random random = {2014};
    unsigned refused = 0;
    begin();
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[CAPACITY];
        memcpy(text, good_file, sizeof(good_file) - 1);
        size_t len = mutate(&random, text, sizeof(good_file) - 1, CAPACITY);
        problems.count = 0;
        problems.dropped = 0;
        settings_read_file(&settings, guard_page_place(&guard, (struct span){text, len}), "f",
                           &problems);
        settings_finish(&settings, &problems);
        refused += problems.count > 0;
        /* Whatever was read, what is in force makes sense. */
        assert_true(settings.shards.count >= 1);
        assert_true(settings.shards.first + settings.shards.count - 1 <= SHARD_MAX);
        assert_in_range(settings.service_port, 1, 65535);
        assert_in_range(settings.listener_count, 1, SETTINGS_LISTENERS_MAX);
        assert_in_range(settings.max_batch, 1, 100000);
        assert_true(settings.start_time_ns >= 0);
        assert_true(settings.log_file[0] == '/' || settings.log_file[0] == '\0');
        assert_int_equal(settings.state_directory[0], '/');
        assert_int_equal(settings.lock_directory[0], '/');
        assert_true(strlen(settings.instance_name) < INSTANCE_NAME_MAX);
        assert_true(settings.min_id <= INT64_MAX && settings.require_clock_sync <= 1);
        assert_true(settings.mark_window_ns >= 100 * NS_PER_MS);
        assert_true(settings.max_clock_lead_ns <= 3600 * NS_PER_S);
        assert_true(settings.max_clock_leap_ns >= NS_PER_S);
        assert_in_range(settings.ntp_server_count, settings.time_source == TIME_SOURCE_NTP,
                        settings.time_source == TIME_SOURCE_NTP ? NTP_SERVERS_MAX : 0);
        for (size_t i = 0; i < settings.ntp_server_count; i++)
            assert_true(settings.ntp_servers[i].host[0] != '\0' &&
                        settings.ntp_servers[i].port > 0);
    }
    assert_in_range(refused, 1, ROUNDS - 1); /* both kinds have been met */
    guard_page_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_value_is_named_with_its_place_and_what_it_may_be),
        cmocka_unit_test(a_line_that_others_would_read_differently_is_refused),
        cmocka_unit_test(an_unknown_name_is_an_error_with_a_guess),
        cmocka_unit_test(a_setting_stands_once_in_a_file),
        cmocka_unit_test(one_run_reports_every_problem),
        cmocka_unit_test(every_cut_of_a_good_file_is_read_without_harm),
        cmocka_unit_test(random_changes_of_a_good_file_do_no_harm),
    };
    return cmocka_run_group_tests_name("settings_file", tests, NULL, NULL);
}
