/*
 * test_mark.c: where the mark is put, and that crashes do not make ids run away from the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timestamp.h"
#include "server/store/mark.h"
#include "tests/unit/random.h"

#define TICK_NS (10 * NS_PER_MS)
#define NOON_NS (INT64_C(1700000000) * NS_PER_S)

static const struct mark_policy policy = {.window_ns = 2 * NS_PER_S, .tick_ns = TICK_NS};

/* Now, with the ids lead_ns ahead. */
static struct id_time at(int64_t source_ns, int64_t lead_ns)
{
    return (struct id_time){.source_ns = source_ns,
                            .line_ns = source_ns + lead_ns,
                            .lead_max_ns = 10 * NS_PER_S,
                            .limit_ns = INT64_MAX};
}

static void without_a_lead_it_is_one_window_ahead_and_moved_at_half_of_it(void **state)
{
    (void)state;
    struct id_time now = at(NOON_NS, 0);
    int64_t mark_ns = mark_target(&policy, &now, 0);
    assert_int_equal(mark_ns, NOON_NS + 2 * NS_PER_S);
    assert_int_equal(mark_refill(&policy, &now, 0, mark_ns), NOON_NS + NS_PER_S);
}

static void it_is_at_the_beginning_of_a_tick_and_never_further_than_the_window(void **state)
{
    (void)state;
    for (int64_t ns = 1; ns < TICK_NS; ns += 12345) {
        struct id_time now = at(NOON_NS + ns, 0);
        int64_t mark_ns = mark_target(&policy, &now, 0);
        assert_int_equal(mark_ns % TICK_NS, 0);
        assert_true(mark_ns <= now.source_ns + policy.window_ns);
        assert_true(mark_ns > now.source_ns + policy.window_ns - TICK_NS);
    }
}

static void with_a_lead_it_is_a_step_ahead_of_the_ids_that_grows_with_age(void **state)
{
    (void)state;
    struct id_time now = at(NOON_NS, 5 * NS_PER_S);
    const int64_t ids_ns = NOON_NS + 5 * NS_PER_S;
    assert_int_equal(mark_target(&policy, &now, 0), ids_ns + TICK_NS);
    assert_int_equal(mark_target(&policy, &now, 200 * NS_PER_MS), ids_ns + 100 * NS_PER_MS);
    assert_int_equal(mark_target(&policy, &now, 3600 * NS_PER_S), ids_ns + 500 * NS_PER_MS);
}

static void the_tick_at_hand_is_always_below_it(void **state)
{
    (void)state;
    for (int64_t lead_ns = 0; lead_ns < 3 * NS_PER_S; lead_ns += 1234567) {
        struct id_time now = at(NOON_NS + 777, lead_ns);
        int64_t mark_ns = mark_target(&policy, &now, 0);
        assert_true(id_time_logical(&now) < mark_ns);
        assert_true(mark_refill(&policy, &now, 0, mark_ns) > id_time_logical(&now));
    }
}

/* One life: from its first mark to the crash that leaves its last one.  Returns that. */
static int64_t live(int64_t *source_ns, int64_t begin_ns, int64_t life_ns)
{
    int64_t line_ns = begin_ns > *source_ns ? begin_ns : *source_ns;
    int64_t mark_ns = 0;
    int64_t refill_ns = INT64_MIN;
    for (int64_t age_ns = 0; age_ns <= life_ns; age_ns += NS_PER_MS) {
        struct id_time now = at(*source_ns, line_ns - *source_ns);
        if (id_time_logical(&now) >= refill_ns) {
            int64_t target_ns = mark_target(&policy, &now, age_ns);
            mark_ns = target_ns > mark_ns ? target_ns : mark_ns;
            refill_ns = mark_refill(&policy, &now, age_ns, mark_ns);
        }
        *source_ns += NS_PER_MS;
        line_ns += NS_PER_MS / 2;
        line_ns = line_ns > *source_ns ? line_ns : *source_ns;
    }
    return mark_ns;
}

static void however_often_it_crashes_ids_do_not_run_away_from_the_clock(void **state)
{
    (void)state;
    struct random random = {5};
    int64_t source_ns = NOON_NS;
    int64_t mark_ns = 0;
    for (int life = 0; life < 5000; life++) {
        int64_t life_ns = (int64_t)random_below(&random, life % 2 == 0 ? 50 : 400) * NS_PER_MS;
        mark_ns = live(&source_ns, mark_ns, life_ns);
        source_ns += 10 * NS_PER_MS; /* no process ends and starts faster */
        assert_true(mark_ns - source_ns <= policy.window_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_lead_it_is_one_window_ahead_and_moved_at_half_of_it),
        cmocka_unit_test(it_is_at_the_beginning_of_a_tick_and_never_further_than_the_window),
        cmocka_unit_test(with_a_lead_it_is_a_step_ahead_of_the_ids_that_grows_with_age),
        cmocka_unit_test(the_tick_at_hand_is_always_below_it),
        cmocka_unit_test(however_often_it_crashes_ids_do_not_run_away_from_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
