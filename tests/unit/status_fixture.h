/*
 * status_fixture.h: a service on a good day, whose clock and disk the test makes up.
 */
#ifndef TESTS_UNIT_STATUS_FIXTURE_H
#define TESTS_UNIT_STATUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/timestamp.h"
#include "server/store/mark_keeper.h"
#include "tests/unit/service_fixture.h"

#define TICK_NS SONYFLAKE_TIME_UNIT_NS
#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * TICK_NS)
#define BOOT_NS (1000 * NS_PER_S)

struct fixture {
    struct settings settings;
    struct service service;
    struct mark_keeper keeper;
    struct id_clock clock; /* the service has none, unless the test gives it this one */
    struct moment now;
};

static inline int setup_with(void **state, struct shard_range shards)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    *state = &f;
    f.settings.shards = shards;
    f.settings.start_time_ns = SONYFLAKE_START_TIME_NS;
    f.settings.max_batch = 100;
    f.settings.max_wait_ms = 1000;
    f.now = moment_plain(NOON_NS + TICK_NS, BOOT_NS);
    f.now.ids.limit_ns = NOON_NS + 2 * NS_PER_S;
    f.now.ids.lead_max_ns = 10 * NS_PER_S;
    if (service_create_after(&f.settings, NOON_NS, &f.service) != SONYFLAKE_OK)
        return -1;
    f.service.keeper = &f.keeper;
    return 0;
}

static inline int teardown(void **state)
{
    service_destroy(&((struct fixture *)*state)->service);
    return 0;
}

/* As with a MIN_ID that is the last id there is. */
static inline void begin_at_the_end(struct fixture *f)
{
    service_destroy(&f->service);
    assert_int_equal(service_create(&f->settings, INT64_MAX, &f->service), SONYFLAKE_OK);
    f->service.min_id_ns = service_next_tick(&f->service);
}

#endif
