#include "server/http/page.h"

#include "server/http/chars.h"

static struct span trimmed(struct span text)
{
    while (text.len > 0 && http_char_is_blank(text.base[0])) {
        text.base++;
        text.len--;
    }
    while (text.len > 0 && http_char_is_blank(text.base[text.len - 1]))
        text.len--;
    return text;
}

/* Cuts what is before the next separator, or all, off *rest. */
static struct span take_until(struct span *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->base, separator, rest->len) : NULL;
    struct span part = {rest->base, end != NULL ? (size_t)(end - rest->base) : rest->len};
    size_t used = part.len + (end != NULL ? 1 : 0);
    rest->base += used;
    rest->len -= used;
    return trimmed(part);
}

/* Whether the parameters of a coding have q=0, q=0.0 and the like. */
static bool is_refused(struct span parameters)
{
    while (parameters.len > 0) {
        struct span value = take_until(&parameters, ';');
        if (!span_equal_nocase(take_until(&value, '='), SPAN("q")))
            continue;
        for (size_t i = 0; i < value.len; i++) {
            if (value.base[i] != '0' && value.base[i] != '.')
                return false;
        }
        return true;
    }
    return false;
}

bool http_accepts_gzip(struct span accept_encoding)
{
    bool any = false;
    while (accept_encoding.len > 0) {
        struct span parameters = take_until(&accept_encoding, ',');
        struct span coding = take_until(&parameters, ';');
        if (span_equal_nocase(coding, SPAN("gzip")) || span_equal_nocase(coding, SPAN("x-gzip")))
            return !is_refused(parameters); /* what is said of gzip beats what is said of all */
        if (span_equal(coding, SPAN("*")))
            any = !is_refused(parameters);
    }
    return any;
}

bool http_etag_listed(struct span if_none_match, struct span etag)
{
    while (if_none_match.len > 0) {
        struct span tag = take_until(&if_none_match, ','); /* none of ours has a comma */
        if (tag.len > 2 && tag.base[0] == 'W' && tag.base[1] == '/') {
            tag.base += 2; /* a weak one will do: the field compares weakly */
            tag.len -= 2;
        }
        if (span_equal(tag, etag) || span_equal(tag, SPAN("*")))
            return true;
    }
    return false;
}
