/*
 * generator.pml: sonyflake_take() of lib/generator.c, run by several threads at once.
 *
 * The word `next`, the offer and the compare-and-swap are those of the C code, line by line; a
 * thread's time is any tick at every call, so clocks step back and forth at will, and differ
 * between threads.
 *
 * Relaxed atomics.  All values that the word has had, in the order that every thread agrees on,
 * are in history[]; the newest is history[newest].
 *   - A load returns any of them that the thread has not seen a later one than (coherence).
 *   - A swap that succeeds has compared with the newest value: C17 7.17.3p12 says that of every
 *     read-modify-write.  So a stale expectation always makes it fail.
 *   - A swap that fails is a mere load, so the value it returns may be stale, too; but it is not
 *     the expected one, and the word never has one value twice, so it is a later one.
 *
 * Bounds: THREADS threads with TAKES calls each; ticks 0 to TICK_LAST; CAPACITY ids per tick, at
 * most SLOTS; orders of 1 to COUNT_MAX ids, at most 0 to AHEAD_MAX ticks ahead.  run.sh states
 * the values it searches.
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef TAKES
#define TAKES 2
#endif
#ifndef CAPACITY
#define CAPACITY 3
#endif
#ifndef SLOTS
#define SLOTS 4 /* positions per tick: a power of 2, at least CAPACITY; 1 << shift in C */
#endif
#define TICK_LAST 2
#define COUNT_MAX (CAPACITY + 1)
#define AHEAD_MAX 1

#define BEGIN(t) ((t) * SLOTS) /* the first position of a tick */

byte history[THREADS * TAKES + 1]; /* [0]: a floor of 0 */
byte newest = 0;

bit taken[(TICK_LAST + 1) * SLOTS]; /* by a thread; this is what the checks are about */

/* offer_at(): the nearest position at or after `word` whose tick is not over yet. */
inline make_offer(word)
{
    position = word;
#ifdef BROKEN_FOLLOWS_THE_CLOCK /* back as well as forward */
    position = BEGIN(now);
#else
    if
    :: position < BEGIN(now) -> position = BEGIN(now)
    :: else
    fi;
#endif
    tick = position / SLOTS;
    n = position - BEGIN(tick);
    if
#ifndef BROKEN_FORGETS_THE_CAPACITY
    :: n == CAPACITY -> tick++; n = 0
#endif
    :: else
    fi
}

/* What one caller may rely on, at the moment of the swap. */
inline check_run()
{
    assert(count > 0 && n + count <= CAPACITY);    /* a run lies in one tick */
    assert(now <= tick && tick <= now + ahead);    /* and begins neither late nor too early */
    assert(BEGIN(tick) + n >= history[newest]);    /* above all that anybody was given before */
    assert(last == 0 || BEGIN(tick) + n >= last);  /* above the thread's own, in particular */
    i = 0;
    do
    :: i < count ->
        assert(!taken[BEGIN(tick) + n + i]);       /* no position twice */
        taken[BEGIN(tick) + n + i] = 1;
        i++
    :: else -> break
    od;
    i = 0
}

/* A refusal that rests on a stale value is right all the same. */
inline check_refusal()
{
    make_offer(history[newest]);
    assert(tick > TICK_LAST || tick - now > ahead)
}

proctype thread()
{
    byte seen = 0; /* the latest of history[] that this thread has seen */
    byte last = 0; /* behind the positions it was given */
    byte takes = 0, now, ahead, wanted; /* the demand */
    byte position, tick, n, count, i;

    do
    :: takes == TAKES -> break
    :: else ->
        /* The demand and the load.  Choosing is not visible to others, so it is one step. */
        atomic {
            takes++;
            select(now : 0 .. TICK_LAST);
            select(ahead : 0 .. AHEAD_MAX);
            select(wanted : 1 .. COUNT_MAX);
            do
            :: seen < newest -> seen++
            :: break
            od
        }
        do
        :: atomic { /* offer, and compare-and-swap */
            make_offer(history[seen]);
            if
            :: tick > TICK_LAST || tick - now > ahead ->
                check_refusal();
                goto next_take
            :: else
            fi;
            count = (wanted < CAPACITY - n -> wanted : CAPACITY - n);
#ifdef BROKEN_CROSSES_THE_TICK
            count = wanted;
#endif
#ifdef BROKEN_STORES /* instead of comparing and swapping */
            seen = newest;
#endif
            if
            :: seen == newest -> /* the word is what was expected */
                check_run();
                last = BEGIN(tick) + n + count;
                newest++;
                seen = newest;
                history[newest] = last;
                goto next_take
            :: else -> /* it is not: the swap returns some later value */
                seen++;
                do
                :: seen < newest -> seen++
                :: break
                od
            fi
           }
        od;
next_take:
        atomic { now = 0; ahead = 0; wanted = 0; position = 0; tick = 0; n = 0; count = 0 }
    od
}

init {
    atomic {
        byte started = 0;
        do
        :: started < THREADS -> run thread(); started++
        :: else -> break
        od
    }
}
