#include "common/size.h"

#include <errno.h>

#include "common/number.h"

/* By how many bits the unit shifts; 0 for none. */
static unsigned unit_shift(char last)
{
    switch (last) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    default:
        return 0;
    }
}

int size_parse(struct span text, uint64_t *ret_bytes)
{
    if (text.len == 0)
        return -EINVAL;
    unsigned shift = unit_shift(text.base[text.len - 1]);
    if (shift != 0)
        text.len--;
    uint64_t count;
    int r = parse_u64(text, 0, UINT64_MAX >> shift, &count);
    if (r == 0)
        *ret_bytes = count << shift;
    return r;
}
