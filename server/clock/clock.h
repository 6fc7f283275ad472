/*
 * clock.h: the only place where the daemon reads a clock.
 *
 * Everything behind it gets the time as an argument, so tests own it.
 */
#ifndef SERVER_CLOCK_CLOCK_H
#define SERVER_CLOCK_CLOCK_H

#include <stdint.h>

/* What the machine's clocks show, in nanoseconds. */
struct clock_reading {
    int64_t wall_ns; /* since 1970: for what people read.  Anybody may set it to anything */
    int64_t boot_ns; /* since boot, also while suspended: how much time has really passed */
    int64_t mono_ns; /* since boot, but for suspension: for deadlines */
};

/*
 * The wall clock is read first: a thread that is held up between it and the next makes the wall
 * clock look late, which is harmless, and never early, which could look like a leap.
 */
struct clock_reading clock_read(void);

#endif
