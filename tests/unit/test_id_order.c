/*
 * test_id_order.c: how orders share the ticks, against a clock the test owns; and the bodies that
 * complete orders become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "common/timestamp.h"
#include "server/api/id_body.h"
#include "server/api/id_order.h"
#include "tests/unit/service_fixture.h"

#define TICK_NS SONYFLAKE_TIME_UNIT_NS
#define NOON_NS (SONYFLAKE_START_TIME_NS + 1000000 * TICK_NS)

struct fixture {
    struct service service;
    struct block_pool blocks;
    struct moment now;
};

static void open_fixture(struct fixture *f, struct shard_range shards, uint64_t max_wait_ms)
{
    static struct settings settings;
    settings.shards = shards;
    settings.start_time_ns = SONYFLAKE_START_TIME_NS;
    settings.max_batch = 10000;
    settings.max_wait_ms = max_wait_ms;
    assert_int_equal(service_create_after(&settings, NOON_NS, &f->service), SONYFLAKE_OK);
    size_t block_size = id_order_runs_max(&f->service) * sizeof(struct sonyflake_run);
    assert_int_equal(block_pool_create(&f->blocks, block_size, 2), 0);
    f->now = moment_plain(NOON_NS + TICK_NS, 5 * NS_PER_S);
}

static void close_fixture(struct fixture *f)
{
    assert_int_equal(f->blocks.returned_count, f->blocks.fresh_count);
    block_pool_destroy(&f->blocks);
    service_destroy(&f->service);
}

static enum id_order_progress advance(struct fixture *f, struct id_order *order)
{
    enum sonyflake_status status;
    int64_t wait_ns;
    return id_order_advance(order, &f->service, &f->blocks, f->now, &status, &wait_ns);
}

static void pass(struct fixture *f, int64_t ns)
{
    f->now = moment_plain(f->now.wall_ns + ns, f->now.mono_ns + ns);
}

static void a_single_id_comes_within_two_ticks_while_a_large_order_is_made(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    struct id_order large = {0};
    struct id_order single = {0};
    int64_t longest_ns = 0;

    id_order_start(&large, &f.service, 10000, f.now);
    while (advance(&f, &large) == ID_ORDER_WAIT) {
        id_order_start(&single, &f.service, 1, f.now);
        int64_t asked_ns = f.now.wall_ns;
        if (advance(&f, &single) == ID_ORDER_WAIT) {
            int64_t wait_ns = single.due_ns - asked_ns;
            longest_ns = wait_ns > longest_ns ? wait_ns : longest_ns;
        }
        id_order_release(&single, &f.service, &f.blocks);
        pass(&f, TICK_NS / 2);
    }
    assert_int_equal(large.taken, 10000);
    assert_in_range(longest_ns, 0, 2 * TICK_NS);
    id_order_release(&large, &f.service, &f.blocks);
    close_fixture(&f);
}

/* The ticks that a single id waits behind a crowd of orders that come before it, at one moment. */
static int64_t ticks_behind_a_crowd(uint32_t shards, uint32_t orders_max)
{
    static struct id_order orders[400];
    struct fixture f;
    assert_in_range(orders_max, 1, sizeof(orders) / sizeof(orders[0]));
    open_fixture(&f, (struct shard_range){1, shards}, 20000);
    memset(orders, 0, sizeof(orders));
    for (uint32_t i = 0; i < orders_max; i++) {
        id_order_start(&orders[i], &f.service, 10000, f.now);
        (void)advance(&f, &orders[i]);
    }
    struct id_order single = {0};
    id_order_start(&single, &f.service, 1, f.now);
    (void)advance(&f, &single);
    int64_t wait_ns = single.due_ns - f.now.wall_ns;

    id_order_release(&single, &f.service, &f.blocks);
    for (uint32_t i = 0; i < orders_max; i++)
        id_order_release(&orders[i], &f.service, &f.blocks);
    assert_int_equal(atomic_load(&f.service.promised), 0);
    close_fixture(&f);
    return wait_ns / TICK_NS;
}

static void a_single_id_comes_soon_however_many_orders_came_before_it(void **state)
{
    (void)state;
    /* Orders that take their ids in one go, in two, and in many. */
    assert_in_range(ticks_behind_a_crowd(1024, 400), 0, 5);
    assert_in_range(ticks_behind_a_crowd(64, 150), 0, 5);
    assert_in_range(ticks_behind_a_crowd(1, 2), 0, 5);
}

static void large_orders_are_made_one_after_the_other(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    struct id_order first = {0};
    struct id_order second = {0};
    id_order_start(&first, &f.service, 10000, f.now);
    id_order_start(&second, &f.service, 10000, f.now);
    assert_int_equal(advance(&f, &first), ID_ORDER_WAIT);
    assert_int_equal(advance(&f, &second), ID_ORDER_WAIT);
    assert_false(id_order_is_in_line(&first));
    assert_true(id_order_is_in_line(&second));
    assert_int_equal(second.taken, 0);
    /* the first has taken 384 at once; 37 ticks make the rest; it begins 3 ticks early */
    assert_true(second.due_ns == f.now.wall_ns + 34 * TICK_NS);

    id_order_release(&first, &f.service, &f.blocks);
    assert_int_equal(atomic_load(&f.service.promised), 10000);
    id_order_release(&second, &f.service, &f.blocks);
    assert_int_equal(atomic_load(&f.service.promised), 0);
    close_fixture(&f);
}

static void an_order_without_a_chance_is_refused_before_it_takes_an_id(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    struct id_order orders[20] = {0};
    unsigned refused = 0;
    for (unsigned i = 0; i < 20; i++) {
        id_order_start(&orders[i], &f.service, 10000, f.now);
        if (advance(&f, &orders[i]) == ID_ORDER_REFUSED) {
            assert_int_equal(orders[i].taken, 0);
            id_order_release(&orders[i], &f.service, &f.blocks);
            refused++;
        }
    }
    assert_int_equal(refused, 18); /* two fit into the 875 ms that an order may count on */
    assert_int_equal(atomic_load(&f.service.promised), 2 * 10000 - orders[0].taken);
    for (unsigned i = 0; i < 20; i++)
        id_order_release(&orders[i], &f.service, &f.blocks);
    close_fixture(&f);
}

enum { CLIENTS_MAX = 200, STEPS_PER_TICK = 10 };

struct crowd {
    uint32_t clients; /* that ask again the moment they are answered */
    uint32_t count;   /* the ids that each asks for */
    uint32_t singles; /* clients that come in every tick besides, for one id each */
};

struct outcome {
    uint64_t received;         /* ids, by the crowd */
    int64_t longest_single_ns; /* that a single id had to be waited for */
};

static void ask_for_singles(struct fixture *f, uint32_t count, struct outcome *io_outcome)
{
    for (uint32_t i = 0; i < count; i++) {
        struct id_order single = {0};
        id_order_start(&single, &f->service, 1, f->now);
        assert_int_not_equal(advance(f, &single), ID_ORDER_REFUSED);
        int64_t wait_ns = single.due_ns - f->now.wall_ns;
        if (wait_ns > io_outcome->longest_single_ns)
            io_outcome->longest_single_ns = wait_ns;
        id_order_release(&single, &f->service, &f->blocks);
    }
}

static struct outcome play(const struct crowd *crowd, int64_t ticks)
{
    static struct id_order orders[CLIENTS_MAX];
    struct fixture f;
    struct outcome outcome = {0};
    assert_true(crowd->clients <= CLIENTS_MAX);
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    block_pool_destroy(&f.blocks);
    size_t block_size = id_order_runs_max(&f.service) * sizeof(struct sonyflake_run);
    assert_int_equal(block_pool_create(&f.blocks, block_size, CLIENTS_MAX), 0);

    memset(orders, 0, sizeof(orders));
    for (int64_t step = 0; step < ticks * STEPS_PER_TICK; step++) {
        for (uint32_t i = 0; i < crowd->clients; i++) {
            if (orders[i].wanted == 0)
                id_order_start(&orders[i], &f.service, crowd->count, f.now);
            if (orders[i].due_ns > f.now.wall_ns && orders[i].deadline_ns > f.now.mono_ns)
                continue;
            enum id_order_progress progress = advance(&f, &orders[i]);
            if (progress == ID_ORDER_WAIT)
                continue;
            if (progress == ID_ORDER_COMPLETE)
                outcome.received += crowd->count;
            id_order_release(&orders[i], &f.service, &f.blocks);
            orders[i].wanted = 0;
        }
        ask_for_singles(&f, crowd->singles / STEPS_PER_TICK, &outcome);
        pass(&f, TICK_NS / STEPS_PER_TICK);
    }
    for (uint32_t i = 0; i < crowd->clients; i++)
        id_order_release(&orders[i], &f.service, &f.blocks);
    assert_int_equal(atomic_load(&f.service.promised), 0);
    close_fixture(&f);
    return outcome;
}

static void however_greedy_the_crowd_hardly_an_id_is_wasted(void **state)
{
    (void)state;
    static const struct crowd crowds[] = {
        {1, 10000, 0}, {2, 10000, 0}, {3, 10000, 0}, {8, 10000, 0}, {12, 2000, 0}, {30, 1000, 0},
        {110, 256, 0}, {200, 256, 0}, {200, 100, 0}, {64, 1, 0},    {200, 129, 0}};
    for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++) {
        const int64_t ticks = 1000;
        uint64_t received = play(&crowds[i], ticks).received;
        /* What is under way at the end is made, and not counted: up to a second's worth. */
        uint64_t under_way = UINT64_C(256) * 100;
        if (received + under_way < 256 * (uint64_t)ticks * 97 / 100)
            fail_msg("%u clients asking for %u got %lu ids", crowds[i].clients, crowds[i].count,
                     (unsigned long)received);
    }
}

static void single_ids_come_soon_beside_a_crowd_however_many_they_are(void **state)
{
    (void)state;
    /* From a twelfth to two thirds of what there is; the crowd wants more than the rest. */
    static const struct crowd crowds[] = {
        {200, 100, 20}, {200, 100, 80}, {200, 100, 170}, {12, 2000, 170}, {2, 10000, 20}};
    for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++) {
        const int64_t ticks = 1000;
        struct outcome outcome = play(&crowds[i], ticks);
        if (outcome.longest_single_ns > 8 * TICK_NS)
            fail_msg("beside %u clients asking for %u a single id took %ld ns", crowds[i].clients,
                     crowds[i].count, (long)outcome.longest_single_ns);
        assert_true(outcome.received > 0);
    }
}

/* What is in the queue is not waited for a second time. */
static void batches_that_can_be_made_in_time_are_not_refused(void **state)
{
    (void)state;
    enum { BATCHES = 20 };
    struct fixture f;
    struct id_order orders[BATCHES] = {0};
    unsigned complete = 0;
    open_fixture(&f, (struct shard_range){1, 1}, 100);
    for (unsigned i = 0; i < BATCHES; i++) { /* 2,000 ids, in nearly 8 ticks of 10 */
        id_order_start(&orders[i], &f.service, 100, f.now);
        assert_int_not_equal(advance(&f, &orders[i]), ID_ORDER_REFUSED);
    }
    for (unsigned step = 0; step < 10 * STEPS_PER_TICK; step++) {
        for (unsigned i = 0; i < BATCHES; i++) {
            if (orders[i].wanted == 0 || orders[i].due_ns > f.now.wall_ns)
                continue;
            enum id_order_progress progress = advance(&f, &orders[i]);
            assert_int_not_equal(progress, ID_ORDER_REFUSED);
            if (progress == ID_ORDER_COMPLETE) {
                complete++;
                id_order_release(&orders[i], &f.service, &f.blocks);
                orders[i].wanted = 0;
            }
        }
        pass(&f, TICK_NS / STEPS_PER_TICK);
    }
    assert_int_equal(complete, BATCHES);
    close_fixture(&f);
}

static void without_waiting_time_a_used_up_tick_is_refused_at_once(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 0);
    struct id_order order = {0};
    for (int i = 0; i < 256; i++) {
        id_order_start(&order, &f.service, 1, f.now);
        assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
    }
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_REFUSED);
    pass(&f, TICK_NS);
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
    close_fixture(&f);
}

static void when_no_block_is_left_a_scattered_order_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    void *taken[2] = {block_pool_take(&f.blocks), block_pool_take(&f.blocks)};
    struct id_order order = {0};
    id_order_start(&order, &f.service, 2000, f.now);
    enum id_order_progress progress;
    while ((progress = advance(&f, &order)) == ID_ORDER_WAIT)
        pass(&f, TICK_NS);
    assert_int_equal(progress, ID_ORDER_REFUSED);
    id_order_release(&order, &f.service, &f.blocks);
    block_pool_return(&f.blocks, taken[0]);
    block_pool_return(&f.blocks, taken[1]);
    close_fixture(&f);
}

static void the_first_id_is_of_a_later_tick_than_the_start(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    pass(&f, -TICK_NS); /* the very moment of the start */
    struct id_order order = {0};
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_WAIT);
    assert_true(order.due_ns == NOON_NS + TICK_NS);
    close_fixture(&f);
}

/* ---- Clock and mark -------------------------------------------------------------------------- */

/* Orders single ids until one has to wait or is refused; returns what that one was told. */
static enum id_order_progress use_up(struct fixture *f, uint32_t *ret_count)
{
    struct id_order order = {0};
    enum id_order_progress progress = ID_ORDER_COMPLETE;
    for (*ret_count = 0; progress == ID_ORDER_COMPLETE; ++*ret_count) {
        id_order_start(&order, &f->service, 1, f->now);
        progress = advance(f, &order);
        id_order_release(&order, &f->service, &f->blocks);
    }
    --*ret_count;
    return progress;
}

static void
after_a_step_back_the_tick_at_hand_is_used_up_and_then_half_as_many_are_made(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 0);
    uint32_t count;
    struct id_order order = {0};
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);

    /* The source is set back by 5 s: the line goes on where it was, at half the speed. */
    const int64_t line_ns = f.now.ids.line_ns;
    f.now.ids.source_ns -= 5 * NS_PER_S;
    f.now.ids.lead_max_ns = 10 * NS_PER_S;
    assert_int_equal(use_up(&f, &count), ID_ORDER_REFUSED);
    assert_int_equal(count, 255);
    uint32_t total = 0;
    for (int64_t passed_ns = TICK_NS; passed_ns <= 100 * TICK_NS; passed_ns += TICK_NS) {
        f.now.ids.source_ns += TICK_NS;
        f.now.ids.line_ns = line_ns + passed_ns / 2;
        (void)use_up(&f, &count);
        total += count;
    }
    assert_int_equal(total, 50 * 256);
    close_fixture(&f);
}

static void an_order_waits_at_the_mark_and_goes_on_when_it_has_moved(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    struct id_order order = {0};
    f.now.ids.limit_ns = f.now.ids.source_ns; /* this tick must not be shown yet */
    id_order_start(&order, &f.service, 3, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_WAIT);
    assert_int_equal(order.taken, 0);
    f.now.ids.limit_ns += TICK_NS;
    assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
    id_order_release(&order, &f.service, &f.blocks);
    close_fixture(&f);
}

static void ids_taken_below_the_mark_are_not_shown_past_it(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    uint32_t count;
    f.now.ids.limit_ns = f.now.ids.source_ns + TICK_NS;
    assert_int_equal(use_up(&f, &count), ID_ORDER_WAIT); /* the last one took one of the next */
    assert_int_equal(count, 256);
    int64_t limit_ns = f.now.ids.limit_ns;
    struct id_order order = {0};
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_WAIT);
    pass(&f, 5 * TICK_NS);
    f.now.ids.limit_ns = limit_ns;
    assert_int_equal(advance(&f, &order), ID_ORDER_WAIT);
    f.now.ids.limit_ns = limit_ns + 1 * TICK_NS;
    assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
    id_order_release(&order, &f.service, &f.blocks);
    close_fixture(&f);
}

static void a_mark_that_is_stuck_refuses_at_once_what_lies_behind_it(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 1000);
    uint32_t count;
    f.now.ids.limit_ns = f.now.ids.source_ns + TICK_NS;
    f.now.ids.limit_stuck = true;
    assert_int_equal(use_up(&f, &count), ID_ORDER_REFUSED);
    assert_int_equal(count, 256); /* up to the mark all is as ever */
    close_fixture(&f);
}

static void an_order_that_may_not_wait_still_waits_for_a_mark_that_is_behind(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){1, 1}, 0);
    struct id_order order = {0};
    f.now.ids.limit_ns = f.now.ids.source_ns; /* as after a while in which nobody asked */
    id_order_start(&order, &f.service, 1, f.now);
    assert_int_equal(advance(&f, &order), ID_ORDER_WAIT);
    int64_t limit_ns = f.now.ids.source_ns + NS_PER_S;
    pass(&f, 5 * NS_PER_MS);
    f.now.ids.limit_ns = limit_ns;
    assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
    id_order_release(&order, &f.service, &f.blocks);
    close_fixture(&f);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static void assert_body(struct fixture *f, uint32_t count, enum id_format format, bool is_list,
                        const char *expected, size_t expected_len)
{
    char body[512];
    struct id_order order = {0};
    id_order_start(&order, &f->service, count, f->now);
    order.format = format;
    order.is_list = is_list;
    assert_int_equal(advance(f, &order), ID_ORDER_COMPLETE);
    const struct id_body rendered = id_body_of(&order, &f->service);
    assert_int_equal(rendered.len, expected_len);
    assert_in_range(expected_len, 1, id_body_room(count));
    assert_int_equal(id_body_write(&rendered, body), expected_len);
    assert_memory_equal(body, expected, expected_len);
    id_order_release(&order, &f->service, &f->blocks);
    pass(f, TICK_NS);
}

static void each_format_is_what_the_documentation_says(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, (struct shard_range){5, 2}, 1000);
    pass(&f, (24000 - 1) * TICK_NS); /* tick 1024000: ids begin at 1024000 << 24 */
#define EXPECT(count, format, list, text) \
    assert_body(&f, count, format, list, text, sizeof(text) - 1)
    EXPECT(1, ID_FORMAT_NUMBER, false, "{\"id\":17179869184005,\"timestamp\":1409539840}");
    EXPECT(1, ID_FORMAT_STRING, false, "{\"id\":\"17179885961221\",\"timestamp\":1409539840}");
    EXPECT(1, ID_FORMAT_NUMBER, true, "{\"ids\":[17179902738437],\"timestamp\":1409539840}");
    EXPECT(3, ID_FORMAT_NUMBER, true,
           "{\"ids\":[17179919515653,17179919515654,17179919581189],\"timestamp\":1409539840}");
    EXPECT(2, ID_FORMAT_STRING, true,
           "{\"ids\":[\"17179936292869\",\"17179936292870\"],\"timestamp\":1409539840}");
    EXPECT(2, ID_FORMAT_TEXT, false, "17179953070085\n17179953070086\n");
    EXPECT(2, ID_FORMAT_BINARY, false,
           "\x00\x00\x0f\xa0\x06\x00\x00\x05\x00\x00\x0f\xa0\x06\x00\x00\x06");
#undef EXPECT
    close_fixture(&f);
}

static void binary_ids_follow_each_other_wherever_a_byte_overflows(void **state)
{
    (void)state;
    static char body[8 * 700];
    struct fixture f;
    open_fixture(&f, (struct shard_range){0, 65536}, 1000);
    for (uint32_t count = 1; count <= 700; count += 1 + count / 9) {
        struct id_order order = {0};
        id_order_start(&order, &f.service, count, f.now);
        order.format = ID_FORMAT_BINARY;
        assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
        const struct id_body rendered = id_body_of(&order, &f.service);
        assert_int_equal(rendered.len, 8 * count);
        assert_int_equal(id_body_write(&rendered, body), 8 * count);
        struct sonyflake_run run = id_order_runs(&order)[0];
        uint64_t first;
        assert_int_equal(sonyflake_run_ids(f.service.generator, &run, &first, 1), 1);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t id;
            memcpy(&id, body + (size_t)8 * i, sizeof(id));
            assert_true(be64toh(id) == first + i); /* of one tick, and of all machines */
        }
        id_order_release(&order, &f.service, &f.blocks);
    }
    close_fixture(&f);
}

static void a_body_in_which_ids_gain_a_digit_has_the_length_it_states(void **state)
{
    (void)state;
    /* The tick that holds 10^13: ids of it have 13 and 14 digits, given enough shards. */
    const int64_t tick = 10000000000000 >> 24;
    struct fixture f;
    open_fixture(&f, (struct shard_range){0, 65536}, 1000);
    service_destroy(&f.service);
    static struct settings settings = {
        .shards = {0, 65536}, .start_time_ns = SONYFLAKE_START_TIME_NS, .max_batch = 10000};
    const int64_t before_ns = SONYFLAKE_START_TIME_NS + (tick - 1) * TICK_NS;
    assert_int_equal(service_create_after(&settings, before_ns, &f.service), SONYFLAKE_OK);
    f.now = moment_plain(before_ns + TICK_NS, f.now.mono_ns);

    const uint64_t first_with_14 = UINT64_C(10000000000000) - ((uint64_t)tick << 24);
    static char body[300000];
    struct id_order order = {0};
    for (uint64_t issued = 0; issued < first_with_14 + 10000; issued += 10000) {
        id_order_start(&order, &f.service, 10000, f.now);
        order.format = ID_FORMAT_TEXT;
        assert_int_equal(advance(&f, &order), ID_ORDER_COMPLETE);
        const struct id_body rendered = id_body_of(&order, &f.service);
        if (issued + 10000 <= first_with_14)
            assert_int_equal(rendered.len, 10000 * 14);
        if (issued >= first_with_14)
            assert_int_equal(rendered.len, 10000 * 15);
        if (issued + 20000 > first_with_14)
            assert_int_equal(id_body_write(&rendered, body), rendered.len);
        id_order_release(&order, &f.service, &f.blocks);
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_id_comes_within_two_ticks_while_a_large_order_is_made),
        cmocka_unit_test(a_single_id_comes_soon_however_many_orders_came_before_it),
        cmocka_unit_test(large_orders_are_made_one_after_the_other),
        cmocka_unit_test(an_order_without_a_chance_is_refused_before_it_takes_an_id),
        cmocka_unit_test(however_greedy_the_crowd_hardly_an_id_is_wasted),
        cmocka_unit_test(single_ids_come_soon_beside_a_crowd_however_many_they_are),
        cmocka_unit_test(batches_that_can_be_made_in_time_are_not_refused),
        cmocka_unit_test(without_waiting_time_a_used_up_tick_is_refused_at_once),
        cmocka_unit_test(when_no_block_is_left_a_scattered_order_is_refused),
        cmocka_unit_test(the_first_id_is_of_a_later_tick_than_the_start),
        cmocka_unit_test(
            after_a_step_back_the_tick_at_hand_is_used_up_and_then_half_as_many_are_made),
        cmocka_unit_test(an_order_waits_at_the_mark_and_goes_on_when_it_has_moved),
        cmocka_unit_test(ids_taken_below_the_mark_are_not_shown_past_it),
        cmocka_unit_test(an_order_that_may_not_wait_still_waits_for_a_mark_that_is_behind),
        cmocka_unit_test(a_mark_that_is_stuck_refuses_at_once_what_lies_behind_it),
        cmocka_unit_test(each_format_is_what_the_documentation_says),
        cmocka_unit_test(binary_ids_follow_each_other_wherever_a_byte_overflows),
        cmocka_unit_test(a_body_in_which_ids_gain_a_digit_has_the_length_it_states),
    };
    return cmocka_run_group_tests_name("id_order", tests, NULL, NULL);
}
