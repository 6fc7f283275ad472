#include "server/ownership.h"

#include <errno.h>
#include <inttypes.h>

#include "common/errno_name.h"
#include "common/log.h"
#include "server/store/host.h"

struct start_identity ownership_identity(const struct settings *settings,
                                         const struct state_directory *directory)
{
    struct start_identity identity = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .shards = settings->shards,
        .subvolume = directory->subvolume,
    };
    identity.layout.start_time_ns = settings->start_time_ns;
    host_instance_name(settings, identity.instance);
    return identity;
}

/* ---- Claiming ------------------------------------------------------------------------------- */

static int open_directory(struct ownership *o, const struct settings *settings)
{
    const char *path = settings->state_directory;
    const char *usual_path = setting_info(SETTING_STATE_DIRECTORY).fallback;
    bool is_usual = span_equal(span_of(path), span_of(usual_path));
    char quoted[256];
    const char *step;
    int r = state_directory_open(&o->directory, path, is_usual, &step);
    (void)log_quote(span_of(path), quoted, sizeof(quoted));
    if (r < 0) {
        log_error("start_refused",
                  "reason=\"the state directory cannot be used\" path=%s step=%s errno=%s "
                  "hint=\"%s\"",
                  quoted, step, errno_name(-r),
                  r == -ENOENT && !is_usual
                      ? "it is not made where it was asked for, since a volume may be missing "
                        "there: mount that, or make the folder"
                      : "STATE_DIRECTORY must name a folder that this user may write to");
        return r;
    }
    if (o->directory.is_volatile)
        log_warn("state_directory_volatile",
                 "path=%s hint=\"it is in memory: after a reboot nothing is known of the ids that "
                 "were issued; put it on a disk\"",
                 quoted);

    pid_t pid;
    r = state_directory_lock(&o->directory, &pid);
    if (r == -EAGAIN)
        log_error("start_refused",
                  "reason=\"the state directory belongs to another process\" path=%s pid=%d "
                  "hint=\"%s\"",
                  quoted, pid,
                  pid != 0 ? "stop that process, or give this one its own STATE_DIRECTORY"
                           : "its holder is in another container; every process needs its own "
                             "STATE_DIRECTORY");
    else if (r < 0)
        log_error("start_refused",
                  "reason=\"the state directory cannot be locked\" path=%s errno=%s "
                  "hint=\"STATE_DIRECTORY must be writable for this user\"",
                  quoted, errno_name(-r));
    return r;
}

static int lock_machines(struct ownership *o, const struct settings *settings)
{
    char quoted[256];
    struct machine_lock_holder holder;
    int r = machine_lock_take(&o->machines, settings->lock_directory, settings->shards, &holder);
    (void)log_quote(span_of(settings->lock_directory), quoted, sizeof(quoted));
    if (r == -EAGAIN) {
        log_error("start_refused",
                  "reason=\"another process of this host owns machine id %" PRIu32 "\" pid=%d "
                  "lock_directory=%s hint=\"stop that process, or choose another SHARD_ID\"",
                  holder.machine, holder.pid, quoted);
        return r;
    }
    if (r < 0 && settings_is_set(settings, SETTING_LOCK_DIRECTORY)) {
        log_error("start_refused",
                  "reason=\"the lock directory cannot be used\" path=%s errno=%s "
                  "hint=\"LOCK_DIRECTORY must name a folder that this user may "
                  "write to\"",
                  quoted, errno_name(-r));
        return r;
    }
    if (r < 0)
        log_warn("lock_directory_unused",
                 "path=%s errno=%s hint=\"nothing keeps another process of this host from using "
                 "the same SHARD_ID; set LOCK_DIRECTORY to a folder that all may write to\"",
                 quoted, errno_name(-r));
    return 0;
}

static int read_record(struct ownership *o, const struct settings *settings)
{
    char quoted[256];
    enum state_record_fault fault;
    int r = state_directory_read(&o->directory, &o->record, &fault);
    o->has_record = r > 0;
    if (r >= 0)
        return 0;
    (void)log_quote(span_of(settings->state_directory), quoted, sizeof(quoted));
    if (r == -EBADMSG)
        log_error("start_refused",
                  "reason=\"the state file cannot be used: %s\" path=%s file=go-id.state "
                  "hint=\"put back an intact copy; or, if it is lost, move it away and set MIN_ID "
                  "to the largest id that can have been issued\"",
                  state_record_fault_text(fault), quoted);
    else
        log_error("start_refused",
                  "reason=\"the state file cannot be read\" path=%s file=go-id.state errno=%s "
                  "hint=\"this user must be able to read it\"",
                  quoted, errno_name(-r));
    return r;
}

/* A restored container has its old SHARD_ID, which may be another one's by now. */
static void compare_machine_ids(const struct state_record *record, const struct settings *settings)
{
    const struct shard_range *before = &record->shards;
    const struct shard_range *now = &settings->shards;
    if (before->first != now->first || before->count != now->count)
        log_warn(
            "machine_ids_changed",
            "before=%" PRIu32 "-%" PRIu32 " now=%" PRIu32 "-%" PRIu32
            " hint=\"if nobody has changed SHARD_ID, a restore has: no other instance may have "
            "these machine ids\"",
            before->first, before->first + before->count - 1, now->first,
            now->first + now->count - 1);
}

int ownership_claim(struct ownership *o, const struct settings *settings)
{
    *o = (struct ownership){.directory = {.fd = -1, .lock_fd = -1}, .machines = {.fd = -1}};
    int r = open_directory(o, settings);
    if (r == 0)
        r = read_record(o, settings);
    if (r < 0)
        return r;

    struct start_identity identity = ownership_identity(settings, &o->directory);
    const struct state_record *record = o->has_record ? &o->record : NULL;
    o->plan = start_plan_make(record, &identity);
    char text[START_PLAN_TEXT_MAX];
    start_plan_describe(&o->plan, record, &identity, text);
    if (o->plan.refused) {
        log_error("start_refused", "reason=\"%s\"", text);
        return -EPERM;
    }
    log_info("state", "plan=\"%s\"", text);
    if (record != NULL)
        compare_machine_ids(record, settings);
    return lock_machines(o, settings);
}

void ownership_release(struct ownership *o)
{
    machine_lock_release(&o->machines);
    state_directory_close(&o->directory);
}

/* ---- Where ids begin ------------------------------------------------------------------------ */

const int64_t *ownership_believed_offset(const struct ownership *o)
{
    struct uuid_text boot = host_boot();
    /* An old copy knows nothing of leaps that were accepted since: nor should we believe it. */
    bool same_boot = o->has_record && !o->plan.skip_lead && boot.text[0] != '\0' &&
                     span_equal(span_of(boot.text), span_of(o->record.boot.text));
    return same_boot ? &o->record.clock_offset_ns : NULL;
}

/* Raises *floor to the largest id whose tick holds time_ns. */
static enum sonyflake_status raise_past(uint64_t *floor, const struct sonyflake_layout *layout,
                                        int64_t time_ns)
{
    uint64_t first;
    uint64_t last;
    enum sonyflake_status status = sonyflake_id_range(layout, time_ns, time_ns, &first, &last);
    if (status == SONYFLAKE_OK && last > *floor)
        *floor = last;
    return status;
}

enum sonyflake_status ownership_floor(const struct ownership *o, const struct settings *settings,
                                      const struct id_time *now, uint64_t *ret_floor)
{
    struct sonyflake_layout layout = SONYFLAKE_LAYOUT_DEFAULT;
    layout.start_time_ns = settings->start_time_ns;
    uint64_t floor = o->has_record ? o->record.floor : 0;

    /*
     * The present tick, too: without a record, or with one that was lost, a process that ended
     * a moment ago may have used it.
     */
    enum sonyflake_status status = raise_past(&floor, &layout, now->source_ns);
    if (status == SONYFLAKE_OK && o->has_record && o->record.mark_ns > settings->start_time_ns)
        status = raise_past(&floor, &layout, o->record.mark_ns - 1);
    if (status == SONYFLAKE_OK && o->plan.skip_lead)
        status = raise_past(&floor, &layout, now->source_ns + settings->max_clock_lead_ns);
    if (status == SONYFLAKE_OK)
        *ret_floor = floor;
    return status;
}

void ownership_take_over(struct ownership *o, const struct settings *settings, uint64_t floor)
{
    struct start_identity identity = ownership_identity(settings, &o->directory);
    o->record = (struct state_record){
        .floor = floor,
        .layout = identity.layout,
        .shards = identity.shards,
        .subvolume = identity.subvolume,
        .boot = host_boot(),
    };
    memcpy(o->record.instance, identity.instance, sizeof(o->record.instance));
}
