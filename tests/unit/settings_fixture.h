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

/* The messages for an environment in which one setting has this value. */
static inline const char *set_in_environment(enum setting_id id, struct span value)
{
    begin();
    settings_set(&settings, id, value, SOURCE_ENVIRONMENT, (struct place){"environment", 0, 0},
                 &problems);
    settings_finish(&settings, &problems);
    return messages();
}

/* The messages for --listen with this list. */
static inline const char *listen_on(const char *list)
{
    begin();
    settings_set_listeners(&settings, span_of(list), (struct place){"command line", 0, 0},
                           &problems);
    settings_finish(&settings, &problems);
    return messages();
}

/* The listeners, as "4 127.0.0.1 7001;6 ::1 7001;". */
static inline const char *listeners(void)
{
    static char text[SETTINGS_LISTENERS_MAX * 130];
    static const char kinds[] = {[LISTEN_IPV4] = '4', [LISTEN_IPV6] = '6', [LISTEN_UNIX] = 'u'};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings.listener_count; i++) {
        const struct listen_address *address = &settings.listeners[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%c %s %u;",
                                 kinds[address->kind], address->text, address->port);
    }
    return text;
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

#define SHARD_VALUES \
    "'SHARD_ID' must be a number from 0 to 65535, a range such as 64-127, hostname or ip, not "

/* A value other than the default for every setting. */
static const char good_file[] = "# every setting\n"
                                "SHARD_ID=64-127\n"
                                "SHARD_BASE=0\n"
                                "\n"
                                "  TOTAL_SHARDS=65536\n"
                                "\tSERVICE_PORT=\"7002\"   \n"
                                "LISTEN_ADDRESS='::1,127.0.0.2,unix:/run/go-id/socket'\n"
                                "UNIX_SOCKET_MODE=0660\n"
                                "UNIX_SOCKET_GROUP=www-data\n"
                                "ALLOW_ROOT=1\n"
                                "AUTH_TOKEN_FILE=/etc/go-id/tokens\n"
                                "START_TIME=2020-01-01T00:00:00Z\n"
                                "MIN_ID=9223372036854775807\n"
                                "INSTANCE_NAME=ids-1.example_org\n"
                                "STATE_DIRECTORY=/srv/go-id\n"
                                "LOCK_DIRECTORY='/run/lock/ids: all'\n"
                                "MARK_WINDOW=5s\n"
                                "TIME_SOURCE=ntp:ntp-1.example.org,192.0.2.1:1123,[2001:db8::1]\n"
                                "REQUIRE_CLOCK_SYNC=1\n"
                                "MAX_CLOCK_LEAD=90s\n"
                                "MAX_CLOCK_LEAP=7d\n"
                                "WORKERS=3  \n"
                                "MAX_CONNECTIONS=20000\n"
                                "   # an indented comment\n"
                                "MAX_CONNECTIONS_PER_CLIENT=9\n"
                                "RATE_LIMIT=1000000\n"
                                "RATE_LIMIT_BURST=2\n"
                                "TRUSTED_PROXIES=10.0.0.0/8,::1,unix\n"
                                "PROXY_PROTOCOL=1\n"
                                "MAX_BATCH=500\n"
                                "MAX_WAIT_MS=0\n"
                                "HEAD_TIMEOUT_MS=11\n"
                                "IDLE_TIMEOUT_MS=12\n"
                                "WRITE_TIMEOUT_MS=13\n"
                                "DRAIN_TIMEOUT_MS=14\n"
                                "LANDLOCK=0\n"
                                "SECCOMP=0\n"
                                "LOG_LEVEL=debug\n"
                                "LOG_FILE=\"/var/log/with blank's.log\"\n"
                                "LOG_FILE_MAX=64K";

#endif
