/*
 * id_time.h: what time it is for ids, and how long until an id may be shown.
 *
 * An id may be shown when the time of its tick has come: when the *logical time* has reached it and
 * it lies below the durable mark.  Normally logical time is the source's time.  After a clock
 * was set back, or a crash, it is ahead of it, on a line that runs at half the speed of real time.
 * So service goes on and the lead shrinks, and it never exceeds lead_max_ns.
 *
 * Pure.  Points in time are nanoseconds since 1970.
 */
#ifndef SERVER_CLOCK_ID_TIME_H
#define SERVER_CLOCK_ID_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct id_time {
    int64_t source_ns;   /* the time, as far as it is believed */
    int64_t line_ns;     /* the half-speed line; behind the source but for a lead */
    int64_t lead_max_ns; /* how far ahead of the source ids may be */
    int64_t limit_ns;    /* the mark: ids of this time or later may not be shown */
    bool limit_stuck;    /* the mark could not be moved: do not wait for it */
};

/* One moment, for everything that happens in it. */
struct moment {
    int64_t wall_ns; /* the system's wall clock, for what people read */
    int64_t boot_ns; /* since boot, also while suspended */
    int64_t mono_ns; /* since boot, but for suspension: for deadlines */
    struct id_time ids;
};

/* A moment at which the source is the wall clock, without lead and without mark. */
struct moment moment_plain(int64_t wall_ns, int64_t mono_ns);

/* Up to when the ids' ticks have begun. */
int64_t id_time_logical(const struct id_time *time);

/* Whether an id whose tick begins at due_ns may be shown. */
bool id_time_has_come(const struct id_time *time, int64_t due_ns);

/*
 * How long until the clock has come there, in nanoseconds of real time, at least 0.  Where the mark
 * is does not matter here: when it moves is not the clock's affair.
 */
int64_t id_time_wait(const struct id_time *time, int64_t due_ns);

/* How far ahead of the source logical time will be, left_ns (at least 0) from now. */
int64_t id_time_ahead(const struct id_time *time, int64_t left_ns);

#endif
