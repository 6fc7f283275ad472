/*
 * text.h: a body that is put together in a buffer of the caller's.
 *
 * Whoever writes knows the bound of what it writes; running out of room is a bug and stops the
 * program.
 */
#ifndef SERVER_API_TEXT_H
#define SERVER_API_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

struct text {
    char *base;
    size_t capacity;
    size_t len;
};

/* Appends as printf does. */
void text_add(struct text *text, const char *format, ...) FORMAT(2, 3);

/* Appends bytes so that they stand for themselves in HTML, in text and in quoted attributes. */
void text_add_html(struct text *text, struct span bytes);

static inline struct span text_span(const struct text *text)
{
    return (struct span){text->base, text->len};
}

#endif
