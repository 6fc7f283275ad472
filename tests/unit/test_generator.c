/* test_generator.c: one thread, and a clock that the test owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/generator_fixture.h"

/* ---- Memory that runs out when a test says so ---- */

static bool out_of_memory;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return out_of_memory ? NULL : __real_aligned_alloc(alignment, size);
}

/* ---- Helpers ---- */

static enum sonyflake_status create_status(struct sonyflake_options options)
{
    struct sonyflake_generator *generator = NULL;
    enum sonyflake_status status = sonyflake_create(&options, &generator);
    assert_int_equal(status == SONYFLAKE_OK, generator != NULL);
    sonyflake_destroy(generator);
    return status;
}

/* Takes in vain; returns the wait, which is 77 unless the tick was used up. */
static int64_t take_fails(struct sonyflake_generator *generator, struct sonyflake_demand demand,
                          enum sonyflake_status expected)
{
    struct sonyflake_run run = {77, 77, 77};
    int64_t untouched = 77, wait_ns = 77;
    assert_int_equal(sonyflake_take(generator, &demand, &run, &untouched, &wait_ns), expected);
    assert_int_equal(run.elapsed_time, 77);
    assert_int_equal(run.position, 77);
    assert_int_equal(run.count, 77);
    assert_int_equal(untouched, 77);
    assert_int_equal(sonyflake_take(generator, &demand, &run, &untouched, NULL), expected);
    return wait_ns;
}

/* One id, now. */
static uint64_t take_id(struct sonyflake_generator *generator, int64_t now_ns)
{
    struct taken taken = take(generator, (struct sonyflake_demand){now_ns, 0, 1});
    uint64_t id;
    assert_int_equal(sonyflake_run_ids(generator, &taken.run, &id, 1), 1);
    assert_int_equal(taken.wait_ns, 0);
    return id;
}

static void run_is(const struct taken *taken, uint64_t tick, uint32_t position, uint32_t count)
{
    assert_int_equal(taken->run.elapsed_time, tick);
    assert_int_equal(taken->run.position, position);
    assert_int_equal(taken->run.count, count);
}

static int64_t wait_time(const struct sonyflake_generator *generator, int64_t now_ns)
{
    int64_t wait_ns;
    assert_int_equal(sonyflake_wait_time(generator, now_ns, &wait_ns), SONYFLAKE_OK);
    return wait_ns;
}

/* ---- Create ---- */

static void options_that_make_no_sense_are_named(void **state)
{
    (void)state;
    struct sonyflake_generator *generator;
    struct sonyflake_options good = stock(7, 1);
    assert_int_equal(sonyflake_create(NULL, &generator), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_create(&good, NULL), SONYFLAKE_ERR_ARGUMENT);

    assert_int_equal(create_status(stock(0, 1)), SONYFLAKE_OK);
    assert_int_equal(create_status(stock(65535, 1)), SONYFLAKE_OK);
    assert_int_equal(create_status(stock(0, 65536)), SONYFLAKE_OK);
    assert_int_equal(create_status(stock(0, 0)), SONYFLAKE_ERR_MACHINE_ID);
    assert_int_equal(create_status(stock(65536, 1)), SONYFLAKE_ERR_MACHINE_ID);
    assert_int_equal(create_status(stock(1, 65536)), SONYFLAKE_ERR_MACHINE_ID);
    assert_int_equal(create_status(stock(UINT32_MAX, UINT32_MAX)), SONYFLAKE_ERR_MACHINE_ID);

    struct sonyflake_options bad_layout = stock(7, 1);
    bad_layout.layout.sequence_bits = 31;
    assert_int_equal(create_status(bad_layout), SONYFLAKE_ERR_SEQUENCE_BITS);
    struct sonyflake_options bad_floor = stock(7, 1);
    bad_floor.floor = UINT64_C(1) << 63;
    assert_int_equal(create_status(bad_floor), SONYFLAKE_ERR_ID);
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    out_of_memory = true;
    enum sonyflake_status status = create_status(stock(7, 1));
    out_of_memory = false;
    assert_int_equal(status, SONYFLAKE_ERR_NO_MEMORY);
}

static void destroying_nothing_does_nothing(void **state)
{
    (void)state;
    sonyflake_destroy(NULL);
}

/* ---- One machine id is exactly Sonyflake ---- */

static void one_machine_id_counts_its_sequence_from_0_in_every_tick(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(4242, 1));
    for (uint64_t sequence = 0; sequence < 256; sequence++)
        assert_int_equal(take_id(generator, NOON), stock_id(1000, sequence, 4242));
    (void)take_fails(generator, (struct sonyflake_demand){NOON, 0, 1}, SONYFLAKE_ERR_EXHAUSTED);
    assert_int_equal(take_id(generator, NOON + TICK), stock_id(1001, 0, 4242));
    assert_int_equal(take_id(generator, NOON + 5 * TICK), stock_id(1005, 0, 4242));
    sonyflake_destroy(generator);
}

static void a_tick_that_is_used_up_says_exactly_when_to_come_back(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(4242, 1));
    (void)take(generator, (struct sonyflake_demand){NOON, 0, 256});
    int64_t wait_ns =
        take_fails(generator, (struct sonyflake_demand){NOON, 0, 1}, SONYFLAKE_ERR_EXHAUSTED);
    assert_int_equal(wait_ns, 7 * MS);
    assert_int_equal(wait_time(generator, NOON), 7 * MS);
    assert_int_equal(take_fails(generator, (struct sonyflake_demand){NOON + wait_ns - 1, 0, 1},
                                SONYFLAKE_ERR_EXHAUSTED),
                     1);
    assert_int_equal(wait_time(generator, NOON + wait_ns), 0);
    assert_int_equal(take_id(generator, NOON + wait_ns), stock_id(1001, 0, 4242));
    sonyflake_destroy(generator);
}

static void a_demand_gets_no_more_than_the_rest_of_the_tick(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(4242, 1));
    struct taken some = take(generator, (struct sonyflake_demand){NOON, 0, 250});
    run_is(&some, 1000, 0, 250);
    struct taken rest = take(generator, (struct sonyflake_demand){NOON, HOUR, UINT32_MAX});
    run_is(&rest, 1000, 250, 6);
    assert_int_equal(rest.wait_ns, 0);
    sonyflake_destroy(generator);
}

/* ---- A range of machine ids ---- */

static void a_range_issues_each_sequence_of_every_machine_id_in_turn(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(100, 3));
    uint64_t ids[768];
    struct taken taken = take(generator, (struct sonyflake_demand){NOON, 0, 1000});
    run_is(&taken, 1000, 0, 768);
    assert_int_equal(sonyflake_run_ids(generator, &taken.run, ids, 768), 768);
    for (uint64_t i = 0; i < 768; i++)
        assert_int_equal(ids[i], stock_id(1000, i / 3, 100 + i % 3));
    sonyflake_destroy(generator);
}

static void all_65536_machine_ids_fill_the_tick_to_its_last_id(void **state)
{
    (void)state;
    const uint32_t capacity = UINT32_C(1) << 24;
    struct sonyflake_generator *generator = create(stock(0, 65536));
    struct taken most = take(generator, (struct sonyflake_demand){NOON, 0, capacity - 1});
    run_is(&most, 1000, 0, capacity - 1);
    assert_int_equal(wait_time(generator, NOON), 0);
    assert_int_equal(take_id(generator, NOON), stock_id(1000, 255, 65535));

    assert_int_equal(
        take_fails(generator, (struct sonyflake_demand){NOON, 0, 1}, SONYFLAKE_ERR_EXHAUSTED),
        7 * MS);
    struct taken next = take(generator, (struct sonyflake_demand){NOON, 7 * MS, 2});
    run_is(&next, 1001, 0, 2);
    assert_int_equal(next.wait_ns, 7 * MS);
    sonyflake_destroy(generator);
}

/* ---- Other layouts ---- */

static void without_bits_of_sequence_a_machine_id_has_one_id_per_tick(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(7, 2);
    options.layout.sequence_bits = 0;
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, NOON), 1000 << 16 | 7);
    assert_int_equal(take_id(generator, NOON), 1000 << 16 | 8);
    (void)take_fails(generator, (struct sonyflake_demand){NOON, 0, 1}, SONYFLAKE_ERR_EXHAUSTED);
    assert_int_equal(take_id(generator, NOON + TICK), 1001 << 16 | 7);
    sonyflake_destroy(generator);
}

static void without_bits_of_machine_id_there_is_one_machine(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(0, 2);
    options.layout.machine_id_bits = 0;
    assert_int_equal(create_status(options), SONYFLAKE_ERR_MACHINE_ID);
    options.machine_id_count = 1;
    options.machine_id = 1;
    assert_int_equal(create_status(options), SONYFLAKE_ERR_MACHINE_ID);

    options.machine_id = 0;
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, NOON), 1000 << 8);
    assert_int_equal(take_id(generator, NOON), 1000 << 8 | 1);
    (void)take(generator, (struct sonyflake_demand){NOON, 0, 254});
    assert_int_equal(wait_time(generator, NOON), 7 * MS);
    sonyflake_destroy(generator);
}

static void without_either_an_id_is_its_tick(void **state)
{
    (void)state;
    struct sonyflake_options options = {
        .layout = {.time_unit_ns = MS},
        .machine_id_count = 1,
    };
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, 0), 0);
    assert_int_equal(take_id(generator, INT64_MAX), INT64_MAX / MS);
    /* The next tick begins after the last moment that int64_t nanoseconds hold. */
    assert_int_equal(
        take_fails(generator, (struct sonyflake_demand){INT64_MAX, 0, 1}, SONYFLAKE_ERR_EXHAUSTED),
        INT64_MAX);
    sonyflake_destroy(generator);
}

static void a_tick_can_hold_2_to_the_31_ids(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(0, 2);
    options.layout.sequence_bits = 30;
    options.layout.machine_id_bits = 1;
    struct sonyflake_generator *generator = create(options);
    struct taken most = take(generator, (struct sonyflake_demand){NOON, 0, (1U << 31) - 1});
    run_is(&most, 1000, 0, (1U << 31) - 1);
    assert_int_equal(take_id(generator, NOON), (UINT64_C(1001) << 31) - 1);
    struct taken all = take(generator, (struct sonyflake_demand){NOON + TICK, 0, UINT32_MAX});
    run_is(&all, 1001, 0, 1U << 31);
    sonyflake_destroy(generator);
}

static void a_start_time_inside_a_tick_moves_no_tick(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(7, 1);
    options.layout.start_time_ns = START + 4 * MS;
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, START + 4 * MS), stock_id(0, 0, 7));
    (void)take(generator, (struct sonyflake_demand){START + 4 * MS, 0, 255});
    assert_int_equal(wait_time(generator, START + 4 * MS), 6 * MS);
    assert_int_equal(take_id(generator, START + TICK), stock_id(1, 0, 7));
    sonyflake_destroy(generator);
}

/* ---- Taking ahead ---- */

static void ahead_reaches_a_tick_that_begins_at_that_very_moment(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(7, 1));
    (void)take(generator, (struct sonyflake_demand){NOON, 0, 256});
    assert_int_equal(take_fails(generator, (struct sonyflake_demand){NOON, 7 * MS - 1, 1},
                                SONYFLAKE_ERR_EXHAUSTED),
                     7 * MS);
    struct taken taken = take(generator, (struct sonyflake_demand){NOON, 7 * MS, 1});
    run_is(&taken, 1001, 0, 1);
    assert_int_equal(taken.wait_ns, 7 * MS);
    sonyflake_destroy(generator);
}

static void a_crowd_queues_tick_behind_tick(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(7, 1));
    for (uint32_t i = 0; i < 100; i++) {
        struct taken taken = take(generator, (struct sonyflake_demand){NOON, HOUR, 300});
        run_is(&taken, 1000 + i, 0, 256);
        assert_int_equal(taken.wait_ns, i == 0 ? 0 : i * TICK - 3 * MS);
    }
    assert_int_equal(wait_time(generator, NOON), 100 * TICK - 3 * MS);
    /* Who comes in the middle of it, without patience, has to let the crowd pass. */
    assert_int_equal(take_fails(generator, (struct sonyflake_demand){NOON + 50 * TICK, 0, 1},
                                SONYFLAKE_ERR_EXHAUSTED),
                     50 * TICK - 3 * MS);
    sonyflake_destroy(generator);
}

static void a_clock_that_goes_back_makes_callers_wait_and_never_repeats_an_id(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(7, 1));
    const int64_t later = NOON + HOUR;
    uint64_t newest = take_id(generator, later);
    int64_t wait_ns =
        take_fails(generator, (struct sonyflake_demand){NOON, 0, 1}, SONYFLAKE_ERR_EXHAUSTED);
    assert_int_equal(wait_ns, HOUR - 3 * MS); /* until the tick of `later` begins */
    assert_int_equal(wait_time(generator, NOON), wait_ns);

    struct taken taken = take(generator, (struct sonyflake_demand){NOON, HOUR, 1});
    run_is(&taken, 361000, 1, 1);
    assert_int_equal(taken.wait_ns, wait_ns);
    assert_true(take_id(generator, later) > newest);
    sonyflake_destroy(generator);
}

/* ---- Both ends of the id space ---- */

static void the_time_must_lie_in_the_id_space(void **state)
{
    (void)state;
    const int64_t end = START + (LAST_TICK + 1) * TICK;
    struct sonyflake_generator *generator = create(stock(7, 1));
    int64_t wait_ns = 77;
    static const int64_t early[] = {INT64_MIN, -1, 0, START - 1};
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
        (void)take_fails(generator, (struct sonyflake_demand){early[i], HOUR, 1},
                         SONYFLAKE_ERR_BEFORE_START);
    (void)take_fails(generator, (struct sonyflake_demand){end, 0, 1},
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(sonyflake_wait_time(generator, START - 1, &wait_ns),
                     SONYFLAKE_ERR_BEFORE_START);
    assert_int_equal(sonyflake_wait_time(generator, end, &wait_ns), SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(wait_ns, 77);
    assert_int_equal(take_id(generator, START), stock_id(0, 0, 7));
    assert_int_equal(take_id(generator, end - 1), stock_id(LAST_TICK, 0, 7));
    sonyflake_destroy(generator);
}

static void last_tick_ends_with(uint32_t machine_id, uint32_t machine_id_count)
{
    const int64_t last = START + LAST_TICK * TICK;
    struct sonyflake_generator *generator = create(stock(machine_id, machine_id_count));
    uint32_t capacity = 256 * machine_id_count;
    (void)take(generator, (struct sonyflake_demand){last, 0, capacity - 1});
    assert_int_equal(take_id(generator, last),
                     stock_id(LAST_TICK, 255, machine_id + machine_id_count - 1));

    int64_t wait_ns = 77;
    (void)take_fails(generator, (struct sonyflake_demand){last, HOUR, 1},
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    (void)take_fails(generator, (struct sonyflake_demand){NOON, INT64_MAX, 1},
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(sonyflake_wait_time(generator, last, &wait_ns), SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(wait_ns, 77);
    sonyflake_destroy(generator);
}

static void the_last_tick_is_used_to_its_last_id_and_then_there_is_none(void **state)
{
    (void)state;
    last_tick_ends_with(0, 1);
    last_tick_ends_with(65535, 1);
    last_tick_ends_with(64, 64);
    last_tick_ends_with(0, 65536); /* ends with 2^63 - 1 */
}

/* ---- Floor ---- */

/* The smallest id above the floor that the range can issue: found by trying one after another. */
static uint64_t next_id_above(const struct sonyflake_options *options)
{
    const uint64_t machine_ids = UINT64_C(1) << options->layout.machine_id_bits;
    uint64_t id = options->floor == 0 ? 0 : options->floor + 1;
    while (id % machine_ids < options->machine_id ||
           id % machine_ids >= options->machine_id + options->machine_id_count)
        id++;
    return id;
}

static void first_id_is_right(const struct sonyflake_options *options)
{
    struct sonyflake_generator *generator = create(*options);
    struct taken taken = take(generator, (struct sonyflake_demand){START, HOUR, 1});
    uint64_t id;
    assert_int_equal(sonyflake_run_ids(generator, &taken.run, &id, 1), 1);
    assert_int_equal(id, next_id_above(options));
    sonyflake_destroy(generator);
}

static void the_first_id_is_the_smallest_above_any_floor(void **state)
{
    (void)state;
    struct sonyflake_options options = {.layout = {START, MS, 2, 3}}; /* 32 ids per tick */
    for (options.machine_id = 0; options.machine_id < 8; options.machine_id++) {
        uint32_t count_max = 8 - options.machine_id;
        for (uint32_t count = 1; count <= count_max; count++) {
            options.machine_id_count = count;
            for (options.floor = 0; options.floor < 100; options.floor++)
                first_id_is_right(&options);
        }
    }
}

static void a_floor_in_the_present_tick_leaves_the_rest_of_it(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(7, 1);
    options.floor = stock_id(1000, 41, 7);
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, NOON), stock_id(1000, 42, 7));
    sonyflake_destroy(generator);

    options.floor = stock_id(1000, 255, 7);
    generator = create(options);
    assert_int_equal(wait_time(generator, NOON), 7 * MS);
    sonyflake_destroy(generator);
}

static void a_floor_in_the_past_changes_nothing(void **state)
{
    (void)state;
    struct sonyflake_options options = stock(7, 1);
    options.floor = stock_id(999, 255, 65535);
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(take_id(generator, NOON), stock_id(1000, 0, 7));
    sonyflake_destroy(generator);
}

static void a_floor_in_the_last_tick_may_leave_nothing(void **state)
{
    (void)state;
    const struct {
        uint64_t floor;
        uint64_t first; /* 0: none is left */
    } cases[] = {
        {stock_id(LAST_TICK, 254, 65535), stock_id(LAST_TICK, 255, 7)},
        {stock_id(LAST_TICK, 255, 6), stock_id(LAST_TICK, 255, 7)},
        {stock_id(LAST_TICK, 255, 7), 0},
        {SONYFLAKE_ID_MAX, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sonyflake_options options = stock(7, 1);
        options.floor = cases[i].floor;
        struct sonyflake_generator *generator = create(options);
        const struct sonyflake_demand demand = {START + LAST_TICK * TICK, 0, 1};
        if (cases[i].first == 0)
            (void)take_fails(generator, demand, SONYFLAKE_ERR_OVER_TIME_LIMIT);
        else
            assert_int_equal(take_id(generator, demand.now_ns), cases[i].first);
        sonyflake_destroy(generator);
    }

    struct sonyflake_options everything = stock(0, 65536);
    everything.floor = SONYFLAKE_ID_MAX;
    struct sonyflake_generator *generator = create(everything);
    (void)take_fails(generator, (struct sonyflake_demand){NOON, INT64_MAX, 1},
                     SONYFLAKE_ERR_OVER_TIME_LIMIT);
    sonyflake_destroy(generator);
}

static void a_floor_past_2262_is_a_wait_without_end(void **state)
{
    (void)state;
    struct sonyflake_options options = {
        .layout = {START, 1000 * MS, 8, 16},
        .machine_id_count = 1,
        .floor = SONYFLAKE_ID_MAX - (UINT64_C(1) << 24), /* its tick is in the year 19435 */
    };
    struct sonyflake_generator *generator = create(options);
    assert_int_equal(wait_time(generator, START), INT64_MAX);
    sonyflake_destroy(generator);
}

/* ---- Arguments ---- */

static void demands_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create(stock(7, 1));
    const struct sonyflake_demand demand = {NOON, 0, 1};
    struct sonyflake_run run;
    int64_t wait_ns;
    assert_int_equal(sonyflake_take(NULL, &demand, &run, &wait_ns, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_take(generator, NULL, &run, &wait_ns, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_take(generator, &demand, NULL, &wait_ns, NULL),
                     SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_take(generator, &demand, &run, NULL, NULL), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_wait_time(NULL, NOON, &wait_ns), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_wait_time(generator, NOON, NULL), SONYFLAKE_ERR_ARGUMENT);
    (void)take_fails(generator, (struct sonyflake_demand){NOON, 0, 0}, SONYFLAKE_ERR_ARGUMENT);
    (void)take_fails(generator, (struct sonyflake_demand){NOON, -1, 1}, SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(take_id(generator, NOON), stock_id(1000, 0, 7)); /* nothing was taken */
    sonyflake_destroy(generator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_named),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(destroying_nothing_does_nothing),
        cmocka_unit_test(one_machine_id_counts_its_sequence_from_0_in_every_tick),
        cmocka_unit_test(a_tick_that_is_used_up_says_exactly_when_to_come_back),
        cmocka_unit_test(a_demand_gets_no_more_than_the_rest_of_the_tick),
        cmocka_unit_test(a_range_issues_each_sequence_of_every_machine_id_in_turn),
        cmocka_unit_test(all_65536_machine_ids_fill_the_tick_to_its_last_id),
        cmocka_unit_test(without_bits_of_sequence_a_machine_id_has_one_id_per_tick),
        cmocka_unit_test(without_bits_of_machine_id_there_is_one_machine),
        cmocka_unit_test(without_either_an_id_is_its_tick),
        cmocka_unit_test(a_tick_can_hold_2_to_the_31_ids),
        cmocka_unit_test(a_start_time_inside_a_tick_moves_no_tick),
        cmocka_unit_test(ahead_reaches_a_tick_that_begins_at_that_very_moment),
        cmocka_unit_test(a_crowd_queues_tick_behind_tick),
        cmocka_unit_test(a_clock_that_goes_back_makes_callers_wait_and_never_repeats_an_id),
        cmocka_unit_test(the_time_must_lie_in_the_id_space),
        cmocka_unit_test(the_last_tick_is_used_to_its_last_id_and_then_there_is_none),
        cmocka_unit_test(the_first_id_is_the_smallest_above_any_floor),
        cmocka_unit_test(a_floor_in_the_present_tick_leaves_the_rest_of_it),
        cmocka_unit_test(a_floor_in_the_past_changes_nothing),
        cmocka_unit_test(a_floor_in_the_last_tick_may_leave_nothing),
        cmocka_unit_test(a_floor_past_2262_is_a_wait_without_end),
        cmocka_unit_test(demands_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
