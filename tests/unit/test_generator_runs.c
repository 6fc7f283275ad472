/* test_generator_runs.c: the ids of a run, in pieces and in stretches. */
#include "tests/unit/generator_fixture.h"

static void a_run_comes_out_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 40; piece++) {
        struct sonyflake_generator *generator = create(stock(65529, 7));
        (void)take(generator, (struct sonyflake_demand){NOON, 0, 5});
        struct taken taken = take(generator, (struct sonyflake_demand){NOON, 0, 37});
        uint64_t ids[40];
        size_t count = 0;
        assert_int_equal(sonyflake_run_ids(generator, &taken.run, NULL, 0), 0);
        while (taken.run.count > 0)
            count += sonyflake_run_ids(generator, &taken.run, ids + count,
                                       piece < 40 - count ? piece : 40 - count);
        assert_int_equal(count, 37);
        for (uint64_t i = 0; i < count; i++)
            assert_int_equal(ids[i], stock_id(1000, (5 + i) / 7, 65529 + (5 + i) % 7));
        assert_int_equal(sonyflake_run_ids(generator, &taken.run, ids, 40), 0);
        sonyflake_destroy(generator);
    }
}

static void stretches_end_where_the_ids_have_a_gap(void **state)
{
    (void)state;
    for (size_t most = 1; most <= 9; most++) {
        struct sonyflake_generator *generator = create(stock(65529, 7));
        (void)take(generator, (struct sonyflake_demand){NOON, 0, 5});
        struct taken taken = take(generator, (struct sonyflake_demand){NOON, 0, 37});
        uint64_t first = 77;
        assert_int_equal(sonyflake_run_stretch(generator, &taken.run, 0, &first), 0);
        uint64_t i = 5; /* the two machines that are left of the first sequence come first */
        while (taken.run.count > 0) {
            size_t to_gap = 7 - i % 7 < taken.run.count ? 7 - i % 7 : taken.run.count;
            size_t count = sonyflake_run_stretch(generator, &taken.run, most, &first);
            assert_int_equal(count, to_gap < most ? to_gap : most);
            assert_int_equal(first, stock_id(1000, i / 7, 65529 + i % 7));
            i += count;
        }
        assert_int_equal(i, 5 + 37);
        assert_int_equal(sonyflake_run_stretch(generator, &taken.run, 40, &first), 0);
        sonyflake_destroy(generator);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_comes_out_the_same_in_pieces_of_any_size),
        cmocka_unit_test(stretches_end_where_the_ids_have_a_gap),
    };
    return cmocka_run_group_tests_name("generator_runs", tests, NULL, NULL);
}
