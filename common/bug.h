/*
 * bug.h: stops the program where it has proved itself wrong.
 *
 * BUG_IF is for what cannot happen; it stays in release builds.  What a peer, a file or the
 * kernel can cause is an error value instead.
 */
#ifndef COMMON_BUG_H
#define COMMON_BUG_H

#include <stdio.h>
#include <stdlib.h>

#define BUG_IF(condition)                                                             \
    do {                                                                              \
        if (__builtin_expect(!!(condition), 0)) {                                     \
            (void)fprintf(stderr, "BUG %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

#endif
