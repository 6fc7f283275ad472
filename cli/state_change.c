/* state_change.c: the actions of go-id state that change something. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "cli/command.h"
#include "cli/state.h"
#include "common/errno_name.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/store/host.h"

/* How long a running daemon may take to do what it was told. */
#define ANSWER_TRIES 500
#define ANSWER_STEP_NS (10 * NS_PER_MS)

/* ---- Common --------------------------------------------------------------------------------- */

/*
 * Reads the record again, now that nobody else writes it: a daemon may have moved the mark, and
 * ended, since it was read.  Returns false if it is no longer what the action was decided on.
 */
static bool read_again(struct state_view *view)
{
    enum state_record_fault fault;
    int r = state_directory_read(&view->directory, &view->record, &fault);
    bool had_record = view->has_record;
    enum start_verdict verdict = view->plan.verdict;
    view->has_record = r > 0;
    view->plan = start_plan_make(view->has_record ? &view->record : NULL, &view->identity);
    if (r >= 0 && view->has_record == had_record && view->plan.verdict == verdict)
        return true;
    (void)fprintf(stderr, "go-id state: the state has changed meanwhile; look at it again\n");
    return false;
}

/* Makes us the owner, so that no daemon starts or runs meanwhile.  Says why if that fails. */
static bool own(struct state_view *view)
{
    pid_t pid = 0;
    int r = state_directory_lock(&view->directory, &pid);
    if (r == 0)
        return read_again(view);
    if (r == -EAGAIN && pid > 0)
        (void)fprintf(stderr,
                      "go-id state: process %d is running on this state directory; stop it first\n",
                      (int)pid);
    else if (r == -EAGAIN)
        (void)fprintf(stderr, "go-id state: a process of another container is running on this "
                              "state directory; stop it first\n");
    else
        (void)fprintf(
            stderr,
            "go-id state: cannot lock the state directory: %s; be root or the service's user\n",
            errno_name(-r));
    return false;
}

static int write_record(const struct state_view *view, const struct state_record *record)
{
    int r = state_directory_write(&view->directory, record);
    if (r == 0)
        return EXIT_STATUS_OK;
    (void)fprintf(stderr,
                  "go-id state: cannot write the record: %s; nothing has changed. Make room there, "
                  "or be root or the service's user\n",
                  errno_name(-r));
    return EXIT_STATUS_FAILURE;
}

/* Raises *floor to the largest id whose tick holds time_ns, if the layout has that tick. */
static void raise_past(uint64_t *floor, const struct sonyflake_layout *layout, int64_t time_ns)
{
    uint64_t first;
    uint64_t last;
    if (sonyflake_id_range(layout, time_ns, time_ns, &first, &last) == SONYFLAKE_OK &&
        last > *floor)
        *floor = last;
}

/* How far ids can have been issued by now, by an instance that was as far ahead as it may be. */
static int64_t latest_time(const struct state_view *view, struct clock_reading now)
{
    int64_t time_ns = now.wall_ns;
    struct uuid_text boot = host_boot();
    if (span_equal(span_of(boot.text), span_of(view->record.boot.text)) &&
        now.boot_ns + view->record.clock_offset_ns > time_ns)
        time_ns = now.boot_ns + view->record.clock_offset_ns; /* its source is not this clock */
    return time_ns + view->settings->max_clock_lead_ns;
}

static void print_plan(const struct state_view *view)
{
    char text[START_PLAN_TEXT_MAX];
    start_plan_describe(&view->plan, view->has_record ? &view->record : NULL, &view->identity,
                        text);
    (void)printf("%s\n", text);
}

/* ---- adopt ---------------------------------------------------------------------------------- */

int state_adopt(struct state_view *view)
{
    if (view->plan.verdict != START_CLONE) {
        (void)printf("There is nothing to adopt. ");
        print_plan(view);
        return view->plan.refused ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
    }
    if (!own(view))
        return EXIT_STATUS_FAILURE;

    /* The original may have been ahead of the clock, by as much as it was allowed to. */
    struct state_record record = view->record;
    struct clock_reading now = clock_read();
    raise_past(&record.floor, &record.layout, latest_time(view, now));
    /* Nor does the copy know of leaps that the original has accepted since. */
    record.boot = host_boot();
    record.clock_offset_ns = now.wall_ns - now.boot_ns;
    record.shards = view->identity.shards;
    record.subvolume = view->identity.subvolume;
    memcpy(record.instance, view->identity.instance, sizeof(record.instance));
    int status = write_record(view, &record);
    if (status == EXIT_STATUS_OK)
        (void)printf("The state of instance %s now belongs to instance %s. Ids go on above %" PRIu64
                     ", MAX_CLOCK_LEAD ahead of the clock, past everything the original can have "
                     "issued until now. It must not be started again with machine ids %" PRIu32
                     " to %" PRIu32 ".\n",
                     view->record.instance, record.instance, record.floor, record.shards.first,
                     record.shards.first + record.shards.count - 1);
    return status;
}

/* ---- migrate -------------------------------------------------------------------------------- */

/* Whether the new layout reaches the floor soon enough; says so if not. */
static bool reaches(const struct state_record *record, const struct settings *settings)
{
    int64_t floor_ns = 0;
    int64_t now_ns = clock_read().wall_ns;
    if (sonyflake_id_time(&record->layout, record->floor, &floor_ns) == SONYFLAKE_OK &&
        floor_ns <= now_ns + settings->max_clock_lead_ns)
        return true;
    char text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(floor_ns, text);
    (void)fprintf(stderr,
                  "go-id state: with this START_TIME, ids would pass the largest one issued so far "
                  "(%" PRIu64 ") only at %s, and there could be none until then; nothing has "
                  "changed. Choose an earlier START_TIME than the present one, or, if ids of both "
                  "never meet, a new STATE_DIRECTORY\n",
                  record->floor, text);
    return false;
}

int state_migrate(struct state_view *view)
{
    if (view->plan.verdict != START_OTHER_START && view->plan.verdict != START_OTHER_LAYOUT) {
        (void)printf("There is nothing to migrate. ");
        print_plan(view);
        return view->plan.refused ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
    }
    if (!own(view))
        return EXIT_STATUS_FAILURE;

    /*
     * As ids: the same number must not come again, whatever time it stands for.  The record may be
     * an old copy, so the clock counts as well.  Without a mark nothing was issued in this layout:
     * a migration that was a mistake can be taken back.
     */
    struct state_record record = view->record;
    if (record.mark_ns > 0) {
        raise_past(&record.floor, &record.layout, record.mark_ns - 1);
        raise_past(&record.floor, &record.layout, latest_time(view, clock_read()));
    }
    record.layout = view->identity.layout;
    record.mark_ns = 0; /* the floor says it all */
    if (!reaches(&record, view->settings))
        return EXIT_STATUS_FAILURE;
    int status = write_record(view, &record);
    char text[TIMESTAMP_TEXT_MAX];
    timestamp_format_ms(record.layout.start_time_ns, text);
    if (status == EXIT_STATUS_OK)
        (void)printf("The floor is %" PRIu64 ": every id from now on is larger. START_TIME is %s; "
                     "ids issued so far must be decoded with the old one.\n",
                     record.floor, text);
    return status;
}

/* ---- accept-clock --------------------------------------------------------------------------- */

static void print_cost(int64_t leap_ns, const struct settings *settings)
{
    int64_t leap_s = leap_ns / NS_PER_S;
    (void)printf(
        "The clock is %" PRId64 " h %" PRId64 " min %" PRId64 " s ahead of the time that ids go "
        "by.\nAccepting it costs:\n"
        "- that part of the id space is skipped for good;\n"
        "- if the clock turns out to be wrong and is set back, ids stay ahead of it: requests "
        "get 503 until it is within %" PRId64 " ms (MAX_CLOCK_LEAD) of the newest id.\n",
        leap_s / 3600, leap_s / 60 % 60, leap_s % 60, settings->max_clock_lead_ns / NS_PER_MS);
}

/* Tells the daemon, and waits until its record shows that it has listened. */
static int tell_daemon(struct state_view *view, pid_t pid)
{
    if (kill(pid, SIGUSR1) == -1) {
        (void)fprintf(stderr,
                      "go-id state: cannot signal process %d: %s; be root or the service's user\n",
                      (int)pid, errno_name(errno));
        return EXIT_STATUS_FAILURE;
    }
    struct timespec step = {.tv_nsec = ANSWER_STEP_NS};
    for (int i = 0; i < ANSWER_TRIES; i++) {
        struct state_record record;
        enum state_record_fault fault;
        if (state_directory_read(&view->directory, &record, &fault) > 0 &&
            record.clock_offset_ns != view->record.clock_offset_ns) {
            (void)printf("Process %d has accepted the clock.\n", (int)pid);
            return EXIT_STATUS_OK;
        }
        (void)nanosleep(&step, NULL); /* EINTR: a shorter step */
    }
    (void)fprintf(stderr, "go-id state: process %d has not confirmed it; its log says more\n",
                  (int)pid);
    return EXIT_STATUS_FAILURE;
}

static int accept_in_record(struct state_view *view, int64_t offset_ns)
{
    if (!own(view))
        return EXIT_STATUS_FAILURE;
    struct state_record record = view->record;
    record.clock_offset_ns = offset_ns;
    int status = write_record(view, &record);
    if (status == EXIT_STATUS_OK)
        (void)printf("The next start believes the clock.\n");
    return status;
}

/* The servers' time is known to the daemon alone. */
static int accept_ntp(struct state_view *view, bool yes)
{
    pid_t pid = state_directory_owner(&view->directory);
    if (pid <= 0 || !yes) {
        (void)printf("With TIME_SOURCE=ntp the running daemon knows the time of the servers: GET "
                     "/ready shows leap_not_believed_ms. Nothing has changed.%s\n",
                     pid > 0 ? " To accept it: go-id state accept-clock --yes" : "");
        return EXIT_STATUS_FAILURE;
    }
    return tell_daemon(view, pid);
}

int state_accept_clock(struct state_view *view, bool yes)
{
    if (view->settings->time_source == TIME_SOURCE_NTP)
        return accept_ntp(view, yes);
    if (view->settings->time_source == TIME_SOURCE_MONOTONIC &&
        state_directory_owner(&view->directory) != 0) {
        (void)printf("There is nothing to accept: with TIME_SOURCE=monotonic the clock is read at "
                     "start only.\n");
        return EXIT_STATUS_OK;
    }
    struct clock_reading now = clock_read();
    int64_t offset_ns = now.wall_ns - now.boot_ns;
    int64_t leap_ns = offset_ns - view->record.clock_offset_ns;
    struct uuid_text boot = host_boot();
    bool same_boot =
        view->has_record && span_equal(span_of(boot.text), span_of(view->record.boot.text));
    if (!same_boot || leap_ns <= view->settings->max_clock_leap_ns) {
        (void)printf("There is nothing to accept: the clock is believed.\n");
        return EXIT_STATUS_OK;
    }
    print_cost(leap_ns, view->settings);
    if (!yes) {
        (void)printf(
            "Nothing has changed. If the clock is right: go-id state accept-clock --yes\n");
        return EXIT_STATUS_FAILURE;
    }
    pid_t pid = state_directory_owner(&view->directory);
    if (pid < 0) {
        (void)fprintf(stderr, "go-id state: the daemon runs in another container; do this there\n");
        return EXIT_STATUS_FAILURE;
    }
    return pid > 0 ? tell_daemon(view, pid) : accept_in_record(view, offset_ns);
}
