#include "server/api/decoded_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/bug.h"
#include "common/timestamp.h"

size_t decoded_id_json(const struct sonyflake_layout *layout, uint64_t id,
                       char out[static DECODED_ID_JSON_MAX])
{
    struct sonyflake_parts parts;
    int64_t time_ns;
    char time_text[TIMESTAMP_TEXT_MAX];
    if (sonyflake_decompose(layout, id, &parts) != SONYFLAKE_OK ||
        sonyflake_id_time(layout, id, &time_ns) != SONYFLAKE_OK)
        return 0;
    timestamp_format_ms(time_ns, time_text);

    int len = snprintf(
        out, DECODED_ID_JSON_MAX,
        "{\"id\":%" PRIu64 ",\"elapsed_time\":%" PRIu64 ",\"time\":\"%s\","
        "\"unix_ms\":%" PRId64 ",\"sequence\":%" PRIu32 ",\"machine_id\":%" PRIu32 "}",
        id, parts.elapsed_time, time_text, time_ns / NS_PER_MS, parts.sequence, parts.machine_id);
    BUG_IF(len < 0 || len >= DECODED_ID_JSON_MAX);
    return (size_t)len;
}
