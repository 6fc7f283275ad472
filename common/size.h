/*
 * size.h: sizes as people write them: 64K, 8M, 1G; 4096.
 */
#ifndef COMMON_SIZE_H
#define COMMON_SIZE_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

/*
 * Parses digits and a unit with nothing between them: K, M or G, powers of 1024, or none for
 * bytes.  Returns 0; -EINVAL if text is no size; -ERANGE if it is too large.
 */
NODISCARD int size_parse(struct span text, uint64_t *ret_bytes);

#endif
