#include "server/clock/kernel_sync.h"

#include <errno.h>
#include <sys/timex.h>

#define NS_PER_US 1000

int kernel_sync_read(struct kernel_sync *ret_sync)
{
    struct timex timex = {.modes = 0};
    int state = adjtimex(&timex);
    if (state == -1)
        return -errno;

    /*
     * The error estimate decides, and not the flag.  Whoever disciplines the clock sets both, but
     * leaves the flag up on purpose where the kernel shall not write to the hardware clock (chrony
     * without `rtcsync`).  A clock that nobody disciplines any more lets the estimate grow by
     * 0.5 ms a second, to the limit, and there the kernel raises the flag itself.
     */
    int64_t error_max_ns = (int64_t)timex.maxerror * NS_PER_US;
    *ret_sync = (struct kernel_sync){
        .synchronised = error_max_ns >= 0 && error_max_ns < KERNEL_SYNC_ERROR_MAX_NS,
        .flagged = state == TIME_ERROR || (timex.status & STA_UNSYNC) != 0,
        .error_max_ns = error_max_ns,
    };
    return 0;
}

bool kernel_sync_is_synchronised(void)
{
    struct kernel_sync sync = {0};
    return kernel_sync_read(&sync) == 0 && sync.synchronised;
}
