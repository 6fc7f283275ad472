/*
 * span.h: bytes that somebody else owns, with their length.
 *
 * A span is not NUL-terminated and is valid as long as the bytes it was cut from.
 */
#ifndef COMMON_SPAN_H
#define COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *base;
    size_t len;
};

/* A span over a string literal, without its NUL. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* The same as an initialiser, for static tables. */
#define SPAN_INIT(literal)             \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

/* For printf's %.*s. */
#define SPAN_ARGS(s) (int)(s).len, (s).base

static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.base, b.base, a.len) == 0);
}

/* Compares without regard to the case of ASCII letters, and of nothing else. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char x = a.base[i];
        char y = b.base[i];
        if (x >= 'A' && x <= 'Z')
            x = (char)(x + ('a' - 'A'));
        if (y >= 'A' && y <= 'Z')
            y = (char)(y + ('a' - 'A'));
        if (x != y)
            return false;
    }
    return true;
}

#endif
