/*
 * fuzz.h: what the fuzz targets share.
 *
 * A target is one file with one LLVMFuzzerTestOneInput().  libFuzzer and AFL++ call it with what
 * they think up (scripts/fuzz.sh), and replay.c with what is kept in seeds/ and regressions/, in
 * every ordinary build.  A target does not only look for crashes: it says with MUST() what has to
 * hold for every input.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "common/bug.h"
#include "common/span.h"

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold; names the place and ends the program where it does not. */
#define MUST(condition) BUG_IF(!(condition))

/* Inputs up to this long are cut at every byte, longer ones at FUZZ_CUTS places. */
#define FUZZ_CUT_ALL_MAX 16
#define FUZZ_CUTS 4

/* The input as text. */
static inline struct span fuzz_text(const uint8_t *data, size_t size)
{
    return (struct span){(const char *)data, size};
}

/* Takes the first byte off; 0 when there is none. */
static inline uint8_t fuzz_take_byte(struct span *input)
{
    if (input->len == 0)
        return 0;
    uint8_t byte = (uint8_t)input->base[0];
    input->base++;
    input->len--;
    return byte;
}

/* Takes count bytes off, most significant first. */
static inline uint64_t fuzz_take_number(struct span *input, unsigned count)
{
    uint64_t value = 0;
    while (count-- > 0)
        value = value << 8 | fuzz_take_byte(input);
    return value;
}

/* Takes up to len bytes off. */
static inline struct span fuzz_take_text(struct span *input, size_t len)
{
    struct span text = {input->base, len < input->len ? len : input->len};
    input->base += text.len;
    input->len -= text.len;
    return text;
}

/* A number that depends on every byte of the input: where to cut it (FNV-1a). */
static inline uint64_t fuzz_hash(struct span input)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < input.len; i++)
        hash = (hash ^ (uint8_t)input.base[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

/* How many cuts of an input of this length to try, and the place of each, from 0 to len. */
static inline size_t fuzz_cut_count(struct span input)
{
    return input.len <= FUZZ_CUT_ALL_MAX ? input.len + 1 : FUZZ_CUTS;
}

static inline size_t fuzz_cut(struct span input, size_t index)
{
    if (input.len <= FUZZ_CUT_ALL_MAX)
        return index;
    return (size_t)((fuzz_hash(input) >> (index * 8)) * UINT64_C(0x9e3779b97f4a7c15) %
                    (input.len + 1));
}

#endif
