/*
 * id_checker.h: has any id come twice?  Exact, over every id that it is shown: a bit per id.
 *
 * The bits are reserved for a span of time around the first id, in the order of the ids that these
 * machines can make, and touched only where ids fall: 32 bytes per machine and tick.  So checking
 * costs a load and a store, and seldom a page that the system has to find first, which on a virtual
 * machine can take longer than an answer.  Ids are those of the default layout.  Not thread-safe.
 */
#ifndef BENCH_ID_CHECKER_H
#define BENCH_ID_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

struct id_checker {
    uint64_t *bits;
    uint32_t machine_id; /* the first of those that ids may have */
    uint32_t machine_id_count;
    uint64_t first_tick; /* of the span */
    bool begun;
    uint64_t seen;       /* ids shown so far */
    uint64_t duplicates; /* of those, ids that had been seen before */
    uint64_t strays;     /* of those, ids of other times or machines, which are not checked */
    uint64_t least;      /* of all that were shown; above the greatest while there are none */
    uint64_t greatest;
};

/*
 * Reserves the bits for ids of machine_id_count machines from machine_id on.  Returns false when
 * the system has no address space for them.
 */
bool id_checker_create(struct id_checker *checker, uint32_t machine_id, uint32_t machine_id_count);

/* Counts the id as seen, and as a duplicate if it has been seen before. */
void id_checker_see(struct id_checker *checker, uint64_t id);

#endif
