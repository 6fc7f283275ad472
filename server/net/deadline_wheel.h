/*
 * deadline_wheel.h: which connections run out of time next.
 *
 * A ring of slots of some 34 ms.  A deadline that moves away, which is what nearly all of them do
 * with every request, costs one comparison: the entry stays where it is, comes up early, and is
 * put back.  So an entry that comes up only *may* be due; the owner looks.
 *
 * Pure: the time is an argument.  Not thread-safe: each worker has its own.
 */
#ifndef SERVER_NET_DEADLINE_WHEEL_H
#define SERVER_NET_DEADLINE_WHEEL_H

#include <stdint.h>

#include "common/list.h"

#define DEADLINE_WHEEL_SLOTS 256
#define DEADLINE_WHEEL_SLOT_BITS 25 /* a slot is 2^25 ns */

struct deadline {
    struct list_node node;
    int64_t slot; /* the slot it is in, counted from time 0, while linked */
};

struct deadline_wheel {
    struct list_node slots[DEADLINE_WHEEL_SLOTS];
    uint64_t occupied[DEADLINE_WHEEL_SLOTS / 64]; /* one bit per slot that may hold entries */
    int64_t current; /* the slot of the present; all before it are empty */
};

void deadline_wheel_init(struct deadline_wheel *wheel, int64_t now_ns);

/* Makes the deadline come up not before the present slot's end, and not after when_ns's slot. */
void deadline_wheel_set(struct deadline_wheel *wheel, struct deadline *deadline, int64_t when_ns);

/* Takes the deadline off the wheel, if it is on it. */
void deadline_wheel_clear(struct deadline *deadline);

/* When deadline_wheel_pop() may next have something; INT64_MAX when the wheel is empty. */
int64_t deadline_wheel_next(const struct deadline_wheel *wheel);

/* Takes off and returns an entry that may be due, or NULL when there is none up to now_ns. */
struct deadline *deadline_wheel_pop(struct deadline_wheel *wheel, int64_t now_ns);

#endif
