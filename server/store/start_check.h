/*
 * start_check.h: whether a process with these settings may go on from this record.
 *
 * Pure: the daemon asks it at start and `go-id state show` at any time.
 */
#ifndef SERVER_STORE_START_CHECK_H
#define SERVER_STORE_START_CHECK_H

#include <stdbool.h>

#include "server/store/state_record.h"

/* Who is about to start. */
struct start_identity {
    struct sonyflake_layout layout;
    struct shard_range shards;
    char instance[INSTANCE_NAME_MAX];
    struct uuid_text subvolume;
};

enum start_verdict {
    START_FRESH,       /* there is no record */
    START_CONTINUE,    /* the same instance in the same place */
    START_RESTORED,    /* the same instance, on another subvolume: a restored snapshot, or moved */
    START_OTHER_NAME,  /* another instance, with none of the record's machine ids */
    START_CLONE,       /* refused: another instance with machine ids of the record */
    START_OTHER_START, /* refused: another start time */
    START_OTHER_LAYOUT /* refused: another layout */
};

struct start_plan {
    enum start_verdict verdict;
    bool refused;
    struct shard_range disputed; /* START_CLONE: the machine ids that both have */
    /*
     * How far ahead of the clock ids may have been issued that the record knows nothing of: true
     * when it may be an old copy, so that a start has to skip MAX_CLOCK_LEAD.
     */
    bool skip_lead;
};

/* record NULL: there is none. */
struct start_plan start_plan_make(const struct state_record *record,
                                  const struct start_identity *identity);

/*
 * A sentence for an operator: what would happen, or why not and what the ways out are.
 */
enum { START_PLAN_TEXT_MAX = 512 };
void start_plan_describe(const struct start_plan *plan, const struct state_record *record,
                         const struct start_identity *identity,
                         char out[static START_PLAN_TEXT_MAX]);

#endif
