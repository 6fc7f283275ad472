/*
 * layout.h: arithmetic on ticks that the layout and the generator share.
 *
 * Every layout here has passed sonyflake_layout_check().  Then nothing below overflows: a tick
 * has at most 63 bits, and the start time lies at most 2^63 / 10^6 ticks after the Unix epoch, so
 * ticks counted from the epoch fit a uint64_t.
 */
#ifndef LIB_LAYOUT_H
#define LIB_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "sonyflake.h"

#define ID_BITS 63

/* How many bits of an id lie below its tick: 0 to 31. */
static inline uint32_t tick_shift(const struct sonyflake_layout *layout)
{
    return layout->sequence_bits + layout->machine_id_bits;
}

/* The largest elapsed time that an id can hold. */
static inline uint64_t tick_last(const struct sonyflake_layout *layout)
{
    return (UINT64_C(1) << (ID_BITS - tick_shift(layout))) - 1;
}

/* Ticks from the Unix epoch to tick 0. */
static inline uint64_t tick_origin(const struct sonyflake_layout *layout)
{
    return (uint64_t)(layout->start_time_ns / layout->time_unit_ns);
}

/* The tick that holds time_ns.  Returns OK, BEFORE_START or OVER_TIME_LIMIT. */
SONYFLAKE_NODISCARD enum sonyflake_status tick_at(const struct sonyflake_layout *layout,
                                                  int64_t time_ns, uint64_t *ret_tick);

/* The time at which the tick begins.  Returns false if int64_t nanoseconds do not reach there. */
SONYFLAKE_NODISCARD bool tick_begin(const struct sonyflake_layout *layout, uint64_t tick,
                                    int64_t *ret_time_ns);

#endif
