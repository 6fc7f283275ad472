/*
 * test_rate_limit.c: buckets of tokens.
 * Method: the test owns the time; threads that take from one bucket at one moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "common/timestamp.h"
#include "server/access/rate_limit.h"

#define START_NS (1000 * NS_PER_S)

static struct rate_limit limit;

static int64_t wait_for(uint64_t key, uint64_t tokens, int64_t now_ns)
{
    int64_t wait_ns;
    return rate_limit_take(&limit, key, tokens, now_ns, &wait_ns) ? 0 : wait_ns;
}

static unsigned take_all(uint64_t key, int64_t now_ns)
{
    unsigned count = 0;
    while (wait_for(key, 1, now_ns) == 0)
        count++;
    return count;
}

static void a_client_gets_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 100, 20), 0);
    assert_int_equal(take_all(7, START_NS), 20);
    assert_int_equal(take_all(8, START_NS), 20);
    assert_true(wait_for(7, 1, START_NS) == 10 * NS_PER_MS);
    assert_true(wait_for(7, 1, START_NS + 9 * NS_PER_MS) == 1 * NS_PER_MS);
    assert_int_equal(wait_for(7, 1, START_NS + 10 * NS_PER_MS), 0);
    assert_int_equal(take_all(7, START_NS + NS_PER_S), 20);
    unsigned count = 0;
    for (int64_t ms = 1; ms <= 1000; ms++)
        count += take_all(7, START_NS + NS_PER_S + ms * NS_PER_MS);
    assert_int_equal(count, 100);
    rate_limit_destroy(&limit);
}

static void what_is_refused_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 10, 10), 0);
    assert_int_equal(wait_for(7, 6, START_NS), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_true(wait_for(7, 5, START_NS) == 100 * NS_PER_MS);
    assert_int_equal(wait_for(7, 4, START_NS), 0);
    rate_limit_destroy(&limit);
}

static void a_batch_beyond_the_burst_takes_a_full_bucket_and_is_paid_off(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 10, 10), 0);
    assert_int_equal(wait_for(7, 100, START_NS), 0);
    assert_true(wait_for(7, 1, START_NS) == 9 * NS_PER_S + 100 * NS_PER_MS);
    assert_true(wait_for(7, 100, START_NS) == 10 * NS_PER_S);
    assert_int_equal(wait_for(7, 1, START_NS + 9 * NS_PER_S + 100 * NS_PER_MS), 0);
    assert_int_not_equal(wait_for(7, 100, START_NS + 10 * NS_PER_S), 0);
    assert_int_equal(wait_for(7, 100, START_NS + 10 * NS_PER_S + 100 * NS_PER_MS), 0);
    rate_limit_destroy(&limit);
}

static void a_stale_reading_of_the_clock_gives_nothing_away(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 10, 10), 0);
    assert_int_equal(take_all(7, START_NS), 10);
    assert_int_equal(take_all(7, START_NS - NS_PER_S), 0);
    assert_int_equal(take_all(7, START_NS), 0);
    rate_limit_destroy(&limit);
}

static void of_too_many_clients_the_one_who_used_least_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 10, 10), 0);
    const uint64_t next = RATE_LIMIT_SETS; /* the same set */
    for (uint64_t i = 0; i < RATE_LIMIT_WAYS; i++)
        assert_int_equal(wait_for(7 + i * next, i == 2 ? 3 : 8, START_NS), 0);
    assert_int_equal(take_all(7 + 99 * next, START_NS), 10); /* takes the third's place */
    assert_int_equal(take_all(7, START_NS), 2);
    assert_int_equal(take_all(7 + next, START_NS), 2);
    assert_int_equal(take_all(7 + 3 * next, START_NS), 2);
    rate_limit_destroy(&limit);
}

static void the_extremes_are_exact(void **state)
{
    (void)state;
    assert_int_equal(rate_limit_create(&limit, 1, RATE_LIMIT_TOKENS_MAX), 0);
    assert_int_equal(wait_for(UINT64_MAX, RATE_LIMIT_TOKENS_MAX, START_NS), 0);
    assert_true(wait_for(UINT64_MAX, 1, START_NS) == NS_PER_S);
    rate_limit_destroy(&limit);
    assert_int_equal(rate_limit_create(&limit, RATE_LIMIT_TOKENS_MAX, 1), 0);
    assert_int_equal(take_all(1, START_NS), 1);
    assert_int_equal(take_all(1, START_NS + 999), 0);
    assert_int_equal(take_all(1, START_NS + 1000), 1);
    rate_limit_destroy(&limit);
}

/* ---- Threads -------------------------------------------------------------------------------- */

static void *take_in_a_thread(void *argument)
{
    uint32_t *taken = argument;
    *taken = take_all(7, START_NS);
    return NULL;
}

static void threads_together_get_one_burst(void **state)
{
    (void)state;
    uint32_t taken[4];
    uint32_t sum = 1;
    pthread_t threads[4];
    assert_int_equal(rate_limit_create(&limit, 1000, 100000), 0);
    assert_int_equal(wait_for(7, 1, START_NS), 0); /* the place is its own */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_in_a_thread, &taken[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += taken[i];
    }
    assert_int_equal(sum, 100000);
    rate_limit_destroy(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_its_burst_and_then_its_rate),
        cmocka_unit_test(what_is_refused_costs_nothing),
        cmocka_unit_test(a_batch_beyond_the_burst_takes_a_full_bucket_and_is_paid_off),
        cmocka_unit_test(a_stale_reading_of_the_clock_gives_nothing_away),
        cmocka_unit_test(of_too_many_clients_the_one_who_used_least_is_forgotten),
        cmocka_unit_test(the_extremes_are_exact),
        cmocka_unit_test(threads_together_get_one_burst),
    };
    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
