/*
 * service.h: what every request is answered from: the generator and the limits around it.
 *
 * One per process, made before the workers start.  Two things in it change after that, and both
 * are lock-free: the generator, and the count of promised ids.
 */
#ifndef SERVER_API_SERVICE_H
#define SERVER_API_SERVICE_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/attributes.h"
#include "server/clock/clock.h"
#include "server/settings/settings.h"
#include "sonyflake.h"

struct service {
    struct sonyflake_generator *generator;
    struct sonyflake_layout layout;
    struct shard_range shards;
    uint32_t tick_capacity;    /* ids per tick over all shards */
    uint32_t order_quantum;    /* ids an order takes at a time, so that others get their turn */
    uint32_t max_batch;        /* ids per request; not more than can be made while it may wait */
    int64_t max_wait_ns;       /* how long a request may wait for its ids */
    _Atomic uint64_t promised; /* ids that orders were let in for and have not taken yet */
};

/*
 * How many ids are made while an order may wait.  An eighth of that time is kept back, so that
 * orders which were let in do come through: one that fails half-way has wasted ids.
 */
uint64_t service_ids_in_time(const struct service *service);

/*
 * Fills *ret_service.  No id of the tick of now, or an earlier one, will be issued: a process
 * that ran until a moment ago may have used them.
 * Returns SONYFLAKE_OK, or why the generator cannot be made: BEFORE_START, OVER_TIME_LIMIT,
 * NO_MEMORY.
 */
NODISCARD enum sonyflake_status service_create(const struct settings *settings, struct moment now,
                                               struct service *ret_service);

void service_destroy(struct service *service);

/* Ids per second when every tick is used up. */
uint64_t service_ids_per_second(const struct service *service);

/* A sentence that tells an operator why no id can be issued. */
enum { SERVICE_REASON_MAX = 160 };

/*
 * Whether ids can be issued at all at this moment, waiting no longer than a request may.
 * Returns 0, or the seconds after which to ask again (at least 1) with the reason in reason.
 */
NODISCARD uint64_t service_unavailable(const struct service *service, struct moment now,
                                       char reason[static SERVICE_REASON_MAX]);

#endif
