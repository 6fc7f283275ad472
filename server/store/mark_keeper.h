/*
 * mark_keeper.h: keeps the durable mark ahead of the ids, from a thread of its own.
 *
 * Whoever issues ids calls mark_keeper_use(); when the mark comes near, that wakes the thread,
 * which writes a new record and, only once that is durable, tells the id clock.  Nobody who serves
 * ever waits for the disk; ids that reach the mark wait for the thread.  Without requests nothing
 * is written.  When a write fails, it is repeated until one succeeds.
 */
#ifndef SERVER_STORE_MARK_KEEPER_H
#define SERVER_STORE_MARK_KEEPER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "common/attributes.h"
#include "common/histogram.h"
#include "server/clock/id_clock.h"
#include "server/store/mark.h"
#include "server/store/state_directory.h"

struct mark_keeper {
    const struct state_directory *directory;
    struct id_clock *clock;
    struct mark_policy policy;
    struct state_record record; /* as it is on disk, if the last write succeeded */
    int64_t born_ns;            /* boot time */
    void (*moved)(void *context);
    void *moved_context;

    pthread_t thread;
    bool running;
    sem_t wanted;              /* posted when the mark is near, and to stop */
    _Atomic bool is_wanted;    /* it has been posted and not yet looked at */
    _Atomic bool write_anyway; /* the record has changed, wherever the mark is */
    _Atomic bool stopping;
    _Atomic int64_t refill_ns; /* logical time at which the mark has to be moved */

    /* Figures, for whoever watches. */
    _Atomic uint64_t writes;       /* that succeeded */
    _Atomic uint64_t failures;     /* writes that failed */
    _Atomic int error;             /* errno of the last write; 0: it succeeded */
    _Atomic int64_t writing_since; /* boot time at which the write under way began; 0: none is */
    _Atomic int64_t last_write_ns; /* how long the last one took */
    struct histogram write_times;  /* how long each took; written by whoever writes the record */
};

/*
 * Makes the first mark durable and opens the clock up to it.  record holds everything but the mark.
 * Returns 0 or a negative errno.
 */
NODISCARD int mark_keeper_create(struct mark_keeper *keeper,
                                 const struct state_directory *directory, struct id_clock *clock,
                                 struct mark_policy policy, const struct state_record *record);

/*
 * Starts the thread, which calls moved() when the mark has moved and when it turns out that it does
 * not.  Returns 0 or a negative errno.
 */
NODISCARD int mark_keeper_start(struct mark_keeper *keeper, void (*moved)(void *context),
                                void *context);

/*
 * Ids are wanted at this moment.  Returns the logical time at which to say so again, if they still
 * are; INT64_MAX when the thread has been told, and will call moved().  Whoever waits for the
 * mark must come back then: nobody else might.
 */
int64_t mark_keeper_use(struct mark_keeper *keeper, const struct id_time *ids);

/* Has the record written soon, because what the clock believes has changed. */
void mark_keeper_write_anyway(struct mark_keeper *keeper);

/* Ends the thread.  One that was not started, or zeroed, is allowed. */
void mark_keeper_stop(struct mark_keeper *keeper);

/*
 * Puts the mark at exactly mark_ns: no id of it or later has been shown, and none will be, for
 * the thread and all who issue ids have ended.  Returns 0 or a negative errno.
 */
NODISCARD int mark_keeper_finish(struct mark_keeper *keeper, int64_t mark_ns);

#endif
