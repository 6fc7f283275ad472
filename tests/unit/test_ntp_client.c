/*
 * test_ntp_client.c: the NTP client against servers that behave, fall silent, lie and refuse.
 * Method: the test is the servers, on loopback ports of the kernel's choice; the schedule counts
 * milliseconds instead of seconds.  What must become true is waited for until a deadline.
 * The linker puts our getaddrinfo() before the real one, so that no name server is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/clock/ntp_client.h"

#define FAKES_MAX 3
#define DEADLINE_NS (30 * NS_PER_S)

/* How far a sample may be off on a loaded machine: the error bound knows, so this is generous. */
#define NEAR_NS (2 * NS_PER_S)

enum manner { ANSWER, SILENCE, DENY, RATE, FORGE_THEN_ANSWER, UNSYNCHRONISED };

struct fake {
    int fd;
    enum manner manner;
    int64_t shift_ns; /* how far its clock is ahead of ours */
    unsigned requests;
    uint64_t last_cookie;
    bool repeated; /* a cookie came twice in a row */
};

static struct fake fakes[FAKES_MAX];
static struct ntp_server servers[FAKES_MAX];
static struct ntp_client client;

/* ---- Names ---------------------------------------------------------------------------------- */

static sem_t stuck;    /* posted when "stuck.invalid" is being looked up */
static sem_t released; /* what that waits for */

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_found);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_found);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_found)
{
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(host, port, hints, ret_found);
    if (strcmp(host, "stuck.invalid") == 0) {
        (void)sem_post(&stuck);
        (void)sem_wait(&released);
        return EAI_AGAIN;
    }
    if (strcmp(host, "nowhere.invalid") == 0)
        return EAI_NONAME;
    return __real_getaddrinfo(host, port, hints, ret_found);
}

/* ---- The servers ---------------------------------------------------------------------------- */

static int open_fakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAKES_MAX; i++) {
        fakes[i] = (struct fake){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(address);
        if (bind(fakes[i].fd, (struct sockaddr *)&address, len) == -1 ||
            getsockname(fakes[i].fd, (struct sockaddr *)&address, &len) == -1)
            return -1;
        servers[i] = (struct ntp_server){.port = ntohs(address.sin_port), .host = "127.0.0.1"};
    }
    return 0;
}

static int close_fakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAKES_MAX; i++) {
        if (fakes[i].fd != -1)
            (void)close(fakes[i].fd);
    }
    return 0;
}

static void put_u64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

static void build_answer(const struct fake *fake, const uint8_t *request, uint8_t *packet)
{
    int64_t now_ns = clock_read().wall_ns + fake->shift_ns;
    uint64_t seconds = (uint64_t)(now_ns / NS_PER_S) + UINT64_C(2208988800);
    uint64_t now = seconds << 32 | ((uint64_t)(now_ns % NS_PER_S) << 32) / (uint64_t)NS_PER_S;

    memset(packet, 0, NTP_PACKET_LEN);
    packet[0] = 0x24;
    packet[1] = 2;
    packet[3] = 0xec; /* 2^-20 s */
    memcpy(packet + 24, request + 40, 8);
    put_u64(packet + 32, now);
    put_u64(packet + 40, now);
    if (fake->manner == UNSYNCHRONISED)
        packet[0] |= 0xc0;
    if (fake->manner == DENY || fake->manner == RATE) {
        packet[1] = 0;
        memcpy(packet + 12, fake->manner == DENY ? "DENY" : "RATE", 4);
    }
}

static void serve_one(struct fake *fake)
{
    uint8_t request[64];
    uint8_t packet[NTP_PACKET_LEN];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len =
        recvfrom(fake->fd, request, sizeof(request), 0, (struct sockaddr *)&from, &from_len);
    assert_int_equal(len, NTP_PACKET_LEN);
    fake->requests++;
    uint64_t cookie = get_u64(request + 40);
    fake->repeated |= cookie == fake->last_cookie;
    fake->last_cookie = cookie;
    if (fake->manner == SILENCE)
        return;

    build_answer(fake, request, packet);
    if (fake->manner == FORGE_THEN_ANSWER) {
        uint8_t forged[NTP_PACKET_LEN];
        memcpy(forged, packet, sizeof(forged));
        put_u64(forged + 24, cookie + 1);
        forged[33]++; /* another time */
        (void)sendto(fake->fd, forged, sizeof(forged), 0, (struct sockaddr *)&from, from_len);
        (void)sendto(fake->fd, packet, 20, 0, (struct sockaddr *)&from, from_len); /* damaged */
    }
    (void)sendto(fake->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, from_len);
}

/* Plays the servers until the condition holds. */
static void serve_until(bool (*holds)(void), const char *what)
{
    int64_t end_ns = clock_read().boot_ns + DEADLINE_NS;
    while (!holds()) {
        struct pollfd fds[FAKES_MAX];
        for (size_t i = 0; i < FAKES_MAX; i++)
            fds[i] = (struct pollfd){.fd = fakes[i].fd, .events = POLLIN};
        if (poll(fds, FAKES_MAX, 2) > 0) {
            for (size_t i = 0; i < FAKES_MAX; i++) {
                if (fds[i].revents != 0)
                    serve_one(&fakes[i]);
            }
        }
        if (clock_read().boot_ns > end_ns)
            fail_msg("waited for: %s; state %s", what,
                     ntp_state_text(ntp_client_status(&client).state));
    }
}

/* ---- The client ----------------------------------------------------------------------------- */

static const struct ntp_schedule quick = {
    .start_spread_ns = 5 * NS_PER_MS,
    .reply_timeout_ns = 100 * NS_PER_MS,
    .burst_spacing_ns = 110 * NS_PER_MS,
    .burst_count = 4,
    .interval_min_ns = 120 * NS_PER_MS,
    .interval_max_ns = 240 * NS_PER_MS,
    .vote_expiry_ns = NS_PER_S,
};

static void start_with(size_t count, const struct ntp_schedule *schedule)
{
    assert_int_equal(ntp_client_start(&client, servers, count, schedule), 0);
}

static void start(size_t count)
{
    start_with(count, &quick);
}

static enum ntp_state state_now(void)
{
    return ntp_client_status(&client).state;
}

static bool is_synchronised(void)
{
    return state_now() == NTP_SYNCHRONISED;
}

static bool is_lost(void)
{
    return state_now() == NTP_LOST;
}

static bool is_disagreeing(void)
{
    return state_now() == NTP_DISAGREEING;
}

static bool first_round_is_over(void)
{
    return ntp_client_status(&client).first_round_over;
}

static bool all_are_usable(void)
{
    return ntp_client_status(&client).usable == client.count;
}

static bool two_are_usable(void)
{
    return ntp_client_status(&client).usable == 2;
}

static bool one_has_refused(void)
{
    return ntp_client_status(&client).refused == 1;
}

/* The client's time is shift_ns ahead of the system's clock. */
static void expect_shift(int64_t shift_ns)
{
    int64_t offset_ns;
    assert_true(ntp_client_offset(&client, &offset_ns));
    struct clock_reading now = clock_read();
    int64_t apart_ns = now.boot_ns + offset_ns - now.wall_ns - shift_ns;
    assert_true(apart_ns > -NEAR_NS && apart_ns < NEAR_NS);
    int64_t status_apart_ns = ntp_client_status(&client).offset_ns - shift_ns;
    assert_true(status_apart_ns > -NEAR_NS && status_apart_ns < NEAR_NS);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void the_first_answer_sets_the_time(void **state)
{
    (void)state;
    fakes[0].shift_ns = 1000 * NS_PER_S;
    start_with(1, NULL); /* as shipped */
    int64_t offset_ns = 42;
    assert_false(ntp_client_offset(&client, &offset_ns));
    assert_int_equal(offset_ns, 42);
    assert_int_equal(state_now(), NTP_NONE_YET);

    serve_until(is_synchronised, "the first answer");
    assert_int_equal(fakes[0].requests, 1);
    expect_shift(1000 * NS_PER_S);
    struct ntp_status status = ntp_client_status(&client);
    assert_true(status.first_round_over);
    assert_int_equal(status.servers, 1);
    assert_int_equal(status.stratum, 2);
    assert_true(status.last_answer_ns > 0 && status.error_ns > 0);
    ntp_client_stop(&client);
}

static bool ten_requests_were_answered(void)
{
    return fakes[0].requests >= 10 && is_synchronised();
}

static void every_request_has_its_own_cookie(void **state)
{
    (void)state;
    start(1);
    serve_until(ten_requests_were_answered, "ten requests");
    assert_false(fakes[0].repeated);
    ntp_client_stop(&client);
}

static bool two_more_requests(void)
{
    return fakes[0].requests >= 2; /* so the answer to the first of them has been read */
}

static void a_step_of_the_server_is_followed(void **state)
{
    (void)state;
    start(1);
    serve_until(is_synchronised, "the first answer");
    fakes[0].shift_ns = -500 * NS_PER_S;
    fakes[0].requests = 0;
    serve_until(two_more_requests, "two more requests");
    expect_shift(-500 * NS_PER_S);
    ntp_client_stop(&client);
}

static void a_lying_server_is_outvoted_even_if_it_answers_first(void **state)
{
    (void)state;
    fakes[0].shift_ns = 500 * NS_PER_S;
    fakes[1].manner = SILENCE;
    fakes[2].manner = SILENCE;
    start(3);
    serve_until(two_more_requests, "two requests at the liar");
    assert_int_equal(state_now(), NTP_NONE_YET);
    fakes[1].manner = ANSWER;
    fakes[2].manner = ANSWER;
    serve_until(two_are_usable, "a majority");
    expect_shift(0);
    assert_int_equal(state_now(), NTP_SYNCHRONISED);

    /* And it is not followed when it is the only one left. */
    fakes[1].manner = SILENCE;
    fakes[2].manner = SILENCE;
    serve_until(is_disagreeing, "the others' votes to expire");
    expect_shift(0);
    ntp_client_stop(&client);
}

static void of_two_servers_that_disagree_neither_is_followed(void **state)
{
    (void)state;
    start(2);
    serve_until(all_are_usable, "two servers that agree");
    expect_shift(0);
    fakes[1].shift_ns = 500 * NS_PER_S;
    serve_until(is_disagreeing, "a contradiction");
    expect_shift(0);
    assert_int_equal(ntp_client_status(&client).usable, 0);
    fakes[1].shift_ns = 0;
    serve_until(is_synchronised, "agreement");
    expect_shift(0);
    ntp_client_stop(&client);
}

static void without_a_majority_there_is_no_first_time(void **state)
{
    (void)state;
    fakes[1].shift_ns = 500 * NS_PER_S;
    start(2);
    serve_until(is_disagreeing, "a contradiction");
    int64_t offset_ns;
    assert_false(ntp_client_offset(&client, &offset_ns));
    assert_true(first_round_is_over());
    ntp_client_stop(&client);
}

static void a_lost_server_leaves_its_time(void **state)
{
    (void)state;
    fakes[0].shift_ns = 1000 * NS_PER_S;
    start(1);
    serve_until(is_synchronised, "the first answer");
    fakes[0].manner = SILENCE;
    serve_until(is_lost, "the end of its vote");
    expect_shift(1000 * NS_PER_S);
    assert_int_equal(ntp_client_status(&client).answering, 0);
    fakes[0].manner = ANSWER;
    serve_until(is_synchronised, "its return");
    ntp_client_stop(&client);
}

static void a_server_that_comes_late_is_found(void **state)
{
    (void)state;
    fakes[0].manner = SILENCE;
    start(1);
    serve_until(first_round_is_over, "the end of the first round");
    assert_int_equal(state_now(), NTP_NONE_YET);
    assert_in_range(fakes[0].requests, 4, 5);
    fakes[0].manner = ANSWER;
    serve_until(is_synchronised, "the first answer");
    ntp_client_stop(&client);
}

static void an_unsynchronised_server_is_waited_for(void **state)
{
    (void)state;
    fakes[0].manner = UNSYNCHRONISED;
    start(1);
    serve_until(first_round_is_over, "the end of the first round");
    assert_int_equal(state_now(), NTP_NONE_YET);
    fakes[0].manner = ANSWER;
    serve_until(is_synchronised, "its synchronisation");
    ntp_client_stop(&client);
}

static void forged_answers_are_passed_over(void **state)
{
    (void)state;
    fakes[0].manner = FORGE_THEN_ANSWER;
    start(1);
    serve_until(is_synchronised, "the true answer");
    assert_int_equal(fakes[0].requests, 1);
    expect_shift(0);
    ntp_client_stop(&client);
}

static bool twelve_requests_at_the_second(void)
{
    return fakes[1].requests >= 12;
}

static void a_server_that_denies_is_not_asked_again(void **state)
{
    (void)state;
    fakes[0].manner = DENY;
    start(2);
    serve_until(one_has_refused, "the refusal");
    serve_until(twelve_requests_at_the_second, "requests at the other");
    assert_int_equal(fakes[0].requests, 1);
    assert_true(is_synchronised());
    ntp_client_stop(&client);
}

static void a_server_that_says_rate_is_asked_less(void **state)
{
    (void)state;
    struct ntp_schedule slow = quick;
    slow.interval_min_ns = 500 * NS_PER_S;
    slow.interval_max_ns = 1000 * NS_PER_S;
    fakes[0].manner = RATE;
    fakes[1].manner = SILENCE;
    start_with(2, &slow);
    serve_until(first_round_is_over, "the end of the first round");
    assert_int_equal(fakes[0].requests, 1); /* instead of four */
    assert_in_range(fakes[1].requests, 4, 5);
    assert_int_equal(ntp_client_status(&client).refused, 0);
    ntp_client_stop(&client);
}

static void a_closed_port_and_an_unknown_name_are_silent_servers(void **state)
{
    (void)state;
    (void)close(fakes[0].fd);
    fakes[0].fd = -1;
    (void)snprintf(servers[1].host, sizeof(servers[1].host), "nowhere.invalid");
    start(3);
    serve_until(is_synchronised, "the one that is left");
    expect_shift(0);
    ntp_client_stop(&client);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    if (getaddrinfo("localhost", NULL, &hints, &found) != 0) {
        print_message("skipped: this machine does not know localhost (/etc/hosts)\n");
        skip();
    }
    freeaddrinfo(found);
    (void)snprintf(servers[0].host, sizeof(servers[0].host), "localhost");
    start(1); /* ::1 may come first, where nobody listens; then 127.0.0.1 has its turn */
    serve_until(is_synchronised, "an answer");
    ntp_client_stop(&client);
}

static void stopping_waits_for_no_server(void **state)
{
    (void)state;
    fakes[0].manner = SILENCE;
    struct ntp_schedule slow = NTP_SCHEDULE_DEFAULT;
    slow.reply_timeout_ns = 1000 * NS_PER_S;
    slow.burst_spacing_ns = 1001 * NS_PER_S;
    for (unsigned i = 0; i < 20; i++) {
        start_with(1, &slow); /* and at once, while it starts */
        ntp_client_stop(&client);
    }
    start_with(1, &slow);
    int64_t before_ns = clock_read().boot_ns;
    ntp_client_stop(&client);
    assert_true(clock_read().boot_ns - before_ns < DEADLINE_NS);
}

static bool the_second_is_stuck(void)
{
    return is_synchronised() && sem_trywait(&stuck) == 0;
}

static void nothing_waits_for_a_name_server(void **state)
{
    (void)state;
    (void)snprintf(servers[1].host, sizeof(servers[1].host), "stuck.invalid");
    start(2);
    serve_until(the_second_is_stuck, "the other server, while one is being looked up");
    assert_int_equal(ntp_client_status(&client).answering, 1);
    ntp_client_stop(&client); /* would not return if it waited: nobody has posted `released` */
    (void)sem_post(&released);
}

#define NTP_TEST(name) cmocka_unit_test_setup_teardown(name, open_fakes, close_fakes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NTP_TEST(the_first_answer_sets_the_time),
        NTP_TEST(every_request_has_its_own_cookie),
        NTP_TEST(a_step_of_the_server_is_followed),
        NTP_TEST(a_lying_server_is_outvoted_even_if_it_answers_first),
        NTP_TEST(of_two_servers_that_disagree_neither_is_followed),
        NTP_TEST(without_a_majority_there_is_no_first_time),
        NTP_TEST(a_lost_server_leaves_its_time),
        NTP_TEST(a_server_that_comes_late_is_found),
        NTP_TEST(an_unsynchronised_server_is_waited_for),
        NTP_TEST(forged_answers_are_passed_over),
        NTP_TEST(a_server_that_denies_is_not_asked_again),
        NTP_TEST(a_server_that_says_rate_is_asked_less),
        NTP_TEST(a_closed_port_and_an_unknown_name_are_silent_servers),
        NTP_TEST(a_name_is_looked_up),
        NTP_TEST(stopping_waits_for_no_server),
        NTP_TEST(nothing_waits_for_a_name_server),
    };
    if (sem_init(&stuck, 0, 0) == -1 || sem_init(&released, 0, 0) == -1)
        return 1;
    return cmocka_run_group_tests_name("ntp_client", tests, NULL, NULL);
}
