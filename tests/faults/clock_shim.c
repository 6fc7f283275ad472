/*
 * clock_shim.c: clocks that a test sets while the daemon runs (LD_PRELOAD).
 *
 * The file named by GO_ID_TEST_CLOCK holds slots; its first byte is the number of the one in
 * force.  A test fills the next slot and then writes that byte, so every reader sees the old
 * clocks or the new ones, never a mixture.  Slots are used in turn, and a reader would have to
 * sleep through 254 changes to see one that is being filled.
 *
 * A clock is a line over CLOCK_MONOTONIC, which nothing here touches: a step changes base_ns, a
 * slew rate_ppm, and a frozen clock has the rate 0.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 256
#define NS_PER_S INT64_C(1000000000)
#define MILLION INT64_C(1000000)

#define EXPORTED __attribute__((visibility("default")))

struct line {
    int64_t at_ns;    /* of CLOCK_MONOTONIC */
    int64_t base_ns;  /* what the clock shows then */
    int64_t rate_ppm; /* and how far it gets while a million goes by */
};

/* shims.py writes these. */
struct slot {
    struct line wall;
    struct line boot;
    int64_t synchronised; /* 0: adjtimex() says that the clock is not */
    int64_t reserved;
};

_Static_assert(sizeof(struct slot) == 64, "the layout that shims.py knows");

static int (*real_clock_gettime)(clockid_t id, struct timespec *ret_time);
static const volatile struct slot *slots; /* number 0 begins with the byte; it is never in force */

static void give_up(const char *what)
{
    (void)fprintf(stderr, "clock_shim: %s\n", what);
    abort(); /* a test on the real clocks would prove nothing */
}

__attribute__((constructor)) static void prepare(void)
{
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (real_clock_gettime == NULL)
        give_up("there is no clock_gettime()");

    const char *path = getenv("GO_ID_TEST_CLOCK"); // NOLINT(concurrency-mt-unsafe): before main()
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd == -1)
        give_up("GO_ID_TEST_CLOCK names no file");
    void *memory = mmap(NULL, SLOTS * sizeof(struct slot), PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        give_up("GO_ID_TEST_CLOCK cannot be mapped");
    (void)close(fd); /* the mapping stays */
    slots = memory;
}

static const volatile struct slot *in_force(void)
{
    uint8_t number = __atomic_load_n((const volatile uint8_t *)slots, __ATOMIC_ACQUIRE);
    return &slots[number];
}

static int64_t value_of(const volatile struct line *line)
{
    struct timespec now;
    (void)real_clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    int64_t since_ns = now.tv_sec * NS_PER_S + now.tv_nsec - line->at_ns;
    /* In two parts: the product would overflow after a few hours. */
    int64_t rate_ppm = line->rate_ppm;
    return line->base_ns + since_ns / MILLION * rate_ppm + since_ns % MILLION * rate_ppm / MILLION;
}

EXPORTED int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME)
        return real_clock_gettime(id, ret_time);
    const volatile struct slot *slot = in_force();
    int64_t ns = value_of(id == CLOCK_REALTIME ? &slot->wall : &slot->boot);
    ret_time->tv_sec = ns / NS_PER_S;
    ret_time->tv_nsec = ns % NS_PER_S;
    if (ret_time->tv_nsec < 0) { /* before 1970 */
        ret_time->tv_sec--;
        ret_time->tv_nsec += NS_PER_S;
    }
    return 0;
}

EXPORTED int adjtimex(struct timex *ret_state)
{
    bool synchronised = in_force()->synchronised != 0;
    *ret_state = (struct timex){
        .status = synchronised ? 0 : STA_UNSYNC,
        .maxerror =
            synchronised ? 1000 : 16 * MILLION, /* us; what the kernel says in these cases */
    };
    return synchronised ? TIME_OK : TIME_ERROR;
}
