#include "server/settings/host_shard.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/number.h"

#define OR_A_NUMBER "or set SHARD_ID to a number"

static void set_shard(struct settings *settings, uint64_t shard)
{
    settings->shards = (struct shard_range){.first = (uint32_t)shard, .count = 1};
}

void host_shard_by_name(struct settings *settings, struct span name, struct problems *problems)
{
    const char *dot = memchr(name.base, '.', name.len);
    size_t end = dot != NULL ? (size_t)(dot - name.base) : name.len;
    size_t start = end;
    while (start > 0 && name.base[start - 1] >= '0' && name.base[start - 1] <= '9')
        start--;

    char quoted[96];
    (void)log_quote(name, quoted, sizeof(quoted));
    uint64_t ordinal;
    int r = parse_u64((struct span){name.base + start, end - start}, 0,
                      SHARD_MAX - settings->shard_base, &ordinal);
    if (start == end)
        problems_add(problems, PLACE_SETTINGS,
                     "SHARD_ID=hostname: the host name %s does not end in a number; name the host "
                     "as in go-id-3, " OR_A_NUMBER,
                     quoted);
    else if (r < 0)
        problems_add(problems, PLACE_SETTINGS,
                     "SHARD_ID=hostname: the number of the host name %s and SHARD_BASE %" PRIu64
                     " are above %d; name the host as in go-id-3, " OR_A_NUMBER,
                     quoted, settings->shard_base, SHARD_MAX);
    else
        set_shard(settings, settings->shard_base + ordinal);
    (void)snprintf(settings->shard_origin, sizeof(settings->shard_origin),
                   "host_name=%s shard_base=%" PRIu64, quoted, settings->shard_base);
}

static bool is_private(uint32_t address)
{
    return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
           address >> 16 == 0xa9fe;
}

static uint32_t ipv4_of(const struct ifreq *interface)
{
    struct sockaddr_in address;
    memcpy(&address, &interface->ifr_addr, sizeof(address));
    return ntohl(address.sin_addr.s_addr);
}

static void set_by_address(struct settings *settings, const struct ifreq *interface)
{
    uint32_t address = ipv4_of(interface);
    struct span name = {interface->ifr_name, strnlen(interface->ifr_name, IFNAMSIZ)};
    char quoted[4 * IFNAMSIZ + 3];
    set_shard(settings, address & SHARD_MAX);
    (void)snprintf(settings->shard_origin, sizeof(settings->shard_origin),
                   "interface=%s address=%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32
                   " private_addresses=%u",
                   log_quote(name, quoted, sizeof(quoted)), address >> 24, address >> 16 & 255,
                   address >> 8 & 255, address & 255, settings->private_addresses);
}

void host_shard_by_address(struct settings *settings, const struct ifreq *addresses, size_t count,
                           struct problems *problems)
{
    const struct ifreq *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_private(ipv4_of(&addresses[i])))
            continue;
        first = first == NULL ? &addresses[i] : first;
        settings->private_addresses++;
    }
    if (first != NULL)
        set_by_address(settings, first);
    else
        problems_add(problems, PLACE_SETTINGS,
                     "SHARD_ID=ip: no interface has a private IPv4 address (10/8, 172.16/12, "
                     "192.168/16, 169.254/16); give it one, " OR_A_NUMBER);
}
