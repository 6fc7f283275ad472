/*
 * test_ntp_poll.c: when a server is asked, and which of its answers counts.
 * Method: a schedule of round numbers; the tests own clock and random numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "common/timestamp.h"
#include "server/clock/ntp_poll.h"
#include "tests/unit/random.h"

#define START_NS (5000 * NS_PER_S)
#define OFFSET_NS INT64_C(1700000000000000000)

static const struct ntp_schedule *schedule(void)
{
    static struct ntp_schedule the;
    the = NTP_SCHEDULE_DEFAULT;
    return &the;
}

static struct ntp_poll started(void)
{
    struct ntp_poll poll;
    ntp_poll_init(&poll, schedule(), START_NS, 0);
    return poll;
}

static struct ntp_sample sample_at(int64_t boot_ns, int64_t offset_ns, int64_t delay_ns)
{
    return (struct ntp_sample){.boot_ns = boot_ns,
                               .offset_ns = offset_ns,
                               .delay_ns = delay_ns,
                               .error_ns = delay_ns / 2 + NS_PER_MS,
                               .stratum = 2};
}

/* An answer to the request that is due; returns how long until the next one. */
static int64_t answer_with(struct ntp_poll *poll, int64_t offset_ns, int64_t delay_ns)
{
    int64_t now_ns = poll->next_ns;
    struct ntp_sample sample = sample_at(now_ns, offset_ns, delay_ns);
    ntp_poll_on_sample(poll, schedule(), now_ns, &sample, 0);
    return poll->next_ns - now_ns;
}

static int64_t answer(struct ntp_poll *poll)
{
    return answer_with(poll, OFFSET_NS, 10 * NS_PER_MS);
}

static int64_t miss(struct ntp_poll *poll)
{
    int64_t now_ns = poll->next_ns;
    ntp_poll_on_miss(poll, schedule(), now_ns, 0);
    return poll->next_ns - now_ns;
}

static int64_t refuse(struct ntp_poll *poll, enum ntp_verdict verdict)
{
    int64_t now_ns = poll->next_ns;
    ntp_poll_on_refusal(poll, schedule(), now_ns, verdict, 0);
    return poll->next_ns == INT64_MAX ? INT64_MAX : poll->next_ns - now_ns;
}

/* Answers until the interval is at its longest. */
static struct ntp_poll settled(void)
{
    struct ntp_poll poll = started();
    while (answer(&poll) < schedule()->interval_max_ns) {
    }
    return poll;
}

#define EXPECT_S(wait_ns, seconds) assert_int_equal((wait_ns), (seconds)*NS_PER_S)

/* ---- When ----------------------------------------------------------------------------------- */

static void the_first_request_comes_at_once_or_a_little_later(void **state)
{
    (void)state;
    struct random random = {3};
    int64_t latest_ns = START_NS;
    for (unsigned i = 0; i < 1000; i++) {
        struct ntp_poll poll;
        ntp_poll_init(&poll, schedule(), START_NS, random_below(&random, UINT64_MAX));
        assert_in_range(poll.next_ns, START_NS, START_NS + schedule()->start_spread_ns - 1);
        if (poll.next_ns > latest_ns)
            latest_ns = poll.next_ns;
    }
    assert_true(latest_ns > START_NS + schedule()->start_spread_ns / 2);
}

static void four_quick_requests_are_followed_by_ever_longer_intervals(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {2, 2, 2, 64, 128, 256, 512, 1024, 1024, 1024};
    struct ntp_poll poll = started();
    for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++)
        EXPECT_S(answer(&poll), waits_s[i]);
}

static void every_wait_is_stretched_at_random_by_up_to_a_sixteenth(void **state)
{
    (void)state;
    struct random random = {5};
    int64_t longest_ns = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct ntp_poll poll = settled();
        int64_t now_ns = poll.next_ns;
        struct ntp_sample sample = sample_at(now_ns, OFFSET_NS, 0);
        ntp_poll_on_sample(&poll, schedule(), now_ns, &sample, random_below(&random, UINT64_MAX));
        int64_t wait_ns = poll.next_ns - now_ns;
        assert_in_range(wait_ns, 1024 * NS_PER_S, 1088 * NS_PER_S);
        if (wait_ns > longest_ns)
            longest_ns = wait_ns;
    }
    assert_true(longest_ns > 1080 * NS_PER_S);
}

static void a_server_that_never_answers_is_asked_ever_more_rarely(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {2, 2, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024};
    struct ntp_poll poll = started();
    for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++)
        EXPECT_S(miss(&poll), waits_s[i]);
    for (unsigned i = 0; i < 100; i++)
        EXPECT_S(miss(&poll), 1024);
}

static void a_lost_answer_is_asked_for_again_soon(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    EXPECT_S(miss(&poll), 2);
    EXPECT_S(miss(&poll), 2);
    assert_false(ntp_poll_is_silent(&poll, schedule()));
    EXPECT_S(answer(&poll), 1024); /* and nothing else changes */
}

static void a_server_that_comes_back_is_asked_as_at_start(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    for (unsigned i = 0; i < 10; i++)
        (void)miss(&poll);
    assert_true(ntp_poll_is_silent(&poll, schedule()));
    EXPECT_S(answer(&poll), 2);
    assert_false(ntp_poll_is_silent(&poll, schedule()));
    EXPECT_S(answer(&poll), 2);
    EXPECT_S(answer(&poll), 2);
    EXPECT_S(answer(&poll), 1024);
}

static void answers_that_do_not_fit_together_shorten_the_interval(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    EXPECT_S(answer_with(&poll, OFFSET_NS + 500 * NS_PER_S, 10 * NS_PER_MS), 64);
    EXPECT_S(answer_with(&poll, OFFSET_NS + 500 * NS_PER_S, 10 * NS_PER_MS), 128);
}

static void rate_doubles_the_shortest_interval_each_time(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {128, 256, 512, 1024, 1024};
    struct ntp_poll poll = started();
    for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++)
        EXPECT_S(refuse(&poll, NTP_KISS_RATE), waits_s[i]);
    assert_false(poll.refused);
}

static void rate_ends_the_quick_requests_for_good(void **state)
{
    (void)state;
    struct ntp_poll poll = started();
    EXPECT_S(answer(&poll), 2);
    EXPECT_S(refuse(&poll, NTP_KISS_RATE), 128);
    EXPECT_S(answer(&poll), 128);
    EXPECT_S(miss(&poll), 128);
    EXPECT_S(miss(&poll), 128);
}

static void deny_ends_all_requests(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    assert_true(refuse(&poll, NTP_KISS_DENY) == INT64_MAX);
    assert_true(poll.refused);
    assert_int_equal(ntp_poll_voice(&poll, schedule(), START_NS), NTP_VOICE_NONE);
}

static void an_answer_without_time_is_as_good_as_none(void **state)
{
    (void)state;
    static const enum ntp_verdict verdicts[] = {NTP_UNSYNCHRONISED, NTP_IMPLAUSIBLE, NTP_TOO_VAGUE,
                                                NTP_KISS_OTHER};
    struct ntp_poll poll = started();
    static const int64_t waits_s[] = {2, 2, 2, 4};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        EXPECT_S(refuse(&poll, verdicts[i]), waits_s[i]);
    assert_true(ntp_poll_is_silent(&poll, schedule()));
    assert_false(poll.refused);
}

/* ---- Which ---------------------------------------------------------------------------------- */

static void the_answer_with_the_lowest_delay_wins(void **state)
{
    (void)state;
    static const int64_t delays_ms[] = {40, 9, 25, 60};
    struct ntp_poll poll = started();
    for (size_t i = 0; i < 4; i++)
        (void)answer_with(&poll, OFFSET_NS + (int64_t)i, delays_ms[i] * NS_PER_MS);
    struct ntp_sample best = ntp_poll_best(&poll, poll.next_ns);
    assert_int_equal(best.delay_ns, 9 * NS_PER_MS);
    assert_int_equal(best.offset_ns, OFFSET_NS + 1);
}

static void an_answer_loses_worth_as_it_ages(void **state)
{
    (void)state;
    struct ntp_poll poll = started();
    int64_t now_ns = poll.next_ns;
    struct ntp_sample early = sample_at(now_ns, OFFSET_NS, 10 * NS_PER_MS);
    ntp_poll_on_sample(&poll, schedule(), now_ns, &early, 0);
    assert_int_equal(ntp_poll_best(&poll, now_ns).error_ns, early.error_ns);
    /* 100 ppm of 100 s are 10 ms. */
    now_ns += 100 * NS_PER_S;
    assert_int_equal(ntp_poll_best(&poll, now_ns).error_ns, early.error_ns + 10 * NS_PER_MS);

    struct ntp_sample late = sample_at(now_ns, OFFSET_NS + 1, 31 * NS_PER_MS);
    ntp_poll_on_sample(&poll, schedule(), now_ns, &late, 0); /* 5 + 10 ms beat 15.5 ms */
    assert_int_equal(ntp_poll_best(&poll, now_ns).offset_ns, OFFSET_NS);
    late = sample_at(now_ns, OFFSET_NS + 2, 29 * NS_PER_MS);
    ntp_poll_on_sample(&poll, schedule(), now_ns, &late, 0); /* but not 14.5 ms */
    assert_int_equal(ntp_poll_best(&poll, now_ns).offset_ns, OFFSET_NS + 2);
}

static void only_the_last_eight_answers_count(void **state)
{
    (void)state;
    struct ntp_poll poll = started();
    int64_t now_ns = poll.next_ns;
    for (int64_t i = 0; i < 12; i++) {
        struct ntp_sample sample = sample_at(now_ns, OFFSET_NS + i, (i + 1) * NS_PER_MS);
        ntp_poll_on_sample(&poll, schedule(), now_ns, &sample, 0);
        assert_int_equal(poll.sample_count, i < 8 ? i + 1 : 8);
    }
    assert_int_equal(ntp_poll_best(&poll, now_ns).delay_ns, 5 * NS_PER_MS);
}

static void a_server_that_was_set_is_followed_at_once(void **state)
{
    (void)state;
    static const int64_t steps_ns[] = {500 * NS_PER_S, -500 * NS_PER_S, 200 * NS_PER_MS};
    for (size_t i = 0; i < 3; i++) {
        struct ntp_poll poll = settled();
        (void)answer_with(&poll, OFFSET_NS + steps_ns[i], 90 * NS_PER_MS);
        assert_int_equal(poll.sample_count, 1);
        assert_true(ntp_poll_best(&poll, poll.next_ns).offset_ns == OFFSET_NS + steps_ns[i]);
    }
}

static void a_detour_is_no_step(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    size_t count = poll.sample_count;
    /* All of the delay on one way: the offset is off by half of it, as its error says. */
    (void)answer_with(&poll, OFFSET_NS + 400 * NS_PER_MS, 800 * NS_PER_MS);
    assert_true(poll.sample_count >= count);
    assert_int_equal(ntp_poll_best(&poll, poll.next_ns).delay_ns, 10 * NS_PER_MS);
}

/* ---- Its say among the servers -------------------------------------------------------------- */

static void a_server_is_waited_for_until_its_first_requests_are_over(void **state)
{
    (void)state;
    struct ntp_poll poll = started();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ntp_poll_voice(&poll, schedule(), poll.next_ns), NTP_VOICE_PENDING);
        (void)miss(&poll);
    }
    assert_int_equal(ntp_poll_voice(&poll, schedule(), poll.next_ns), NTP_VOICE_NONE);
    (void)answer(&poll);
    assert_int_equal(ntp_poll_voice(&poll, schedule(), poll.next_ns), NTP_VOICE_HEARD);
}

static void a_server_that_says_rate_first_is_not_waited_for(void **state)
{
    (void)state;
    struct ntp_poll poll = started();
    (void)refuse(&poll, NTP_KISS_RATE);
    assert_int_equal(ntp_poll_voice(&poll, schedule(), poll.next_ns), NTP_VOICE_NONE);
}

static void a_silent_server_has_its_say_for_an_hour(void **state)
{
    (void)state;
    struct ntp_poll poll = settled();
    int64_t heard_ns = poll.heard_ns;
    for (unsigned i = 0; i < 5; i++)
        (void)miss(&poll);
    assert_int_equal(ntp_poll_voice(&poll, schedule(), heard_ns + 3600 * NS_PER_S),
                     NTP_VOICE_HEARD);
    assert_int_equal(ntp_poll_voice(&poll, schedule(), heard_ns + 3600 * NS_PER_S + 1),
                     NTP_VOICE_NONE);
}

static void the_hour_is_longer_than_three_requests(void **state)
{
    (void)state;
    const struct ntp_schedule *the = schedule();
    int64_t longest_ns = the->interval_max_ns + the->interval_max_ns / 16;
    assert_true(the->vote_expiry_ns > 3 * longest_ns);
    assert_true(the->reply_timeout_ns < the->burst_spacing_ns);
}

/* ---- Manners -------------------------------------------------------------------------------- */

static void no_server_is_asked_more_than_manners_allow(void **state)
{
    (void)state;
    struct random random = {13};
    for (unsigned run = 0; run < 300; run++) {
        struct ntp_poll poll = started();
        int64_t end_ns = START_NS + 86400 * NS_PER_S;
        int64_t last_ns = START_NS - 3600 * NS_PER_S;
        uint64_t loss = random_below(&random, 101); /* percent */
        unsigned requests = 0;
        unsigned losses = 0;
        while (poll.next_ns < end_ns) {
            assert_true(poll.next_ns - last_ns >= schedule()->burst_spacing_ns);
            last_ns = poll.next_ns;
            requests++;
            if (random_below(&random, 100) < loss) {
                (void)miss(&poll);
                losses++;
            } else {
                (void)answer(&poll);
            }
        }
        /* A day has 85 longest intervals; each loss may cost one request more, and a silence
         * a few at its end.  Asking every 2 s would be 43,200. */
        if (requests > 100 + 5 * losses)
            fail_msg("%u requests, %u lost", requests, losses);
        if (loss == 100)
            assert_in_range(requests, 85, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_comes_at_once_or_a_little_later),
        cmocka_unit_test(four_quick_requests_are_followed_by_ever_longer_intervals),
        cmocka_unit_test(every_wait_is_stretched_at_random_by_up_to_a_sixteenth),
        cmocka_unit_test(a_server_that_never_answers_is_asked_ever_more_rarely),
        cmocka_unit_test(a_lost_answer_is_asked_for_again_soon),
        cmocka_unit_test(a_server_that_comes_back_is_asked_as_at_start),
        cmocka_unit_test(answers_that_do_not_fit_together_shorten_the_interval),
        cmocka_unit_test(rate_doubles_the_shortest_interval_each_time),
        cmocka_unit_test(rate_ends_the_quick_requests_for_good),
        cmocka_unit_test(deny_ends_all_requests),
        cmocka_unit_test(an_answer_without_time_is_as_good_as_none),
        cmocka_unit_test(the_answer_with_the_lowest_delay_wins),
        cmocka_unit_test(an_answer_loses_worth_as_it_ages),
        cmocka_unit_test(only_the_last_eight_answers_count),
        cmocka_unit_test(a_server_that_was_set_is_followed_at_once),
        cmocka_unit_test(a_detour_is_no_step),
        cmocka_unit_test(a_server_is_waited_for_until_its_first_requests_are_over),
        cmocka_unit_test(a_server_that_says_rate_first_is_not_waited_for),
        cmocka_unit_test(a_silent_server_has_its_say_for_an_hour),
        cmocka_unit_test(the_hour_is_longer_than_three_requests),
        cmocka_unit_test(no_server_is_asked_more_than_manners_allow),
    };
    return cmocka_run_group_tests_name("ntp_poll", tests, NULL, NULL);
}
