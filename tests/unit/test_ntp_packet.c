/*
 * test_ntp_packet.c: what is asked of an NTP server, and which answers are believed.
 * Method: one good answer, built field by field from RFC 5905 section 7.3; each test spoils it in
 * one way.  Answers lie in front of an unreadable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "common/timestamp.h"
#include "server/clock/ntp_packet.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/random.h"

#define COOKIE UINT64_C(0x0123456789abcdef)
#define BOOT_NS (1000 * NS_PER_S) /* when the request was sent */
#define NTP_TO_UNIX_S UINT64_C(2208988800)

#define YEAR_2026_S INT64_C(1795392000)    /* 2026-11-23 */
#define ERA_1_BEGINS_S INT64_C(2085978496) /* 2036-02-07T06:28:16Z */

/* The fields of an answer, as a server means them. */
struct answer {
    unsigned leap;
    unsigned version;
    unsigned mode;
    unsigned stratum;
    int precision;
    uint32_t root_delay;      /* in 1/65536 s */
    uint32_t root_dispersion; /* in 1/65536 s */
    const char *reference_id;
    uint64_t reference;
    uint64_t origin;
    uint64_t receive;
    uint64_t transmit;
};

static struct guard_page guard;

static int create_guard(void **state)
{
    (void)state;
    guard = guard_page_create(4096);
    return 0;
}

static int destroy_guard(void **state)
{
    (void)state;
    guard_page_destroy(&guard);
    return 0;
}

/* A point in time as NTP has it: seconds since 1900 modulo 2^32, and a binary fraction. */
static uint64_t ntp_time(int64_t unix_s, int64_t ns)
{
    uint64_t fraction = ((uint64_t)ns << 32) / (uint64_t)NS_PER_S;
    return ((uint64_t)unix_s + NTP_TO_UNIX_S) << 32 | fraction;
}

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void build(const struct answer *answer, uint8_t packet[static NTP_PACKET_LEN])
{
    memset(packet, 0, NTP_PACKET_LEN);
    packet[0] = (uint8_t)(answer->leap << 6 | answer->version << 3 | answer->mode);
    packet[1] = (uint8_t)answer->stratum;
    packet[2] = 6;
    packet[3] = (uint8_t)answer->precision;
    put(packet + 4, 4, answer->root_delay);
    put(packet + 8, 4, answer->root_dispersion);
    memcpy(packet + 12, answer->reference_id, 4);
    put(packet + 16, 8, answer->reference);
    put(packet + 24, 8, answer->origin);
    put(packet + 32, 8, answer->receive);
    put(packet + 40, 8, answer->transmit);
}

/* 10 ms there, 2 ms at the server, 6 ms back: the delay is 16 ms, half of it 8. */
static struct ntp_exchange exchange(void)
{
    return (struct ntp_exchange){
        .cookie = COOKIE, .sent_ns = BOOT_NS, .received_ns = BOOT_NS + 18 * NS_PER_MS};
}

static struct answer good_at(int64_t unix_s)
{
    return (struct answer){
        .version = 4,
        .mode = 4,
        .stratum = 2,
        .precision = -20,
        .root_delay = 65536 / 100,      /* 10 ms */
        .root_dispersion = 65536 / 200, /* 5 ms */
        .reference_id = "\x7f\x7f\x01\x01",
        .reference = ntp_time(unix_s - 30, 0),
        .origin = COOKIE,
        .receive = ntp_time(unix_s, 0),
        .transmit = ntp_time(unix_s, 2 * NS_PER_MS),
    };
}

static struct answer good(void)
{
    return good_at(YEAR_2026_S);
}

static enum ntp_verdict check_len(const struct answer *answer, size_t len,
                                  const struct ntp_exchange *of, struct ntp_sample *ret_sample)
{
    char packet[NTP_PACKET_LEN + 64] = {0};
    build(answer, (uint8_t *)packet);
    struct span placed = guard_page_place(&guard, (struct span){packet, len});
    return ntp_packet_check((const uint8_t *)placed.base, placed.len, of, ret_sample);
}

/* The verdict; whatever is not good must leave the sample alone. */
static enum ntp_verdict check(const struct answer *answer)
{
    struct ntp_exchange of = exchange();
    struct ntp_sample untouched;
    memset(&untouched, 0x5a, sizeof(untouched));
    struct ntp_sample sample = untouched;
    enum ntp_verdict verdict = check_len(answer, NTP_PACKET_LEN, &of, &sample);
    if (verdict != NTP_GOOD)
        assert_memory_equal(&sample, &untouched, sizeof(sample));
    return verdict;
}

static void expect(const char *what, const struct answer *answer, enum ntp_verdict expected)
{
    enum ntp_verdict verdict = check(answer);
    if (verdict != expected)
        fail_msg("%s: %s, not %s", what, ntp_verdict_text(verdict), ntp_verdict_text(expected));
}

/* ---- The request ---------------------------------------------------------------------------- */

static void a_request_says_nothing_but_version_mode_and_cookie(void **state)
{
    (void)state;
    uint8_t packet[NTP_PACKET_LEN];
    memset(packet, 0xff, sizeof(packet));
    ntp_packet_request(COOKIE, packet);

    static const uint8_t expected[NTP_PACKET_LEN] = {[0] = 0x23, [40] = 0x01, 0x23, 0x45, 0x67,
                                                     0x89,       0xab,        0xcd, 0xef};
    assert_memory_equal(packet, expected, sizeof(packet));
}

/* ---- Good answers --------------------------------------------------------------------------- */

static void a_good_answer_gives_offset_delay_and_error(void **state)
{
    (void)state;
    struct answer answer = good();
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    assert_int_equal(check_len(&answer, NTP_PACKET_LEN, &of, &sample), NTP_GOOD);

    /* ((T2 - T1) + (T3 - T4)) / 2, with T1 = 1000 s and T4 = T1 + 18 ms; fractions are cut. */
    int64_t offset_ns = YEAR_2026_S * NS_PER_S - BOOT_NS - 8 * NS_PER_MS;
    assert_in_range(sample.offset_ns, offset_ns - 2, offset_ns + 2);
    assert_in_range(sample.delay_ns, 16 * NS_PER_MS - 2, 16 * NS_PER_MS + 2);
    assert_int_equal(sample.boot_ns, BOOT_NS + 9 * NS_PER_MS);
    assert_int_equal(sample.stratum, 2);
    /* Half of 10 + 16 ms, 5 ms, and some microseconds of precision and drift. */
    assert_in_range(sample.error_ns, 17950 * 1000, 18050 * 1000);
}

static void the_true_offset_lies_within_the_error(void **state)
{
    (void)state;
    struct random random = {7};
    for (unsigned i = 0; i < 20000; i++) {
        int64_t true_offset_ns = YEAR_2026_S * NS_PER_S + (int64_t)random_below(&random, 1U << 30);
        int64_t there_ns = (int64_t)random_below(&random, 900 * NS_PER_MS);
        int64_t work_ns = (int64_t)random_below(&random, 50 * NS_PER_MS);
        int64_t back_ns = (int64_t)random_below(&random, 900 * NS_PER_MS);
        int64_t receive_ns = BOOT_NS + there_ns + true_offset_ns;
        int64_t transmit_ns = receive_ns + work_ns;

        struct answer answer = good();
        answer.root_delay = 0;
        answer.root_dispersion = 0;
        answer.receive = ntp_time(receive_ns / NS_PER_S, receive_ns % NS_PER_S);
        answer.transmit = ntp_time(transmit_ns / NS_PER_S, transmit_ns % NS_PER_S);
        struct ntp_exchange of = {.cookie = COOKIE,
                                  .sent_ns = BOOT_NS,
                                  .received_ns = BOOT_NS + there_ns + work_ns + back_ns};
        struct ntp_sample sample;
        assert_int_equal(check_len(&answer, NTP_PACKET_LEN, &of, &sample), NTP_GOOD);
        int64_t apart_ns = sample.offset_ns - true_offset_ns;
        if (apart_ns > sample.error_ns || -apart_ns > sample.error_ns)
            fail_msg("off by %" PRId64 ", error %" PRId64, apart_ns, sample.error_ns);
    }
}

static void every_version_and_stratum_of_a_synchronised_server_is_taken(void **state)
{
    (void)state;
    for (unsigned version = 3; version <= 4; version++) {
        for (unsigned stratum = 1; stratum <= 15; stratum++) {
            for (unsigned leap = 0; leap <= 2; leap++) {
                struct answer answer = good();
                answer.version = version;
                answer.stratum = stratum;
                answer.leap = leap;
                expect("version, stratum, leap", &answer, NTP_GOOD);
            }
        }
    }
}

static void a_server_that_never_set_its_reference_time_is_taken(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.reference = 0;
    expect("no reference time", &answer, NTP_GOOD);
}

static void what_follows_the_header_is_not_read(void **state)
{
    (void)state;
    struct answer answer = good();
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    for (size_t extra = 0; extra <= 64; extra++)
        assert_int_equal(check_len(&answer, NTP_PACKET_LEN + extra, &of, &sample), NTP_GOOD);
}

/* ---- The era ends in 2036 ------------------------------------------------------------------- */

static void expect_time(int64_t unix_s)
{
    struct answer answer = good_at(unix_s);
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    enum ntp_verdict verdict = check_len(&answer, NTP_PACKET_LEN, &of, &sample);
    if (verdict != NTP_GOOD)
        fail_msg("%" PRId64 " s: %s", unix_s, ntp_verdict_text(verdict));
    int64_t offset_ns = unix_s * NS_PER_S - BOOT_NS - 8 * NS_PER_MS;
    assert_in_range(sample.offset_ns, offset_ns - 2, offset_ns + 2);
}

static void times_before_and_after_2036_are_told_apart(void **state)
{
    (void)state;
    expect_time(NTP_TIME_FIRST_S + 30); /* the reference time is 30 s earlier */
    expect_time(ERA_1_BEGINS_S - 1);
    expect_time(ERA_1_BEGINS_S + 1);
    expect_time(ERA_1_BEGINS_S + 29); /* the reference time is of era 0 */
    expect_time(INT64_C(1) << 31);    /* 2038 */
    expect_time(NTP_TIME_END_S - 1);
}

static void an_exchange_may_lie_across_the_end_of_an_era(void **state)
{
    (void)state;
    struct answer answer = good_at(ERA_1_BEGINS_S);
    answer.receive = ntp_time(ERA_1_BEGINS_S - 1, 999 * NS_PER_MS);
    answer.transmit = ntp_time(ERA_1_BEGINS_S, NS_PER_MS);
    assert_true(answer.transmit < answer.receive); /* as numbers */
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    assert_int_equal(check_len(&answer, NTP_PACKET_LEN, &of, &sample), NTP_GOOD);
    int64_t offset_ns = ERA_1_BEGINS_S * NS_PER_S - BOOT_NS - 9 * NS_PER_MS;
    assert_in_range(sample.offset_ns, offset_ns - 2, offset_ns + 2);
}

static void a_server_before_2020_has_no_clock(void **state)
{
    (void)state;
    struct answer answer = good_at(0); /* 1970: the battery is empty */
    expect("1970", &answer, NTP_IMPLAUSIBLE);
    answer = good_at(NTP_TIME_FIRST_S - 1);
    expect("2019", &answer, NTP_IMPLAUSIBLE);
    answer = good_at(NTP_TIME_END_S);
    expect("2106", &answer, NTP_IMPLAUSIBLE);
}

/* ---- Strays --------------------------------------------------------------------------------- */

static void an_answer_cut_anywhere_is_none(void **state)
{
    (void)state;
    struct answer answer = good();
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    for (size_t len = 0; len < NTP_PACKET_LEN; len++)
        assert_int_equal(check_len(&answer, len, &of, &sample), NTP_STRAY);
}

static void only_servers_answer(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 8; mode++) {
        struct answer answer = good();
        answer.mode = mode;
        expect("mode", &answer, mode == 4 ? NTP_GOOD : NTP_STRAY);
    }
}

static void other_versions_are_not_read(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 8; version++) {
        struct answer answer = good();
        answer.version = version;
        expect("version", &answer, version == 3 || version == 4 ? NTP_GOOD : NTP_STRAY);
    }
}

static void an_answer_without_the_cookie_is_forged(void **state)
{
    (void)state;
    struct answer answer = good();
    for (unsigned bit = 0; bit < 64; bit++) {
        answer.origin = COOKIE ^ UINT64_C(1) << bit;
        expect("one bit is wrong", &answer, NTP_STRAY);
    }
    answer.origin = 0;
    expect("zero", &answer, NTP_STRAY);
}

static void a_forged_kiss_is_a_stray(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.stratum = 0;
    answer.reference_id = "DENY";
    answer.origin = COOKIE + 1;
    expect("DENY without the cookie", &answer, NTP_STRAY);
}

/* ---- The server's answers that give no time ------------------------------------------------- */

static void an_unsynchronised_server_is_not_followed(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.leap = 3;
    expect("leap 3", &answer, NTP_UNSYNCHRONISED);
    for (unsigned stratum = 16; stratum < 256; stratum++) {
        answer = good();
        answer.stratum = stratum;
        expect("stratum", &answer, NTP_UNSYNCHRONISED);
    }
}

static void kiss_codes_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum ntp_verdict verdict;
    } cases[] = {
        {"RATE", NTP_KISS_RATE},      {"DENY", NTP_KISS_DENY},  {"RSTR", NTP_KISS_DENY},
        {"INIT", NTP_KISS_OTHER},     {"STEP", NTP_KISS_OTHER}, {"rate", NTP_KISS_OTHER},
        {"\0\0\0\0", NTP_KISS_OTHER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer = good();
        answer.leap = 3; /* as servers send it */
        answer.stratum = 0;
        answer.reference_id = cases[i].code;
        answer.receive = 0;
        answer.transmit = 0;
        expect(cases[i].code, &answer, cases[i].verdict);
    }
}

static void missing_times_are_implausible(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.transmit = 0;
    expect("no transmit time", &answer, NTP_IMPLAUSIBLE);
    answer = good();
    answer.receive = 0;
    expect("no receive time", &answer, NTP_IMPLAUSIBLE);
    /* The same with the times that zero would stand for: 2036. */
    answer = good_at(ERA_1_BEGINS_S);
    expect("zero is 2036", &answer, NTP_IMPLAUSIBLE);
    answer = good_at(ERA_1_BEGINS_S);
    answer.receive = ntp_time(ERA_1_BEGINS_S - 1, 995 * NS_PER_MS);
    answer.transmit = 0; /* 5 ms later, if it counted */
    expect("zero is 2036 here, too", &answer, NTP_IMPLAUSIBLE);
}

static void times_in_the_wrong_order_are_implausible(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.transmit = answer.receive - 1;
    expect("sent before it was received", &answer, NTP_IMPLAUSIBLE);
    answer = good();
    answer.reference = answer.transmit + UINT64_C(0x100000000);
    expect("set in the future", &answer, NTP_IMPLAUSIBLE);
    answer = good();
    answer.transmit = ntp_time(YEAR_2026_S, 20 * NS_PER_MS);
    expect("longer at the server than it took", &answer, NTP_IMPLAUSIBLE);
}

static void a_delay_a_little_below_nothing_is_nothing(void **state)
{
    (void)state;
    struct answer answer = good();
    answer.transmit = ntp_time(YEAR_2026_S, 18 * NS_PER_MS + NS_PER_MS / 2);
    struct ntp_exchange of = exchange();
    struct ntp_sample sample;
    assert_int_equal(check_len(&answer, NTP_PACKET_LEN, &of, &sample), NTP_GOOD);
    assert_int_equal(sample.delay_ns, 0);
}

static void a_clock_coarser_than_a_second_is_implausible(void **state)
{
    (void)state;
    for (int precision = -128; precision < 128; precision++) {
        struct answer answer = good();
        answer.precision = precision;
        expect("precision", &answer, precision > 0 ? NTP_IMPLAUSIBLE : NTP_GOOD);
    }
}

static void a_server_far_from_its_reference_is_too_vague(void **state)
{
    (void)state;
    /* With the 8 ms of our own way and some microseconds, 3 s is passed at 2.991 s. */
    static const struct {
        uint32_t root_delay_ms;
        uint32_t root_dispersion_ms;
        enum ntp_verdict verdict;
    } cases[] = {
        {0, 2990, NTP_GOOD},          {0, 2993, NTP_TOO_VAGUE},    {5980, 0, NTP_GOOD},
        {5986, 0, NTP_TOO_VAGUE},     {3000, 1495, NTP_TOO_VAGUE}, {65535999, 0, NTP_TOO_VAGUE},
        {0, 65535999, NTP_TOO_VAGUE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer = good();
        answer.root_delay = (uint32_t)((uint64_t)cases[i].root_delay_ms * 65536 / 1000);
        answer.root_dispersion = (uint32_t)((uint64_t)cases[i].root_dispersion_ms * 65536 / 1000);
        expect("root distance", &answer, cases[i].verdict);
    }
    struct answer answer = good();
    answer.root_delay = UINT32_MAX;
    answer.root_dispersion = UINT32_MAX;
    expect("as large as can be", &answer, NTP_TOO_VAGUE);
}

static void our_own_way_counts_as_vague_too(void **state)
{
    (void)state;
    struct answer answer = good();
    struct ntp_exchange of = exchange();
    of.received_ns = BOOT_NS + 7 * NS_PER_S;
    struct ntp_sample sample;
    assert_int_equal(check_len(&answer, NTP_PACKET_LEN, &of, &sample), NTP_TOO_VAGUE);
}

/* ---- Anything ------------------------------------------------------------------------------- */

static void random_answers_are_judged_without_harm(void **state)
{
    (void)state;
    struct random random = {11};
    struct ntp_exchange of = exchange();
    unsigned seen[NTP_VERDICT_COUNT] = {0};
    for (unsigned i = 0; i < 200000; i++) {
        struct answer valid = good();
        char packet[NTP_PACKET_LEN];
        build(&valid, (uint8_t *)packet);
        for (uint64_t changes = random_below(&random, 4); changes > 0; changes--)
            packet[random_below(&random, sizeof(packet))] = (char)random_below(&random, 256);
        struct span placed = guard_page_place(&guard, (struct span){packet, sizeof(packet)});
        struct ntp_sample sample;
        enum ntp_verdict verdict =
            ntp_packet_check((const uint8_t *)placed.base, placed.len, &of, &sample);
        seen[verdict]++;
        if (verdict != NTP_GOOD)
            continue;
        assert_in_range(sample.error_ns, 0, NTP_ERROR_MAX_NS);
        assert_true(sample.delay_ns >= 0 && sample.delay_ns / 2 <= sample.error_ns);
        int64_t time_ns = sample.boot_ns + sample.offset_ns;
        assert_in_range(time_ns / NS_PER_S, NTP_TIME_FIRST_S - 1, NTP_TIME_END_S);
    }
    assert_true(seen[NTP_GOOD] > 0 && seen[NTP_STRAY] > 0 && seen[NTP_UNSYNCHRONISED] > 0 &&
                seen[NTP_IMPLAUSIBLE] > 0 && seen[NTP_TOO_VAGUE] > 0 && seen[NTP_KISS_OTHER] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_nothing_but_version_mode_and_cookie),
        cmocka_unit_test(a_good_answer_gives_offset_delay_and_error),
        cmocka_unit_test(the_true_offset_lies_within_the_error),
        cmocka_unit_test(every_version_and_stratum_of_a_synchronised_server_is_taken),
        cmocka_unit_test(a_server_that_never_set_its_reference_time_is_taken),
        cmocka_unit_test(what_follows_the_header_is_not_read),
        cmocka_unit_test(times_before_and_after_2036_are_told_apart),
        cmocka_unit_test(an_exchange_may_lie_across_the_end_of_an_era),
        cmocka_unit_test(a_server_before_2020_has_no_clock),
        cmocka_unit_test(an_answer_cut_anywhere_is_none),
        cmocka_unit_test(only_servers_answer),
        cmocka_unit_test(other_versions_are_not_read),
        cmocka_unit_test(an_answer_without_the_cookie_is_forged),
        cmocka_unit_test(a_forged_kiss_is_a_stray),
        cmocka_unit_test(an_unsynchronised_server_is_not_followed),
        cmocka_unit_test(kiss_codes_are_told_apart),
        cmocka_unit_test(missing_times_are_implausible),
        cmocka_unit_test(times_in_the_wrong_order_are_implausible),
        cmocka_unit_test(a_delay_a_little_below_nothing_is_nothing),
        cmocka_unit_test(a_clock_coarser_than_a_second_is_implausible),
        cmocka_unit_test(a_server_far_from_its_reference_is_too_vague),
        cmocka_unit_test(our_own_way_counts_as_vague_too),
        cmocka_unit_test(random_answers_are_judged_without_harm),
    };
    return cmocka_run_group_tests_name("ntp_packet", tests, create_guard, destroy_guard);
}
