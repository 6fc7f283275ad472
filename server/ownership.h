/*
 * ownership.h: the right to issue the ids of some machine ids: the state directory, the locks, and
 * where ids may begin.
 */
#ifndef SERVER_OWNERSHIP_H
#define SERVER_OWNERSHIP_H

#include <stdint.h>

#include "common/attributes.h"
#include "server/clock/id_clock.h"
#include "server/settings/settings.h"
#include "server/store/machine_lock.h"
#include "server/store/start_check.h"
#include "server/store/state_directory.h"

struct ownership {
    struct state_directory directory;
    struct machine_lock machines; /* not held when the host's lock folder cannot be used */
    bool has_record;              /* there was one when the directory was claimed */
    struct state_record record;   /* of this process, or as it was found */
    struct start_plan plan;
};

/* The identity that a process with these settings has in this directory. */
struct start_identity ownership_identity(const struct settings *settings,
                                         const struct state_directory *directory);

/*
 * Locks the state directory and the machine ids, reads the record and checks that this process may
 * go on from it.  Says in the log what it found, and what to do when it refuses.  Returns 0 or a
 * negative errno; what was locked is released by ownership_release() in either case.
 */
NODISCARD int ownership_claim(struct ownership *ownership, const struct settings *settings);

/*
 * The offset to believe in: that of the record, if it was written in this boot and is not an old
 * copy; else NULL.
 */
const int64_t *ownership_believed_offset(const struct ownership *ownership);

/*
 * The floor: no id at or below it may be issued.  The largest id that is below the mark, of the
 * present tick, or recorded as floor; after the restoration of a snapshot also what may have been
 * issued ahead of the clock.  MIN_ID is another floor, for as long as it is set.
 * Returns SONYFLAKE_OK, or why there is no id at this time.
 */
NODISCARD enum sonyflake_status ownership_floor(const struct ownership *ownership,
                                                const struct settings *settings,
                                                const struct id_time *now, uint64_t *ret_floor);

/* Makes the record that of this process, with this floor; the mark is the keeper's to set. */
void ownership_take_over(struct ownership *ownership, const struct settings *settings,
                         uint64_t floor);

void ownership_release(struct ownership *ownership);

#endif
