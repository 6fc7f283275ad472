/*
 * test_id_order_runs.c: which ids an order is made of, when others take ids in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "server/api/id_order.h"
#include "tests/unit/service_fixture.h"

#define TICK_NS SONYFLAKE_TIME_UNIT_NS
#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * TICK_NS)
#define LARGE 500 /* 256 of the tick at hand, and the rest of the next one, in two takes */
#define SMALL 10

struct fixture {
    struct service service;
    struct block_pool blocks;
};

static void open_fixture(struct fixture *f)
{
    static struct settings settings = {
        .shards = {1, 1},
        .start_time_ns = SONYFLAKE_START_TIME_NS,
        .max_batch = 10000,
        .max_wait_ms = 1000,
    };
    assert_int_equal(service_create_after(&settings, NOON_NS, &f->service), SONYFLAKE_OK);
    size_t block_size = id_order_runs_max(&f->service) * sizeof(struct sonyflake_run);
    assert_int_equal(block_pool_create(&f->blocks, block_size, 2), 0);
}

static void close_fixture(struct fixture *f)
{
    block_pool_destroy(&f->blocks);
    service_destroy(&f->service);
}

static enum id_order_progress advance_at(struct fixture *f, struct id_order *order, int64_t now_ns)
{
    enum sonyflake_status status;
    int64_t wait_ns;
    return id_order_advance(order, &f->service, &f->blocks, moment_plain(now_ns, now_ns), &status,
                            &wait_ns);
}

static size_t ids_of(const struct fixture *f, const struct id_order *order, uint64_t *ids,
                     size_t capacity)
{
    size_t count = 0;
    for (uint32_t i = 0; i < order->run_count; i++) {
        struct sonyflake_run run = id_order_runs(order)[i];
        count += sonyflake_run_ids(f->service.generator, &run, ids + count, capacity - count);
        assert_int_equal(run.count, 0);
    }
    return count;
}

static void an_order_that_is_interrupted_leaves_out_the_ids_of_the_other(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    int64_t now_ns = NOON_NS + TICK_NS;
    struct id_order large = {0};
    struct id_order small = {0};
    id_order_start(&large, &f.service, LARGE, moment_plain(now_ns, now_ns));
    id_order_start(&small, &f.service, SMALL, moment_plain(now_ns, now_ns));
    assert_int_equal(advance_at(&f, &large, now_ns), ID_ORDER_WAIT);
    assert_int_equal(advance_at(&f, &small, now_ns), ID_ORDER_WAIT);
    now_ns += TICK_NS;
    assert_int_equal(advance_at(&f, &large, now_ns), ID_ORDER_COMPLETE);
    assert_int_equal(advance_at(&f, &small, now_ns), ID_ORDER_COMPLETE);

    uint64_t larges[LARGE] = {0};
    uint64_t smalls[SMALL] = {0};
    assert_int_equal(ids_of(&f, &large, larges, LARGE), LARGE);
    assert_int_equal(ids_of(&f, &small, smalls, SMALL), SMALL);
    for (size_t i = 1; i < LARGE; i++)
        assert_true(larges[i] > larges[i - 1]);
    for (size_t i = 0; i < LARGE; i++)
        assert_false(larges[i] >= smalls[0] && larges[i] <= smalls[SMALL - 1]);

    id_order_release(&large, &f.service, &f.blocks);
    id_order_release(&small, &f.service, &f.blocks);
    close_fixture(&f);
}

static void an_order_that_is_left_alone_has_one_run_per_tick(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    int64_t now_ns = NOON_NS + TICK_NS;
    struct id_order order = {0};
    id_order_start(&order, &f.service, LARGE, moment_plain(now_ns, now_ns));
    assert_int_equal(advance_at(&f, &order, now_ns), ID_ORDER_WAIT);
    assert_int_equal(advance_at(&f, &order, now_ns + TICK_NS), ID_ORDER_COMPLETE);
    assert_int_equal(order.run_count, 2);
    id_order_release(&order, &f.service, &f.blocks);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_that_is_interrupted_leaves_out_the_ids_of_the_other),
        cmocka_unit_test(an_order_that_is_left_alone_has_one_run_per_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
