/*
 * field_walk.h: the header fields of a head that has been parsed, one after the other.
 *
 * For fields that matter only where they are asked for: the parser passes over them, and a request
 * that nobody asks costs nothing more.
 *
 * Threads  Pure.
 */
#ifndef SERVER_HTTP_FIELD_WALK_H
#define SERVER_HTTP_FIELD_WALK_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/http/request.h"

struct http_field_walk {
    const char *at;  /* the next field, or the empty line */
    const char *end; /* behind the head */
};

/* request is one that http_request_parse() has filled in, and whose bytes are still there. */
void http_field_walk_begin(struct http_field_walk *walk, const struct http_request *request);

/*
 * The next field of this name, whose case does not matter; *ret_value has no blanks around it.
 * False when there is none left.
 */
NODISCARD bool http_field_walk_next(struct http_field_walk *walk, struct span name,
                                    struct span *ret_value);

#endif
