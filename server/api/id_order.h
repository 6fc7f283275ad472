/*
 * id_order.h: one request's ids in the making.
 *
 * Ids are taken from the generator a quantum at a time, the next one when the last has
 * matured, so that a client who asks for 10,000 shares every tick with one who asks for 1.  What
 * was taken is kept as runs, not as ids: 10,000 ids of one shard are some 40 runs.
 *
 * Pure: the time is an argument.  Not thread-safe; the generator behind it is.
 */
#ifndef SERVER_API_ID_ORDER_H
#define SERVER_API_ID_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/api/service.h"
#include "server/connection/block_pool.h"

enum id_format { ID_FORMAT_NUMBER, ID_FORMAT_STRING, ID_FORMAT_TEXT, ID_FORMAT_BINARY };

#define ID_ORDER_RUNS_INLINE 2

struct id_order {
    enum id_format format;
    bool is_list;      /* the JSON answer is an array, because a count was asked for */
    uint32_t wanted;   /* ids */
    uint32_t taken;    /* ids */
    uint32_t promised; /* of service->promised, the ids that are for this order */
    uint32_t run_count;
    int64_t asked_ns;    /* monotonic */
    int64_t deadline_ns; /* monotonic; after it the client gets a 503 */
    int64_t due_ns;      /* the tick of what was taken; see id_time_has_come() */
    struct sonyflake_run inline_runs[ID_ORDER_RUNS_INLINE];
    struct sonyflake_run *block; /* all runs, once they are more than fit above; else NULL */
};

enum id_order_progress {
    ID_ORDER_COMPLETE, /* every id is taken and may be shown */
    ID_ORDER_WAIT,     /* call again when due_ns has come, or at deadline_ns */
    ID_ORDER_REFUSED,  /* cannot be filled in time: answer 503 */
};

/* How many runs a block needs so that no order outgrows it. */
size_t id_order_runs_max(const struct service *service);

/*
 * Starts an order for wanted ids (1 to service->max_batch) at now; only the format is left to
 * the caller.  Takes nothing yet.
 */
void id_order_start(struct id_order *order, const struct service *service, uint32_t wanted,
                    struct moment now);

/* Begins an order anew, by another clock reading; what it borrowed and took is given up. */
void id_order_restart(struct id_order *order, struct service *service, struct block_pool *blocks,
                      struct moment now);

/*
 * Takes as many ids as may be taken at now.  blocks lends the room for many runs; its blocks hold
 * id_order_runs_max() runs.  When the order is refused, *reterr_status says why and
 * *reterr_wait_ns how long an id would take in real time: EXHAUSTED (the queue, the clock or
 * the mark), BEFORE_START,
 * OVER_TIME_LIMIT; NO_MEMORY when no block was left.  An order that reaches the mark is refused
 * with EXHAUSTED at once when the mark is known not to move.
 */
NODISCARD enum id_order_progress id_order_advance(struct id_order *order, struct service *service,
                                                  struct block_pool *blocks, struct moment now,
                                                  enum sonyflake_status *reterr_status,
                                                  int64_t *reterr_wait_ns);

/*
 * Gives back what advance() borrowed.  The ids that were taken, if they have not been sent, are
 * lost: nobody will ever see them.  Does nothing to an order that was released, or is zeroed.
 */
void id_order_release(struct id_order *order, struct service *service, struct block_pool *blocks);

/*
 * Whether an order that waits has not begun: its turn to take ids comes at due_ns.  One that has
 * begun waits for a tick that has the ids it took.
 */
bool id_order_is_in_line(const struct id_order *order);

/* The runs taken so far, oldest first; order->run_count of them. */
const struct sonyflake_run *id_order_runs(const struct id_order *order);

#endif
