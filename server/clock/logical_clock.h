/*
 * logical_clock.h: which time ids go by when the source's clock cannot be followed blindly.
 *
 * Back.     A source that was set back leaves ids ahead of it.  They go on along a line that
 *           runs at half the speed of real time, until the source has caught up.
 * Forward.  The time since boot says how much time has really passed; it goes on while the machine
 *           is suspended.  A source that is further ahead than that by more than leap_max_ns is
 *           not believed: somebody set the clock wrong, and ids made by it would have to be
 *           waited for once it is put right.  Ids go on by the time since boot, from where
 *           the source was believed, until logical_clock_accept().
 *
 * No id is unique or in order thanks to this clock: the generator's word and the mark see to
 * that.  It decides how ids and service look after clock steps.
 *
 * Threads  Any number; three atomics, no lock.
 * Pure     Times are arguments.
 */
#ifndef SERVER_CLOCK_LOGICAL_CLOCK_H
#define SERVER_CLOCK_LOGICAL_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/clock/id_time.h"

struct logical_clock {
    int64_t lead_max_ns;
    int64_t leap_max_ns; /* INT64_MAX: every leap is believed */
    /* The line is at line_ns + boot time / 2. */
    _Atomic int64_t line_ns;
    /* The largest believed difference between the source and the time since boot. */
    _Atomic int64_t offset_ns;
    /* The difference when a step was last reported. */
    _Atomic int64_t noted_ns;
};

/* What the source says. */
struct source_reading {
    int64_t source_ns;
    int64_t boot_ns;
};

struct logical_reading {
    struct id_time ids; /* but for the limit, which is INT64_MAX */
    int64_t leap_ns;    /* how far the source is ahead of what is believed; 0: it is believed */
    int64_t step_ns;    /* how far it was set since logical_clock_note() */
};

/*
 * Starts at now.  *believed_offset_ns, if not NULL, is the difference that an earlier process of
 * this boot believed.
 */
void logical_clock_init(struct logical_clock *clock, struct source_reading now,
                        const int64_t *believed_offset_ns);

/* Raises the line to at_ns: ids begin there, because earlier ones may have been issued. */
void logical_clock_begin_at(struct logical_clock *clock, int64_t boot_ns, int64_t at_ns);

struct logical_reading logical_clock_read(struct logical_clock *clock, struct source_reading now);

/*
 * Takes note of a step.  True for the one caller, of all that saw it, who is to report it.
 */
bool logical_clock_note(struct logical_clock *clock, struct source_reading now, int64_t step_ns);

/*
 * Lowers the line to at_ns.  For when it has run further ahead than ids may be: they stood still
 * meanwhile, and go on from where they are, not from where the line is.
 */
void logical_clock_hold(struct logical_clock *clock, int64_t boot_ns, int64_t at_ns);

/* Believes the source as it is now, and returns how far it was ahead of what was believed. */
int64_t logical_clock_accept(struct logical_clock *clock, struct source_reading now);

#endif
