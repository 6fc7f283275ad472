#include "server/settings/time_servers.h"

#include <arpa/inet.h>

#include "common/number.h"
#include "server/settings/item_list.h"

#define LABEL_MAX 63 /* bytes between two dots of a name */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* Whether host is labels of 1 to 63 characters between dots; one dot more may stand at the end. */
static bool is_name(struct span host)
{
    size_t label_len = 0;
    for (size_t i = 0; i < host.len; i++) {
        if (host.base[i] == '.' ? label_len == 0 : !is_name_char(host.base[i]))
            return false;
        label_len = host.base[i] == '.' ? 0 : label_len + 1;
        if (label_len > LABEL_MAX)
            return false;
    }
    return host.len > 0;
}

/* Whether the last label is a number: no name ends so, but getaddrinfo() takes "127.1". */
static bool ends_in_number(struct span host)
{
    if (host.len > 0 && host.base[host.len - 1] == '.')
        host.len--;
    size_t digits = 0;
    while (digits < host.len && is_digit(host.base[host.len - digits - 1]))
        digits++;
    return digits > 0 && (digits == host.len || host.base[host.len - digits - 1] == '.');
}

/* Puts an address in its shortest form. */
static bool parse_numeric(int family, struct span text, struct ntp_server *ret)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char address[INET6_ADDRSTRLEN] = "";
    if (text.len >= sizeof(address))
        return false;
    memcpy(address, text.base, text.len);
    return inet_pton(family, address, bytes) == 1 &&
           inet_ntop(family, bytes, ret->host, sizeof(ret->host)) != NULL;
}

static bool parse_host(const struct item *item, struct span host, struct ntp_server *ret)
{
    if (host.len > 0 && host.base[0] == '[') {
        struct span inner = {host.base + 1, host.len - 2}; /* cut_port() saw the other bracket */
        return parse_numeric(AF_INET6, inner, ret) ||
               item_refuse(item, "must have an IPv6 address between its brackets");
    }
    if (ends_in_number(host))
        return parse_numeric(AF_INET, host, ret) ||
               item_refuse(item, "ends in a number and is no IPv4 address");
    if (host.len >= sizeof(ret->host))
        return item_refuse(item, "is too long: a host name has at most 253 characters");
    if (!is_name(host))
        return item_refuse(item, "must be HOST, HOST:PORT, [IPV6] or [IPV6]:PORT");
    memcpy(ret->host, host.base, host.len);
    return true;
}

/* Cuts ":PORT" off *text, if there is one. */
static bool cut_port(const struct item *item, struct span *text, struct ntp_server *ret)
{
    bool brackets = text->base[0] == '[';
    const char *host_end = memchr(text->base, brackets ? ']' : ':', text->len);
    if (brackets && host_end == NULL)
        return item_refuse(item, "must have a ']' behind the IPv6 address");
    size_t host_len = host_end != NULL ? (size_t)(host_end - text->base) + brackets : text->len;

    struct span rest = {text->base + host_len, text->len - host_len};
    text->len = host_len;
    ret->port = NTP_PORT;
    if (rest.len == 0)
        return true;
    if (rest.base[0] != ':')
        return item_refuse(item, "must have nothing behind the ']' but a port, as in [::1]:123");
    rest = (struct span){rest.base + 1, rest.len - 1};
    if (!brackets && memchr(rest.base, ':', rest.len) != NULL)
        return item_refuse(item, "must have brackets around an IPv6 address, as in [::1]:123");
    uint64_t port;
    if (parse_u64(rest, 1, UINT16_MAX, &port) < 0)
        return item_refuse(item, "must have a port from 1 to 65535 behind the ':'");
    ret->port = (uint16_t)port;
    return true;
}

static bool parse_server(const struct item *item, struct ntp_server *ret)
{
    *ret = (struct ntp_server){0};
    struct span text = item->text;
    if (text.len == 0) {
        problems_add(
            item->problems, item->place,
            "'%s': a server is missing; write one, as in ntp:10.0.0.1, or take the comma away",
            item->what);
        return false;
    }
    return cut_port(item, &text, ret) && parse_host(item, text, ret);
}

static bool is_repeated(const struct ntp_server *servers, size_t count,
                        const struct ntp_server *server)
{
    for (size_t i = 0; i < count; i++) {
        if (servers[i].port == server->port &&
            span_equal_nocase(span_of(servers[i].host), span_of(server->host)))
            return true;
    }
    return false;
}

size_t time_servers_parse(struct span list, const char *what, struct place place,
                          struct problems *problems, struct ntp_server ret[static NTP_SERVERS_MAX])
{
    struct ntp_server parsed[NTP_SERVERS_MAX];
    size_t count = 0;
    size_t problems_before = problems->count + problems->dropped;
    struct item_list items = {list, what, place, problems, 0};
    struct item item;
    while (item_list_next(&items, &item)) {
        struct ntp_server server;
        if (!parse_server(&item, &server))
            continue;
        if (is_repeated(parsed, count, &server))
            (void)item_refuse(&item, "is given twice; leave one out");
        else if (count == NTP_SERVERS_MAX)
            (void)item_refuse(&item, "is one too many: there may be 8 servers");
        else
            parsed[count++] = server;
    }
    if (problems->count + problems->dropped > problems_before)
        return 0;
    memcpy(ret, parsed, count * sizeof(parsed[0]));
    return count;
}
