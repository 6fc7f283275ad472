/*
 * bench_generator.c: what an id costs in the library, beside what it cannot do without: reading
 * the clock, and adding to an atomic word.
 *
 *     bench_generator        prints one line of JSON: nanoseconds per call or id, medians
 *
 * With more threads, all share one generator (one word), and a figure is what a call takes each of
 * them.  Batches are taken as far ahead of the clock as it goes, so the figure is the arithmetic's
 * and not the layout's ceiling.  At the end, ids that two threads took at once are checked for
 * duplicates.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/id_checker.h"
#include "common/timestamp.h"
#include "sonyflake.h"

#define ROUNDS 9
#define ROUND_NS (30 * NS_PER_MS)
#define CALLS_PER_LOOK 1000 /* at the clock, to see whether the round is over */
#define BATCH 10000
#define MACHINE_IDS 65536
#define THREADS_MAX 2
#define CHECKED_IDS 2000000 /* per thread and way of taking them; whole batches */

/* Everything that is measured is done by one of these, count times. */
typedef void (*work)(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count);

static _Atomic uint64_t shared_word;

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "bench_generator: %s\n", what);
    exit(1); // NOLINT(concurrency-mt-unsafe): nothing is lost by it
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now); /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- What is measured ----------------------------------------------------------------------- */

static void read_clock(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count)
{
    (void)generator;
    for (uint32_t i = 0; i < count; i++)
        ids[i % BATCH] = (uint64_t)clock_ns(CLOCK_REALTIME);
}

static void add(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count)
{
    (void)generator;
    for (uint32_t i = 0; i < count; i++)
        ids[i % BATCH] = atomic_fetch_add_explicit(&shared_word, 1, memory_order_relaxed);
}

static void read_clock_and_add(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count)
{
    (void)generator;
    for (uint32_t i = 0; i < count; i++)
        ids[i % BATCH] = (uint64_t)clock_ns(CLOCK_REALTIME) +
                         atomic_fetch_add_explicit(&shared_word, 1, memory_order_relaxed);
}

static void take_singly(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sonyflake_next_id(generator, &ids[i % BATCH]) != SONYFLAKE_OK)
            give_up("no id");
    }
}

/* count batches; the next one overwrites the last. */
static void take_batches(struct sonyflake_generator *generator, uint64_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sonyflake_demand demand = {.now_ns = clock_ns(CLOCK_REALTIME),
                                          .ahead_ns = 3600 * NS_PER_S};
        struct sonyflake_run run;
        int64_t wait_ns;
        for (uint32_t have = 0; have < BATCH; have += demand.count) {
            demand.count = BATCH - have;
            if (sonyflake_take(generator, &demand, &run, &wait_ns, NULL) != SONYFLAKE_OK)
                give_up("no batch");
            demand.count = run.count;
            (void)sonyflake_run_ids(generator, &run, ids + have, BATCH - have);
        }
    }
}

static const struct {
    const char *name;
    work work;
    uint32_t ids_per_call;
} measures[] = {
    {"clock", read_clock, 1},
    {"add", add, 1},
    {"clock_and_add", read_clock_and_add, 1},
    {"single", take_singly, 1},
    {"batch", take_batches, BATCH},
};

#define MEASURE_COUNT (sizeof(measures) / sizeof(measures[0]))

/* ---- How ------------------------------------------------------------------------------------ */

struct job {
    struct sonyflake_generator *generator;
    pthread_barrier_t *start;
    work work;
    uint32_t calls_per_look;
    double ns_per_call;
};

static void *run_job(void *argument)
{
    static _Thread_local uint64_t ids[BATCH];
    struct job *job = argument;
    (void)pthread_barrier_wait(job->start);
    int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
    int64_t now_ns = begin_ns;
    uint64_t calls = 0;
    for (; now_ns < begin_ns + ROUND_NS; now_ns = clock_ns(CLOCK_MONOTONIC)) {
        job->work(job->generator, ids, job->calls_per_look);
        calls += job->calls_per_look;
    }
    job->ns_per_call = (double)(now_ns - begin_ns) / (double)calls;
    return NULL;
}

static struct sonyflake_generator *new_generator(void)
{
    struct sonyflake_options options = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT, .machine_id = 0, .machine_id_count = MACHINE_IDS};
    struct sonyflake_generator *generator;
    if (sonyflake_create(&options, &generator) != SONYFLAKE_OK)
        give_up("no generator");
    return generator;
}

/*
 * One round: what a call takes each of the threads, on average.  The generator is a new one, since
 * batches may leave theirs ahead of the clock.
 */
static double measure(size_t what, unsigned threads)
{
    struct sonyflake_generator *generator = new_generator();
    struct job jobs[THREADS_MAX];
    pthread_t handles[THREADS_MAX];
    pthread_barrier_t start;
    double sum = 0;
    (void)pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        uint32_t calls = CALLS_PER_LOOK / measures[what].ids_per_call;
        jobs[i] = (struct job){generator, &start, measures[what].work, calls > 0 ? calls : 1, 0};
        if (pthread_create(&handles[i], NULL, run_job, &jobs[i]) != 0)
            give_up("no thread");
    }
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(handles[i], NULL);
        sum += jobs[i].ns_per_call;
    }
    (void)pthread_barrier_destroy(&start);
    sonyflake_destroy(generator);
    return sum / threads / measures[what].ids_per_call;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_medians(unsigned threads)
{
    double rounds[MEASURE_COUNT][ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t what = 0; what < MEASURE_COUNT; what++)
            rounds[what][round] = measure(what, threads);
    }
    printf("\"%u\": {", threads);
    for (size_t what = 0; what < MEASURE_COUNT; what++) {
        qsort(rounds[what], ROUNDS, sizeof(double), compare_doubles);
        printf("%s\"%s\": %.3f", what > 0 ? ", " : "", measures[what].name,
               rounds[what][ROUNDS / 2]);
    }
    printf("}, ");
}

/* ---- Duplicates ----------------------------------------------------------------------------- */

struct taker {
    struct sonyflake_generator *generator;
    uint64_t *ids; /* 2 * CHECKED_IDS */
};

static void *take_both_ways(void *argument)
{
    const struct taker *taker = argument;
    for (uint32_t i = 0; i < CHECKED_IDS; i++)
        take_singly(taker->generator, &taker->ids[i], 1);
    for (uint32_t i = 0; i < CHECKED_IDS; i += BATCH)
        take_batches(taker->generator, &taker->ids[CHECKED_IDS + i], 1);
    return NULL;
}

static void check_duplicates(struct sonyflake_generator *generator)
{
    struct id_checker checker;
    struct taker takers[THREADS_MAX];
    pthread_t handles[THREADS_MAX];
    if (!id_checker_create(&checker, 0, MACHINE_IDS))
        give_up("no memory");
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        takers[i] = (struct taker){generator, malloc(sizeof(uint64_t) * 2 * CHECKED_IDS)};
        if (takers[i].ids == NULL ||
            pthread_create(&handles[i], NULL, take_both_ways, &takers[i]) != 0)
            give_up("no memory or thread");
    }
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        (void)pthread_join(handles[i], NULL);
        for (uint32_t n = 0; n < 2 * CHECKED_IDS; n++)
            id_checker_see(&checker, takers[i].ids[n]);
        free(takers[i].ids);
    }
    printf("\"ids_checked\": %" PRIu64 ", \"duplicates\": %" PRIu64 ", \"unchecked\": %" PRIu64,
           checker.seen, checker.duplicates, checker.strays);
}

int main(void)
{
    printf("{");
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
        print_medians(threads);
    struct sonyflake_generator *generator = new_generator();
    check_duplicates(generator);
    sonyflake_destroy(generator);
    printf("}\n");
    return 0;
}
