/* generator.h: what a generator is made of; for generator.c and next_id.c only. */
#ifndef LIB_GENERATOR_H
#define LIB_GENERATOR_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "sonyflake.h"

/*
 * The bytes that travel together between the caches of two CPUs.  Each group of fields below has
 * its own, so that threads that read the fixed fields do not wait for one that takes ids.
 */
#define CACHE_LINE 64

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics need no lock on this machine");

/*
 * A position is tick << shift | n: the n-th id of the tick, counted over all machine ids of the
 * generator.  A larger position means a larger id.
 */
struct sonyflake_generator {
    /* Fixed after create. */
    alignas(CACHE_LINE) struct sonyflake_layout layout;
    uint32_t shift;            /* tick_shift(&layout) */
    uint32_t machine_id;       /* the first of the range */
    uint32_t machine_id_count; /* of the range; at least 1 */
    uint32_t capacity;         /* ids per tick; at most 2^shift */

    /*
     * The position after the last one taken.  It only grows.  n is the capacity when the tick is
     * used up, which for a capacity of 2^shift is n = 0 of the next tick: the same thing.
     */
    alignas(CACHE_LINE) _Atomic uint64_t next;

    /* When the latest tick began that sonyflake_next_id() has seen.  Only that uses it. */
    alignas(CACHE_LINE) _Atomic int64_t latest_tick_ns;
};

#endif
