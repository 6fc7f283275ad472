/*
 * shard_blocks.h: a range of shards as names by which Prometheus can tell that two ranges overlap.
 *
 * It can compare labels for equality, and nothing else.  So all shards are halved, and halved
 * again, down to single ones, and a range names the blocks of that tree which it fills, but not
 * what is inside of them; and those that it has a part of.  Two ranges overlap exactly where one
 * fills a block that the other names as well: what the other has there lies within it.
 *
 * Pure.
 */
#ifndef SERVER_METRICS_SHARD_BLOCKS_H
#define SERVER_METRICS_SHARD_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/settings/settings.h"

struct shard_block {
    struct shard_range shards; /* their count is a power of two, and first a multiple of it */
    bool filled;               /* all of them are in the range; else some */
};

/* At each of 17 sizes at most two that are filled and two that are not. */
enum { SHARD_BLOCKS_MAX = 17 * 4 };

/* Writes the blocks of range, the small ones first; returns how many. */
size_t shard_blocks(struct shard_range range, struct shard_block out[static SHARD_BLOCKS_MAX]);

#endif
