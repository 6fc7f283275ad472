#include "server/api/id_text.h"

#include <string.h>

#include "common/bug.h"
#include "common/number.h"

_Static_assert(ID_TEXT_SCRATCH >= U64_DIGITS_MAX + ID_TEXT_BEHIND_MAX, "an id is one copy");

static char *put_one(char *at, uint64_t id, struct span behind)
{
    at += format_u64(id, at);
    memcpy(at, behind.base, behind.len);
    return at + behind.len;
}

/*
 * Ids of one hundred differ in their last two digits, so all of them are a copy of the first, of
 * a length that the compiler knows, with these two put right.
 */
static char *put_hundred(char *at, uint64_t first, size_t count, struct span behind)
{
    char text[ID_TEXT_SCRATCH];
    const size_t width = (size_t)(put_one(text, first, behind) - text);
    const size_t pair_at = width - behind.len - 2;
    const char *pair = &digit_pairs[first % 100 * 2];
    for (size_t i = 0; i < count; i++) {
        memcpy(at, text, sizeof(text));
        memcpy(at + pair_at, pair + 2 * i, 2);
        at += width;
    }
    return at;
}

char *id_text_put(char *at, uint64_t first, size_t count, struct span behind)
{
    BUG_IF(behind.len > ID_TEXT_BEHIND_MAX);
    while (count > 0) {
        size_t same = 100 - (size_t)(first % 100);
        if (first < 100 || count == 1)
            same = 1;
        same = same < count ? same : count;
        at = same == 1 ? put_one(at, first, behind) : put_hundred(at, first, same, behind);
        first += same;
        count -= same;
    }
    return at;
}
