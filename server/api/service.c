#include "server/api/service.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/bug.h"
#include "common/timestamp.h"

/*
 * The largest id that can bear the tick of now, or an earlier one: the floor for this process.
 */
static enum sonyflake_status floor_at(const struct sonyflake_layout *layout, struct moment now,
                                      uint64_t *ret_floor)
{
    uint64_t first_id;
    return sonyflake_id_range(layout, now.wall_ns, now.wall_ns, &first_id, ret_floor);
}

uint64_t service_ids_in_time(const struct service *service)
{
    int64_t usable_ns = service->max_wait_ns / 8 * 7;
    uint64_t ticks = (uint64_t)(usable_ns / service->layout.time_unit_ns) + 1; /* and this one */
    return ticks * service->tick_capacity;
}

enum sonyflake_status service_create(const struct settings *settings, struct moment now,
                                     struct service *ret_service)
{
    struct sonyflake_options options = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .machine_id = settings->shards.first,
        .machine_id_count = settings->shards.count,
    };
    options.layout.start_time_ns = settings->start_time_ns;
    enum sonyflake_status status = floor_at(&options.layout, now, &options.floor);
    if (status != SONYFLAKE_OK)
        return status;

    struct sonyflake_generator *generator;
    status = sonyflake_create(&options, &generator);
    if (status != SONYFLAKE_OK)
        return status;

    uint32_t capacity = settings->shards.count << options.layout.sequence_bits;
    *ret_service = (struct service){
        .generator = generator,
        .layout = options.layout,
        .shards = settings->shards,
        .tick_capacity = capacity,
        .order_quantum = capacity / 2,
        .max_wait_ns = (int64_t)settings->max_wait_ms * NS_PER_MS,
    };
    uint64_t possible = service_ids_in_time(ret_service);
    ret_service->max_batch =
        (uint32_t)(settings->max_batch < possible ? settings->max_batch : possible);
    return SONYFLAKE_OK;
}

void service_destroy(struct service *service)
{
    sonyflake_destroy(service->generator);
    service->generator = NULL;
}

uint64_t service_ids_per_second(const struct service *service)
{
    return service->tick_capacity * (uint64_t)(NS_PER_S / service->layout.time_unit_ns);
}

uint64_t service_unavailable(const struct service *service, struct moment now,
                             char reason[static SERVICE_REASON_MAX])
{
    int64_t wait_ns = 0;
    enum sonyflake_status status = sonyflake_wait_time(service->generator, now.wall_ns, &wait_ns);
    if (status != SONYFLAKE_OK) {
        (void)snprintf(reason, SERVICE_REASON_MAX, "%s", sonyflake_status_text(status));
        return 1;
    }
    /* A queue is never longer than max_wait_ns, and the tick it ends in. */
    int64_t lead_ns = wait_ns - service->max_wait_ns - service->layout.time_unit_ns;
    if (lead_ns <= 0)
        return 0;
    (void)snprintf(reason, SERVICE_REASON_MAX,
                   "the clock went back: it is %" PRId64 " ms behind the newest id",
                   wait_ns / NS_PER_MS);
    return (uint64_t)(lead_ns / NS_PER_S + 1);
}
