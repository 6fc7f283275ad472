/*
 * id_output.h: ids on standard output, each whole or not at all.
 *
 * A reader takes half an id for one: 6473845 is a number too.  So what is written ends with an id
 * whenever that lies with us, and what was written is known to the id.
 */
#ifndef CLI_ID_OUTPUT_H
#define CLI_ID_OUTPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

enum id_output_format {
    ID_OUTPUT_TEXT,   /* a decimal number per line */
    ID_OUTPUT_JSON,   /* what GET /generate answers, per line */
    ID_OUTPUT_STRING, /* the same with format=string */
    ID_OUTPUT_BINARY, /* eight bytes each, big-endian */
};

#define ID_OUTPUT_FORMATS "text, json, string or binary"

struct id_output {
    enum id_output_format format;
    int64_t start_time_ns;                /* of the ids; for the timestamps of json and string */
    const volatile sig_atomic_t *stopped; /* when it is set, id_output_flush() ends early */
    uint64_t written;                     /* ids that are out */
    bool is_torn;                         /* a write failed in the middle of one more */
    size_t used;
    char buffer[65536];
};

/* Returns false for another name. */
bool id_output_format_find(struct span name, enum id_output_format *ret_format);

/* Adds an id, writing when the buffer is full.  Returns 0 or a negative errno. */
NODISCARD int id_output_add(struct id_output *output, uint64_t id);

/*
 * Writes what is in the buffer.  Returns 0; -EINTR if *stopped ended it, between two ids; or
 * another negative errno.
 */
NODISCARD int id_output_flush(struct id_output *output);

#endif
