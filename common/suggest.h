/* suggest.h: "did you mean ...?" */
#ifndef COMMON_SUGGEST_H
#define COMMON_SUGGEST_H

#include <stddef.h>

#include "common/span.h"

/* Longer words are never suggested for, nor suggested. */
#define SUGGEST_LEN_MAX 32

/*
 * How many letters have to be inserted, removed or replaced to make b of a, without regard to the
 * case of ASCII letters; SIZE_MAX if either is longer than SUGGEST_LEN_MAX.
 */
size_t suggest_distance(struct span a, struct span b);

/*
 * The name that is nearest to word, or NULL if none is at most distance_max away, nor by more than
 * half its letters.
 */
const char *suggest(struct span word, const char *const *names, size_t count, size_t distance_max);

#endif
