/*
 * lock_shim.c: counts the locks that threads take (LD_PRELOAD), in the file named by
 * GO_ID_TEST_LOCKS.
 *
 * Those of the main thread are left out: it logs and accepts clients, and serves nobody.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static int (*real_lock)(pthread_mutex_t *mutex);
static _Atomic uint64_t *locks; /* NULL: before the constructor */
static pthread_t main_thread;

static void give_up(const char *what)
{
    (void)dprintf(STDERR_FILENO, "lock_shim: %s\n", what);
    abort(); /* a test without the shim would prove nothing */
}

static void find_real_lock(void)
{
    void *symbol = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    if (symbol == NULL)
        give_up("there is no pthread_mutex_lock");
    memcpy(&real_lock, &symbol, sizeof(real_lock)); /* C has no cast from data to code */
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("GO_ID_TEST_LOCKS"); // NOLINT(concurrency-mt-unsafe): before main()
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd == -1)
        give_up("GO_ID_TEST_LOCKS names no file");
    void *memory = mmap(NULL, sizeof(*locks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        give_up("GO_ID_TEST_LOCKS cannot be mapped");
    (void)close(fd); /* the mapping stays */
    if (real_lock == NULL)
        find_real_lock();
    main_thread = pthread_self();
    locks = memory;
}

EXPORTED int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (real_lock == NULL)
        find_real_lock();
    if (locks != NULL && pthread_equal(pthread_self(), main_thread) == 0)
        (*locks)++;
    return real_lock(mutex);
}
