#include "server/http/field_walk.h"

#include "common/bug.h"
#include "server/http/chars.h"

/* Cuts the next line off, without its CR LF. */
static struct span take_line(struct http_field_walk *walk)
{
    const char *end = memchr(walk->at, '\r', (size_t)(walk->end - walk->at));
    BUG_IF(end == NULL); /* every line of a parsed head ends in CR LF */
    struct span line = {walk->at, (size_t)(end - walk->at)};
    walk->at = end + 2;
    return line;
}

static struct span without_blanks(struct span text)
{
    while (text.len > 0 && http_char_is_blank(text.base[0]))
        text = (struct span){text.base + 1, text.len - 1};
    while (text.len > 0 && http_char_is_blank(text.base[text.len - 1]))
        text.len--;
    return text;
}

void http_field_walk_begin(struct http_field_walk *walk, const struct http_request *request)
{
    *walk = (struct http_field_walk){request->head, request->head + request->head_len};
    while (take_line(walk).len == 0) /* empty lines, up to the request line */
        ;
}

bool http_field_walk_next(struct http_field_walk *walk, struct span name, struct span *ret_value)
{
    while (walk->at < walk->end) {
        struct span line = take_line(walk);
        const char *colon = memchr(line.base, ':', line.len);
        if (colon == NULL)
            return false; /* the empty line */
        struct span found = {line.base, (size_t)(colon - line.base)};
        if (!span_equal_nocase(found, name))
            continue;
        *ret_value = without_blanks((struct span){colon + 1, line.len - found.len - 1});
        return true;
    }
    return false;
}
