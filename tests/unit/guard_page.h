/*
 * guard_page.h: puts test input right in front of an unreadable page, so that a parser that reads
 * one byte too far dies on the spot.
 */
#ifndef TESTS_GUARD_PAGE_H
#define TESTS_GUARD_PAGE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/span.h"

struct guard_page {
    char *base;      /* readable and writable */
    size_t capacity; /* bytes at base; the unreadable page follows */
};

/* Room for at least capacity bytes.  Ends the test program if there is no memory. */
static inline struct guard_page guard_page_create(size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (capacity + page - 1) / page * page;
    char *base =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + size, page, PROT_NONE) == -1) {
        perror("guard_page_create");
        abort();
    }
    return (struct guard_page){base, size};
}

static inline void guard_page_destroy(struct guard_page *guard)
{
    (void)munmap(guard->base, guard->capacity + (size_t)sysconf(_SC_PAGESIZE));
    guard->base = NULL;
}

/*
 * Copies text so that it ends where the unreadable page begins; an empty text becomes a pointer
 * to that page.  Valid until the next call.
 */
static inline struct span guard_page_place(const struct guard_page *guard, struct span text)
{
    BUG_IF(text.len > guard->capacity);
    char *at = guard->base + guard->capacity - text.len;
    if (text.len > 0)
        memmove(at, text.base, text.len);
    return (struct span){at, text.len};
}

#endif
