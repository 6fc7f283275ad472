/*
 * id_checker.h: has any id come twice?  Exact, over every id that it is shown: a bit per id.
 *
 * The bits are reserved for a span of time around the first id and touched only where ids fall, so
 * checking costs a load and a store, and memory only as much as ids were seen (at most 2 MiB per
 * tick).  Ids are those of the default layout.  Not thread-safe.
 */
#ifndef BENCH_ID_CHECKER_H
#define BENCH_ID_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

struct id_checker {
    uint64_t *bits;
    uint64_t first_tick; /* of the span */
    bool begun;
    uint64_t seen;       /* ids shown so far */
    uint64_t duplicates; /* of those, ids that had been seen before */
    uint64_t strays;     /* of those, ids outside the span, which are not checked */
};

/* Reserves the bits.  Returns false when the system has no address space for them. */
bool id_checker_create(struct id_checker *checker);

/* Counts the id as seen, and as a duplicate if it has been seen before. */
void id_checker_see(struct id_checker *checker, uint64_t id);

#endif
