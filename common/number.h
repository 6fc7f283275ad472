/*
 * number.h: the only way from text to numbers, and the fast way back.
 *
 * Digits only: no sign, no space, no rest.  None of which strtoul refuses.
 */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

#define U64_DIGITS_MAX 20 /* characters of the longest decimal uint64_t */

/* Returns 0; -EINVAL if text is not one or more decimal digits; -ERANGE outside min..max. */
NODISCARD int parse_u64(struct span text, uint64_t min, uint64_t max, uint64_t *ret_value);

/* As parse_u64() without bounds, and also takes 0x followed by hexadecimal digits. */
NODISCARD int parse_u64_any_base(struct span text, uint64_t *ret_value);

/* How many characters format_u64() writes. */
unsigned format_u64_len(uint64_t value);

/* The two digits of every number below 100, one after the other. */
extern const char digit_pairs[201];

/* Writes value in decimal, without NUL; returns the number of characters. */
unsigned format_u64(uint64_t value, char out[static U64_DIGITS_MAX]);

#endif
