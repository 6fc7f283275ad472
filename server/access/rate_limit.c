#include "server/access/rate_limit.h"

#include <errno.h>

#include "common/bug.h"
#include "common/memory.h"
#include "common/timestamp.h"

#define TABLE_SIZE (RATE_LIMIT_SETS * sizeof(struct rate_limit_place[RATE_LIMIT_WAYS]))

int rate_limit_create(struct rate_limit *limit, uint64_t tokens_per_s, uint64_t burst)
{
    BUG_IF(tokens_per_s == 0 || tokens_per_s > RATE_LIMIT_TOKENS_MAX);
    BUG_IF(burst == 0 || burst > RATE_LIMIT_TOKENS_MAX);
    int64_t token_ns = NS_PER_S / (int64_t)tokens_per_s;
    *limit = (struct rate_limit){
        .sets = memory_reserve(TABLE_SIZE),
        .token_ns = token_ns,
        .burst_ns = (int64_t)burst * token_ns,
    };
    return limit->sets != NULL ? 0 : -ENOMEM;
}

void rate_limit_destroy(struct rate_limit *limit)
{
    memory_release(limit->sets, TABLE_SIZE);
    limit->sets = NULL;
}

/* The client's place.  A newcomer gets that of whoever will be full first, or is. */
static struct rate_limit_place *find_place(const struct rate_limit *limit, uint64_t key)
{
    struct rate_limit_place *set = limit->sets[key % RATE_LIMIT_SETS];
    struct rate_limit_place *fullest = &set[0];
    for (unsigned i = 0; i < RATE_LIMIT_WAYS; i++) {
        if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
            return &set[i];
        if (atomic_load_explicit(&set[i].full_ns, memory_order_relaxed) <
            atomic_load_explicit(&fullest->full_ns, memory_order_relaxed))
            fullest = &set[i];
    }
    uint64_t owner = atomic_load_explicit(&fullest->key, memory_order_relaxed);
    int64_t full_ns = atomic_load_explicit(&fullest->full_ns, memory_order_relaxed);
    /* Unless another thread came first: for this client, or for one with whom it shares for once.
     */
    if (atomic_compare_exchange_strong(&fullest->key, &owner, key))
        (void)atomic_compare_exchange_strong(&fullest->full_ns, &full_ns, 0);
    return fullest;
}

bool rate_limit_take(struct rate_limit *limit, uint64_t key, uint64_t tokens, int64_t now_ns,
                     int64_t *reterr_wait_ns)
{
    BUG_IF(tokens > RATE_LIMIT_TOKENS_MAX);
    int64_t cost_ns = (int64_t)tokens * limit->token_ns;
    int64_t needed_ns = cost_ns < limit->burst_ns ? cost_ns : limit->burst_ns;
    struct rate_limit_place *place = find_place(limit, key);
    int64_t full_ns = atomic_load_explicit(&place->full_ns, memory_order_relaxed);
    int64_t from_ns;
    do {
        from_ns = full_ns > now_ns ? full_ns : now_ns;
        int64_t wait_ns = from_ns - now_ns + needed_ns - limit->burst_ns;
        if (wait_ns > 0) {
            *reterr_wait_ns = wait_ns;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&place->full_ns, &full_ns, from_ns + cost_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
