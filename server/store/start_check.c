#include "server/store/start_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/attributes.h"
#include "common/bug.h"
#include "common/timestamp.h"

/* ---- The plan ------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* The machine ids in both ranges; a count of 0 if there are none. */
static struct shard_range common_shards(struct shard_range a, struct shard_range b)
{
    uint32_t first = a.first > b.first ? a.first : b.first;
    uint32_t end_a = a.first + a.count;
    uint32_t end_b = b.first + b.count;
    uint32_t end = end_a < end_b ? end_a : end_b;
    return (struct shard_range){.first = first, .count = end > first ? end - first : 0};
}

static bool same_layout(const struct sonyflake_layout *a, const struct sonyflake_layout *b)
{
    return a->time_unit_ns == b->time_unit_ns && a->sequence_bits == b->sequence_bits &&
           a->machine_id_bits == b->machine_id_bits;
}

struct start_plan start_plan_make(const struct state_record *record,
                                  const struct start_identity *identity)
{
    if (record == NULL)
        return (struct start_plan){.verdict = START_FRESH};
    if (record->layout.start_time_ns != identity->layout.start_time_ns)
        return (struct start_plan){.verdict = START_OTHER_START, .refused = true};
    if (!same_layout(&record->layout, &identity->layout))
        return (struct start_plan){.verdict = START_OTHER_LAYOUT, .refused = true};

    if (!same_text(record->instance, identity->instance)) {
        struct shard_range disputed = common_shards(record->shards, identity->shards);
        if (disputed.count > 0)
            return (struct start_plan){
                .verdict = START_CLONE, .refused = true, .disputed = disputed};
        return (struct start_plan){.verdict = START_OTHER_NAME};
    }
    if (!same_text(record->subvolume.text, identity->subvolume.text))
        return (struct start_plan){.verdict = START_RESTORED, .skip_lead = true};
    return (struct start_plan){.verdict = START_CONTINUE};
}

/* ---- In words ------------------------------------------------------------------------------- */

static void say(char out[static START_PLAN_TEXT_MAX], const char *format, ...) FORMAT(2, 3);

static void say(char out[static START_PLAN_TEXT_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(out, START_PLAN_TEXT_MAX, format, arguments);
    va_end(arguments);
    BUG_IF(len < 0 || len >= START_PLAN_TEXT_MAX);
}

static void describe_other_start(const struct state_record *record,
                                 const struct start_identity *identity,
                                 char out[static START_PLAN_TEXT_MAX])
{
    char theirs[TIMESTAMP_TEXT_MAX];
    char ours[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(record->layout.start_time_ns, theirs);
    timestamp_format_ms(identity->layout.start_time_ns, ours);
    say(out,
        "the ids of this state count from start time %s, and START_TIME is %s: ids would come "
        "again or go back; set START_TIME as it was, go on above them with 'go-id state migrate', "
        "or begin anew in another STATE_DIRECTORY",
        theirs, ours);
}

static void describe_other_layout(const struct sonyflake_layout *theirs,
                                  const struct sonyflake_layout *ours,
                                  char out[static START_PLAN_TEXT_MAX])
{
    say(out,
        "the ids of this state have %" PRIu32 " bits of sequence and %" PRIu32
        " of machine id in ticks of %" PRId64 " ns, and this go-id makes them with %" PRIu32
        ", %" PRIu32 " and %" PRId64 ": they would come again or go back; go on above them with "
        "'go-id state migrate', or begin anew in another STATE_DIRECTORY",
        theirs->sequence_bits, theirs->machine_id_bits, theirs->time_unit_ns, ours->sequence_bits,
        ours->machine_id_bits, ours->time_unit_ns);
}

static void describe_clone(const struct start_plan *plan, const struct state_record *record,
                           const struct start_identity *identity,
                           char out[static START_PLAN_TEXT_MAX])
{
    say(out,
        "the state belongs to instance %s, which may be issuing ids with machine ids %" PRIu32
        " to %" PRIu32 " of this one, %s; give this one another SHARD_ID; or, if the original is "
        "gone and will not come back, 'go-id state adopt'; if only the name has changed, set "
        "INSTANCE_NAME=%s",
        record->instance, plan->disputed.first, plan->disputed.first + plan->disputed.count - 1,
        identity->instance, record->instance);
}

void start_plan_describe(const struct start_plan *plan, const struct state_record *record,
                         const struct start_identity *identity,
                         char out[static START_PLAN_TEXT_MAX])
{
    switch (plan->verdict) {
    case START_FRESH:
        say(out, "there is no state yet: ids begin at the clock, or behind MIN_ID");
        return;
    case START_CONTINUE:
        say(out, "instance %s goes on behind its mark", identity->instance);
        return;
    case START_RESTORED:
        say(out,
            "instance %s is on another subvolume than when the state was written: a restored "
            "snapshot, or moved; ids begin MAX_CLOCK_LEAD ahead of the clock, past all that the "
            "state does not know",
            identity->instance);
        return;
    case START_OTHER_NAME:
        say(out,
            "the state was written by instance %s with other machine ids: instance %s goes on "
            "behind its mark with its own",
            record->instance, identity->instance);
        return;
    case START_CLONE:
        describe_clone(plan, record, identity, out);
        return;
    case START_OTHER_START:
        describe_other_start(record, identity, out);
        return;
    case START_OTHER_LAYOUT:
        describe_other_layout(&record->layout, &identity->layout, out);
        return;
    }
}
