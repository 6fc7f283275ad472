/* accept.c: reads media ranges and weighs them. */
#include "server/http/accept.h"

#include <stddef.h>

#include "server/http/chars.h"

#define QUALITY_MAX 1000 /* q=1, in thousandths */

struct media_range {
    struct span type;
    struct span subtype;
    uint16_t quality;
};

static const struct {
    struct span type;
    struct span subtype;
} media[HTTP_MEDIA_COUNT] = {
    [HTTP_MEDIA_JSON] = {SPAN_INIT("application"), SPAN_INIT("json")},
    [HTTP_MEDIA_TEXT] = {SPAN_INIT("text"), SPAN_INIT("plain")},
    [HTTP_MEDIA_BINARY] = {SPAN_INIT("application"), SPAN_INIT("octet-stream")},
    [HTTP_MEDIA_OPENMETRICS] = {SPAN_INIT("application"), SPAN_INIT("openmetrics-text")},
};

static void drop(struct span *rest, size_t len)
{
    rest->base += len;
    rest->len -= len;
}

static void skip_blanks(struct span *rest)
{
    while (rest->len > 0 && http_char_is_blank(rest->base[0]))
        drop(rest, 1);
}

static bool take_char(struct span *rest, char wanted)
{
    if (rest->len == 0 || rest->base[0] != wanted)
        return false;
    drop(rest, 1);
    return true;
}

/* Empty if rest does not begin with a token. */
static struct span take_token(struct span *rest)
{
    struct span token = {rest->base, 0};
    while (token.len < rest->len && http_char_is(rest->base[token.len], HTTP_CHAR_TOKEN))
        token.len++;
    drop(rest, token.len);
    return token;
}

/* Takes a quoted string whose opening quote is already taken; false if it does not end. */
static bool take_quoted_rest(struct span *rest)
{
    while (rest->len > 0) {
        char byte = rest->base[0];
        drop(rest, 1);
        if (byte == '"')
            return true;
        if (byte == '\\' && rest->len > 0)
            drop(rest, 1);
    }
    return false;
}

/* "0", "0.", "0.5", "0.25", "0.125", "1", "1.", "1.000": RFC 9110's qvalue and nothing else. */
static bool parse_quality(struct span text, uint16_t *ret_quality)
{
    if (text.len == 0 || text.len > 5 || (text.base[0] != '0' && text.base[0] != '1'))
        return false;
    if (text.len > 1 && text.base[1] != '.')
        return false;

    unsigned quality = text.base[0] == '1' ? QUALITY_MAX : 0;
    unsigned weight = QUALITY_MAX / 10;
    for (size_t i = 2; i < text.len; i++, weight /= 10) {
        if (!http_char_is(text.base[i], HTTP_CHAR_DIGIT))
            return false;
        quality += weight * (unsigned)(text.base[i] - '0');
    }
    if (quality > QUALITY_MAX)
        return false;
    *ret_quality = (uint16_t)quality;
    return true;
}

/* Takes name=value, or nothing: RFC 9110 lets a parameter be empty. */
static bool take_parameter(struct span *rest, uint16_t *quality)
{
    struct span name = take_token(rest);
    if (name.len == 0)
        return true;
    if (!take_char(rest, '='))
        return false;
    if (take_char(rest, '"')) /* a q in quotes is no q */
        return take_quoted_rest(rest) && !span_equal_nocase(name, SPAN("q"));

    struct span value = take_token(rest);
    if (span_equal_nocase(name, SPAN("q")))
        return parse_quality(value, quality);
    return value.len > 0;
}

/* Takes one element of the list up to, not including, its comma. */
static bool take_range(struct span *rest, struct media_range *ret_range)
{
    struct media_range range = {.quality = QUALITY_MAX};
    range.type = take_token(rest);
    if (range.type.len == 0 || !take_char(rest, '/'))
        return false;
    range.subtype = take_token(rest);
    if (range.subtype.len == 0)
        return false;

    skip_blanks(rest);
    while (take_char(rest, ';')) {
        skip_blanks(rest);
        if (!take_parameter(rest, &range.quality))
            return false;
        skip_blanks(rest);
    }
    if (rest->len > 0 && rest->base[0] != ',')
        return false;
    *ret_range = range;
    return true;
}

/* Goes to the comma that ends an element, past commas in quotes. */
static void skip_element(struct span *rest)
{
    while (rest->len > 0 && rest->base[0] != ',') {
        if (take_char(rest, '"'))
            (void)take_quoted_rest(rest); /* without an end it takes everything, rightly */
        else
            drop(rest, 1);
    }
}

/* How closely range describes kind; 0: not at all. */
static uint8_t specificity_of(const struct media_range *range, enum http_media kind)
{
    bool any_type = span_equal(range->type, SPAN("*"));
    bool any_subtype = span_equal(range->subtype, SPAN("*"));
    if (any_type)
        return any_subtype ? 1 : 0; /* there is no such thing as any/json */
    if (!span_equal_nocase(range->type, media[kind].type))
        return 0;
    if (any_subtype)
        return 2;
    return span_equal_nocase(range->subtype, media[kind].subtype) ? 3 : 0;
}

static void consider(struct http_accept *accept, const struct media_range *range)
{
    for (enum http_media kind = 0; kind < HTTP_MEDIA_COUNT; kind++) {
        uint8_t specificity = specificity_of(range, kind);
        if (specificity == 0 || specificity < accept->specificity[kind])
            continue;
        if (specificity > accept->specificity[kind] || range->quality > accept->quality[kind])
            accept->quality[kind] = range->quality;
        accept->specificity[kind] = specificity;
    }
}

void http_accept_init(struct http_accept *accept)
{
    *accept = (struct http_accept){0};
}

bool http_accept_add(struct http_accept *accept, struct span value)
{
    bool all_understood = true;
    for (;;) {
        skip_blanks(&value);
        if (value.len == 0)
            return all_understood;
        if (take_char(&value, ','))
            continue;

        struct media_range range;
        if (take_range(&value, &range)) {
            consider(accept, &range);
        } else {
            all_understood = false;
            skip_element(&value);
        }
    }
}

enum http_media http_accept_best(const struct http_accept *accept)
{
    enum http_media best = HTTP_MEDIA_JSON;
    for (enum http_media kind = HTTP_MEDIA_TEXT; kind < HTTP_MEDIA_IDS_COUNT; kind++) {
        if (accept->quality[kind] > accept->quality[best])
            best = kind;
    }
    return best;
}

bool http_accept_openmetrics(const struct http_accept *accept)
{
    uint16_t quality = accept->quality[HTTP_MEDIA_OPENMETRICS];
    return accept->specificity[HTTP_MEDIA_OPENMETRICS] == 3 && quality > 0 &&
           quality >= accept->quality[HTTP_MEDIA_TEXT];
}
