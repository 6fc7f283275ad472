/* next_id.c: one id for those who can wait.  The only file of lib/ that reads a clock or sleeps. */
#include <stdatomic.h>
#include <time.h>

#include "lib/generator.h"

#define NS_PER_SECOND INT64_C(1000000000)

/* The beginning of the tick that holds time_ns, which may lie before 1970. */
static int64_t tick_begin_of(int64_t time_ns, int64_t tick_ns)
{
    int64_t since_ns = time_ns % tick_ns;
    return time_ns - since_ns - (since_ns < 0 ? tick_ns : 0);
}

/*
 * The wall time, or the latest tick that any caller has seen if the clock went back since.  With
 * the clock alone, the rest of that tick could not be used until the clock has caught up.  Only
 * the first caller in a tick writes, so that threads do not fight for the word at every id.
 */
static int64_t latest_now_ns(struct sonyflake_generator *generator)
{
    struct timespec clock;
    (void)clock_gettime(CLOCK_REALTIME, &clock); /* cannot fail for this clock */
    int64_t now_ns = (int64_t)clock.tv_sec * NS_PER_SECOND + clock.tv_nsec;

    const int64_t tick_ns = generator->layout.time_unit_ns;
    int64_t latest_ns = atomic_load_explicit(&generator->latest_tick_ns, memory_order_relaxed);
    while (now_ns >= latest_ns) {
        /* Unsigned, since the word begins at INT64_MIN. */
        if ((uint64_t)now_ns - (uint64_t)latest_ns < (uint64_t)tick_ns)
            return now_ns;
        int64_t begin_ns = tick_begin_of(now_ns, tick_ns);
        if (atomic_compare_exchange_weak_explicit(&generator->latest_tick_ns, &latest_ns, begin_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
            return now_ns;
    }
    return latest_ns;
}

/*
 * Sleeps until the wall clock shows time_ns.  The kernel looks at the clock again whenever
 * somebody sets it, so a clock that is put right ends the sleep.
 */
static void sleep_until(int64_t time_ns)
{
    struct timespec until = {
        .tv_sec = (time_t)(time_ns / NS_PER_SECOND),
        .tv_nsec = (long)(time_ns % NS_PER_SECOND),
    };
    /* Woken early, by a signal for example: the caller looks at the clock and comes again. */
    (void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

enum sonyflake_status sonyflake_next_id(struct sonyflake_generator *generator, uint64_t *ret_id)
{
    if (generator == NULL || ret_id == NULL)
        return SONYFLAKE_ERR_ARGUMENT;

    for (;;) {
        struct sonyflake_demand demand = {.now_ns = latest_now_ns(generator), .count = 1};
        struct sonyflake_run run;
        int64_t wait_ns;
        enum sonyflake_status status = sonyflake_take(generator, &demand, &run, &wait_ns, &wait_ns);
        if (status == SONYFLAKE_OK)
            (void)sonyflake_run_ids(generator, &run, ret_id, 1); /* the run is one id long */
        if (status != SONYFLAKE_ERR_EXHAUSTED)
            return status;

        int64_t begin_ns;
        if (__builtin_add_overflow(demand.now_ns, wait_ns, &begin_ns))
            begin_ns = INT64_MAX; /* the tick begins after 2262: sleep for as long as there is */
        sleep_until(begin_ns);
    }
}
