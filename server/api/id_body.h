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

/* The exact length of the body of a complete order, in bytes. */
size_t id_body_len(const struct id_order *order, const struct service *service);

/* No body of at most count ids is longer than this. */
size_t id_body_len_max(uint32_t count);

/* Writes the body of a complete order: exactly id_body_len() bytes.  Returns their number. */
size_t id_body_write(const struct id_order *order, const struct service *service, char *out);

#endif
