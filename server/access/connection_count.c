#include "server/access/connection_count.h"

#include <errno.h>
#include <stddef.h>

#include "common/bug.h"
#include "common/memory.h"

static size_t table_size(const struct connection_count *counts)
{
    return counts->set_count * sizeof(counts->sets[0]);
}

int connection_count_create(struct connection_count *counts, uint32_t connections_max, uint32_t max)
{
    *counts = (struct connection_count){
        .set_count = 1, .max = max, .entering = PTHREAD_MUTEX_INITIALIZER};
    /* At most half of the places are in use. */
    while (counts->set_count * (CONNECTION_COUNT_WAYS / 2) < connections_max)
        counts->set_count *= 2;
    counts->sets = memory_reserve(table_size(counts));
    return counts->sets != NULL ? 0 : -ENOMEM;
}

void connection_count_destroy(struct connection_count *counts)
{
    memory_release(counts->sets, table_size(counts));
    counts->sets = NULL;
}

/* The client's place, or else a free one, or NULL. */
static struct connection_place *find_place(struct connection_place *set, uint64_t key)
{
    struct connection_place *free_one = NULL;
    for (unsigned i = 0; i < CONNECTION_COUNT_WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (free_one == NULL && atomic_load(&set[i].count) == 0)
            free_one = &set[i];
    }
    return free_one;
}

static int enter(struct connection_count *counts, uint64_t key, uint32_t *ret_place)
{
    uint32_t set = (uint32_t)key & (counts->set_count - 1);
    struct connection_place *place = find_place(counts->sets[set], key);
    *ret_place = CONNECTION_UNCOUNTED;
    if (place == NULL)
        return 0;
    if (atomic_load(&place->count) >= counts->max)
        return place->key == key ? -EBUSY : 0;
    place->key = key;
    atomic_fetch_add(&place->count, 1);
    *ret_place = set * CONNECTION_COUNT_WAYS + (uint32_t)(place - counts->sets[set]);
    return 0;
}

int connection_count_enter(struct connection_count *counts, uint64_t key, uint32_t *ret_place)
{
    (void)pthread_mutex_lock(&counts->entering); /* cannot fail: it is of the plain kind */
    int r = enter(counts, key, ret_place);
    (void)pthread_mutex_unlock(&counts->entering);
    return r;
}

void connection_count_leave(struct connection_count *counts, uint32_t place)
{
    if (place == CONNECTION_UNCOUNTED)
        return;
    struct connection_place *set = counts->sets[place / CONNECTION_COUNT_WAYS];
    uint32_t before = atomic_fetch_sub(&set[place % CONNECTION_COUNT_WAYS].count, 1);
    BUG_IF(before == 0);
}
