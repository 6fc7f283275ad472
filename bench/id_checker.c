#include "bench/id_checker.h"

#include <stddef.h>
#include <sys/mman.h>

#define TICK_SHIFT 24
#define SPAN_TICKS UINT64_C(12000) /* two minutes */
#define BEFORE_TICKS 1000          /* of them, those before the first id that is shown */

bool id_checker_create(struct id_checker *checker)
{
    size_t size = (size_t)(SPAN_TICKS << TICK_SHIFT) / 8;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *checker = (struct id_checker){.bits = memory};
    return memory != MAP_FAILED;
}

void id_checker_see(struct id_checker *checker, uint64_t id)
{
    if (!checker->begun) {
        checker->begun = true;
        checker->first_tick = (id >> TICK_SHIFT) - BEFORE_TICKS;
    }
    checker->seen++;
    uint64_t place = id - (checker->first_tick << TICK_SHIFT); /* wraps for an id before the span */
    if (place >= SPAN_TICKS << TICK_SHIFT) {
        checker->strays++;
        return;
    }
    uint64_t bit = UINT64_C(1) << (place % 64);
    checker->duplicates += (checker->bits[place / 64] & bit) != 0;
    checker->bits[place / 64] |= bit;
}
