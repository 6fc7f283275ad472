#include "server/connection/block_pool.h"

#include <errno.h>

#include "common/bug.h"
#include "common/memory.h"

int block_pool_create(struct block_pool *pool, size_t block_size, uint32_t block_count)
{
    BUG_IF(block_size == 0 || block_count == 0);
    *pool = (struct block_pool){.block_size = block_size, .block_count = block_count};
    pool->base = memory_reserve(block_size * block_count);
    pool->returned = memory_reserve(block_count * sizeof(*pool->returned));
    if (pool->base == NULL || pool->returned == NULL) {
        block_pool_destroy(pool);
        return -ENOMEM;
    }
    return 0;
}

void block_pool_destroy(struct block_pool *pool)
{
    memory_release(pool->base, pool->block_size * pool->block_count);
    memory_release(pool->returned, pool->block_count * sizeof(*pool->returned));
    *pool = (struct block_pool){0};
}

bool block_pool_is_empty(const struct block_pool *pool)
{
    return pool->returned_count == 0 && pool->fresh_count == pool->block_count;
}

void *block_pool_take(struct block_pool *pool)
{
    uint32_t index;
    if (pool->returned_count > 0)
        index = pool->returned[--pool->returned_count];
    else if (pool->fresh_count < pool->block_count)
        index = pool->fresh_count++;
    else
        return NULL;
    return pool->base + index * pool->block_size;
}

void block_pool_return(struct block_pool *pool, void *block)
{
    size_t offset = (size_t)((char *)block - pool->base);
    BUG_IF(offset % pool->block_size != 0 || offset / pool->block_size >= pool->block_count);
    BUG_IF(pool->returned_count == pool->block_count);
    pool->returned[pool->returned_count++] = (uint32_t)(offset / pool->block_size);
}
