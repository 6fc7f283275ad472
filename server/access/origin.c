#include "server/access/origin.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

#include "server/http/chars.h"
#include "server/http/field_walk.h"

int origins_init(struct origins *origins, const struct settings *settings)
{
    *origins = (struct origins){.proxies = &settings->trusted_proxies,
                                .proxy_protocol = settings->proxy_protocol != 0};
    ssize_t len = getrandom(&origins->secret, sizeof(origins->secret), 0);
    return len == (ssize_t)sizeof(origins->secret) ? 0 : -errno;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* Every bit of the result depends on every bit of value; after David Stafford's "Mix13". */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static uint64_t key_of(const struct origins *origins, const struct ip_address *address)
{
    uint64_t number;
    memcpy(&number, address->bytes + (ip_address_is_ipv4(address) ? 8 : 0), sizeof(number));
    uint64_t key = mix(mix(number ^ origins->secret) + origins->secret);
    return key != ORIGIN_NOBODY ? key : 1;
}

static bool is_trusted(const struct origins *origins, const struct ip_address *address)
{
    for (size_t i = 0; i < origins->proxies->count; i++) {
        if (ip_network_has(&origins->proxies->networks[i], address))
            return true;
    }
    return false;
}

struct origin origin_of_address(const struct origins *origins, const struct ip_address *address)
{
    return (struct origin){.key = key_of(origins, address),
                           .is_proxy = is_trusted(origins, address)};
}

struct origin origin_of_peer(const struct origins *origins, const struct sockaddr *peer)
{
    struct origin origin = {.key = ORIGIN_NOBODY, .is_proxy = origins->proxies->has_unix};
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct ip_address address;
    if (peer->sa_family == AF_INET) {
        memcpy(&ipv4, peer, sizeof(ipv4));
        uint8_t bytes[4];
        memcpy(bytes, &ipv4.sin_addr, sizeof(bytes));
        address = ip_address_of_ipv4(bytes);
        origin = origin_of_address(origins, &address);
    } else if (peer->sa_family == AF_INET6) {
        memcpy(&ipv6, peer, sizeof(ipv6));
        memcpy(address.bytes, &ipv6.sin6_addr, sizeof(address.bytes));
        origin = origin_of_address(origins, &address);
    }
    origin.sends_header = origin.is_proxy && origins->proxy_protocol;
    return origin;
}

/* ---- X-Forwarded-For ------------------------------------------------------------------------ */

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_element(struct span text, struct ip_address *ret)
{
    if (text.len > 0 && text.base[0] == '[') {
        const char *end = memchr(text.base, ']', text.len);
        if (end == NULL)
            return false;
        return ip_address_parse((struct span){text.base + 1, (size_t)(end - text.base) - 1}, ret);
    }
    const char *colon = memchr(text.base, ':', text.len);
    if (colon != NULL && memrchr(text.base, ':', text.len) == colon)
        text.len = (size_t)(colon - text.base);
    return ip_address_parse(text, ret);
}

/* Cuts the first element off a comma list, without the blanks around it. */
static struct span take_element(struct span *list)
{
    const char *comma = memchr(list->base, ',', list->len);
    struct span element = {list->base, comma != NULL ? (size_t)(comma - list->base) : list->len};
    size_t used = element.len + (comma != NULL ? 1 : 0);
    *list = (struct span){list->base + used, list->len - used};
    while (element.len > 0 && http_char_is_blank(element.base[0]))
        element = (struct span){element.base + 1, element.len - 1};
    while (element.len > 0 && http_char_is_blank(element.base[element.len - 1]))
        element.len--;
    return element;
}

/* Seen from the left, the rightmost stranger is the last one. */
struct chain {
    uint64_t nearest;  /* the first address behind whatever stands in the way */
    uint64_t stranger; /* the last that is not trusted */
};

static void take_field(const struct origins *origins, struct span value, struct chain *chain)
{
    while (value.len > 0) {
        struct ip_address address;
        if (!parse_element(take_element(&value), &address)) {
            *chain = (struct chain){ORIGIN_NOBODY, ORIGIN_NOBODY};
            continue;
        }
        struct origin origin = origin_of_address(origins, &address);
        if (chain->nearest == ORIGIN_NOBODY)
            chain->nearest = origin.key;
        if (!origin.is_proxy)
            chain->stranger = origin.key;
    }
}

uint64_t origin_of_request(const struct origins *origins, const struct origin *origin,
                           const struct http_request *request)
{
    if (!origin->is_proxy)
        return origin->key;
    struct chain chain = {ORIGIN_NOBODY, ORIGIN_NOBODY};
    struct http_field_walk walk;
    struct span value;
    http_field_walk_begin(&walk, request);
    while (http_field_walk_next(&walk, SPAN("X-Forwarded-For"), &value))
        take_field(origins, value, &chain);
    if (chain.stranger != ORIGIN_NOBODY)
        return chain.stranger;
    return chain.nearest != ORIGIN_NOBODY ? chain.nearest : origin->key;
}
