/*
 * timestamp.h: points in time as RFC 3339 text, and back.
 *
 * Proleptic Gregorian calendar, UTC, no leap seconds; times are nanoseconds since
 * 1970-01-01T00:00:00Z.
 */
#ifndef COMMON_TIMESTAMP_H
#define COMMON_TIMESTAMP_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

#define TIMESTAMP_TEXT_MAX 40 /* bytes, with the NUL */

/*
 * Reads "2014-09-01T00:00:00Z": date, T or t or a space, time, an optional fraction of 1 to 9
 * digits, and Z, z or an offset such as +02:00.  Returns 0; -EINVAL for other text, with
 * *reterr_column (from 1) at the first character that does not fit; -ERANGE for a date that does
 * not exist or does not fit int64_t nanoseconds, with *reterr_column at the field that is off.
 */
NODISCARD int timestamp_parse(struct span text, int64_t *ret_time_ns, unsigned *reterr_column);

/* Writes "2026-11-23T01:12:00.000Z", always with milliseconds (cut, not rounded), and a NUL. */
void timestamp_format_ms(int64_t time_ns, char out[static TIMESTAMP_TEXT_MAX]);

#endif
