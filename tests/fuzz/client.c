#include "tests/fuzz/client.h"

#include "common/timestamp.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/service_fixture.h"

#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * SONYFLAKE_TIME_UNIT_NS)
#define START_MONO_NS (77 * NS_PER_S)

/* Made once: reserving memory takes longer than most inputs. */
static struct workspace workspace;
static char queue[CLIENT_QUEUE_MAX];
static char transcript[CLIENT_TRANSCRIPT_MAX];

static const struct settings *fixed_settings(uint32_t shard_count)
{
    static struct settings settings = {
        .start_time_ns = SONYFLAKE_START_TIME_NS,
        .max_batch = 4000,
        .max_wait_ms = 1000,
        .head_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .write_timeout_ms = 5000,
        .max_clock_lead_ns = 10 * NS_PER_S,
        .max_clock_leap_ns = INT64_MAX,
    };
    settings.shards = (struct shard_range){.first = 7, .count = shard_count};
    return &settings;
}

struct workspace *client_workspace(void)
{
    return &workspace;
}

/* With one shard an order has the most runs, so the blocks are large enough for any number. */
static void create_workspace(void)
{
    struct service service;
    const struct settings *settings = fixed_settings(1);
    MUST(service_create_after(settings, NOON_NS, &service) == SONYFLAKE_OK);
    MUST(workspace_create(&workspace, &service, settings, 4) == 0);
    service_destroy(&service);
}

void client_open(struct client *client, uint32_t shard_count)
{
    if (workspace.input == NULL)
        create_workspace();
    *client = (struct client){.queue = queue, .transcript = transcript};
    MUST(service_create_after(fixed_settings(shard_count), NOON_NS, &client->service) ==
         SONYFLAKE_OK);
    workspace.service = &client->service;
    workspace.draining = false;
    workspace.out.used = 0;
    client_pass(client, NOON_NS + SONYFLAKE_TIME_UNIT_NS, START_MONO_NS);
    connection_open(&client->connection, &workspace);
}

static void check_pool(const struct block_pool *pool)
{
    MUST(pool->returned_count == pool->fresh_count);
}

void client_close(struct client *client)
{
    connection_close(&client->connection, &workspace);
    check_pool(&workspace.inputs);
    check_pool(&workspace.outputs);
    check_pool(&workspace.runs);
    MUST(client->service.promised == 0);
    service_destroy(&client->service);
}

void client_send(struct client *client, struct span bytes)
{
    size_t room = CLIENT_QUEUE_MAX - client->queued;
    size_t len = bytes.len < room ? bytes.len : room;
    if (client->finished || len == 0)
        return;
    memcpy(client->queue + client->queued, bytes.base, len);
    client->queued += len;
}

void client_pass(struct client *client, int64_t wall_ns, int64_t mono_ns)
{
    int64_t wall = client->now.wall_ns + wall_ns;
    client->now = moment_plain(wall > 0 ? wall : 0, client->now.mono_ns + mono_ns);
    workspace_set_time(&workspace, client->now);
}

void client_deliver(struct client *client, size_t most)
{
    struct connection *c = &client->connection;
    if (connection_want(c, &workspace) != CONNECTION_WANT_INPUT)
        return;
    size_t waiting = client->queued - client->delivered;
    if (waiting == 0) {
        if (client->finished && !client->end_delivered)
            connection_on_input(c, &workspace, 0);
        client->end_delivered = client->finished;
        return;
    }
    struct http_output space = connection_space(c, &workspace);
    MUST(space.capacity > 0);
    size_t len = waiting < most ? waiting : most;
    len = len < space.capacity ? len : space.capacity;
    memcpy(space.base, client->queue + client->delivered, len);
    client->delivered += len;
    if (c->state != CONNECTION_LINGER)
        client->heeded = client->delivered;
    connection_on_input(c, &workspace, len);
}

void client_receive(struct client *client, size_t most)
{
    struct connection *c = &client->connection;
    if (connection_want(c, &workspace) != CONNECTION_WANT_OUTPUT)
        return;
    struct span pending = connection_pending(c, &workspace);
    MUST(pending.len > 0);
    size_t room = CLIENT_TRANSCRIPT_MAX - client->received;
    size_t len = pending.len < most ? pending.len : most;
    len = len < room ? len : room;
    memcpy(client->transcript + client->received, pending.base, len);
    client->received += len;
    connection_on_output(c, &workspace, len);
}

void client_tick(struct client *client)
{
    if (connection_want(&client->connection, &workspace) == CONNECTION_WANT_TICK)
        connection_on_tick(&client->connection, &workspace);
}

enum connection_want client_turn(struct client *client, size_t most)
{
    for (;;) {
        enum connection_want want = connection_want(&client->connection, &workspace);
        bool has_input =
            client->queued > client->delivered || (client->finished && !client->end_delivered);
        if (want == CONNECTION_WANT_SHUTDOWN)
            connection_on_shutdown(&client->connection, &workspace);
        else if (want == CONNECTION_WANT_OUTPUT && client->received < CLIENT_TRANSCRIPT_MAX)
            client_receive(client, SIZE_MAX);
        else if (want == CONNECTION_WANT_INPUT && has_input)
            client_deliver(client, most);
        else
            return want;
    }
}
