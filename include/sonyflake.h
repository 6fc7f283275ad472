/*
 * libsonyflake: Sonyflake ids, lock-free, for one machine id or a range of them.
 *
 * An id has 63 bits, most significant first: elapsed time in ticks since the start time, a
 * sequence within the tick, and the id of the machine that issued it.  By default 39 bits of
 * 10 ms ticks since 2014-09-01T00:00:00Z, 8 bits of sequence and 16 bits of machine id: the
 * layout of github.com/sony/sonyflake, so every stock Sonyflake library takes these ids apart.
 * (Version 2 of that library counts from 2025-01-01T00:00:00Z unless its StartTime is set.)
 *
 * A generator owns a range of machine ids.  It hands out, within one tick, sequence 0 of every
 * machine id, then sequence 1 of every machine id, and so on.  Because the machine id is the
 * lowest field, ids increase strictly over the whole range, and every machine id adds
 * 2^sequence_bits ids per tick (25,600 ids/s in the default layout).
 *
 * Threads    Functions on a layout are pure.  A generator may be used by any number of threads
 *            at once, except for create and destroy.  Its state is one 64-bit atomic word.
 * Memory     sonyflake_create() allocates once; no other call allocates.
 * Blocking   Only sonyflake_next_id() sleeps.  Everybody else is told when to come back.
 * Time       Points in time are nanoseconds since 1970-01-01T00:00:00Z in an int64_t, which
 *            reaches to 2262-04-11.  The caller brings the time; only sonyflake_next_id() reads
 *            a clock.
 * Errors     Every fallible call returns enum sonyflake_status.  errno is not used.  ret_*
 *            arguments are written only on SONYFLAKE_OK, reterr_* arguments only on the failure
 *            named beside them.
 */
#ifndef SONYFLAKE_H
#define SONYFLAKE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SONYFLAKE_API __attribute__((visibility("default")))
#define SONYFLAKE_NODISCARD __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

/* Part of the ABI: values are never renumbered, new ones go at the end. */
enum sonyflake_status {
    SONYFLAKE_OK = 0,
    SONYFLAKE_ERR_ARGUMENT = -1,         /* a null pointer, a count of 0, a negative duration */
    SONYFLAKE_ERR_SEQUENCE_BITS = -2,    /* more than 30 bits of sequence */
    SONYFLAKE_ERR_MACHINE_ID_BITS = -3,  /* more than 30 bits of machine id */
    SONYFLAKE_ERR_TIME_BITS = -4,        /* fewer than 32 bits are left for the time */
    SONYFLAKE_ERR_TIME_UNIT = -5,        /* a tick shorter than 1 ms */
    SONYFLAKE_ERR_START_TIME = -6,       /* a start time before 1970-01-01 */
    SONYFLAKE_ERR_MACHINE_ID = -7,       /* outside its bits, or an empty range */
    SONYFLAKE_ERR_NO_MEMORY = -8,        /* sonyflake_create() only */
    SONYFLAKE_ERR_EXHAUSTED = -9,        /* every id that may be taken now is taken: come back */
    SONYFLAKE_ERR_BEFORE_START = -10,    /* the time lies before the tick of the start time */
    SONYFLAKE_ERR_OVER_TIME_LIMIT = -11, /* the time lies past the last tick of the id space */
    SONYFLAKE_ERR_ID = -12,              /* the number is above 2^63 - 1, so it is no id */
};

/*
 * How the 63 bits are used.  The names and bounds are those of Sonyflake v2 (its Settings), with
 * one difference: 0 bits mean 0 bits here, not "the default".  The time has what is left:
 * 63 - sequence_bits - machine_id_bits.
 *
 * Ticks are aligned to the Unix epoch, as Sonyflake's are: the elapsed time of t is
 * floor(t / time_unit_ns) - floor(start_time_ns / time_unit_ns).
 */
struct sonyflake_layout {
    int64_t start_time_ns;    /* >= 0; the tick that holds it is tick 0 */
    int64_t time_unit_ns;     /* length of a tick, at least 1 ms */
    uint32_t sequence_bits;   /* 0 to 30 */
    uint32_t machine_id_bits; /* 0 to 30 */
};

/* 2014-09-01T00:00:00Z, 10 ms, 8 and 16 bits: the values of Sonyflake v1. */
#define SONYFLAKE_START_TIME_NS INT64_C(1409529600000000000)
#define SONYFLAKE_TIME_UNIT_NS INT64_C(10000000)
#define SONYFLAKE_SEQUENCE_BITS 8
#define SONYFLAKE_MACHINE_ID_BITS 16
#define SONYFLAKE_ID_MAX INT64_MAX
#define SONYFLAKE_LAYOUT_DEFAULT                                                  \
    {                                                                             \
        SONYFLAKE_START_TIME_NS, SONYFLAKE_TIME_UNIT_NS, SONYFLAKE_SEQUENCE_BITS, \
            SONYFLAKE_MACHINE_ID_BITS                                             \
    }

/* The fields of an id. */
struct sonyflake_parts {
    uint64_t elapsed_time; /* ticks since the start time */
    uint32_t sequence;
    uint32_t machine_id;
};

/* ---- Layout: pure arithmetic on ids and times ----------------------------------------------- */

/*
 * Checks a layout.  Every other function that takes a layout expects one that passed; given
 * another, it returns what this returns.
 * Errors: ARGUMENT, SEQUENCE_BITS, MACHINE_ID_BITS, TIME_BITS, TIME_UNIT, START_TIME.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_layout_check(const struct sonyflake_layout *layout);

/*
 * Builds an id from its fields: Sonyflake v2's Compose, but with the elapsed time in place of the
 * time, and with its bounds checked.
 * Errors: those of sonyflake_layout_check(); OVER_TIME_LIMIT if the elapsed time does not fit
 * its bits, ARGUMENT if the sequence does not, MACHINE_ID if the machine id does not.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_compose(const struct sonyflake_layout *layout, const struct sonyflake_parts *parts,
                  uint64_t *ret_id);

/*
 * Takes an id apart, as Sonyflake's Decompose does.
 * Errors: those of sonyflake_layout_check(); ID if id is above SONYFLAKE_ID_MAX.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_decompose(const struct sonyflake_layout *layout, uint64_t id,
                    struct sonyflake_parts *ret_parts);

/*
 * The elapsed time, in ticks, of the point in time time_ns.
 * Errors: those of sonyflake_layout_check(); BEFORE_START, OVER_TIME_LIMIT.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_elapsed_time(const struct sonyflake_layout *layout, int64_t time_ns,
                       uint64_t *ret_elapsed_time);

/*
 * The point in time at which the id's tick begins: Sonyflake v2's ToTime.
 * Errors: those of sonyflake_layout_check(); ID; OVER_TIME_LIMIT if that time is past what
 * int64_t nanoseconds hold (2262-04-11), which the default layout never reaches.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_id_time(const struct sonyflake_layout *layout, uint64_t id, int64_t *ret_time_ns);

/*
 * The smallest and the largest id that any machine can issue in a tick that holds a point of
 * time from first_ns to last_ns, both included: what to compare with to select rows by time.
 * The part of the range outside the id space is cut off.
 * Errors: those of sonyflake_layout_check(); ARGUMENT if last_ns lies before first_ns;
 * BEFORE_START or OVER_TIME_LIMIT if the whole range does.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_id_range(const struct sonyflake_layout *layout, int64_t first_ns, int64_t last_ns,
                   uint64_t *ret_first_id, uint64_t *ret_last_id);

/*
 * The exact time at which the id space ends: the first moment that has no tick any more.  A
 * struct timespec, since some layouts outlive int64_t nanoseconds.  The default layout ends at
 * 2188-11-16T03:28:58.880Z.
 * Errors: those of sonyflake_layout_check(); OVER_TIME_LIMIT if a time_t does not hold the end,
 * which takes 63 bits of time and ticks of some 1 s where a time_t has 64 bits.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_end_time(const struct sonyflake_layout *layout, struct timespec *ret_end);

/* ---- Generator ------------------------------------------------------------------------------ */

struct sonyflake_options {
    struct sonyflake_layout layout;
    uint32_t machine_id;       /* the first of the range */
    uint32_t machine_id_count; /* at least 1 */
    uint64_t floor;            /* no id at or below this is issued; 0: no floor */
};

/* Opaque.  Made by sonyflake_create(), released by sonyflake_destroy(). */
struct sonyflake_generator;

/*
 * Copies *options.  On SONYFLAKE_OK the caller owns *ret_generator.
 * Two generators that own a common machine id issue the same ids: exactly one, in one process,
 * on one machine, may own each machine id at a time.  floor is for whoever takes a machine id
 * over from another generator: put the largest id there that it can have issued.
 * Errors: those of sonyflake_layout_check(); MACHINE_ID; ID if floor is above SONYFLAKE_ID_MAX;
 * NO_MEMORY.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_create(const struct sonyflake_options *options,
                 struct sonyflake_generator **ret_generator);

/* Frees the generator; no thread may be using it.  NULL is allowed and does nothing. */
SONYFLAKE_API void sonyflake_destroy(struct sonyflake_generator *generator);

struct sonyflake_demand {
    int64_t now_ns;   /* the time, for the generator the present */
    int64_t ahead_ns; /* how long the caller is ready to wait; 0: not at all */
    uint32_t count;   /* ids wanted, at least 1 */
};

/*
 * Ids taken together: count ids of one tick, in increasing order.  position counts the ids of
 * that tick over all machine ids of the generator.
 */
struct sonyflake_run {
    uint64_t elapsed_time; /* the tick */
    uint32_t position;     /* of the first id of the run */
    uint32_t count;
};

/*
 * Takes up to demand->count ids with one compare-and-swap: all, or as many as the tick still
 * holds.  Never sleeps; repeats the swap only when another thread took ids in between.
 *
 * With ahead_ns 0 the ids are of the tick of now_ns, and *ret_wait_ns is 0.  With a larger
 * ahead_ns, once that tick is used up, ids of the nearest later tick that has some are taken if
 * it begins within ahead_ns; *ret_wait_ns says in how many nanoseconds it does, and until then the
 * caller must not show the ids to anybody.  This is how a crowd queues: first come, first
 * served, across threads, each knowing at once how long it will take.
 *
 * A now_ns that is behind the ticks already used is no error: those ticks are treated as not
 * begun, so ids stay unique and increasing whatever the clock does.
 *
 * Errors: ARGUMENT; EXHAUSTED, and then *reterr_wait_ns (may be NULL) is the time after which the
 * nearest free id can be taken; BEFORE_START; OVER_TIME_LIMIT, also when the last id of the last
 * tick is taken.  On failure nothing is taken.  A wait that ends after 2262-04-11 is INT64_MAX.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_take(struct sonyflake_generator *generator, const struct sonyflake_demand *demand,
               struct sonyflake_run *ret_run, int64_t *ret_wait_ns, int64_t *reterr_wait_ns);

/*
 * How long a caller who came at now_ns would have to wait for the next id, in nanoseconds; 0 if
 * there is one now.  Takes nothing.
 * Errors: ARGUMENT, BEFORE_START, OVER_TIME_LIMIT, as sonyflake_take().
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_wait_time(const struct sonyflake_generator *generator, int64_t now_ns,
                    int64_t *ret_wait_ns);

/*
 * Writes ids of the run to ids[0 .. capacity - 1], first to last, removes them from the run and
 * returns how many it wrote: the smaller of run->count and capacity.  A caller without room for
 * the whole run calls again until run->count is 0.  The run is one that sonyflake_take() got from
 * this generator; no pointer may be NULL, except ids if capacity is 0.
 */
SONYFLAKE_API size_t sonyflake_run_ids(const struct sonyflake_generator *generator,
                                       struct sonyflake_run *run, uint64_t *ids, size_t capacity);

/*
 * The same without an array, for those who make something of the ids at once: removes from the
 * front of the run the ids that follow each other without a gap, at most `most` of them, and
 * returns how many: they are *ret_first, *ret_first + 1 and so on.  A run of a generator with one
 * machine id has stretches of one id each.  0 when the run is empty or most is 0.
 */
SONYFLAKE_API size_t sonyflake_run_stretch(const struct sonyflake_generator *generator,
                                           struct sonyflake_run *run, size_t most,
                                           uint64_t *ret_first);

/*
 * One id for those who can wait: reads CLOCK_REALTIME, and sleeps until the next tick when this
 * one is used up.  The semantics of Sonyflake's NextID: if the clock went back, the ids of the
 * last tick are used up and then it sleeps until the clock has caught up, however long that is;
 * but other threads are not held up by a lock, and a clock that is put right ends the sleep.
 * A signal does not end it; a cancelled thread leaves the generator intact.
 * Errors: ARGUMENT, BEFORE_START, OVER_TIME_LIMIT.
 */
SONYFLAKE_API SONYFLAKE_NODISCARD enum sonyflake_status
sonyflake_next_id(struct sonyflake_generator *generator, uint64_t *ret_id);

/* A fixed English phrase without a full stop, never NULL. */
SONYFLAKE_API const char *sonyflake_status_text(enum sonyflake_status status);

/* The version of the library that is running, e.g. "1.0.0". */
SONYFLAKE_API const char *sonyflake_version(void);

#ifdef __cplusplus
}
#endif

#endif
