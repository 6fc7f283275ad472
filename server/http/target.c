/* target.c: hosts, paths and queries. */
#include "server/http/target.h"

#include <errno.h>

#include "common/bug.h"
#include "server/http/chars.h"

/*
 * Takes one byte off text, which is not empty, and decodes it if it is an escape.  Returns 0, or
 * -EINVAL for a '%' without two hexadecimal digits.
 */
static int take_byte(struct span *text, char *ret_byte)
{
    size_t used = 1;
    *ret_byte = text->base[0];
    if (text->base[0] == '%') {
        used = 3;
        if (text->len < used || !http_char_is(text->base[1], HTTP_CHAR_HEX) ||
            !http_char_is(text->base[2], HTTP_CHAR_HEX))
            return -EINVAL;
        *ret_byte = (char)(http_hex_value(text->base[1]) << 4 | http_hex_value(text->base[2]));
    }
    text->base += used;
    text->len -= used;
    return 0;
}

/* The length of the name or address at the start; 0 if it is empty or malformed. */
static size_t host_len(struct span authority)
{
    size_t len = 0;
    if (authority.len > 0 && authority.base[0] == '[') {
        const char *bracket = memchr(authority.base, ']', authority.len);
        if (bracket == NULL)
            return 0;
        len = (size_t)(bracket - authority.base);
        for (size_t i = 1; i < len; i++) {
            char byte = authority.base[i];
            if (!http_char_is(byte, HTTP_CHAR_HEX) && byte != ':' && byte != '.')
                return 0;
        }
        return len > 1 ? len + 1 : 0;
    }
    while (len < authority.len && http_char_is(authority.base[len], HTTP_CHAR_HOST) &&
           authority.base[len] != ':' && authority.base[len] != '[' && authority.base[len] != ']')
        len++;
    return len;
}

bool http_authority_valid(struct span authority)
{
    size_t len = host_len(authority);
    if (len == authority.len)
        return len > 0;
    if (authority.base[len] != ':')
        return false;
    for (size_t i = len + 1; i < authority.len; i++) {
        if (!http_char_is(authority.base[i], HTTP_CHAR_DIGIT))
            return false;
    }
    return true;
}

int http_path_decode(struct span path, char *out, size_t capacity, size_t *ret_len)
{
    size_t len = 0;
    for (; path.len > 0; len++) {
        bool escaped = path.base[0] == '%';
        char byte;
        int r = take_byte(&path, &byte);
        if (r < 0)
            return r;
        if (escaped && (byte == '/' || byte == '\0'))
            return -EINVAL;
        if (len < capacity)
            out[len] = byte;
    }
    if (len > capacity) /* last, so that a bad escape behind the capacity is still refused */
        return -ENAMETOOLONG;
    *ret_len = len;
    return 0;
}

/* Decodes text to out, which has room for it.  Returns 0, or -EINVAL. */
static int decode(struct span text, char *out, size_t *ret_len)
{
    size_t len = 0;
    while (text.len > 0) {
        int r = take_byte(&text, &out[len++]);
        if (r < 0)
            return r;
    }
    *ret_len = len;
    return 0;
}

/* Cuts text at the first separator; the rest is what follows it, or nothing. */
static struct span cut(struct span text, char separator, struct span *ret_rest)
{
    const char *found = memchr(text.base, separator, text.len);
    if (found == NULL) {
        *ret_rest = (struct span){text.base + text.len, 0};
        return text;
    }
    size_t len = (size_t)(found - text.base);
    *ret_rest = (struct span){found + 1, text.len - len - 1};
    return (struct span){text.base, len};
}

void http_query_begin(struct http_query *query, struct span text)
{
    BUG_IF(text.len > sizeof(query->decoded));
    query->rest = text;
}

enum http_query_step http_query_next(struct http_query *query, struct http_parameter *ret_parameter)
{
    struct span pair = {NULL, 0};
    while (pair.len == 0) {
        if (query->rest.len == 0)
            return HTTP_QUERY_END;
        pair = cut(query->rest, '&', &query->rest);
    }

    struct http_parameter parameter;
    parameter.name = cut(pair, '=', &parameter.value);
    if (memchr(pair.base, '%', pair.len) != NULL) {
        /* Name and value are decoded one behind the other; decoded text is never longer. */
        size_t name_len;
        size_t value_len;
        if (decode(parameter.name, query->decoded, &name_len) < 0 ||
            decode(parameter.value, query->decoded + name_len, &value_len) < 0)
            return HTTP_QUERY_MALFORMED;
        parameter.name = (struct span){query->decoded, name_len};
        parameter.value = (struct span){query->decoded + name_len, value_len};
    }
    *ret_parameter = parameter;
    return HTTP_QUERY_PAIR;
}
