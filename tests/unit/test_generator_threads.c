/*
 * test_generator_threads.c: four threads on one generator; no id twice, each thread's ids in
 * increasing order.
 *
 * Every id sets its own bit in a map of all ids that the test can see: a bit that is set already
 * is a duplicate, wherever and whenever the other one was issued.  The clock is a number that the
 * threads move: on when a tick is used up, sometimes for no reason, and back.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sonyflake.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_THREAD_SANITIZER 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_THREAD_SANITIZER 1
#endif

#ifdef UNDER_THREAD_SANITIZER
#define IDS_TOTAL 4000000 /* it is some twenty times slower */
#else
#define IDS_TOTAL 20000000
#endif

#define THREADS 4
#define IDS_PER_THREAD (IDS_TOTAL / THREADS)
#define MAP_BITS (UINT64_C(3) * IDS_TOTAL) /* ticks are left behind before they are used up */
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define FIRST_TICK UINT64_C(1000)
#define FIRST_NS (SONYFLAKE_START_TIME_NS + (int64_t)FIRST_TICK * SONYFLAKE_TIME_UNIT_NS)

struct scenario {
    uint32_t machine_id;
    uint32_t machine_id_count;
    bool clock_stands_still;
};

/* What the threads share.  The generator is what is under test; the rest is atomic. */
struct arena {
    const struct scenario *scenario;
    struct sonyflake_generator *generator;
    _Atomic int64_t now_ns;
    _Atomic uint64_t *map; /* one bit per id, from FIRST_TICK on */
};

struct worker {
    struct arena *arena;
    uint64_t random;  /* state; not 0 */
    uint64_t last_id; /* the newest of this thread */
    uint32_t issued;
    /* What went wrong: counted, since cmocka's assertions are for the main thread alone. */
    uint32_t duplicates;
    uint32_t out_of_order;
    uint32_t out_of_range;
    uint32_t failures;
};

/* xorshift64 */
static uint64_t random_below(struct worker *worker, uint64_t limit)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random % limit;
}

static void move_clock_to(struct arena *arena, int64_t time_ns)
{
    int64_t now_ns = atomic_load(&arena->now_ns);
    while (time_ns > now_ns && !atomic_compare_exchange_weak(&arena->now_ns, &now_ns, time_ns))
        ;
}

static struct sonyflake_demand random_demand(struct worker *worker)
{
    static const int64_t aheads_ns[] = {0, 0, 5 * MS, 10 * MS, SECOND};
    static const uint32_t counts_max[] = {1, 1, 10, 300, 3000};
    struct arena *arena = worker->arena;
    uint32_t left = IDS_PER_THREAD - worker->issued;
    uint32_t count = 1 + (uint32_t)random_below(worker, counts_max[random_below(worker, 5)]);
    struct sonyflake_demand demand = {
        .now_ns = atomic_load(&arena->now_ns),
        .ahead_ns = aheads_ns[random_below(worker, 5)],
        .count = count < left ? count : left,
    };
    if (arena->scenario->clock_stands_still)
        demand.ahead_ns = INT64_MAX;
    else if (random_below(worker, 256) == 0)
        move_clock_to(arena, demand.now_ns + (int64_t)random_below(worker, 3 * MS));
    else if (random_below(worker, 16) == 0)
        demand.now_ns -= (int64_t)random_below(worker, 50 * MS); /* this thread's clock is late */
    return demand;
}

/* Where the id's bit is; MAP_BITS or more if it has none. */
static uint64_t bit_of(const struct scenario *scenario, uint64_t id)
{
    uint64_t machine = (id & 0xFFFF) - scenario->machine_id; /* huge if below the range */
    if (machine >= scenario->machine_id_count || id >> 24 < FIRST_TICK)
        return MAP_BITS;
    return ((id >> 16) - (FIRST_TICK << 8)) * scenario->machine_id_count + machine;
}

static void check_id(struct worker *worker, uint64_t id)
{
    uint64_t bit = bit_of(worker->arena->scenario, id);
    if (bit >= MAP_BITS) {
        worker->out_of_range++;
        return;
    }
    uint64_t mask = UINT64_C(1) << bit % 64;
    uint64_t before =
        atomic_fetch_or_explicit(&worker->arena->map[bit / 64], mask, memory_order_relaxed);
    worker->duplicates += (before & mask) != 0;
    worker->out_of_order += id <= worker->last_id;
    worker->last_id = id;
}

static void check_run(struct worker *worker, struct sonyflake_run run)
{
    uint64_t ids[100];
    while (run.count > 0) {
        size_t count = sonyflake_run_ids(worker->arena->generator, &run, ids, 100);
        for (size_t i = 0; i < count; i++)
            check_id(worker, ids[i]);
        worker->issued += (uint32_t)count;
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct arena *arena = worker->arena;
    while (worker->issued < IDS_PER_THREAD && worker->failures == 0) {
        struct sonyflake_demand demand = random_demand(worker);
        struct sonyflake_run run;
        int64_t wait_ns = 0;
        enum sonyflake_status status =
            sonyflake_take(arena->generator, &demand, &run, &wait_ns, &wait_ns);
        if (status == SONYFLAKE_OK) {
            worker->failures += run.count == 0 || run.count > demand.count;
            worker->failures += wait_ns < 0 || wait_ns > demand.ahead_ns;
            check_run(worker, run);
        } else {
            worker->failures += status != SONYFLAKE_ERR_EXHAUSTED || wait_ns <= demand.ahead_ns;
            move_clock_to(arena, demand.now_ns + wait_ns);
        }
    }
    return NULL;
}

static void run_threads(struct arena *arena)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.arena = arena, .random = 0x9E3779B97F4A7C15 + i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].failures, 0);
        assert_int_equal(workers[i].duplicates, 0);
        assert_int_equal(workers[i].out_of_order, 0);
        assert_int_equal(workers[i].out_of_range, 0);
        assert_int_equal(workers[i].issued, IDS_PER_THREAD);
    }
}

static void check_scenario(const struct scenario *scenario)
{
    const struct sonyflake_options options = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .machine_id = scenario->machine_id,
        .machine_id_count = scenario->machine_id_count,
        .floor = (FIRST_TICK << 24) - 1, /* threads whose clock is late stay inside the map */
    };
    struct arena arena = {.scenario = scenario, .now_ns = FIRST_NS};
    assert_int_equal(sonyflake_create(&options, &arena.generator), SONYFLAKE_OK);
    arena.map = calloc(MAP_BITS / 64 + 1, sizeof(*arena.map));
    assert_non_null(arena.map);

    run_threads(&arena);

    /* Nobody moved the clock on, so not one id may be missing from the first to the last. */
    for (uint64_t bit = 0; scenario->clock_stands_still && bit < IDS_TOTAL; bit++)
        assert_true(arena.map[bit / 64] >> bit % 64 & 1);
    free(arena.map);
    sonyflake_destroy(arena.generator);
}

static void one_machine_id_gives_no_id_twice(void **state)
{
    (void)state;
    check_scenario(&(struct scenario){.machine_id = 65535, .machine_id_count = 1});
}

static void three_machine_ids_give_no_id_twice(void **state)
{
    (void)state;
    check_scenario(&(struct scenario){.machine_id = 7, .machine_id_count = 3});
}

static void sixty_four_machine_ids_give_no_id_twice(void **state)
{
    (void)state;
    check_scenario(&(struct scenario){.machine_id = 64, .machine_id_count = 64});
}

static void no_id_is_lost_while_the_clock_stands_still(void **state)
{
    (void)state;
    check_scenario(
        &(struct scenario){.machine_id = 0, .machine_id_count = 3, .clock_stands_still = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_machine_id_gives_no_id_twice),
        cmocka_unit_test(three_machine_ids_give_no_id_twice),
        cmocka_unit_test(sixty_four_machine_ids_give_no_id_twice),
        cmocka_unit_test(no_id_is_lost_while_the_clock_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
