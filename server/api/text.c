#include "server/api/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/bug.h"

void text_add(struct text *text, const char *format, ...)
{
    size_t room = text->capacity - text->len;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text->base + text->len, room, format, arguments);
    va_end(arguments);
    BUG_IF(len < 0 || (size_t)len >= room);
    text->len += (size_t)len;
}

void text_add_html(struct text *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char byte = bytes.base[i];
        switch (byte) {
        case '&':
        case '<':
        case '>':
        case '"':
        case '\'':
            text_add(text, "&#%d;", byte);
            break;
        default:
            BUG_IF(text->len == text->capacity);
            text->base[text->len++] = byte;
        }
    }
}
