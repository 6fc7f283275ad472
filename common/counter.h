/*
 * counter.h: numbers that one thread counts and any thread reads.
 *
 * With one writer a counter needs no atomic read-modify-write: it is a load, an addition and a
 * store, which cost what they cost for a plain variable.  Relaxed: each counter stands for itself.
 */
#ifndef COMMON_COUNTER_H
#define COMMON_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

/* The load is less than a call, also where code is to be small. */
__attribute__((always_inline)) static inline uint64_t counter_read(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

/* For the one thread that counts. */
static inline void counter_add(counter *c, uint64_t n)
{
    atomic_store_explicit(c, counter_read(c) + n, memory_order_relaxed);
}

static inline void counter_take(counter *c, uint64_t n)
{
    atomic_store_explicit(c, counter_read(c) - n, memory_order_relaxed);
}

#endif
