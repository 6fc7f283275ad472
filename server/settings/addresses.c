#include "server/settings/addresses.h"

#include <arpa/inet.h>

#include "common/number.h"
#include "server/settings/item_list.h"

static bool parse_unix(const struct item *item, struct listen_address *ret)
{
    struct span path = {item->text.base + 5, item->text.len - 5};
    if (path.len == 0 || path.base[0] != '/')
        return item_refuse(item, "must name an absolute path, as in unix:/run/go-id/socket");
    if (!settings_file_can_hold(path))
        return item_refuse(item, SETTINGS_UNFIT_TEXT);
    if (path.len >= sizeof(ret->text))
        return item_refuse(item, "is too long: the path of a Unix socket has at most 107 bytes");
    ret->kind = LISTEN_UNIX;
    memcpy(ret->text, path.base, path.len);
    return true;
}

/* Cuts ":PORT" off the end of *text. */
static bool take_port(const struct item *item, struct span *text, struct listen_address *ret)
{
    const char *colon = memrchr(text->base, ':', text->len);
    if (colon == NULL)
        return item_refuse(item, "must be HOST:PORT, [IPV6]:PORT or unix:/path");
    struct span port = {colon + 1, (size_t)(text->base + text->len - colon - 1)};
    uint64_t value;
    if (parse_u64(port, 0, UINT16_MAX, &value) < 0)
        return item_refuse(item, "must end in a port from 0 to 65535 (0: the kernel chooses)");
    ret->port = (uint16_t)value;
    text->len = (size_t)(colon - text->base);
    if (memchr(text->base, ':', text->len) != NULL && text->base[0] != '[')
        return item_refuse(item, "must have brackets around an IPv6 address, as in [::1]:7001");
    return true;
}

static bool parse_ip(const struct item *item, struct span text, struct listen_address *ret)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    bool brackets = text.len >= 2 && text.base[0] == '[' && text.base[text.len - 1] == ']';
    if (brackets)
        text = (struct span){text.base + 1, text.len - 2};
    if (text.len < sizeof(ret->text)) {
        memcpy(ret->text, text.base, text.len);
        if (!brackets && inet_pton(AF_INET, ret->text, bytes) == 1) {
            ret->kind = LISTEN_IPV4;
            return true;
        }
        if (inet_pton(AF_INET6, ret->text, bytes) == 1) {
            ret->kind = LISTEN_IPV6;
            return true;
        }
    }
    if (span_equal_nocase(text, SPAN("localhost")))
        return item_refuse(item, "is a name; write the addresses: 127.0.0.1,::1");
    return item_refuse(item, "is neither an IPv4 or IPv6 address in numbers nor unix:/path");
}

static bool parse_item(const struct item *item, bool with_ports, struct listen_address *ret)
{
    *ret = (struct listen_address){0};
    struct span text = item->text;
    if (text.len == 0) {
        problems_add(item->problems, item->place,
                     "'%s': an address is missing; write one, or take the comma away", item->what);
        return false;
    }
    if (text.len >= 5 && memcmp(text.base, "unix:", 5) == 0)
        return parse_unix(item, ret);
    if (with_ports && !take_port(item, &text, ret))
        return false;
    return parse_ip(item, text, ret);
}

static bool is_repeated(const struct listen_address *addresses, size_t count,
                        const struct listen_address *address, bool with_ports)
{
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].kind == address->kind && addresses[i].port == address->port &&
            span_equal(span_of(addresses[i].text), span_of(address->text)))
            return !with_ports || address->kind == LISTEN_UNIX || address->port != 0;
    }
    return false;
}

size_t addresses_parse(struct span list, bool with_ports, const char *what, struct place place,
                       struct problems *problems,
                       struct listen_address ret[static SETTINGS_LISTENERS_MAX])
{
    struct listen_address parsed[SETTINGS_LISTENERS_MAX];
    size_t count = 0;
    size_t problems_before = problems->count + problems->dropped;
    struct item_list items = {list, what, place, problems, 0};
    struct item item;
    while (item_list_next(&items, &item)) {
        struct listen_address address;
        if (!parse_item(&item, with_ports, &address))
            continue;
        if (is_repeated(parsed, count, &address, with_ports))
            (void)item_refuse(&item, "is given twice; leave one out");
        else if (count == SETTINGS_LISTENERS_MAX)
            (void)item_refuse(&item, "is one too many: there may be 16 addresses");
        else
            parsed[count++] = address;
    }
    if (problems->count + problems->dropped > problems_before)
        return 0;
    memcpy(ret, parsed, count * sizeof(parsed[0]));
    return count;
}
