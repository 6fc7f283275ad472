/*
 * allocation_shim.c: memory that runs out when a test says so (LD_PRELOAD).
 *
 * The file named by GO_ID_TEST_ALLOCATION holds three numbers.  While the first is not 0, every
 * allocation fails; the second counts those that failed, the third those that did not.  Callers in
 * the C library come here too.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* The C library's own, by the names that it keeps for this purpose. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* test_allocation.py knows this layout. */
struct control {
    uint64_t failing;
    uint64_t failed;
    uint64_t succeeded;
};

static struct control *control; /* NULL: before the constructor; nothing fails then */

static void give_up(const char *what)
{
    (void)dprintf(STDERR_FILENO, "allocation_shim: %s\n", what);
    abort(); /* a test without the shim would prove nothing */
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path =
        getenv("GO_ID_TEST_ALLOCATION"); // NOLINT(concurrency-mt-unsafe): before main()
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd == -1)
        give_up("GO_ID_TEST_ALLOCATION names no file");
    void *memory = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        give_up("GO_ID_TEST_ALLOCATION cannot be mapped");
    (void)close(fd); /* the mapping stays */
    control = memory;
}

/* Counts an allocation; false when it has to fail. */
static bool may_allocate(void)
{
    if (control == NULL)
        return true;
    bool may = __atomic_load_n(&control->failing, __ATOMIC_SEQ_CST) == 0;
    __atomic_fetch_add(may ? &control->succeeded : &control->failed, 1, __ATOMIC_SEQ_CST);
    if (!may)
        errno = ENOMEM;
    return may;
}

EXPORTED void *malloc(size_t size)
{
    return may_allocate() ? __libc_malloc(size) : NULL;
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return may_allocate() ? __libc_calloc(count, size) : NULL;
}

EXPORTED void *realloc(void *memory, size_t size)
{
    return may_allocate() ? __libc_realloc(memory, size) : NULL;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    return may_allocate() ? __libc_memalign(alignment, size) : NULL;
}

EXPORTED void *memalign(size_t alignment, size_t size)
{
    return may_allocate() ? __libc_memalign(alignment, size) : NULL;
}

EXPORTED int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = may_allocate() ? __libc_memalign(alignment, size) : NULL;
    if (memory == NULL)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}
