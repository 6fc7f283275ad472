#include "server/clock/clock.h"

#include <time.h>

#include "common/timestamp.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* cannot fail: these clocks exist on every Linux */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct clock_reading clock_read(void)
{
    struct clock_reading now;
    now.wall_ns = read_ns(CLOCK_REALTIME);
    now.boot_ns = read_ns(CLOCK_BOOTTIME);
    now.mono_ns = read_ns(CLOCK_MONOTONIC);
    return now;
}
