/*
 * connection_fixture.h: a connection without a socket, in a service whose time the test owns.
 */
#ifndef TESTS_UNIT_CONNECTION_FIXTURE_H
#define TESTS_UNIT_CONNECTION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/timestamp.h"
#include "server/connection/connection.h"
#include "tests/unit/service_fixture.h"

#define TICK_NS SONYFLAKE_TIME_UNIT_NS
#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * TICK_NS)
#define SENT_MAX (4 << 20)
#define ALL SIZE_MAX

#define GET "GET /generate HTTP/1.1\r\nHost: a\r\n\r\n"

struct fixture {
    struct workspace workspace; /* the order is that of the least padding */
    char *sent;
    size_t sent_len;
    struct moment now;
    struct service service;
    struct connection connection;
    struct settings settings;
    bool shut_down;
};

static inline struct fixture *open_with(uint32_t shard_count)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->sent = calloc(1, SENT_MAX);
    assert_non_null(f->sent);
    f->settings.shards = (struct shard_range){.first = 7, .count = shard_count};
    f->settings.start_time_ns = SONYFLAKE_START_TIME_NS;
    f->settings.max_batch = 10000;
    f->settings.max_wait_ms = 1000;
    f->settings.head_timeout_ms = 10000;
    f->settings.idle_timeout_ms = 60000;
    f->settings.write_timeout_ms = 5000;
    assert_int_equal(service_create_after(&f->settings, NOON_NS, &f->service), SONYFLAKE_OK);
    assert_int_equal(workspace_create(&f->workspace, &f->service, &f->settings, 4), 0);
    f->now = moment_plain(NOON_NS + TICK_NS, 77 * NS_PER_S);
    workspace_set_time(&f->workspace, f->now);
    connection_open(&f->connection, &f->workspace);
    return f;
}

static inline void assert_nothing_is_borrowed(const struct block_pool *pool)
{
    assert_int_equal(pool->returned_count, pool->fresh_count);
}

static inline int setup(void **state)
{
    *state = open_with(1);
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    connection_close(&f->connection, &f->workspace);
    assert_nothing_is_borrowed(&f->workspace.inputs);
    assert_nothing_is_borrowed(&f->workspace.outputs);
    assert_nothing_is_borrowed(&f->workspace.runs);
    assert_int_equal(counter_read(&f->workspace.counters.unsent), 0);
    workspace_destroy(&f->workspace);
    service_destroy(&f->service);
    free(f->sent);
    free(f);
    return 0;
}

static inline void pass(struct fixture *f, int64_t ns)
{
    f->now = moment_plain(f->now.wall_ns + ns, f->now.mono_ns + ns);
    workspace_set_time(&f->workspace, f->now);
}

#endif
