/*
 * inflate.h: the reverse of compression, for what the binary carries compressed (RFC 1951).
 *
 * Small rather than fast: some 5 ns per bit of input.  Pure, and safe for any input.
 */
#ifndef COMMON_INFLATE_H
#define COMMON_INFLATE_H

#include <sys/types.h>

#include "common/attributes.h"
#include "common/span.h"

/*
 * Writes what a raw deflate stream (no header of gzip or zlib) holds to out.  Returns the number of
 * bytes, or -EBADMSG for what is no whole stream or has more than capacity bytes in it; out then
 * holds a part of it.
 */
NODISCARD ssize_t inflate_raw(struct span compressed, char *out, size_t capacity);

#endif
