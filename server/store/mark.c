#include "server/store/mark.h"

/* How far ahead of the ids the mark is when those lead the clock. */
static int64_t step_ns(const struct mark_policy *policy, int64_t age_ns)
{
    int64_t step = age_ns / 2;
    if (step > policy->window_ns / 4)
        step = policy->window_ns / 4;
    /* With less than a tick there would be no id. */
    return step < policy->tick_ns ? policy->tick_ns : step;
}

int64_t mark_target(const struct mark_policy *policy, const struct id_time *ids, int64_t age_ns)
{
    int64_t by_clock_ns = ids->source_ns + policy->window_ns;
    int64_t by_ids_ns = id_time_logical(ids) + step_ns(policy, age_ns);
    int64_t target_ns = by_clock_ns > by_ids_ns ? by_clock_ns : by_ids_ns;
    return target_ns - target_ns % policy->tick_ns;
}

int64_t mark_refill(const struct mark_policy *policy, const struct id_time *ids, int64_t age_ns,
                    int64_t mark_ns)
{
    return mark_ns - (mark_target(policy, ids, age_ns) - id_time_logical(ids)) / 2;
}
