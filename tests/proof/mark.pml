/*
 * mark.pml: what keeps ids unique and in order over crashes: the generator's word, the durable
 * mark and the floor at start (server/store, server/ownership.c, server/issuing.c).
 *
 * A process lives several times.  Each life reads the record, puts the generator behind it, makes
 * a first mark durable, and issues ids from several workers while the keeper moves the mark.  At
 * any moment it may be killed (kill -9: what the kernel has in its caches stays) or lose power
 * (what was not synced may or may not have reached the disk), or be asked to stop.
 *
 * What is left out is replaced by any choice, so that more can happen here than in C:
 *   - The clock shows any tick whenever somebody looks, so it may be set to anything, at any time.
 *     The logical clock is gone altogether: it decides when an id may be shown, and here that may
 *     be at any moment, as long as the mark allows it.
 *   - The keeper runs when it likes and puts the mark anywhere ahead of where it was; the first
 *     mark of a life may be anywhere, also below that of the life before.
 *   - Every step of a write may fail, with the record being the old or the new one after it.
 * Taking ids from the word is one step: generator.pml shows that it looks like one.
 *
 * The disk.  What has not been synced reaches it at a time nobody knows, and nobody sees which
 * until the power is lost; so the choice may as well be made at once, when the file is renamed.
 *
 * Bounds: LIVES lives, WORKERS workers, ticks 0 to TICKS - 1 with CAPACITY ids each.  Nothing
 * else bounds the number of writes, failures, requests, or steps of the clock.
 */
#ifndef LIVES
#define LIVES 3
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef TICKS
#define TICKS 3
#endif
#define CAPACITY 2
#define POSITIONS (TICKS * CAPACITY)

#define TICK(position) ((position) / CAPACITY)
#define NOTHING 255

/* ---- What survives --------------------------------------------------------------------------- */

typedef record {
    byte mark;  /* a tick: ids of it and later have not been shown */
    byte floor; /* a tick: ids before it may have been shown */
    bit torn
};
record cached;  /* what a process reads: go-id.state as the kernel shows it */
record durable; /* what is read after a power loss */
byte lives = 0;

/* ---- What does not --------------------------------------------------------------------------- */

mtype = { DOWN, STARTING, SERVING, STOPPING, FINISHING };
mtype stage = DOWN;

byte word;   /* the generator's: the next position */
byte begins; /* the tick of the floor */
byte limit;  /* ids of this tick and later may not be shown; 0: no mark yet */

typedef worker {
    byte position; /* that it was given and has not yet shown, or NOTHING */
    byte limit;    /* as it was when the worker looked */
    byte above;    /* the highest that had been shown when it asked, + 1 */
    bit ended
};
worker workers[WORKERS];
byte ended; /* workers */

mtype = { IDLE, WRITTEN, SYNCED, RENAMED, ENDED };
mtype keeper = IDLE; /* how far the write has come */
byte target;         /* the mark being written */
byte keeper_mark;    /* of the last write that succeeded */

/* ---- What the outside has seen --------------------------------------------------------------- */

bit shown[POSITIONS];
byte highest = 0;         /* position shown, + 1 */
byte highest_earlier = 0; /* the same, in earlier lives */

/* A worker shows the position p that it was given. */
inline answer()
{
    p = workers[w].position;
    assert(!shown[p]);              /* I1: no id twice */
    assert(p >= highest_earlier);   /* I2: in order over lives, */
    assert(p >= workers[w].above);  /* and within one: asked for later means larger */
    assert(TICK(p) < durable.mark); /* whatever fails, never past the mark on disk */
    shown[p] = 1;
    highest = (p >= highest -> p + 1 : highest);
    p = 0
}

/* ---- Life and death -------------------------------------------------------------------------- */

inline forget()
{
    byte v = 0;
    do
    :: v < WORKERS ->
        workers[v].position = NOTHING;
        workers[v].limit = 0;
        workers[v].above = 0;
        workers[v].ended = 0;
        v++
    :: else -> break
    od;
    v = 0;
    word = 0; begins = 0; limit = 0; target = 0; keeper_mark = 0; ended = 0;
    keeper = IDLE;
    highest_earlier = highest
}

/* ownership_floor(), service_create(): behind the record's floor and mark, and the present tick. */
inline start(now)
{
    assert(!cached.torn); /* such a record is refused: the service would be down */
    begins = now + 1;
#ifndef BROKEN_FORGETS_THE_RECORD
    begins = (cached.mark > begins -> cached.mark : begins);
    begins = (cached.floor > begins -> cached.floor : begins);
#endif
    word = begins * CAPACITY;
    stage = STARTING
}

active proctype machine()
{
    byte now;
    do
    :: atomic { stage == DOWN && lives < LIVES ->
        lives++;
        select(now : 0 .. TICKS - 1);
        forget();
        start(now);
        now = 0
       }
    :: atomic { stage == SERVING -> stage = STOPPING }
    :: atomic { stage != DOWN -> /* kill -9 */
        forget();
        stage = DOWN
       }
    :: atomic { /* power loss, perhaps while no process lives */
        forget();
        cached.mark = durable.mark;
        cached.floor = durable.floor;
        cached.torn = durable.torn;
        stage = DOWN
       }
    :: atomic { lives == LIVES && stage == DOWN -> break }
    od
}

/* ---- Workers --------------------------------------------------------------------------------- */

#ifdef BROKEN_STOPS_TOO_EARLY /* the last mark is written while workers still answer */
#define WORKERS_ENDED true
#define ALIVE (stage == SERVING || stage == STOPPING || stage == FINISHING)
#else
#define WORKERS_ENDED (ended == WORKERS)
#define ALIVE (stage == SERVING || stage == STOPPING)
#endif

proctype serve(byte w)
{
    byte now, p;
end:
    do
    :: atomic { ALIVE && !workers[w].ended && workers[w].position == NOTHING &&
                word < POSITIONS -> /* asks the generator, at any time of the clock */
        select(now : 0 .. TICKS - 1);
        workers[w].above = highest;
        workers[w].position = (word > now * CAPACITY -> word : now * CAPACITY);
        word = workers[w].position + 1;
        now = 0
       }
    :: atomic { ALIVE && !workers[w].ended && workers[w].limit != limit ->
        assert(workers[w].limit < limit); /* so what a worker remembers of it is on the safe side */
        workers[w].limit = limit
       }
    :: atomic { ALIVE && !workers[w].ended && workers[w].position != NOTHING &&
                TICK(workers[w].position) < workers[w].limit ->
        answer();
        workers[w].position = NOTHING;
        workers[w].above = 0
       }
    :: atomic { stage == STOPPING && !workers[w].ended -> /* ids it has not shown are lost */
        workers[w].ended = 1;
        ended++;
        workers[w].position = NOTHING;
        workers[w].limit = 0;
        workers[w].above = 0
       }
    od
}

/* ---- The keeper ------------------------------------------------------------------------------ */

/* state_directory_write(): the record it has before or after an error, or a crash, is whole. */
inline rename_file(synced)
{
    cached.mark = target;
    cached.floor = begins;
#ifdef BROKEN_FORGETS_THE_FLOOR
    cached.floor = 0;
#endif
    cached.torn = 0;
    if
    :: durable.mark = cached.mark; durable.floor = cached.floor; durable.torn = 0
    :: skip /* the folder is still in the cache */
    :: !synced -> durable.torn = 1
    fi
}

inline sync_folder()
{
    durable.mark = cached.mark;
    durable.floor = cached.floor;
    durable.torn = cached.torn
}

/* The write has succeeded. */
inline publish()
{
    keeper_mark = target;
    if
    :: stage == FINISHING -> stage = DOWN
    :: stage == STARTING -> stage = SERVING; limit = target
    :: else -> limit = target
    fi;
    target = 0;
    keeper = IDLE
}

/* The next tick behind what anybody can have seen; see exact_mark(). */
#define NEXT_TICK TICK(word)
#define EXACT (NEXT_TICK + 1 < keeper_mark -> NEXT_TICK + 1 : keeper_mark)

active proctype keep()
{
end:
    do
    :: atomic { keeper == IDLE && stage == STARTING -> /* the first mark, anywhere */
        select(target : 1 .. TICKS);
        keeper = WRITTEN
       }
    :: atomic { keeper == IDLE && (stage == SERVING || stage == STOPPING) &&
                keeper_mark < TICKS -> /* while in use, only ahead */
        select(target : keeper_mark + 1 .. TICKS);
        keeper = WRITTEN
       }
    :: atomic { keeper == IDLE && stage == STOPPING && WORKERS_ENDED ->
        stage = FINISHING;
        target = EXACT;
        keeper = WRITTEN
       }
    :: atomic { keeper == WRITTEN ->
#ifdef BROKEN_RENAMES_UNSYNCED
        rename_file(false);
        keeper = RENAMED
#else
        keeper = SYNCED
#endif
       }
    :: atomic { keeper == SYNCED ->
        rename_file(true);
#ifdef BROKEN_PUBLISHES_EARLY /* before the folder is synced */
        limit = target;
#endif
        keeper = RENAMED
       }
    :: atomic { keeper == RENAMED -> sync_folder(); publish() }
    :: atomic { keeper != IDLE -> /* ENOSPC, EIO, ... at any step; it will be tried again */
        target = 0;
        keeper = IDLE;
        if
        :: stage == STARTING || stage == FINISHING -> stage = DOWN
        :: else
        fi
       }
    od
}

init {
    atomic {
        byte started = 0;
        do
        :: started < WORKERS -> run serve(started); started++
        :: else -> break
        od
    }
}
