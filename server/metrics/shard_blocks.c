#include "server/metrics/shard_blocks.h"

#define SHARDS_ALL (SHARD_MAX + 1)

static bool fills(struct shard_range range, struct shard_range block)
{
    return block.first >= range.first && block.first + block.count <= range.first + range.count;
}

/* The block of that size in which shard is. */
static struct shard_range block_around(uint32_t shard, uint32_t size)
{
    return (struct shard_range){.first = shard - shard % size, .count = size};
}

static bool is_named(struct shard_range range, struct shard_range block)
{
    return block.count == SHARDS_ALL || !fills(range, block) ||
           !fills(range, block_around(block.first, 2 * block.count));
}

size_t shard_blocks(struct shard_range range, struct shard_block out[static SHARD_BLOCKS_MAX])
{
    const uint32_t last = range.first + range.count - 1;
    size_t count = 0;
    for (uint32_t size = 1; size <= SHARDS_ALL; size *= 2) {
        const uint32_t end = last / size;
        uint32_t n = range.first / size;
        for (uint32_t seen = 0; n <= end; n++, seen++) {
            struct shard_range block = {.first = n * size, .count = size};
            if (is_named(range, block))
                out[count++] = (struct shard_block){block, fills(range, block)};
            if (seen == 1 && end - n > 2)
                n = end - 2; /* those between are filled, as what they are inside of is */
        }
    }
    return count;
}
