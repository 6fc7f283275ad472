/*
 * generator_fixture.h: generators of the default layout, for tests that own the clock.
 */
#ifndef TESTS_UNIT_GENERATOR_FIXTURE_H
#define TESTS_UNIT_GENERATOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sonyflake.h"

#define HOUR INT64_C(3600000000000)
#define MS INT64_C(1000000)
#define TICK SONYFLAKE_TIME_UNIT_NS
#define START SONYFLAKE_START_TIME_NS
#define LAST_TICK ((INT64_C(1) << 39) - 1)           /* of the default layout */
#define NOON (START + INT64_C(1000) * TICK + 3 * MS) /* 3 ms into tick 1000 */

static inline struct sonyflake_options stock(uint32_t machine_id, uint32_t machine_id_count)
{
    return (struct sonyflake_options){
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .machine_id = machine_id,
        .machine_id_count = machine_id_count,
    };
}

static inline struct sonyflake_generator *create(struct sonyflake_options options)
{
    struct sonyflake_generator *generator;
    assert_int_equal(sonyflake_create(&options, &generator), SONYFLAKE_OK);
    return generator;
}

/* The ids that a demand is given, and how long they must be kept back. */
struct taken {
    struct sonyflake_run run;
    int64_t wait_ns;
};

static inline struct taken take(struct sonyflake_generator *generator,
                                struct sonyflake_demand demand)
{
    struct taken taken;
    int64_t untouched = 77;
    assert_int_equal(sonyflake_take(generator, &demand, &taken.run, &taken.wait_ns, &untouched),
                     SONYFLAKE_OK);
    assert_int_equal(untouched, 77);
    return taken;
}

static inline uint64_t stock_id(uint64_t tick, uint64_t sequence, uint64_t machine_id)
{
    return tick << 24 | sequence << 16 | machine_id;
}

#endif
