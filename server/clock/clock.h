/*
 * clock.h: the only place where the daemon reads a clock.
 *
 * Everything behind it gets the time as an argument, so tests own it.
 */
#ifndef SERVER_CLOCK_CLOCK_H
#define SERVER_CLOCK_CLOCK_H

#include <stdint.h>

/* One moment on both clocks, in nanoseconds. */
struct moment {
    int64_t wall_ns; /* since 1970: for ids and for what people read */
    int64_t mono_ns; /* since boot, never set: for deadlines */
};

struct moment clock_now(void);

#endif
