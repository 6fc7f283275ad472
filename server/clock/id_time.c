#include "server/clock/id_time.h"

struct moment moment_plain(int64_t wall_ns, int64_t mono_ns)
{
    return (struct moment){
        .wall_ns = wall_ns,
        .boot_ns = mono_ns,
        .mono_ns = mono_ns,
        .ids = {.source_ns = wall_ns, .line_ns = wall_ns, .limit_ns = INT64_MAX},
    };
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t id_time_logical(const struct id_time *time)
{
    return min(max(time->source_ns, time->line_ns), time->source_ns + time->lead_max_ns);
}

bool id_time_has_come(const struct id_time *time, int64_t due_ns)
{
    return due_ns <= id_time_logical(time) && due_ns < time->limit_ns;
}

/* What the line takes to run on by ns: twice that, or nothing if it is past that point. */
static int64_t twice(int64_t ns)
{
    if (ns <= 0)
        return 0;
    return ns < INT64_MAX / 2 ? 2 * ns : INT64_MAX;
}

int64_t id_time_wait(const struct id_time *time, int64_t due_ns)
{
    /* The source gets there, or the line does, and then it must be within the lead. */
    int64_t by_source_ns = due_ns - time->source_ns;
    int64_t by_line_ns = twice(due_ns - time->line_ns);
    int64_t until_ns = max(min(by_source_ns, by_line_ns), by_source_ns - time->lead_max_ns);
    return max(until_ns, 0);
}

int64_t id_time_ahead(const struct id_time *time, int64_t left_ns)
{
    int64_t line_ahead_ns = time->line_ns + left_ns / 2 - time->source_ns;
    return min(max(left_ns, line_ahead_ns), left_ns + time->lead_max_ns);
}
