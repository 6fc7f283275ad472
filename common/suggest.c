#include "common/suggest.h"

#include <stdint.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

size_t suggest_distance(struct span a, struct span b)
{
    if (a.len > SUGGEST_LEN_MAX || b.len > SUGGEST_LEN_MAX)
        return SIZE_MAX;

    /* row[j]: the distance between the first i letters of a and the first j of b. */
    size_t row[SUGGEST_LEN_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t replaced = diagonal + (lower(a.base[i]) == lower(b.base[j]) ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = smallest(replaced, row[j + 1] + 1, row[j] + 1);
        }
    }
    return row[b.len];
}

const char *suggest(struct span word, const char *const *names, size_t count, size_t distance_max)
{
    const char *best = NULL;
    size_t best_distance = distance_max + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = suggest_distance(word, span_of(names[i]));
        if (distance < best_distance && 2 * distance <= strlen(names[i])) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
