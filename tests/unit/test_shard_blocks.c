/*
 * test_shard_blocks.c: two ranges of shards overlap exactly where their blocks say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/metrics/shard_blocks.h"
#include "tests/unit/random.h"

struct blocks {
    struct shard_range range;
    struct shard_block at[SHARD_BLOCKS_MAX];
    size_t count;
};

static struct random numbers = {.state = 20260823};

static uint32_t below(uint32_t bound)
{
    return (uint32_t)random_below(&numbers, bound);
}

static void make(struct blocks *b, uint32_t first, uint32_t last)
{
    b->range = (struct shard_range){first, last - first + 1};
    b->count = shard_blocks(b->range, b->at);
    assert_in_range(b->count, 1, SHARD_BLOCKS_MAX);
}

/* As the alert GoIdShardTwice has it: a block that both name, and that one of them fills. */
static bool share_a_block(const struct blocks *a, const struct blocks *b)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            if (a->at[i].shards.first == b->at[k].shards.first &&
                a->at[i].shards.count == b->at[k].shards.count &&
                (a->at[i].filled || b->at[k].filled))
                return true;
        }
    }
    return false;
}

static bool overlap(struct shard_range a, struct shard_range b)
{
    return a.first < b.first + b.count && b.first < a.first + a.count;
}

static void assert_agreed(const struct blocks *a, const struct blocks *b)
{
    if (share_a_block(a, b) != overlap(a->range, b->range))
        fail_msg("%u, %u of them, and %u, %u of them", a->range.first, a->range.count,
                 b->range.first, b->range.count);
}

static void assert_block(const struct shard_block *block, uint32_t first, uint32_t count,
                         bool filled)
{
    assert_int_equal(block->shards.first, first);
    assert_int_equal(block->shards.count, count);
    assert_int_equal(block->filled, filled);
}

static void one_shard_is_a_part_of_all_that_it_is_in(void **state)
{
    (void)state;
    struct blocks b;
    make(&b, 7, 7);
    assert_int_equal(b.count, 17);
    assert_block(&b.at[0], 7, 1, true);
    assert_block(&b.at[1], 6, 2, false);
    assert_block(&b.at[16], 0, 65536, false);
}

static void a_range_names_the_largest_blocks_that_it_fills(void **state)
{
    (void)state;
    struct blocks b;
    make(&b, 64, 127);
    assert_int_equal(b.count, 11);
    assert_block(&b.at[0], 64, 64, true);
    assert_block(&b.at[1], 0, 128, false);
    make(&b, 0, 65535);
    assert_int_equal(b.count, 1);
    assert_block(&b.at[0], 0, 65536, true);
}

static void filled_blocks_are_the_range_and_nothing_twice(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t first = below(65536);
        uint32_t last = first + below(65536 - first);
        struct blocks b;
        make(&b, first, last);
        uint32_t filled = 0;
        for (size_t k = 0; k < b.count; k++)
            filled += b.at[k].filled ? b.at[k].shards.count : 0;
        assert_int_equal(filled, b.range.count);
    }
}

static void small_ranges_share_a_block_exactly_if_they_overlap(void **state)
{
    (void)state;
    enum { SHARDS = 16 };
    static struct blocks all[SHARDS * (SHARDS + 1) / 2];
    size_t count = 0;
    for (uint32_t first = 0; first < SHARDS; first++) {
        for (uint32_t last = first; last < SHARDS; last++)
            make(&all[count++], 100 + first, 100 + last);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++)
            assert_agreed(&all[i], &all[k]);
    }
}

static void large_ranges_do_too(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t first = below(65536);
        uint32_t last = first + below(65536 - first);
        uint32_t other = below(65536);
        struct blocks a;
        struct blocks b;
        make(&a, first, last);
        make(&b, other, other + below(65536 - other));
        assert_agreed(&a, &b);
        if (last < 65535) { /* right behind it, and one too early */
            make(&b, last + 1, 65535);
            assert_agreed(&a, &b);
            make(&b, last, 65535);
            assert_agreed(&a, &b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_is_a_part_of_all_that_it_is_in),
        cmocka_unit_test(a_range_names_the_largest_blocks_that_it_fills),
        cmocka_unit_test(filled_blocks_are_the_range_and_nothing_twice),
        cmocka_unit_test(small_ranges_share_a_block_exactly_if_they_overlap),
        cmocka_unit_test(large_ranges_do_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
