/*
 * machine_lock.h: one owner per machine id on a host.
 *
 * A file, machine_ids, in a folder that the processes of a host share; process and machine id k
 * meet at byte k of it: whoever owns machine ids 64 to 127 holds a record lock on bytes 64 to 127,
 * so two ranges collide exactly where they overlap.  The kernel releases the locks when their
 * process ends, however it ends.
 */
#ifndef SERVER_STORE_MACHINE_LOCK_H
#define SERVER_STORE_MACHINE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/attributes.h"
#include "server/settings/settings.h"

struct machine_lock {
    int fd; /* -1: nothing is locked */
};

/* Who holds a lock that was wanted. */
struct machine_lock_holder {
    pid_t pid;        /* 0: unknown, in another pid namespace */
    uint32_t machine; /* the lowest machine id that is wanted and held */
};

/*
 * Locks the machine ids.  The folder is made (mode 0755) if it is missing and its parent is there.
 * Returns 0; -EAGAIN when one of them is held, with *reterr_holder; or a negative errno: -EACCES
 * when none is held but this user may not lock them.
 */
NODISCARD int machine_lock_take(struct machine_lock *lock, const char *directory,
                                struct shard_range shards,
                                struct machine_lock_holder *reterr_holder);

/* One that holds nothing is allowed. */
void machine_lock_release(struct machine_lock *lock);

#endif
