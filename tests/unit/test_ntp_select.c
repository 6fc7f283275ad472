/*
 * test_ntp_select.c: which of several servers is followed, and which lies.
 * Method: tables of votes; and random elections against a slow count of every point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/clock/ntp_select.h"
#include "server/settings/settings.h"
#include "tests/unit/random.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)
#define UNTOUCHED 99

static struct ntp_vote vote(int64_t offset_ns, int64_t error_ns)
{
    return (struct ntp_vote){.counts = true, .offset_ns = offset_ns, .error_ns = error_ns};
}

static struct ntp_vote liar(int64_t offset_ns, int64_t error_ns)
{
    struct ntp_vote outvoted = vote(offset_ns, error_ns);
    outvoted.outvoted = true;
    return outvoted;
}

static const struct ntp_vote silent = {.counts = false};

static void expect_decided(struct ntp_vote *votes, size_t count, size_t pending, size_t expected)
{
    size_t index = UNTOUCHED;
    assert_int_equal(ntp_select(votes, count, pending, &index), NTP_DECIDED);
    assert_int_equal(index, expected);
}

static void expect_open(struct ntp_vote *votes, size_t count, size_t pending,
                        enum ntp_outcome expected)
{
    size_t index = UNTOUCHED;
    assert_int_equal(ntp_select(votes, count, pending, &index), expected);
    assert_int_equal(index, UNTOUCHED);
}

static void without_votes_nothing_is_decided(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {silent, silent};
    expect_open(votes, 2, 0, NTP_NO_VOTES);
    expect_open(votes, 2, 2, NTP_NO_VOTES);
}

static void one_server_is_followed(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {silent, vote(-5 * S, 2 * S), silent};
    expect_decided(votes, 1 + 2, 0, 1);
}

static void of_servers_that_agree_the_most_precise_is_followed(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, 30 * MS), vote(20 * MS, 5 * MS), vote(10 * MS, 80 * MS)};
    expect_decided(votes, 3, 0, 1);
    for (size_t i = 0; i < 3; i++)
        assert_false(votes[i].outvoted);
}

static void of_two_that_contradict_each_other_neither_is_followed(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, 10 * MS), vote(500 * S, 1 * MS)};
    expect_open(votes, 2, 0, NTP_CONTRADICTION);
    assert_false(votes[0].outvoted || votes[1].outvoted);
}

static void a_lone_liar_is_outvoted_wherever_it_stands(void **state)
{
    (void)state;
    static const int64_t lies_ns[] = {500 * S, -500 * S, 60 * MS, -60 * MS};
    for (size_t at = 0; at < 3; at++) {
        for (size_t i = 0; i < sizeof(lies_ns) / sizeof(lies_ns[0]); i++) {
            struct ntp_vote votes[] = {vote(0, 10 * MS), vote(0, 10 * MS), vote(0, 10 * MS)};
            votes[at] = vote(lies_ns[i], 1 * MS); /* and is very sure of itself */
            expect_decided(votes, 3, 0, at == 0 ? 1 : 0);
            for (size_t j = 0; j < 3; j++)
                assert_true(votes[j].outvoted == (j == at));
        }
    }
}

static void half_is_no_majority(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, MS), vote(0, MS), vote(9 * S, MS), vote(9 * S, MS),
                               vote(5 * S, MS)};
    expect_open(votes, 4, 0, NTP_CONTRADICTION);
    expect_open(votes, 5, 0, NTP_CONTRADICTION);
    votes[4] = vote(9 * S + MS, MS);
    expect_decided(votes, 5, 0, 2);
}

static void votes_to_come_can_overturn_what_is_no_majority_of_all(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(500 * S, MS), silent, silent};
    expect_open(votes, 3, 2, NTP_UNDECIDED); /* the liar was only the fastest */
    votes[1] = vote(0, MS);
    expect_open(votes, 3, 1, NTP_UNDECIDED);
    votes[2] = vote(MS, MS);
    expect_decided(votes, 3, 0, 1);

    struct ntp_vote quick[] = {vote(0, MS), vote(0, MS), silent};
    expect_decided(quick, 3, 1, 0); /* two of three: the third changes nothing */
    struct ntp_vote alone[] = {vote(0, MS), silent, silent};
    expect_decided(alone, 3, 0, 0); /* the others have had their chance */
}

static void a_liar_does_not_become_right_when_the_others_fall_silent(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {silent, silent, liar(500 * S, MS)};
    expect_open(votes, 3, 0, NTP_CONTRADICTION);
    assert_true(votes[2].outvoted);

    struct ntp_vote two_liars[] = {silent, liar(500 * S, MS), liar(500 * S, MS)};
    expect_open(two_liars, 3, 0, NTP_CONTRADICTION);
}

static void an_outvoted_server_is_trusted_again_when_it_agrees(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, 10 * MS), silent, liar(2 * MS, 5 * MS)};
    expect_decided(votes, 3, 0, 2);
    assert_false(votes[2].outvoted);
    votes[0] = silent;
    expect_decided(votes, 3, 0, 2);
}

static void neighbours_microseconds_apart_agree(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, 10000), vote(300000, 10000), vote(0, 10000)};
    expect_decided(votes, 3, 0, 0);
    assert_false(votes[1].outvoted);
}

static void a_vague_server_between_two_others_takes_the_side_of_the_precise(void **state)
{
    (void)state;
    struct ntp_vote votes[] = {vote(0, 20 * MS), vote(1 * S, 2 * S), vote(2 * S, 10 * MS)};
    expect_decided(votes, 3, 0, 2);
    assert_true(votes[0].outvoted);
    assert_false(votes[1].outvoted);
}

/* How many intervals, widened by the slack of 1 ms, contain the point. */
static size_t supporters(const struct ntp_vote *votes, size_t count, int64_t point_ns)
{
    size_t supporters = 0;
    for (size_t i = 0; i < count; i++)
        supporters += votes[i].counts && votes[i].offset_ns - votes[i].error_ns - MS <= point_ns &&
                      votes[i].offset_ns + votes[i].error_ns + MS >= point_ns;
    return supporters;
}

static void random_elections_follow_a_majority_or_nobody(void **state)
{
    (void)state;
    struct random random = {17};
    unsigned outcomes[4] = {0};
    for (unsigned run = 0; run < 20000; run++) {
        struct ntp_vote votes[NTP_SERVERS_MAX] = {0};
        size_t count = 1 + random_below(&random, NTP_SERVERS_MAX);
        size_t cast = 0;
        for (size_t i = 0; i < count; i++) {
            votes[i] = vote((int64_t)random_below(&random, 40) * MS,
                            (int64_t)random_below(&random, 12) * MS);
            votes[i].counts = random_below(&random, 8) != 0;
            cast += votes[i].counts;
        }
        size_t pending = random_below(&random, 3);
        size_t most = 0; /* every end of an interval is a whole number of ms */
        for (int64_t point_ns = -20 * MS; point_ns <= 60 * MS; point_ns += MS) {
            size_t here = supporters(votes, count, point_ns);
            most = here > most ? here : most;
        }

        size_t index = UNTOUCHED;
        enum ntp_outcome outcome = ntp_select(votes, count, pending, &index);
        outcomes[outcome]++;
        assert_true((outcome == NTP_NO_VOTES) == (cast == 0));
        assert_true((outcome == NTP_DECIDED) == (2 * most > cast + pending));
        if (outcome == NTP_DECIDED)
            assert_true(index < count && votes[index].counts && !votes[index].outvoted);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(outcomes[i] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_votes_nothing_is_decided),
        cmocka_unit_test(one_server_is_followed),
        cmocka_unit_test(of_servers_that_agree_the_most_precise_is_followed),
        cmocka_unit_test(of_two_that_contradict_each_other_neither_is_followed),
        cmocka_unit_test(a_lone_liar_is_outvoted_wherever_it_stands),
        cmocka_unit_test(half_is_no_majority),
        cmocka_unit_test(votes_to_come_can_overturn_what_is_no_majority_of_all),
        cmocka_unit_test(a_liar_does_not_become_right_when_the_others_fall_silent),
        cmocka_unit_test(an_outvoted_server_is_trusted_again_when_it_agrees),
        cmocka_unit_test(neighbours_microseconds_apart_agree),
        cmocka_unit_test(a_vague_server_between_two_others_takes_the_side_of_the_precise),
        cmocka_unit_test(random_elections_follow_a_majority_or_nobody),
    };
    return cmocka_run_group_tests_name("ntp_select", tests, NULL, NULL);
}
