/* capabilities.h: giving up what makes root more than other users. */
#ifndef COMMON_CAPABILITIES_H
#define COMMON_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

/* What may still be needed between the start and the service. */
#define CAPABILITIES_NONE UINT64_C(0)
#define CAPABILITIES_TO_LISTEN \
    (UINT64_C(1) << 10 /* CAP_NET_BIND_SERVICE */ | UINT64_C(1) << 0 /* CAP_CHOWN */)

/*
 * Gives up all capabilities of the calling thread but those in kept, and the right to get any back:
 * threads that it starts have no more than it has.  Less is always allowed, unless
 * somebody forbids the calls themselves: capabilities_are_none() tells.
 */
void capabilities_keep(uint64_t kept);

/* Whether the calling thread has none, by what the kernel says. */
bool capabilities_are_none(void);

#endif
