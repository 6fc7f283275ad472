#include "server/api/id_order.h"

#include <string.h>

#include "common/bug.h"
#include "common/timestamp.h"

/*
 * How early an order begins, before those in front of it are made.  Some ids are then always taken
 * from coming ticks, so that a worker which does not run for a moment loses none; and not so many
 * that a single id has to wait for long.
 */
#define EARLY_TICKS 3

/* What a request waits at least when nobody has asked for ids for a while and the mark is behind.
 */
#define MARK_PATIENCE_NS (100 * NS_PER_MS)

size_t id_order_runs_max(const struct service *service)
{
    /*
     * In one tick an order gets at most three runs: a tick is two quanta, and one more may begin or
     * end in it.  It lives for max_wait_ns.
     */
    uint64_t ticks = (uint64_t)(service->max_wait_ns / service->layout.time_unit_ns) + 2;
    uint64_t runs = 3 * ticks;
    return runs < service->max_batch ? runs : service->max_batch;
}

void id_order_start(struct id_order *order, const struct service *service, uint32_t wanted,
                    struct moment now)
{
    BUG_IF(wanted == 0 || wanted > service->max_batch);
    order->wanted = wanted;
    order->taken = 0;
    order->promised = 0;
    order->run_count = 0;
    order->block = NULL;
    order->due_ns = now.ids.source_ns;
    bool mark_is_behind = now.ids.source_ns >= now.ids.limit_ns;
    int64_t wait_ns = service->max_wait_ns;
    if (mark_is_behind && wait_ns < MARK_PATIENCE_NS)
        wait_ns = MARK_PATIENCE_NS;
    order->asked_ns = now.mono_ns;
    order->deadline_ns = now.mono_ns + wait_ns;
}

const struct sonyflake_run *id_order_runs(const struct id_order *order)
{
    return order->block != NULL ? order->block : order->inline_runs;
}

/*
 * The place for one more run, or NULL when no block, or no room in it, is left.  The latter takes a
 * wall clock that runs much faster than the monotonic one.
 */
static struct sonyflake_run *next_run(struct id_order *order, const struct service *service,
                                      struct block_pool *blocks)
{
    if (order->block == NULL && order->run_count == ID_ORDER_RUNS_INLINE) {
        order->block = block_pool_take(blocks);
        if (order->block == NULL)
            return NULL;
        memcpy(order->block, order->inline_runs, sizeof(order->inline_runs));
    }
    if (order->block == NULL)
        return &order->inline_runs[order->run_count];
    return order->run_count < id_order_runs_max(service) ? &order->block[order->run_count] : NULL;
}

/* Adds run to the order, to the last run where it continues that. */
static bool keep_run(struct id_order *order, const struct service *service,
                     struct block_pool *blocks, const struct sonyflake_run *run)
{
    order->taken += run->count;
    if (order->run_count > 0) {
        struct sonyflake_run *runs = order->block != NULL ? order->block : order->inline_runs;
        struct sonyflake_run *last = &runs[order->run_count - 1];
        if (last->elapsed_time == run->elapsed_time &&
            last->position + last->count == run->position) {
            last->count += run->count;
            return true;
        }
    }
    struct sonyflake_run *place = next_run(order, service, blocks);
    if (place == NULL)
        return false;
    *place = *run;
    order->run_count++;
    return true;
}

/* Ids that are taken and not yet due, as time besides the present tick; it may be negative. */
static enum sonyflake_status queue_length(const struct service *service, struct moment now,
                                          int64_t *ret_queue_ns, int64_t *reterr_wait_ns)
{
    enum sonyflake_status status =
        sonyflake_wait_time(service->generator, now.ids.source_ns, reterr_wait_ns);
    if (status == SONYFLAKE_OK)
        *ret_queue_ns = *reterr_wait_ns - (id_time_logical(&now.ids) - now.ids.source_ns);
    return status;
}

/*
 * Lets an order in, or not.  A single id takes its place at once.  The others stand in line: each
 * begins when those before it are all but made, so that orders never fill the coming ticks by
 * themselves, and one that was let in is not slowed down by those that come later.
 */
static enum sonyflake_status admit(struct id_order *order, struct service *service,
                                   struct moment now, int64_t *reterr_wait_ns)
{
    if (order->wanted == 1)
        return SONYFLAKE_OK;
    int64_t queue_ns;
    enum sonyflake_status status = queue_length(service, now, &queue_ns, reterr_wait_ns);
    if (status != SONYFLAKE_OK)
        return status;

    /* Before it come the queue, in full ticks, and what others have still to take. */
    const int64_t tick_ns = service->layout.time_unit_ns;
    uint64_t queue_ticks = queue_ns > 0 ? (uint64_t)((queue_ns - 1) / tick_ns) : 0;
    uint64_t queue_ids = queue_ticks * service->tick_capacity;
    uint64_t before = queue_ids + atomic_fetch_add(&service->promised, order->wanted);
    order->promised = order->wanted;
    const int64_t ticks = (int64_t)(before / service->tick_capacity) - EARLY_TICKS;
    if (ticks <= 0 && order->wanted <= service->order_quantum)
        return SONYFLAKE_OK; /* in one go, and now: the generator knows exactly */

    const uint64_t in_time = service_ids_in_time(service, &now.ids);
    uint64_t takes = (order->wanted - 1) / service->order_quantum + 1;
    if (before + order->wanted > in_time)
        return SONYFLAKE_ERR_EXHAUSTED;
    /* Single ids and small orders come in between: each take queues anew. */
    if (takes * (queue_ids + service->tick_capacity / 2) > in_time)
        return SONYFLAKE_ERR_EXHAUSTED;

    if (ticks > 0)
        order->due_ns = id_time_logical(&now.ids) + ticks * tick_ns;
    return SONYFLAKE_OK;
}

/*
 * Whether an order that has come to the front of the line may take ids.  Single ids do not stand in
 * line; when they have made the queue longer than was foreseen, the order lets that pass first.
 */
static enum sonyflake_status wait_for_queue(struct id_order *order, const struct service *service,
                                            struct moment now, int64_t *reterr_wait_ns)
{
    int64_t queue_ns;
    enum sonyflake_status status = queue_length(service, now, &queue_ns, reterr_wait_ns);
    if (status != SONYFLAKE_OK)
        return status;
    int64_t late_ns = queue_ns - (EARLY_TICKS + 1) * service->layout.time_unit_ns;
    if (late_ns > 0)
        order->due_ns = id_time_logical(&now.ids) + late_ns;
    return SONYFLAKE_OK;
}

/* Takes one quantum, or the rest if that is less: from one tick, or the end of one and the next. */
static enum sonyflake_status take_quantum(struct id_order *order, struct service *service,
                                          struct block_pool *blocks, struct moment now,
                                          int64_t *reterr_wait_ns)
{
    uint32_t missing = order->wanted - order->taken;
    uint32_t quantum = missing < service->order_quantum ? missing : service->order_quantum;
    int64_t left_ns = order->deadline_ns - now.mono_ns;
    int64_t ahead_ns = id_time_ahead(&now.ids, left_ns > 0 ? left_ns : 0);

    while (quantum > 0) {
        /* By the source's time: with a lead, the tick at hand is used up before the next begins. */
        struct sonyflake_demand demand = {
            .now_ns = now.ids.source_ns, .ahead_ns = ahead_ns, .count = quantum};
        struct sonyflake_run run;
        int64_t wait_ns;
        enum sonyflake_status status =
            sonyflake_take(service->generator, &demand, &run, &wait_ns, reterr_wait_ns);
        if (status != SONYFLAKE_OK)
            return status;
        if (order->promised > 0) {
            order->promised -= run.count;
            atomic_fetch_sub(&service->promised, run.count);
        }
        if (!keep_run(order, service, blocks, &run))
            return SONYFLAKE_ERR_NO_MEMORY;
        order->due_ns = now.ids.source_ns + wait_ns;
        quantum -= run.count;
    }
    return SONYFLAKE_OK;
}

enum id_order_progress id_order_advance(struct id_order *order, struct service *service,
                                        struct block_pool *blocks, struct moment now,
                                        enum sonyflake_status *reterr_status,
                                        int64_t *reterr_wait_ns)
{
    *reterr_wait_ns = 0;
    *reterr_status = SONYFLAKE_OK;
    if (order->taken == 0 && order->promised == 0)
        *reterr_status = admit(order, service, now, reterr_wait_ns);

    while (*reterr_status == SONYFLAKE_OK && id_time_has_come(&now.ids, order->due_ns)) {
        if (order->taken == order->wanted)
            return ID_ORDER_COMPLETE;
        if (order->taken == 0 && order->wanted > 1) {
            *reterr_status = wait_for_queue(order, service, now, reterr_wait_ns);
            if (*reterr_status != SONYFLAKE_OK || !id_time_has_come(&now.ids, order->due_ns))
                continue;
        }
        *reterr_status = take_quantum(order, service, blocks, now, reterr_wait_ns);
    }
    if (*reterr_status == SONYFLAKE_OK) {
        bool in_vain = now.ids.limit_stuck && order->due_ns >= now.ids.limit_ns;
        if (now.mono_ns < order->deadline_ns && !in_vain)
            return ID_ORDER_WAIT;
        *reterr_status = SONYFLAKE_ERR_EXHAUSTED;
        *reterr_wait_ns = order->due_ns - now.ids.source_ns;
    }
    /* From the source's time to real time. */
    if (*reterr_wait_ns < INT64_MAX - now.ids.source_ns)
        *reterr_wait_ns = id_time_wait(&now.ids, now.ids.source_ns + *reterr_wait_ns);
    return ID_ORDER_REFUSED;
}

void id_order_release(struct id_order *order, struct service *service, struct block_pool *blocks)
{
    if (order->promised > 0)
        atomic_fetch_sub(&service->promised, order->promised);
    order->promised = 0;
    if (order->block != NULL)
        block_pool_return(blocks, order->block);
    order->block = NULL;
    order->run_count = 0;
}

void id_order_restart(struct id_order *order, struct service *service, struct block_pool *blocks,
                      struct moment now)
{
    id_order_release(order, service, blocks);
    id_order_start(order, service, order->wanted, now);
}

bool id_order_is_in_line(const struct id_order *order)
{
    return order->taken == 0;
}
