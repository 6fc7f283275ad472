#include "bench/id_checker.h"

#include <stddef.h>
#include <sys/mman.h>

#define TICK_SHIFT 24
#define MACHINE_ID_BITS 16
#define SEQUENCES (UINT64_C(1) << (TICK_SHIFT - MACHINE_ID_BITS)) /* per machine and tick */
#define SPAN_TICKS UINT64_C(12000)                                /* two minutes */
#define BEFORE_TICKS 1000 /* of them, those before the first id that is shown */

bool id_checker_create(struct id_checker *checker, uint32_t machine_id, uint32_t machine_id_count)
{
    size_t size = (size_t)(SPAN_TICKS * SEQUENCES) * machine_id_count / 8;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *checker = (struct id_checker){.bits = memory,
                                   .machine_id = machine_id,
                                   .machine_id_count = machine_id_count,
                                   .least = UINT64_MAX};
    return memory != MAP_FAILED;
}

void id_checker_see(struct id_checker *checker, uint64_t id)
{
    uint64_t tick = id >> TICK_SHIFT;
    uint64_t sequence = id >> MACHINE_ID_BITS & (SEQUENCES - 1);
    uint64_t machine = (id & ((1U << MACHINE_ID_BITS) - 1)) - checker->machine_id;
    if (!checker->begun) {
        checker->begun = true;
        checker->first_tick = tick - BEFORE_TICKS;
    }
    checker->seen++;
    if (id < checker->least)
        checker->least = id;
    if (id > checker->greatest)
        checker->greatest = id;
    tick -= checker->first_tick; /* wraps for one before the span, as the machine does */
    if (tick >= SPAN_TICKS || machine >= checker->machine_id_count) {
        checker->strays++;
        return;
    }
    uint64_t place = (tick * SEQUENCES + sequence) * checker->machine_id_count + machine;
    uint64_t bit = UINT64_C(1) << (place % 64);
    checker->duplicates += (checker->bits[place / 64] & bit) != 0;
    checker->bits[place / 64] |= bit;
}
