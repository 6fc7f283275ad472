/*
 * host_shard.h: the shard of a host, from its name (SHARD_ID=hostname) or its address
 * (SHARD_ID=ip).
 *
 * Pure; settings_load.c asks the host.
 */
#ifndef SERVER_SETTINGS_HOST_SHARD_H
#define SERVER_SETTINGS_HOST_SHARD_H

#include <net/if.h>

#include "server/settings/settings.h"

/*
 * SHARD_BASE and the number that the first label of the name ends in: "go-id-3" and
 * "go-id-3.example.org" are 3.
 */
void host_shard_by_name(struct settings *settings, struct span name, struct problems *problems);

/*
 * The lower 16 bits of the first private IPv4 address, as Sonyflake has it by default: of 10/8,
 * 172.16/12, 192.168/16 and 169.254/16.
 */
void host_shard_by_address(struct settings *settings, const struct ifreq *addresses, size_t count,
                           struct problems *problems);

#endif
