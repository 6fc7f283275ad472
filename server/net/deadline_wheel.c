#include "server/net/deadline_wheel.h"

#include <stdbool.h>

#define SLOT_MASK (DEADLINE_WHEEL_SLOTS - 1)

_Static_assert((DEADLINE_WHEEL_SLOTS & SLOT_MASK) == 0, "slots are addressed with a mask");

static int64_t slot_of(int64_t time_ns)
{
    return time_ns >> DEADLINE_WHEEL_SLOT_BITS;
}

void deadline_wheel_init(struct deadline_wheel *wheel, int64_t now_ns)
{
    *wheel = (struct deadline_wheel){.current = slot_of(now_ns)};
    for (unsigned i = 0; i < DEADLINE_WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void deadline_wheel_set(struct deadline_wheel *wheel, struct deadline *deadline, int64_t when_ns)
{
    int64_t slot = slot_of(when_ns);
    if (list_is_linked(&deadline->node) && deadline->slot <= slot)
        return; /* comes up in time, perhaps early */

    int64_t last = wheel->current + DEADLINE_WHEEL_SLOTS - 1;
    if (slot > last)
        slot = last;
    if (slot <= wheel->current)
        slot = wheel->current + 1;
    list_remove(&deadline->node);
    deadline->slot = slot;
    unsigned index = (unsigned)(slot & SLOT_MASK);
    list_append(&wheel->slots[index], &deadline->node);
    wheel->occupied[index / 64] |= UINT64_C(1) << (index % 64);
}

void deadline_wheel_clear(struct deadline *deadline)
{
    list_remove(&deadline->node);
}

static bool is_occupied(const struct deadline_wheel *wheel, int64_t slot)
{
    unsigned index = (unsigned)(slot & SLOT_MASK);
    return (wheel->occupied[index / 64] >> (index % 64) & 1) != 0;
}

int64_t deadline_wheel_next(const struct deadline_wheel *wheel)
{
    for (int64_t i = 0; i < DEADLINE_WHEEL_SLOTS; i++) {
        int64_t slot = wheel->current + i;
        if (is_occupied(wheel, slot) && !list_is_empty(&wheel->slots[slot & SLOT_MASK]))
            return (slot + 1) << DEADLINE_WHEEL_SLOT_BITS; /* when the slot is over */
    }
    return INT64_MAX;
}

struct deadline *deadline_wheel_pop(struct deadline_wheel *wheel, int64_t now_ns)
{
    int64_t now = slot_of(now_ns);
    if (now - wheel->current > DEADLINE_WHEEL_SLOTS)
        wheel->current = now - DEADLINE_WHEEL_SLOTS; /* one turn sees every slot */

    for (; wheel->current < now; wheel->current++) {
        unsigned index = (unsigned)(wheel->current & SLOT_MASK);
        if (!is_occupied(wheel, wheel->current))
            continue;
        struct list_node *list = &wheel->slots[index];
        if (!list_is_empty(list)) {
            struct deadline *deadline = LIST_ENTRY(list->next, struct deadline, node);
            list_remove(&deadline->node);
            return deadline;
        }
        wheel->occupied[index / 64] &= ~(UINT64_C(1) << (index % 64));
    }
    return NULL;
}
