/*
 * service_fixture.h: a service for tests that own the time.
 */
#ifndef TESTS_UNIT_SERVICE_FIXTURE_H
#define TESTS_UNIT_SERVICE_FIXTURE_H

#include "server/api/service.h"

/* Makes a service that may issue ids of the ticks behind the one that holds last_ns. */
static inline enum sonyflake_status
service_create_after(const struct settings *settings, int64_t last_ns, struct service *ret_service)
{
    struct sonyflake_layout layout = SONYFLAKE_LAYOUT_DEFAULT;
    layout.start_time_ns = settings->start_time_ns;
    uint64_t first;
    uint64_t floor;
    enum sonyflake_status status = sonyflake_id_range(&layout, last_ns, last_ns, &first, &floor);
    return status == SONYFLAKE_OK ? service_create(settings, floor, ret_service) : status;
}

#endif
