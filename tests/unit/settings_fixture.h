/*
 * settings_fixture.h: settings under test, and every message they cause as one string.
 */
#ifndef TESTS_UNIT_SETTINGS_FIXTURE_H
#define TESTS_UNIT_SETTINGS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/settings/settings.h"

/* Too large for a stack. */
static struct settings settings;
static struct problems problems;

/* Every problem, one per line; valid until the next call. */
static inline const char *messages(void)
{
    static char text[PROBLEMS_MAX * PROBLEM_TEXT_MAX + 64];
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text) - 1, "w");
    assert_non_null(out);
    problems_print(&problems, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline void begin(void)
{
    problems.count = 0;
    problems.dropped = 0;
    settings_init(&settings);
}

/* The messages for a config file of this text. */
static inline const char *read_text(const char *text)
{
    begin();
    settings_read_file(&settings, span_of(text), "f", &problems);
    settings_finish(&settings, &problems);
    return messages();
}

struct message_case {
    const char *text;
    const char *messages;
};

static inline void check_files(const struct message_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = read_text(cases[i].text);
        if (strcmp(found, cases[i].messages) != 0)
            fail_msg("for '%s'\nexpected %s\nbut got  %s", cases[i].text, cases[i].messages, found);
    }
}

#define CHECK_FILES(cases) check_files(cases, sizeof(cases) / sizeof((cases)[0]))

#define SHARD_VALUES "'SHARD_ID' must be a number from 0 to 65535, or a range such as 64-127, not "

/* A value other than the default for every setting. */
static const char good_file[] = "# every setting\n"
                                "SHARD_ID=64-127\n"
                                "\n"
                                "  TOTAL_SHARDS=65536\n"
                                "\tSERVICE_PORT=\"7002\"   \n"
                                "LISTEN_ADDRESS='::1,127.0.0.2,unix:/run/go-id/socket'\n"
                                "START_TIME=2020-01-01T00:00:00Z\n"
                                "WORKERS=3  \n"
                                "MAX_CONNECTIONS=20000\n"
                                "   # an indented comment\n"
                                "MAX_BATCH=500\n"
                                "MAX_WAIT_MS=0\n"
                                "HEAD_TIMEOUT_MS=11\n"
                                "IDLE_TIMEOUT_MS=12\n"
                                "WRITE_TIMEOUT_MS=13\n"
                                "DRAIN_TIMEOUT_MS=14\n"
                                "LOG_LEVEL=debug\n"
                                "LOG_FILE=\"/var/log/with blank's.log\"\n"
                                "STATE_DIRECTORY=/srv/go-id";

#endif
