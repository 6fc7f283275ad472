/* layout.c: ids to fields and times, and back.  Pure arithmetic. */
#include "lib/layout.h"

#define BITS_MAX 30      /* of the sequence, and of the machine id */
#define TIME_BITS_MIN 32 /* 49.7 days of the shortest tick */
#define TIME_UNIT_MIN_NS INT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)

_Static_assert(ID_BITS - TIME_BITS_MIN < 32, "what lies below the tick fits a uint32_t");

static uint64_t low_bits(uint32_t bits)
{
    return (UINT64_C(1) << bits) - 1;
}

enum sonyflake_status tick_at(const struct sonyflake_layout *layout, int64_t time_ns,
                              uint64_t *ret_tick)
{
    uint64_t origin = tick_origin(layout);
    /* The start time is never negative, so a negative time needs no floor division. */
    if (time_ns < 0 || (uint64_t)(time_ns / layout->time_unit_ns) < origin)
        return SONYFLAKE_ERR_BEFORE_START;

    uint64_t tick = (uint64_t)(time_ns / layout->time_unit_ns) - origin;
    if (tick > tick_last(layout))
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;
    *ret_tick = tick;
    return SONYFLAKE_OK;
}

bool tick_begin(const struct sonyflake_layout *layout, uint64_t tick, int64_t *ret_time_ns)
{
    int64_t time_ns;
    if (__builtin_mul_overflow(tick_origin(layout) + tick, layout->time_unit_ns, &time_ns))
        return false;
    *ret_time_ns = time_ns;
    return true;
}

enum sonyflake_status sonyflake_layout_check(const struct sonyflake_layout *layout)
{
    if (layout == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    if (layout->sequence_bits > BITS_MAX)
        return SONYFLAKE_ERR_SEQUENCE_BITS;
    if (layout->machine_id_bits > BITS_MAX)
        return SONYFLAKE_ERR_MACHINE_ID_BITS;
    if (tick_shift(layout) > ID_BITS - TIME_BITS_MIN)
        return SONYFLAKE_ERR_TIME_BITS;
    if (layout->time_unit_ns < TIME_UNIT_MIN_NS)
        return SONYFLAKE_ERR_TIME_UNIT;
    if (layout->start_time_ns < 0)
        return SONYFLAKE_ERR_START_TIME;
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_compose(const struct sonyflake_layout *layout,
                                        const struct sonyflake_parts *parts, uint64_t *ret_id)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (parts == NULL || ret_id == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    if (parts->elapsed_time > tick_last(layout))
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;
    if (parts->sequence > low_bits(layout->sequence_bits))
        return SONYFLAKE_ERR_ARGUMENT;
    if (parts->machine_id > low_bits(layout->machine_id_bits))
        return SONYFLAKE_ERR_MACHINE_ID;

    *ret_id = parts->elapsed_time << tick_shift(layout) |
              (uint64_t)parts->sequence << layout->machine_id_bits | parts->machine_id;
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_decompose(const struct sonyflake_layout *layout, uint64_t id,
                                          struct sonyflake_parts *ret_parts)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (ret_parts == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    if (id > SONYFLAKE_ID_MAX)
        return SONYFLAKE_ERR_ID;

    *ret_parts = (struct sonyflake_parts){
        .elapsed_time = id >> tick_shift(layout),
        .sequence = (uint32_t)(id >> layout->machine_id_bits & low_bits(layout->sequence_bits)),
        .machine_id = (uint32_t)(id & low_bits(layout->machine_id_bits)),
    };
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_elapsed_time(const struct sonyflake_layout *layout, int64_t time_ns,
                                             uint64_t *ret_elapsed_time)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (ret_elapsed_time == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    return tick_at(layout, time_ns, ret_elapsed_time);
}

enum sonyflake_status sonyflake_id_time(const struct sonyflake_layout *layout, uint64_t id,
                                        int64_t *ret_time_ns)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (ret_time_ns == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    if (id > SONYFLAKE_ID_MAX)
        return SONYFLAKE_ERR_ID;
    if (!tick_begin(layout, id >> tick_shift(layout), ret_time_ns))
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_id_range(const struct sonyflake_layout *layout, int64_t first_ns,
                                         int64_t last_ns, uint64_t *ret_first_id,
                                         uint64_t *ret_last_id)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (ret_first_id == NULL || ret_last_id == NULL || last_ns < first_ns)
        return SONYFLAKE_ERR_ARGUMENT;

    uint64_t first_tick = 0;
    uint64_t last_tick = tick_last(layout);
    if (tick_at(layout, first_ns, &first_tick) == SONYFLAKE_ERR_OVER_TIME_LIMIT)
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;
    if (tick_at(layout, last_ns, &last_tick) == SONYFLAKE_ERR_BEFORE_START)
        return SONYFLAKE_ERR_BEFORE_START;

    *ret_first_id = first_tick << tick_shift(layout);
    *ret_last_id = last_tick << tick_shift(layout) | low_bits(tick_shift(layout));
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_end_time(const struct sonyflake_layout *layout,
                                         struct timespec *ret_end)
{
    enum sonyflake_status status = sonyflake_layout_check(layout);
    if (status != SONYFLAKE_OK)
        return status;
    if (ret_end == NULL)
        return SONYFLAKE_ERR_ARGUMENT;

    /*
     * The end in nanoseconds, end * unit, can need 126 bits, so it is added up in seconds: those
     * of the unit's whole seconds, and those of the rest of the unit, for which
     * end = billions * 10^9 + rest.
     */
    uint64_t end = tick_origin(layout) + tick_last(layout) + 1;
    uint64_t unit_s = (uint64_t)layout->time_unit_ns / NS_PER_SECOND;
    uint64_t unit_ns = (uint64_t)layout->time_unit_ns % NS_PER_SECOND;
    uint64_t rest_ns = end % NS_PER_SECOND * unit_ns;
    time_t seconds;
    if (__builtin_mul_overflow(end, unit_s, &seconds) ||
        __builtin_add_overflow(end / NS_PER_SECOND * unit_ns, seconds, &seconds) ||
        __builtin_add_overflow(rest_ns / NS_PER_SECOND, seconds, &seconds))
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;
    *ret_end = (struct timespec){.tv_sec = seconds, .tv_nsec = (long)(rest_ns % NS_PER_SECOND)};
    return SONYFLAKE_OK;
}
