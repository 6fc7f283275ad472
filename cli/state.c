/* state.c: go-id state looks at the state directory, and changes it on an operator's word. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/state.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "common/suggest.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"
#include "server/ownership.h"
#include "server/settings/settings_load.h"
#include "server/store/host.h"

/* Too large for some stacks, and needed once. */
static struct settings settings;
static struct problems problems;
static struct problems warnings;

static void print_help(void)
{
    (void)printf("Usage: go-id state ACTION [OPTION...]\n\n"
                 "Looks at STATE_DIRECTORY, with the settings that 'go-id serve' would use.\n\n"
                 "Actions:\n"
                 "  show           print the mark, the pins, the identity, who owns the directory\n"
                 "                 and what a start would do; changes nothing\n"
                 "  adopt          take over the state of another instance (a clone, a renamed\n"
                 "                 host): your word that the original will not come back\n"
                 "  migrate        go on with another START_TIME; prints the floor that it sets\n"
                 "  accept-clock   believe a clock that has leapt ahead, from now on\n\n"
                 "Options:\n"
                 "  -c, --config FILE     read settings from FILE, as 'go-id serve' does\n"
                 "  -y, --yes             do it (accept-clock); without, only print what it costs\n"
                 "  -h, --help            print this help\n\n"
                 "Exit status: 0 done, 1 refused or failed, 2 wrong arguments or settings.\n");
}

/* ---- show ----------------------------------------------------------------------------------- */

static void print_record(const struct state_record *record)
{
    char time[TIMESTAMP_TEXT_MAX];
    int64_t ahead_ms = (record->mark_ns - clock_read().wall_ns) / NS_PER_MS;
    timestamp_format_ms(record->mark_ns, time);
    (void)printf("mark             %s (%" PRId64 " ms %s the clock)\n", time,
                 ahead_ms < 0 ? -ahead_ms : ahead_ms, ahead_ms < 0 ? "behind" : "ahead of");
    (void)printf("floor            %" PRIu64 "\n", record->floor);
    timestamp_format_ms(record->layout.start_time_ns, time);
    (void)printf("start time       %s\n", time);
    (void)printf("layout           %" PRIu32 " bits of time in ticks of %" PRId64 " ms, %" PRIu32
                 " of sequence, %" PRIu32 " of machine id\n",
                 63 - record->layout.sequence_bits - record->layout.machine_id_bits,
                 record->layout.time_unit_ns / NS_PER_MS, record->layout.sequence_bits,
                 record->layout.machine_id_bits);
    (void)printf("machine ids      %" PRIu32 "-%" PRIu32 "\n", record->shards.first,
                 record->shards.first + record->shards.count - 1);
    (void)printf("instance         %s\n", record->instance);
    (void)printf("subvolume        %s\n",
                 record->subvolume.text[0] != '\0' ? record->subvolume.text : "none (not BTRFS)");
}

static void print_owner(const struct state_directory *directory)
{
    pid_t pid = state_directory_owner(directory);
    if (pid > 0)
        (void)printf("owner            process %d\n", (int)pid);
    else
        (void)printf("owner            %s\n",
                     pid == 0 ? "nobody" : "a process of another container");
}

/* Whether a start in this boot would believe the clock. */
static void print_clock(const struct state_view *view)
{
    struct clock_reading now = clock_read();
    struct uuid_text boot = host_boot();
    bool same_boot =
        view->has_record && span_equal(span_of(boot.text), span_of(view->record.boot.text));
    int64_t leap_ns = now.wall_ns - now.boot_ns - view->record.clock_offset_ns;
    if (same_boot && !view->plan.skip_lead && leap_ns > view->settings->max_clock_leap_ns)
        (void)printf("clock            %" PRId64 " s ahead of what was believed: not believed; see "
                     "'go-id state accept-clock'\n",
                     leap_ns / NS_PER_S);
    else
        (void)printf("clock            believed\n");
}

int state_show(struct state_view *view)
{
    (void)printf("directory        %s%s\n", view->settings->state_directory,
                 view->directory.is_volatile ? " (in memory: it does not survive a reboot)" : "");
    print_owner(&view->directory);
    if (view->has_record)
        print_record(&view->record);
    char text[START_PLAN_TEXT_MAX];
    start_plan_describe(&view->plan, view->has_record ? &view->record : NULL, &view->identity,
                        text);
    (void)printf("this place       instance %s, subvolume %s\n", view->identity.instance,
                 view->identity.subvolume.text[0] != '\0' ? view->identity.subvolume.text
                                                          : "none (not BTRFS)");
    print_clock(view);
    pid_t pid = state_directory_owner(&view->directory);
    (void)printf("a start          %s%s: %s\n",
                 pid != 0 ? "is refused while the owner runs; then it " : "",
                 view->plan.refused ? "is refused" : "goes on", text);
    return view->plan.refused ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}

/* ---- Opening -------------------------------------------------------------------------------- */

/* Opens and reads the directory; returns the exit status, having said what is wrong. */
static int open_view(struct state_view *view)
{
    const char *path = settings.state_directory;
    const char *step;
    *view = (struct state_view){.settings = &settings, .directory = {.fd = -1, .lock_fd = -1}};
    int r = state_directory_open(&view->directory, path, false, &step);
    if (r < 0) {
        (void)fprintf(
            stderr,
            "go-id state: %s: %s failed: %s; name the service's directory with STATE_DIRECTORY "
            "or --config, and be root or the service's user\n",
            path, step, errno_name(-r));
        return EXIT_STATUS_FAILURE;
    }
    enum state_record_fault fault;
    r = state_directory_read(&view->directory, &view->record, &fault);
    if (r < 0) {
        (void)fprintf(stderr,
                      "go-id state: %s/go-id.state cannot be used: %s; put back an intact copy, "
                      "or, if it is lost, move it "
                      "away and set MIN_ID to the largest id that can have been issued\n",
                      path, r == -EBADMSG ? state_record_fault_text(fault) : errno_name(-r));
        return EXIT_STATUS_FAILURE;
    }
    view->has_record = r > 0;
    view->identity = ownership_identity(&settings, &view->directory);
    view->plan = start_plan_make(view->has_record ? &view->record : NULL, &view->identity);
    return EXIT_STATUS_OK;
}

static int run_action(struct span action, const struct settings_sources *sources, bool yes)
{
    settings_load(sources, &settings, &problems, &warnings);
    if (problems.count > 0) {
        problems_print(&problems, stderr);
        return EXIT_STATUS_USAGE;
    }
    struct state_view view;
    int status = open_view(&view);
    if (status == EXIT_STATUS_OK) {
        if (span_equal(action, SPAN("show")))
            status = state_show(&view);
        else if (span_equal(action, SPAN("adopt")))
            status = state_adopt(&view);
        else if (span_equal(action, SPAN("migrate")))
            status = state_migrate(&view);
        else
            status = state_accept_clock(&view, yes);
    }
    state_directory_close(&view.directory);
    return status;
}

static bool is_action(struct span word)
{
    static const char *const actions[] = {"show", "adopt", "migrate", "accept-clock"};
    enum { COUNT = sizeof(actions) / sizeof(actions[0]) };
    for (size_t i = 0; i < COUNT; i++) {
        if (span_equal(word, span_of(actions[i])))
            return true;
    }
    const char *meant = suggest(word, actions, COUNT, 3);
    char quoted[64];
    (void)fprintf(stderr, "go-id state: there is no action %s%s%s%s\n",
                  log_quote(word, quoted, sizeof(quoted)), meant != NULL ? "; did you mean '" : "",
                  meant != NULL ? meant : "", meant != NULL ? "'?" : "");
    return false;
}

int command_state(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"yes", no_argument, NULL, 'y'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct settings_sources sources = {0};
    bool yes = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:yh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            sources.config_path = optarg;
            break;
        case 'y':
            yes = true;
            break;
        case 'h':
            print_help();
            return EXIT_STATUS_OK;
        default:
            return usage_error("state");
        }
    }
    if (optind == argc) {
        (void)fprintf(stderr, "go-id state: say what to do: show, adopt, migrate, accept-clock\n");
        return usage_error("state");
    }
    if (argc - optind > 1)
        return unexpected_argument("state", argv[optind + 1]);
    struct span action = span_of(argv[optind]);
    if (!is_action(action))
        return usage_error("state");
    return run_action(action, &sources, yes);
}
