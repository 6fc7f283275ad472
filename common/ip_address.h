/* ip_address.h: IP addresses and networks, from text to bytes that can be compared. */
#ifndef COMMON_IP_ADDRESS_H
#define COMMON_IP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

/* An IPv6 address; an IPv4 address as ::ffff:a.b.c.d, so that both forms of one are the same. */
struct ip_address {
    uint8_t bytes[16];
};

struct ip_network {
    struct ip_address base; /* zeros behind prefix_len */
    unsigned prefix_len;    /* bits, of 128 */
};

/* From four bytes in network order. */
struct ip_address ip_address_of_ipv4(const uint8_t bytes[static 4]);

bool ip_address_is_ipv4(const struct ip_address *address);

/* "192.0.2.1", "2001:db8::1"; no brackets, no zone. */
NODISCARD bool ip_address_parse(struct span text, struct ip_address *ret);

/*
 * "192.0.2.0/24", "2001:db8::/32", or an address alone.  False also if there are bits behind the
 * prefix: whoever writes 192.0.2.1/24 may mean either.
 */
NODISCARD bool ip_network_parse(struct span text, struct ip_network *ret);

bool ip_network_has(const struct ip_network *network, const struct ip_address *address);

#endif
