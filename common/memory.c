#include "common/memory.h"

#include <sys/mman.h>

void *memory_reserve(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base != MAP_FAILED ? base : NULL;
}

void memory_release(void *base, size_t size)
{
    if (base != NULL)
        (void)munmap(base, size); /* fails only for a range that was never mapped */
}
