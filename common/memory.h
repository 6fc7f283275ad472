/* memory.h: memory that is set aside at start and costs nothing until it is used. */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stddef.h>

/*
 * Reserves size bytes of zeroed memory.  Only pages that are touched take physical memory, so
 * ceilings can be generous.  Returns NULL when the address space is refused.
 */
void *memory_reserve(size_t size);

/* Gives back what memory_reserve() returned.  NULL is allowed. */
void memory_release(void *base, size_t size);

#endif
