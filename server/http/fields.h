/*
 * fields.h: what the header fields of a request mean; used by request.c and by nobody else.
 *
 * The parser hands over one field after the other; nine names mean something to this server, the
 * rest is ignored.  Everything that decides where the request ends is strict, see request.h.
 *
 * Threads  Pure.
 */
#ifndef SERVER_HTTP_FIELDS_H
#define SERVER_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/http/accept.h"
#include "server/http/request.h"

struct http_fields {
    uint8_t minor_version; /* of the request line */
    bool has_host;
    bool has_content_length;
    bool has_transfer_encoding; /* and it is chunked: nothing else gets this far */
    bool has_close;             /* in Connection */
    bool has_keep_alive;        /* in Connection */
    bool expect_continue;
    uint64_t content_length;
    struct http_accept accept;
    struct span accept_encoding;
    struct span if_none_match;
};

/* No field yet. */
void http_fields_init(struct http_fields *fields, uint8_t minor_version);

/*
 * Takes in one field.  name is a token; value has field characters only and no blanks around
 * it; it stands in its line, so blanks and CR follow it.
 * Returns true, or false with *reterr_refusal set.
 */
NODISCARD bool http_fields_add(struct http_fields *fields, struct span name, struct span value,
                               struct http_refusal *reterr_refusal);

/*
 * After the last field: checks what must be there and sets keep_alive, expect_continue, body,
 * content_length and accept of *ret_request.  Returns true, or false with *reterr_refusal set.
 */
NODISCARD bool http_fields_finish(const struct http_fields *fields,
                                  struct http_request *ret_request,
                                  struct http_refusal *reterr_refusal);

#endif
