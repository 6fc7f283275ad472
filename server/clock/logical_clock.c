#include "server/clock/logical_clock.h"

/* Every load and store here is relaxed: each of the values stands for itself. */
static int64_t get(const _Atomic int64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* Raises *value to at_least, unless it is there already; returns what it is then. */
static int64_t raise_to(_Atomic int64_t *value, int64_t at_least)
{
    int64_t current = get(value);
    while (current < at_least) {
        if (atomic_compare_exchange_weak_explicit(value, &current, at_least, memory_order_relaxed,
                                                  memory_order_relaxed))
            return at_least;
    }
    return current;
}

void logical_clock_init(struct logical_clock *clock, struct source_reading now,
                        const int64_t *believed_offset_ns)
{
    int64_t offset_ns = now.source_ns - now.boot_ns;
    atomic_init(&clock->noted_ns, offset_ns);
    atomic_init(&clock->offset_ns, believed_offset_ns != NULL ? *believed_offset_ns : offset_ns);
    atomic_init(&clock->line_ns, INT64_MIN / 2);
}

void logical_clock_begin_at(struct logical_clock *clock, int64_t boot_ns, int64_t at_ns)
{
    (void)raise_to(&clock->line_ns, at_ns - boot_ns / 2);
}

struct logical_reading logical_clock_read(struct logical_clock *clock, struct source_reading now)
{
    struct logical_reading reading = {0};
    int64_t offset_ns = now.source_ns - now.boot_ns;
    int64_t believed_ns = get(&clock->offset_ns);

    reading.step_ns = offset_ns - get(&clock->noted_ns);
    reading.ids.source_ns = now.source_ns;
    if (offset_ns - believed_ns > clock->leap_max_ns) {
        reading.leap_ns = offset_ns - believed_ns;
        reading.ids.source_ns = now.boot_ns + believed_ns;
    } else {
        (void)raise_to(&clock->offset_ns, offset_ns);
    }

    int64_t half_ns = now.boot_ns / 2;
    reading.ids.line_ns = raise_to(&clock->line_ns, reading.ids.source_ns - half_ns) + half_ns;
    reading.ids.lead_max_ns = clock->lead_max_ns;
    reading.ids.limit_ns = INT64_MAX;
    return reading;
}

bool logical_clock_note(struct logical_clock *clock, struct source_reading now, int64_t step_ns)
{
    int64_t offset_ns = now.source_ns - now.boot_ns;
    int64_t noted_ns = offset_ns - step_ns;
    return atomic_compare_exchange_strong_explicit(&clock->noted_ns, &noted_ns, offset_ns,
                                                   memory_order_relaxed, memory_order_relaxed);
}

void logical_clock_hold(struct logical_clock *clock, int64_t boot_ns, int64_t at_ns)
{
    int64_t line_ns = get(&clock->line_ns);
    int64_t held_ns = at_ns - boot_ns / 2;
    if (held_ns < line_ns) /* one try: whoever came in between is as right as we are */
        (void)atomic_compare_exchange_strong_explicit(&clock->line_ns, &line_ns, held_ns,
                                                      memory_order_relaxed, memory_order_relaxed);
}

int64_t logical_clock_accept(struct logical_clock *clock, struct source_reading now)
{
    int64_t offset_ns = now.source_ns - now.boot_ns;
    int64_t leap_ns = offset_ns - get(&clock->offset_ns);
    (void)raise_to(&clock->offset_ns, offset_ns);
    return leap_ns > 0 ? leap_ns : 0;
}
