/*
 * generate.c: go-id generate gets ids from a running service and prints them.
 *
 * Ids come as format=binary whatever is printed, a batch at a time, and a batch is printed when it
 * is there as a whole: a connection that breaks takes ids with it that nobody will see, and none
 * that anybody has seen.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/id_output.h"
#include "cli/target.h"
#include "common/errno_name.h"
#include "common/number.h"
#include "common/timestamp.h"
#include "server/clock/clock.h"

#define COUNT_MAX UINT64_C(1000000000)
#define BATCH_MAX 100000        /* the largest that MAX_BATCH can be */
#define ATTEMPTS_MAX 6          /* of one batch */
#define WAIT_MAX_S UINT64_C(60) /* between two of them */
#define PROGRESS_COUNT 100000   /* from so many ids on, on a terminal */
#define PROGRESS_STEP_NS (NS_PER_S / 4)

struct job {
    struct target target;
    struct http_url url;
    const char *url_text;
    uint64_t wanted;
    uint64_t batch_max;
    uint64_t timeout_ms; /* of a batch, which may wait for its ids */
    bool progress;
    int64_t begun_ns;
    int64_t shown_ns;
    bool line_is_open; /* the progress, on a terminal */
};

/* Large, and in reach of the handler. */
static struct http_connection connection = HTTP_CONNECTION_INIT;
static struct id_output output;
static char answer_bytes[BATCH_MAX * sizeof(uint64_t) + 8192];

static void print_help(void)
{
    (void)printf(
        "Usage: go-id generate [OPTION...]\n\n"
        "Gets ids from a running service and prints them, one per line.\n\n"
        "Options:\n"
        "  -n, --count N         print N ids, 1 to 1000000000 (default 1)\n"
        "  -f, --format text|json|string|binary\n"
        "                        how they are printed; text (default): decimal; json: as\n"
        "                        GET /generate answers; string: the same, the id in\n"
        "                        quotes; binary: 8 bytes each, big-endian\n"
        "  -u, --url URL         ask http://host[:port][/path] or unix:/path/of/socket;\n"
        "                        without, GO_ID_URL of the environment, or else\n"
        "                        http://127.0.0.1:PORT, with SERVICE_PORT of the settings\n"
        "  -c, --config FILE     read SERVICE_PORT and AUTH_TOKEN_FILE from FILE, as\n"
        "                        'go-id serve' does\n"
        "  -k, --token-file FILE show the first token in FILE; without, the environment's\n"
        "                        GO_ID_TOKEN, or AUTH_TOKEN_FILE if there is no URL\n"
        "  -t, --timeout-ms N    give up after N ms, 1 to 600000 (default 2000), beyond\n"
        "                        what the service itself may wait for ids\n"
        "  -p, --progress        show on standard error how far it is; without, only from\n"
        "                        100000 ids on, on a terminal without the ids\n"
        "  -h, --help            print this help\n\n"
        "Ids come in batches as large as the service takes.  A 503 or a 429 is tried\n"
        "again, up to 5 times in a row, as late as Retry-After says, if that is within a\n"
        "minute.  Whatever ends it early, every id is printed once or never, and standard\n"
        "error says how many there were.\n\n"
        "Exit status: 0 all printed, 1 not all of them, 2 wrong arguments or settings;\n"
        "ended by the signal after SIGINT (130 to a shell), SIGTERM (143), and SIGPIPE\n"
        "(141) when nobody reads standard output any more.\n");
}

/* ---- Saying how far it is ------------------------------------------------------------------- */

static void close_line(struct job *job)
{
    if (job->line_is_open)
        (void)fputc('\n', stderr);
    job->line_is_open = false;
}

static void show_progress(struct job *job, bool is_end)
{
    int64_t now_ns = clock_read().mono_ns;
    if (!job->progress || (!is_end && now_ns - job->shown_ns < PROGRESS_STEP_NS))
        return;
    job->shown_ns = now_ns;
    bool on_terminal = isatty(STDERR_FILENO) != 0;
    uint64_t ms = (uint64_t)((now_ns - job->begun_ns) / NS_PER_MS);
    (void)fprintf(stderr,
                  "%s%" PRIu64 " of %" PRIu64 " ids in %" PRIu64 ".%" PRIu64 " s, %" PRIu64
                  " ids/s%s",
                  on_terminal ? "\r" : "", output.written, job->wanted, ms / 1000, ms % 1000 / 100,
                  output.written * 1000 / (ms + 1), on_terminal ? "\x1b[K" : "\n");
    job->line_is_open = on_terminal;
    if (is_end)
        close_line(job);
}

/* Where it stands, after a reason that was printed before. */
static void say_rest(const struct job *job)
{
    if (output.written == 0 && !output.is_torn) {
        (void)fprintf(stderr, "go-id generate: no id was printed\n");
        return;
    }
    (void)fprintf(stderr, "go-id generate: %" PRIu64 " of %" PRIu64 " ids were printed, each once",
                  output.written, job->wanted);
    if (output.is_torn)
        (void)fprintf(stderr, ", and a part of one more: remove what is behind the last whole id");
    (void)fprintf(stderr,
                  "; for the rest: go-id generate -n %" PRIu64 ", the other options as before\n",
                  job->wanted - output.written);
}

/* ---- Signals -------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped; /* the signal, or 0 */

static void stop(int number)
{
    int saved = errno;
    stopped = number;
    if (connection.fd != -1)
        (void)shutdown(connection.fd, SHUT_RDWR); /* nothing more comes: whoever waits wakes up */
    errno = saved;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction old;
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL); /* the second one ends us at once */
    }
    /* Whoever closes the other end of a pipe has enough: the default, also below nohup and the
     * like. */
    action = (struct sigaction){.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* Sleeps, unless there is a signal; one that comes just before the sleep counts, too. */
static void sleep_ms(uint64_t ms)
{
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * NS_PER_MS};
    sigset_t ours;
    sigset_t before;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ours, &before);
    if (stopped == 0)
        (void)ppoll(NULL, 0, &pause, &before);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* Asks once.  Returns 0 with an answer of whatever status, or a negative errno, having said why. */
static int ask(struct job *job, const char *target, uint64_t timeout_ms, struct http_answer *ret)
{
    char path[2 * HTTP_URL_PART_MAX];
    const char *step;
    (void)snprintf(path, sizeof(path), "%s%s", job->url.path, target);
    int r = http_get(&connection, &job->url, path, timeout_ms, answer_bytes, sizeof(answer_bytes),
                     ret, &step);
    if (r == 0 || stopped != 0)
        return r;
    close_line(job);
    (void)target_say_failure(&job->target, job->url_text, step, r);
    return r;
}

static void say_status(struct job *job, const struct http_answer *answer, const char *what)
{
    close_line(job);
    target_say_status(&job->target, job->url_text, answer, what);
}

/* As late as the service said, twice as late each time, and not all clients at once. */
static void wait_for_turn(struct job *job, const struct http_answer *answer, unsigned attempt)
{
    uint64_t wait_ms = ((uint64_t)answer->retry_after_s * 1000) << (attempt - 1);
    uint64_t random = 0;
    char text[64];
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == -1)
        random = 0; /* then all at once */
    wait_ms += wait_ms > 0 ? random % wait_ms : 0;
    if (wait_ms > WAIT_MAX_S * 1000)
        wait_ms = WAIT_MAX_S * 1000;
    (void)snprintf(text, sizeof(text), "; trying again in %" PRIu64 ".%" PRIu64 " s (%u of %u)",
                   wait_ms / 1000, wait_ms % 1000 / 100, attempt, ATTEMPTS_MAX - 1);
    say_status(job, answer, text);
    sleep_ms(wait_ms);
}

/* Asks until there is an answer that waiting does not change.  Returns whether that is a 200. */
static bool ask_patiently(struct job *job, const char *target, uint64_t timeout_ms,
                          struct http_answer *ret)
{
    for (unsigned attempt = 1; stopped == 0; attempt++) {
        if (ask(job, target, timeout_ms, ret) < 0 || stopped != 0)
            return false;
        if (ret->status == 200)
            return true;
        bool may_pass =
            (ret->status == 503 || ret->status == 429) && ret->retry_after_s <= WAIT_MAX_S;
        if (!may_pass || attempt == ATTEMPTS_MAX) {
            say_status(job, ret, target_next_step(ret->status));
            return false;
        }
        wait_for_turn(job, ret, attempt);
    }
    return false;
}

/* What stands behind a key of /info, up to the end of a number or a string. */
static struct span value_of(struct span json, struct span key)
{
    return target_value_of(json, key, ",}\"");
}

/* Asks the service how far it goes. */
static bool learn_limits(struct job *job)
{
    struct http_answer answer;
    uint64_t max_wait_ms = 0;
    unsigned column;
    if (!ask_patiently(job, "/info", job->target.timeout_ms, &answer))
        return false;
    if (parse_u64(value_of(answer.body, SPAN("\"max_batch\":")), 1, UINT32_MAX, &job->batch_max) <
            0 ||
        parse_u64(value_of(answer.body, SPAN("\"max_wait_ms\":")), 0, 3600000, &max_wait_ms) < 0 ||
        timestamp_parse(value_of(answer.body, SPAN("\"start_time\":\"")), &output.start_time_ns,
                        &column) < 0) {
        (void)fprintf(stderr,
                      "go-id generate: %s: its /info does not say what a go-id's does; correct the "
                      "URL\n",
                      job->url_text);
        return false;
    }
    if (job->batch_max > BATCH_MAX)
        job->batch_max = BATCH_MAX;
    job->timeout_ms = job->target.timeout_ms + max_wait_ms;
    return true;
}

/* ---- Printing ------------------------------------------------------------------------------- */

/* Prints the ids of an answer, as they came.  Returns false, having said why. */
static bool print_ids(struct job *job, struct span ids)
{
    int r = 0;
    for (size_t at = 0; at < ids.len && r == 0; at += sizeof(uint64_t)) {
        uint64_t big_endian;
        memcpy(&big_endian, ids.base + at, sizeof(big_endian));
        r = id_output_add(&output, be64toh(big_endian));
    }
    if (r == 0)
        r = id_output_flush(&output);
    if (r == 0 || stopped != 0)
        return r == 0;
    close_line(job);
    (void)fprintf(stderr, "go-id generate: cannot write to standard output: %s%s\n", errno_name(-r),
                  r == -ENOSPC || r == -EDQUOT ? "; make room there, or write elsewhere" : "");
    return false;
}

static bool get_and_print(struct job *job)
{
    while (output.written < job->wanted && stopped == 0) {
        char target[64];
        struct http_answer answer;
        uint64_t rest = job->wanted - output.written;
        uint64_t count = rest < job->batch_max ? rest : job->batch_max;
        (void)snprintf(target, sizeof(target), "/generate?count=%" PRIu64 "&format=binary", count);
        if (!ask_patiently(job, target, job->timeout_ms, &answer))
            return false;
        if (answer.body.len != count * sizeof(uint64_t)) {
            close_line(job);
            (void)fprintf(stderr,
                          "go-id generate: %s: %zu bytes are not the %" PRIu64 " ids that were "
                          "asked for; correct the URL\n",
                          job->url_text, answer.body.len, count);
            return false;
        }
        if (!print_ids(job, answer.body))
            return false;
        show_progress(job, false);
    }
    return stopped == 0;
}

static int run(struct job *job)
{
    /* A socket would get the number of a standard output that is closed. */
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) {
        (void)fprintf(stderr, "go-id generate: standard output is closed; open it: no id was "
                              "asked for\n");
        return EXIT_STATUS_FAILURE;
    }
    int status = target_find(&job->target, "/", &job->url, &job->url_text);
    if (status != EXIT_STATUS_OK)
        return status;
    size_t len = strlen(job->url.path);
    if (job->url.path[len - 1] == '/')
        job->url.path[len - 1] = '\0';

    connection.keep = true;
    output.stopped = &stopped;
    job->begun_ns = clock_read().mono_ns;
    /* Among ids on the same terminal it would be in the way. */
    job->progress = job->progress || (job->wanted >= PROGRESS_COUNT && isatty(STDERR_FILENO) != 0 &&
                                      isatty(STDOUT_FILENO) == 0);
    catch_signals();
    bool done = learn_limits(job) && get_and_print(job);
    http_close(&connection);
    if (done) {
        show_progress(job, true);
        return EXIT_STATUS_OK;
    }
    close_line(job);
    say_rest(job);
    if (stopped != 0)
        (void)raise(stopped); /* as a shell expects it, whose loop ends too */
    return EXIT_STATUS_FAILURE;
}

/* ---- Arguments ------------------------------------------------------------------------------ */

static bool take_count(const char *text, uint64_t *ret_count)
{
    if (parse_u64(span_of(text), 1, COUNT_MAX, ret_count) == 0)
        return true;
    (void)fprintf(
        stderr, "go-id generate: --count must be a number from 1 to 1000000000, not '%s'\n", text);
    return false;
}

static bool take_format(const char *text)
{
    if (id_output_format_find(span_of(text), &output.format))
        return true;
    (void)fprintf(stderr, "go-id generate: --format must be " ID_OUTPUT_FORMATS ", not '%s'\n",
                  text);
    return false;
}

/* Takes an option.  Returns false for a value that is none, having said why. */
static bool take_option(struct job *job, int option, const char *value)
{
    switch (option) {
    case 'n':
        return take_count(value, &job->wanted);
    case 'f':
        return take_format(value);
    case 't':
        return target_take_timeout(&job->target, value);
    case 'u':
        job->target.url = value;
        return true;
    case 'c':
        job->target.config_path = value;
        return true;
    case 'k':
        job->target.token_file = value;
        return true;
    default:
        job->progress = true;
        return true;
    }
}

int command_generate(int argc, char **argv)
{
    static const struct option options[] = {{"count", required_argument, NULL, 'n'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"url", required_argument, NULL, 'u'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"token-file", required_argument, NULL, 'k'},
                                            {"timeout-ms", required_argument, NULL, 't'},
                                            {"progress", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct job job = {
        .target = {.command = "generate", .token_is_needed = true, .timeout_ms = TARGET_TIMEOUT_MS},
        .wanted = 1,
    };
    job.target.url = target_url_of_environment();
    int option;
    while ((option = getopt_long(argc, argv, "n:f:u:c:k:t:ph", options, NULL)) != -1) {
        if (option == '?')
            return usage_error("generate");
        if (option == 'h') {
            print_help();
            return EXIT_STATUS_OK;
        }
        if (!take_option(&job, option, optarg))
            return EXIT_STATUS_USAGE;
    }
    if (optind < argc)
        return unexpected_argument("generate", argv[optind]);
    return run(&job);
}
