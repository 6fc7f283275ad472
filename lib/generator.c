/* generator.c: hands out positions, lock-free, and turns them into ids.  Knows no clock. */
#include "lib/generator.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/layout.h"

struct moment {
    int64_t time_ns;
    uint64_t tick; /* that holds the time */
};

/* What the generator can give to somebody who comes now. */
struct offer {
    uint64_t tick;
    uint32_t position;
    int64_t wait_ns; /* until the tick begins; 0 if it has */
};

static enum sonyflake_status options_check(const struct sonyflake_options *options)
{
    enum sonyflake_status status = sonyflake_layout_check(&options->layout);
    if (status != SONYFLAKE_OK)
        return status;

    uint64_t machine_id_end = (uint64_t)options->machine_id + options->machine_id_count;
    if (options->machine_id_count == 0 || machine_id_end > UINT64_C(1)
                                                               << options->layout.machine_id_bits)
        return SONYFLAKE_ERR_MACHINE_ID;
    if (options->floor > SONYFLAKE_ID_MAX)
        return SONYFLAKE_ERR_ID;
    return SONYFLAKE_OK;
}

/* The smallest position whose id is above the floor. */
static uint64_t position_above(const struct sonyflake_options *options)
{
    if (options->floor == 0)
        return 0;

    uint32_t machine_id_bits = options->layout.machine_id_bits;
    uint32_t shift = tick_shift(&options->layout);
    uint64_t tick = options->floor >> shift;
    uint64_t in_tick = options->floor & ((UINT64_C(1) << shift) - 1);
    uint64_t sequence = in_tick >> machine_id_bits;
    uint64_t machine_id = in_tick & ((UINT64_C(1) << machine_id_bits) - 1);

    /* How many of the range's ids with this sequence lie at or below the floor. */
    uint64_t below = machine_id < options->machine_id ? 0 : machine_id - options->machine_id + 1;
    if (below > options->machine_id_count)
        below = options->machine_id_count;
    /* The sum may be the capacity: the tick is used up. */
    return (tick << shift) + sequence * options->machine_id_count + below;
}

enum sonyflake_status sonyflake_create(const struct sonyflake_options *options,
                                       struct sonyflake_generator **ret_generator)
{
    if (options == NULL || ret_generator == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    enum sonyflake_status status = options_check(options);
    if (status != SONYFLAKE_OK)
        return status;

    struct sonyflake_generator *generator =
        aligned_alloc(alignof(struct sonyflake_generator), sizeof(*generator));
    if (generator == NULL)
        return SONYFLAKE_ERR_NO_MEMORY;

    generator->layout = options->layout;
    generator->shift = tick_shift(&options->layout);
    generator->machine_id = options->machine_id;
    generator->machine_id_count = options->machine_id_count;
    generator->capacity = options->machine_id_count << options->layout.sequence_bits;
    atomic_init(&generator->next, position_above(options));
    atomic_init(&generator->latest_tick_ns, INT64_MIN);
    *ret_generator = generator;
    return SONYFLAKE_OK;
}

void sonyflake_destroy(struct sonyflake_generator *generator)
{
    free(generator);
}

/* From now_ns until the tick begins; INT64_MAX if that is past what int64_t nanoseconds hold. */
static int64_t wait_for_tick(const struct sonyflake_generator *generator, uint64_t tick,
                             int64_t now_ns)
{
    int64_t begin_ns;
    if (!tick_begin(&generator->layout, tick, &begin_ns))
        return INT64_MAX;
    return begin_ns - now_ns; /* both are >= 0 */
}

/* The nearest position at or after next whose tick is not over yet. */
static enum sonyflake_status offer_at(const struct sonyflake_generator *generator, uint64_t next,
                                      const struct moment *now, struct offer *ret_offer)
{
    uint64_t present = now->tick << generator->shift;
    uint64_t position = next > present ? next : present;
    uint64_t tick = position >> generator->shift;
    uint64_t n = position - (tick << generator->shift);
    if (n == generator->capacity) {
        tick++;
        n = 0;
    }
    if (tick > tick_last(&generator->layout))
        return SONYFLAKE_ERR_OVER_TIME_LIMIT;

    ret_offer->tick = tick;
    ret_offer->position = (uint32_t)n;
    ret_offer->wait_ns = tick > now->tick ? wait_for_tick(generator, tick, now->time_ns) : 0;
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_take(struct sonyflake_generator *generator,
                                     const struct sonyflake_demand *demand,
                                     struct sonyflake_run *ret_run, int64_t *ret_wait_ns,
                                     int64_t *reterr_wait_ns)
{
    if (generator == NULL || demand == NULL || ret_run == NULL || ret_wait_ns == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    if (demand->count == 0 || demand->ahead_ns < 0)
        return SONYFLAKE_ERR_ARGUMENT;
    struct moment now = {.time_ns = demand->now_ns};
    enum sonyflake_status status = tick_at(&generator->layout, now.time_ns, &now.tick);
    if (status != SONYFLAKE_OK)
        return status;

    /*
     * Relaxed is enough: the word is all that threads share here, and the changes of one atomic
     * object have one order that every thread agrees on.  A load that is out of date can only
     * make the swap fail, or report as used up what was used up already.
     */
    uint64_t next = atomic_load_explicit(&generator->next, memory_order_relaxed);
    struct offer offer;
    uint32_t count;
    uint64_t after;
    do {
        status = offer_at(generator, next, &now, &offer);
        if (status != SONYFLAKE_OK)
            return status;
        if (offer.wait_ns > demand->ahead_ns) {
            if (reterr_wait_ns != NULL)
                *reterr_wait_ns = offer.wait_ns;
            return SONYFLAKE_ERR_EXHAUSTED;
        }
        uint32_t left = generator->capacity - offer.position;
        count = demand->count < left ? demand->count : left;
        after = (offer.tick << generator->shift) + offer.position + count;
    } while (!atomic_compare_exchange_strong_explicit(&generator->next, &next, after,
                                                      memory_order_relaxed, memory_order_relaxed));

    *ret_run = (struct sonyflake_run){offer.tick, offer.position, count};
    *ret_wait_ns = offer.wait_ns;
    return SONYFLAKE_OK;
}

enum sonyflake_status sonyflake_wait_time(const struct sonyflake_generator *generator,
                                          int64_t now_ns, int64_t *ret_wait_ns)
{
    if (generator == NULL || ret_wait_ns == NULL)
        return SONYFLAKE_ERR_ARGUMENT;
    struct moment now = {.time_ns = now_ns};
    enum sonyflake_status status = tick_at(&generator->layout, now.time_ns, &now.tick);
    if (status != SONYFLAKE_OK)
        return status;

    uint64_t next = atomic_load_explicit(&generator->next, memory_order_relaxed);
    struct offer offer;
    status = offer_at(generator, next, &now, &offer);
    if (status != SONYFLAKE_OK)
        return status;
    *ret_wait_ns = offer.wait_ns;
    return SONYFLAKE_OK;
}

/* The ids of one sequence of all machines follow each other without a gap. */
size_t sonyflake_run_stretch(const struct sonyflake_generator *generator, struct sonyflake_run *run,
                             size_t most, uint64_t *ret_first)
{
    uint32_t machine_id_count = generator->machine_id_count;
    uint32_t sequence = run->position / machine_id_count;
    uint32_t machine = run->position % machine_id_count; /* counted from the range's first */
    *ret_first = (run->elapsed_time << generator->shift) +
                 ((uint64_t)sequence << generator->layout.machine_id_bits) + generator->machine_id +
                 machine;

    uint32_t count = machine_id_count - machine;
    count = count < run->count ? count : run->count;
    count = count < most ? count : (uint32_t)most;
    run->position += count;
    run->count -= count;
    return count;
}

size_t sonyflake_run_ids(const struct sonyflake_generator *generator, struct sonyflake_run *run,
                         uint64_t *ids, size_t capacity)
{
    size_t written = 0;
    while (written < capacity && run->count > 0) {
        uint64_t first;
        size_t count = sonyflake_run_stretch(generator, run, capacity - written, &first);
        for (size_t i = 0; i < count; i++)
            ids[written + i] = first + i;
        written += count;
    }
    return written;
}
