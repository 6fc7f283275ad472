/*
 * id_body.h: issued ids as the body of a response, in each format.
 *
 * A body is rendered from runs whenever it is needed, again if the first attempt did not fit the
 * socket: cheaper than keeping 200 KB per connection.
 */
#ifndef SERVER_API_ID_BODY_H
#define SERVER_API_ID_BODY_H

#include <stddef.h>

#include "common/span.h"
#include "server/api/id_order.h"

/* What Content-Type says of the format. */
struct span id_format_content_type(enum id_format format);

/* The body of a complete order, which it must not outlive. */
struct id_body {
    const struct id_order *order;
    const struct service *service;
    size_t len;         /* in bytes, exactly */
    uint64_t timestamp; /* the second in which the tick of the last id lies */
};

struct id_body id_body_of(const struct id_order *order, const struct service *service);

/* The room that id_body_write() needs for a body of at most count ids; none is as long. */
size_t id_body_room(uint32_t count);

/*
 * Writes the body, and may leave scratch behind it, within id_body_room().  Returns its length,
 * which is body->len.
 */
size_t id_body_write(const struct id_body *body, char *out);

#endif
