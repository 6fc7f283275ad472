/* random.h: the same numbers in every run, so that a failure can be repeated. */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* not 0 */
};

/* A number from 0 to below - 1: Marsaglia's xorshift64*, whose period is 2^64 - 1. */
static inline uint64_t random_below(struct random *random, uint64_t below)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545f4914f6cdd1d) % below;
}

#endif
