/* info.c: GET /info says what this service is and how far it goes. */
#include <inttypes.h>
#include <stdio.h>

#include "common/bug.h"
#include "common/timestamp.h"
#include "server/api/answer.h"
#include "server/api/endpoints.h"

static int info_json(const struct service *service, char *out, size_t capacity)
{
    const struct sonyflake_layout *layout = &service->layout;
    char start[TIMESTAMP_TEXT_MAX];
    char end[TIMESTAMP_TEXT_MAX];
    struct timespec end_time;
    BUG_IF(sonyflake_end_time(layout, &end_time) != SONYFLAKE_OK);
    timestamp_format_ms(layout->start_time_ns, start);
    timestamp_format_ms(end_time.tv_sec * NS_PER_S + end_time.tv_nsec, end);

    return snprintf(out, capacity,
                    "{\"version\":\"%s\","
                    "\"shards\":{\"first\":%" PRIu32 ",\"last\":%" PRIu32 ",\"count\":%" PRIu32 "},"
                    "\"layout\":{\"time_bits\":%" PRIu32 ",\"sequence_bits\":%" PRIu32
                    ",\"machine_id_bits\":%" PRIu32 ",\"time_unit_ms\":%" PRId64 "},"
                    "\"start_time\":\"%s\",\"id_space_ends\":\"%s\","
                    "\"limits\":{\"max_batch\":%" PRIu32 ",\"max_wait_ms\":%" PRId64
                    ",\"ids_per_second\":%" PRIu64 "}}",
                    sonyflake_version(), service->shards.first,
                    service->shards.first + service->shards.count - 1, service->shards.count,
                    63 - layout->sequence_bits - layout->machine_id_bits, layout->sequence_bits,
                    layout->machine_id_bits, layout->time_unit_ns / NS_PER_MS, start, end,
                    service->max_batch, service->max_wait_ns / NS_PER_MS,
                    service_ids_per_second(service));
}

enum api_outcome endpoint_info(const struct api_call *call, const struct api_request *request,
                               struct http_output *out, struct id_order *ret_order)
{
    (void)ret_order; /* takes no ids */
    if (!answer_no_parameters(call, request->http, out))
        return API_ANSWERED;
    char body[1024];
    int len = info_json(call->service, body, sizeof(body));
    BUG_IF(len < 0 || (size_t)len >= sizeof(body));
    return answer_body(call, request->http, out, SPAN("application/json"),
                       (struct span){body, (size_t)len});
}
