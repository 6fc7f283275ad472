/*
 * kernel_sync.h: whether the kernel says that its clock is synchronised.
 *
 * Reads the kernel's clock discipline (adjtimex); takes no privilege and changes nothing.
 */
#ifndef SERVER_CLOCK_KERNEL_SYNC_H
#define SERVER_CLOCK_KERNEL_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"

/* The kernel's word for "unknown": the estimate grows up to here when nobody sets it. */
#define KERNEL_SYNC_ERROR_MAX_NS (16 * INT64_C(1000000000))

struct kernel_sync {
    bool synchronised;
    bool flagged;         /* STA_UNSYNC or TIME_ERROR: see kernel_sync.c */
    int64_t error_max_ns; /* how far off the clock may be, by whoever disciplines it */
};

/* Returns 0 or a negative errno. */
NODISCARD int kernel_sync_read(struct kernel_sync *ret_sync);

/* False also when the kernel does not say. */
bool kernel_sync_is_synchronised(void);

#endif
