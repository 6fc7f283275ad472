/*
 * block_pool.h: a fixed number of equal blocks of memory, taken and given back in any order.
 *
 * Everything is reserved by block_pool_create(); the block given back last is taken first, so the
 * memory in use is what the worst moment needed, not what all moments together touched.
 * Not thread-safe: each worker has its own.
 */
#ifndef SERVER_CONNECTION_BLOCK_POOL_H
#define SERVER_CONNECTION_BLOCK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"

struct block_pool {
    char *base;
    uint32_t *returned; /* stack of the indexes of blocks that came back */
    size_t block_size;
    uint32_t block_count;
    uint32_t returned_count;
    uint32_t fresh_count; /* blocks from 0 up to this one have been in use at least once */
};

/* Returns 0 or -ENOMEM.  block_size and block_count are at least 1. */
NODISCARD int block_pool_create(struct block_pool *pool, size_t block_size, uint32_t block_count);

/* A pool that create() failed on, or one zeroed, is allowed. */
void block_pool_destroy(struct block_pool *pool);

/* Whether block_pool_take() would return NULL. */
bool block_pool_is_empty(const struct block_pool *pool);

/* Returns a block whose contents are undefined, or NULL when all are taken. */
NODISCARD void *block_pool_take(struct block_pool *pool);

/* block came from block_pool_take() on this pool. */
void block_pool_return(struct block_pool *pool, void *block);

#endif
