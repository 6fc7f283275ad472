/*
 * output.h: a caller's buffer that is written from front to back.
 *
 * Whoever writes knows the bound of what it writes and has made sure of the room; running out of
 * it is a bug and stops the program.
 */
#ifndef SERVER_HTTP_OUTPUT_H
#define SERVER_HTTP_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bug.h"
#include "common/number.h"
#include "common/span.h"

struct http_output {
    char *base;      /* owned by the caller */
    size_t used;     /* bytes written; <= capacity */
    size_t capacity; /* bytes at base */
    uint16_t status; /* of the last head that was written */
};

/* How much may still be written. */
static inline size_t http_output_room(const struct http_output *out)
{
    return out->capacity - out->used;
}

static inline void http_output_put(struct http_output *out, struct span bytes)
{
    BUG_IF(bytes.len > http_output_room(out));
    if (bytes.len > 0)
        memcpy(out->base + out->used, bytes.base, bytes.len);
    out->used += bytes.len;
}

/* In decimal. */
static inline void http_output_put_u64(struct http_output *out, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    http_output_put(out, (struct span){digits, format_u64(value, digits)});
}

#endif
