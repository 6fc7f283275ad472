/*
 * disk_shim.c: a disk that fails when a test says so, and that loses power (LD_PRELOAD).
 *
 * The file named by GO_ID_TEST_DISK says which steps of replacing go-id.state fail or take long;
 * a test changes it while the daemon runs.  Two things are watched besides:
 *
 *   - Whatever is made durable, by syncing the folder after the rename, is kept as
 *     go-id.state.durable: what a power loss leaves, however much was written after it.
 *   - A rename of a file that has changed since it was synced ends the daemon: after a power
 *     loss that name could stand for an empty file.
 *
 * Only go-id.state.new and the folder it is renamed in are meant; everything else passes through.
 * One thread writes the state.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

#define NS_PER_MS INT64_C(1000000)

#define STATE "go-id.state"
#define STATE_NEW STATE ".new"
#define DURABLE STATE ".durable"
#define DURABLE_NEW DURABLE ".new"

enum step { STEP_WRITE, STEP_SYNC, STEP_RENAME, STEP_SYNC_FOLDER, STEP_COUNT };

/* shims.py writes these, but for the count. */
struct fault {
    _Atomic int32_t error;     /* errno; 0: the step is taken */
    _Atomic uint32_t delay_ms; /* before that */
    _Atomic uint64_t count;    /* steps that failed or were delayed */
};

_Static_assert(sizeof(struct fault) == 16, "the layout that shims.py knows");

static struct {
    ssize_t (*write)(int fd, const void *data, size_t len);
    ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t offset);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*renameat)(int old_folder, const char *old_name, int new_folder, const char *new_name);
} real;

static struct fault *faults;
static bool synced;     /* go-id.state.new has not changed since it was synced */
static int folder = -1; /* the folder's descriptor, from the first rename on */

static void give_up(const char *what)
{
    (void)fprintf(stderr, "disk_shim: %s\n", what);
    abort();
}

static void *find(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        give_up(name);
    return found;
}

__attribute__((constructor)) static void prepare(void)
{
    *(void **)&real.write = find("write");
    *(void **)&real.pwrite = find("pwrite");
    *(void **)&real.fsync = find("fsync");
    *(void **)&real.fdatasync = find("fdatasync");
    *(void **)&real.renameat = find("renameat");

    const char *path = getenv("GO_ID_TEST_DISK"); // NOLINT(concurrency-mt-unsafe): before main()
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd == -1)
        give_up("GO_ID_TEST_DISK names no file");
    size_t size = STEP_COUNT * sizeof(struct fault);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        give_up("GO_ID_TEST_DISK cannot be mapped");
    (void)close(fd); /* the mapping stays */
    faults = memory;
}

static bool is_new_state(int fd)
{
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path));
    const ssize_t end = (ssize_t)strlen("/" STATE_NEW);
    return len >= end && len < (ssize_t)sizeof(path) &&
           memcmp(path + len - end, "/" STATE_NEW, (size_t)end) == 0;
}

/* Returns 0, or -1 with errno, as the step is to. */
static int meet(enum step step)
{
    struct fault *fault = &faults[step];
    uint32_t delay_ms = fault->delay_ms;
    if (delay_ms > 0) {
        fault->count++;
        int64_t ns = delay_ms * NS_PER_MS;
        struct timespec delay = {.tv_sec = ns / 1000 / NS_PER_MS,
                                 .tv_nsec = ns % (1000 * NS_PER_MS)};
        (void)nanosleep(&delay, NULL); /* the thread that writes gets no signals */
    }
    int32_t error = fault->error;
    if (error == 0)
        return 0;
    if (delay_ms == 0)
        fault->count++;
    errno = error;
    return -1;
}

/* Gives what is durable now a second name.  Failing here would make a test pass for nothing. */
static void keep_durable(void)
{
    if (linkat(folder, STATE, folder, DURABLE_NEW, 0) == -1 ||
        real.renameat(folder, DURABLE_NEW, folder, DURABLE) == -1)
        give_up("cannot keep what is durable");
    /* Renaming one of two names of a file to the other leaves both. */
    if (unlinkat(folder, DURABLE_NEW, 0) == -1 && errno != ENOENT)
        give_up("cannot keep what is durable");
}

static int sync_with(int (*sync)(int fd), int fd)
{
    if (is_new_state(fd)) {
        if (meet(STEP_SYNC) == -1)
            return -1;
        int r = sync(fd);
        synced = r == 0;
        return r;
    }
    if (fd != folder)
        return sync(fd);
    if (meet(STEP_SYNC_FOLDER) == -1)
        return -1;
    int r = sync(fd);
    if (r == 0)
        keep_durable();
    return r;
}

EXPORTED int fsync(int fd)
{
    return sync_with(real.fsync, fd);
}

EXPORTED int fdatasync(int fd)
{
    return sync_with(real.fdatasync, fd);
}

/* Half of the data arrives before the disk fails: that is the harder case. */
static bool write_fails(int fd, const void *data, size_t len)
{
    if (!is_new_state(fd))
        return false;
    synced = false;
    if (meet(STEP_WRITE) == 0)
        return false;
    int error = errno;
    (void)real.write(fd, data, len / 2);
    errno = error;
    return true;
}

EXPORTED ssize_t write(int fd, const void *data, size_t len)
{
    return write_fails(fd, data, len) ? -1 : real.write(fd, data, len);
}

EXPORTED ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return write_fails(fd, data, len) ? -1 : real.pwrite(fd, data, len, offset);
}

EXPORTED int renameat(int old_folder, const char *old_name, int new_folder, const char *new_name)
{
    if (strcmp(old_name, STATE_NEW) != 0)
        return real.renameat(old_folder, old_name, new_folder, new_name);
    if (!synced)
        give_up("the state is renamed before it is synced");
    if (meet(STEP_RENAME) == -1)
        return -1;
    folder = new_folder;
    return real.renameat(old_folder, old_name, new_folder, new_name);
}
