/*
 * pipeline.c: all that one client sends, read in large pieces and in small ones.
 * Holds: the answers are the same, byte for byte, but for "100 Continue", which depends on what has
 * arrived; and they are whole answers to what was asked.
 */
#include "common/timestamp.h"
#include "tests/fuzz/answers.h"
#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"

static char first[CLIENT_TRANSCRIPT_MAX];

/* Sends it all, in reads of first_len bytes and then most; returns the transcript's length. */
static size_t exchange(struct client *client, struct span bytes, size_t first_len, size_t most)
{
    client_open(client, 1);
    client_send(client, bytes);
    client->finished = true;
    client_deliver(client, first_len);
    for (;;) {
        enum connection_want want = client_turn(client, most);
        if (want != CONNECTION_WANT_TICK)
            break;
        int64_t wait_ns = id_time_wait(&client->now.ids, client->connection.order.due_ns);
        client_pass(client, wait_ns, wait_ns);
        client_tick(client);
    }
    answers_check((struct span){client->queue, client->heeded},
                  (struct span){client->transcript, client->received},
                  client->received < CLIENT_TRANSCRIPT_MAX);
    return answers_drop_continue(client->transcript, client->received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = fuzz_text(data, size);
    struct client client;
    if (size == 0 || size > CLIENT_QUEUE_MAX)
        return 0;
    size_t len = exchange(&client, bytes, SIZE_MAX, SIZE_MAX);
    bool was_full = client.received == CLIENT_TRANSCRIPT_MAX;
    memcpy(first, client.transcript, len);
    client_close(&client);

    uint64_t hash = fuzz_hash(bytes);
    size_t cut = 1 + (size_t)(hash % size);
    size_t step = 1 + (size_t)(hash >> 40) % (size < 600 ? 3 : 256);
    for (unsigned round = 0; round < 2; round++) {
        size_t again = exchange(&client, bytes, cut, round == 0 ? SIZE_MAX : step);
        bool is_full = was_full || client.received == CLIENT_TRANSCRIPT_MAX;
        size_t common = again < len ? again : len;
        MUST((again == len || is_full) && memcmp(client.transcript, first, common) == 0);
        client_close(&client);
    }
    return 0;
}
