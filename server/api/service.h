/*
 * service.h: what every request is answered from: the generator and the limits around it.
 *
 * One per process, made before the workers start.  What changes after that is lock-free: the
 * generator, the count of promised ids, and the clock.
 */
#ifndef SERVER_API_SERVICE_H
#define SERVER_API_SERVICE_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/clock/id_clock.h"
#include "server/settings/settings.h"
#include "sonyflake.h"

/* Why there are no ids when MIN_ID is at the very end, and what to do. */
#define SERVICE_NONE_ABOVE_MIN_ID \
    "there is no id above MIN_ID: set a lower one, or none, and restart"

struct counters;
struct gate;
struct mark_keeper;
struct ownership;
struct process;

struct service {
    struct sonyflake_generator *generator;
    struct sonyflake_layout layout;
    struct shard_range shards;
    uint32_t tick_capacity;    /* ids per tick over all shards */
    uint32_t order_quantum;    /* ids an order takes at a time, so that others get their turn */
    uint32_t max_batch;        /* ids per request; not more than can be made while it may wait */
    int64_t max_wait_ns;       /* how long a request may wait for its ids */
    int64_t min_id_ns;         /* service_next_tick() at the start, if MIN_ID is why; else 0 */
    _Atomic uint64_t promised; /* ids that orders were let in for and have not taken yet */

    /* What status.c looks at; the first is also service_now()'s.  NULL in tests that own the time.
     */
    struct id_clock *clock;
    const struct mark_keeper *keeper;
    const struct ownership *ownership;

    /* What only metrics.c looks at; set before the workers start. */
    struct counters *counters; /* of the first worker; the others follow */
    uint32_t connections_max;
    const struct process *process; /* NULL in tests */
    const struct gate *gate;       /* NULL: everybody may ask for anything */
};

/*
 * How many ids are made while an order that comes now may wait.  An eighth of that time is kept
 * back, so that orders which were let in do come through: one that fails half-way has wasted ids.
 */
uint64_t service_ids_in_time(const struct service *service, const struct id_time *now);

/*
 * Fills *ret_service.  No id at or below floor will be issued.
 * Returns SONYFLAKE_OK, or why the generator cannot be made: NO_MEMORY, ID.
 */
NODISCARD enum sonyflake_status service_create(const struct settings *settings, uint64_t floor,
                                               struct service *ret_service);

void service_destroy(struct service *service);

/* Adds a worker's counters behind those that are there. */
void service_add_counters(struct service *service, struct counters *counters);

/* Ids per second when every tick is used up. */
uint64_t service_ids_per_second(const struct service *service);

/* What time it is, for everything that a worker does in one turn. */
struct moment service_now(const struct service *service);

/*
 * The same for a verdict that a stale reading would spoil: known is of when the turn began, and the
 * thread may have got no CPU since, while others took ids of later ticks.  Tests that own the time
 * get known back.
 */
struct moment service_now_again(const struct service *service, struct moment known);

/*
 * When the tick of the next id begins, in nanoseconds since 1970, whatever the clock says; the end
 * of time when there is none.
 */
int64_t service_next_tick(const struct service *service);

#endif
