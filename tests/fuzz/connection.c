/*
 * connection.c: a whole connection, with events in any order.
 *
 * The first byte is the number of shards.  Then each event is a byte, of which the low four bits
 * say what happens and the high four how much; see run_event().
 * Holds: what comes back are whole answers to what was asked, with ids that only grow, and at the
 * end nothing is borrowed or promised any more.
 */
#include "common/timestamp.h"
#include "tests/fuzz/answers.h"
#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"

#define EVENTS_MAX 400

/* Uses up ticks faster than a fuzzer can think up requests. */
static const char *const requests[] = {
    "GET /generate HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /generate?count=4000 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /generate?count=255&format=binary HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /generate?count=3999&format=text HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /generate?count=2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /generate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET /ready HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
};

/* How far a read or a write goes: 1, 4, 13, 40, 121 ... bytes. */
static size_t length_of(unsigned amount)
{
    size_t len = 1;
    while (amount-- > 0)
        len = len * 3 + 1;
    return len;
}

/* The deadline passes: the loop calls as soon as it can. */
static void let_deadline_pass(struct client *client)
{
    struct workspace *w = client_workspace();
    int64_t deadline_ns = connection_deadline(&client->connection, w);
    if (connection_want(&client->connection, w) == CONNECTION_WANT_CLOSE)
        return;
    if (deadline_ns > client->now.mono_ns) {
        int64_t left_ns = deadline_ns - client->now.mono_ns;
        client_pass(client, left_ns, left_ns);
    }
    connection_on_deadline(&client->connection, w);
}

static void wait_for_tick(struct client *client)
{
    if (connection_want(&client->connection, client_workspace()) != CONNECTION_WANT_TICK)
        return;
    int64_t wait_ns = id_time_wait(&client->now.ids, client->connection.order.due_ns);
    if (wait_ns < NS_PER_S * 60)
        client_pass(client, wait_ns, wait_ns);
    client_tick(client);
}

static void begin_to_drain(struct client *client)
{
    struct workspace *w = client_workspace();
    w->draining = true;
    w->drain_ns = client->now.mono_ns + NS_PER_S / 2;
}

static void run_event(struct client *client, struct span *input)
{
    uint8_t event = fuzz_take_byte(input);
    unsigned amount = event >> 4;
    if (client_workspace()->out.used > 0 && (event & 15) != 11)
        client_receive(client, 0); /* the loop sends in the same turn, or finds that it cannot */
    switch (event & 15) {
    case 0: /* bytes arrive */
        client_send(client, fuzz_take_text(input, fuzz_take_byte(input)));
        break;
    case 1: /* a request arrives */
        client_send(client, span_of(requests[amount % 8]));
        break;
    case 2: /* many requests arrive */
        for (unsigned i = 0; i < 60; i++)
            client_send(client, span_of(requests[amount % 8]));
        break;
    case 3:
        client->finished = true;
        break;
    case 4: /* time passes */
        client_pass(client, (int64_t)amount * NS_PER_MS, (int64_t)amount * NS_PER_MS);
        break;
    case 5: /* more of it */
        client_pass(client, (int64_t)amount * 700 * NS_PER_MS, (int64_t)amount * 700 * NS_PER_MS);
        break;
    case 6: /* the wall clock is set */
        client_pass(client, ((int64_t)amount - 8) * 500 * NS_PER_MS, 0);
        break;
    case 7:
        let_deadline_pass(client);
        break;
    case 8:
        client_tick(client); /* maybe too early */
        break;
    case 9:
        wait_for_tick(client);
        break;
    case 10:
        client_deliver(client, length_of(amount));
        break;
    case 11:
        client_receive(client, amount == 0 ? 0 : length_of(amount - 1));
        break;
    case 12:
        begin_to_drain(client);
        break;
    default: /* the loop runs */
        (void)client_turn(client, length_of(amount));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = fuzz_text(data, size);
    struct client client;
    client_open(&client, 1 + fuzz_take_byte(&input) % 3);
    enum connection_want want = CONNECTION_WANT_INPUT;
    for (unsigned i = 0; i < EVENTS_MAX && input.len > 0 && want != CONNECTION_WANT_CLOSE; i++) {
        run_event(&client, &input);
        want = connection_want(&client.connection, client_workspace());
    }

    /* Is it to be closed in the middle of an answer?  Then what was sent of it is no answer. */
    bool whole = connection_is_idle(&client.connection) && want == CONNECTION_WANT_INPUT;
    answers_check((struct span){client.queue, client.heeded},
                  (struct span){client.transcript, client.received}, whole);
    client_close(&client);
    return 0;
}
