/* fields.c: one small function per field that matters. */
#include "server/http/fields.h"

#include <errno.h>
#include <stddef.h>

#include "common/number.h"
#include "server/http/chars.h"
#include "server/http/target.h"

typedef bool field_handler(struct http_fields *fields, struct span value,
                           struct http_refusal *reterr_refusal);

static bool refuse(struct http_refusal *reterr_refusal, uint16_t status, const char *detail)
{
    *reterr_refusal = (struct http_refusal){status, detail};
    return false;
}

/* Not everybody takes a tab behind a value for a blank, as RFC 9110, 5.6.3 has it. */
static bool is_before_tab(struct span value)
{
    const char *at = value.base + value.len;
    while (*at == ' ')
        at++;
    return *at == '\t';
}

static bool add_host(struct http_fields *fields, struct span value,
                     struct http_refusal *reterr_refusal)
{
    if (fields->has_host)
        return refuse(reterr_refusal, 400, "there is more than one Host field; send exactly one");
    if (value.len > 0 && !http_authority_valid(value))
        return refuse(reterr_refusal, 400,
                      "the Host field is not a host name or address with an optional port");
    fields->has_host = true;
    return true;
}

static bool refuse_two_framings(struct http_refusal *reterr_refusal)
{
    return refuse(reterr_refusal, 400,
                  "Content-Length and Transfer-Encoding contradict each other; send one of them");
}

static bool add_content_length(struct http_fields *fields, struct span value,
                               struct http_refusal *reterr_refusal)
{
    if (fields->has_content_length)
        return refuse(reterr_refusal, 400,
                      "there is more than one Content-Length field; send exactly one");
    if (fields->has_transfer_encoding)
        return refuse_two_framings(reterr_refusal);

    int r = parse_u64(value, 0, UINT64_MAX, &fields->content_length);
    if (r == -ERANGE)
        return refuse(reterr_refusal, 400, "the Content-Length is larger than any body can be");
    if (r < 0 || is_before_tab(value))
        return refuse(reterr_refusal, 400,
                      "the Content-Length is not one number of decimal digits");
    fields->has_content_length = true;
    return true;
}

static bool add_transfer_encoding(struct http_fields *fields, struct span value,
                                  struct http_refusal *reterr_refusal)
{
    if (fields->minor_version == 0)
        return refuse(reterr_refusal, 400,
                      "HTTP/1.0 has no Transfer-Encoding; use Content-Length or HTTP/1.1");
    if (fields->has_transfer_encoding)
        return refuse(reterr_refusal, 400,
                      "there is more than one Transfer-Encoding field; send exactly one");
    if (fields->has_content_length)
        return refuse_two_framings(reterr_refusal);
    if (value.len == 0)
        return refuse(reterr_refusal, 400, "the Transfer-Encoding is empty; remove it");
    if (!span_equal_nocase(value, SPAN("chunked")) || is_before_tab(value))
        return refuse(reterr_refusal, 501,
                      "the only transfer coding that is understood is chunked, once");
    fields->has_transfer_encoding = true;
    return true;
}

/* Cuts the first element off a comma list, without the blanks around it; it may be empty. */
static struct span take_element(struct span *list)
{
    const char *comma = memchr(list->base, ',', list->len);
    struct span element = {list->base, comma != NULL ? (size_t)(comma - list->base) : list->len};
    size_t used = element.len + (comma != NULL ? 1 : 0);
    list->base += used;
    list->len -= used;

    while (element.len > 0 && http_char_is_blank(element.base[0])) {
        element.base++;
        element.len--;
    }
    while (element.len > 0 && http_char_is_blank(element.base[element.len - 1]))
        element.len--;
    return element;
}

/* Other connection options name fields for proxies to remove; there is nothing to do for us. */
static bool add_connection(struct http_fields *fields, struct span value,
                           struct http_refusal *reterr_refusal)
{
    (void)reterr_refusal; /* every value is fine */
    if (memchr(value.base, '\t', value.len) != NULL || is_before_tab(value))
        fields->has_close = true; /* not everybody finds an option beside a tab */
    while (value.len > 0) {
        struct span option = take_element(&value);
        if (span_equal_nocase(option, SPAN("close")))
            fields->has_close = true;
        else if (span_equal_nocase(option, SPAN("keep-alive")))
            fields->has_keep_alive = true;
    }
    return true;
}

/* Never a standard, but there are those who heed it (RFC 9112, C.2.2): it may only close. */
static bool add_proxy_connection(struct http_fields *fields, struct span value,
                                 struct http_refusal *reterr_refusal)
{
    bool has_keep_alive = fields->has_keep_alive;
    (void)add_connection(fields, value, reterr_refusal);
    fields->has_keep_alive = has_keep_alive;
    return true;
}

static bool add_expect(struct http_fields *fields, struct span value,
                       struct http_refusal *reterr_refusal)
{
    if (!span_equal_nocase(value, SPAN("100-continue")))
        return refuse(reterr_refusal, 417, "the only expectation that can be met is 100-continue");
    fields->expect_continue = fields->minor_version > 0; /* RFC 9110, 10.1.1 */
    return true;
}

static bool add_accept(struct http_fields *fields, struct span value,
                       struct http_refusal *reterr_refusal)
{
    (void)reterr_refusal;
    (void)http_accept_add(&fields->accept, value); /* what it cannot read is no reason to refuse */
    return true;
}

/* Read by page.c, where they matter.  A list that is spread over several fields is a rarity. */
static bool add_accept_encoding(struct http_fields *fields, struct span value,
                                struct http_refusal *reterr_refusal)
{
    (void)reterr_refusal;
    fields->accept_encoding = value;
    return true;
}

static bool add_if_none_match(struct http_fields *fields, struct span value,
                              struct http_refusal *reterr_refusal)
{
    (void)reterr_refusal;
    fields->if_none_match = value;
    return true;
}

/* NULL if the field means nothing to us.  Most names are told apart by their length alone. */
static field_handler *find_handler(struct span name)
{
    switch (name.len) {
    case sizeof("Host") - 1:
        return span_equal_nocase(name, SPAN("Host")) ? add_host : NULL;
    case sizeof("Accept") - 1: /* as long as "Expect" */
        if (span_equal_nocase(name, SPAN("Accept")))
            return add_accept;
        return span_equal_nocase(name, SPAN("Expect")) ? add_expect : NULL;
    case sizeof("Connection") - 1:
        return span_equal_nocase(name, SPAN("Connection")) ? add_connection : NULL;
    case sizeof("If-None-Match") - 1:
        return span_equal_nocase(name, SPAN("If-None-Match")) ? add_if_none_match : NULL;
    case sizeof("Content-Length") - 1:
        return span_equal_nocase(name, SPAN("Content-Length")) ? add_content_length : NULL;
    case sizeof("Accept-Encoding") - 1:
        return span_equal_nocase(name, SPAN("Accept-Encoding")) ? add_accept_encoding : NULL;
    case sizeof("Proxy-Connection") - 1:
        return span_equal_nocase(name, SPAN("Proxy-Connection")) ? add_proxy_connection : NULL;
    case sizeof("Transfer-Encoding") - 1:
        return span_equal_nocase(name, SPAN("Transfer-Encoding")) ? add_transfer_encoding : NULL;
    default:
        return NULL;
    }
}

void http_fields_init(struct http_fields *fields, uint8_t minor_version)
{
    *fields = (struct http_fields){.minor_version = minor_version};
    http_accept_init(&fields->accept);
}

bool http_fields_add(struct http_fields *fields, struct span name, struct span value,
                     struct http_refusal *reterr_refusal)
{
    field_handler *handler = find_handler(name);
    return handler == NULL || handler(fields, value, reterr_refusal);
}

bool http_fields_finish(const struct http_fields *fields, struct http_request *ret_request,
                        struct http_refusal *reterr_refusal)
{
    if (fields->minor_version > 0 && !fields->has_host)
        return refuse(reterr_refusal, 400, "HTTP/1.1 requires a Host field; send exactly one");

    ret_request->keep_alive =
        !fields->has_close && (fields->minor_version > 0 || fields->has_keep_alive);
    ret_request->expect_continue = fields->expect_continue;
    ret_request->accept = fields->accept;
    ret_request->accept_encoding = fields->accept_encoding;
    ret_request->if_none_match = fields->if_none_match;
    ret_request->content_length = fields->content_length;
    ret_request->body = HTTP_BODY_NONE;
    if (fields->has_transfer_encoding)
        ret_request->body = HTTP_BODY_CHUNKED;
    else if (fields->content_length > 0)
        ret_request->body = HTTP_BODY_LENGTH;
    return true;
}
