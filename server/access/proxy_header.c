#include "server/access/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LEN (sizeof(SIGNATURE) - 1)

/* The byte behind the signature: the version, and the command. */
#define LOCAL 0x20
#define PROXY 0x21

/* The byte behind that: family and transport. */
#define TCP_IPV4 0x11
#define UDP_IPV4 0x12
#define TCP_IPV6 0x21
#define UDP_IPV6 0x22

/* Bytes of both addresses and both ports. */
#define IPV4_LEN 12
#define IPV6_LEN 36

static uint8_t byte_at(struct span bytes, size_t i)
{
    return (uint8_t)bytes.base[i];
}

/* Whether no byte that is there is wrong. */
static bool begins_well(struct span bytes)
{
    size_t len = bytes.len < SIGNATURE_LEN ? bytes.len : SIGNATURE_LEN;
    if (memcmp(bytes.base, SIGNATURE, len) != 0)
        return false;
    return bytes.len <= SIGNATURE_LEN || byte_at(bytes, SIGNATURE_LEN) == LOCAL ||
           byte_at(bytes, SIGNATURE_LEN) == PROXY;
}

/* Fills in the client.  False if there is less than the family needs. */
static bool take_client(struct span bytes, struct proxy_header *header)
{
    const char *addresses = bytes.base + PROXY_HEADER_LEN_MIN;
    size_t len = header->len - PROXY_HEADER_LEN_MIN;
    uint8_t ipv4[4];
    switch (byte_at(bytes, SIGNATURE_LEN + 1)) {
    case TCP_IPV4:
    case UDP_IPV4: /* QUIC ends at the proxy */
        if (len < IPV4_LEN)
            return false;
        memcpy(ipv4, addresses, sizeof(ipv4));
        header->client = ip_address_of_ipv4(ipv4);
        header->has_client = true;
        return true;
    case TCP_IPV6:
    case UDP_IPV6:
        if (len < IPV6_LEN)
            return false;
        memcpy(header->client.bytes, addresses, sizeof(header->client.bytes));
        header->has_client = true;
        return true;
    default:
        return true; /* unspecified, a Unix socket: nobody we could tell from others */
    }
}

enum http_parse proxy_header_parse(struct span bytes, struct proxy_header *ret_header)
{
    if (!begins_well(bytes))
        return HTTP_PARSE_REFUSED;
    if (bytes.len < PROXY_HEADER_LEN_MIN)
        return HTTP_PARSE_MORE;
    size_t rest = (size_t)byte_at(bytes, 14) << 8 | byte_at(bytes, 15);
    struct proxy_header header = {.len = PROXY_HEADER_LEN_MIN + rest,
                                  .is_local = byte_at(bytes, SIGNATURE_LEN) == LOCAL};
    if (header.len > PROXY_HEADER_LEN_MAX)
        return HTTP_PARSE_REFUSED;
    if (bytes.len < header.len)
        return HTTP_PARSE_MORE;
    if (!header.is_local && !take_client(bytes, &header))
        return HTTP_PARSE_REFUSED;
    *ret_header = header;
    return HTTP_PARSE_DONE;
}

struct span proxy_header_of_ourselves(void)
{
    static const char header[PROXY_HEADER_LEN_MIN] = SIGNATURE "\x20\0\0";
    return (struct span){header, sizeof(header)};
}
