/* decoded_id.h: an id taken apart, as JSON: for GET /decode/ID and `go-id decode --json`. */
#ifndef SERVER_API_DECODED_ID_H
#define SERVER_API_DECODED_ID_H

#include <stddef.h>
#include <stdint.h>

#include "sonyflake.h"

#define DECODED_ID_JSON_MAX 256 /* bytes, with the NUL */

/*
 * Writes one JSON object with the keys id, elapsed_time (ticks since the start time), time
 * (RFC 3339, with milliseconds), unix_ms, sequence and machine_id, and a NUL; returns its length.
 * Returns 0 for what is no id, or one whose time lies past the year 2262.
 */
size_t decoded_id_json(const struct sonyflake_layout *layout, uint64_t id,
                       char out[static DECODED_ID_JSON_MAX]);

#endif
