/* request.c: reads a request head from left to right, one function per part of the grammar. */
#include "server/http/request.h"

#include "server/http/chars.h"
#include "server/http/fields.h"
#include "server/http/target.h"

/* DONE from the functions below means: this part was taken, and at is behind it. */
struct parser {
    const char *at;  /* the next byte */
    const char *end; /* of what there is, or of what a head may be */
    struct http_refusal refusal;
};

static enum http_parse refuse(struct parser *p, uint16_t status, const char *detail)
{
    p->refusal = (struct http_refusal){status, detail};
    return HTTP_PARSE_REFUSED;
}

/* Takes CR LF.  detail is for a byte that is neither of them. */
static enum http_parse take_line_end(struct parser *p, const char *detail)
{
    if (p->at == p->end)
        return HTTP_PARSE_MORE;
    if (*p->at == '\n')
        return refuse(p, 400, "a line ends in LF alone; end every line with CR LF");
    if (*p->at != '\r')
        return refuse(p, 400, detail);
    if (p->at + 1 == p->end)
        return HTTP_PARSE_MORE;
    if (p->at[1] != '\n')
        return refuse(p, 400, "a CR is not followed by LF; end every line with CR LF");
    p->at += 2;
    return HTTP_PARSE_DONE;
}

/* Takes a literal; fold is 0, or 0x20 for a text of lower case letters in either case. */
static enum http_parse take_text(struct parser *p, struct span text, char fold, const char *detail)
{
    for (size_t i = 0; i < text.len; i++, p->at++) {
        if (p->at == p->end)
            return HTTP_PARSE_MORE;
        if ((*p->at | fold) != text.base[i])
            return refuse(p, 400, detail);
    }
    return HTTP_PARSE_DONE;
}

/* Some clients send an empty line after a body (RFC 9112, 2.2). */
static enum http_parse skip_empty_lines(struct parser *p)
{
    for (unsigned count = 0; p->at < p->end && (*p->at == '\r' || *p->at == '\n'); count++) {
        if (count == HTTP_EMPTY_LINES_MAX)
            return refuse(p, 400, "there are too many empty lines before the request line");
        enum http_parse result = take_line_end(p, "");
        if (result != HTTP_PARSE_DONE)
            return result;
    }
    return HTTP_PARSE_DONE;
}

/*
 * Returns false for a name that is none of RFC 9110's or RFC 5789's, and for CONNECT: what follows
 * such a request may be no HTTP any more to whoever stands between the client and us.
 */
static bool method_of(struct span name, enum http_method *ret_method)
{
    static const struct span others[] = {SPAN_INIT("POST"),    SPAN_INIT("PUT"),
                                         SPAN_INIT("DELETE"),  SPAN_INIT("PATCH"),
                                         SPAN_INIT("OPTIONS"), SPAN_INIT("TRACE")};
    *ret_method = HTTP_GET;
    if (span_equal(name, SPAN("GET")))
        return true;
    *ret_method = HTTP_HEAD;
    if (span_equal(name, SPAN("HEAD")))
        return true;
    *ret_method = HTTP_OTHER_METHOD;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (span_equal(name, others[i]))
            return true;
    }
    return false;
}

static const char version_fault[] = "only HTTP/1.1 and HTTP/1.0 are spoken here";

static enum http_parse take_method(struct parser *p, struct http_request *request)
{
    struct span name = {p->at, 0};
    while (p->at < p->end && http_char_is(*p->at, HTTP_CHAR_TOKEN))
        p->at++;
    if (p->at == p->end)
        return HTTP_PARSE_MORE;
    name.len = (size_t)(p->at - name.base);
    if (name.len == 0 || *p->at != ' ')
        return refuse(p, 400,
                      "this is no HTTP request: it does not begin with a method and a space (TLS "
                      "ends at a proxy in front)");
    if (span_equal(name, SPAN("PRI"))) /* how a client of HTTP/2 begins */
        return refuse(p, 505, version_fault);
    if (!method_of(name, &request->method))
        return refuse(p, 405, "the method is unknown here, or CONNECT; use GET or HEAD");
    p->at++;
    return HTTP_PARSE_DONE;
}

/* Why byte cannot be in a target at this place. */
static const char *target_fault(char byte)
{
    if (byte == '#')
        return "the target has a fragment; remove the '#' and what follows, or encode it as %23";
    if (byte == ' ')
        return "there is more than one space between the method and the target";
    if (byte == '\r' || byte == '\n')
        return "the request line ends without a version; append HTTP/1.1";
    return "the target has a character that URIs cannot have; percent-encode it";
}

/*
 * Takes the bytes of the given kinds; start is where the target begins, for its ceiling.  DONE
 * means that a byte of another kind follows.
 */
static enum http_parse take_part(struct parser *p, const char *start, unsigned kinds,
                                 struct span *ret_part)
{
    struct span part = {p->at, 0};
    while (p->at < p->end && http_char_is(*p->at, kinds))
        p->at++;
    if (p->at - start > HTTP_TARGET_MAX) /* first, so that a later byte has no say */
        return refuse(p, 414, "the target is longer than 4096 bytes; shorten it");
    if (p->at == p->end)
        return HTTP_PARSE_MORE;
    part.len = (size_t)(p->at - part.base);
    *ret_part = part;
    return HTTP_PARSE_DONE;
}

/* Takes what ends a target. */
static enum http_parse take_target_end(struct parser *p)
{
    if (*p->at != ' ')
        return refuse(p, 400, target_fault(*p->at));
    p->at++;
    return HTTP_PARSE_DONE;
}

static enum http_parse take_path_and_query(struct parser *p, const char *start,
                                           struct http_request *request)
{
    enum http_parse result = take_part(p, start, HTTP_CHAR_PATH, &request->path);
    if (result != HTTP_PARSE_DONE)
        return result;
    if (request->path.len == 0)
        request->path = SPAN("/"); /* http://host is http://host/ */
    request->has_query = *p->at == '?';
    request->query = (struct span){p->at, 0};
    if (request->has_query) {
        p->at++;
        result = take_part(p, start, HTTP_CHAR_QUERY, &request->query);
        if (result != HTTP_PARSE_DONE)
            return result;
    }
    return take_target_end(p);
}

/* http://host:port or https://host:port, and what follows it. */
static enum http_parse take_absolute_target(struct parser *p, struct http_request *request)
{
    static const char fault[] = "the target does not begin with '/', nor with http:// or https://";
    const char *start = p->at;
    enum http_parse result = take_text(p, SPAN("http"), 0x20, fault);
    if (result != HTTP_PARSE_DONE)
        return result;
    if (p->at < p->end && (*p->at == 's' || *p->at == 'S'))
        p->at++;
    result = take_text(p, SPAN("://"), 0, fault);
    if (result != HTTP_PARSE_DONE)
        return result;

    struct span authority;
    result = take_part(p, start, HTTP_CHAR_HOST, &authority);
    if (result != HTTP_PARSE_DONE)
        return result;
    if (*p->at != '/' && *p->at != '?' && *p->at != ' ' && *p->at != '@')
        return refuse(p, 400, target_fault(*p->at));
    if (!http_authority_valid(authority) || authority.base[0] == ':' || *p->at == '@')
        return refuse(p, 400, "the host in the target is not a host name or address");
    return take_path_and_query(p, start, request);
}

/* "*": the server as a whole (RFC 9112, 3.2.4). */
static enum http_parse take_asterisk(struct parser *p, struct http_request *request)
{
    request->path = (struct span){p->at++, 1};
    request->has_query = false;
    request->query = (struct span){p->at, 0};
    return p->at == p->end ? HTTP_PARSE_MORE : take_target_end(p);
}

static enum http_parse take_target(struct parser *p, struct http_request *request)
{
    if (p->at == p->end)
        return HTTP_PARSE_MORE;
    if (*p->at == '/')
        return take_path_and_query(p, p->at, request);
    if (*p->at == '*' && request->method == HTTP_OTHER_METHOD)
        return take_asterisk(p, request);
    if (*p->at == ' ' || *p->at == '\r' || *p->at == '\n')
        return refuse(p, 400, target_fault(*p->at));
    return take_absolute_target(p, request);
}

static enum http_parse take_version(struct parser *p, struct http_request *request)
{
    static const char fault[] = "the version is malformed: HTTP/1.1 and the end of the line must "
                                "follow the target and one space";
    enum http_parse result = take_text(p, SPAN("HTTP/"), 0, fault);
    if (result != HTTP_PARSE_DONE)
        return result;
    for (unsigned i = 0; i < 3; i++) { /* digit, dot, digit */
        if (p->at + i == p->end)
            return HTTP_PARSE_MORE;
        if (i == 1 ? p->at[i] != '.' : !http_char_is(p->at[i], HTTP_CHAR_DIGIT))
            return refuse(p, 400, fault);
    }
    if (p->at[0] != '1' || p->at[2] > '1')
        return refuse(p, 505, version_fault);
    request->minor_version = (uint8_t)(p->at[2] - '0');
    p->at += 3;
    return take_line_end(p, fault);
}

static enum http_parse take_request_line(struct parser *p, struct http_request *request)
{
    enum http_parse result = skip_empty_lines(p);
    if (result == HTTP_PARSE_DONE)
        result = take_method(p, request);
    if (result == HTTP_PARSE_DONE)
        result = take_target(p, request);
    if (result == HTTP_PARSE_DONE)
        result = take_version(p, request);
    return result;
}

/* Why byte cannot follow a field name of name_len bytes. */
static const char *name_fault(char byte, size_t name_len)
{
    if (http_char_is_blank(byte))
        return name_len == 0 ? "a header line begins with a blank; continued lines are not accepted"
                             : "there is a blank before the colon of a header field; remove it";
    if (byte == ':')
        return "a header field has no name";
    if (byte == '\r' || byte == '\n')
        return "a header line has no colon";
    return "the name of a header field has a character that names cannot have";
}

static enum http_parse take_field(struct parser *p, struct http_fields *fields)
{
    struct span name = {p->at, 0};
    while (p->at < p->end && http_char_is(*p->at, HTTP_CHAR_TOKEN))
        p->at++;
    if (p->at == p->end)
        return HTTP_PARSE_MORE;
    name.len = (size_t)(p->at - name.base);
    if (name.len == 0 || *p->at != ':')
        return refuse(p, 400, name_fault(*p->at, name.len));
    p->at++;

    while (p->at < p->end && http_char_is_blank(*p->at))
        p->at++;
    struct span value = {p->at, 0};
    p->at = http_value_end(p->at, p->end);
    value.len = (size_t)(p->at - value.base);
    while (value.len > 0 && http_char_is_blank(value.base[value.len - 1]))
        value.len--;

    enum http_parse result =
        take_line_end(p, "the value of a header field has a control character; remove it");
    if (result == HTTP_PARSE_DONE && !http_fields_add(fields, name, value, &p->refusal))
        result = HTTP_PARSE_REFUSED;
    return result;
}

static enum http_parse take_fields(struct parser *p, struct http_request *request)
{
    struct http_fields fields;
    http_fields_init(&fields, request->minor_version);
    for (unsigned count = 0; p->at < p->end && *p->at != '\r' && *p->at != '\n'; count++) {
        if (count == HTTP_FIELDS_MAX)
            return refuse(p, 431, "there are more than 100 header fields; send fewer");
        enum http_parse result = take_field(p, &fields);
        if (result != HTTP_PARSE_DONE)
            return result;
    }
    enum http_parse result = take_line_end(p, "");
    if (result == HTTP_PARSE_DONE && !http_fields_finish(&fields, request, &p->refusal))
        result = HTTP_PARSE_REFUSED;
    return result;
}

enum http_parse http_request_parse(struct span bytes, struct http_request *ret_request,
                                   struct http_refusal *reterr_refusal)
{
    if (bytes.len == 0)
        return HTTP_PARSE_MORE;

    size_t len = bytes.len < HTTP_HEAD_MAX ? bytes.len : HTTP_HEAD_MAX;
    struct parser p = {.at = bytes.base, .end = bytes.base + len};
    struct http_request request;
    enum http_parse result = take_request_line(&p, &request);
    if (result == HTTP_PARSE_DONE)
        result = take_fields(&p, &request);
    if (result == HTTP_PARSE_MORE && len == HTTP_HEAD_MAX)
        result = refuse(&p, 431, "the head of the request is longer than 8192 bytes; shorten it");

    if (result == HTTP_PARSE_REFUSED)
        *reterr_refusal = p.refusal;
    if (result != HTTP_PARSE_DONE)
        return result;
    request.head = bytes.base;
    request.head_len = (size_t)(p.at - bytes.base);
    *ret_request = request;
    return HTTP_PARSE_DONE;
}
