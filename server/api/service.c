#include "server/api/service.h"

#include "common/timestamp.h"
#include "server/metrics/counters.h"

static int64_t usable_wait(const struct service *service)
{
    return service->max_wait_ns / 8 * 7;
}

static uint64_t ids_in(const struct service *service, int64_t ns)
{
    uint64_t ticks = (uint64_t)(ns / service->layout.time_unit_ns) + 1; /* and this one */
    return ticks * service->tick_capacity;
}

uint64_t service_ids_in_time(const struct service *service, const struct id_time *now)
{
    int64_t lead_ns = id_time_logical(now) - now->source_ns;
    return ids_in(service, id_time_ahead(now, usable_wait(service)) - lead_ns);
}

enum sonyflake_status service_create(const struct settings *settings, uint64_t floor,
                                     struct service *ret_service)
{
    struct sonyflake_options options = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .machine_id = settings->shards.first,
        .machine_id_count = settings->shards.count,
        .floor = floor,
    };
    options.layout.start_time_ns = settings->start_time_ns;

    struct sonyflake_generator *generator;
    enum sonyflake_status status = sonyflake_create(&options, &generator);
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
    uint64_t possible = ids_in(ret_service, usable_wait(ret_service));
    ret_service->max_batch =
        (uint32_t)(settings->max_batch < possible ? settings->max_batch : possible);
    return SONYFLAKE_OK;
}

void service_destroy(struct service *service)
{
    sonyflake_destroy(service->generator);
    service->generator = NULL;
}

void service_add_counters(struct service *service, struct counters *counters)
{
    struct counters **end = &service->counters;
    while (*end != NULL)
        end = &(*end)->next;
    *end = counters;
}

uint64_t service_ids_per_second(const struct service *service)
{
    return service->tick_capacity * (uint64_t)(NS_PER_S / service->layout.time_unit_ns);
}

struct moment service_now(const struct service *service)
{
    struct moment now = id_clock_now(service->clock);
    if (now.ids.line_ns - now.ids.source_ns > now.ids.lead_max_ns) {
        /* Ids stand still until the source is near enough: so must the line. */
        int64_t nearest_ns = now.ids.source_ns + now.ids.lead_max_ns;
        int64_t next_ns = service_next_tick(service);
        bool has_next = next_ns != INT64_MAX; /* or else there is nothing to wait for */
        now.ids.line_ns = has_next && next_ns > nearest_ns ? next_ns : nearest_ns;
        logical_clock_hold(&service->clock->logical, now.boot_ns, now.ids.line_ns);
    }
    return now;
}

struct moment service_now_again(const struct service *service, struct moment known)
{
    return service->clock != NULL ? service_now(service) : known;
}

int64_t service_next_tick(const struct service *service)
{
    /* Seen from tick 0, the wait for the next id is the time of its tick. */
    int64_t start_ns = service->layout.start_time_ns;
    int64_t wait_ns;
    if (sonyflake_wait_time(service->generator, start_ns, &wait_ns) != SONYFLAKE_OK)
        return INT64_MAX;
    int64_t next_ns = wait_ns < INT64_MAX - start_ns ? start_ns + wait_ns : INT64_MAX;
    return next_ns - next_ns % service->layout.time_unit_ns; /* tick 0 may begin before its time */
}
