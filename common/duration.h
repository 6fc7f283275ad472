/*
 * duration.h: lengths of time as text: "500ms", "2s", "90min", "1h", "7d".
 */
#ifndef COMMON_DURATION_H
#define COMMON_DURATION_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/span.h"

/*
 * Reads decimal digits and a unit, nothing between them: no sign, no blank, no fraction.  The unit
 * is not optional, so that nobody has to know which one is meant, and a minute is "min", since "m"
 * is a month to some.  Returns 0; -EINVAL for other text; -ERANGE for one that does not fit
 * int64_t nanoseconds (292 years).
 */
NODISCARD int duration_parse(struct span text, int64_t *ret_duration_ns);

#endif
