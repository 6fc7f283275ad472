/* test_block_pool.c: blocks never overlap, none is lost, and the last one back is the next out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "server/connection/block_pool.h"
#include "tests/unit/random.h"

static void a_pool_gives_each_block_once(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 48 };
    struct block_pool pool;
    char *blocks[COUNT];
    assert_int_equal(block_pool_create(&pool, SIZE, COUNT), 0);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = block_pool_take(&pool);
        assert_non_null(blocks[i]);
        memset(blocks[i], i, SIZE);
    }
    assert_null(block_pool_take(&pool));
    assert_null(block_pool_take(&pool));
    for (int i = 0; i < COUNT; i++) {
        for (int byte = 0; byte < SIZE; byte++)
            assert_int_equal(blocks[i][byte], i); /* nobody else wrote there */
    }
    block_pool_destroy(&pool);
}

static void the_block_given_back_last_is_taken_first(void **state)
{
    (void)state;
    struct block_pool pool;
    assert_int_equal(block_pool_create(&pool, 64, 3), 0);
    void *a = block_pool_take(&pool);
    void *b = block_pool_take(&pool);
    block_pool_return(&pool, a);
    block_pool_return(&pool, b);
    assert_ptr_equal(block_pool_take(&pool), b);
    assert_ptr_equal(block_pool_take(&pool), a);
    assert_int_equal(pool.fresh_count, 2); /* the third block's memory was never touched */
    block_pool_destroy(&pool);
}

static void a_pool_of_one_block_can_be_used_for_ever(void **state)
{
    (void)state;
    struct block_pool pool;
    assert_int_equal(block_pool_create(&pool, 1, 1), 0);
    void *block = block_pool_take(&pool);
    for (int i = 0; i < 1000; i++) {
        assert_null(block_pool_take(&pool));
        block_pool_return(&pool, block);
        assert_ptr_equal(block_pool_take(&pool), block);
    }
    block_pool_destroy(&pool);
}

static void any_order_of_takes_and_returns_keeps_blocks_apart(void **state)
{
    (void)state;
    enum { COUNT = 37, SIZE = 16 };
    struct block_pool pool;
    struct random random = {11};
    uint64_t *held[COUNT];
    uint64_t marks[COUNT];
    size_t held_count = 0;
    assert_int_equal(block_pool_create(&pool, SIZE, COUNT), 0);
    for (uint64_t round = 1; round <= 100000; round++) {
        if (random_below(&random, 2) == 0) {
            uint64_t *block = block_pool_take(&pool);
            assert_true((block != NULL) == (held_count < COUNT));
            if (block == NULL)
                continue;
            block[0] = block[1] = marks[held_count] = round;
            held[held_count++] = block;
        } else if (held_count > 0) {
            size_t i = random_below(&random, held_count);
            assert_int_equal(held[i][0], marks[i]);
            assert_int_equal(held[i][1], marks[i]);
            block_pool_return(&pool, held[i]);
            held[i] = held[--held_count];
            marks[i] = marks[held_count];
        }
    }
    block_pool_destroy(&pool);
}

static void memory_that_is_refused_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct block_pool pool;
    assert_int_equal(block_pool_create(&pool, SIZE_MAX / 1024, 1), -ENOMEM);
    assert_null(pool.base);
    assert_null(pool.returned);
    block_pool_destroy(&pool);
}

static void a_zeroed_pool_can_be_destroyed(void **state)
{
    (void)state;
    struct block_pool pool = {0};
    block_pool_destroy(&pool);
    block_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_gives_each_block_once),
        cmocka_unit_test(the_block_given_back_last_is_taken_first),
        cmocka_unit_test(a_pool_of_one_block_can_be_used_for_ever),
        cmocka_unit_test(any_order_of_takes_and_returns_keeps_blocks_apart),
        cmocka_unit_test(memory_that_is_refused_is_an_error_and_leaves_nothing),
        cmocka_unit_test(a_zeroed_pool_can_be_destroyed),
    };
    return cmocka_run_group_tests_name("block_pool", tests, NULL, NULL);
}
