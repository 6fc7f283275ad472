/*
 * id_text.h: many ids in decimal, which is most of the work of a large answer.
 *
 * Pure.
 */
#ifndef SERVER_API_ID_TEXT_H
#define SERVER_API_ID_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

#define ID_TEXT_BEHIND_MAX 3 /* bytes behind each id */
#define ID_TEXT_SCRATCH 24   /* bytes that may be overwritten behind what is put */

/*
 * Writes the ids first, first + 1 and so on, count of them, each with the same bytes behind it.
 * Returns what follows; up to ID_TEXT_SCRATCH bytes from there on may have been written to.
 */
char *id_text_put(char *at, uint64_t first, size_t count, struct span behind);

#endif
