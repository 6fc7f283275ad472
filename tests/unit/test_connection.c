/*
 * test_connection.c: a connection without a socket.
 * Method: the test is the event loop.  It owns the clock, decides how bytes are cut, how much the
 * "kernel" takes at a time, and checks every byte that comes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/timestamp.h"
#include "server/connection/connection.h"
#include "tests/unit/connection_fixture.h"
#include "tests/unit/random.h"

/* Sends what wants to be sent, at most `most` bytes at a time; returns what is wanted then. */
static enum connection_want pump(struct fixture *f, size_t most)
{
    for (;;) {
        enum connection_want want = connection_want(&f->connection, &f->workspace);
        if (want == CONNECTION_WANT_SHUTDOWN) {
            f->shut_down = true;
            connection_on_shutdown(&f->connection, &f->workspace);
            continue;
        }
        if (want != CONNECTION_WANT_OUTPUT)
            return want;
        struct span pending = connection_pending(&f->connection, &f->workspace);
        assert_true(pending.len > 0);
        size_t len = pending.len < most ? pending.len : most;
        assert_true(f->sent_len + len < SENT_MAX);
        memcpy(f->sent + f->sent_len, pending.base, len);
        f->sent_len += len;
        connection_on_output(&f->connection, &f->workspace, len);
    }
}

static void arrive(struct fixture *f, const char *bytes, size_t len)
{
    struct http_output space = connection_space(&f->connection, &f->workspace);
    assert_true(len <= space.capacity);
    memcpy(space.base, bytes, len);
    connection_on_input(&f->connection, &f->workspace, len);
}

static enum connection_want feed(struct fixture *f, const char *text)
{
    arrive(f, text, strlen(text));
    return pump(f, ALL);
}

static const char *sent(struct fixture *f)
{
    f->sent[f->sent_len] = '\0';
    return f->sent;
}

static void forget_sent(struct fixture *f)
{
    f->sent_len = 0;
}

static size_t count_text(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void assert_begins(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("expected '%s...', got '%.120s'", start, text);
}

/* ---- Requests and answers
 * ------------------------------------------------------------------------ */

static void a_request_is_answered_and_the_connection_stays_open(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, GET), CONNECTION_WANT_INPUT);
    assert_begins(sent(f), "HTTP/1.1 200 OK\r\n");
    assert_non_null(strstr(sent(f), "\r\n\r\n{\"id\":16777232"));
    assert_non_null(strstr(sent(f), ",\"timestamp\":1409539600}"));
    assert_null(strstr(sent(f), "Connection:"));
    assert_true(connection_is_idle(&f->connection));
}

static void every_cut_of_two_requests_gets_the_same_answers(void **state)
{
    (void)state;
    static const char text[] = "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                               "HEAD /info HTTP/1.1\r\nhost:b\r\n\r\n";
    char expected[2048] = "";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        void *fresh = NULL;
        (void)setup(&fresh);
        struct fixture *f = fresh;
        if (cut > 0)
            arrive(f, text, cut);
        assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
        if (cut < sizeof(text) - 1)
            arrive(f, text + cut, sizeof(text) - 1 - cut);
        assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
        if (cut == 0)
            memcpy(expected, sent(f), f->sent_len + 1);
        assert_string_equal(sent(f), expected);
        assert_true(connection_is_idle(&f->connection));
        (void)teardown(&fresh);
    }
    assert_int_equal(count_text(expected, "HTTP/1.1 200 OK"), 2);
}

static void pipelined_requests_are_answered_in_one_write(void **state)
{
    struct fixture *f = *state;
    char text[101 * sizeof(GET)] = "";
    for (int i = 0; i < 100; i++)
        memcpy(text + (size_t)i * (sizeof(GET) - 1), GET, sizeof(GET));
    arrive(f, text, strlen(text));
    struct span pending = connection_pending(&f->connection, &f->workspace);
    size_t len = pending.len;
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
    assert_int_equal(f->sent_len, len);
    assert_int_equal(count_text(sent(f), "HTTP/1.1 200 OK"), 100);
}

static void a_large_answer_waits_until_those_before_it_are_sent(void **state)
{
    static const char many[] = "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char large[] = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n" GET;
    static const size_t kernels[] = {ALL, 4096, 1};
    (void)state;
    for (size_t kernel = 0; kernel < sizeof(kernels) / sizeof(kernels[0]); kernel++) {
        for (size_t count = 0; count <= 60; count += 5) {
            void *fresh = NULL;
            (void)setup(&fresh);
            struct fixture *f = fresh;
            char text[60 * sizeof(many) + sizeof(large)] = "";
            for (size_t i = 0; i < count; i++)
                memcpy(text + i * (sizeof(many) - 1), many, sizeof(many));
            memcpy(text + count * (sizeof(many) - 1), large, sizeof(large));
            arrive(f, text, strlen(text));
            assert_int_equal(pump(f, kernels[kernel]), CONNECTION_WANT_INPUT);
            assert_true(connection_is_idle(&f->connection));

            size_t page = 0; /* begins the console's answer */
            for (size_t i = 0; i < count; i++)
                page += (size_t)(strstr(f->sent + page + 1, "HTTP/1.1 ") - (f->sent + page));
            assert_non_null(strstr(f->sent + page, "\r\nContent-Encoding: gzip\r\n"));
            assert_non_null(
                memmem(f->sent + page, f->sent_len - page, "{\"id\":", strlen("{\"id\":")));
            (void)teardown(&fresh);
        }
    }
}

static void a_full_kernel_gets_the_same_bytes_piece_by_piece(void **state)
{
    struct fixture *f = *state;
    arrive(f, GET GET GET, strlen(GET GET GET));
    assert_int_equal(pump(f, 7), CONNECTION_WANT_INPUT);
    assert_int_equal(count_text(sent(f), "HTTP/1.1 200 OK"), 3);
    assert_int_equal(count_text(sent(f), "\"timestamp\":1409539600}"), 3);
}

static void a_request_behind_unsent_output_waits_its_turn(void **state)
{
    struct fixture *f = *state;
    arrive(f, GET, strlen(GET));
    assert_int_equal(counter_read(&f->workspace.counters.unsent), 0);
    connection_on_output(&f->connection, &f->workspace, 10);
    assert_int_equal(counter_read(&f->workspace.counters.unsent), 1);
    assert_int_equal(connection_want(&f->connection, &f->workspace), CONNECTION_WANT_OUTPUT);
    connection_on_output(&f->connection, &f->workspace, 0); /* the kernel takes nothing */
    assert_int_equal(connection_want(&f->connection, &f->workspace), CONNECTION_WANT_OUTPUT);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
}

static void an_http_1_0_client_is_left_after_its_answer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, "GET /health HTTP/1.0\r\n\r\n"), CONNECTION_WANT_CLOSE);
    assert_non_null(strstr(sent(f), "Connection: close\r\n"));
    assert_false(f->shut_down); /* nothing more can come: closing at once is enough */
}

static void an_http_1_0_client_may_keep_alive(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                     CONNECTION_WANT_INPUT);
    assert_non_null(strstr(sent(f), "Connection: keep-alive\r\n"));
}

static void nonsense_is_refused_and_the_connection_lingers_then_closes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, "\x16\x03\x01"), CONNECTION_WANT_INPUT);
    assert_begins(sent(f), "HTTP/1.1 400 ");
    assert_true(f->shut_down);
    forget_sent(f);
    assert_int_equal(feed(f, GET), CONNECTION_WANT_INPUT); /* read, dropped */
    assert_int_equal(f->sent_len, 0);
    connection_on_input(&f->connection, &f->workspace, 0);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_CLOSE);
}

static void a_client_that_waits_for_100_gets_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, "GET /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                             "Content-Length: 4\r\n\r\n"),
                     CONNECTION_WANT_INPUT);
    assert_string_equal(sent(f), "HTTP/1.1 100 Continue\r\n\r\n");
    forget_sent(f);
    (void)feed(f, "ab");
    assert_int_equal(f->sent_len, 0);
    (void)feed(f, "cd");
    assert_begins(sent(f), "HTTP/1.1 200 ");
}

static void a_body_over_the_bound_is_refused_before_it_comes(void **state)
{
    struct fixture *f = *state;
    (void)feed(f, "GET /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 65537\r\n\r\n");
    assert_begins(sent(f), "HTTP/1.1 413 ");
}

static void a_body_of_many_pieces_is_dropped_and_the_head_is_kept(void **state)
{
    struct fixture *f = *state;
    static char piece[4096];
    memset(piece, 'x', sizeof(piece));
    (void)feed(f, "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 40960\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(f->sent_len, 0);
        arrive(f, piece, sizeof(piece));
        (void)pump(f, ALL);
    }
    assert_begins(sent(f), "HTTP/1.1 200 ");
    assert_true(connection_is_idle(&f->connection));
}

static void half_closed_clients_get_their_answer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(feed(f, GET), CONNECTION_WANT_INPUT);
    connection_on_input(&f->connection, &f->workspace, 0);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_CLOSE);
    assert_int_equal(count_text(sent(f), "200 OK"), 1);
}

/* ---- Waiting for ids
 * ----------------------------------------------------------------------------- */

static void use_up_the_tick(struct fixture *f)
{
    (void)feed(f, "GET /generate?count=256 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_begins(sent(f), "HTTP/1.1 200 ");
    forget_sent(f);
}

static void a_request_waits_for_the_next_tick_and_no_longer(void **state)
{
    struct fixture *f = *state;
    use_up_the_tick(f);
    assert_int_equal(feed(f, GET GET), CONNECTION_WANT_TICK);
    assert_int_equal(f->sent_len, 0);
    assert_int_equal(f->connection.order.due_ns, NOON_NS + 2 * TICK_NS);

    pass(f, TICK_NS - 1);
    connection_on_tick(&f->connection, &f->workspace); /* too early: no harm */
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_TICK);
    pass(f, 1);
    connection_on_tick(&f->connection, &f->workspace);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
    assert_int_equal(count_text(sent(f), "HTTP/1.1 200 OK"), 2);
}

static void a_batch_over_many_ticks_is_all_there_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    enum connection_want want =
        feed(f, "GET /generate?count=10000&format=text HTTP/1.1\r\nHost: a\r\n\r\n");
    int ticks = 0;
    for (; want == CONNECTION_WANT_TICK; ticks++) {
        assert_int_equal(f->sent_len, 0);
        pass(f, f->connection.order.due_ns - f->now.wall_ns);
        connection_on_tick(&f->connection, &f->workspace);
        want = pump(f, 1000);
    }
    assert_int_equal(ticks, 39); /* 40 ticks of 256, the first one at once */
    const char *body = strstr(sent(f), "\r\n\r\n") + 4;
    assert_int_equal(count_text(body, "\n"), 10000);
    uint64_t previous = 0;
    for (const char *at = body; *at != '\0'; at = strchr(at, '\n') + 1) {
        uint64_t id = 0;
        assert_int_equal(parse_u64((struct span){at, strcspn(at, "\n")}, 0, UINT64_MAX, &id), 0);
        assert_true(id > previous);
        previous = id;
    }
}

static void an_order_that_cannot_be_filled_in_time_is_refused_with_a_retry(void **state)
{
    struct fixture *f = *state;
    f->now = moment_plain(f->now.wall_ns - 5 * NS_PER_S,
                          f->now.mono_ns); /* the clock goes back further than a request may wait */
    workspace_set_time(&f->workspace, f->now);
    assert_int_equal(feed(f, GET), CONNECTION_WANT_INPUT);
    assert_begins(sent(f), "HTTP/1.1 503 ");
    /* in 4 s the clock is so near that a request can wait for the rest */
    assert_non_null(strstr(sent(f), "Retry-After: 4\r\n"));
    forget_sent(f);
    (void)feed(f, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_begins(sent(f), "HTTP/1.1 503 ");
}

static void a_waiting_request_gets_503_when_its_time_is_up(void **state)
{
    struct fixture *f = *state;
    use_up_the_tick(f);
    assert_int_equal(feed(f, GET), CONNECTION_WANT_TICK);
    f->now.mono_ns += 1000 * NS_PER_MS; /* the wall clock stands still */
    workspace_set_time(&f->workspace, f->now);
    assert_true(connection_deadline(&f->connection, &f->workspace) <= f->now.mono_ns);
    connection_on_deadline(&f->connection, &f->workspace);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
    assert_begins(sent(f), "HTTP/1.1 503 ");
}

static void a_large_answer_in_small_pieces_is_the_same_answer(void **state)
{
    (void)state;
    struct fixture *f = open_with(64);
    void *release = f;
    pass(f, TICK_NS);
    static const char request[] = "GET /generate?count=10000 HTTP/1.1\r\nHost: a\r\n\r\n";
    arrive(f, request, sizeof(request) - 1);
    assert_int_equal(f->connection.state, CONNECTION_LARGE);
    size_t steps = 0;
    while (connection_want(&f->connection, &f->workspace) == CONNECTION_WANT_OUTPUT) {
        struct span pending = connection_pending(&f->connection, &f->workspace);
        size_t len = pending.len < 9973 ? pending.len : 9973;
        memcpy(f->sent + f->sent_len, pending.base, len);
        f->sent_len += len;
        connection_on_output(&f->connection, &f->workspace, len);
        pass(f, NS_PER_S); /* a new Date would change the answer half-way */
        steps++;
    }
    assert_true(steps > 10);
    const char *body = strstr(sent(f), "\r\n\r\n") + 4;
    const char *length = strstr(sent(f), "Content-Length: ") + 16;
    uint64_t stated = 0;
    assert_int_equal(
        parse_u64((struct span){length, strcspn(length, "\r")}, 0, UINT64_MAX, &stated), 0);
    assert_int_equal(stated, strlen(body));
    assert_int_equal(count_text(body, ","), 10000); /* 9,999 between ids, 1 before timestamp */
    (void)teardown(&release);
}

/* ---- Deadlines and the end
 * ----------------------------------------------------------------------- */

static void half_a_head_is_answered_408_after_its_time(void **state)
{
    struct fixture *f = *state;
    (void)feed(f, "GET /gen");
    int64_t deadline_ns = connection_deadline(&f->connection, &f->workspace);
    pass(f, 3 * NS_PER_S);
    (void)feed(f, "erate"); /* does not buy more time */
    assert_int_equal(connection_deadline(&f->connection, &f->workspace), deadline_ns);
    assert_int_equal(deadline_ns, f->now.mono_ns + 7 * NS_PER_S);
    connection_on_deadline(&f->connection, &f->workspace);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_INPUT);
    assert_begins(sent(f), "HTTP/1.1 408 ");
    assert_true(f->shut_down);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    struct fixture *f = *state;
    pass(f, 5 * NS_PER_S);
    (void)feed(f, GET);
    forget_sent(f);
    assert_int_equal(connection_deadline(&f->connection, &f->workspace),
                     f->now.mono_ns + 60 * NS_PER_S);
    connection_on_deadline(&f->connection, &f->workspace);
    assert_int_equal(pump(f, ALL), CONNECTION_WANT_CLOSE);
    assert_int_equal(f->sent_len, 0);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
    struct fixture *f = *state;
    arrive(f, GET, strlen(GET));
    connection_on_output(&f->connection, &f->workspace, 0);
    assert_int_equal(connection_deadline(&f->connection, &f->workspace),
                     f->now.mono_ns + 5 * NS_PER_S);
    connection_on_deadline(&f->connection, &f->workspace);
    assert_int_equal(connection_want(&f->connection, &f->workspace), CONNECTION_WANT_CLOSE);
}

static void while_draining_the_last_answer_says_close(void **state)
{
    struct fixture *f = *state;
    f->workspace.draining = true;
    f->workspace.drain_ns = f->now.mono_ns + 1;
    assert_int_equal(connection_deadline(&f->connection, &f->workspace), f->now.mono_ns + 1);
    (void)feed(f, GET GET);
    assert_int_equal(count_text(sent(f), "HTTP/1.1 200 OK"), 2);
    assert_int_equal(count_text(sent(f), "Connection: close"), 1);
    assert_true(f->shut_down);
}

static void a_request_that_waited_when_draining_began_gets_the_last_answer(void **state)
{
    struct fixture *f = *state;
    use_up_the_tick(f);
    assert_int_equal(feed(f, GET), CONNECTION_WANT_TICK);
    f->workspace.draining = true;
    pass(f, TICK_NS);
    connection_on_tick(&f->connection, &f->workspace);
    (void)pump(f, ALL);
    assert_begins(sent(f), "HTTP/1.1 200 ");
    assert_non_null(strstr(sent(f), "Connection: close\r\n"));
    assert_true(f->shut_down);
}

static void any_order_of_events_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        GET,
        "GET /generate?count=10000&format=binary HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /generate?count=300 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "lo\r\n0\r\n\r\n",
        "HEAD /generate HTTP/1.1\r\n",
        "Host: a\r\n\r\n",
        "Connection: close\r\n",
        "\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "\x01",
    };
    struct random random = {1};
    for (int round = 0; round < 1000; round++) {
        struct fixture *f = open_with(1 + (uint32_t)random_below(&random, 3));
        void *release = f;
        for (int step = 0; step < 40; step++) {
            enum connection_want want = connection_want(&f->connection, &f->workspace);
            if (want == CONNECTION_WANT_CLOSE)
                break;
            if (want == CONNECTION_WANT_SHUTDOWN)
                connection_on_shutdown(&f->connection, &f->workspace);
            pass(f, (int64_t)random_below(&random, 2 * TICK_NS));
            if (want == CONNECTION_WANT_OUTPUT) {
                size_t len = connection_pending(&f->connection, &f->workspace).len;
                connection_on_output(&f->connection, &f->workspace, random_below(&random, len + 1));
            } else if (random_below(&random, 50) == 0) {
                connection_on_deadline(&f->connection, &f->workspace);
            } else if (want == CONNECTION_WANT_TICK) {
                connection_on_tick(&f->connection, &f->workspace);
            } else if (want == CONNECTION_WANT_INPUT) {
                const char *piece =
                    pieces[random_below(&random, sizeof(pieces) / sizeof(pieces[0]))];
                size_t len = random_below(&random, 60) == 0 ? 0 : strlen(piece);
                struct http_output space = connection_space(&f->connection, &f->workspace);
                assert_true(space.capacity > 0);
                len = len < space.capacity ? len : space.capacity;
                memcpy(space.base, piece, len);
                connection_on_input(&f->connection, &f->workspace, len);
            }
        }
        f->workspace.out.used = 0;
        (void)teardown(&release); /* checks that every block is back */
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_and_the_connection_stays_open),
        cmocka_unit_test(every_cut_of_two_requests_gets_the_same_answers),
        TEST(pipelined_requests_are_answered_in_one_write),
        TEST(a_large_answer_waits_until_those_before_it_are_sent),
        TEST(a_full_kernel_gets_the_same_bytes_piece_by_piece),
        TEST(a_request_behind_unsent_output_waits_its_turn),
        TEST(an_http_1_0_client_is_left_after_its_answer),
        TEST(an_http_1_0_client_may_keep_alive),
        TEST(nonsense_is_refused_and_the_connection_lingers_then_closes),
        TEST(a_client_that_waits_for_100_gets_it),
        TEST(a_body_over_the_bound_is_refused_before_it_comes),
        TEST(a_body_of_many_pieces_is_dropped_and_the_head_is_kept),
        TEST(half_closed_clients_get_their_answer),
        TEST(a_request_waits_for_the_next_tick_and_no_longer),
        TEST(a_batch_over_many_ticks_is_all_there_or_not_at_all),
        TEST(an_order_that_cannot_be_filled_in_time_is_refused_with_a_retry),
        TEST(a_waiting_request_gets_503_when_its_time_is_up),
        cmocka_unit_test(a_large_answer_in_small_pieces_is_the_same_answer),
        TEST(half_a_head_is_answered_408_after_its_time),
        TEST(an_idle_connection_is_closed_without_a_word),
        TEST(a_client_that_does_not_read_is_dropped),
        TEST(while_draining_the_last_answer_says_close),
        TEST(a_request_that_waited_when_draining_began_gets_the_last_answer),
        cmocka_unit_test(any_order_of_events_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
