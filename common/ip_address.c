#include "common/ip_address.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/number.h"

#define IPV4_PREFIX_LEN 96 /* of ::ffff:0:0/96 */

struct ip_address ip_address_of_ipv4(const uint8_t bytes[static 4])
{
    struct ip_address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
    memcpy(address.bytes + 12, bytes, 4);
    return address;
}

bool ip_address_is_ipv4(const struct ip_address *address)
{
    static const uint8_t prefix[IPV4_PREFIX_LEN / 8] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->bytes, prefix, sizeof(prefix)) == 0;
}

bool ip_address_parse(struct span text, struct ip_address *ret)
{
    char copy[INET6_ADDRSTRLEN] = {0};
    uint8_t ipv4[4];
    if (text.len >= sizeof(copy) || memchr(text.base, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.base, text.len);
    if (inet_pton(AF_INET, copy, ipv4) == 1) {
        *ret = ip_address_of_ipv4(ipv4);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret->bytes) == 1;
}

/* The bits of byte i that a prefix covers. */
static uint8_t mask(unsigned prefix_len, unsigned i)
{
    if (prefix_len >= 8 * (i + 1))
        return 0xff;
    if (prefix_len <= 8 * i)
        return 0;
    return (uint8_t)(0xff << (8 * (i + 1) - prefix_len));
}

bool ip_network_parse(struct span text, struct ip_network *ret)
{
    struct span address = text;
    const char *slash = memchr(text.base, '/', text.len);
    uint64_t bits = 128;
    if (slash != NULL)
        address.len = (size_t)(slash - text.base);
    if (!ip_address_parse(address, &ret->base))
        return false;
    if (slash != NULL) {
        bool is_ipv4 = memchr(address.base, ':', address.len) == NULL;
        struct span rest = {slash + 1, text.len - address.len - 1};
        if (parse_u64(rest, 0, is_ipv4 ? 32 : 128, &bits) < 0)
            return false;
        bits += is_ipv4 ? IPV4_PREFIX_LEN : 0;
    }
    ret->prefix_len = (unsigned)bits;
    for (unsigned i = 0; i < 16; i++) {
        if ((ret->base.bytes[i] & ~mask(ret->prefix_len, i)) != 0)
            return false;
    }
    return true;
}

bool ip_network_has(const struct ip_network *network, const struct ip_address *address)
{
    for (unsigned i = 0; i < 16; i++) {
        if ((address->bytes[i] & mask(network->prefix_len, i)) != network->base.bytes[i])
            return false;
    }
    return true;
}
