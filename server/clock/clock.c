#include "server/clock/clock.h"

#include <time.h>

#include "common/timestamp.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* cannot fail: both clocks exist on every Linux */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct moment clock_now(void)
{
    return (struct moment){.wall_ns = read_ns(CLOCK_REALTIME), .mono_ns = read_ns(CLOCK_MONOTONIC)};
}
