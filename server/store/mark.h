/*
 * mark.h: how far ahead the durable mark is put, and when.
 *
 * No id of the mark's time or later is ever shown, and a start begins at the mark.  So the mark
 * has to be ahead, or service would wait for the disk; and not far ahead, or a crash would leave
 * ids ahead of the clock.
 *
 * Pure.
 */
#ifndef SERVER_STORE_MARK_H
#define SERVER_STORE_MARK_H

#include <stdint.h>

#include "server/clock/id_time.h"

struct mark_policy {
    int64_t window_ns; /* MARK_WINDOW */
    int64_t tick_ns;   /* marks are at the beginning of a tick */
};

/*
 * Where the mark should be.  age_ns is how long the process has been alive.
 *
 * Without a lead: the window ahead of the clock.  With one, only a step ahead of the ids, and a
 * step is never longer than half of the process's life: however fast a process crashes and is
 * started again, its ids do not run away from the clock.
 */
int64_t mark_target(const struct mark_policy *policy, const struct id_time *ids, int64_t age_ns);

/* When logical time reaches this, a mark put at mark_ns has to be moved. */
int64_t mark_refill(const struct mark_policy *policy, const struct id_time *ids, int64_t age_ns,
                    int64_t mark_ns);

#endif
