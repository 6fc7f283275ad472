/*
 * keeper.pml: nobody who waits for the mark waits for ever: how workers wake the keeper, and it
 * them (server/store/mark_keeper.c, server/net/worker.c).
 *
 *   worker: time has come to `refill`?  if (!exchange(wanted, true)) sem_post
 *   keeper: sem_wait; wanted = false; read the clock; write; publish limit and refill; wake all
 *
 * Each request waits for one tick, up to AHEAD ticks from now: below the mark until that tick's
 * time, at or past the mark until the keeper has moved it.  Writes may fail; then the keeper
 * tries again by itself.  Every step of every thread may be held up while time goes on, by any
 * amount.  mark.pml shows that nothing is shown too early; this, that everything is shown.
 *
 * Checked as `ends`, an LTL formula, without any assumption of fairness: nothing here can go on for
 * ever, so a run in which somebody is left waiting is one that stops too early.
 *
 * Bounds: WORKERS workers with REQUESTS requests each, time 0 to TIME_LAST, FAILURES failed
 * writes.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif
#ifndef TIME_LAST
#define TIME_LAST 5
#endif
#define FAILURES 1
#define AHEAD 3        /* how many ticks ahead a request's ids may lie: past the mark, too */
#define WINDOW 2       /* the mark is put this far ahead */
#define REFILL_AHEAD 1 /* and moved when it is only this far ahead */

#define NEVER 255

byte now = 0;              /* logical time */
byte limit = WINDOW;       /* the mark */
byte refill = WINDOW - REFILL_AHEAD;
bit wanted = 0;
byte semaphore = 0;
bit woken[WORKERS];        /* an eventfd: it stays readable until it is read */
bit stopping = 0;
byte served = 0;           /* workers that have answered all their requests */
bit keeper_ended = 0;

ltl ends { <> keeper_ended }

active proctype time()
{
    do
    :: now < TIME_LAST -> now++
    :: else -> break
    od
}

/* ---- Workers --------------------------------------------------------------------------------- */

proctype worker(byte w)
{
    byte requests = 0;  /* answered */
    byte due = NEVER;   /* of the request at hand */
    byte alarm = NEVER; /* the loop sleeps until then */
    byte seen_now;
    bit must_wait, was_wanted;

    do
    :: atomic { due == NEVER && requests < REQUESTS -> /* a request comes, some time */
        select(due : 0 .. AHEAD);
        due = (now + due < TIME_LAST -> now + due : TIME_LAST)
       }
turn:
        seen_now = now;
        atomic {
            alarm = NEVER;
            if
            :: due <= seen_now && due < limit -> due = NEVER; requests++ /* answered */
            :: due > seen_now && due < limit -> alarm = due
            :: due >= limit -> must_wait = 1
            fi
        }
        atomic { /* mark_keeper_use() */
            if
            :: seen_now >= refill -> seen_now = 0
            :: else ->
#ifndef BROKEN_NO_ALARM /* who waits for the mark to move must not oversleep the time to ask */
                alarm = (must_wait -> refill : alarm);
#endif
                goto asleep
            fi
        }
        atomic { was_wanted = wanted; wanted = 1 }
        if
        :: !was_wanted -> semaphore++
        :: else
        fi;
asleep:
        atomic { was_wanted = 0; must_wait = 0; seen_now = 0 }
    :: atomic { due != NEVER && woken[w] -> woken[w] = 0; alarm = 0; goto turn }
    :: atomic { due != NEVER && now >= alarm -> alarm = 0; goto turn }
    :: atomic { due == NEVER && requests == REQUESTS -> served++; break }
    od
}

/* ---- The keeper ------------------------------------------------------------------------------ */

inline wake_all()
{
    i = 0;
    do
    :: i < WORKERS -> woken[i] = 1; i++
    :: else -> break
    od;
    i = 0
}

active proctype keep()
{
    byte failures = 0;
    byte t, i;
    bit failed = 0;

    do
    :: if
       :: !failed -> atomic { semaphore > 0 -> semaphore-- }
       :: failed -> /* until it is time for another try; what is posted meanwhile is known */
            do
            :: atomic { semaphore > 0 && !stopping -> semaphore-- }
            :: break
            od
       fi;
       if
       :: stopping -> break
       :: else
       fi;
#ifndef BROKEN_CLEARS_LATE /* after the write: pokes during it are lost */
       wanted = 0;
#endif
       failed = 0;
       t = now;
       if
       :: t < refill /* it was moved after we had been called */
       :: else ->
            if
            :: failures < FAILURES -> failures++; failed = 1 /* the disk takes no record */
            :: t = (t + WINDOW > limit -> t + WINDOW : limit); /* the mark, now durable */
#ifdef BROKEN_WAKES_EARLY /* before the mark is published: they go back to sleep */
                wake_all();
#endif
                limit = t;
                refill = t - REFILL_AHEAD;
#ifndef BROKEN_WAKES_EARLY
                wake_all()
#endif
            fi
       fi;
#ifdef BROKEN_CLEARS_LATE
       wanted = 0;
#endif
       t = 0
    od;
    keeper_ended = 1
}

init {
    atomic {
        byte started = 0;
        do
        :: started < WORKERS -> run worker(started); started++
        :: else -> break
        od
    }
    /* mark_keeper_stop(), when there is nothing left to do */
    served == WORKERS -> stopping = 1;
    semaphore++
}
