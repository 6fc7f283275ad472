/*
 * problems.h: everything that is wrong with the settings, collected so that one run reports it all.
 */
#ifndef SERVER_SETTINGS_PROBLEMS_H
#define SERVER_SETTINGS_PROBLEMS_H

#include <stddef.h>
#include <stdio.h>

#include "common/attributes.h"

#define PROBLEMS_MAX 256
#define PROBLEM_TEXT_MAX 480 /* bytes of one message, with the NUL; longer ones are cut */

/* Where something stands: a file with line and column, or "environment", or an option. */
struct place {
    const char *source; /* borrowed */
    unsigned line;      /* from 1; 0: the source as a whole */
    unsigned column;    /* from 1; 0: the line as a whole */
};

/* Of what is wrong between settings, wherever each stands. */
#define PLACE_SETTINGS ((struct place){"settings", 0, 0})

struct problems {
    size_t count;   /* kept in texts */
    size_t dropped; /* found, but beyond PROBLEMS_MAX */
    char texts[PROBLEMS_MAX][PROBLEM_TEXT_MAX];
};

/* Adds "source:line:column: message". */
void problems_add(struct problems *problems, struct place place, const char *format, ...)
    FORMAT(3, 4);

/* Writes one line per problem. */
void problems_print(const struct problems *problems, FILE *out);

#endif
