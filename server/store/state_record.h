/*
 * state_record.h: what the state file says, and its text.
 *
 * The text is one key=value per line behind a first line with name and version, and ends with a
 * checksum over all that precedes it.  There is exactly one text for a record: what does not
 * encode to the very same bytes again is refused, so a file that is torn, cut, or changed in a
 * single bit is never read as something else.
 *
 *   go-id-state 1
 *   mark=1792727400120000000
 *   ...
 *   checksum=1a2b3c4d
 *
 * Pure: bytes in, struct out.
 */
#ifndef SERVER_STORE_STATE_RECORD_H
#define SERVER_STORE_STATE_RECORD_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/settings/settings.h"
#include "sonyflake.h"

#define UUID_TEXT_LEN 36 /* 8-4-4-4-12 hexadecimal digits in lower case */
#define STATE_RECORD_MAX 1024

struct uuid_text {
    char text[UUID_TEXT_LEN + 1]; /* "" when there is none */
};

struct state_record {
    /* Nanoseconds since 1970, at the beginning of a tick: no id of it or a later one was issued. */
    int64_t mark_ns;
    uint64_t floor; /* no id at or below this may be issued any more; 0: no such id */

    /* Pins: what must not change behind the back of those who hold ids. */
    struct sonyflake_layout layout;
    struct shard_range shards;
    char instance[INSTANCE_NAME_MAX]; /* 1 to 64 letters, digits, '.', '-' or '_' */

    /* Where it was written. */
    struct uuid_text subvolume; /* of the BTRFS subvolume; none on other file systems */
    struct uuid_text boot;      /* the kernel's boot_id */
    /* The believed wall clock minus the time since boot, in that boot. */
    int64_t clock_offset_ns;
};

/* Writes the text, without a NUL, and returns its length, at most STATE_RECORD_MAX. */
size_t state_record_encode(const struct state_record *record, char out[static STATE_RECORD_MAX]);

/* Why a text is no record; each with words for an operator. */
#define STATE_RECORD_FAULTS(X)                                                         \
    X(STATE_RECORD_EMPTY, "it is empty")                                               \
    X(STATE_RECORD_FOREIGN, "it is not a state file of go-id")                         \
    X(STATE_RECORD_VERSION, "it was written by a version that this one does not know") \
    X(STATE_RECORD_CUT, "its end is missing")                                          \
    X(STATE_RECORD_CHECKSUM, "its checksum does not match: it is damaged")             \
    X(STATE_RECORD_CONTENT, "its checksum matches, but not what it says")

enum state_record_fault {
    STATE_RECORD_GOOD,
#define X(name, text) name,
    STATE_RECORD_FAULTS(X)
#undef X
};

const char *state_record_fault_text(enum state_record_fault fault);

/* *ret_record is written on STATE_RECORD_GOOD only. */
NODISCARD enum state_record_fault state_record_decode(struct span text,
                                                      struct state_record *ret_record);

#endif
