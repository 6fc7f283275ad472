/*
 * test_next_id.c: the blocking call, under a clock that the test owns.
 *
 * The linker sends the library's clock_gettime() and clock_nanosleep() here, so that hours of
 * sleep take no time and the clock goes back when a test says so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sonyflake.h"

#define HOUR INT64_C(3600000000000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define TICK SONYFLAKE_TIME_UNIT_NS
#define START SONYFLAKE_START_TIME_NS
#define NOON (START + INT64_C(1000) * TICK + 3 * MS) /* 3 ms into tick 1000 */

/* ---- The clock ---- */

static struct {
    bool real;              /* hand everything on to the C library */
    int64_t now_ns;         /* what the clock shows */
    unsigned sleeps;        /* calls of clock_nanosleep() */
    int64_t slept_until_ns; /* what the last of them asked for */
    unsigned interrupts;    /* so many sleeps from now on end at once, with EINTR */
    int64_t put_right_ns;   /* if not 0, somebody sets the clock to this during the next sleep */
} fake;

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                           struct timespec *ret_rest);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                           struct timespec *ret_rest);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    /* The sanitizers' run time is linked in too, and asks for other clocks. */
    if (fake.real || clock != CLOCK_REALTIME)
        return __real_clock_gettime(clock, ret_time);
    bool before_1970 = fake.now_ns < 0; /* the kernel rounds down and keeps tv_nsec >= 0 */
    ret_time->tv_sec = (time_t)((fake.now_ns + before_1970) / SECOND - before_1970);
    ret_time->tv_nsec = (long)(fake.now_ns - (int64_t)ret_time->tv_sec * SECOND);
    return 0;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                           struct timespec *ret_rest)
{
    if (fake.real)
        return __real_clock_nanosleep(clock, flags, until, ret_rest);
    assert_int_equal(clock, CLOCK_REALTIME);
    assert_int_equal(flags, TIMER_ABSTIME);
    fake.sleeps++;
    fake.slept_until_ns = (int64_t)until->tv_sec * SECOND + until->tv_nsec;
    if (fake.interrupts > 0) {
        fake.interrupts--;
        return EINTR;
    }
    /* A sleeper that would wait for a moment that has passed would spin. */
    assert_true(fake.slept_until_ns > fake.now_ns);
    fake.now_ns = fake.put_right_ns != 0 ? fake.put_right_ns : fake.slept_until_ns;
    fake.put_right_ns = 0;
    return 0;
}

/* ---- Helpers ---- */

static struct sonyflake_generator *create_with(struct sonyflake_layout layout, int64_t now_ns)
{
    const struct sonyflake_options options = {
        .layout = layout,
        .machine_id = 7,
        .machine_id_count = 1,
    };
    struct sonyflake_generator *generator;
    assert_int_equal(sonyflake_create(&options, &generator), SONYFLAKE_OK);
    memset(&fake, 0, sizeof(fake));
    fake.now_ns = now_ns;
    return generator;
}

static struct sonyflake_generator *create_at(int64_t now_ns)
{
    return create_with((struct sonyflake_layout)SONYFLAKE_LAYOUT_DEFAULT, now_ns);
}

static uint64_t next_id(struct sonyflake_generator *generator)
{
    uint64_t id;
    assert_int_equal(sonyflake_next_id(generator, &id), SONYFLAKE_OK);
    return id;
}

static uint64_t stock_id(uint64_t tick, uint64_t sequence)
{
    return tick << 24 | sequence << 16 | 7;
}

/* Takes what is left of a tick, from a sequence on. */
static void use_up(struct sonyflake_generator *generator, uint64_t tick, uint64_t sequence)
{
    for (; sequence < 256; sequence++)
        assert_int_equal(next_id(generator), stock_id(tick, sequence));
}

/* ---- Tests ---- */

static void ids_of_the_present_tick_come_at_once(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    use_up(generator, 1000, 0);
    assert_int_equal(fake.sleeps, 0);
    sonyflake_destroy(generator);
}

static void a_used_up_tick_is_slept_off_to_the_very_start_of_the_next(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    use_up(generator, 1000, 0);
    use_up(generator, 1001, 0);
    assert_int_equal(fake.sleeps, 1);
    assert_int_equal(fake.slept_until_ns, START + 1001 * TICK);
    sonyflake_destroy(generator);
}

static void signals_do_not_end_the_sleep(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    use_up(generator, 1000, 0);
    fake.interrupts = 5;
    assert_int_equal(next_id(generator), stock_id(1001, 0));
    assert_int_equal(fake.sleeps, 6);
    assert_int_equal(fake.slept_until_ns, START + 1001 * TICK);
    sonyflake_destroy(generator);
}

static void after_the_clock_went_back_the_last_tick_is_used_up_before_sleeping(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    assert_int_equal(next_id(generator), stock_id(1000, 0));
    fake.now_ns = NOON - 5 * TICK;
    use_up(generator, 1000, 1);
    assert_int_equal(fake.sleeps, 0);
    assert_int_equal(next_id(generator), stock_id(1001, 0));
    assert_int_equal(fake.sleeps, 1);
    assert_int_equal(fake.slept_until_ns, START + 1001 * TICK);
    sonyflake_destroy(generator);
}

static void a_clock_that_went_back_within_its_tick_changes_nothing(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    assert_int_equal(next_id(generator), stock_id(1000, 0));
    fake.now_ns = NOON - 2 * MS;
    use_up(generator, 1000, 1);
    assert_int_equal(next_id(generator), stock_id(1001, 0));
    assert_int_equal(fake.slept_until_ns, START + 1001 * TICK);
    sonyflake_destroy(generator);
}

static void the_clock_is_followed_from_tick_to_tick(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(START);
    for (uint64_t tick = 0; tick < 5; tick++) { /* its first and its last nanosecond */
        fake.now_ns = START + (int64_t)tick * TICK;
        assert_int_equal(next_id(generator), stock_id(tick, 0));
        fake.now_ns += TICK - 1;
        assert_int_equal(next_id(generator), stock_id(tick, 1));
    }
    assert_int_equal(fake.sleeps, 0);
    sonyflake_destroy(generator);
}

static void a_clock_that_went_back_before_the_start_time_is_no_error(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    assert_int_equal(next_id(generator), stock_id(1000, 0));
    fake.now_ns = 0;
    use_up(generator, 1000, 1);
    assert_int_equal(next_id(generator), stock_id(1001, 0));
    sonyflake_destroy(generator);
}

static void a_clock_that_is_put_right_during_the_sleep_is_believed(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    use_up(generator, 1000, 0);
    fake.now_ns = NOON - 10 * TICK;
    fake.put_right_ns = NOON + HOUR;
    assert_int_equal(next_id(generator), stock_id(361000, 0));
    assert_int_equal(fake.sleeps, 1);
    sonyflake_destroy(generator);
}

static void a_clock_that_goes_back_again_during_the_sleep_is_slept_off_too(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    use_up(generator, 1000, 0);
    fake.put_right_ns = NOON - HOUR;
    assert_int_equal(next_id(generator), stock_id(1001, 0));
    assert_int_equal(fake.sleeps, 2);
    assert_int_equal(fake.now_ns, START + 1001 * TICK);
    sonyflake_destroy(generator);
}

static void ids_that_others_took_ahead_are_waited_for(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(NOON);
    struct sonyflake_run run;
    int64_t wait_ns;
    for (int i = 0; i < 3; i++) {
        const struct sonyflake_demand demand = {NOON, HOUR, 256};
        assert_int_equal(sonyflake_take(generator, &demand, &run, &wait_ns, NULL), SONYFLAKE_OK);
    }
    assert_int_equal(next_id(generator), stock_id(1003, 0));
    assert_int_equal(fake.slept_until_ns, START + 1003 * TICK);
    sonyflake_destroy(generator);
}

static void a_time_outside_the_id_space_is_an_error(void **state)
{
    (void)state;
    uint64_t id = 77;
    struct sonyflake_generator *generator = create_at(START - 1);
    assert_int_equal(sonyflake_next_id(generator, &id), SONYFLAKE_ERR_BEFORE_START);
    fake.now_ns = START + (INT64_C(1) << 39) * TICK;
    assert_int_equal(sonyflake_next_id(generator, &id), SONYFLAKE_ERR_OVER_TIME_LIMIT);
    assert_int_equal(id, 77);
    assert_int_equal(fake.sleeps, 0);
    sonyflake_destroy(generator);
}

static void a_clock_before_1970_is_before_every_start_time(void **state)
{
    (void)state;
    uint64_t id = 77;
    struct sonyflake_generator *generator =
        create_with((struct sonyflake_layout){0, TICK, 8, 16}, -1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sonyflake_next_id(generator, &id), SONYFLAKE_ERR_BEFORE_START);
    assert_int_equal(id, 77);
    fake.now_ns = 0;
    assert_int_equal(next_id(generator), 7);
    sonyflake_destroy(generator);
}

static void null_pointers_are_refused(void **state)
{
    (void)state;
    uint64_t id;
    struct sonyflake_generator *generator = create_at(NOON);
    assert_int_equal(sonyflake_next_id(NULL, &id), SONYFLAKE_ERR_ARGUMENT);
    assert_int_equal(sonyflake_next_id(generator, NULL), SONYFLAKE_ERR_ARGUMENT);
    sonyflake_destroy(generator);
}

/* The one test with the real clock: that the library and the kernel mean the same by a time. */
static void the_real_clock_gives_ids_of_the_present(void **state)
{
    (void)state;
    struct sonyflake_generator *generator = create_at(0);
    fake.real = true;
    struct timespec before, after;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &before), 0);
    uint64_t first_id = next_id(generator);
    uint64_t last_id = first_id;
    for (int i = 0; i < 600; i++) { /* more than two ticks hold: it must sleep */
        uint64_t id = next_id(generator);
        assert_true(id > last_id);
        last_id = id;
    }
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &after), 0);

    static const struct sonyflake_layout layout = SONYFLAKE_LAYOUT_DEFAULT;
    int64_t first_ns, last_ns;
    assert_int_equal(sonyflake_id_time(&layout, first_id, &first_ns), SONYFLAKE_OK);
    assert_int_equal(sonyflake_id_time(&layout, last_id, &last_ns), SONYFLAKE_OK);
    assert_true(first_ns > (int64_t)before.tv_sec * SECOND + before.tv_nsec - TICK);
    assert_true(last_ns <= (int64_t)after.tv_sec * SECOND + after.tv_nsec);
    sonyflake_destroy(generator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_the_present_tick_come_at_once),
        cmocka_unit_test(a_used_up_tick_is_slept_off_to_the_very_start_of_the_next),
        cmocka_unit_test(signals_do_not_end_the_sleep),
        cmocka_unit_test(after_the_clock_went_back_the_last_tick_is_used_up_before_sleeping),
        cmocka_unit_test(a_clock_that_went_back_within_its_tick_changes_nothing),
        cmocka_unit_test(the_clock_is_followed_from_tick_to_tick),
        cmocka_unit_test(a_clock_that_went_back_before_the_start_time_is_no_error),
        cmocka_unit_test(a_clock_that_is_put_right_during_the_sleep_is_believed),
        cmocka_unit_test(a_clock_that_goes_back_again_during_the_sleep_is_slept_off_too),
        cmocka_unit_test(ids_that_others_took_ahead_are_waited_for),
        cmocka_unit_test(a_time_outside_the_id_space_is_an_error),
        cmocka_unit_test(a_clock_before_1970_is_before_every_start_time),
        cmocka_unit_test(null_pointers_are_refused),
        cmocka_unit_test(the_real_clock_gives_ids_of_the_present),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
