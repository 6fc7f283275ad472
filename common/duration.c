#include "common/duration.h"

#include <errno.h>

#include "common/number.h"
#include "common/timestamp.h"

static const struct unit {
    struct span name;
    int64_t length_ns;
} units[] = {
    {SPAN_INIT("ms"), NS_PER_MS},       {SPAN_INIT("s"), NS_PER_S},
    {SPAN_INIT("min"), 60 * NS_PER_S},  {SPAN_INIT("h"), 3600 * NS_PER_S},
    {SPAN_INIT("d"), 86400 * NS_PER_S},
};

/* The unit of this name, or NULL. */
static const struct unit *find_unit(struct span name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (span_equal(name, units[i].name))
            return &units[i];
    }
    return NULL;
}

int duration_parse(struct span text, int64_t *ret_duration_ns)
{
    if (text.len == 0)
        return -EINVAL; /* its base may be NULL, which nothing can be added to */
    size_t digits = 0;
    while (digits < text.len && text.base[digits] >= '0' && text.base[digits] <= '9')
        digits++;
    const struct unit *unit = find_unit((struct span){text.base + digits, text.len - digits});
    if (unit == NULL)
        return -EINVAL; /* before -ERANGE: "99999999999999999999x" is no duration at all */

    uint64_t count;
    int r = parse_u64((struct span){text.base, digits}, 0, (uint64_t)(INT64_MAX / unit->length_ns),
                      &count);
    if (r < 0)
        return r;
    *ret_duration_ns = (int64_t)count * unit->length_ns;
    return 0;
}
